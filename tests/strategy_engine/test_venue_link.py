"""A real gateway's account: orders wait for the connection, what was missed is applied, and what cannot be explained halts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from fake_venue.floor import CASH, SECOND, Floor, cancel, change, order, tick

from gcg_quant.events import (
    AccountEvent,
    Applied,
    ConfigChangeEvent,
    Fill,
    GatewayStatus,
    OrderCommand,
    OrderEvent,
    OrderStatus,
    PositionEvent,
    RiskReason,
    RiskVerdict,
    SnapshotEvent,
)
from gcg_quant.strategy_engine.orders.states import FINAL_STATES

S = OrderStatus


@pytest.fixture
def make_floor(tmp_path: Path, wait_until: Callable[..., None]) -> Iterator[Callable[..., Floor]]:
    """Return a function that makes a floor; all are closed at the end."""
    made: list[Floor] = []

    def make(*, start: bool = True, **config: Any) -> Floor:
        floor = Floor(tmp_path, wait_until, **config)
        made.append(floor)
        if start:
            floor.start()
        return floor

    yield make
    for floor in made:
        floor.close()


@pytest.fixture
def floor(make_floor: Callable[..., Floor]) -> Floor:
    """Return a floor whose engine is connected."""
    return make_floor()


def lose(floor: Floor) -> None:
    """Kill the venue and wait until the engine has noticed."""
    floor.venue.kill()
    floor.wait_until(lambda: floor.status() == "disconnected", "the loss")


def come_back(floor: Floor) -> None:
    """Start the venue again and wait until the account is reconciled."""
    floor.venue.start()
    floor.wait_until(lambda: floor.status() in ("connected", "halted"), "the return")


def halted(floor: Floor) -> str:
    """Wait for the halt and return what it says."""
    floor.wait_until(lambda: floor.status() == "halted" and floor.alerts("account_halted"), "the halt")
    return floor.alerts("account_halted")[-1]


def refusal(floor: Floor, client_id: str) -> RiskVerdict:
    """Send an order that must be refused; return its verdict."""
    floor.say(order(client_id, 1.0, 100.0))
    (verdict,) = [one for one in floor.read(RiskVerdict) if one.client_id == client_id]
    assert not verdict.passed
    assert client_id not in [one.client_id for one in floor.read(OrderCommand)]
    return verdict


# ---- the ordinary day


def test_order_goes_to_the_venue_and_its_reports_come_back(floor: Floor) -> None:
    """Accepted, partly filled, changed, filled: each at the venue first."""
    floor.say(order("a", 3.0, 100.0))
    floor.wait_inbox("a")
    assert floor.state_of("a") == S.SUBMITTING
    floor.step(ask=200, ask_lots=1)
    floor.wait_for("a", S.PARTLY_FILLED)
    floor.say(change("a", price=101.0))
    floor.step(ask=202, ask_lots=9)
    floor.wait_for("a", S.FILLED)
    assert [one.status for one in floor.read(OrderEvent)] == [S.SUBMITTING, S.ACCEPTED, S.PARTLY_FILLED, S.PARTLY_FILLED, S.FILLED]
    assert [(one.price, one.quantity) for one in floor.read(Fill)] == [(100.0, 1.0), (101.0, 2.0)]
    assert floor.venue.ask("positions") == {"COIN": 3}
    assert floor.read(PositionEvent)[-1].quantity == 3.0


def test_reports_do_not_wait_for_the_market(floor: Floor) -> None:
    """A report wakes the engine up: it is published although nothing else happens on the bus."""
    floor.say(order("a", 1.0, 100.0))
    floor.wait_inbox("a")
    floor.step()
    floor.wait_for("a", S.ACCEPTED)


def test_venue_rejects(floor: Floor) -> None:
    """A rejection of the venue ends the order with its words."""
    floor.venue.fault("reject")
    floor.say(order("a", 1.0, 100.0))
    floor.wait_inbox("a")
    floor.step()
    floor.wait_for("a", S.REJECTED)
    assert floor.read(OrderEvent)[-1].reason == "the venue does not want it"


def test_duplicate_reports_count_once(floor: Floor) -> None:
    """Whatever is said twice is money once."""
    floor.venue.fault("duplicate", 100)
    floor.say(order("a", 2.0, 101.0), order("b", 1.0, 90.0), cancel("b"))
    floor.wait_inbox("b")
    floor.step(ask=202, ask_lots=5)
    floor.wait_for("a", S.FILLED)
    floor.wait_for("b", S.CANCELLED)
    floor.wait_until(lambda: floor.engine.desk.orders.duplicates >= 4, "the copies")
    assert len(floor.read(Fill)) == 1
    assert floor.read(AccountEvent)[-1].cash == pytest.approx(CASH - 202.0)


def test_fill_while_cancelling_is_a_fill(floor: Floor) -> None:
    """The venue fills what it was asked to cancel, and says that there is nothing to cancel."""
    floor.say(order("a", 2.0, 100.0))
    floor.wait_inbox("a")
    floor.step()
    floor.wait_for("a", S.ACCEPTED)
    floor.venue.fault("fill_while_cancelling")
    floor.say(cancel("a"))
    floor.wait_until(lambda: any(row["do"] == "cancel" for row in floor.venue.record().inputs), "the cancellation at the venue")
    floor.step()
    floor.wait_for("a", S.FILLED)
    assert floor.engine.desk.books.accounts.total(1) == 2


def test_rejection_that_got_lost_under_a_cancellation_is_found(floor: Floor) -> None:
    """An order that was to be cancelled before the venue had answered may turn out to be rejected: that is an end like any other."""
    floor.venue.fault("reject")
    floor.say(order("a", 1.0, 100.0))
    floor.wait_inbox("a")
    floor.say(cancel("a"))
    floor.venue.fault("disconnect")  # just before the step: nobody hears the rejection
    floor.step()
    floor.wait_for("a", S.REJECTED)
    floor.wait_until(lambda: [one.status for one in floor.read(GatewayStatus)].count("connected") == 2, "the reconciliation")
    assert floor.alerts("account_halted") == []


def test_delayed_reports_are_late_not_lost(floor: Floor) -> None:
    """A report that comes after its successor changes nothing about the end."""
    floor.venue.fault("delay", 1)
    floor.say(order("a", 1.0, 101.0))
    floor.wait_inbox("a")
    floor.step(ask=202, ask_lots=5)
    floor.wait_for("a", S.FILLED)
    floor.wait_until(lambda: floor.engine.desk.orders.duplicates == 1, "the late acknowledgement")


def test_lost_acknowledgement_is_asked_for(make_floor: Callable[..., Floor]) -> None:
    """An order without an answer is looked up when its time is over, in event time."""
    floor = make_floor(answer_ns=5 * SECOND)
    floor.venue.fault("lose_acknowledgement")
    floor.say(order("a", 1.0, 100.0))
    floor.wait_inbox("a")
    floor.step()
    floor.say(tick(4, 100.0))
    assert floor.state_of("a") == S.SUBMITTING
    floor.say(tick(6, 100.0))
    floor.wait_for("a", S.ACCEPTED)
    assert floor.venue.record().submitted() == {"a": 1}


# ---- down and up again


def test_orders_are_refused_while_the_gateway_is_down(floor: Floor) -> None:
    """By default nothing waits: the verdict says that the gateway is down, alerts tell when it went and came."""
    lose(floor)
    floor.wait_until(lambda: floor.alerts("gateway_down"), "the alert")  # it follows the state
    assert "is down" in floor.alerts("gateway_down")[0]
    assert "New orders are refused" in floor.alerts("gateway_down")[0]
    verdict = refusal(floor, "a")
    assert verdict.reasons == RiskReason.GATEWAY_DOWN
    assert "the fake gateway is not connected" in verdict.message
    come_back(floor)
    floor.wait_until(lambda: floor.alerts("gateway_up"), "the alert")
    floor.say(order("b", 1.0, 100.0))
    floor.wait_inbox("b")
    assert [one.status for one in floor.read(GatewayStatus)] == ["connecting", "accepted", "connected", "disconnected", "connected"]


def test_orders_are_held_by_rule_and_sent_when_it_is_up(make_floor: Callable[..., Floor]) -> None:
    """With `hold_ns` orders wait, in their order, and are checked when they go out."""
    floor = make_floor(hold_ns=60 * SECOND)
    lose(floor)
    floor.say(order("a", 1.0, 100.0), order("b", 1.0, 100.0), order("c", 1.0, 100.0))
    assert floor.read(RiskVerdict) == []
    floor.say(cancel("b"))
    assert floor.state_of("b") == S.REJECTED
    come_back(floor)
    floor.wait_inbox("c")
    assert [row["client_id"] for row in floor.venue.record().inputs if row["do"] == "submit"] == ["a", "c"]


def test_held_orders_are_refused_when_it_takes_too_long(make_floor: Callable[..., Floor]) -> None:
    """Held orders do not come out of the blue: after `hold_ns` of event time they are refused."""
    floor = make_floor(hold_ns=5 * SECOND)
    lose(floor)
    floor.say(order("a", 1.0, 100.0))
    floor.say(tick(4, 100.0))
    assert floor.read(RiskVerdict) == []
    floor.say(tick(6, 100.0))
    floor.wait_until(lambda: floor.state_of("a") == S.REJECTED, "the refusal")
    assert floor.read(RiskVerdict)[0].reasons == RiskReason.GATEWAY_DOWN


def test_held_order_survives_a_restart(make_floor: Callable[..., Floor]) -> None:
    """What waits is in the journal: the next engine holds it, and sends it once."""
    floor = make_floor(hold_ns=60 * SECOND)
    lose(floor)
    floor.say(order("a", 1.0, 100.0))
    floor.restart(up=False)
    assert floor.read(RiskVerdict) == []
    come_back(floor)
    floor.wait_inbox("a")
    assert floor.venue.record().submitted() == {"a": 1}


def test_what_was_missed_is_applied(floor: Floor) -> None:
    """Fills, an end and an acknowledgement of while nobody listened come in by the reconciliation, once."""
    floor.say(order("a", 3.0, 101.0), order("b", 1.0, 90.0), order("c", 1.0, 80.0))
    floor.wait_inbox("c")
    floor.venue.fault("disconnect")  # just before the step: none of its reports arrives
    floor.venue.do("cancel", client_id="b")
    floor.step(ask=202, ask_lots=2)
    floor.wait_for("a", S.PARTLY_FILLED)
    floor.wait_for("b", S.CANCELLED)
    floor.wait_for("c", S.ACCEPTED)
    floor.wait_until(lambda: [one.status for one in floor.read(GatewayStatus)].count("connected") == 2, "the reconciliation")
    assert [(one.quantity, one.price) for one in floor.read(Fill)] == [(2.0, 101.0)]
    assert floor.alerts("account_halted") == []


def test_order_that_never_arrived_is_sent_once(floor: Floor) -> None:
    """The venue dies before it has read the order: nothing of it is there, so it is sent, and only once."""
    floor.venue.fault("die_before")
    floor.say(order("a", 1.0, 100.0))
    floor.wait_until(lambda: floor.status() == "disconnected", "the loss")
    assert floor.state_of("a") == S.SUBMITTING
    come_back(floor)
    floor.wait_inbox("a")
    assert floor.venue.record().submitted() == {"a": 1}
    assert [one.client_id for one in floor.read(OrderCommand)] == ["a"]


def test_order_that_arrived_unheard_is_not_sent_again(floor: Floor) -> None:
    """The venue dies after it has written the order down: it has it."""
    floor.venue.fault("die_after")
    floor.say(order("a", 1.0, 100.0))
    floor.wait_until(lambda: floor.status() == "disconnected", "the loss")
    come_back(floor)
    floor.step()
    floor.wait_for("a", S.ACCEPTED)
    assert floor.venue.record().submitted() == {"a": 1}


def test_order_too_old_to_be_sent_fails(make_floor: Callable[..., Floor]) -> None:
    """When the connection was away for longer than `stale_ns`, what never arrived is not sent any more."""
    floor = make_floor(stale_ns=5 * SECOND)
    floor.venue.fault("die_before")
    floor.say(order("a", 1.0, 100.0))
    floor.wait_until(lambda: floor.status() == "disconnected", "the loss")
    floor.say(tick(6, 100.0))
    come_back(floor)
    floor.wait_for("a", S.FAILED)
    assert "too old" in floor.read(OrderEvent)[-1].reason
    assert floor.venue.record().submitted() == {}


def test_request_of_long_ago_is_not_sent_after_a_restart(make_floor: Callable[..., Floor]) -> None:
    """What was asked while nobody was there, longer ago than `stale_ns` by the journal's stamps, is refused."""
    floor = make_floor(stale_ns=1)
    assert floor.engine.stop()
    floor.bus.publish(order("a", 1.0, 100.0))
    floor.restart()
    floor.wait_for("a", S.REJECTED)
    assert floor.read(RiskVerdict)[0].reasons == RiskReason.GATEWAY_DOWN
    assert floor.venue.record().submitted() == {}


