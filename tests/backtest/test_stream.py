"""The stream: what is read ahead as columns comes out as single events do."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from gcg_quant.backtest import EventDrivenDataFeed
from gcg_quant.backtest.history.warmup import bars_before
from gcg_quant.backtest.streaming import stream as stream_file
from gcg_quant.backtest.streaming.bar_rows import BarRows, Place
from gcg_quant.backtest.streaming.stream import BusStream, market_head
from gcg_quant.bus import EventBus
from gcg_quant.events import Bar, Fill


def publish_a_mixture(kit: ModuleType, bus: EventBus) -> None:
    """Publish bars of two symbols and periods, corrections, late ones, other prices, and fills in between, in long and short runs."""
    rng = np.random.default_rng(5)
    numbers = {symbol: bus.instruments.number(symbol, "SIM") for symbol in ("X", "Y")}
    made = {(symbol, period): kit.random_bars(900, seed=at, period=period) for at, symbol in enumerate("XY") for period in ("1s", "1m")}
    used = dict.fromkeys(made, 0)
    for run in range(60):
        keys = list(made)
        chosen = [keys[int(at)] for at in rng.integers(0, len(keys), int(rng.integers(1, 40)))]
        rows = np.zeros(len(chosen), Bar.dtype)
        for place, key in enumerate(chosen):
            at = used[key]
            used[key] += 1
            if at % 7 == 3:  # one of before, once more or late
                at -= int(rng.integers(1, 3))
            rows[place] = made[key][at]
            rows["instrument"][place] = numbers[key[0]]
            rows["basis"][place] = int(at % 11 == 5)
        bus.publish_batch(rows, backfill=run % 10 == 9)
        for number in range(int(rng.integers(0, 3))):
            bus.publish(Fill(symbol="X", venue="SIM", client_id=f"{run}/{number}"))


def handed_out(bus: EventBus, stream: BusStream, feeds: list[EventDrivenDataFeed], kit: ModuleType) -> list[Any]:
    """Return what comes to feeds and to whom waits for fills, in its order; the feeds ask in turn, as in a cerebro."""
    told: list[Any] = []
    stream.listen(Fill, lambda fill: told.append(fill.client_id) is not None)
    for feed in feeds:
        feed.use_stream(stream)
        feed.start()
        feed._load()
    publish_a_mixture(kit, bus)
    silent = 0
    while silent < 2 * len(feeds):
        for feed in feeds:
            feed.forward()
            if feed._load():
                told.append((feed.symbol, feed.bar_id, feed.bounds_ns(), [line[0] for line in feed.lines]))
                silent = 0
            else:
                silent += 1
                feed.backwards()
    told.append([feed.skipped for feed in feeds])
    return told


@pytest.mark.parametrize("symbols", [["X"], ["X", "Y"], ["X", "Y", "X"]])
def test_reading_ahead_hands_out_the_same_in_the_same_order(
    kit: ModuleType, bus: EventBus, monkeypatch: pytest.MonkeyPatch, symbols: list[str]
) -> None:
    """Bars, fills between them, and what is passed over: a stream that is behind gives them as one that reads event by event."""

    def run(behind: int) -> tuple[list[Any], int]:
        monkeypatch.setattr(stream_file, "BEHIND", behind)
        monkeypatch.setattr(stream_file, "SINGLE_EVENTS", 4)
        stream = BusStream(bus)
        reads = []
        read_run = stream._reader.read_run
        monkeypatch.setattr(stream._reader, "read_run", lambda *given: reads.append(1) or read_run(*given))
        feeds = [EventDrivenDataFeed(dataname=symbol, period="1s", live=True, stream=stream) for symbol in symbols]
        found = handed_out(bus, stream, feeds, kit)
        stream.close()
        return found, len(reads)

    single, without = run(10**9)
    ahead, reads = run(8)
    shift = next(row[1] for row in ahead if isinstance(row, tuple)) - next(row[1] for row in single if isinstance(row, tuple))
    assert without == 0
    assert reads > 5
    assert len([row for row in single if isinstance(row, tuple)]) > 50
    assert single[-1][0] > 0
    plain = [(row[0], row[1] + shift, *row[2:]) if isinstance(row, tuple) else row for row in single]
    assert repr(ahead) == repr(plain)


def test_venue_is_that_of_the_first_bar_that_fits(kit: ModuleType, bus: EventBus) -> None:
    """A feed that knows no venue yet takes the one whose bars are of its period, in runs as singly."""
    long, short = kit.random_bars(3, period="1h"), kit.random_bars(3, period="1m")
    for rows, venue in ((long, "A"), (short, "B")):
        rows["instrument"] = bus.instruments.number("X", venue)
        bus.publish_batch(rows)
    rows, _ = bus.reader(start="begin").read_run(Bar)
    shape = BarRows(Place("X", ""), "1m", None, stamp_end=False)
    places, shown = shape.take_all(rows, bus.instruments.name)
    assert len(places) == len(shown.ids) == 3
    assert shape.place.venue == "B"


def test_warm_up_of_no_bars_is_none(kit: ModuleType, bus: EventBus) -> None:
    """A limit of 0 asks for no history, not for all that the journal holds."""
    rows = kit.random_bars(3)
    rows["instrument"] = bus.instruments.number("X", "SIM")
    bus.publish_batch(rows)
    assert [len(bars_before(bus, market_head(bus), None, "X", "1m", limit=limit)) for limit in (None, 2, 0)] == [3, 2, 0]


def test_history_filled_in_behind_a_place_counts_where_the_store_may_have_had_it(kit: ModuleType, bus: EventBus) -> None:
    """A run that began while history was being filled in finds the bars of its warm-up again, also without the store that had them."""
    rows = kit.random_bars(9)
    rows["instrument"] = bus.instruments.number("X", "SIM")
    bus.publish_batch(rows[6:8])
    begin = market_head(bus)
    bus.publish_batch(rows[:6], backfill=True)
    bus.publish_batch(rows[8:])
    told = bars_before(bus, begin, kit.stored(rows[:8]), "X", "1m", limit=5)
    assert told["start_ns"].tolist() == rows["start_ns"][3:8].tolist()
    assert len(bars_before(bus, begin, None, "X", "1m", start_ns=int(rows["start_ns"][3]))) == 2
    again = bars_before(bus, begin, None, "X", "1m", start_ns=int(rows["start_ns"][3]), late=True)
    assert again["start_ns"].tolist() == told["start_ns"].tolist()
