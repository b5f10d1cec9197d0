"""Every function of ta-lib as a kind of indicator, by what ta-lib tells of it: inputs, parameters, outputs, and over or under the price.

A recursive function's value depends on all bars before it, ever less. So many are read in front that what is left of the first one is
about a billionth of it (`_lead`). What ta-lib gives as the index of a row becomes the number of bars since; running totals count from
a fixed bar.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from .columns import Columns, Floats
from .kind import Kind, LineStyle, Parameter, Parameters

__all__ = ["talib", "talib_kind", "talib_names"]

_MOST_BARS = 1_000  # of any parameter that counts bars
_SUMS = frozenset(("AD", "CUMSUM", "OBV", "PVT", "WAD"))
_PRODUCTS = frozenset(("NVI", "PVI"))
_INDICES = frozenset(("MAXINDEX", "MININDEX", "MINMAXINDEX"))
_REMEMBERS = 20  # e^-20 = 2e-9: a smoothing over n bars, Wilder's too, has forgotten its start after 20 n
_LEAST_LEAD = 1_000  # of what goes on from state to state (stop and reverse) without a length of its own
_SLOWEST = {"KAMA": 5_000, "HA": 100}  # by how slow their smoothing can be: (2/31)^2, and one half
_LIMITS = {
    "fastlimit": (0.01, 0.99),
    "slowlimit": (0.01, 0.99),
    "vfactor": (0.0, 1.0),
    "percentile": (0.0, 100.0),
    "penetration": (0.0, 10.0),
}
_LEVELS: dict[str, tuple[float, ...]] = {
    "RSI": (30.0, 70.0),
    "MFI": (20.0, 80.0),
    "STOCH": (20.0, 80.0),
    "STOCHF": (20.0, 80.0),
    "STOCHRSI": (20.0, 80.0),
}
_LEVELS |= {"WILLR": (-80.0, -20.0), "CCI": (-100.0, 100.0), "ADX": (25.0,), "CMO": (-50.0, 50.0), "ULTOSC": (30.0, 70.0)}


@functools.cache
def talib() -> Any:
    """Return the library, loaded with the first indicator: it brings pandas, half a second and 60 MB to every start of a server."""
    importlib.import_module("talib.abstract")
    return importlib.import_module("talib")  # by name: its own stubs lack what it offers


@functools.cache
def talib_names() -> tuple[str, ...]:
    """Return the names of all functions, sorted."""
    return tuple(sorted(talib().get_functions()))


@functools.cache
def talib_kind(name: str) -> Kind:
    """Return a function of ta-lib by its name; there must be one."""
    info: dict[str, Any] = talib().abstract.Function(name).info
    flags = info["function_flags"]
    inputs = _inputs(info["input_names"])
    lines = {output: _style(name, flags, told) for output, told in info["output_flags"].items()}
    if len(lines) == 1:
        lines = {name.lower(): style for style in lines.values()}
    place: Literal["price", "below"] = "price" if "Output scale same as input" in flags else "below"
    return Kind(
        name=name,
        title=info["display_name"],
        group=info["group"],
        place=place,
        parameters=tuple(_parameter(one, default, name) for one, default in info["parameters"].items()),
        lines=lines,
        compute=_computing(name, inputs, tuple(lines)),
        lead=functools.partial(_lead, name),
        source="price" in info["input_names"],
        levels=_LEVELS.get(name, ()),
        decimals=None if place == "price" else 2,
        anchored="sum" if name in _SUMS else "product" if name in _PRODUCTS else "",
    )


def _inputs(named: dict[str, Any]) -> tuple[str, ...]:
    # "" is the price that the reader chose, "periods" the lengths of MAVP.
    inputs: list[str] = []
    for kind, columns in named.items():
        if kind == "price":
            inputs.append("")
        elif kind == "periods":
            inputs.append("periods")
        else:
            inputs += [columns] if isinstance(columns, str) else columns
    return tuple(inputs)


def _style(name: str, flags: list[str], told: list[str]) -> LineStyle:
    if "Output is a candlestick" in flags or "Histogram" in told:
        return "histogram"
    return "dots" if name in ("SAR", "SAREXT") else "line"


def _parameter(name: str, default: float, function: str) -> Parameter:
    if "matype" in name:
        return Parameter(name, "int", int(default), 0, _last_average())
    if isinstance(default, int):
        return Parameter(name, "int", default, _least(function, name, default), _MOST_BARS)
    low, high = _LIMITS.get(name, (0.0, 1_000.0))
    return Parameter(name, "float", default, low, high)


@functools.cache
def _last_average() -> int:
    # How many kinds of moving averages this ta-lib has.
    last = 0
    while last < 100 and _takes("MA", {"timeperiod": 10, "matype": last + 1}):
        last += 1
    return last


def _least(function: str, name: str, default: int) -> int:
    # ta-lib does not tell the limits of a parameter to Python: ask it.
    return next((least for least in range(min(default, 4)) if _takes(function, {name: least})), default)


def _takes(function: str, parameters: dict[str, float]) -> bool:
    try:
        _call(function, _inputs(talib().abstract.Function(function).info["input_names"]), _SOME, parameters, "close")
    except Exception:  # ta-lib raises plain ones for what it does not take
        return False
    return True


_STEPS = np.arange(64.0)
_WAVE = 100 + np.sin(_STEPS)
_ROWS = _STEPS.astype(np.int64)
_SOME = Columns(_ROWS, _ROWS, _ROWS, _WAVE, _WAVE + 1, _WAVE - 1, _WAVE + np.cos(_STEPS) / 2, _STEPS + 1)


def _lead(name: str, parameters: Parameters) -> int:
    lookback = int(talib().abstract.Function(name, **parameters).lookback)
    flags: list[str] = talib().abstract.Function(name).function_flags or []
    if name in _SLOWEST:
        return _SLOWEST[name] + lookback
    if "slowlimit" in parameters:
        return lookback + math.ceil(_REMEMBERS / min(parameters["slowlimit"], parameters["fastlimit"]))
    if "Output is path-dependent" in flags and name not in _SUMS | _PRODUCTS:
        return max(_LEAST_LEAD, _REMEMBERS * lookback)
    if lookback <= 1 or not _is_recursive(name, flags):
        return lookback + 1
    return max(_REMEMBERS * lookback, 250)


def _is_recursive(name: str, flags: list[str]) -> bool:
    # Whether bars before the look-back count, as far as is known for certain; who reads too many loses nothing but time.
    return not ("Output is a candlestick" in flags or name in _INDICES or name in ("SMA", "WMA", "MIN", "MAX", "SUM", "MINMAX", "TRIMA"))


def _computing(name: str, inputs: tuple[str, ...], lines: tuple[str, ...]) -> Callable[[Columns, Parameters, str], dict[str, Floats]]:
    def compute(columns: Columns, parameters: Parameters, source: str) -> dict[str, Floats]:
        found = _call(name, inputs, columns, parameters, source)
        return dict(zip(lines, found, strict=True))

    return compute


def _call(name: str, inputs: tuple[str, ...], columns: Columns, parameters: Parameters, source: str) -> list[Floats]:
    """Return the outputs of a function as long as the columns: NaN at the start where bars are missing, and where a result is infinite."""
    count = len(columns.close)
    begin = _first_known(columns) if count else 0
    outputs = len(talib().abstract.Function(name).output_names)
    if count - begin < 2:
        return [np.full(count, np.nan) for _ in range(outputs)]
    known = columns.part(begin)
    arrays = [np.ascontiguousarray(_input(known, one, parameters, source)) for one in inputs]
    with np.errstate(all="ignore"):
        raw = getattr(talib(), name)(*arrays, **parameters)
    found = []
    for values in raw if isinstance(raw, tuple) else (raw,):
        line = np.full(count, np.nan)
        line[begin:] = values
        if name in _INDICES:
            line[begin:] = np.arange(count - begin) - line[begin:]
            lookback = int(talib().abstract.Function(name, **parameters).lookback)
            line[begin : begin + lookback] = np.nan
        line[~np.isfinite(line)] = np.nan
        found.append(line)
    return found


def _input(columns: Columns, name: str, parameters: Parameters, source: str) -> Floats:
    if name == "periods":  # a moving average whose length changes: here it stays in the middle of its limits
        return np.full(len(columns.close), float(round((parameters.get("minperiod", 2) + parameters.get("maxperiod", 30)) / 2)))
    return columns.source(name or source)


def _first_known(columns: Columns) -> int:
    # Candles have their prices; a row without them in the middle would spoil every recursive value after it.
    unknown = ~np.isfinite(columns.open + columns.high + columns.low + columns.close)
    return int(np.flatnonzero(unknown)[-1]) + 1 if unknown.any() else 0