def test_cancel_while_down_is_sent_when_it_is_up(floor: Floor) -> None:
    """The wish to cancel is kept; that of an order that never arrived needs no venue."""
    floor.say(order("a", 1.0, 100.0))
    floor.wait_inbox("a")
    floor.venue.fault("die_before")
    floor.say(order("b", 1.0, 100.0))
    floor.wait_until(lambda: floor.status() == "disconnected", "the loss")
    floor.say(cancel("a"), cancel("b"))
    assert floor.state_of("a") == floor.state_of("b") == S.CANCELLING
    come_back(floor)
    floor.wait_for("b", S.CANCELLED)
    floor.wait_until(lambda: any(row["do"] == "cancel" for row in floor.venue.record().inputs), "the cancellation")
    floor.step()
    floor.wait_for("a", S.CANCELLED)
    assert floor.venue.record().submitted() == {"a": 1}


@pytest.mark.parametrize("when", ["die_before", "die_after"])
def test_change_over_a_lost_connection_takes_effect_once(floor: Floor, when: str) -> None:
    """Whether the venue has heard of a change or not, both sides have the same terms afterwards."""
    floor.say(order("a", 2.0, 99.0))
    floor.wait_inbox("a")
    floor.step()
    floor.wait_for("a", S.ACCEPTED)
    floor.venue.fault(when)
    floor.say(change("a", price=100.0, quantity=3.0))
    floor.wait_until(lambda: floor.status() == "disconnected", "the loss")
    floor.say(change("a", price=98.0))
    assert "change refused: the fake gateway is not connected" in floor.read(OrderEvent)[-1].reason
    come_back(floor)
    floor.wait_until(lambda: any(row["do"] == "modify" for row in floor.venue.record().inputs), "the change")
    floor.step()
    floor.wait_until(lambda: floor.engine.desk.orders.find(client_id="a").whole.lots == 3, "the new terms")
    floor.step(ask=200, ask_lots=9)
    floor.wait_for("a", S.FILLED)
    assert floor.engine.desk.books.accounts.total(1) == 3


