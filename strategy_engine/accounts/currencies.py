"""Rates between currencies, as the FX instruments of the bus show them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gcg_quant.instrument_table import InstrumentTable

__all__ = ["CurrencyRates"]

# Coins that are meant to be worth a dollar count as one.
_DOLLARS = frozenset({"USD", "USDT", "USDC", "BUSD", "FDUSD", "TUSD", "DAI"})


class CurrencyRates:
    """What a currency is worth in the account's own, for sums over several: limits and buying power, never for money itself.

    Args:
        currency: the account's own.
        instruments: where pairs such as "EUR/USD" are found.
        last_price: the last price of an instrument number, NaN if there is none.
    """

    def __init__(self, currency: str, instruments: InstrumentTable, last_price: Callable[[int], float]) -> None:
        self.currency = currency
        self._instruments = instruments
        self._last_price = last_price
        self._pairs: dict[str, list[int]] = {}
        self._looked_at = 0

    def rate(self, currency: str) -> float | None:
        """Return the rate to the account's currency, or None if no market tells it."""
        if currency == self.currency or {currency, self.currency} <= _DOLLARS:
            return 1.0
        self._look()
        for own in sorted(_DOLLARS) if self.currency in _DOLLARS else [self.currency]:
            for other in sorted(_DOLLARS) if currency in _DOLLARS else [currency]:
                direct, inverse = self._price(f"{other}/{own}"), self._price(f"{own}/{other}")
                if direct is not None:
                    return direct
                if inverse is not None:
                    return 1.0 / inverse
        return None

    def _price(self, pair: str) -> float | None:
        for number in self._pairs.get(pair, ()):
            price = self._last_price(number)
            if price > 0.0:
                return price
        return None

    def _look(self) -> None:
        for number in self._instruments.numbers(after=self._looked_at):
            found = self._instruments[number]
            # The price of an inverse contract, "BTC/USD:BTC", is that of the coin in which it is paid.
            pair = found.symbol.partition(":")[0] if found.inverse else found.symbol
            self._pairs.setdefault(pair, []).append(number)
            self._looked_at = number
