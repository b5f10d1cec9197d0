"""The adapter: events as rows of messages."""

from __future__ import annotations

import math

import msgspec
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import (
    AccountEvent,
    Bar,
    Depth,
    Fill,
    LogEvent,
    OrderEvent,
    OrderStatus,
    OrderType,
    PositionEvent,
    PositionSide,
    Side,
    SignalEvent,
    StrategyStatusEvent,
    Tick,
    TradeTick,
)
from gcg_quant.instruments import Instrument
from gcg_quant.visualization.adapter import EventToChartAdapter as Adapter

NOON_NS = 1_700_000_000_000_000_000


def published(bus: EventBus, event: object) -> object:
    """Return an event as a reader gets it, with its id."""
    with bus.reader(start="end") as reader:
        bus.publish(event)  # type: ignore[arg-type]
        return reader.read(1.0)


def test_bar_becomes_candle_in_seconds() -> None:
    """A bar's candle stands at its start in seconds and keeps its prices and volume."""
    bar = Bar(symbol="X", period="1m", start_ns=NOON_NS, end_ns=NOON_NS + 60_000_000_000, open=1, high=3, low=0.5, close=2, volume=7)
    assert Adapter.candle_row(Adapter.candle(bar)) == (1_700_000_000, 1, 3, 0.5, 2, 7)


def test_daily_bar_stands_at_its_trading_day() -> None:
    """A daily bar that begins with the evening before stands at the date of its trading day."""
    bar = Bar(symbol="rb2501", period="1d", start_ns=NOON_NS, open=1, high=1, low=1, close=1, trading_day=20231116)
    assert Adapter.candle(bar).time == 1_700_092_800  # 2023-11-16T00:00Z


def test_unknown_volume_becomes_null() -> None:
    """A volume that nobody told is null in the message, not 0."""
    bar = Bar(symbol="X", period="1m", start_ns=NOON_NS, open=1, high=1, low=1, close=1)
    assert msgspec.json.encode(Adapter.candle_row(Adapter.candle(bar))).endswith(b",null]")


@pytest.mark.parametrize(
    ("event_id", "text"), [(0, ""), ((1 << 60) | 1_204_871, "#1204871"), (17, "control #17"), ((2 << 60) | 3, "log #3")]
)
def test_reference_names_lane_and_number(event_id: int, text: str) -> None:
    """An event's id is a text, since JavaScript cannot hold the number."""
    assert Adapter.reference(event_id) == text


def test_price_of_quote_is_its_middle() -> None:
    """A quote without a last price has the mean of bid and ask; a one-sided one has none."""
    assert Adapter.price(Tick(symbol="EUR/USD", bid_price=1.0, ask_price=1.5)) == 1.25
    assert Adapter.price(Tick(symbol="X", last_price=3.0, bid_price=1.0, ask_price=1.5)) == 3.0
    assert math.isnan(Adapter.price(Tick(symbol="X", bid_price=1.0)))


def test_fill_marker_carries_its_chain(bus: EventBus) -> None:
    """A fill's marker says when, what, for whom, of which order and because of which event."""
    fill = Fill(
        symbol="X", venue="V", event_ns=NOON_NS, strategy="grid", request=(1 << 60) | 5, price=2.5, quantity=3, side=Side.SELL, fee=0.1
    )
    with bus.reader(start="end") as reader:
        bus.publish(fill, cause=(1 << 60) | 5)
        row = Adapter.fill_marker(reader.read(1.0))  # type: ignore[arg-type]
    assert row["kind"] == "fill"
    assert (row["time_ms"], row["side"], row["quantity"], row["price"]) == (1_700_000_000_000, "sell", 3, 2.5)
    assert (row["name"], row["strategy"], row["order"], row["cause"], row["event"]) == ("X@V", "grid", "#5", "#5", "#1")


def test_signal_marker_names_strategy_and_signal(bus: EventBus) -> None:
    """A signal's marker names the strategy and what it calls the signal; what is absent stays absent."""
    row = Adapter.signal_marker(
        published(bus, SignalEvent(symbol="X", venue="V", strategy="sma", name="cross up", event_ns=NOON_NS, direction=Side.BUY))  # type: ignore[arg-type]
    )
    assert (row["kind"], row["strategy"], row["signal"], row["side"]) == ("signal", "sma", "cross up", "buy")
    assert row["price"] is None


def test_order_row_reads_as_words(bus: EventBus) -> None:
    """Side, type and status of an order are words, and its reason is kept."""
    order = OrderEvent(
        client_id="c9",
        stop_price=4.5,
        symbol="X",
        request=9,
        side=Side.BUY,
        order_type=OrderType.STOP_LIMIT,
        status=OrderStatus.REJECTED,
        quantity=1,
        reason="too large",
    )
    row = Adapter.order(order)
    assert (row["key"], row["side"], row["kind"], row["status"], row["reason"]) == ("9", "buy", "stop limit", "rejected", "too large")
    assert (row["client_id"], row["stop"]) == ("c9", 4.5)