def test_gateway_that_was_never_there_is_reported(make_floor: Callable[..., Floor]) -> None:
    """An engine whose venue cannot be reached at its start runs, refuses, and says so."""
    floor = make_floor(start=False)
    floor.venue.kill()
    floor.start(up=False)
    floor.wait_until(lambda: floor.alerts("gateway_down"), "the alert")
    assert refusal(floor, "a").reasons == RiskReason.GATEWAY_DOWN
    come_back(floor)
    floor.say(order("b", 1.0, 100.0))
    floor.wait_inbox("b")


# ---- restarts


def test_restart_finds_what_happened_meanwhile(floor: Floor) -> None:
    """Fills and ends of while the engine was down are applied by the next one."""
    floor.say(order("a", 3.0, 101.0), order("b", 1.0, 90.0))
    floor.wait_inbox("b")
    assert floor.engine.stop()
    floor.step(ask=202, ask_lots=2)
    floor.restart()
    floor.wait_for("a", S.PARTLY_FILLED)
    floor.wait_for("b", S.ACCEPTED)
    floor.step(ask=202, ask_lots=2)
    floor.wait_for("a", S.FILLED)
    assert sum(one.quantity for one in floor.read(Fill)) == 3.0
    assert floor.venue.record().submitted() == {"a": 1, "b": 1}
    assert floor.alerts("account_halted") == []


