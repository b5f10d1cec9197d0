"""Arrays of records that hold nothing yet: every field at its default, which for most means absent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from gcg_quant.events import Record

__all__ = ["RecordArray", "blank", "joined"]

RecordArray: TypeAlias = np.ndarray[Any, np.dtype[np.void]]

_defaults: dict[int, RecordArray] = {}  # by type number


def blank(record_type: type[Record], count: int) -> RecordArray:
    """Return `count` records of `record_type` as an array of its dtype, with the defaults of `native/include/gcg/records.h`."""
    if record_type.TYPE not in _defaults:
        _defaults[record_type.TYPE] = np.frombuffer(memoryview(record_type()), record_type.dtype).copy()
    return np.repeat(_defaults[record_type.TYPE], count)


def joined(record_type: type[Record], parts: Sequence[RecordArray]) -> RecordArray:
    """Return some arrays of one record type as one; `numpy.concatenate` would lose the gaps of the dtype."""
    whole = np.empty(sum(len(part) for part in parts), record_type.dtype)
    first = 0
    for part in parts:
        whole[first : first + len(part)] = part
        first += len(part)
    return whole
