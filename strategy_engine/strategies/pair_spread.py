"""Two symbols that move together: the dear one is sold and the cheap one bought when they are far apart, until they meet again.

Trades two shares, coins or contracts in one currency that can be sold short. The rule is that of E. Gatev, W. Goetzmann, K. Rouwenhorst,
"Pairs Trading" (Review of Financial Studies, 2006): both legs worth the same, in at two deviations, out when the prices meet; here the
deviations are those of log(first / second) over the last `window` bars that both have. Needs bars of both with the same ends: while one
has none, nothing is done.
"""

from __future__ import annotations

import numpy as np

from gcg_quant.errors import StrategyError
from gcg_quant.events import Bar, OrderEvent, OrderStatus, Side
from gcg_quant.strategy_engine import Parameter, PositionSizing, Strategy

__all__ = ["PairSpread"]


class PairSpread(PositionSizing, Strategy):
    """Holds both legs, or none: a leg whose other was refused is closed at the next bar.

    Which way the pair is held is read from the positions, so a restart finds it again. A crossing counts once: after a stop it waits for
    the next.
    """

    symbols = ("ETH/USDT", "BTC/USDT")

    period = Parameter("1h", doc="length of the bars")
    window = Parameter(60, low=5, high=2500, doc="bars of both symbols behind mean and deviation")
    entry = Parameter(2.0, low=0.1, high=10, doc="deviations at which to go in")
    exit = Parameter(0.0, low=-5, high=5, doc="deviations at which to go out, counted on the side of the entry; less than entry")
    stop = Parameter(4.0, low=0, high=20, doc="deviations at which to give up; more than entry, or 0 for never")
    value = Parameter(10_000.0, low=0, doc="worth of each leg, in the instruments' currency; one lot at least")

    def check_parameters(self) -> None:
        """Refuse an exit or a stop on the wrong side of the entry."""
        if self.exit >= self.entry:
            raise StrategyError(f"exit ({self.exit:g}) must be less than entry ({self.entry:g}).", exit=self.exit)
        if 0 < self.stop <= self.entry:
            raise StrategyError(f"stop ({self.stop:g}) must be more than entry ({self.entry:g}), or 0 for never.", stop=self.stop)

    def on_start(self) -> None:
        """Refuse what is no pair, or cannot be sold short."""
        if len(self.symbols) != 2 or any(sign in symbol for symbol in self.symbols for sign in "*?["):
            raise StrategyError(f"A pair has two symbols, not {', '.join(self.symbols)}: load it with both.", symbols=tuple(self.symbols))
        for symbol in filter(self.knows, self.symbols):
            if self.instrument(symbol).t_plus_one:
                raise StrategyError(f"A pair sells one of its legs short, which nobody can with {symbol}, a T+1 instrument.", symbol=symbol)

    def on_bar(self, bar: Bar) -> None:
        """Wait until both legs have this bar, then see how far apart they are."""
        first, second = self.symbols
        spread = self._spread(bar.start_ns)
        if spread is None:
            return
        held = [self.positions[symbol].quantity for symbol in self.symbols]
        if self.orders:
            return  # both legs first
        if any(held) and held[0] * held[1] >= 0:
            self.log("one leg alone is held: it is closed", "warning")
            self._hold(0.0, 0.0)
            return
        before, now = self._place(spread[:-1]), self._place(spread[1:])
        side = 1.0 if (held[0] > 0 if any(held) else now < 0) else -1.0  # 1: the first is bought
        away = -side * now
        if any(held):
            if away <= self.exit or 0 < self.stop <= away:
                self._hold(0.0, 0.0)
        elif -side * before < self.entry <= away and not 0 < self.stop <= away:
            self.signal("spread", Side.BUY if side > 0 else Side.SELL, symbol=first, strength=away)
            sizes = [self.position_size(self._close(symbol), symbol) for symbol in (first, second)]
            if all(sizes):
                self._hold(side * sizes[0], -side * sizes[1])

    def on_order(self, order: OrderEvent) -> None:
        """Say which leg was refused; the next bar closes the other."""
        if order.status in (OrderStatus.REJECTED, OrderStatus.FAILED):
            self.log(f"the leg in {order.symbol} was refused: {order.reason}", "warning")

    # log(first / second) of the last window + 1 bars that both have, if the newest is the one that starts at `start_ns`.
    def _spread(self, start_ns: int) -> np.ndarray | None:
        rows = [self.bars(symbol, self.period, 2 * self.window) for symbol in self.symbols]
        starts, one, other = np.intersect1d(rows[0]["start_ns"], rows[1]["start_ns"], return_indices=True)
        if len(starts) <= self.window or starts[-1] != start_ns or start_ns < max(int(row["start_ns"][-1]) for row in rows):
            return None
        closes = [row["close"][index][-self.window - 1 :] for row, index in zip(rows, (one, other), strict=True)]
        if min(closes[0].min(), closes[1].min()) <= 0:
            return None  # no ratio of prices that are not above 0
        return np.asarray(np.log(closes[0] / closes[1]))

    def _place(self, spread: np.ndarray) -> float:
        deviation = float(spread.std())
        return float(spread[-1] - spread.mean()) / deviation if deviation > 1e-12 else 0.0

    def _close(self, symbol: str) -> float:
        return float(self.bars(symbol, self.period, 1)["close"][-1])

    def _hold(self, *targets: float) -> None:
        for symbol, target in zip(self.symbols, targets, strict=True):
            self.order_target(target, symbol)
