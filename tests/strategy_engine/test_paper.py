"""The paper gateway: commands in, reports out; and what every gateway promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import from_iso
from gcg_quant.errors import ComponentError, OrderError
from gcg_quant.events import (
    BookAction,
    BookDelta,
    CancelCommand,
    Liquidity,
    OrderCommand,
    OrderFlag,
    OrderStatus,
    OrderType,
    Side,
    Tick,
    TimeInForce,
    TradeTick,
    World,
)
from gcg_quant.instruments import preset
from gcg_quant.settings import Settings
from gcg_quant.strategy_engine.gateways import Change, Gateway, GatewayReport, PaperGateway, ReportKind, VenueOrder
from gcg_quant.strategy_engine.orders.order import Order

NOW = from_iso("2026-11-20T03:00:00Z")


class Venue:
    """A paper gateway on a bus with A shares, and what it has reported."""

    def __init__(self, bus: EventBus, **options: Any) -> None:
        self.number = bus.instruments.add(preset("cn_stock", "600519", "SIM"))
        self.gateway = PaperGateway(**options)
        self.reports: list[GatewayReport] = []
        self.gateway.open(bus, self.reports.append)
        self.gateway.set_terms(self.number, bus.instruments[self.number])

    def tick(self, bid: float, ask: float, size: float = 1000.0, at: int = 0) -> None:
        """Show a market."""
        tick = Tick(
            symbol="600519",
            venue="SIM",
            instrument=self.number,
            event_ns=NOW + at,
            bid_price=bid,
            bid_size=size,
            ask_price=ask,
            ask_size=size,
        )
        self.gateway.on_market(tick)

    def trade(self, price: float, size: float = 100.0, at: int = 0) -> None:
        """Show a trade."""
        self.gateway.on_market(TradeTick(symbol="600519", venue="SIM", instrument=self.number, event_ns=NOW + at, price=price, size=size))

    def command(self, request: int = 1, side: Side = Side.BUY, price: float | None = None, **fields: Any) -> OrderCommand:
        """Return a command for 200 shares."""
        kind = OrderType.MARKET if price is None else OrderType.LIMIT
        terms = {"quantity": 200.0, "order_type": kind, "event_ns": NOW, **fields}
        return OrderCommand(symbol="600519", venue="SIM", request=request, client_id=f"c{request}", side=side, price=price, **terms)

    def kinds(self) -> list[ReportKind]:
        """Return what was reported, and forget it."""
        kinds = [report.kind for report in self.reports]
        self.reports.clear()
        return kinds


@pytest.fixture
def venue(bus: EventBus) -> Venue:
    """Return a venue without latency."""
    return Venue(bus)


def test_fill_carries_price_fee_and_trading_day(venue: Venue) -> None:
    """A market order fills at the quote; the fee is the instrument's, the day that of its own time zone."""
    venue.tick(99.99, 100.0)
    venue.gateway.submit(venue.command())
    accepted, fill = venue.reports
    assert (accepted.kind, accepted.client_id, accepted.venue_order_id) == (ReportKind.ACCEPTED, "c1", "P1")
    assert (fill.price, fill.quantity, fill.trade_id, fill.liquidity) == (100.0, 200.0, "P1.1", Liquidity.TAKER)
    assert (fill.fee, fill.fee_currency, fill.trading_day) == (pytest.approx(5.2), "CNY", 20261120)


def test_sale_pays_stamp_duty_and_a_minimum_fee_once(venue: Venue) -> None:
    """The least fee is charged with the order's first fill, the duty with every sale."""
    venue.tick(10.0, 10.01, 100.0)
    venue.gateway.submit(venue.command(side=Side.SELL))
    venue.tick(10.0, 10.01, 100.0, at=1)
    fees = [report.fee for report in venue.reports if report.kind == ReportKind.FILLED]
    assert fees == [pytest.approx(5.0 + 0.5), pytest.approx(0.26 + 0.5)]


def test_cancel_and_change_are_answered(venue: Venue) -> None:
    """A working order is changed and cancelled; one that is done refuses both."""
    venue.tick(99.0, 100.0)
    venue.gateway.submit(venue.command(price=98.0))
    venue.gateway.modify(Change(request=1, client_id="c1", quantity=300.0, price=98.5), NOW)
    assert venue.reports[-1].quantity == 300.0
    assert [one.quantity for one in venue.gateway.query_orders()] == [300.0]
    cancel = CancelCommand(symbol="600519", venue="SIM", request=1, client_id="c1", event_ns=NOW)
    venue.gateway.cancel(cancel)
    venue.gateway.cancel(cancel)
    venue.gateway.modify(Change(request=1, client_id="c1", price=98.0), NOW)
    assert venue.kinds() == [
        ReportKind.ACCEPTED,
        ReportKind.MODIFIED,
        ReportKind.CANCELLED,
        ReportKind.CANCEL_REFUSED,
        ReportKind.MODIFY_REFUSED,
    ]
    assert venue.gateway.query_orders() == []


