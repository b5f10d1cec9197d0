"""The catalogue of indicators: the nine that the page offers first, then every function of ta-lib by its name."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from gcg_quant.errors import EventError, nearest

from .columns import Columns, Floats
from .kind import Kind, LineStyle, Parameter, Parameters
from .talib_functions import talib, talib_kind, talib_names

__all__ = ["OURS", "find_kind", "kinds"]

_OURS_GROUP = "Common"
_FORGETS = 60  # two smoothings of 1/n each have forgotten their start after 60 n bars


def _period(default: int, low: int = 2) -> Parameter:
    return Parameter("timeperiod", "int", default, low, 1_000)


def _bands(columns: Columns, parameters: Parameters, source: str) -> dict[str, Floats]:
    width = parameters["width"]
    prices = np.ascontiguousarray(columns.source(source))
    upper, middle, lower = talib().BBANDS(prices, timeperiod=int(parameters["timeperiod"]), nbdevup=width, nbdevdn=width)
    return {"upper": upper, "middle": middle, "lower": lower}


def _kdj(columns: Columns, parameters: Parameters, source: str) -> dict[str, Floats]:
    # Where the prices of a whole stretch are one price, it stands in the middle.
    count = int(parameters["fastk_period"])
    highest, lowest = talib().MAX(columns.high, count), talib().MIN(columns.low, count)
    span = highest - lowest
    with np.errstate(invalid="ignore", divide="ignore"):
        raw = np.where(span > 0, (columns.close - lowest) / span * 100, np.where(np.isnan(span), np.nan, 50.0))
    k = _smoothed(raw, int(parameters["slowk_period"]))
    d = _smoothed(k, int(parameters["slowd_period"]))
    return {"K": k, "D": d, "J": 3 * k - 2 * d}


def _smoothed(values: Floats, count: int) -> Floats:
    # Each value counts 1/count: an exponential average over 2 * count - 1 bars.
    return values if count == 1 else talib().EMA(values, 2 * count - 1)


def _kdj_lead(parameters: Parameters) -> int:
    return int(parameters["fastk_period"] + _FORGETS * max(parameters["slowk_period"], parameters["slowd_period"]))


def _vwap(columns: Columns, parameters: Parameters, source: str) -> dict[str, Floats]:
    # From the first bar of each trading day; of a volume that nobody told nothing is known.
    volume = np.nan_to_num(columns.volume)
    money = np.cumsum(columns.source("hlc3") * volume)
    traded = np.cumsum(volume)
    begins = np.flatnonzero(np.append(True, columns.day[1:] != columns.day[:-1])[: len(volume)])
    before = np.repeat(begins, np.diff(np.append(begins, len(volume)))) - 1
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (money - np.where(before < 0, 0.0, money[before])) / (traded - np.where(before < 0, 0.0, traded[before]))
    return {"vwap": np.where(np.isfinite(mean), mean, np.nan)}


def _renamed(name: str, title: str, *lines: str, styles: tuple[LineStyle, ...] = (), **changes: Any) -> Kind:
    # One of ta-lib's, with names for its lines that readers know, and its defaults changed where charts use others.
    kind = talib_kind(name)
    told = styles or tuple(kind.lines.values())

    def compute(columns: Columns, parameters: Parameters, source: str) -> dict[str, Floats]:
        return dict(zip(lines, kind.compute(columns, parameters, source).values(), strict=True))

    return msgspec.structs.replace(
        kind, title=title, group=_OURS_GROUP, lines=dict(zip(lines, told, strict=True)), compute=compute, **changes
    )


@functools.cache
def _ours() -> dict[str, Kind]:
    average = talib_kind("MA").parameters
    kinds = (
        _renamed("MA", "Moving average", "ma", parameters=(_period(20, 1), *average[1:])),
        _renamed("EMA", "Exponential moving average", "ema", parameters=(_period(20, 1),)),
        Kind(
            name="BOLL",
            title="Bollinger bands",
            group=_OURS_GROUP,
            place="price",
            parameters=(_period(20), Parameter("width", "float", 2.0, 0.1, 10.0)),
            lines={"upper": "line", "middle": "line", "lower": "line"},
            compute=_bands,
            lead=lambda parameters: int(parameters["timeperiod"]),
            source=True,
        ),
        Kind(
            name="VWAP",
            title="Volume-weighted average price of the day",
            group=_OURS_GROUP,
            place="price",
            parameters=(),
            lines={"vwap": "line"},
            compute=_vwap,
            lead=lambda parameters: 0,
            whole_days=True,
        ),
        _renamed("MACD", "MACD", "macd", "signal", "histogram", styles=("line", "line", "histogram"), levels=(0.0,), decimals=None),
        _renamed("RSI", "Relative strength index", "rsi"),
        Kind(
            name="KDJ",
            title="KDJ",
            group=_OURS_GROUP,
            place="below",
            parameters=(
                Parameter("fastk_period", "int", 9, 2, 1_000),
                Parameter("slowk_period", "int", 3, 1, 100),
                Parameter("slowd_period", "int", 3, 1, 100),
            ),
            lines={"K": "line", "D": "line", "J": "line"},
            compute=_kdj,
            lead=_kdj_lead,
            levels=(20.0, 80.0),
            decimals=2,
        ),
        _renamed("ATR", "Average true range", "atr", decimals=None),
        _renamed("OBV", "On-balance volume", "obv"),
    )
    return {kind.name: kind for kind in kinds}


OURS = ("MA", "EMA", "BOLL", "VWAP", "MACD", "RSI", "KDJ", "ATR", "OBV")


def find_kind(name: str, others: Iterable[str] = ()) -> Kind:
    """Return an indicator by its name. Raises EventError naming the nearest one, of the catalogue or of these `others`."""
    kind = _ours().get(name)
    if kind is not None:
        return kind
    if name not in talib_names():
        raise EventError(f"There is no indicator {name!r}.{nearest(name, (*OURS, *others, *talib_names()))}", name=name)
    return talib_kind(name)


def kinds() -> list[Kind]:
    """Return the whole catalogue: ours first, then the other functions of ta-lib by name."""
    return [*_ours().values(), *(talib_kind(name) for name in talib_names() if name not in _ours())]
