"""Arrays, frames, journals and stored history as market data of the tick engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from gcg_quant.backtest import hft
from gcg_quant.backtest.hft.data import load
from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, ImportFileError, InstrumentError
from gcg_quant.events import Bar, BookDelta, Depth, Tick, TradeTick, World
from gcg_quant.history import MemoryHistory
from gcg_quant.instruments import Instrument

_T0 = 1_700_000_000_000_000_000


def ticks(count: int, start_ns: int = _T0) -> Any:
    """Return ticks a second apart."""
    rows = np.repeat(np.frombuffer(bytes(memoryview(Tick())), Tick.dtype), count)
    rows["event_ns"] = start_ns + np.arange(count) * 1_000_000_000
    rows["bid_price"], rows["ask_price"] = 10.0 + np.arange(count), 11.0 + np.arange(count)
    return rows


# ---- arrays


def test_array_of_a_record_is_read_where_it_lies() -> None:
    """No copy, also of a part of it."""
    rows = ticks(10)
    (feed,) = load(rows, "A@V", start=_T0 + 2_000_000_000, end=_T0 + 5_000_000_000)
    own: Any = feed.rows  # type: ignore[attr-defined]
    assert feed.places == [("A", "V", None)]
    assert own.base is not None
    assert np.shares_memory(own, rows)
    assert own["bid_price"].tolist() == [12.0, 13.0, 14.0]
    assert feed.span_ns() == (_T0 + 2_000_000_000, _T0 + 4_000_000_000)


def test_array_of_some_fields_gets_the_others_defaults() -> None:
    """Which record it is, its fields say; times may be datetime64."""
    few = np.array([(_T0, 1.5, 3.0), (_T0 + 1, 2.5, 4.0)], [("event_ns", "i8"), ("price", "f4"), ("size", "i4")])
    (feed,) = load(few, "A")
    rows: Any = feed.rows  # type: ignore[attr-defined]
    assert feed.record is TradeTick  # type: ignore[attr-defined]
    assert (rows["price"].tolist(), rows["size"].tolist(), rows["venue_seq"].tolist()) == ([1.5, 2.5], [3.0, 4.0], [-1, -1])
    timed = np.array([(np.datetime64(_T0, "ns"), 1.0)], [("event_ns", "M8[ms]"), ("bid_price", "f8")])
    assert load(timed, "A")[0].rows["event_ns"].tolist() == [_T0]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("fields", "record"),
    [
        ({"last_price": 1.0}, Tick),
        ({"price": 1.0, "size": 1.0, "side": 1, "action": 1}, BookDelta),
        ({"bid_prices": np.full(10, 1.0), "bid_sizes": np.full(10, 1.0)}, Depth),
        ({"open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "period": b"1m"}, Bar),
    ],
)
def test_fields_tell_the_record(fields: dict[str, Any], record: type) -> None:
    """Each kind of market data by what it cannot do without."""
    form = [("event_ns", "i8"), *((name, np.asarray(one).dtype, np.shape(one)) for name, one in fields.items())]
    rows = np.zeros(1, form)
    rows["event_ns"] = _T0
    assert load(rows, "A")[0].record is record  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("rows", "options", "sentence"),
    [
        (np.zeros(3), {}, "a row of records"),
        (np.zeros(1, [("event_ns", "i8"), ("prize", "f8")]), {"symbol": "A"}, "the fields of no record: event_ns, prize"),
        (np.zeros(1, [("event_ns", "i8"), ("prize", "f8")]), {"symbol": "A", "kind": "trades"}, "'prize'.*Did you mean 'price'"),
        (np.zeros(1, [("price", "f8"), ("size", "f8")]), {"symbol": "A"}, "has no times: expected a column event_ns"),
        (ticks(3), {}, "does not tell its instrument"),
        (ticks(3), {"symbol": "A", "kind": "trades"}, "holds Tick records, and TradeTick were asked for"),
        (ticks(3)[::-1], {"symbol": "A"}, "A: the time goes back at row 1, from .* to .*sort=True"),
        (ticks(3, 0), {"symbol": "A"}, "A: row 0 has no time"),
        (ticks(0), {"symbol": "A"}, "A holds no rows"),
        (ticks(3), {"symbol": "A", "end": _T0}, "A holds no rows before 2023"),
    ],
)
def test_arrays_that_are_no_market_data_are_refused(rows: Any, options: dict[str, Any], sentence: str) -> None:
    """With what is wrong, where, and what to do."""
    with pytest.raises(ImportFileError, match=sentence):
        load(rows, **options)


def test_array_takes_no_options_of_files() -> None:
    """A mistyped option is no silent one."""
    with pytest.raises(BacktestError, match="An array takes no option 'periode'"):
        load(ticks(1), "A", periode="1m")


def test_unsorted_array_is_sorted_if_asked() -> None:
    """In a copy: the array stays as it is."""
    rows = ticks(4)[::-1]
    (feed,) = load(rows, "A", sort=True)
    assert feed.rows["bid_price"].tolist() == [10, 11, 12, 13]  # type: ignore[attr-defined]
    assert rows["bid_price"].tolist() == [13, 12, 11, 10]


# ---- frames


def test_frames_are_columns_by_the_names_of_fields() -> None:
    """pandas with times as index or column, in any one zone; pyarrow; symbols take it apart."""
    times = pd.to_datetime([_T0, _T0 + 1, _T0 + 2], utc=True)
    frame = pd.DataFrame({"price": [1.0, 2.0, 3.0], "size": [1, 2, 3], "symbol": ["A", "B", "A"]}, index=times.tz_convert("Asia/Tokyo"))
    feeds = load(frame)
    assert [(feed.places[0][0], feed.rows["event_ns"].tolist()) for feed in feeds] == [("A", [_T0, _T0 + 2]), ("B", [_T0 + 1])]  # type: ignore[attr-defined]
    assert load(frame, "B")[0].rows["price"].tolist() == [2.0]  # type: ignore[attr-defined]
    table = pa.table(
        {"event_ns": pa.array([_T0], pa.timestamp("ns")), "bid_price": [1.0], "exchange": ["X"], "symbol": ["A"], "venue": ["V"]}
    )
    (feed,) = load(table)
    assert (feed.places, feed.rows["exchange"].tolist()) == ([("A", "V", None)], [b"X"])  # type: ignore[attr-defined]
    with pytest.raises(InstrumentError, match="The frame has no 'C'; it has A, B"):
        load(frame, "C")


def test_frame_of_several_zones_is_refused() -> None:
    """Such a column has no one meaning."""
    times = [pd.Timestamp(_T0, tz="UTC"), pd.Timestamp(_T0, tz="Asia/Tokyo")]
    with pytest.raises(ImportFileError, match="Column event_ns mixes zones .*utc=True"):
        load(pd.DataFrame({"event_ns": pd.Series(times, dtype=object), "price": [1.0, 2.0]}), "A")


def test_values_that_do_not_fit_name_the_column() -> None:
    """And the row, where it is one."""
    with pytest.raises(ImportFileError, match="column price does not hold float64 values"):
        load(pd.DataFrame({"event_ns": [_T0], "price": ["x"]}), "A")
    with pytest.raises(ImportFileError, match="column trading_day.*row 1 is no whole number"):
        load(pd.DataFrame({"event_ns": [_T0, _T0], "price": [1.0, 1.0], "trading_day": [20240102.0, 0.5]}), "A")


# ---- journals


@pytest.mark.parametrize("world", [World.PAPER, World.IMPORT])
def test_journal_is_named_with_its_instruments_and_terms(tmp_path: Path, world: World) -> None:
    """Nothing of it is read; a symbol chooses, an unknown one is refused."""
    with EventBus(tmp_path / "bus", world=world, source="test", page_mb=1, sync="none") as bus:
        for symbol in ("A", "B"):
            number = bus.instruments.add(Instrument(symbol=symbol, venue="V", tick_size=0.5))
            rows = ticks(5)
            rows["instrument"] = number
            bus.publish_batch(rows)
    (feed,) = load(tmp_path / "bus", "B", kind="ticks", start=_T0 + 1)
    added: list[Any] = []

    class Native:
        def add_journal(self, *given: Any) -> None:
            added.append(given)

    class Symbols:
        def find(self, symbol: str, venue: str) -> int:
            return {"A": 1, "B": 2}[symbol]

    feed.add_to(Native(), Symbols(), 0, _T0 + 3)  # type: ignore[arg-type]
    assert [(symbol, venue, terms.tick_size) for symbol, venue, terms in feed.places if terms] == [("B", "V", 0.5)]
    assert added == [(str(tmp_path / "bus"), {2: 2}, [Tick.TYPE], _T0 + 1, _T0 + 3)]
    added.clear()
    (both,) = load(tmp_path / "bus", kind=("ticks", TradeTick))
    both.add_to(Native(), Symbols(), 0, 9)  # type: ignore[arg-type]
    assert len(added) == (4 if world == World.IMPORT else 1)  # imported files lie behind each other
    with pytest.raises(InstrumentError, match=r"The journal .* has no 'C'; it has A, B"):
        load(tmp_path / "bus", "C")
    with pytest.raises(BacktestError, match="A journal takes no option 'stamp'"):
        load(tmp_path / "bus", stamp="end")


def test_imported_journal_comes_in_order_of_time(tmp_path: Path) -> None:
    """Two files lie behind each other on an import bus; the run sees their ticks in turn, and only those of its range."""
    with EventBus(tmp_path / "bus", world=World.IMPORT, source="test", page_mb=1, sync="none") as bus:
        for later, symbol in enumerate("AB"):
            rows = ticks(5, _T0 + later)
            rows["instrument"] = bus.instruments.add(Instrument(symbol=symbol, venue="V", tick_size=0.5))
            bus.publish_batch(rows)
    seen: list[tuple[str, int]] = []

    class Watcher(hft.Strategy):
        def on_tick(self, tick: hft.Tick) -> None:
            seen.append((tick.symbol, tick.event_ns - _T0))

    engine = hft.Engine()
    engine.add_data(tmp_path / "bus", start=_T0 + 1, end=_T0 + 2_000_000_001)
    engine.add_strategy(Watcher())
    engine.run()
    assert seen == [("B", 1), ("A", 1_000_000_000), ("B", 1_000_000_001), ("A", 2_000_000_000)]


def test_journal_without_instruments_is_refused(tmp_path: Path) -> None:
    """There is nothing to run over."""
    EventBus(tmp_path / "bus", world=World.PAPER, page_mb=1, sync="none").close()
    with pytest.raises(BacktestError, match="has no instruments"):
        load(tmp_path / "bus")


# ---- stored history


def test_stored_history_answers_by_symbol() -> None:
    """Ticks and trades by the protocol, with the stored terms; bars of the period that is named."""
    history = MemoryHistory()
    history.add_ticks("A", "V", ticks(5))
    history.add_instrument(Instrument(symbol="A", venue="V", tick_size=0.5))
    (feed,) = load(history, "A", start=_T0, end=_T0 + 2_000_000_000)
    assert feed.rows["bid_price"].tolist() == [10.0, 11.0]  # type: ignore[attr-defined]
    with pytest.raises(InstrumentError, match="The stored history has no 'B'"):
        load(history, "B")
    with pytest.raises(ImportFileError, match="Which symbols"):
        load(history)
    with pytest.raises(ImportFileError, match="Nothing is stored of A before"):
        load(history, "A", end=_T0)


def test_database_is_named_by_its_url(tmp_path: Path) -> None:
    """What was recorded comes back as it was."""
    from gcg_quant.data_storage import Database

    url = f"sqlite:///{tmp_path / 'x.db'}"
    Database(url).close()
    with pytest.raises(InstrumentError, match="has no 'A'; it has nothing"):
        load(url, "A")
