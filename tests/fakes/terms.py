"""`Terms`: what is traded and in which steps; and the instruments a fake venue lists."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property


@dataclass(frozen=True)
class Terms:
    """One instrument. Inside the venue prices are whole ticks and quantities whole lots."""

    symbol: str  # "BTC/USDT", a swap "BTC/USDT:USDT"
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    start: Decimal  # the price when the venue was founded
    min_notional: Decimal = Decimal(5)
    swap: bool = False
    contract: Decimal = Decimal(1)  # base units a contract (swaps; quantities are then contracts); quote units of an inverse one
    inverse: bool = False  # a swap that is settled in its base currency
    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")
    depth: int = 60  # levels a side that the crowd keeps

    @cached_property
    def start_ticks(self) -> int:
        """The first price in ticks."""
        return int(self.start / self.tick)

    @property
    def settle(self) -> str:
        """The currency in which a swap is paid."""
        return self.base if self.inverse else self.quote

    def price(self, ticks: int) -> Decimal:
        """Return a price in quote units."""
        return self.tick * ticks

    def quantity(self, lots: int) -> Decimal:
        """Return a quantity in base units, or in contracts for a swap."""
        return self.lot * lots

    def notional(self, ticks: int, lots: int) -> Decimal:
        """Return what so much is worth in the quote currency; of an inverse swap in its base currency."""
        if self.inverse:
            return round(self.lot * lots * self.contract / (self.tick * ticks), 16) if ticks else Decimal(0)
        return self.tick * ticks * self.lot * lots * self.contract

    def ticks(self, price: Decimal) -> int | None:
        """Return a price in ticks, None between two ticks."""
        found = price / self.tick
        return int(found) if found == int(found) else None

    def lots(self, quantity: Decimal) -> int | None:
        """Return a quantity in lots, None between two lots."""
        found = quantity / self.lot
        return int(found) if found == int(found) else None


def spot(base: str, quote: str, tick: str, lot: str, start: str) -> Terms:
    """Return the terms of a spot pair."""
    return Terms(f"{base}/{quote}", base, quote, Decimal(tick), Decimal(lot), Decimal(start))


def swap(base: str, quote: str, tick: str, lot: str, start: str, contract: str = "1") -> Terms:
    """Return the terms of a linear perpetual, settled in its quote currency."""
    symbol = f"{base}/{quote}:{quote}"
    made = Terms(symbol, base, quote, Decimal(tick), Decimal(lot), Decimal(start), swap=True, contract=Decimal(contract))
    return replace(made, maker=Decimal("0.0002"), taker=Decimal("0.0005"))


def inverse(base: str, quote: str, tick: str, lot: str, start: str, contract: str) -> Terms:
    """Return the terms of an inverse perpetual, settled in its base currency."""
    return replace(swap(base, quote, tick, lot, start, contract), symbol=f"{base}/{quote}:{base}", inverse=True)


def many(count: int) -> list[Terms]:
    """Return so many more spot pairs, "C0001/USDT" and on."""
    pairs = (spot(f"C{number:04}", "USDT", "0.0001", "0.01", str(1 + number % 97)) for number in range(1, count + 1))
    return [replace(one, depth=12) for one in pairs]
