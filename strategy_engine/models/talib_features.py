"""Features of ta-lib: any of its functions of open, high, low, close and volume, over a number of bars that its length decides."""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import Any

import numpy as np

from gcg_quant.errors import ModelError, nearest

from .bar_window import BarWindow
from .measure import Measure

__all__ = ["talib_measure"]

_NUMBERS = {"open": 0, "high": 1, "low": 2, "close": 3, "volume": 4}
_FROM_THE_BEGINNING = frozenset(("AD", "CUMSUM", "OBV", "PVT", "WAD", "NVI", "PVI", "SAR", "SAREXT"))  # no window holds all they need
_INDICES = frozenset(("MAXINDEX", "MININDEX", "MINMAXINDEX", "MAVP"))
_MEMORY = 10  # look-backs: what a smoothing keeps of the bar that many before it is under a thousandth of a part in ten


def talib_measure(function: str, arguments: Sequence[float], output: str, relative: bool) -> Measure:
    """Return the measure of `function`'s `output` ("": the first one), divided by the close if `relative`.

    It is computed over the function's look-back, or ten of them where it smooths: that is the whole of what it knows, in training and live.

    Raises:
        ModelError: there is no such function or output, it counts from the beginning of all bars, or it does not take these arguments.
    """
    import talib
    from talib import abstract

    names = [name for name in talib.get_functions() if name not in _FROM_THE_BEGINNING | _INDICES]  # type: ignore[no-untyped-call]
    if function not in names:
        known = function in _FROM_THE_BEGINNING | _INDICES
        why = "depends on where its bars begin, and cannot be a feature" if known else f"is not there.{nearest(function, names)}"
        raise ModelError(f"The ta-lib function {function!r} {why}", function=function)
    described: Any = abstract.Function(function)  # type: ignore[attr-defined]
    outputs = list(described.output_names)
    if output and output not in outputs:
        raise ModelError(f"ta-lib's {function} has no output {output!r}: it has {', '.join(outputs)}.", output=output)
    parameters = _parameters(function, dict(described.parameters), arguments)
    try:
        getattr(talib, function)(*np.ones((len(_inputs(function, described.input_names)), 2)), **parameters)  # look-backs are not checked
        lookback = int(abstract.Function(function, **parameters).lookback)  # type: ignore[attr-defined]
    except Exception as error:  # ta-lib raises plain ones for what it does not take
        raise ModelError(f"ta-lib's {function} does not take {parameters}: {error}", function=function) from None
    inputs = _inputs(function, described.input_names)
    place = outputs.index(output) if output else 0
    bars = _MEMORY * (lookback + 1) if lookback else 2
    wrapped = getattr(talib, function)
    plain = getattr(wrapped, "__wrapped__", wrapped)  # without a look for pandas, which takes as long as the function itself
    return Measure(bars, _computing(plain, inputs, parameters, place if len(outputs) > 1 else -1, bars, relative))


def _parameters(function: str, defaults: dict[str, Any], arguments: Sequence[float]) -> dict[str, Any]:
    if len(arguments) > len(defaults):
        raise ModelError(f"ta-lib's {function} takes {len(defaults)} numbers ({', '.join(defaults)}), not {len(arguments)}.")
    given = dict(zip(defaults, arguments, strict=False))
    for name, value in given.items():
        if isinstance(defaults[name], int) and value != int(value):
            raise ModelError(f"ta-lib's {function} takes a whole number as {name}, not {value!r}.", function=function)
    return {name: type(default)(given.get(name, default)) for name, default in defaults.items()}


def _inputs(function: str, named: dict[str, Any]) -> list[int]:
    columns: list[str] = []
    for names in named.values():
        columns += [names] if isinstance(names, str) else names
    unknown = [name for name in columns if name not in _NUMBERS]
    if unknown:
        raise ModelError(f"ta-lib's {function} needs {unknown[0]!r}, which a bar does not have.", function=function)
    return [_NUMBERS[name] for name in columns]


def _computing(function: Any, inputs: list[int], parameters: dict[str, Any], place: int, bars: int, relative: bool) -> Any:
    def compute(window: BarWindow) -> float:
        columns = [window.column(number, bars) for number in inputs]
        try:
            found = function(*columns, **parameters)
        except Exception:  # "inputs are all NaN": a volume that is not there
            return nan
        value = float((found if place < 0 else found[place])[-1])
        return value / float(window.closes(1)[0]) if relative else value

    return compute
