"""Chan theory (缠论): in on buy points as they are confirmed, out on sell points or at a stop; of one symbol or of many."""

from __future__ import annotations

from math import isnan

from gcg_quant.calendar import Calendar
from gcg_quant.errors import InstrumentError, StrategyError
from gcg_quant.events import Bar, OrderType, Side
from gcg_quant.strategy_engine import Parameter, PositionSizing, Strategy
from gcg_quant.strategy_engine.chan.calls import ChanCall, ChanCalls, ChanRules

__all__ = ["ChanStrategy"]

# As the analyzer has them; written out, so that a form knows them before anybody has loaded the file.
_VARIANTS = ("old-strict", "old-half", "old-loss", "new-strict", "new-loss")
_DIVERGENCES = ("area", "amplitude", "slope")
_STOPS = ("stroke", "atr", "none")


class ChanStrategy(PositionSizing, Strategy):
    """Trades the points of Chan theory on closed bars (docs/chan.md has the rules), each at the bar that confirms it.

    A buy point of the chosen kinds buys, with a stop behind it; a sell point leaves, and with `short` sells short. Every point that is
    confirmed is also a signal (`B1` ... `S3`), of which `trade` false leaves nothing else: so many symbols are watched for others.
    A way out that cannot be sold yet (T+1) or was refused is asked for again at the next bar. After a start the analysis is made anew of
    `history` bars; position and stop orders are the journal's.
    """

    symbols = ("BTC/USDT",)
    draws_chan = True  # the elements stand in the report of a backtest

    period = Parameter("1m", doc="length of the bars whose points are traded")
    above = Parameter("", doc="a longer period whose last stroke must run the point's way; empty asks none")
    first = Parameter(True, doc="points of the first kind count: a trend ends with less force")
    second = Parameter(True, doc="those of the second: the first pullback after it")
    third = Parameter(True, doc="those of the third: a pullback that stays outside of the pivot")
    variant = Parameter("old-strict", choices=_VARIANTS, doc="of the strokes")
    divergence = Parameter("area", choices=_DIVERGENCES, doc="a stroke's force: the MACD's area, the price's way, or that per bar")
    ratio = Parameter(1.0, low=0.01, high=10, doc="the last stroke's force is less than so much of the entering one's")
    trend_pivots = Parameter(2, low=1, high=20, doc="pivots in a row that make a trend")
    stop = Parameter("stroke", choices=_STOPS, doc="a stop lies at the end of the point's stroke, by average true ranges, or nowhere")
    atr = Parameter(3.0, low=0.1, high=100, doc="of an atr stop: average true ranges from the close")
    short = Parameter(False, doc="sell short on sell points, too; never of a T+1 instrument")
    trade = Parameter(True, doc="order; without it there are signals only")
    history = Parameter(3000, low=0, high=1_000_000, doc="stored bars that the analysis begins with")

    _calls: dict[str, ChanCalls]
    _leaving: dict[str, int]  # the symbols whose position is to be closed, and its sign

    def check_parameters(self) -> None:
        """Refuse rules that do not fit together."""
        if not (self.first or self.second or self.third):
            raise StrategyError("One of first, second and third must be true: no other points are traded.")
        self._rules().check(self.period)

    def on_start(self) -> None:
        """Begin the analysis; that of a symbol begins with its stored bars, at its first bar."""
        self._calls, self._leaving = {}, {}

    def on_parameters(self, changed: object) -> None:
        """Begin the analysis anew, by other rules."""
        self._calls = {}

    def on_bar(self, bar: Bar) -> None:
        """Follow the bar, and act on the points that it confirms."""
        symbol = f"{bar.symbol}@{bar.venue}"
        if symbol not in self._calls:
            self._calls[symbol] = self._begun(symbol, bar)
        if symbol in self._leaving:
            self._leave(symbol)
        for call in self._calls[symbol].update(bar):
            facts = {"stop": None if isnan(call.stop) else call.stop, "time_ns": call.time_ns, "agrees": call.agrees}
            self.signal(call.kind, call.side, symbol=symbol, price=call.price, text=f"Chan {self.period}", data=facts)
            if self.trade:
                self._act(symbol, call, bar)

    def _rules(self) -> ChanRules:
        names = ("above", "stop", "atr", "variant", "divergence", "ratio", "trend_pivots")
        kinds = "1" * self.first + "2" * self.second + "3" * self.third
        return ChanRules(kinds=kinds, **{name: getattr(self, name) for name in names})

    def _begun(self, symbol: str, bar: Bar) -> ChanCalls:
        try:
            calendar = self.instrument(symbol).calendar
        except InstrumentError:  # seen before its terms are
            calendar = "24/7"
        calls = ChanCalls(self._rules(), bar.basis, None if calendar == "24/7" else Calendar(calendar))
        past = self.bars(symbol, self.period, self.history + 1, bar.basis) if self.history else self.bars(symbol, self.period, 1)[:0]
        calls.extend(past[past["start_ns"] < bar.start_ns])
        return calls

    def _act(self, symbol: str, call: ChanCall, bar: Bar) -> None:
        held, buys, terms = self.positions[symbol].quantity, call.side == Side.BUY, self.instrument(symbol)
        if held and (held > 0) != buys:
            self._leaving[symbol] = 1 if held > 0 else -1
            self._leave(symbol)
        elif held or any((order.symbol, order.venue) == (bar.symbol, bar.venue) for order in self.orders):
            return
        if not call.agrees or (call.side == Side.SELL and (not self.short or terms.t_plus_one)):
            return
        if (quantity := self.position_size(bar.close, symbol)) == 0:  # nothing is left to trade with, or nobody knows how much
            return
        if isnan(call.stop):
            (self.buy if buys else self.sell)(quantity, symbol=symbol, tag=call.kind)
            return
        stop = terms.round_price(call.stop, "down" if buys else "up")
        if (stop < bar.close) if buys else (stop > bar.close):  # the market has passed the others already
            self.bracket(quantity, side=call.side, stop_loss=stop, symbol=symbol, tag=call.kind)

    def _leave(self, symbol: str) -> None:
        held = self.positions[symbol].quantity
        if held * self._leaving[symbol] <= 0:
            del self._leaving[symbol]
        elif held < 0 or self.sellable(symbol):
            for order in self.orders:
                if order.order_type == OrderType.STOP and symbol == f"{order.symbol}@{order.venue}":
                    self.cancel(order.client_id)
            self.order_target(0.0, symbol)