def test_open_orders_here_are_those_at_the_venue(floor: Floor) -> None:
    """After everything, what is open here is open there."""
    for number in range(6):
        floor.say(order(f"o{number}", 1.0, 90.0 + number))
    floor.say(cancel("o2"))
    floor.wait_inbox("o5")
    floor.venue.fault("disconnect_now")
    floor.step()
    floor.wait_for("o2", S.CANCELLED)
    floor.wait_for("o5", S.ACCEPTED)
    latest = {one.client_id: one.status for one in floor.read(OrderEvent)}
    assert {one for one, status in latest.items() if status not in FINAL_STATES} == {one["client_id"] for one in floor.venue.ask("orders")}


def leave_checked(floor: Floor, client_id: str) -> None:
    """Leave a journal as an engine does that dies between an order's verdict and the order's SUBMITTING."""
    assert floor.engine.stop()
    wanted = order(client_id, 1.0, 100.0)
    request = floor.bus.publish(wanted)
    verdict = RiskVerdict(symbol="COIN", venue="FAKE", request=request, account="real", strategy="s", client_id=client_id, passed=1)
    floor.bus.publish(verdict, cause=request, source=floor.engine.name)


def test_order_that_passed_risk_before_a_restart_is_sent(floor: Floor) -> None:
    """It was checked and never sent: the next engine sends it, once."""
    leave_checked(floor, "a")
    floor.restart()
    floor.wait_inbox("a")
    assert len(floor.read(RiskVerdict)) == 1