def test_latency_is_counted_in_event_time(bus: EventBus) -> None:
    """An order arrives after its latency, with market data or when time is said to pass."""
    venue = Venue(bus, latency_ns=1000)
    venue.tick(99.0, 100.0)
    venue.gateway.submit(venue.command())
    venue.tick(99.0, 101.0, at=999)
    assert venue.kinds() == []
    venue.gateway.advance(NOW + 1000)
    assert [report.price for report in venue.reports if report.kind == ReportKind.FILLED] == [101.0]
    assert venue.reports[-1].event_ns == NOW + 1000


def test_cancels_have_a_latency_of_their_own(bus: EventBus) -> None:
    """A cancel is there sooner than an order, but never before its own."""
    venue = Venue(bus, latency_ns=1000, cancel_latency_ns=10)
    venue.tick(99.0, 100.0)
    for request in (1, 2):
        venue.gateway.submit(venue.command(request, price=98.0))
    venue.gateway.cancel(CancelCommand(symbol="600519", venue="SIM", request=1, client_id="c1", event_ns=NOW))
    venue.gateway.advance(NOW + 999)
    assert venue.kinds() == []
    venue.gateway.advance(NOW + 1000)
    assert venue.kinds() == [ReportKind.ACCEPTED, ReportKind.ACCEPTED, ReportKind.CANCELLED]
    venue.gateway.cancel(CancelCommand(symbol="600519", venue="SIM", request=2, client_id="c2", event_ns=NOW + 2000))
    venue.gateway.advance(NOW + 2010)
    assert venue.kinds() == [ReportKind.CANCELLED]


def test_trailing_stop_tells_where_it_stands_and_sells(venue: Venue) -> None:
    """Every move is reported with the stop price; what it was before a restart is enough to go on."""
    venue.tick(99.0, 100.0)
    venue.trade(100.0)
    venue.gateway.submit(venue.command(side=Side.SELL, order_type=OrderType.TRAILING_STOP, trail_percent=0.01))
    venue.trade(110.0, at=1)
    assert [report.stop_price for report in venue.reports if report.kind == ReportKind.TRAILED] == [99.0, 108.9]
    venue.kinds()
    venue.trade(108.9, at=2)
    assert venue.kinds() == [ReportKind.TRIGGERED, ReportKind.FILLED]


def test_deltas_make_a_book(venue: Venue) -> None:
    """An order takes what book deltas have displayed."""
    for price, size in ((100.0, 100.0), (100.01, 500.0)):
        venue.gateway.on_market(
            BookDelta(
                symbol="600519",
                venue="SIM",
                instrument=venue.number,
                event_ns=NOW,
                action=BookAction.SET,
                side=Side.SELL,
                price=price,
                size=size,
            )
        )
    venue.gateway.submit(venue.command())
    fills = [(report.price, report.quantity) for report in venue.reports if report.kind == ReportKind.FILLED]
    assert fills == [(100.0, 100.0), (100.01, 100.0)]


def test_queue_is_chosen_by_name(bus: EventBus) -> None:
    """Trades at the price reach an order once those ahead of it are done."""
    venue = Venue(bus, queue="risk_averse")
    venue.tick(99.0, 100.0, 300.0)
    venue.gateway.submit(venue.command(price=99.0))
    venue.trade(99.0, 300.0, at=1)
    assert venue.kinds() == [ReportKind.ACCEPTED]
    venue.trade(99.0, 100.0, at=2)
    assert venue.kinds() == [ReportKind.FILLED]
    with pytest.raises(ComponentError, match="no queue 'front': choose one of back, risk_averse, proportional, power, logarithmic"):
        PaperGateway(queue="front")  # type: ignore[arg-type]
    with pytest.raises(ComponentError, match="must be a multiple of 0.5 from 0.5 to 8, found 1.2"):
        PaperGateway(queue="power", queue_power=1.2)


def test_price_outside_of_the_day_s_limits_is_rejected(venue: Venue) -> None:
    """The limits are counted from the previous close where ticks tell none; the reason is told."""
    venue.gateway.on_market(Tick(symbol="600519", venue="SIM", instrument=venue.number, event_ns=NOW, prev_close=100.0, last_price=100.0))
    venue.gateway.submit(venue.command(price=110.01))
    assert [(report.kind, report.reason) for report in venue.reports] == [
        (ReportKind.REJECTED, "its price is outside the day's price limits")
    ]
    venue.gateway.submit(venue.command(2, price=110.0))
    assert venue.reports[-1].kind == ReportKind.FILLED


