"""One strategy's session: its identity, its clock, and everything it may ask of the system."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING, Any, Protocol

from gcg_quant.errors import OrderError, StrategyError
from gcg_quant.events import (
    BarBasis,
    CancelRequest,
    Event,
    LogEvent,
    ModifyRequest,
    Offset,
    OrderFlag,
    OrderRequest,
    OrderType,
    PositionSide,
    Side,
    SignalEvent,
    TimeInForce,
)

from .plotting import Drawing
from .portfolio import OrderView, Portfolio, PositionView

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.history import History
    from gcg_quant.instruments import Instrument

    from .account_view import AccountBook
    from .bar_book import BarBook
    from .bar_series import BarArray
    from .market import Market

__all__ = ["OrderTerms", "Session", "StrategyHost", "StrategyState"]


class StrategyState(StrEnum):
    """The states of a strategy; the words of `StrategyStatusEvent.state`, and two short ones in between."""

    LOADED = "loaded"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    UNLOADED = "unloaded"


_MAY_TRADE = frozenset({StrategyState.STARTING, StrategyState.RUNNING, StrategyState.STOPPING})


class StrategyHost(Protocol):
    """What runs strategies: the manager, or a backtest."""

    history: History | None
    market: Market
    bar_book: BarBook
    account_book: AccountBook
    accepts_orders: bool

    def publish(self, event: Event, *, cause: int | None = None) -> int:
        """Publish an event and return its id."""
        ...

    def set_timer(self, session: Session, name: str, interval_ns: int, repeat: bool) -> None:
        """Have a TimerEvent published for the session after `interval_ns`, once or again and again."""
        ...

    def cancel_timer(self, session: Session, name: str) -> None:
        """Forget a timer."""
        ...

    def symbols_changed(self) -> None:
        """Bring the session what it has subscribed to."""
        ...

    @property
    def bus(self) -> EventBus:
        """The bus that it runs on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """The terms of an order beside side, quantity and symbol."""

    price: float | None = None
    stop_price: float | None = None
    order_type: OrderType | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expire_ns: int | None = None
    offset: Offset = Offset.NONE
    position_side: PositionSide = PositionSide.NET
    flags: OrderFlag = OrderFlag.NONE
    trail_amount: float | None = None
    trail_percent: float | None = None
    tag: str = ""
    group: str = ""
    parent: str = ""

    @property
    def type(self) -> OrderType:
        """The order type: as given, else the one that the prices imply."""
        if self.order_type is not None:
            return self.order_type
        if self.stop_price is not None:
            return OrderType.STOP if self.price is None else OrderType.STOP_LIMIT
        return OrderType.MARKET if self.price is None else OrderType.LIMIT


