"""The order of rows in time, which the engine reads them in."""

from __future__ import annotations

import numpy as np

from gcg_quant.clock import to_iso
from gcg_quant.errors import ImportFileError

from .wanted import Rows

__all__ = ["in_order"]


def in_order(rows: Rows, name: str, *, sort: bool) -> Rows:
    """Return rows in order of `event_ns`; with `sort` put in order (equal times stay as they are), else as they are.

    Raises:
        ImportFileError: a time goes back, and `sort` is not set; or a row has no time.
    """
    times = rows["event_ns"]
    if len(times) and int(times.min()) <= 0:
        row = int(np.flatnonzero(times <= 0)[0])
        raise ImportFileError(f"{name}: row {row} has no time: event_ns is {int(times[row])}, in nanoseconds since 1970.", row=row)
    back = times[1:] < times[:-1]
    if not back.any():
        return rows
    if sort:
        order = np.argsort(times, kind="stable")
        raw = np.ascontiguousarray(rows).view(f"V{rows.dtype.itemsize}")
        return raw[order].view(rows.dtype)
    row = int(np.flatnonzero(back)[0]) + 1
    raise ImportFileError(
        f"{name}: the time goes back at row {row}, from {to_iso(int(times[row - 1]))} to {to_iso(int(times[row]))}; "
        "load it with sort=True, which puts the rows in order.",
        row=row,
    )