def test_closed_market_fills_nothing(bus: EventBus) -> None:
    """Over lunch an order waits, an immediate one is cancelled; in the afternoon the first quotes fill it."""
    venue = Venue(bus, sessions=True)
    lunch, afternoon = (from_iso(f"2026-11-20T0{hour}:00:00Z") - NOW for hour in (4, 5))
    venue.tick(99.0, 100.0, at=lunch)
    venue.gateway.submit(venue.command(1, event_ns=NOW + lunch))
    venue.gateway.submit(venue.command(2, event_ns=NOW + lunch, time_in_force=TimeInForce.IOC))
    venue.tick(99.0, 100.0, at=lunch + 1)
    assert venue.reports[-1].reason == "the market is closed"
    assert venue.kinds() == [ReportKind.ACCEPTED, ReportKind.ACCEPTED, ReportKind.CANCELLED]
    venue.tick(99.0, 100.0, at=afternoon)
    assert venue.kinds() == [ReportKind.FILLED]


@pytest.mark.parametrize(("sent", "ends"), [("2026-11-20T03:00", "2026-11-20T07:00"), ("2026-11-20T08:00", "2026-11-23T07:00")])
def test_day_order_ends_at_the_close_where_sessions_are_kept(bus: EventBus, sent: str, ends: str) -> None:
    """On Shanghai's exchange at 15:00; one that is sent after the close is for the next trading day."""
    venue = Venue(bus, sessions=True)
    venue.gateway.submit(venue.command(price=90.0, time_in_force=TimeInForce.DAY, event_ns=from_iso(f"{sent}:00Z")))
    end = from_iso(f"{ends}:00Z")
    venue.gateway.advance(end - 1)
    assert venue.kinds() == [ReportKind.ACCEPTED]
    venue.gateway.advance(end)
    assert venue.kinds() == [ReportKind.EXPIRED]


def test_day_order_of_a_night_session_ends_with_the_next_day(bus: EventBus) -> None:
    """A night session belongs to the next trading day: the order lives until that one's close."""
    number = bus.instruments.add(preset("cn_future", "rb2701", "SIM"))
    reports: list[GatewayReport] = []
    gateway = PaperGateway(sessions=True)
    gateway.open(bus, reports.append)
    gateway.set_terms(number, bus.instruments[number])
    night, close = from_iso("2026-11-19T13:30:00Z"), from_iso("2026-11-20T07:00:00Z")
    terms: dict[str, Any] = {"side": Side.BUY, "quantity": 1.0, "price": 3000.0, "order_type": OrderType.LIMIT}
    gateway.submit(
        OrderCommand(symbol="rb2701", venue="SIM", request=1, client_id="c", event_ns=night, time_in_force=TimeInForce.DAY, **terms)
    )
    gateway.advance(close - 1)
    assert [report.kind for report in reports] == [ReportKind.ACCEPTED]
    gateway.advance(close)
    assert [report.kind for report in reports][1:] == [ReportKind.EXPIRED]


def test_unknown_calendar_fails_the_order(bus: EventBus) -> None:
    """Nothing has reached the venue then, and the next order fails as well."""
    bus.instruments.add(preset("cn_stock", "600000", "SIM", calendar="XSHH"))
    gateway = PaperGateway(sessions=True)
    gateway.open(bus, print)
    terms: dict[str, Any] = {"side": Side.BUY, "quantity": 100.0, "order_type": OrderType.MARKET, "event_ns": NOW}
    for request in (1, 2):
        with pytest.raises(OrderError, match="no calendar 'XSHH'"):
            gateway.submit(OrderCommand(symbol="600000", venue="SIM", request=request, client_id=f"c{request}", **terms))
    assert gateway.query_orders() == []


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ("", True),
        ("[simulated]\nenabled = true", False),
        ('[simulated]\nenabled = true\ncalendar = "real"', True),
        ('[trading]\nsessions = "off"', False),
        ('[simulated]\nenabled = true\n[trading]\nsessions = "on"', True),
    ],
)
def test_settings_say_whether_sessions_are_kept(bus: EventBus, tmp_path: Any, lines: str, kept: bool) -> None:
    """By default they are, unless the simulated exchange trades around the clock."""
    path = tmp_path / "gcg_quant.toml"
    path.write_text(lines)
    bus.instruments.add(preset("cn_stock", "600519", "SIM"))
    reports: list[GatewayReport] = []
    gateway = PaperGateway.from_settings(Settings.load(path))
    gateway.open(bus, reports.append)
    lunch = from_iso("2026-11-20T04:00:00Z")
    terms: dict[str, Any] = {"side": Side.BUY, "quantity": 100.0, "order_type": OrderType.MARKET, "time_in_force": TimeInForce.IOC}
    gateway.submit(OrderCommand(symbol="600519", venue="SIM", request=1, client_id="c", event_ns=lunch, **terms))
    gateway.advance(lunch + 10_000_000)
    assert (reports[-1].reason == "the market is closed") == kept


