"""The base class of strategies.

    from gcg_quant.events import Tick
    from gcg_quant.strategy_engine import Parameter, Strategy

    class Dip(Strategy):
        symbols = ("BTC/USDT",)
        depth = Parameter(0.5, low=0.01, doc="percent below the last close at which to buy")

        def on_tick(self, tick: Tick) -> None:
            closes = self.bars(count=1)["close"]
            if len(closes) and self.position.is_flat and tick.last_price < closes[-1] * (1 - self.depth / 100):
                self.buy(0.01)

Callbacks may be `def` or `async def`; only those that a class defines are called. Everything a strategy does is an event on the bus,
with the event it was handling as its cause: an order is an `OrderRequest`, and what becomes of it comes back as `on_order` and `on_fill`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from gcg_quant.errors import StrategyError
from gcg_quant.events import BarBasis, Offset, OrderFlag, OrderType, PositionSide, Side, Tick, TimeInForce

from .account_view import AccountView
from .callbacks import Callbacks
from .order_sets import OrderSets
from .parameters import check_parameters, declared_parameters
from .portfolio import OrderView, PositionView
from .positions import Positions
from .session import OrderTerms, Session, StrategyState
from .targets import Targets

if TYPE_CHECKING:
    from gcg_quant.instruments import Instrument

    from .bar_series import BarArray

__all__ = ["Strategy"]


class Strategy(Callbacks, OrderSets, Targets):
    """A trading strategy: parameters as class attributes, callbacks as methods.

    Class attributes to set:
        symbols: what it wants to see unless it is loaded with others: "BTC/USDT", "BTC/USDT@SIM" or patterns such as "*USDT". The
            first one is the default of every method that takes a symbol.
        periods: the bars that `on_bar` gets. A declared parameter named `period` takes their place.
        basis: which price its bars are made of; None means the symbol's own (last price, or middle, bid, ask where there is none).

    Its only clock is `now_ns`; it is used by one thread, and a new object is made for every load and reload. What must survive is in
    the journal: `position` and `orders` are there again after a restart, attributes of your own are not.
    """

    symbols: Sequence[str] = ()
    periods: Sequence[str] = ("1m",)
    basis: BarBasis | None = None
    subscribes: ClassVar[bool] = False  # it sees what it subscribes to, whatever it is loaded with (for adapters)
    __session: Session | None = None

    def __init_subclass__(cls) -> None:
        """Refuse a parameter that would hide a method or attribute of this class."""
        super().__init_subclass__()
        for name in declared_parameters(cls):
            if hasattr(Strategy, name):
                raise StrategyError(
                    f"Parameter {name!r} of {cls.__name__} would hide Strategy.{name}: give it another name.", parameter=name
                )

    def __init__(self, **parameters: Any) -> None:
        """Set declared parameters. Raises StrategyError for an unknown name or a value that is not allowed."""
        self.set_parameters(parameters)

    # ---- parameters

    def on_parameters(self, changed: Mapping[str, Any]) -> None:
        """Take note of parameters that were changed while it is loaded; they are set already."""

    def check_parameters(self) -> None:
        """Raise StrategyError or ValueError if the parameters do not fit together; the change is then taken back."""

    @property
    def parameters(self) -> dict[str, Any]:
        """The declared parameters with their present values."""
        return {name: getattr(self, name) for name in declared_parameters(type(self))}

    def set_parameters(self, values: Mapping[str, Any]) -> None:
        """Set several parameters at once: all of them, or none. Raises StrategyError."""
        checked = check_parameters(type(self), values)
        before = {name: getattr(self, name) for name in checked}
        self.__dict__.update(checked)
        try:
            self.check_parameters()
        except ValueError as error:
            self.__dict__.update(before)
            raise StrategyError(f"{type(self).__name__} refuses its parameters: {error}") from error
        except Exception:
            self.__dict__.update(before)
            raise

    def wanted_periods(self) -> tuple[str, ...]:
        """Return the periods of the bars that it wants."""
        if "period" in declared_parameters(type(self)):
            return (str(self.parameters["period"]),)
        return tuple(self.periods)

    # ---- who and when it is

    @property
    def id(self) -> str:
        """The strategy's id: unique in its system, the `strategy` of its orders."""
        return self._session.strategy_id

    @property
    def symbol(self) -> str:
        """The default symbol."""
        return self._session.symbol

    @property
    def now_ns(self) -> int:
        """The time of the event being handled, in nanoseconds: the only clock."""
        return self._session.now_ns

    @property
    def state(self) -> StrategyState:
        """Loaded, starting, running, stopping, stopped, failed or unloaded."""
        return self._session.state

    @property
    def may_trade(self) -> bool:
        """Whether an order would be sent now."""
        return self._session.may_trade

    # ---- what it has

    @property
    def position(self) -> PositionView:
        """The position in the default symbol."""
        return self._session.position()

    @property
    def positions(self) -> Positions:
        """The positions by symbol."""
        return Positions(self._session)

    @property
    def account(self) -> AccountView:
        """The account that it trades on, as its trading engine has told it last: equity, cash, margin, available; NaN before."""
        return AccountView(self._session)

    @property
    def orders(self) -> list[OrderView]:
        """The open orders, oldest first; one that was just sent is among them."""
        return self._session.open_orders()

    # ---- the market

    def bars(self, symbol: str | None = None, period: str | None = None, count: int = 100, basis: BarBasis | None = None) -> BarArray:
        """Return the newest `count` closed bars, oldest first: stored ones and those since the start, none later than `now_ns`.

        The array's fields are those of `Bar`: `self.bars(count=20)["close"]`. Fewer come back where there are fewer. `period` is by
        default the first of `wanted_periods`.
        """
        chosen = basis if basis is not None else self.basis
        return self._session.bars(symbol, period or self.wanted_periods()[0], count, chosen)

    def last(self, symbol: str | None = None) -> float:
        """Return the last price (the middle of the quote where there is none), NaN before the first."""
        return self._session.last_price(symbol)

    def tick(self, symbol: str | None = None) -> Tick | None:
        """Return the last tick, or None before the first."""
        session = self._session
        return session.host.market.tick(symbol or session.symbol)

    def instrument(self, symbol: str | None = None) -> Instrument:
        """Return a symbol's terms, with `round_price` and `round_quantity`. Raises InstrumentError if it is unknown."""
        return self._session.instrument(symbol)

    def knows(self, symbol: str) -> bool:
        """Return whether the bus has an instrument of that name, "BTC/USDT" or "BTC/USDT@SIM"."""
        return self._session.host.market.knows(symbol)

    # ---- what it does

    def subscribe(self, *symbols: str) -> None:
        """See more symbols from now on; the first ever is the default of every method that takes a symbol."""
        self._session.subscribe(symbols)
        self.symbols = self._session.symbols

    def buy(
        self,
        quantity: float,
        price: float | None = None,
        *,
        symbol: str | None = None,
        order_type: OrderType | None = None,
        stop_price: float | None = None,
        time_in_force: TimeInForce = TimeInForce.GTC,
        expire_ns: int | None = None,
        offset: Offset = Offset.NONE,
        position_side: PositionSide = PositionSide.NET,
        flags: OrderFlag = OrderFlag.NONE,
        trail_amount: float | None = None,
        trail_percent: float | None = None,
        tag: str = "",
        group: str = "",
    ) -> str:
        """Ask to buy, and return the order's client id at once: at the market, or at `price` or better.

        Args:
            quantity: in units of the instrument, above 0.
            price: the limit; must be a multiple of the tick size (`self.instrument().round_price(...)`).
            symbol: by default the first symbol.
            order_type: by default what the prices say: MARKET, LIMIT, STOP or STOP_LIMIT.
            tag: up to 32 bytes of your own, which come back with every event of the order.
            group: orders of one group belong together (see `oco` and `bracket`).

        Raises:
            StrategyError: it is not running, or warming up.
            OrderError: a quantity or price that is none. InstrumentError: an unknown symbol.
        """
        terms = OrderTerms(
            price=price,
            stop_price=stop_price,
            order_type=order_type,
            time_in_force=time_in_force,
            expire_ns=expire_ns,
            offset=offset,
            position_side=position_side,
            flags=flags,
            trail_amount=trail_amount,
            trail_percent=trail_percent,
            tag=tag,
            group=group,
        )
        return self._session.order(Side.BUY, quantity, symbol, terms)

    def sell(self, quantity: float, price: float | None = None, *, symbol: str | None = None, **terms: Any) -> str:
        """Ask to sell; everything is as with `buy`, and `terms` are its keywords."""
        return self._session.order(Side.SELL, quantity, symbol, OrderTerms(price=price, **terms))

    def close_position(self, symbol: str | None = None) -> str | None:
        """Ask to close the position at the market, and return the order's client id, or None if it is flat."""
        quantity = self._session.position(symbol).quantity
        if quantity == 0.0:
            return None
        side = Side.SELL if quantity > 0 else Side.BUY
        return self._session.order(side, abs(quantity), symbol, OrderTerms(flags=OrderFlag.REDUCE_ONLY))

    def cancel(self, client_id: str) -> bool:
        """Ask for an order's cancellation; return whether it was still open and not being cancelled yet."""
        return self._session.cancel(client_id)

    def cancel_all(self, symbol: str | None = None) -> int:
        """Ask for the cancellation of all open orders, or those of one symbol; return how many were asked for."""
        return sum(self._session.cancel(order.client_id) for order in self._session.open_orders(symbol))

    def modify(self, client_id: str, *, quantity: float | None = None, price: float | None = None, stop_price: float | None = None) -> bool:
        """Ask for other terms of an open order; return whether it was still open."""
        return self._session.modify(client_id, quantity, price, stop_price)

    def signal(
        self,
        name: str,
        direction: Side = Side.NONE,
        *,
        symbol: str | None = None,
        strength: float = 1.0,
        price: float | None = None,
        quantity: float | None = None,
        text: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> int:
        """Publish an opinion without ordering anything (charts show it, other strategies get it); return the event's id."""
        fields = {"strength": strength, "price": price, "quantity": quantity, "text": text, "data": dict(data or {})}
        return self._session.signal(name, direction, symbol, **fields)

    def plot(self, name: str, value: float, *, symbol: str | None = None, place: str = "price") -> None:
        """Draw a point of the plot `name` on the chart of a symbol, at the present time: over the price, or "below" it.

        A value of NaN draws nothing, and of each plot one point in a tenth of a second is kept. Nothing is drawn while warming up.

        Raises:
            StrategyError: the name is empty or over 64 characters, the value no number, or there is no such place.
        """
        self._session.plot(name, value, symbol, place)

    def log(self, text: str, level: str = "info") -> None:
        """Write a line to the system's log; `level` is "debug", "info", "warning" or "error"."""
        self._session.log(text, level)

    def set_timer(self, name: str, seconds: float, *, repeat: bool = True) -> None:
        """Call `on_timer` every `seconds` (or once) from now on; setting a timer of the same name replaces it."""
        if not seconds > 0:
            raise StrategyError(f"A timer's interval must be above 0 seconds, not {seconds!r}.", name=name)
        session = self._session
        session.host.set_timer(session, name, int(seconds * 1e9), repeat)

    def cancel_timer(self, name: str) -> None:
        """Forget a timer; one that is not set is passed over."""
        session = self._session
        session.host.cancel_timer(session, name)

    # ---- for the host and for adapters

    @property
    def _session(self) -> Session:
        # Everything above needs one, and has none in `__init__`.
        if self.__session is None:
            raise StrategyError(
                f"{type(self).__name__} is not loaded yet: do in on_start what needs the market, orders or positions, not in __init__."
            )
        return self.__session

    def attach(self, session: Session) -> None:
        """Bind the strategy to its session; called by what runs it, before `on_start`."""
        self.__session = session
        self.symbols = session.symbols

    @property
    def warming_up(self) -> bool:
        """Whether history is being replayed into it; orders are refused meanwhile. Adapters set it."""
        return self._session.warming_up

    @warming_up.setter
    def warming_up(self, value: bool) -> None:
        self._session.warming_up = value
