"""What was traded between two ticks, from the totals that venues tell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gcg_quant.enumerations import VolumeKind

if TYPE_CHECKING:
    from gcg_quant.events import Tick

__all__ = ["Traded", "traded_parts"]

Amounts = npt.NDArray[np.float64]

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


def traded_parts(
    kinds: npt.NDArray[Any], volumes: Amounts, turnovers: Amounts, days: npt.NDArray[Any], whole: npt.NDArray[np.bool_]
) -> tuple[Amounts, Amounts]:
    """Return what `Traded` says of ticks (their fields, and its `whole`) one after the other: volumes and turnovers."""
    if not len(kinds) or bool((kinds == _SINGLE).all()):
        return volumes, turnovers
    if bool((kinds == _DAY).all()):
        days = days.astype(np.int64)
        told = days != 0
        before = _last_before(days, told, 0)
        new_day = told & (before != 0) & (before != days)
        return _parts(volumes, new_day, told, whole), _parts(turnovers, new_day, told, whole)
    one = Traded()
    columns = (column.tolist() for column in (kinds, volumes, turnovers, days))
    parts = [one.of(*fields, whole=first) for *fields, first in zip(*columns, whole.tolist(), strict=True)]
    return np.array([volume for volume, _ in parts]), np.array([turnover for _, turnover in parts])


def _parts(totals: Amounts, new_day: npt.NDArray[np.bool_], told: npt.NDArray[np.bool_], whole: npt.NDArray[np.bool_]) -> Amounts:
    stated = ~np.isnan(totals)
    remembered = (stated & ~(told & (totals == 0.0))) | new_day
    first = np.flatnonzero(stated | new_day)[:1]  # with nothing before it, a total of 0 is remembered, too
    remembered[first] = True
    before = _last_before(np.where(stated, totals, 0.0), remembered, NAN)
    parts = np.where(totals < before, np.where(told, 0.0, totals), totals - before)
    parts = np.where(told & (totals == 0.0) & ~np.isnan(before), 0.0, parts)
    parts = np.where(np.isnan(before) & whole, totals, parts)
    return np.where(new_day, totals, parts)


def _last_before(values: npt.NDArray[Any], known: npt.NDArray[np.bool_], otherwise: float) -> npt.NDArray[Any]:
    # For each row the value of the last known one before it.
    rows = np.where(known, np.arange(len(values)), -1)
    last = np.append(-1, np.maximum.accumulate(rows)[:-1])
    return np.where(last >= 0, values[np.maximum(last, 0)], otherwise)