def test_order_that_passed_risk_waits_for_the_connection_and_can_be_cancelled(floor: Floor) -> None:
    """While the venue cannot be reached it is not sent; whoever cancels it gets it cancelled, and risk forgets nothing it never counted."""
    floor.venue.kill()
    leave_checked(floor, "a")
    floor.restart(up=False)
    floor.say(cancel("a"))
    floor.wait_for("a", S.CANCELLED)
    come_back(floor)
    floor.say(order("b", 1.0, 100.0))
    floor.wait_inbox("b")
    assert floor.venue.record().submitted() == {"b": 1}
    assert floor.engine.desk.risk.native.open_lots(floor.engine.desk.risk.strategy_number("s"), 1, 1) == 1


def test_kill_switch_ends_orders_in_every_state(floor: Floor) -> None:
    """One that waits for the connection, one at the venue: both end, although the venue is away."""
    floor.say(order("b", 1.0, 100.0))
    floor.wait_inbox("b")
    floor.venue.kill()
    leave_checked(floor, "a")
    floor.restart(up=False)
    floor.bus.publish(ConfigChangeEvent(revision=1, changes={"risk.kill_switch": True}))
    floor.wait_for("a", S.CANCELLED)
    floor.wait_for("b", S.CANCELLING)
    come_back(floor)
    floor.wait_until(lambda: any(row["do"] == "cancel" for row in floor.venue.record().inputs), "the cancellation")
    floor.step()
    floor.wait_for("b", S.CANCELLED)


# ---- differences


