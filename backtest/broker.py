"""`EventDrivenBroker`: Backtrader's broker on the bus. Stock matching in a backtest; on paper and live the TradingEngine does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import backtrader as bt

from gcg_quant.errors import BacktestError

from .conversion.parameters import refuse_unknown
from .routing.mirror import OrderMirror
from .routing.route import OrderRoute
from .routing.sender import BusSender, OrderSender

if TYPE_CHECKING:
    from .routing.native_matching import NativeMatching
    from .streaming.stream import Stream
    from .tapes.journal_tape import JournalTape
    from .tapes.tape import BarTape

__all__ = ["EventDrivenBroker"]

MATCHING = ("stock", "native", "engine")


class Mirror(Protocol):
    """What hears of each step of each order of a stock broker; see `OrderMirror`."""

    def order_changed(self, order: Any, *, matching: bool) -> None:
        """Take what is new of an order; `matching` is True inside the broker's `next()`."""

    def bar_matched(self, broker: Any) -> None:
        """Take it that a bar's matching is over."""


class EventDrivenBroker(bt.brokers.BackBroker):  # type: ignore[misc]
    """A Backtrader broker whose orders are events.

        EventDrivenBroker()                                                  Backtrader's own, to the bit
        EventDrivenBroker(bus=own_bus)                                       the same, told on the run's bus
        EventDrivenBroker(matching="native", bus=own_bus)                    a paper gateway of the run's own matches its orders
        EventDrivenBroker(matching="engine", bus=bus, strategy="sma")        orders go to the TradingEngine of the bus

    Params (besides those of `bt.brokers.BackBroker`):
        matching: "stock", "native" or "engine".
        bus: an `EventBus`; needed for "native" (the run's own) and for "engine".
        paper: with "native", `PaperTerms` or a table of them: the gateway's delays, slippage and queue, and the risk limits.
        stream: with "engine", where its answers come from, if not from a reader of its own.
        mirror: with "stock", tell orders, fills, positions and the account on the bus.
        account, strategy: whose orders these are, as events show it (at most 24 and 40 bytes).

    With "engine": orders are refused (Rejected) while a live feed is not LIVE; positions are this strategy's own fills; cash and
    value are the account's. Children of a bracket and the rest of an OCO group are kept here: a child is sent when its parent is
    filled, and the others are cancelled when one is done.

    With "native": the same, in step with the bars; fees and margins are the instruments' own, and the account begins with the
    broker's cash. See `NativeMatching`.
    """

    params = (
        ("matching", "stock"),
        ("bus", None),
        ("stream", None),
        ("mirror", True),
        ("paper", None),
        ("account", ""),
        ("strategy", "backtrader"),
    )

    def __init__(self, **unknown: Any) -> None:
        super().__init__()
        refuse_unknown(self, unknown)
        if self.p.matching not in MATCHING:
            listed = ", ".join(map(repr, MATCHING))
            raise BacktestError(f"matching of a broker must be one of {listed}, not {self.p.matching!r}.", matching=self.p.matching)
        if self.p.matching == "engine" and self.p.bus is None:
            raise BacktestError("A broker with matching='engine' needs the bus of a running system: pass bus=EventBus(...).")
        if self.p.matching == "native" and self.p.bus is None:
            raise BacktestError(
                "A broker with matching='native' needs a bus of its own run: pass bus=EventBus(FOLDER, world=World.BACKTEST)."
            )
        self._stream: Stream | None = self.p.stream
        self._sender: OrderSender | None = None
        self._tape: BarTape | JournalTape | None = None
        self._native: NativeMatching | None = None
        self._mirror: Mirror | None = None
        self._given_mirror: Mirror | None = None
        self._route: OrderRoute | None = None
        self._matching = False
        self._held: dict[Any, tuple[float, float]] = {}

    # --- for the cerebro and the engine --------------------------------------------------------------------------------------

    def wants_stream(self) -> bool:
        """Return True if orders go to an engine and the broker was given no stream of its own."""
        return bool(self.p.matching == "engine" and self.p.stream is None)

    def use_stream(self, stream: Stream) -> None:
        """Share the stream of a run; called by EventDrivenCerebro before the start."""
        self._stream = stream

    def use_sender(self, sender: OrderSender) -> None:
        """Let orders leave another way than straight to the bus; called by the adapter of the StrategyManager before the start."""
        self._sender = sender

    def use_position(self, data: Any, size: float, price: float) -> None:
        """Begin the run with a position in `data`, held at `price` on average (a strategy that was started again)."""
        self._held[data] = (size, price)

    def use_tape(self, tape: BarTape | JournalTape) -> None:
        """Lay the run's bars on the bus between its orders; called by the BacktestEngine before the start."""
        self._tape = tape

    def use_mirror(self, mirror: Mirror) -> None:
        """With "stock", tell each step of each order to `mirror` instead of a bus; called before the start."""
        self._given_mirror = mirror

    # --- Backtrader's calls --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin a run (called by Cerebro)."""
        super().start()
        for data, (size, price) in self._held.items():
            self.positions[data] = bt.Position(size, price)
        self._mirror = self._given_mirror
        self._route = self._native = None
        if self.p.matching == "engine":
            sender = self._sender or BusSender(self.p.bus, self.p.account, self.p.strategy)
            self._route = OrderRoute(self, self.p.bus, sender, self._stream)
        elif self.p.matching == "native":
            from .inputs.paper_terms import PaperTerms
            from .routing.native_matching import NativeMatching  # the trading engine takes its time to import

            self._native = NativeMatching(self, self.p.bus, PaperTerms.read(self.p.paper or {}), self._tape)
            sender = BusSender(self.p.bus, self.p.account, self.p.strategy, run="0", moment=self._native.moment)
            self._route = OrderRoute(self, self.p.bus, sender, None)
        elif self._mirror is None and self.p.bus is not None and self.p.mirror:
            self._mirror = OrderMirror(self.p.bus, self.p.account, self.p.strategy, self._tape)

    def stop(self) -> None:
        """End a run (called by Cerebro)."""
        super().stop()
        if self._native is not None:
            self._native.close()
        if self._route is not None:
            self._route.close()

    def release(self) -> None:
        """Let go of what a run holds that has failed: Cerebro does not stop its broker then."""
        if self._native is not None:
            self._native.release()
        if self._route is not None:
            self._route.close()
        self._native = self._route = None

    def next(self) -> None:
        """Match the pending orders against the bar, or take in what the engine reported."""
        if self._native is not None:
            self._native.turn()
        if self._route is not None:
            self._route.take_in()
            return
        self._matching = True
        super().next()
        self._matching = False
        if self._mirror is not None:
            self._mirror.bar_matched(self)

    def notify(self, order: Any) -> None:
        """Queue a copy of the order for its strategy, and tell its new state on the bus."""
        super().notify(order)
        if self._mirror is not None:
            self._mirror.order_changed(order, matching=self._matching)

    def transmit(self, order: Any, check: bool = True) -> Any:
        """Send an order that was submitted."""
        return super().transmit(order, check=check) if self._route is None else self._route.transmit(order)

    def cancel(self, order: Any, bracket: bool = False) -> bool:
        """Cancel a pending order; return False if it is not pending (any more)."""
        return bool(super().cancel(order, bracket=bracket)) if self._route is None else self._route.cancel(order, bracket=bracket)

    def get_orders_open(self, safe: bool = False) -> list[Any]:
        """Return the orders that may still be filled; copies of them if `safe`."""
        if self._route is None:
            found: list[Any] = super().get_orders_open(safe=safe)
            return found
        return [order.clone() if safe else order for order in self._route.open_orders()]

    def get_value(self, datas: Any = None, mkt: bool = False, lever: bool = False) -> float:
        """Return what the account is worth, or what the positions in `datas` are worth."""
        if self._route is None or not datas:
            return float(super().get_value(datas=datas, mkt=mkt, lever=lever))
        worth: float = sum(self.getcommissioninfo(data).getvaluesize(self.positions[data].size, data.close[0]) for data in datas)
        return worth

    getvalue = get_value

    def _ococheck(self, order: Any) -> None:
        if self._route is None:
            super()._ococheck(order)
        else:
            self._route.one_cancels_others(order)
