"""How large positions are: parameters that strategies have in common, and what they come to."""

from __future__ import annotations

from math import isnan

from .parameters import Parameter
from .targets import Targets

__all__ = ["EquityShare", "PositionSizing"]


class EquityShare(Targets):
    """Gives a strategy the parameter `equity_percent`; to be named before `Strategy` among the bases of a class."""

    equity_percent = Parameter(0.0, low=0, high=1000, doc="percent of the account's equity, instead of a fixed sum; 0: the fixed sum")

    _unknown_told = False

    def stake(self, fixed: float, symbol: str | None = None) -> float:
        """Return `equity_percent` of the account's equity, in the currency of a symbol's instrument, or `fixed` if the parameter is 0.

        NaN where the equity is not known (see `equity_share`): a fixed sum might be many times the account. The log says so once.
        """
        if not self.equity_percent:
            return fixed
        share = self.equity_share(self.equity_percent, symbol)
        if isnan(share) and not self._unknown_told:
            self._unknown_told = True
            currency = self._session.instrument(symbol).currency
            self._session.log(f"The account's equity in {currency} is not known: no position is sized by it until it is.", "warning")
        return share


class PositionSizing(EquityShare):
    """Gives a strategy the parameters `value` and `equity_percent`, and the size of a position by them.

    class Cross(PositionSizing, Strategy):
        def on_bar(self, bar: Bar) -> None:
            self.order_target(self.position_size(bar.close))
    """

    value = Parameter(10_000.0, low=0, doc="worth of a position, in the instrument's currency; one lot at least")

    def position_size(self, price: float, symbol: str | None = None) -> float:
        """Return the quantity of a position at a price: whole lots, the least order at least; 0 if the equity is lost or not known.

        Raises:
            OrderError: the price is not above 0. InstrumentError: an unknown symbol.
        """
        worth = self.stake(self.value, symbol)
        return self.quantity_worth(worth, price, symbol) if worth >= 0 else 0.0  # of NaN none
