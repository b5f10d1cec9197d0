"""Records as Parquet: whatever stands in their fields comes back to the byte."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.data_storage import read_parquet, write_parquet
from gcg_quant.data_storage.files.record_tables import from_table, to_table, with_constants
from gcg_quant.errors import StorageError
from gcg_quant.events import HOT_RECORDS, Bar, Record

_FLOATS = np.array([np.nan, 0.0, -0.0, 1.5, -1e308, 5e-324, np.inf, -np.inf, 0.1])
_TEXTS = [b"", b"a", "碎".encode(), b"1m", b"x y/z"]
NAMES = {1: ("BTC/USDT", "SIM"), 2: ("碎股", ""), 3: ("A", "V=1")}


def some_rows(record: type[Record], seed: int, count: int) -> Any:
    """Return rows with anything in every field; the symbols are those of NAMES, or none."""
    chance = np.random.default_rng(seed)
    rows = np.zeros(count, record.dtype)
    for name in record.dtype.names or ():
        form, shape = rows.dtype[name].base, rows[name].shape
        if form.kind == "f":
            rows[name] = chance.choice(_FLOATS, shape)
        elif form.kind == "S":
            rows[name] = chance.choice([text for text in _TEXTS if len(text) <= form.itemsize], shape)
        else:
            bounds = np.iinfo(form)
            rows[name] = chance.integers(bounds.min, bounds.max, shape, dtype=form, endpoint=True)
    rows["instrument"] = chance.integers(0, 4, count)
    return rows


def by_name(rows: Any, names: dict[int, tuple[str, str]]) -> tuple[bytes, list[tuple[str, str]]]:
    """Return the bytes of rows without instrument numbers, and the names in their place."""
    plain = np.frombuffer(bytearray(rows.tobytes()), rows.dtype)  # copy() leaves anything in the bytes between fields
    plain["instrument"] = 0
    return plain.tobytes(), [names.get(number, ("", "")) for number in rows["instrument"].tolist()]


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(HOT_RECORDS), st.integers(0, 2**32), st.integers(0, 40))
def test_any_record_comes_back_to_the_byte(record: type[Record], seed: int, count: int) -> None:
    """Every class, every field: NaN, infinities, both zeros, extreme numbers, texts of any language, no row at all."""
    rows = some_rows(record, seed, count)
    with tempfile.TemporaryDirectory() as folder:
        write_parquet(Path(folder) / "a.parquet", record, rows, NAMES)
        kind, found, names = read_parquet(Path(folder) / "a.parquet")
    assert kind is record
    assert by_name(found, names) == by_name(rows, NAMES)


def test_constants_stand_for_columns() -> None:
    """A file whose symbol and period are in the folder's name reads as one that has them as columns."""
    rows = some_rows(Bar, 1, 20)
    rows["instrument"], rows["period"] = 2, b"5m"
    table = with_constants(to_table(Bar, rows, NAMES), {"symbol": "碎股", "venue": "", "period": "5m"})
    assert not {"symbol", "venue", "period"} & set(table.column_names)
    _, found, names = from_table(table)
    assert by_name(found, names) == by_name(rows, NAMES)
    with pytest.raises(StorageError, match="lacks the column 'open'"):
        from_table(table.drop_columns(["open"]))
