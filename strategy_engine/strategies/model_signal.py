"""Trades what a served model says: in while it gives a rise enough of a chance, out otherwise.

For any instrument that a model speaks of, several at once; docs/models.md leads from stored bars to such a model. It needs no bars itself.
"""

from __future__ import annotations

from gcg_quant.errors import StrategyError
from gcg_quant.events import SignalEvent
from gcg_quant.strategy_engine import Parameter, PositionSizing, Strategy

__all__ = ["ModelSignal"]


class ModelSignal(PositionSizing, Strategy):
    """Follows the signals of one trained model, with market orders.

    Long while the probability of a rise is `enter` or more, until it is below `leave`; with `short` the other way round below `1 - enter`,
    until it is above `1 - leave`. Signals of other models and strategies, and of an older bar than the last one, are passed over; an order
    that was refused is asked for again at the next signal that still says so.
    """

    symbols = ("BTC/USDT",)
    periods = ()

    model = Parameter("", doc="id of the model; empty = any model")
    enter = Parameter(0.53, low=0.5, high=1, doc="probability of a rise from which on to hold a position")
    leave = Parameter(0.5, low=0, high=1, doc="probability below which it is closed; not above enter")
    short = Parameter(False, doc="also go short, by the probability of a fall; never of a T+1 instrument")

    _bar_ns: dict[str, int]

    def check_parameters(self) -> None:
        """Refuse to leave where one would enter."""
        if self.leave > self.enter:
            raise StrategyError(f"leave ({self.leave}) must not be above enter ({self.enter}).", enter=self.enter, leave=self.leave)

    def on_start(self) -> None:
        """Begin without a bar."""
        self._bar_ns = {}

    def on_signal(self, signal: SignalEvent) -> None:
        """Bring the position in line with what the model says."""
        probability, bar_ns = signal.data.get("probability"), signal.data.get("bar_ns", 0)
        if probability is None or (self.model and signal.data.get("model") != self.model):
            return
        symbol = f"{signal.symbol}@{signal.venue}"
        if bar_ns <= self._bar_ns.get(symbol, -1):
            return
        self._bar_ns[symbol] = bar_ns
        held = self.positions[symbol].quantity
        side = self._side(probability, held)
        if side == 0:
            self.order_target(0, symbol)
        elif side * held <= 0:
            self.order_target(side * self.position_size(signal.price or self.last(symbol), symbol), symbol)

    def _side(self, probability: float, held: float) -> int:
        if probability >= (self.leave if held > 0 else self.enter):
            return 1
        fall = 1 - probability
        return -1 if self.short and fall >= (self.leave if held < 0 else self.enter) else 0