class Session:
    """Binds one strategy to its host. `now_ns` and `cause` are those of the event being handled; the host sets them.

    Orders may be sent from one thread at a time beside the host's (an adapter's); everything else belongs to the host's thread.
    """

    def __init__(self, host: StrategyHost, strategy_id: str, symbols: tuple[str, ...], portfolio: Portfolio, account: str = "") -> None:
        self.host = host
        self.strategy_id = strategy_id
        self.symbols = symbols
        self.portfolio = portfolio
        self.account = account
        self.state = StrategyState.LOADED
        self.warming_up = False
        self.record: dict[str, Any] = {}  # of its run, told with its state
        self.resumed: dict[str, Any] = {}  # the same of the run that a restart has cut off
        self.now_ns = self.cause = 0
        self._drawing = Drawing()
        self._lock = threading.Lock()
        self._prefix = _prefix(strategy_id)

    # ---- the market

    @property
    def symbol(self) -> str:
        """The default symbol: the first one. Raises StrategyError if that is a pattern."""
        first = self.symbols[0] if self.symbols else ""
        if not first or any(sign in first for sign in "*?["):
            raise StrategyError(
                f"Strategy {self.strategy_id!r} has no default symbol ({first or 'none'!r} names none): pass symbol=.",
                strategy=self.strategy_id,
            )
        return first

    def subscribe(self, symbols: Iterable[str]) -> None:
        """Add symbols to those that the strategy sees."""
        joined = tuple(dict.fromkeys([*self.symbols, *symbols]))
        if joined != self.symbols:
            self.symbols = joined
            self.host.symbols_changed()

    def instrument(self, symbol: str | None = None) -> Instrument:
        """Return the terms of a symbol. Raises InstrumentError if the bus does not know it."""
        return self.host.market.instrument(symbol or self.symbol)

    def last_price(self, symbol: str | None = None) -> float:
        """Return the last price seen, NaN if none."""
        return self.host.market.last_price(symbol or self.symbol)

    def bars(self, symbol: str | None, period: str, count: int, basis: BarBasis | None) -> BarArray:
        """Return the newest closed bars up to now, oldest first."""
        name, venue = self._place(symbol or self.symbol)
        return self.host.bar_book.bars(name, venue, period, count, self.now_ns, basis)

    def position(self, symbol: str | None = None) -> PositionView:
        """Return the position in a symbol, marked with the last price; a flat one if the symbol is not known yet."""
        text = symbol or self.symbol
        terms = self.host.market.find(text)
        if terms is None:
            return PositionView(text, "")
        view = self.portfolio.position(terms.symbol, terms.venue)
        view.multiplier, view.inverse = terms.multiplier, terms.inverse
        view.last_price = self.host.market.last_price(text)
        return view

    def _place(self, text: str) -> tuple[str, str]:
        terms = self.host.market.find(text)
        if terms is None:
            symbol, _, venue = text.partition("@")
            return symbol, venue
        return terms.symbol, terms.venue

    # ---- orders

    @property
    def may_trade(self) -> bool:
        """Whether an order would be sent now."""
        return self.state in _MAY_TRADE and not self.warming_up and self.host.accepts_orders

    def order(self, side: Side, quantity: float, symbol: str | None, terms: OrderTerms, moment: tuple[int, int] | None = None) -> str:
        """Publish an OrderRequest and return its client id.

        `moment` is the time and the id of the event that it follows from, where that is not the one being handled: an adapter's strategy
        may be behind its host.

        Raises:
            StrategyError: the strategy is not running or is warming up.
            OrderError: quantity or prices make no sense. InstrumentError: an unknown symbol.
        """
        return self.send(side, quantity, symbol, terms, moment)[0]

    def send(
        self, side: Side, quantity: float, symbol: str | None, terms: OrderTerms, moment: tuple[int, int] | None = None
    ) -> tuple[str, int]:
        """Do as `order` does, and return the client id and the id of the request."""
        self.check(quantity, terms)
        instrument = self.instrument(symbol)
        now_ns, cause = moment or (self.now_ns, self.cause)
        with self._lock:
            client_id = self._client_id(now_ns, cause)
            request = self._request(instrument, client_id, side, quantity, terms, now_ns)
            view = self.portfolio.requested(request)
            try:
                view.request = self.host.publish(request, cause=cause)
            except Exception:
                self.portfolio.forget(client_id)
                raise
        return client_id, view.request

    def cancel(self, client_id: str) -> bool:
        """Ask for an order's cancellation; return whether it was open and not being cancelled already."""
        view = self.portfolio.orders.get(client_id)
        if view is None or view.cancel_asked:
            return False
        self.cancel_sent(client_id, view.request, (view.symbol, view.venue), (self.now_ns, self.cause))
        return True

    def cancel_sent(self, client_id: str, request: int, place: tuple[str, str], moment: tuple[int, int]) -> None:
        """Ask for the cancellation of an order that was sent; `request` and `place` (symbol, venue) are the order's.

        For an adapter, whose strategy may be behind its host: whether the order is open is for the strategy to know. `moment` is as in
        `order`.
        """
        view = self.portfolio.orders.get(client_id)
        if view is not None:
            view.cancel_asked = True
        cancel = CancelRequest(
            symbol=place[0],
            venue=place[1],
            event_ns=moment[0],
            request=request,
            account=self.account,
            strategy=self.strategy_id,
            client_id=client_id,
        )
        self.host.publish(cancel, cause=moment[1])

    def modify(self, client_id: str, quantity: float | None, price: float | None, stop_price: float | None) -> bool:
        """Ask for other terms of an open order; return whether it was open."""
        self._check_may_trade()
        view = self.portfolio.orders.get(client_id)
        if view is None or view.cancel_asked:
            return False
        _check_numbers(view.quantity if quantity is None else quantity, OrderTerms(price=price, stop_price=stop_price))
        self.host.publish(
            ModifyRequest(
                symbol=view.symbol,
                venue=view.venue,
                event_ns=self.now_ns,
                request=view.request,
                account=self.account,
                strategy=self.strategy_id,
                client_id=client_id,
                quantity=quantity,
                price=price,
                stop_price=stop_price,
            ),
            cause=self.cause,
        )
        return True

    def open_orders(self, symbol: str | None = None) -> list[OrderView]:
        """Return the open orders, oldest first, of one symbol or of all."""
        orders = list(self.portfolio.orders.values())
        if symbol is None:
            return orders
        name, venue = self._place(symbol)
        return [order for order in orders if order.symbol == name and venue in ("", order.venue)]

    def check(self, quantity: float, terms: OrderTerms) -> None:
        """Raise what `order` would raise, but for an unknown symbol."""
        self._check_may_trade()
        _check_numbers(quantity, terms)

    def _check_may_trade(self) -> None:
        if self.may_trade:
            return
        if self.warming_up:
            why = "is warming up on history"
        elif not self.host.accepts_orders:
            why = "is in a process that is shutting down"
        else:
            why = f"is {self.state}, not running"
        raise StrategyError(f"Strategy {self.strategy_id!r} cannot send an order: it {why}.", strategy=self.strategy_id)

    def _request(self, instrument: Instrument, client_id: str, side: Side, quantity: float, terms: OrderTerms, now_ns: int) -> OrderRequest:
        return OrderRequest(
            symbol=instrument.symbol,
            venue=instrument.venue,
            event_ns=now_ns,
            account=self.account,
            strategy=self.strategy_id,
            client_id=client_id,
            quantity=float(quantity),
            price=terms.price,
            stop_price=terms.stop_price,
            trail_amount=terms.trail_amount,
            trail_percent=terms.trail_percent,
            expire_ns=-1 if terms.expire_ns is None else terms.expire_ns,
            order_flags=int(terms.flags),
            side=side,
            offset=terms.offset,
            position_side=terms.position_side,
            order_type=terms.type,
            time_in_force=terms.time_in_force,
            group=terms.group,
            parent=terms.parent,
            tag=terms.tag,
        )

    def new_group(self) -> str:
        """Return the name of a group that no other one has: at most 24 bytes."""
        with self._lock:
            ordinal = self.portfolio.next_ordinal(self.cause)
        return f"{_base36(self.host.bus.epoch)}.{_base36(self.cause or self.now_ns)}.{ordinal}"

    def _client_id(self, now_ns: int, cause: int) -> str:
        # From the event that is being handled and a count: the same event handled again gives the same id, which the order
        # manager knows already, and no other event ever does. Without an event the clock stands in.
        ordinal = self.portfolio.next_ordinal(cause)
        return f"{self._prefix}-{_base36(self.host.bus.epoch)}.{_base36(cause or now_ns)}.{ordinal}"

    # ---- words

    def signal(self, name: str, direction: Side, symbol: str | None, **fields: Any) -> int:
        """Publish a SignalEvent and return its id."""
        symbol_name, venue = self._place(symbol or self.symbol)
        event = SignalEvent(
            symbol=symbol_name,
            venue=venue,
            strategy=self.strategy_id,
            name=name,
            event_ns=self.now_ns,
            direction=direction,
            **fields,
        )
        return self.host.publish(event, cause=self.cause)

    def plot(self, name: str, value: float, symbol: str | None, place: str, moment: tuple[int, int] | None = None) -> None:
        """Publish a PlotEvent, unless the strategy is warming up; `moment` is as in `order`.

        Raises:
            StrategyError: the name, the value or the place cannot be drawn. InstrumentError: an unknown symbol.
        """
        now_ns, cause = moment or (self.now_ns, self.cause)
        point = self._drawing.point(name, value, place, self._place(symbol or self.symbol), self.strategy_id, now_ns)
        if point is not None and not self.warming_up:
            self.host.publish(point, cause=cause)

    def log(self, text: str, level: str = "info") -> None:
        """Publish a LogEvent about the event being handled."""
        self.host.publish(LogEvent(level=level, component=self.strategy_id, message=text, about=self.cause), cause=self.cause)


def _check_numbers(quantity: object, terms: OrderTerms) -> None:
    if isinstance(quantity, bool) or not isinstance(quantity, Real):
        raise OrderError(f"An order's quantity must be a number, not {quantity!r}; a symbol goes into symbol=.", quantity=quantity)
    if not (isfinite(quantity) and float(quantity) > 0):
        raise OrderError(f"An order's quantity must be above 0, not {quantity!r}; the side says buy or sell.", quantity=quantity)
    for name, value in (("price", terms.price), ("stop_price", terms.stop_price), ("trail_amount", terms.trail_amount)):
        if value is not None and not isfinite(value):
            raise OrderError(f"An order's {name} must be a number, not {value!r}: wait until the market shows one.", value=value)
    needs_price = terms.type in (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_LIMIT)
    if needs_price and terms.price is None:
        raise OrderError(f"An order of type {terms.type.name} needs a price.", order_type=terms.type.name)


def _prefix(strategy_id: str) -> str:
    if len(strategy_id) <= 12:
        return strategy_id
    return f"{strategy_id[:6]}~{_base36(zlib.crc32(strategy_id.encode()))[-5:]}"


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
        if number == 0:
            return digits
