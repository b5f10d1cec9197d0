"""What was traded between two ticks, from the totals that venues tell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gcg_quant.enumerations import VolumeKind

if TYPE_CHECKING:
    from gcg_quant.events import Tick

__all__ = ["Traded"]


class Traded:
    """Takes the ticks of one instrument apart: volume and turnover since the one before.

    Totals of the day begin anew on a new trading day; where the venue tells no trading day, a total that falls has begun anew; within a
    stated day it was corrected. Rolling totals cannot be taken apart.
    """

    def __init__(self) -> None:
        self._volume = math.nan  # the totals at the tick before
        self._turnover = math.nan
        self._day = 0

    def since(self, tick: Tick) -> tuple[float, float]:
        """Return (volume, turnover) traded since the tick before; NaN is what cannot be told."""
        return self.of(tick.volume_kind, tick.volume, tick.turnover, tick.trading_day)

    def of(self, kind: int, volume: float, turnover: float, trading_day: int) -> tuple[float, float]:
        """Return the same for a tick's fields, as rows have them."""
        if kind == VolumeKind.SINGLE:
            return volume, turnover
        if kind != VolumeKind.DAY:
            return math.nan, math.nan
        told = trading_day != 0
        new_day = told and self._day not in (0, trading_day)
        volume, self._volume = _part(volume, self._volume, new_day, told)
        turnover, self._turnover = _part(turnover, self._turnover, new_day, told)
        self._day = trading_day or self._day
        return volume, turnover


def _part(total: float, before: float, new_day: bool, day_told: bool) -> tuple[float, float]:
    # (the part since the last total, the total to remember)
    if math.isnan(total):
        return math.nan, (0.0 if new_day else before)
    if new_day:
        return total, total
    if math.isnan(before):
        return math.nan, total
    if total < before:
        return (0.0 if day_told else total), total
    return total - before, total