def resume(floor: Floor, account: str = "real") -> Applied:
    """Accept the difference; return the answer."""
    control = floor.bus.publish(ConfigChangeEvent(revision=1, changes={"trading.resume": account}))
    floor.wait_until(lambda: any(one.control == control for one in floor.read(Applied)), "the answer")
    return next(one for one in floor.read(Applied) if one.control == control)


def test_position_that_nobody_can_explain_halts_the_account(floor: Floor) -> None:
    """The alert names symbol and amounts; new orders and changes are refused, cancels pass."""
    floor.say(order("a", 2.0, 90.0))
    floor.wait_inbox("a")
    floor.step()
    floor.wait_for("a", S.ACCEPTED)
    floor.venue.do("trade", symbol="COIN", side=1, lots=7, price=200)
    floor.venue.fault("disconnect_now")
    message = halted(floor)
    assert "COIN@FAKE: 7 at the venue, 0 here" in message
    assert "cash USD: 999299.5 at the venue, 1000000 here" in message
    told = next(one for one in floor.read(GatewayStatus) if one.status == "halted")
    assert told.differences == {"COIN@FAKE": 7.0, "cash USD": -700.5}
    assert refusal(floor, "b").reasons == RiskReason.HALTED
    floor.say(change("a", price=91.0))
    assert "change refused: the account is halted" in floor.read(OrderEvent)[-1].reason
    floor.say(cancel("a"))
    floor.wait_until(lambda: any(row["do"] == "cancel" for row in floor.venue.record().inputs), "the cancellation")
    floor.step()
    floor.wait_for("a", S.CANCELLED)


def test_halt_survives_restarts_and_the_end_of_its_cause(floor: Floor) -> None:
    """Neither a new engine nor a venue that is right again lifts it: a person does."""
    floor.venue.do("trade", symbol="COIN", side=1, lots=7, price=0)
    floor.venue.fault("disconnect_now")
    halted(floor)
    floor.venue.do("trade", symbol="COIN", side=2, lots=7, price=0)
    for _ in range(2):
        floor.restart()
        assert floor.status() == "halted"
    assert refusal(floor, "a").reasons == RiskReason.HALTED
    assert len(floor.alerts("account_halted")) == 1
    assert resume(floor).ok
    floor.say(order("b", 1.0, 100.0))
    floor.wait_inbox("b")


def test_halt_is_in_the_snapshot(floor: Floor) -> None:
    """An engine that begins at a snapshot is as halted as one that reads the whole journal."""
    floor.engine.snapshot_least = 1  # type: ignore[misc]
    floor.venue.do("trade", symbol="COIN", side=1, lots=7, price=0)
    floor.venue.fault("disconnect_now")
    halted(floor)
    floor.restart()
    assert [one.reason for one in floor.read(SnapshotEvent)] == ["stop"]
    assert refusal(floor, "a").reasons == RiskReason.HALTED
    assert floor.engine._follower is not None
    assert floor.engine._follower.fold.halt.startswith("COIN@FAKE: 7 at the venue")


