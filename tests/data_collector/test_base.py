"""The base of all collectors."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_collector import BaseCollector
from gcg_quant.data_collector.blank import blank
from gcg_quant.errors import ComponentError, EventError
from gcg_quant.events import Applied, Bar, BarBasis, LogEvent, SubscribeEvent, Tick, TradeTick


class Venue(BaseCollector):
    """A venue that knows every symbol but NONE."""

    def on_subscribe(self, symbol: str) -> str:
        """Take on a symbol."""
        if symbol == "NONE":
            raise ComponentError("There is no NONE.")
        return f"{symbol} is coming"


@pytest.fixture
def venue(bus: EventBus) -> Iterator[Venue]:
    """Return a running collector of venue V."""
    collector = Venue("collector", "V")
    collector.start(bus)
    wait_until(lambda: collector.state == "running")
    yield collector
    collector.stop()


def wait_until(condition: Callable[[], Any], timeout_s: float = 30.0) -> Any:
    """Wait for a condition with a deadline, and return its value."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "the condition did not come about in time"
        time.sleep(0.002)
    return found


def _of(bus: EventBus, kind: Any) -> list[Any]:
    with bus.reader(start="begin", events=[kind]) as reader:
        return list(reader)


def _tick(time_ns: int, symbol: str = "A", ordinal: int = 0) -> Tick:
    return Tick(symbol=symbol, venue="V", event_ns=time_ns, last_price=1.0, ordinal=ordinal)


def test_published_data_is_counted_and_carries_the_collectors_name(venue: Venue) -> None:
    """Each record is counted by its type."""
    venue.publish_data(_tick(1))
    venue.publish_data(_tick(2))
    venue.publish_data(TradeTick(symbol="A", venue="V", event_ns=3, price=1.0))
    assert venue.counts == {"Tick": 2, "TradeTick": 1}
    assert {tick.source for tick in _of(venue.bus, Tick)} == {"collector"}


def test_equal_times_are_numbered_per_instrument_and_kind(venue: Venue) -> None:
    """A record without an ordinal gets the next free one; other instruments and kinds do not matter."""
    for tick in (_tick(5), _tick(5), _tick(5, "B"), _tick(5), _tick(6), _tick(6, ordinal=4), _tick(6)):
        venue.publish_data(tick)
    venue.publish_data(TradeTick(symbol="A", venue="V", event_ns=6, price=1.0))
    assert [tick.ordinal for tick in _of(venue.bus, Tick)] == [0, 1, 0, 2, 0, 4, 5]
    assert [trade.ordinal for trade in _of(venue.bus, TradeTick)] == [0]


def test_bars_of_other_periods_and_bases_are_numbered_apart(venue: Venue) -> None:
    """A bid and an ask bar of one minute are no duplicates."""
    for period, basis in (("1m", BarBasis.BID), ("1m", BarBasis.ASK), ("5m", BarBasis.BID), ("1m", BarBasis.BID)):
        venue.publish_data(Bar(symbol="A", venue="V", end_ns=60, period=period, basis=basis, open=1.0, high=1.0, low=1.0, close=1.0))
    assert [bar.ordinal for bar in _of(venue.bus, Bar)] == [0, 0, 0, 1]


def test_what_is_no_market_data_is_refused_with_a_sentence(venue: Venue) -> None:
    """Collectors publish nothing else, neither single nor as an array."""
    with pytest.raises(EventError, match="publishes market data .* found LogEvent"):
        venue.publish_data(LogEvent(level="info", component="x", message="y"))  # type: ignore[arg-type]
    with pytest.raises(EventError, match="publishes arrays of Tick.dtype"):
        venue.publish_array(blank(Tick, 2)["last_price"])  # type: ignore[arg-type]
    assert venue.counts == {}


def test_arrays_are_counted_and_may_be_backfill(venue: Venue) -> None:
    """An array counts as many records as it holds; subscriptions skip backfill."""
    ticks = blank(Tick, 3)
    ticks["instrument"] = venue.bus.instruments.number("A", "V")
    venue.publish_array(ticks, backfill=True)
    assert venue.counts == {"Tick": 3}
    assert [tick.flags for tick in _of(venue.bus, Tick)] == [1, 1, 1]


def test_subscription_is_answered_by_applied(venue: Venue) -> None:
    """Success, failure and the end of a subscription each have an answer; another venue's is passed over."""
    bus = venue.bus
    wanted = bus.publish(SubscribeEvent(symbol="A", venue="V"))
    unknown = bus.publish(SubscribeEvent(symbol="NONE"))
    bus.publish(SubscribeEvent(symbol="A", venue="elsewhere"))
    wait_until(lambda: len(_of(bus, Applied)) == 2)
    assert venue.symbols == {"A"}
    over = bus.publish(SubscribeEvent(symbol="A", venue="V", subscribe=False))
    answers = wait_until(lambda: found if len(found := _of(bus, Applied)) == 3 else None)
    assert [(answer.control, answer.ok, answer.detail) for answer in answers] == [
        (wanted, True, "A is coming"),
        (unknown, False, "There is no NONE."),
        (over, True, ""),
    ]
    assert {answer.component for answer in answers} == {"collector"}
    assert venue.symbols == set()


def test_collectors_are_found_by_capability() -> None:
    """The registry finds them all."""
    assert "collector" in BaseCollector("x", "V").capabilities
