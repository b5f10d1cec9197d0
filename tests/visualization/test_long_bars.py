"""Days of very many stored minutes: put together by the database, kept, and equal to those made of the minutes themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE
from gcg_quant.data_storage import Database, DatabaseHistory
from gcg_quant.data_storage.writing.store import STORED_EVENTS, Store
from gcg_quant.events import Bar
from gcg_quant.instruments import Instrument
from gcg_quant.visualization.charts import ChartManager
from gcg_quant.visualization.series.candles import Candle, candles_of
from gcg_quant.visualization.series.markets import Markets

BEGIN_NS = 1_700_006_400 * 10**9  # the beginning of a day of UTC
DAYS = 40


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Return a new SQLite database."""
    with Database(home=tmp_path / "home") as opened:
        yield opened


def store(bus: EventBus, database: Database, bars: np.ndarray[Any, Any], name: str = "recorder") -> None:
    """Publish bars on a bus and store what is new on it."""
    for begin in range(0, len(bars), 1_000):
        bus.publish_batch(bars[begin : begin + 1_000])
    writer = Store(database, bus, name)
    with bus.reader(start=writer.load_cursor() or "begin", events=STORED_EVENTS) as reader:
        tables, cold = reader.read_tables(1_000_000)
        writer.write(tables, cold, reader.cursor)


def minutes(bus: EventBus, first: int, count: int, symbol: str = "X", calendar: str = "24/7") -> np.ndarray[Any, Any]:
    """Return one-minute bars that walk, with a hole in every day."""
    bus.instruments.add(Instrument(symbol=symbol, venue="SIM", calendar=calendar))
    rows = np.repeat(blank(), count)
    at = np.arange(first, first + count)
    price = 100 + np.random.default_rng(first).normal(0, 0.1, count).cumsum()
    rows["instrument"] = bus.instruments.number(symbol, "SIM")
    rows["start_ns"] = BEGIN_NS + at * NS_PER_MINUTE
    rows["event_ns"] = rows["start_ns"] + NS_PER_MINUTE
    rows["period"] = b"1m"
    for name, change in (("open", 0.0), ("high", 0.2), ("low", -0.2), ("close", 0.1)):
        rows[name] = price + change
    rows["volume"] = at % 97
    kept: np.ndarray[Any, Any] = rows[at % 1_440 < 1_400]
    return kept


def blank() -> np.ndarray[Any, Any]:
    """Return one bar of nothing, as an array."""
    rows = np.zeros(1, Bar.dtype)
    empty = Bar()
    for name in Bar.dtype.names or ():
        if Bar.dtype[name].kind != "S" and name != "instrument":
            rows[name] = getattr(empty, name)
    return rows


def manager(bus: EventBus, database: Database) -> ChartManager:
    """Return a chart manager over the database alone."""
    markets = Markets()
    markets.open(bus.instruments, 0)
    return ChartManager(markets, DatabaseHistory(database))


def plain(database: Database, period: str) -> list[Candle]:
    """Return the candles that are made of the minutes themselves."""
    return candles_of(DatabaseHistory(database).bars("X", period), period)


@pytest.mark.parametrize("calendar", ["24/7", "XNYS", "XSHG:session"])
@pytest.mark.parametrize("period", ["1h", "4h", "1d", "1w"])
def test_long_candles_are_those_of_the_minutes(
    bus: EventBus, database: Database, monkeypatch: pytest.MonkeyPatch, period: str, calendar: str
) -> None:
    """By the clock, by trading days and by sessions: the same candles whether the database puts them together or not."""
    monkeypatch.setattr("gcg_quant.visualization.series.long_bars._FEW_MINUTES", 0)
    store(bus, database, minutes(bus, 0, DAYS * 1_440, calendar=calendar))
    expected = plain(database, period)
    charts = manager(bus, database)
    assert len(expected) > 4
    found = charts.page("X@SIM", period, limit=5_000).candles
    assert [one[:6] for one in found] == [one[:6] for one in expected]
    np.testing.assert_allclose([one.volume for one in found], [one.volume for one in expected])
    middle = expected[len(expected) // 2].time
    assert [one.time for one in charts.page("X@SIM", period, before=middle, limit=2).candles] == [
        one.time for one in expected if one.time < middle
    ][-2:]
    assert [one.time for one in charts.page("X@SIM", period, after=middle, limit=2).candles] == [
        one.time for one in expected if one.time >= middle
    ][:2]


def test_what_is_kept_is_read_once_and_follows_what_is_stored(bus: EventBus, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """New minutes are seen at once; older ones that come or go, once a minute; several sources are chosen between by the history."""
    monkeypatch.setattr("gcg_quant.visualization.series.long_bars._FEW_MINUTES", 0)
    monkeypatch.setattr("gcg_quant.visualization.series.long_bars._CHECKED_S", 1e9)  # a minute may pass before it is meant to
    asked: list[int | None] = []
    coarse = DatabaseHistory.coarse_bars

    def counted(self: DatabaseHistory, *given: Any, **named: Any) -> Any:
        asked.append(named.get("start_ns"))
        return coarse(self, *given, **named)

    monkeypatch.setattr(DatabaseHistory, "coarse_bars", counted)
    store(bus, database, minutes(bus, 1_440, (DAYS - 1) * 1_440))
    charts = manager(bus, database)

    def days() -> list[tuple[Any, ...]]:
        return [one[:6] for one in charts.page("X@SIM", "1d", limit=5_000).candles]

    assert days() == [one[:6] for one in plain(database, "1d")]
    store(bus, database, minutes(bus, DAYS * 1_440, 1_440))
    assert days() == [one[:6] for one in plain(database, "1d")]
    assert asked[0] is None
    assert asked[1] is not None
    assert asked[1] > BEGIN_NS + (DAYS - 3) * NS_PER_DAY
    store(bus, database, minutes(bus, 0, 1_440))
    assert len(days()) == len(plain(database, "1d")) - 1
    monkeypatch.setattr("gcg_quant.visualization.series.long_bars._CHECKED_S", -1.0)
    assert days() == [one[:6] for one in plain(database, "1d")]


def test_bars_of_several_sources_are_left_to_the_history(
    bus: EventBus, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Where the same minute is stored twice the better one counts, as everywhere."""
    monkeypatch.setattr("gcg_quant.visualization.series.long_bars._FEW_MINUTES", 0)
    store(bus, database, minutes(bus, 0, 5 * 1_440))
    with EventBus(tmp_path / "other", source="other", sync="none") as other:
        again = minutes(other, 2 * 1_440, 1_440)
        again["high"] += 50
        store(other, database, again, "other")
    history = DatabaseHistory(database)
    assert history.coarse_bars("X", "30m", "1m") is None
    found = manager(bus, database).page("X@SIM", "1d", limit=5_000).candles
    assert [one[:6] for one in found] == [one[:6] for one in plain(database, "1d")]
    first_day = history.coarse_bars("X", "1h", "1m", start_ns=BEGIN_NS + 4 * NS_PER_DAY)
    assert first_day is not None
    assert int(first_day["count"].sum()) == 1_400
    assert (np.diff(first_day["start_ns"]) == NS_PER_HOUR).all()
