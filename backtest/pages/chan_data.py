"""Chan elements in the report of a run, where the strategy's class says `draws_chan = True`: by its own parameters, over its own bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gcg_quant.bar_arrays import resample
from gcg_quant.calendar import Calendar
from gcg_quant.chan_shapes import CHAN_PARTS, chan_shapes

from ...strategy_engine.chan import ChanAnalyzer
from ..inputs.sources import Source

__all__ = ["chan_data", "chan_options"]

_OPTIONS = ("variant", "divergence", "ratio", "trend_pivots")  # of an analyzer, and of strategies that have parameters of the same names


def chan_options(cls: type, parameters: Mapping[str, Any], period: str) -> dict[str, Any]:
    """Return what the report of a class draws of Chan theory: the period of the bars and an analyzer's options, or nothing."""
    if not getattr(cls, "draws_chan", False):
        return {}
    return {"period": parameters.get("period", period), **{name: parameters[name] for name in _OPTIONS if name in parameters}}


def chan_data(options: Mapping[str, Any], source: Source, period: str, step: int) -> dict[str, Any]:
    """Return the shapes of one symbol by part, each with the numbers of the report's bars.

    Args:
        options: what `chan_options` returned.
        source: the bars that are drawn.
        period: of these bars; those of a longer one are made of them.
        step: how many of them are drawn as one.
    """
    bars = source.bars
    if not options or not len(bars):
        return {}
    starts = bars["start_ns"]
    if options["period"] != period:
        calendar = source.terms.calendar if source.terms is not None else "24/7"
        bars = resample(bars, options["period"], Calendar(calendar) if calendar != "24/7" else None)
    analyzer = ChanAnalyzer(**{name: value for name, value in options.items() if name != "period"})
    analyzer.extend(bars["start_ns"], bars["high"], bars["low"], bars["close"])
    places = np.maximum(np.searchsorted(starts, bars["start_ns"], side="right") - 1, 0) // step
    found = {}
    for part, style in CHAN_PARTS.items():
        records = getattr(analyzer, part)
        found[part] = {"style": style, "rows": chan_shapes(part, records, places, (records["confirmed"] >= 0).tolist())}
    return found
