"""The bars of a report's price chart: of whatever kind of record was replayed."""

from __future__ import annotations

from typing import Any

import numpy as np
from made_runs import INSTRUMENTS, START_NS

from gcg_quant.backtest.hft.chart_bars import MOST_BARS, chart_period, chart_sources
from gcg_quant.bar_arrays import aggregate, resample
from gcg_quant.clock import NS_PER_DAY, NS_PER_SECOND
from gcg_quant.events import Bar, BarBasis, BookAction, BookDelta, Depth, Side, Tick, TradeTick
from gcg_quant.periods import period_ns

COUNT = 500


def times(count: int = COUNT) -> Any:
    """Return a time each 300 ms."""
    return START_NS + np.arange(count) * 300_000_000


def made(kind: Any, **columns: Any) -> Any:
    """Return rows of a record with these columns, and nothing known of the others."""
    rows = np.zeros(COUNT, kind.dtype)
    for name in kind.dtype.names:
        if kind.dtype[name].base == np.float64:
            rows[name] = np.nan
    rows["event_ns"] = times()
    for name, values in columns.items():
        rows[name] = values
    return rows


def walk(seed: int) -> Any:
    """Return prices that wander."""
    return 100.0 + np.cumsum(np.random.default_rng(seed).integers(-2, 3, COUNT)) * 0.5


def bars(*parts: Any, period: str = "5s") -> Any:
    """Return the bars of the first instrument."""
    source = chart_sources({1: parts}, INSTRUMENTS[:1], ["BTC"], period)[0]
    assert (source.symbol, source.venue, source.terms) == ("BTC", "BINANCE", INSTRUMENTS[0])
    return source.bars


def test_trades_come_before_ticks() -> None:
    """Bars are those that `aggregate` makes of the trades, of several arrays in the order of time, although there are ticks."""
    trades = made(TradeTick, price=walk(1), size=1.0)
    found = bars(made(Tick, last_price=walk(2)), trades[250:], trades[:250])
    assert found.tobytes() == aggregate(trades, "5s").tobytes()
    assert found["volume"].sum() == COUNT


def test_quotes_without_a_last_price_have_bars_of_their_mid() -> None:
    """So have depths, by their best prices."""
    bid = walk(3)
    ticks = made(Tick, bid_price=bid, ask_price=bid + 0.5)
    expected = aggregate(ticks, "5s", BarBasis.MID)
    assert bars(ticks)["close"].tolist() == expected["close"].tolist()
    depths = made(Depth)
    depths["bid_prices"][:, 0], depths["ask_prices"][:, 0] = bid, bid + 0.5
    found = bars(depths)
    assert [found[name].tolist() for name in ("open", "high", "low", "close")] == [
        expected[name].tolist() for name in ("open", "high", "low", "close")
    ]


def test_changes_of_a_book_have_bars_of_the_mid_at_their_ends() -> None:
    """The book is kept as the deltas say, cleared and taken as a snapshot, and told once a bar."""
    rng = np.random.default_rng(5)
    rows = made(BookDelta, price=np.where(rng.random(COUNT) < 0.5, 99.0, 101.0) + rng.integers(-4, 5, COUNT) / 10, size=1.0)
    rows["side"] = np.where(rows["price"] < 100, int(Side.BUY), int(Side.SELL))
    rows["action"] = rng.choice([int(BookAction.SET), int(BookAction.DELETE)], COUNT, p=[0.7, 0.3])
    rows["action"][[200, 300]] = [int(BookAction.CLEAR), int(BookAction.SNAPSHOT)]
    rows["side"][200] = int(Side.BUY)
    book: dict[tuple[int, float], float] = {}
    mids: dict[int, float] = {}
    for row in rows:
        side, price, action = int(row["side"]), float(row["price"]), int(row["action"])
        if action == BookAction.SNAPSHOT:
            book.clear()
        if action == BookAction.CLEAR:
            book = {place: size for place, size in book.items() if place[0] != side}
        elif action == BookAction.DELETE:
            book.pop((side, price), None)
        else:
            book[side, price] = 1.0
        bids, asks = ([price for own, price in book if own == side] for side in (Side.BUY, Side.SELL))
        place = int(row["event_ns"]) // (5 * NS_PER_SECOND)
        mids.pop(place, None)
        if bids and asks:
            mids[place] = (max(bids) + min(asks)) / 2
    found = bars(rows)
    assert dict(zip((found["start_ns"] // (5 * NS_PER_SECOND)).tolist(), found["close"].tolist(), strict=True)) == mids
    assert len(mids) > 20


def test_bars_are_resampled_or_taken_as_they_are() -> None:
    """One-second bars become those of five seconds; bars of a minute stay what they are."""
    ticks = made(Tick, last_price=walk(6))
    seconds = aggregate(ticks, "1s")
    assert bars(seconds).tobytes() == resample(seconds, "5s").tobytes()
    minutes = aggregate(ticks, "1m")
    assert bars(minutes)["close"].tolist() == minutes["close"].tolist()
    assert bars().dtype == Bar.dtype
    assert len(bars()) == len(bars(made(Tick))) == 0


def test_the_period_is_the_shortest_that_a_chart_can_show() -> None:
    """A trading day has bars of seconds, a year of longer ones, and none has too many."""
    assert chart_period(4 * 3600 * NS_PER_SECOND) == "1s"
    assert chart_period(0) == "1s"
    for span in (NS_PER_DAY, 30 * NS_PER_DAY, 365 * NS_PER_DAY, 3650 * NS_PER_DAY):
        assert span // period_ns(chart_period(span)) <= MOST_BARS
    assert chart_period(365 * 1000 * NS_PER_DAY) == "1w"
