"""Symbols as they are called here ("EUR/USD") and as a broker writes them ("EURUSD", "EURUSD.r", "mEURUSD")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gcg_quant.errors import CollectorError, nearest

__all__ = ["SymbolNames"]

FOREX = (0, 5)  # ENUM_SYMBOL_CALC_MODE: with leverage and without


class SymbolNames:
    """The names of one broker's symbols.

    Args:
        prefix: what the broker writes before a pair.
        suffix: ... behind it.
        names: what follows no rule: our symbol -> the broker's.
    """

    def __init__(self, prefix: str = "", suffix: str = "", names: Mapping[str, str] | None = None) -> None:
        self._prefix, self._suffix = prefix, suffix
        self._names = dict(names or {})
        self._ours = {theirs: ours for ours, theirs in self._names.items()}
        self._known: dict[str, tuple[int, str, str]] = {}

    def learn(self, symbols: Iterable[tuple[str, int, str, str]]) -> None:
        """Take over what the broker has: name, calculation mode, base and profit currency of each symbol."""
        self._known = {name: (mode, base, profit) for name, mode, base, profit in symbols}

    def theirs(self, symbol: str) -> str:
        """Return the broker's name of a symbol.

        Raises:
            CollectorError: the broker has none, or several that could be meant.
        """
        if symbol in self._names:
            return self._found(symbol, self._names[symbol])
        plain = f"{self._prefix}{symbol.replace('/', '')}{self._suffix}"
        if plain in self._known:
            return plain
        if symbol in self._known:
            return symbol
        if self._prefix or self._suffix or "/" not in symbol:
            return self._found(symbol, plain)
        base, profit = symbol.split("/", 1)
        alike = [name for name, known in self._known.items() if known[0] in FOREX and known[1:] == (base, profit)]
        if len(alike) == 1:
            return alike[0]
        if alike:
            several = ", ".join(sorted(alike))
            text = f"The broker has {symbol!r} as {several}: choose one by the option suffix, prefix or names."
            raise CollectorError(text, symbol=symbol)
        return self._found(symbol, plain)

    def ours(self, name: str) -> str:
        """Return what a symbol of the broker is called here: a pair of currencies as "EUR/USD", anything else as the broker writes it."""
        if name in self._ours:
            return self._ours[name]
        mode, base, profit = self._known.get(name, (-1, "", ""))
        pair = f"{base}/{profit}"
        if mode in FOREX and name == f"{self._prefix}{base}{profit}{self._suffix}":
            return pair
        if mode in FOREX and not (self._prefix or self._suffix):
            alike = [other for other, known in self._known.items() if known[0] in FOREX and known[1:] == (base, profit)]
            return pair if alike == [name] else name
        return name

    def all_ours(self) -> list[str]:
        """Return all that the broker has, as it is called here."""
        return sorted({self.ours(name) for name in self._known})

    def _found(self, symbol: str, name: str) -> str:
        if name not in self._known:
            also = "" if name == symbol else f" (looked for {name!r})"
            raise CollectorError(f"The broker has no symbol {symbol!r}{also}.{nearest(name, self._known)}", symbol=symbol)
        return name
