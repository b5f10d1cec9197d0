"""What a report shows, as plain data: columns of whole numbers, each told by its steps, so that years of bars stay small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from gcg_quant import __version__
from gcg_quant.clock import NS_PER_DAY, NS_PER_MILLISECOND, NS_PER_SECOND
from gcg_quant.periods import period_ns

from ..making.rows import maker_columns, maker_rows
from ..results.performance import monthly_returns
from .chan_data import chan_data

if TYPE_CHECKING:
    from ..history.bars import BarArray
    from ..inputs.sources import Source
    from ..results.plot_lines import PlotLine
    from ..results.result import BacktestResult

__all__ = ["MOST_BARS", "pack", "pack_rows", "report_data"]

MOST_BARS = 100_000  # more are drawn several as one
MOST_DECIMALS = 8
MOST_PLOTS = 12  # of a symbol


def report_data(result: BacktestResult, sources: Sequence[Source]) -> dict[str, Any]:
    """Return what the page of a report needs, ready for JSON; times are seconds UTC, and none is NaN."""
    times, values = _curve(result)
    measures = result.measures.to_dict()
    return {
        "strategy": result.strategy,
        "kind": result.kind,
        "run": result.run,
        "period": result.spec.period,
        "daily": period_ns(result.spec.period) >= NS_PER_DAY,
        "timezone": result.timezone,
        "currency": result.currency,
        "measures": measures,
        "parameters": result.parameters,
        "settings": _settings(result),
        "code_sha256": result.code_sha256,
        "version": __version__,
        "seconds": result.seconds,
        "notes": result.notes,
        "fast_reason": result.fast_reason,
        "ticks": result.ticks,
        "first_ns": result.first_ns or measures["start_ns"],
        "times": pack(times),
        "values": pack(values, 2),
        "symbols": [_symbol(one, result.spec.stamp) for one in sources],
        "fills": pack_rows([(one.symbol, one.time_ns // NS_PER_SECOND, one.size, one.price, one.commission) for one in result.fills], 5),
        "trades": pack_rows([_trade(one) for one in result.trades], 9),
        "making": _making(result),
        "plots": [_plot(one, source, result.spec.stamp) for source in sources for one in _plots_of(result, source.symbol)],
        "chan": {one.symbol: _chan(result, one) for one in sources} if result.chan else {},
        "months": [[year, month, part] for (year, month), part in _months(result)],
    }


def pack(column: NDArray[Any], decimals: int = 0) -> dict[str, Any]:
    """Return numbers as {first, unit, scale, steps}: number i is (first + unit * (sum of the first i steps)) / scale.

    They are rounded to `decimals`, and must be finite.
    """
    whole = np.rint(np.asarray(column, dtype=np.float64) * 10.0**decimals).astype(np.int64)
    steps = np.diff(whole)
    unit = int(np.gcd.reduce(steps)) if len(steps) else 0
    unit = unit or 1
    return {
        "first": int(whole[0]) if len(whole) else None,
        "unit": unit,
        "scale": 10**decimals,
        "steps": (steps // unit).tolist(),
    }


def pack_rows(rows: Sequence[Sequence[Any]], width: int) -> dict[str, Any]:
    """Return rows that begin with a name as {names, columns}: the first column counts the names, and numbers are packed.

    They keep MOST_DECIMALS decimals, which thousands of rows as texts would take several times the room for.
    """
    names = list(dict.fromkeys(row[0] for row in rows))
    places = {name: at for at, name in enumerate(names)}
    first = pack(np.array([places[row[0]] for row in rows]))
    others = [np.array([row[at] for row in rows], dtype=np.float64) for at in range(1, width)]
    return {"names": names, "columns": [first, *(pack(column, _decimals(column)) for column in others)]}


def _months(result: BacktestResult) -> list[tuple[tuple[int, int], float]]:
    return list(monthly_returns(result.measures.start_value, result.values, result.timezone).items())


def _settings(result: BacktestResult) -> dict[str, Any]:
    if result.ticks:
        return _said(result.settings)
    plain: dict[str, Any] = msgspec.to_builtins(result.spec)
    return {name: value for name, value in plain.items() if name not in ("run", "parameters") and value not in ("", None, {}, [])}


# Settings without those that say nothing, at any depth.
def _said(settings: dict[str, Any]) -> dict[str, Any]:
    deep = {name: _said(value) if isinstance(value, dict) else value for name, value in settings.items()}
    return {name: value for name, value in deep.items() if value not in ("", None, {}, [], ())}


# Of a run over ticks it says how long a trade was held, in milliseconds, and not for how many bars.
def _trade(row: Any) -> tuple[Any, ...]:
    entry, leave = row.entry_ns // NS_PER_SECOND, row.exit_ns // NS_PER_SECOND
    held = (row.exit_ns - row.entry_ns) // NS_PER_MILLISECOND
    return row.symbol, row.size, entry, row.entry_price, leave, row.bars, row.commission, row.net_profit, held


def _making(result: BacktestResult) -> dict[str, Any] | None:
    if not result.making:
        return None
    groups: dict[str, list[list[Any]]] = {}
    for group, name, cells in maker_rows(result.making):
        groups.setdefault(group, []).append([name, *cells])
    return {"columns": [one.symbol or "Total" for one in maker_columns(result.making)], "groups": groups}


# Chart times are whole seconds, and of two values within one second the last stands.
def _curve(result: BacktestResult) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    times = np.array([time_ns for time_ns, _ in result.values], dtype=np.int64) // NS_PER_SECOND
    values = np.array([value for _, value in result.values], dtype=np.float64)
    keep = np.append(np.diff(times) > 0, True) if len(times) else np.empty(0, dtype=bool)
    times, values = times[keep], values[keep]
    step = _step(len(times))
    return (times, values) if step == 1 else (times[::step], values[_ends(len(values), step)])


# Which bars are drawn, of two within one second the last, and at which seconds.
def _bar_times(bars: BarArray, stamp: str) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    times = bars["start_ns" if stamp == "start" else "event_ns"] // NS_PER_SECOND
    keep = np.append(np.diff(times) > 0, True) if len(times) else np.empty(0, dtype=bool)
    return keep, times[keep]


def _symbol(source: Source, stamp: str) -> dict[str, Any]:
    keep, times = _bar_times(source.bars, stamp)
    bars = source.bars[keep]
    step = _step(len(bars))
    firsts = np.arange(0, len(bars), step)
    ends = _ends(len(bars), step) if len(bars) else firsts
    columns = {
        "open": bars["open"][firsts],
        "high": np.maximum.reduceat(bars["high"], firsts) if len(bars) else bars["high"],
        "low": np.minimum.reduceat(bars["low"], firsts) if len(bars) else bars["low"],
        "close": bars["close"][ends],
    }
    decimals = source.terms.decimals if source.terms is not None else MOST_DECIMALS
    decimals = min(decimals, max(_decimals(column) for column in columns.values()))
    volume = np.add.reduceat(np.nan_to_num(bars["volume"]), firsts) if len(bars) else bars["volume"]
    return {
        "symbol": source.symbol,
        "venue": source.venue,
        "decimals": decimals,
        "shown": min(decimals, _decimals(bars["close"], 0.95)),
        "together": step,
        "times": pack(times[firsts]),
        "volume": pack(volume, min(_decimals(volume), 4)) if volume.any() else None,
        **{name: pack(column, decimals) for name, column in columns.items()},
    }


def _plots_of(result: BacktestResult, symbol: str) -> list[PlotLine]:
    return [one for one in result.plots if one.symbol == symbol][:MOST_PLOTS]


# The bars of the report that have a value, and the values: of several in what is drawn as one bar the last.
def _plot(line: PlotLine, source: Source, stamp: str) -> dict[str, Any]:
    _, times = _bar_times(source.bars, stamp)
    step = _step(len(times))
    bars = np.maximum(np.searchsorted(times, np.array(line.times_ns, dtype=np.int64) // NS_PER_SECOND, side="right") - 1, 0) // step
    rounded = (float(f"{value:.8g}") for value in line.values)
    values = dict(zip(bars.tolist(), rounded, strict=True)) if len(times) else {}
    names = {"symbol": line.symbol, "name": line.name, "place": line.place}
    return {**names, "at": pack(np.array(list(values))), "values": list(values.values())}


def _chan(result: BacktestResult, source: Source) -> dict[str, Any]:
    keep, _ = _bar_times(source.bars, result.spec.stamp)
    return chan_data(result.chan, source._replace(bars=source.bars[keep]), result.spec.period, _step(int(keep.sum())))


def _step(count: int) -> int:
    return max(1, -(-count // MOST_BARS))


def _ends(count: int, step: int) -> NDArray[np.int64]:
    return np.append(np.arange(step, count, step), count) - 1


# How many decimals the numbers of a column (or so many of them) have: what arithmetic on floats leaves behind is none.
def _decimals(column: BarArray, share: float = 1.0) -> int:
    for decimals in range(MOST_DECIMALS if len(column) else 0):
        scaled = column * 10.0**decimals
        if (np.abs(scaled - np.rint(scaled)) < 1e-4).mean() >= share:
            return decimals
    return MOST_DECIMALS if len(column) else 0
