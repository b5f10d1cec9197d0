"""One series that pages look at: what has changed in it since it was last sent, and which indicators go with it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ..indicators import SeriesLines
from .candles import Candle, CandleBook

if TYPE_CHECKING:
    from gcg_quant.calendar import Calendar

__all__ = ["Watch"]

_SENT = 16


class Watch:
    """A series (an instrument and a period) that pages look at. One thread at a time: the bridge holds its lock."""

    def __init__(self, period: str, through: int, calendar: Calendar | None = None) -> None:
        self.period = period
        self.through = through
        self._sent: dict[int, Candle] = {}
        self.pages = 0
        self.ready = False  # history has been read: what was before is known
        self.from_ns = 0  # older candles are told only if they came whole: their parts may be missing here
        self.touched: set[int] = set()
        self.lines = SeriesLines(calendar)
        self.audiences: Counter[tuple[str, ...]] = Counter()  # how many pages get the lines of these keys

    def join(self, keys: tuple[str, ...]) -> None:
        """Send candles with these lines, too, to one page more."""
        self.audiences[keys] += 1

    def leave(self, keys: tuple[str, ...]) -> None:
        """Take one page from those that get these lines."""
        self.audiences[keys] -= 1
        if self.audiences[keys] <= 0:
            del self.audiences[keys]
        self.lines.keep({key for keys in self.audiences for key in keys})

    def take(self, candles: CandleBook) -> list[Candle]:
        """Return the candles that have changed since the last call."""
        starts = sorted({candles.span(ns, self.period).start_ns for ns in self.touched})
        self.touched.clear()
        known = candles.series(self.period)
        whole = (at for at in starts if known.get(at) or (at >= self.from_ns and not candles.parts.lacking(at, self.period)))
        found = (candles.candle(start, self.period) for start in whole)
        return [candle for candle in found if candle is not None and self._is_news(candle)]

    def _is_news(self, candle: Candle) -> bool:
        # The finished bar that follows on the bus mostly says what was sent already.
        sent = self._sent.get(candle.start_ns)
        if sent is not None and sent[:6] == candle[:6] and repr(sent.volume) == repr(candle.volume):
            return False
        self._sent[candle.start_ns] = candle
        if len(self._sent) > _SENT:
            del self._sent[min(self._sent)]
        return True
