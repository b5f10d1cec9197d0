"""The paper gateway: orders are matched against the market data of the bus, by the rules in native/include/gcg/matching.h."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, ClassVar

from gcg_quant._native import MatchingEngine
from gcg_quant.clock import NS_PER_DAY, day_of, day_start
from gcg_quant.errors import ComponentError
from gcg_quant.events import (
    CancelCommand,
    Liquidity,
    MarketDataEvent,
    OrderCommand,
    OrderFlag,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)

from .base import Change, GatewayReport, Listener, MarketGateway, ReportKind, VenueOrder

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.instruments import Instrument

    from ..order import Order

__all__ = ["PaperGateway"]

# What a venue would say, by the numbers of ReportReason in matching.h.
_REASONS = (
    "",
    "",
    "nothing more to take at once",
    "not all of it could be had at once",
    "post-only: it would have taken liquidity",
    "it is not open",
    "less than is filled already",
    "the paper gateway does not know this kind of order",
    "this order was sent before",
)
_NOT_OPEN = 5
_PRICED = (OrderType.LIMIT, OrderType.STOP_LIMIT)
_ENDS = (ReportKind.REJECTED, ReportKind.CANCELLED, ReportKind.EXPIRED)
_FINISHED_KEPT = 4096
_SEQ = (1 << 60) - 1
_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)


@dataclass(slots=True, eq=False)
class _PaperOrder:
    client_id: str
    instrument: Instrument
    side: Side
    lots: int
    filled: int = 0
    trades: int = 0


class PaperGateway(MarketGateway):
    """A simulated venue. Deterministic: the same market data and commands in the same order give the same fills.

    Args:
        latency_ns: the time an order, a cancel or a change needs to reach the venue, in event time.
        slippage_ticks: ticks by which whatever takes liquidity fills worse.
        name: how commands and events name it.
    """

    order_types: ClassVar[frozenset[OrderType]] = frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT})
    times_in_force: ClassVar[frozenset[TimeInForce]] = frozenset(TimeInForce)
    order_flags: ClassVar[OrderFlag] = OrderFlag.POST_ONLY
    nets: ClassVar[bool] = True

    def __init__(self, *, latency_ns: int = 0, slippage_ticks: int = 0, name: str = "paper") -> None:
        super().__init__(name)
        self._engine = MatchingEngine(latency_ns=latency_ns, slippage_ticks=slippage_ticks)
        self._bus: EventBus | None = None
        self._listener: Listener | None = None
        self._terms: dict[int, Instrument] = {}
        self._orders: dict[int, _PaperOrder] = {}  # by the id of the request
        self._finished: dict[int, _PaperOrder] = {}

    # ---- the gateway's face

    def connect(self, bus: EventBus, listener: Listener) -> None:
        """Begin to match."""
        self._bus, self._listener = bus, listener

    @property
    def connected(self) -> bool:
        """Always, once opened."""
        return self._listener is not None

    def submit(self, command: OrderCommand) -> None:
        """Send an order to the simulated venue."""
        number, instrument = self._instrument(command.symbol, command.venue)
        kind, lots = command.order_type, instrument.lots(command.quantity)
        self._orders[command.request] = _PaperOrder(command.client_id, instrument, command.side, lots)
        self._engine.submit(
            key=command.request,
            instrument=number,
            side=command.side,
            type=kind,
            time_in_force=command.time_in_force,
            lots=lots,
            price_ticks=instrument.ticks(command.price) if kind in _PRICED else None,
            stop_ticks=instrument.ticks(command.stop_price) if kind in _STOPS else None,
            expire_ns=_expiry(command, instrument),
            post_only=bool(command.order_flags & OrderFlag.POST_ONLY),
            now_ns=command.event_ns,
        )
        self._deliver()

    def cancel(self, command: CancelCommand) -> None:
        """Ask for a cancellation."""
        self._engine.cancel(command.request, command.event_ns)
        self._deliver()

    def modify(self, change: Change, event_ns: int) -> None:
        """Change an order in place; it keeps its place in the queue only if its quantity shrinks and nothing else changes."""
        order = self._orders.get(change.request)
        if order is None:
            self._refuse_change(change, event_ns)
            return
        instrument = order.instrument
        self._engine.modify(
            key=change.request,
            lots=0 if change.quantity is None else instrument.lots(change.quantity),
            price_ticks=None if change.price is None else instrument.ticks(change.price),
            stop_ticks=None if change.stop_price is None else instrument.ticks(change.stop_price),
            now_ns=event_ns,
        )
        self._deliver()

    def restore(self, orders: Sequence[Order]) -> None:
        """Put orders back to work where they were; those that were on their way are sent again: the venue died with us."""
        for order in orders:
            command = order.terms
            if order.status == OrderStatus.SUBMITTING and isinstance(command, OrderCommand):
                self.submit(command)
                continue
            number, instrument = self._instrument(command.symbol, command.venue)
            self._orders[order.request_id] = _PaperOrder(
                order.client_id, instrument, order.side, order.whole.lots, order.filled_lots, order.trades
            )
            self._engine.restore(
                key=order.request_id,
                instrument=number,
                side=order.side,
                type=order.order_type,
                time_in_force=command.time_in_force,
                lots=order.whole.lots,
                price_ticks=order.whole.price_ticks,
                stop_ticks=order.whole.stop_ticks,
                expire_ns=_expiry(command, instrument) if isinstance(command, OrderCommand) else -1,
                post_only=bool(command.order_flags & OrderFlag.POST_ONLY),
                filled=order.filled_lots,
                triggered=order.triggered or order.filled_lots > 0,
            )

    def query_orders(self) -> list[VenueOrder]:
        """Return the orders that work at the simulated venue."""
        return [
            VenueOrder(
                client_id=order.client_id,
                venue_order_id=_venue_id(key),
                symbol=order.instrument.symbol,
                venue=order.instrument.venue,
                status=OrderStatus.PARTLY_FILLED if order.filled else OrderStatus.ACCEPTED,
                quantity=order.instrument.quantity(order.lots),
                filled_quantity=order.instrument.quantity(order.filled),
            )
            for key, order in self._orders.items()
        ]

    def close(self) -> None:
        """Report nothing more."""
        self._listener = None

    # ---- the market

    def on_market(self, event: MarketDataEvent) -> None:
        """Match the orders of the record's instrument."""
        if self._engine.on_market(event):
            self._deliver()

    def seed(self, event: MarketDataEvent) -> None:
        """Learn the market of before a restart; there is no order yet that could act on it."""
        self._engine.on_market(event)

    def advance(self, now_ns: int) -> None:
        """Let event time pass: arrivals and expiries."""
        self._engine.advance(now_ns)
        if self._engine.has_reports:
            self._deliver()

    def set_terms(self, number: int, instrument: Instrument) -> None:
        """Take the tick and lot size of an instrument; its market data is passed over before."""
        self._terms[number] = instrument
        self._engine.set_grid(number, instrument.tick_size, instrument.lot_size)

    # ---- inside

    def _instrument(self, symbol: str, venue: str) -> tuple[int, Instrument]:
        if self._bus is None:
            raise ComponentError(f"Gateway {self.name!r} is not open: call open(bus, listener) first.", gateway=self.name)
        number = self._bus.instruments.number(symbol, venue)
        if number not in self._terms:
            self.set_terms(number, self._bus.instruments[number])
        return number, self._terms[number]

    def _refuse_change(self, change: Change, event_ns: int) -> None:
        if self._listener is not None:
            self._listener(
                GatewayReport(kind=ReportKind.MODIFY_REFUSED, client_id=change.client_id, event_ns=event_ns, reason=_REASONS[_NOT_OPEN])
            )

    def _deliver(self) -> None:
        listener = self._listener
        for row in self._engine.take_reports():
            report = self._report(*row)
            if report is not None and listener is not None:
                listener(report)

    def _report(
        self, kind: int, reason: int, maker: bool, key: int, event_ns: int, ticks: int, lots: int, left: int, day: int
    ) -> GatewayReport | None:
        order = self._orders.get(key) or self._finished.get(key)
        if order is None:
            return None  # a cancel of an order that this venue never had
        what = ReportKind(kind)
        if what == ReportKind.FILLED:
            return self._fill(order, key, event_ns, ticks, lots, left, maker, day)
        if what == ReportKind.MODIFIED:
            order.lots = order.filled + left
        elif what in _ENDS:
            self._finish(key)
        return GatewayReport(
            kind=what,
            client_id=order.client_id,
            event_ns=event_ns,
            venue_order_id=_venue_id(key),
            reason=_REASONS[reason],
            quantity=order.instrument.quantity(order.lots),
        )

    def _fill(self, order: _PaperOrder, key: int, event_ns: int, ticks: int, lots: int, left: int, maker: bool, day: int) -> GatewayReport:
        instrument = order.instrument
        price, quantity = instrument.price(ticks), instrument.quantity(lots)
        # Where closing today's lots costs otherwise, only the account knows which lots those are.
        fee = (
            nan if instrument.legs else instrument.fee(quantity, price, sell=order.side == Side.SELL, maker=maker, first=order.trades == 0)
        )
        order.filled += lots
        order.trades += 1
        if left == 0:
            self._finish(key)
        return GatewayReport(
            kind=ReportKind.FILLED,
            client_id=order.client_id,
            event_ns=event_ns,
            venue_order_id=_venue_id(key),
            trade_id=f"{_venue_id(key)}.{order.trades}",
            price=price,
            quantity=quantity,
            fee=fee,
            fee_currency=instrument.currency,
            liquidity=Liquidity.MAKER if maker else Liquidity.TAKER,
            trading_day=day or instrument.trading_day(event_ns),
        )

    def _finish(self, key: int) -> None:
        # A cancel that is still on its way will be refused; the name must be found then.
        self._finished[key] = self._orders.pop(key)
        if len(self._finished) > _FINISHED_KEPT:
            del self._finished[next(iter(self._finished))]


def _venue_id(key: int) -> str:
    return f"P{key & _SEQ}"


def _expiry(command: OrderCommand, instrument: Instrument) -> int:
    # A day order ends at midnight of the market's own time zone, counted from when it was sent.
    if command.time_in_force == TimeInForce.DAY:
        return day_start(day_of(command.event_ns, instrument.timezone), instrument.timezone) + NS_PER_DAY
    return command.expire_ns if command.time_in_force == TimeInForce.GTD else -1
