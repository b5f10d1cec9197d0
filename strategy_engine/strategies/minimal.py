"""The least that is a whole strategy: above the mean of the closes before it is in, below it is out."""

from __future__ import annotations

from gcg_quant.events import Bar, Fill, OrderEvent
from gcg_quant.strategy_engine import Parameter, Strategy

__all__ = ["Minimal"]


class Minimal(Strategy):
    """Buys when a close exceeds the mean of the closes before it, and leaves when one falls below."""

    symbols = ("BTC/USDT",)
    period = Parameter("1m", doc="length of the bars")
    bars_back = Parameter(20, low=2, high=1000, doc="bars of the mean")
    quantity = Parameter(0.01, low=1e-9, doc="size of the position; rounded down to lots")

    def on_start(self) -> None:
        """Say what is there: after a restart position and open orders are, attributes of your own begin anew."""
        self.log(f"trades {self.symbol} on {self.period} bars, holding {self.position.quantity:g}")

    def on_bar(self, bar: Bar) -> None:
        """Compare the close with those before it."""
        closes = self.bars(count=self.bars_back + 1)["close"]
        if len(closes) <= self.bars_back:
            return  # too few bars yet
        mean = closes[:-1].mean()
        self.plot("mean", mean)
        if bar.close > mean and self.position.is_flat:
            self.order_target(self.instrument().round_quantity(self.quantity))
        elif bar.close < mean and not self.position.is_flat:
            self.order_target(0)  # nothing while an order is on its way; what was refused is asked for again at the next bar

    def on_order(self, order: OrderEvent) -> None:
        """Say why an order was refused."""
        if order.reason:
            self.log(f"{order.status.name.lower()}: {order.reason}", "warning")

    def on_fill(self, fill: Fill) -> None:
        """Say what was traded; the position holds it already."""
        self.log(f"{fill.side.name.lower()} {fill.quantity:g} at {fill.price:g}, now holding {self.position.quantity:g}")