def test_position_account_strategy_and_log_rows(bus: EventBus) -> None:
    """The drawer's other rows carry their key and their numbers."""
    position = Adapter.position(
        PositionEvent(symbol="X", venue="V", account="a", strategy="s", quantity=-2, average_price=10, unrealised_pnl=4)
    )
    assert (position["name"], position["quantity"], position["open"]) == ("X@V", -2, 4)
    legs = PositionEvent(symbol="X", quantity=3, today=1, yesterday=2, frozen=1, margin=9, position_side=PositionSide.LONG)
    row = Adapter.position(legs)
    assert [row[key] for key in ("leg", "day", "earlier", "frozen", "margin")] == ["long", 1, 2, 1, 9]
    event = AccountEvent(
        account="a", currency="USD", equity=120, cash=100, margin=30, available=90, realised_pnl=5, unrealised_pnl=2, fees=1
    )
    account = Adapter.account(event, 20.0)
    assert (account["key"], account["equity"], account["today"]) == ("a|USD", 120, 20.0)
    assert [account[key] for key in ("cash", "margin", "available", "realised", "open", "fees")] == [100, 30, 90, 5, 2, 1]
    strategy = Adapter.strategy(StrategyStatusEvent(strategy="s", state="failed", error="boom", symbols=["X"]))
    assert (strategy["key"], strategy["state"], strategy["error"]) == ("s", "failed", "boom")
    line = Adapter.log(published(bus, LogEvent(level="error", component="c", message="m")))  # type: ignore[arg-type]
    assert (line["key"], line["level"], line["text"]) == ("log #1", "error", "m")


def test_depth_leaves_absent_levels_out() -> None:
    """A book of three levels has three rows a side at most, the best first."""
    nan = math.nan
    book = Depth(
        symbol="X",
        event_ns=NOON_NS,
        bid_prices=(9, 8, *[nan] * 8),
        bid_sizes=(1, 2, *[nan] * 8),
        ask_prices=(10, *[nan] * 9),
        ask_sizes=(3, *[nan] * 9),
    )
    row = Adapter.depth(book)
    assert row["bids"] == [(9, 1), (8, 2)]
    assert row["asks"] == [(10, 3)]


def test_trades_know_their_side() -> None:
    """A trade's side is its aggressor's; a tick's is told by the quote that it met."""
    assert Adapter.trade(TradeTick(symbol="X", event_ns=NOON_NS, price=2, size=3, aggressor=Side.SELL)) == (1_700_000_000_000, 2, 3, -1)
    for last, side in ((11.0, 1), (10.0, -1), (10.5, 0)):
        tick = Tick(symbol="X", event_ns=NOON_NS, last_price=last, bid_price=10, ask_price=11)
        assert Adapter.tick_trade(tick, 1.0)[3] == side


@pytest.mark.parametrize(
    ("tick_size", "price", "decimals"), [(0.25, 10.0, None), (1e-8, 10.5, 2), (1e-8, 0.01234, 5), (1e-8, math.nan, None)]
)
def test_decimals_are_guessed_only_without_terms(tick_size: float, price: float, decimals: int | None) -> None:
    """An instrument whose tick size nobody told shows as many decimals as its price does."""
    assert Adapter.guessed_decimals(Instrument(symbol="X", venue="V", tick_size=tick_size), price) == decimals


def test_instrument_row_has_its_decimals() -> None:
    """The page gets an instrument's own decimals, and no tick size where nobody told one."""
    known = Adapter.instrument(Instrument(symbol="X", venue="V", tick_size=0.25))
    assert (known["name"], known["decimals"], known["tick_size"]) == ("X@V", 2, 0.25)
    assert Adapter.instrument(Instrument(symbol="X", venue=""), 3)["tick_size"] == 0.0


@pytest.mark.parametrize(
    ("calendar", "zone", "minute"),
    [("24/7", "UTC", 0), ("XSHG", "Asia/Shanghai", 0), ("CMES", "America/Chicago", 17 * 60), ("SHFE", "Asia/Shanghai", 18 * 60)],
)
def test_instrument_row_says_when_trading_days_begin(calendar: str, zone: str, minute: int) -> None:
    """A market without a night session begins its days at midnight, one with a night session in the evening before."""
    row = Adapter.instrument(Instrument(symbol="X", venue="V", calendar=calendar, timezone=zone))
    assert row["day_start"] == minute
