"""The paper gateway: orders are matched against the market data of the bus, by the rules in native/include/gcg/matching.h."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isnan, nan
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from gcg_quant._native import MatchingEngine, Sessions
from gcg_quant.calendar import Calendar
from gcg_quant.clock import day_end, day_of
from gcg_quant.errors import ComponentError, InstrumentError, OrderError
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

from ..orders.trail import TRAILING, read_trail
from .base import Change, GatewayReport, Listener, MarketGateway, ReportKind, VenueOrder

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.instruments import Instrument
    from gcg_quant.settings import Settings

    from ..orders.order import Order

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
    "its price is outside the day's price limits",
    "the market is closed",
)
_NOT_OPEN = 5
_PRICED = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_LIMIT)
_ENDS = (ReportKind.REJECTED, ReportKind.CANCELLED, ReportKind.EXPIRED)
_FINISHED_KEPT = 4096
_SEQ = (1 << 60) - 1
_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, *TRAILING)
_QUEUES = ("back", "risk_averse", "proportional", "power", "logarithmic")  # by the numbers of QueueModel in matching.h
_MILLION = 1_000_000


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
        latency_ns: the time an order needs to reach the venue, in event time.
        cancel_latency_ns: the same for a cancel or a change; as for an order if None.
        jitter_ns: the most that any of them takes longer: drawn by a hash of `seed` and the order, so that a rerun draws the same.
        seed: of the jitter.
        slippage_ticks: ticks by which whatever takes liquidity fills worse.
        queue: where resting orders stand at their price; see QueueModel in matching.h.
        queue_power: of the queue "power": a multiple of 0.5 from 0.5 to 8.
        sessions: match only while the instrument's calendar says that its market is open, and end DAY orders at the trading day's close.
        name: how commands and events name it.
    """

    order_types: ClassVar[frozenset[OrderType]] = frozenset(OrderType) - {OrderType.NONE}
    times_in_force: ClassVar[frozenset[TimeInForce]] = frozenset(TimeInForce)
    order_flags: ClassVar[OrderFlag] = OrderFlag.POST_ONLY
    nets: ClassVar[bool] = True

    def __init__(
        self,
        *,
        latency_ns: int = 0,
        cancel_latency_ns: int | None = None,
        jitter_ns: int = 0,
        seed: int = 0,
        slippage_ticks: int = 0,
        queue: Literal["back", "risk_averse", "proportional", "power", "logarithmic"] = "back",
        queue_power: float = 2.0,
        sessions: bool = False,
        name: str = "paper",
    ) -> None:
        super().__init__(name)
        if queue not in _QUEUES:
            raise ComponentError(f"The paper gateway has no queue {queue!r}: choose one of {', '.join(_QUEUES)}.", queue=queue)
        if not 0.5 <= queue_power <= 8 or queue_power % 0.5:
            raise ComponentError(
                f"The queue's power must be a multiple of 0.5 from 0.5 to 8, found {queue_power}.", queue_power=queue_power
            )
        self._engine = MatchingEngine(
            latency_ns=latency_ns,
            slippage_ticks=slippage_ticks,
            cancel_latency_ns=-1 if cancel_latency_ns is None else cancel_latency_ns,
            jitter_ns=jitter_ns,
            seed=seed,
            queue=_QUEUES.index(queue),
            queue_power=queue_power,
        )
        # The arguments, so that another one like it can be made.
        self.options: dict[str, Any] = {"latency_ns": latency_ns, "cancel_latency_ns": cancel_latency_ns, "jitter_ns": jitter_ns}
        self.options |= {"seed": seed, "slippage_ticks": slippage_ticks, "queue": queue, "sessions": sessions, "name": name}
        self._keeps_sessions = sessions
        self._calendars: dict[int, str] = {}  # by instrument number: the calendar that the engine has the sessions of
        self._bus: EventBus | None = None
        self._listener: Listener | None = None
        self._terms: dict[int, Instrument] = {}
        self._orders: dict[int, _PaperOrder] = {}  # by the id of the request
        self._finished: dict[int, _PaperOrder] = {}

    @classmethod
    def from_settings(cls, settings: Settings) -> PaperGateway:
        """Return the gateway that `[trading]` describes."""
        return cls(**cls.keywords(settings))

    @staticmethod
    def keywords(settings: Settings) -> dict[str, Any]:
        """Return the arguments with which `[trading]` describes a gateway."""
        trading, simulated = settings.trading, settings.simulated
        always_open = simulated.enabled and simulated.calendar == "24/7"
        return {
            "latency_ns": _ns(trading.latency_ms),
            "cancel_latency_ns": None if trading.cancel_latency_ms is None else _ns(trading.cancel_latency_ms),
            "jitter_ns": _ns(trading.jitter_ms),
            "slippage_ticks": trading.slippage_ticks,
            "queue": trading.queue,
            "queue_power": trading.queue_power,
            "sessions": not always_open if trading.sessions == "auto" else trading.sessions == "on",
        }

    # ---- the gateway's face

    def connect(self, bus: EventBus, listener: Listener) -> None:
        """Begin to match."""
        self._bus, self._listener = bus, listener

    @property
    def connected(self) -> bool:
        """Always, once opened."""
        return self._listener is not None

    def submit(self, command: OrderCommand) -> None:
        """Send an order to the simulated venue. Raises OrderError if its instrument has a calendar that nobody knows."""
        try:
            number, instrument = self._instrument(command.symbol, command.venue)
        except InstrumentError as error:
            raise OrderError(error.message, client_id=command.client_id) from error
        kind, lots, trail = command.order_type, instrument.lots(command.quantity), read_trail(command, instrument)
        self._orders[command.request] = _PaperOrder(command.client_id, instrument, command.side, lots)
        self._engine.submit(
            key=command.request,
            instrument=number,
            side=command.side,
            type=kind,
            time_in_force=command.time_in_force,
            lots=lots,
            price_ticks=instrument.ticks(command.price) if kind in _PRICED else None,
            stop_ticks=instrument.ticks(command.stop_price) if kind in _STOPS and not isnan(command.stop_price) else None,
            expire_ns=self._expiry(command, instrument),
            post_only=bool(command.order_flags & OrderFlag.POST_ONLY),
            trail_ticks=trail.ticks,
            trail_millionths=trail.millionths,
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
            trail = read_trail(command, instrument)
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
                expire_ns=self._expiry(command, instrument) if isinstance(command, OrderCommand) else -1,
                post_only=bool(command.order_flags & OrderFlag.POST_ONLY),
                trail_ticks=trail.ticks,
                trail_millionths=trail.millionths,
                filled=order.filled_lots,
                triggered=order.triggered or order.filled_lots > 0,
            )
        self._deliver()

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
        self._engine.set_price_limit(number, round((instrument.price_limit or 0.0) * _MILLION))

    # ---- inside

    def _instrument(self, symbol: str, venue: str) -> tuple[int, Instrument]:
        if self._bus is None:
            raise ComponentError(f"Gateway {self.name!r} is not open: call open(bus, listener) first.", gateway=self.name)
        number = self._bus.instruments.number(symbol, venue)
        if number not in self._terms:
            self.set_terms(number, self._bus.instruments[number])
        instrument = self._terms[number]
        if self._keeps_sessions and self._calendars.get(number, "24/7") != instrument.calendar:
            # With the first order: a calendar takes a while to load, and nobody asks for it before.
            self._engine.set_sessions(number, None if instrument.calendar == "24/7" else _sessions(instrument.calendar))
            self._calendars[number] = instrument.calendar
        return number, instrument

    def _expiry(self, command: OrderCommand, instrument: Instrument) -> int:
        # A day order ends with the trading day that it was sent on or for, where sessions are kept; else at midnight of the market's zone.
        if command.time_in_force != TimeInForce.DAY:
            return command.expire_ns if command.time_in_force == TimeInForce.GTD else -1
        close = Calendar(instrument.calendar).day_close(command.event_ns) if self._keeps_sessions else None
        if close is not None:
            return close
        return day_end(day_of(command.event_ns, instrument.timezone), instrument.timezone)

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
        self,
        kind: int,
        reason: int,
        maker: bool,
        key: int,
        event_ns: int,
        ticks: int | None,
        lots: int,
        left: int,
        day: int,
        stop_ticks: int | None,
    ) -> GatewayReport | None:
        order = self._orders.get(key) or self._finished.get(key)
        if order is None:
            return None  # a cancel of an order that this venue never had
        what = ReportKind(kind)
        if what == ReportKind.FILLED and ticks is not None:
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
            price=nan if ticks is None else order.instrument.price(ticks),
            stop_price=nan if stop_ticks is None else order.instrument.price(stop_ticks),
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


def _ns(milliseconds: float) -> int:
    return round(milliseconds * 1e6)


@lru_cache(maxsize=64)
def _sessions(calendar: str) -> Sessions:
    opens, closes = Calendar(calendar).segments()
    return Sessions(opens.tolist(), closes.tolist())
