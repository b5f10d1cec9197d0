"""Features of bars alone: returns, ranges, volumes, the time of day. All are ratios, so that they mean the same at any price."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log, nan, sqrt

import numpy as np

from gcg_quant.clock import NS_PER_DAY, NS_PER_HOUR

from .bar_window import BarWindow
from .measure import Measure

__all__ = ["BAR_FEATURES", "BarFeature"]

_THURSDAY = 3  # the epoch's first day, counted from Monday
_OPEN, _HIGH, _LOW, _CLOSE, _VOLUME = range(5)


@dataclass(frozen=True, slots=True)
class BarFeature:
    """A feature by name: whether it takes a number of bars, what it is, and the measure of it."""

    takes_bars: bool
    text: str
    make: Callable[[int], Measure]


def _return(bars: int) -> Measure:
    def compute(window: BarWindow) -> float:
        closes = window.closes(bars + 1)
        return _log_ratio(float(closes[-1]), float(closes[0]))

    return Measure(bars + 1, compute)


def _volatility(bars: int) -> Measure:
    def compute(window: BarWindow) -> float:
        closes = window.closes(bars + 1)
        if not (closes > 0).all():
            return nan
        steps = np.diff(np.log(closes))
        return sqrt(float(steps @ steps) / bars)

    return Measure(bars + 1, compute)


def _place(bars: int) -> Measure:
    def compute(window: BarWindow) -> float:
        high = float(window.column(_HIGH, bars).max())
        low = float(window.column(_LOW, bars).min())
        return (float(window.closes(1)[0]) - low) / (high - low) if high > low else 0.5

    return Measure(bars, compute)


def _volume(bars: int) -> Measure:
    def compute(window: BarWindow) -> float:
        volumes = window.column(_VOLUME, bars + 1)
        return _log_ratio(float(volumes[-1]), float(volumes[:-1].mean()))

    return Measure(bars + 1, compute)


def _range(window: BarWindow) -> float:
    return _log_ratio(float(window.column(_HIGH, 1)[0]), float(window.column(_LOW, 1)[0]))


def _body(window: BarWindow) -> float:
    spread = float(window.column(_HIGH, 1)[0] - window.column(_LOW, 1)[0])
    return float(window.closes(1)[0] - window.column(_OPEN, 1)[0]) / spread if spread > 0 else 0.0


def _gap(window: BarWindow) -> float:
    return _log_ratio(float(window.column(_OPEN, 1)[0]), float(window.closes(2)[0]))


def _hour(window: BarWindow) -> float:
    return window.start_ns % NS_PER_DAY / NS_PER_HOUR


def _weekday(window: BarWindow) -> float:
    return float((window.start_ns // NS_PER_DAY + _THURSDAY) % 7)


def _log_ratio(value: float, base: float) -> float:
    return log(value / base) if value > 0 and base > 0 else nan


def _fixed(bars: int, compute: Callable[[BarWindow], float]) -> Callable[[int], Measure]:
    return lambda _: Measure(bars, compute)


BAR_FEATURES: Mapping[str, BarFeature] = {
    "return": BarFeature(True, "log of the close to the close N bars ago", _return),
    "volatility": BarFeature(True, "root of the mean squared log return of N bars", _volatility),
    "place": BarFeature(True, "where the close is between the low (0) and the high (1) of N bars", _place),
    "volume": BarFeature(True, "log of the volume to the mean of the N bars before", _volume),
    "range": BarFeature(False, "log of the bar's high to its low", _fixed(1, _range)),
    "body": BarFeature(False, "close less open, as a part of high less low", _fixed(1, _body)),
    "gap": BarFeature(False, "log of the open to the close before", _fixed(2, _gap)),
    "hour": BarFeature(False, "hour of the day at which the bar begins, UTC", _fixed(1, _hour)),
    "weekday": BarFeature(False, "day of the week on which the bar begins, UTC, Monday is 0", _fixed(1, _weekday)),
}