def test_figures_that_make_no_sense_keep_the_gate_closed(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A venue that answers with what no instrument can have is told of, once a connection, and the engine lives on."""
    floor.say(order("a", 2.0, 99.0))
    floor.wait_inbox("a")
    floor.step()
    floor.wait_for("a", S.ACCEPTED)
    floor.say(change("a", price=98.0))
    whole = floor.gateway.query_orders
    monkeypatch.setattr(floor.gateway, "query_orders", lambda: [msgspec.structs.replace(one, quantity=0.3) for one in whole()])
    floor.venue.fault("disconnect_now")
    floor.wait_until(lambda: any("cannot be reconciled" in one for one in floor.alerts("gateway_down")), "the alert")
    assert refusal(floor, "b").reasons == RiskReason.GATEWAY_DOWN
    monkeypatch.undo()
    floor.venue.fault("disconnect_now")
    floor.wait_until(lambda: floor.status() == "connected", "the return")


def test_resumed_account_accepts_the_difference_for_good(floor: Floor) -> None:
    """What a person has accepted is expected from then on, also by the next engine; anything else halts again."""
    floor.venue.do("trade", symbol="COIN", side=1, lots=7, price=200)
    floor.venue.fault("disconnect_now")
    halted(floor)
    assert resume(floor).ok
    assert floor.read(GatewayStatus)[-2].differences == {"COIN@FAKE": 7.0, "cash USD": -700.5}
    floor.restart()
    assert floor.status() == "connected"
    floor.say(order("a", 1.0, 101.0))
    floor.wait_inbox("a")
    floor.step(ask=202, ask_lots=9)
    floor.wait_for("a", S.FILLED)
    floor.restart()
    assert floor.status() == "connected"
    floor.venue.do("trade", symbol="COIN", side=2, lots=7, price=200)
    floor.venue.fault("disconnect_now")
    assert "COIN@FAKE: 1 at the venue, 8 here" in halted(floor)


def test_resume_needs_a_halt_a_connection_and_the_right_account(floor: Floor) -> None:
    """A command that lifts nothing is answered with the reason."""
    assert resume(floor).detail == "Account real is not halted."
    floor.venue.do("trade", symbol="COIN", side=1, lots=7, price=200)
    floor.venue.fault("disconnect_now")
    halted(floor)
    lose(floor)
    assert "its gateway is not connected" in resume(floor).detail
    answers = len(floor.read(Applied))
    floor.bus.publish(ConfigChangeEvent(revision=2, changes={"trading.resume": "another"}))
    come_back(floor)
    assert floor.status() == "halted"
    assert len(floor.read(Applied)) == answers


def test_position_of_before_the_account_must_be_accepted(make_floor: Callable[..., Floor]) -> None:
    """A new account takes the venue's cash for its own; a position that was there before is for a person to accept."""
    floor = make_floor(start=False)
    floor.venue.do("trade", symbol="COIN", side=1, lots=3, price=200)
    floor.start()
    assert "COIN@FAKE: 3 at the venue, 0 here" in halted(floor)
    assert "cash" not in halted(floor)


def test_deposit_halts_with_its_amount(floor: Floor) -> None:
    """Cash that came from nowhere is a difference; a cent is not."""
    floor.venue.do("deposit", symbol="COIN", value=200)
    floor.venue.fault("disconnect_now")
    message = halted(floor)
    assert "cash USD: 1000100 at the venue, 1000000 here" in message


def test_order_that_the_venue_has_lost_halts(floor: Floor) -> None:
    """An acknowledged order that is gone without an end cannot be explained; resuming gives it up."""
    floor.say(order("a", 2.0, 90.0))
    floor.wait_inbox("a")
    floor.step()
    floor.wait_for("a", S.ACCEPTED)
    floor.venue.do("lose", client_id="a")
    floor.venue.fault("disconnect_now")
    assert "order a: 0 at the venue, 2 here" in halted(floor)
    assert floor.state_of("a") == S.ACCEPTED
    assert resume(floor).ok
    floor.wait_for("a", S.FAILED)


def test_orders_of_others_are_reported_and_left_alone(floor: Floor) -> None:
    """An order at the venue that is not ours is told of, never touched, and halts nothing."""
    floor.venue.do("submit", client_id="theirs", symbol="COIN", side=1, lots=5, price=150, foreign=True)
    floor.step()
    floor.venue.fault("disconnect_now")
    floor.wait_until(lambda: floor.alerts("unknown_orders"), "the alert")
    assert "theirs (5 COIN)" in floor.alerts("unknown_orders")[0]
    floor.wait_until(lambda: floor.status() == "connected", "the return")
    floor.say(order("a", 1.0, 100.0))
    floor.wait_inbox("a")
    floor.restart()
    assert [row["do"] for row in floor.venue.record().inputs if row.get("client_id") == "theirs"] == ["submit"]
