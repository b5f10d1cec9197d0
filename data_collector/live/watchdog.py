"""The watchdog: notices that a connection which stands brings nothing while the market is open."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Watchdog"]

_DATA_FACTOR = 10  # signs of life alone (pongs) are taken for a good connection for so many times as long
_LONGEST_S = 3600.0
_RESTS_S = 1.0  # at night it looks into the calendars of a thousand symbols no more often


class Watchdog:
    """Knows when data and when any sign of life came last. Any thread writes, one asks.

    Silence at night is no fault: silence counts only if the market was open all along. A venue that answers our pings and sends no data has
    lost our subscription, or there is nothing to send: such a connection is made anew after ten times as long, then after twice that ...

    Args:
        silence_s: how long a connection may be silent.
        clock: seconds that never decrease.
    """

    def __init__(self, silence_s: float, clock: Callable[[], float]) -> None:
        self._silence_s = silence_s
        self._clock = clock
        self._data_limit_s = _DATA_FACTOR * silence_s
        self._begun_s = clock()
        self._rests_until_s = float("-inf")
        self.data_s = self.sign_s = float("-inf")  # written with each record, so without a call

    def begin(self) -> None:
        """A connection stands from now on."""
        self._begun_s = self._clock()

    def complaint(self, was_open: Callable[[float], bool]) -> str:
        """Return what is wrong with the connection, or "".

        Args:
            was_open: says whether the market has been open for so many seconds.
        """
        now = self._clock()
        data_s = max(self.data_s, self._begun_s)
        if self.data_s >= self._begun_s:
            self._data_limit_s = _DATA_FACTOR * self._silence_s
        limit_s = self._data_limit_s
        silent, idle = now - max(data_s, self.sign_s) > self._silence_s, now - data_s > limit_s
        if not (silent or idle) or now < self._rests_until_s:
            return ""
        if silent and was_open(self._silence_s):
            return f"nothing came for {self._silence_s:g} s while the market was open"
        if idle and was_open(limit_s):
            self._data_limit_s = min(2 * limit_s, max(_LONGEST_S, limit_s))
            return f"only signs of life, and no data, came for {limit_s:g} s while the market was open"
        self._rests_until_s = now + _RESTS_S
        return ""
