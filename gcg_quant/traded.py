"""What was traded between two ticks, from the totals that venues tell; `BarTotals` of native/include/gcg/bar_maker.h is the same."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gcg_quant.enumerations import VolumeKind

if TYPE_CHECKING:
    from gcg_quant.events import Tick

__all__ = ["Traded"]

_DAY, _SINGLE = int(VolumeKind.DAY), int(VolumeKind.SINGLE)
NAN = math.nan


class Traded:
    """Takes the ticks of one instrument apart: volume and turnover since the one before.

    Totals of the day begin anew on a new trading day; where the venue tells no trading day, a total that falls has begun anew; within a
    stated day it was corrected, and a total of 0 behind a higher one is none. Of the very first total nothing is known, unless
    `whole` says that the day began with it. Rolling totals cannot be taken apart.
    """

    def __init__(self) -> None:
        self._volume = NAN  # the totals at the tick before
        self._turnover = NAN
        self._day = 0

    @property
    def state(self) -> tuple[float, float, int]:
        """The totals and the trading day at the tick before."""
        return self._volume, self._turnover, self._day

    @state.setter
    def state(self, state: tuple[float, float, int]) -> None:
        self._volume, self._turnover, self._day = state

    def since(self, tick: Tick, *, whole: bool = False) -> tuple[float, float]:
        """Return (volume, turnover) traded since the tick before; NaN is what cannot be told."""
        return self.of(tick.volume_kind, tick.volume, tick.turnover, tick.trading_day, whole=whole)

    def of(self, kind: int, volume: float, turnover: float, trading_day: int, *, whole: bool = False) -> tuple[float, float]:
        """Return the same for a tick's fields, as rows have them."""
        if kind == _DAY:
            before_volume, before_turnover = self._volume, self._turnover
            if volume >= before_volume and turnover >= before_turnover and (trading_day == self._day or not trading_day):
                self._volume, self._turnover = volume, turnover  # the usual tick; NaN is never the larger one
                return volume - before_volume, turnover - before_turnover
            told = trading_day != 0
            new_day = told and self._day not in (0, trading_day)
            volume, self._volume = _part(volume, before_volume, new_day, told, whole)
            turnover, self._turnover = _part(turnover, before_turnover, new_day, told, whole)
            self._day = trading_day or self._day
            return volume, turnover
        return (volume, turnover) if kind == _SINGLE else (NAN, NAN)


def _part(total: float, before: float, new_day: bool, day_told: bool, whole: bool) -> tuple[float, float]:
    # (the part since the last total, the total to remember)
    if math.isnan(total):
        return NAN, (0.0 if new_day else before)
    if new_day:
        return total, total
    if math.isnan(before):
        return (total if whole else NAN), total
    if day_told and total == 0.0:
        return 0.0, before
    if total < before:
        return (0.0 if day_told else total), total
    return total - before, total
