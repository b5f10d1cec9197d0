"""`Account`: one client's money, positions and bills at a fake venue."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from fakes.orders import Fill
from fakes.terms import Terms

ZERO = Decimal(0)


@dataclass
class Payment:
    """Funding of a swap: paid if negative. It is listed only from `listed_ms` on."""

    number: int
    symbol: str
    amount: Decimal
    currency: str
    lots: int
    time_ms: int
    listed_ms: int


@dataclass
class Position:
    """A net position in a swap; `lots` negative: short."""

    lots: int = 0
    average: Decimal = ZERO
    pnl: Decimal = ZERO  # realised since it was flat
    changed_ms: int = 0


@dataclass
class Account:
    """Who has the key. `total` is all there is of a currency, `locked` what open orders hold of it."""

    key: str
    secret: str
    passphrase: str = ""
    total: dict[str, Decimal] = field(default_factory=dict)
    locked: dict[str, Decimal] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    leverage: int = 10
    changed_ms: int = 0

    def free(self, currency: str) -> Decimal:
        """Return what can be spent."""
        return self.total.get(currency, ZERO) - self.locked.get(currency, ZERO)

    def pay(self, currency: str, amount: Decimal) -> None:
        """Add to a balance; a negative amount takes."""
        self.total[currency] = self.total.get(currency, ZERO) + amount

    def lock(self, currency: str, amount: Decimal) -> None:
        """Hold so much; a negative amount lets go."""
        self.locked[currency] = max(ZERO, self.locked.get(currency, ZERO) + amount)

    def trade(self, terms: Terms, side: int, ticks: int, lots: int, time_ms: int) -> Decimal:
        """Book a fill of a swap and return what it realised."""
        position = self.positions.setdefault(terms.symbol, Position())
        price, realised = terms.price(ticks), ZERO
        closing = min(lots, abs(position.lots)) if position.lots * side < 0 else 0
        if closing:
            realised = gain(terms, position.average, price) * terms.quantity(closing) * terms.contract * -side
            position.lots += side * closing
            position.pnl += realised
        opening = lots - closing
        if opening:
            old = abs(position.lots)
            if terms.inverse and old:
                position.average = (old + opening) / (old / position.average + opening / price)
            else:
                position.average = (position.average * old + price * opening) / (old + opening)
            position.lots += side * opening
        if not position.lots:
            position.average = position.pnl = ZERO
        position.changed_ms = time_ms
        self.pay(terms.settle, realised)
        return realised


def gain(terms: Terms, entry: Decimal, leave: Decimal) -> Decimal:
    """Return what one unit, long, has brought from one price to another; of an inverse swap one quote unit, rounded as money is."""
    return round(1 / entry - 1 / leave, 20) if terms.inverse else leave - entry
