"""What an account bought on the newest trading day: of T+1 instruments it cannot be sold on that day, whichever strategy holds it."""

from __future__ import annotations

from collections.abc import Iterable

from gcg_quant.clock import day_of
from gcg_quant.events import Fill, Side
from gcg_quant.instruments import Instrument

__all__ = ["Bought"]


class Bought:
    """Lots bought by instrument number on the newest trading day on which any were, of T+1 instruments only.

    The positions do not tell it: a strategy that buys and sells on one day is flat, but what it sold was another's of the day before.
    """

    def __init__(self) -> None:
        self._lots: dict[int, tuple[int, int]] = {}

    def __getitem__(self, number: int) -> tuple[int, int]:
        """Return (trading day YYYYMMDD, lots) of an instrument number; (0, 0) if none was ever bought."""
        return self._lots.get(number, (0, 0))

    def add(self, fill: Fill, number: int, instrument: Instrument, lots: int) -> None:
        """Count a fill; sales, and instruments that may be sold on the same day, are passed over."""
        if fill.side != Side.BUY or not instrument.t_plus_one:
            return
        day = fill.trading_day or day_of(fill.event_ns, instrument.timezone)
        newest, before = self[number]
        if day >= newest:
            self._lots[number] = (day, lots + (before if day == newest else 0))

    def rows(self) -> list[tuple[int, int, int]]:
        """Return (instrument number, trading day, lots) of each, in the order of the first purchases."""
        return [(number, *one) for number, one in self._lots.items()]

    def load(self, rows: Iterable[tuple[int, int, int]]) -> None:
        """Take over what `rows` returned."""
        self._lots = {number: (day, lots) for number, day, lots in rows}
