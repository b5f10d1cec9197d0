"""The view of one instrument: quote, sparkline, tape, markers."""

from __future__ import annotations

import math

import pytest

from gcg_quant.clock import NS_PER_DAY, NS_PER_MINUTE, from_iso
from gcg_quant.events import Bar, BarBasis, Fill, Quality, Side, SignalEvent, Tick, TradeTick, VolumeKind
from gcg_quant.instruments import Instrument
from gcg_quant.visualization.series.market_view import MarketView

TEN = from_iso("2026-11-20 10:00:00")


@pytest.fixture
def view() -> MarketView:
    """Return the view of an instrument without terms."""
    return MarketView(Instrument(symbol="X", venue="V"))


def tick(price: float, **fields: float) -> Tick:
    """Return a tick at ten o'clock."""
    return Tick(symbol="X", venue="V", **{"event_ns": TEN, "last_price": price, **fields})  # type: ignore[arg-type]


def test_change_counts_from_the_previous_close(view: MarketView) -> None:
    """The change is a fraction of yesterday's settlement or close, if the venue tells one."""
    view.on_tick(tick(110.0, prev_close=100.0))
    assert view.quote()["change"] == pytest.approx(0.1)
    view.on_tick(tick(110.0, prev_close=100.0, prev_settlement=55.0))
    assert view.quote()["change"] == pytest.approx(1.0)


def test_change_counts_from_the_last_price_of_the_day_before(view: MarketView) -> None:
    """Without a previous close the change counts from the last price before the day, or the first one in it."""
    view.on_tick(tick(100.0))
    view.on_tick(tick(105.0))
    assert view.quote()["change"] == pytest.approx(0.05)
    view.on_tick(tick(126.0, event_ns=TEN + NS_PER_DAY))
    assert view.quote()["change"] == pytest.approx(0.2)


def test_suspicious_tick_moves_no_price(view: MarketView) -> None:
    """A tick that its source marked as odd is no price."""
    view.on_tick(tick(100.0))
    view.on_tick(tick(1.0, quality=Quality.SUSPICIOUS))
    assert view.last == 100.0


def test_quote_of_currency_is_its_middle() -> None:
    """A currency pair without last prices shows, and charts, the mean of bid and ask."""
    view = MarketView(Instrument(symbol="EUR/USD", venue="V", kind="fx"))
    view.on_tick(Tick(symbol="EUR/USD", venue="V", event_ns=TEN, bid_price=1.0, ask_price=1.5))
    assert view.last == 1.25
    assert view.candles.basis == BarBasis.MID
    assert view.candles.candle(TEN, "1m") is not None


def test_tape_is_made_of_growing_day_volume(view: MarketView) -> None:
    """Where the volume counts the day a tick is a trade of what it grew by; without growth it is none."""
    for volume in (10.0, 13.0, 13.0, 14.0):
        view.on_tick(tick(100.0, volume=volume, volume_kind=VolumeKind.DAY))
    assert [size for _, _, size, _ in view.tape] == [3.0, 1.0]
    assert view.new_trades == 2


def test_tape_prefers_real_trades(view: MarketView) -> None:
    """Once single trades come, ticks are no longer shown as such."""
    view.on_trade(TradeTick(symbol="X", event_ns=TEN, price=5, size=2, aggressor=Side.BUY))
    view.on_tick(tick(100.0, last_size=1.0))
    assert list(view.tape) == [(TEN // 1_000_000, 5, 2, 1)]


def test_trades_make_candles_where_ticks_have_no_price(view: MarketView) -> None:
    """Quotes without a last price beside single trades: the trades make the candles."""
    view.on_tick(tick(math.nan, bid_price=1.0, ask_price=2.0))
    view.on_trade(TradeTick(symbol="X", event_ns=TEN, price=5, size=2))
    made = view.candles.candle(TEN, "1m")
    assert made is not None
    assert (made.close, made.volume) == (5, 2)


def test_bars_alone_make_quote_and_sparkline(view: MarketView) -> None:
    """A feed of bars only: the last close is the price, and closes of minutes are the sparkline."""
    for at in range(3):
        start = TEN + at * NS_PER_MINUTE
        view.on_bar(Bar(symbol="X", period="1m", start_ns=start, end_ns=start + NS_PER_MINUTE, open=1, high=9, low=1, close=at + 1))
    assert view.last == 3
    assert view.spark() == [1, 2, 3, 3]
    assert view.spark_changed


def test_marker_is_kept_once(view: MarketView) -> None:
    """A fill that is read twice (after a restart) is one marker."""
    fill = Fill(symbol="X", price=1, quantity=2)
    view.on_marker(fill)
    view.on_marker(fill)
    assert len(view.markers) == len(view.new_markers) == 1
    view.forget_news()
    assert len(view.markers) == 1
    assert view.new_markers == []


def test_newest_markers_are_kept(view: MarketView) -> None:
    """Of many markers the newest five hundred stay, each once."""
    for number in [*range(1, 701), *range(650, 701)]:
        view.on_marker(SignalEvent(id=number, symbol="X", venue="", strategy="s", name="up", event_ns=number))
    assert len(view.markers) == 500
    assert len({marker["key"] for marker in view.markers}) == 500
    assert len(view.new_markers) == 700


def test_decimals_are_those_that_prices_have_shown(view: MarketView) -> None:
    """Without a tick size the decimals grow with the prices, and never shrink."""
    for price in (1.5, 1.2345, 2.0):
        view.on_tick(tick(price))
    assert view.terms()["decimals"] == 4
