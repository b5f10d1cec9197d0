"""The paper gateway: commands in, reports out; and what every gateway promises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import from_iso
from gcg_quant.errors import ComponentError
from gcg_quant.events import (
    CancelCommand,
    Liquidity,
    OrderCommand,
    OrderFlag,
    OrderStatus,
    OrderType,
    Side,
    Tick,
    TimeInForce,
    World,
)
from gcg_quant.instruments import preset
from gcg_quant.strategy_engine.gateways import Change, Gateway, GatewayReport, PaperGateway, ReportKind, VenueOrder
from gcg_quant.strategy_engine.order import Order

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
    from gcg_quant.strategy_engine.order import WholeTerms

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
