"""Arrays of rows as queries return them, cut to a limit and brought into a record's own form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gcg_quant.events import Record
    from gcg_quant.history import RecordArray

__all__ = ["limited", "plain"]


def limited(rows: RecordArray, limit: int | None, oldest: bool = False) -> RecordArray:
    """Return the last `limit` rows, with `oldest` the first so many; all of them without a limit."""
    if limit is None:
        return rows
    kept = min(max(limit, 0), len(rows))
    return rows[:kept] if oldest else rows[len(rows) - kept :]


def plain(rows: RecordArray, record: type[Record]) -> RecordArray:
    """Return rows that have (at least) a record's fields as an array of its dtype.

    Its unused bytes are zero: NumPy leaves anything there when it picks rows, and records are compared by their bytes.
    """
    records = np.zeros(len(rows), record.dtype)
    for name in record.dtype.names or ():
        records[name] = rows[name]
    return records
