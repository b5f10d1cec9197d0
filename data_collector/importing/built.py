"""What became of a sheet: records, the row each came from, and the time by which rows are in order."""

from __future__ import annotations

import msgspec

from ..blank import RecordArray
from ..zones import Int64Array

__all__ = ["Built"]


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """`records[i]` came from row `rows[i]` of the sheet; `order_ns` has the time of every row; `series` tells apart records of one
    row that count their equal times separately (the basis of bars).
    """

    records: RecordArray
    rows: Int64Array
    order_ns: Int64Array
    series: Int64Array
