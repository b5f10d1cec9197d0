"""The value curve of a kept backtest, in as many points as a chart can show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gcg_quant.errors import BacktestError

__all__ = ["run_curve"]


def run_curve(folder: Path, points: int) -> dict[str, list[Any]]:
    """Return {times_ms, equity, drawdown} of the run in a folder, in about `points` points that keep each stretch's extremes.

    `equity` is the account's worth in its currency, `drawdown` the fraction by which it is below its best so far: 0 or negative.

    Raises:
        BacktestError: the folder has no values, or they cannot be read.
    """
    times, values = _read(folder / "values.csv")
    peaks = np.maximum.accumulate(values)
    falls = np.divide(values, peaks, out=np.ones_like(values), where=peaks > 0) - 1.0
    kept = _extremes(values, falls, points)
    return {"times_ms": (times[kept] // 1_000_000).tolist(), "equity": values[kept].tolist(), "drawdown": falls[kept].tolist()}


def _read(path: Path) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    import pyarrow as pa  # takes its time to import
    from pyarrow import csv

    kinds = {"time": pa.timestamp("ns", "UTC"), "value": pa.float64()}
    try:
        table = csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=kinds))
        times = table.column("time").cast(pa.int64()).to_numpy()
        return times, table.column("value").to_numpy()
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise BacktestError(f"The backtest {path.parent.name!r} has no values that can be read: {error}.", run=path.parent.name) from error


def _extremes(values: NDArray[np.float64], falls: NDArray[np.float64], points: int) -> NDArray[np.int64]:
    # Of each stretch the first, the highest and the deepest, and the very last of all.
    count = len(values)
    if count <= points:
        return np.arange(count)
    edges = np.linspace(0, count, max(1, points // 3) + 1).astype(np.int64)[:-1]
    ends = np.append(edges[1:], count)
    chosen = {count - 1}
    for begin, end in zip(edges.tolist(), ends.tolist(), strict=True):
        chosen.update((begin, begin + int(values[begin:end].argmax()), begin + int(falls[begin:end].argmin())))
    return np.array(sorted(chosen), np.int64)