def test_slippage_is_counted_in_ticks(bus: EventBus) -> None:
    """Whoever takes pays the ticks."""
    venue = Venue(bus, slippage_ticks=3)
    venue.tick(99.0, 100.0)
    venue.gateway.submit(venue.command())
    assert venue.reports[-1].price == 100.03


def test_day_order_ends_at_the_market_s_midnight(venue: Venue) -> None:
    """A day order expires with the day of the market's own time zone, a dated one at its time."""
    venue.tick(99.0, 100.0)
    venue.gateway.submit(venue.command(1, price=90.0, time_in_force=TimeInForce.DAY))
    venue.gateway.submit(venue.command(2, price=90.0, time_in_force=TimeInForce.GTD, expire_ns=NOW + 5))
    venue.gateway.submit(venue.command(3, price=100.0, order_flags=int(OrderFlag.POST_ONLY)))
    venue.gateway.advance(from_iso("2026-11-20T15:59:59Z"))
    assert venue.kinds() == [ReportKind.ACCEPTED, ReportKind.ACCEPTED, ReportKind.REJECTED, ReportKind.EXPIRED]
    venue.gateway.advance(from_iso("2026-11-20T16:00:00Z"))
    assert venue.kinds() == [ReportKind.EXPIRED]


def test_closed_gateway_says_nothing(venue: Venue) -> None:
    """After close() nobody is told anything, and it is not connected."""
    venue.gateway.close()
    assert not venue.gateway.connected
    assert venue.gateway.query_positions() is None
    assert venue.gateway.query_account() is None
    with pytest.raises(ComponentError, match="is not open"):
        PaperGateway().submit(venue.command())


class RealGateway(Gateway):
    """A gateway that would reach a venue."""

    connected = True  # type: ignore[assignment]

    def connect(self, bus: EventBus, listener: Any) -> None:
        """Never reached in these tests."""
        raise AssertionError("a real venue was reached")

    def submit(self, command: OrderCommand) -> None:
        """Reach nothing."""

    def cancel(self, command: CancelCommand) -> None:
        """Reach nothing."""

    def modify(self, change: Change, event_ns: int) -> None:
        """Reach nothing."""

    def restore(self, orders: Sequence[Order]) -> None:
        """Reach nothing."""

    def query_orders(self) -> list[VenueOrder]:
        """Return nothing."""
        return []

    def close(self) -> None:
        """Reach nothing."""


@pytest.mark.parametrize("world", [World.PAPER, World.BACKTEST, World.IMPORT, World.REPLAY])
def test_real_gateway_refuses_any_world_but_live(tmp_path: Any, world: World) -> None:
    """No backtest, import, replay or paper bus reaches a venue."""
    with (
        EventBus(tmp_path / "bus", world=world, page_mb=0.25, sync="none") as bus,
        pytest.raises(ComponentError, match=f"refuses a {world.name.lower()} bus"),
    ):
        RealGateway("real").open(bus, print)


def test_restored_orders_take_their_places(bus: EventBus, venue: Venue) -> None:
    """Orders of before a restart work on with what was filled, and one that was on its way is sent again."""
    from gcg_quant.events import OrderEvent
    from gcg_quant.strategy_engine.orders.order import WholeTerms

    share = bus.instruments[venue.number]
    half = Order(1, "c1", "s", venue.number, share, venue.command(1, price=98.0), WholeTerms(2, 9800), OrderEvent())
    half.status, half.filled_lots, half.trades = OrderStatus.PARTLY_FILLED, 1, 1
    sent = Order(2, "c2", "s", venue.number, share, venue.command(2, price=97.0), WholeTerms(2, 9700), OrderEvent())
    sent.status = OrderStatus.SUBMITTING
    venue.gateway.restore([half, sent])
    assert venue.kinds() == [ReportKind.ACCEPTED]
    venue.tick(90.0, 91.0)
    fills = [(report.client_id, report.quantity, report.price, report.trade_id) for report in venue.reports]
    assert fills == [("c1", 100.0, 98.0, "P1.2"), ("c2", 200.0, 97.0, "P2.1")]
