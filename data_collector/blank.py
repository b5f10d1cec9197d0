"""Arrays of records: empty ones, parts and joints, with every byte defined.

The dtype of a record has gaps (the reserved bytes). NumPy copies structured arrays field by field, and leaves in a gap what happened
to lie in memory; what is published would then differ from run to run. These functions copy whole records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from gcg_quant.events import Record

__all__ = ["RecordArray", "blank", "filled", "joined", "picked"]

RecordArray: TypeAlias = np.ndarray[Any, np.dtype[np.void]]

_defaults: dict[int, RecordArray] = {}  # by type number


def blank(record_type: type[Record], count: int) -> RecordArray:
    """Return `count` records of `record_type` as an array of its dtype, with the defaults of `native/include/gcg/records.h`."""
    if record_type.TYPE not in _defaults:
        _defaults[record_type.TYPE] = np.frombuffer(bytes(memoryview(record_type())), record_type.dtype)
    return np.repeat(_raw(_defaults[record_type.TYPE]), count).view(record_type.dtype)


def filled(record_type: type[Record], fields: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> RecordArray:
    """Return records with these fields set from rows of their values, of which there is at least one; the rest have their defaults.

    Raises:
        OverflowError, ValueError, TypeError: a value does not fit its field.
    """
    records = blank(record_type, len(rows))
    for name, values in zip(fields, zip(*rows, strict=True), strict=True):
        # An array of the field's own type first: NumPy takes four times as long to find out what a tuple holds.
        records[name] = np.array(values, records.dtype[name].base)
    return records


def picked(records: RecordArray, index: Any) -> RecordArray:
    """Return the records that `index` (a slice, mask or array of positions) picks; a copy but for a mask that picks all."""
    if isinstance(index, np.ndarray) and index.dtype == bool and index.all():
        return records
    part = _raw(records)[index]
    copied: RecordArray = (part.copy() if isinstance(index, slice) else part).view(records.dtype)
    return copied


def joined(record_type: type[Record], parts: Sequence[RecordArray]) -> RecordArray:
    """Return some arrays of one record type as one."""
    return np.concatenate([_raw(blank(record_type, 0)), *(_raw(part) for part in parts)]).view(record_type.dtype)


def _raw(records: RecordArray) -> RecordArray:
    return np.ascontiguousarray(records).view(f"V{records.dtype.itemsize}")
