"""The book of alerts: one row an alert, from its first event until it is over."""

from __future__ import annotations

from typing import Any

from gcg_quant.admin.monitoring.alerts import AlertBook
from gcg_quant.bus import EventBus
from gcg_quant.events import AlertAcknowledgeEvent, AlertEvent
from gcg_quant.packing import pack_state, unpack_state

_SEQ = (1 << 60) - 1


def alert(bus: EventBus, level: str = "warning", name: str = "lag", message: str = "late", component: str = "recorder") -> int:
    """Publish an alert; return its number in the log lane."""
    return bus.publish(AlertEvent(level=level, component=component, name=name, message=message)) & _SEQ


def rows(bus: EventBus, state: str = "all") -> list[dict[str, Any]]:
    """Return the alerts of a bus, the newest first."""
    return AlertBook.of(bus).rows(state=state)


def test_what_is_told_again_is_one_alert(bus: EventBus) -> None:
    """Same component and name: the count grows, the newest message and the worst level stand."""
    first = alert(bus)
    alert(bus, message="later")
    alert(bus, "critical", message="much later")
    alert(bus, "warning", message="later still")
    other = alert(bus, component="charts")
    newest, oldest = rows(bus)
    assert (newest["id"], newest["count"]) == (other, 1)
    assert (oldest["id"], oldest["count"], oldest["level"], oldest["message"]) == (first, 4, "critical", "later still")
    assert oldest["last_ns"] > oldest["time_ns"]


def test_good_news_end_an_alert(bus: EventBus) -> None:
    """An info of the same name ends it, a new warning is another alert; news of nothing are over at once."""
    alert(bus)
    alert(bus, "info", message="caught up")
    second = alert(bus)
    alert(bus, "info", "started")
    assert [(row["name"], row["state"]) for row in rows(bus)] == [("started", "over"), ("lag", "lasts"), ("lag", "over")]
    assert [row["id"] for row in rows(bus, "lasts")] == [second]


def test_the_end_may_have_a_name_of_its_own(bus: EventBus) -> None:
    """A gateway that is up again ends that it was down."""
    alert(bus, "critical", "gateway_down")
    alert(bus, "info", "gateway_up")
    assert [row["state"] for row in rows(bus)] == ["over"]


def test_seen_alerts_stay_seen(bus: EventBus) -> None:
    """Who acknowledged is kept, also when the alert is told again; a second time changes nothing, an unknown one neither."""
    number = alert(bus)
    assert [row["id"] for row in rows(bus, "open")] == [number]
    bus.publish(AlertAcknowledgeEvent(alert=number, origin="console"))
    bus.publish(AlertAcknowledgeEvent(alert=number, origin="page"))
    bus.publish(AlertAcknowledgeEvent(alert=99, origin="page"))
    alert(bus)
    (row,) = rows(bus)
    assert row["acknowledged"]
    assert row["acknowledged_by"] == "console"
    assert row["count"] == 2
    assert rows(bus, "open") == []


def test_a_snapshot_is_the_book(bus: EventBus) -> None:
    """What is put down and taken up again goes on the same way."""
    number = alert(bus)
    alert(bus, component="charts")
    alert(bus, "info", component="charts")
    bus.publish(AlertAcknowledgeEvent(alert=number, origin="console"))
    whole = AlertBook.of(bus)
    book = AlertBook()
    book.load(unpack_state(pack_state(whole.dump())))
    assert book.rows() == whole.rows()
    assert book.lasting("recorder", "lag") is not None
    assert book.lasting("charts", "lag") is None


def test_old_alerts_leave(bus: EventBus) -> None:
    """The newest 500 are kept."""
    for number in range(520):
        alert(bus, component=f"c{number}")
    found = rows(bus)
    assert len(found) == 500
    assert found[-1]["component"] == "c20"
