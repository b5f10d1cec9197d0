"""What longer candles of one instrument are made of: seconds and minutes, or where none come the shortest bars that do."""

from __future__ import annotations

from gcg_quant.clock import NS_PER_MINUTE

from .months import MONTH, length_ns

__all__ = ["Parts"]

_SHORT = ("1s", "1m")
_NEVER = 1 << 62


class Parts:
    """The periods of the bars that have come. One thread at a time."""

    def __init__(self) -> None:
        self.floor_ns = 0  # parts that are older have not come, but may be stored
        self._has_short = False
        self._longer: list[str] = []  # the shortest first

    def base(self, period: str) -> str:
        """Return the period that candles of `period` are folded from."""
        if period == MONTH:
            return "1d"
        length = length_ns(period)
        if length <= NS_PER_MINUTE or length % NS_PER_MINUTE:
            return "1s"
        longer = () if self._has_short else self._longer
        return next((one for one in longer if length_ns(one) < length and length % length_ns(one) == 0), "1m")

    def take(self, period: str, start_ns: int) -> bool:
        """Note that a bar of `period` (or for "1s" a price) has come; return whether longer candles are made of other parts from it on."""
        if period in _SHORT:
            changed = not self._has_short and bool(self._longer)
            self._has_short = True
        elif period in self._longer:
            return False
        else:
            changed = not self._has_short and length_ns(period) < min(map(length_ns, self._longer), default=_NEVER)
            self._longer = sorted([*self._longer, period], key=length_ns)
        if changed:
            self.floor_ns = start_ns
        return changed

    def seed(self, period: str, from_ns: int, count: int) -> None:
        """Note that `count` stored bars of `period` have been taken, all of them from `from_ns` on."""
        self._has_short |= period in _SHORT and count > 0
        self.floor_ns = min(self.floor_ns, from_ns)

    def fits(self, period: str) -> bool:
        """Return whether longer candles may be made of bars of `period`, as far as is known."""
        return period in _SHORT or not self._has_short

    def lacking(self, start_ns: int, period: str) -> bool:
        """Return whether the candle that starts there began with bars of other periods than those that it is folded from."""
        return start_ns < self.floor_ns and (not self._has_short or length_ns(period) > length_ns(self._longer[0]))
