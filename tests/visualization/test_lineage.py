"""The chain behind an event."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.errors import EventError
from gcg_quant.events import (
    Fill,
    LogEvent,
    OrderCommand,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    OrderType,
    RiskReason,
    RiskVerdict,
    Side,
    SignalEvent,
    SystemEvent,
    Tick,
)
from gcg_quant.visualization.lineage.lineage import ChainStep, chain, event_id, event_name
from gcg_quant.visualization.server import AppServer

SEQ = (1 << 60) - 1
TERMS = {"symbol": "BTC/USDT", "venue": "SIM"}


def tick(bus: EventBus, price: float, symbol: str = "BTC/USDT") -> int:
    """Publish a tick; return its id."""
    return bus.publish(Tick(symbol=symbol, venue="SIM", last_price=price, bid_price=price - 1, ask_price=price + 1), cause=0)


def order(bus: EventBus, cause: int, *, reasons: int = 0) -> int:
    """Publish a request and its verdict, and its command and reports if it passes; return the request's id."""
    who = {"strategy": "grid", "account": "paper", "client_id": f"grid.{cause & SEQ}"}
    request = bus.publish(OrderRequest(**TERMS, **who, side=Side.BUY, quantity=2.0, order_type=OrderType.MARKET), cause=cause)
    verdict = bus.publish(RiskVerdict(**TERMS, **who, request=request, rules=8, reasons=reasons, check_ns=800), cause=request)
    if reasons:
        return request
    told = {**TERMS, **who, "request": request, "gateway": "paper", "side": Side.BUY, "quantity": 2.0}
    bus.publish(OrderEvent(**told, status=OrderStatus.SUBMITTING), cause=verdict)
    bus.publish(OrderCommand(**told), cause=verdict)
    bus.publish(OrderEvent(**told, status=OrderStatus.ACCEPTED), cause=verdict)
    return request


def fill(bus: EventBus, request: int, cause: int) -> int:
    """Publish a fill of a request; return its id."""
    told = {"request": request, "strategy": "grid", "gateway": "paper", "side": Side.BUY}
    return bus.publish(Fill(**TERMS, **told, quantity=2.0, price=101.0, fee=0.1), cause=cause)


def kinds(steps: list[ChainStep]) -> list[str]:
    """Return the kinds of steps."""
    return [step.kind for step in steps]


def test_chain_of_a_fill_leads_from_the_tick_to_the_fill(bus: EventBus) -> None:
    """Cause and request lead from a fill to the tick that began it; what belongs to other orders is not part of it."""
    began = tick(bus, 100.0)
    signal = bus.publish(SignalEvent(**TERMS, strategy="grid", name="cross up", event_ns=1), cause=began)
    bus.publish(SignalEvent(**TERMS, strategy="other", name="none of it", event_ns=1), cause=began)
    request = order(bus, began)
    order(bus, began)
    met = tick(bus, 101.0)
    filled = fill(bus, request, met)
    steps = chain(bus, filled)
    assert kinds(steps) == ["tick", "signal", "request", "risk", "order", "command", "order", "tick", "fill"]
    assert [steps[0].event, steps[1].event, steps[-1].event] == [str(began & SEQ), str(signal & SEQ), str(filled & SEQ)]
    assert steps[0].since_ms is None
    assert all(step.since_ms is not None and step.since_ms >= 0 for step in steps[1:])
    assert steps[3].text == "8 rules passed"
    assert steps[3].facts["check_us"] == 0.8
    assert steps[-1].text == "buy 2 at 101"


def test_chain_of_a_signal_goes_on_to_what_became_of_it(bus: EventBus) -> None:
    """From a signal the chain goes forward: request, verdict, order and fill; a refusal names its reasons."""
    began = tick(bus, 100.0)
    signal = bus.publish(SignalEvent(**TERMS, strategy="grid", name="cross up", event_ns=1), cause=began)
    fill(bus, order(bus, began), tick(bus, 50.0, symbol="ETH/USDT"))
    assert kinds(chain(bus, signal)) == ["tick", "signal", "request", "risk", "order", "command", "order", "fill"]
    refused = order(bus, tick(bus, 100.0), reasons=RiskReason.ORDER_SIZE | RiskReason.KILL_SWITCH)
    steps = chain(bus, refused)
    assert kinds(steps) == ["tick", "request", "risk"]
    assert steps[-1].text == "refused: order_size, kill_switch"


def test_chain_names_what_is_gone_and_what_never_was(bus: EventBus) -> None:
    """An event of another lane is a chain of its own, a cause beyond the journal is gone, a future event is refused."""
    log = bus.publish(LogEvent(level="info", component="x", message="y"), cause=0)
    assert kinds(chain(bus, log)) == ["LogEvent"]
    orphan = fill(bus, (1 << 60) | 500_000, 0)
    assert kinds(chain(bus, orphan)) == ["gone", "fill"]
    assert "gone" in chain(bus, orphan)[0].text
    with pytest.raises(EventError, match="no event 900"):
        chain(bus, (1 << 60) | 900)


@pytest.mark.parametrize("name", ["", "-", "#", "nowhere-3", "1.5", "control-0", "control 3", "99999999999999999999"])
def test_what_is_no_event_is_refused(name: str) -> None:
    """A text that names no event is refused with a sentence."""
    with pytest.raises(EventError, match="is no event; give its number"):
        event_id(name)


def test_events_are_named_by_lane_and_number(bus: EventBus) -> None:
    """Names of the market lane are plain numbers, of others lane and number; both ways."""
    control = bus.publish(SystemEvent(action="start"), cause=0)
    assert event_name(control) == "control-1"
    assert event_id("control-1") == control
    assert event_id("#17") == event_id("17") == (1 << 60) | 17


def test_chain_over_rest(market: Any, bus: EventBus, server: AppServer) -> None:
    """The chain is answered as rows; a bad name is 422, a future event 404, each with a sentence."""
    began = tick(bus, 100.0)
    filled = fill(bus, order(bus, began), began)
    with httpx.Client(base_url=f"{server.url}/api/v1/chain") as web:
        steps = web.get(f"/{filled & SEQ}").json()
        assert [step["kind"] for step in steps] == ["tick", "request", "risk", "order", "command", "order", "fill"]
        assert steps[0]["facts"]["last_price"] == 100.0
        bad, missing = web.get("/nowhere-3"), web.get("/123456789")
    assert (bad.status_code, missing.status_code) == (422, 404)
    assert "give its number in the market lane" in bad.json()["detail"]
