"""One position: what a strategy holds of an instrument, net or on one side, at which average price, with which profit."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan

from gcg_quant.events import Offset, PositionSide
from gcg_quant.instruments import Instrument

__all__ = ["Position"]


@dataclass(slots=True, eq=False)
class Position:
    """A signed position, long > 0 > short, at its average price. Money is in the instrument's currency.

    A NET one may turn round; a LONG one is never below 0, a SHORT one never above.

    `today_lots` is the part of |lots| that was opened on trading day `day`. Only `apply` moves it; a price only changes what it is worth.
    """

    strategy: str
    number: int
    instrument: Instrument
    lots: int = 0
    average_price: float = nan
    realised: float = 0.0
    fees: float = 0.0
    last_price: float = nan
    today_lots: int = 0
    day: int = 0
    side: PositionSide = PositionSide.NET

    @property
    def quantity(self) -> float:
        """The quantity held, signed."""
        return self.instrument.quantity(self.lots)

    @property
    def value(self) -> float:
        """What it is worth at the last price, negative when short; 0 when flat."""
        if not self.lots:
            return 0.0
        value = self.instrument.value(self.quantity, self.last_price)
        return value if self.lots > 0 else -value

    @property
    def unrealised(self) -> float:
        """The profit that closing at the last price would bring, before fees; 0 when flat."""
        return self.instrument.profit(self.quantity, self.average_price, self.last_price) if self.lots else 0.0

    @property
    def margin(self) -> float:
        """What it ties up: its value times the margin rate (1 where the whole price is paid)."""
        return abs(self.value) * self.instrument.margin_rate

    @property
    def yesterday_lots(self) -> int:
        """The part of |lots| that was opened before trading day `day`."""
        return abs(self.lots) - self.today_lots

    def apply(self, lots: int, price: float, fee: float, day: int, offset: Offset = Offset.NONE) -> float:
        """Settle a fill of signed `lots` and return the profit it realised, before its fee."""
        self.roll(day)
        before = self.lots
        profit = 0.0
        if before * lots < 0:
            profit = self._close(lots, price, offset)
        else:
            self._open(lots, price)
        self.lots = before + lots
        if self.lots == 0:
            self.average_price = nan
        elif before * self.lots < 0:  # turned round: what is left was opened by this fill
            self.average_price = price
            self.today_lots = abs(self.lots)
        self.realised += profit
        self.fees += fee
        if isnan(self.last_price):
            self.last_price = price
        return profit

    def roll(self, day: int) -> None:
        """Begin a new trading day YYYYMMDD: all that is held is yesterday's then. An earlier day changes nothing."""
        if day > self.day:
            self.day, self.today_lots = day, 0

    def today_at(self, day: int) -> int:
        """Return the part of |lots| that was opened on a trading day, which is this position's or a later one."""
        return 0 if day > self.day else self.today_lots

    def of_today(self, lots: int, day: int, offset: Offset) -> int:
        """Return how many of `lots` that are closed on a trading day were opened on it."""
        today = self.today_at(day)
        # The oldest lots go first unless today's are meant: for China's futures that is a different fee, for A shares a rule.
        return min(lots, today) if offset == Offset.CLOSE_TODAY else max(0, lots - (abs(self.lots) - today))

    def _open(self, lots: int, price: float) -> None:
        held, added = abs(self.quantity), self.instrument.quantity(abs(lots))
        self.average_price = self.instrument.average(held, self.average_price, added, price) if held else price
        self.today_lots += abs(lots)

    def _close(self, lots: int, price: float, offset: Offset) -> float:
        closed = min(abs(lots), abs(self.lots))
        self.today_lots -= self.of_today(closed, self.day, offset)
        return self.instrument.profit(self.instrument.quantity(closed if self.lots > 0 else -closed), self.average_price, price)
