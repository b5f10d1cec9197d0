"""Records as SQL columns and back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.data_storage import Database
from gcg_quant.data_storage.schema.columns import column_values, fields_of, rows_of
from gcg_quant.data_storage.schema.models import RECORD_TABLES
from gcg_quant.data_storage.sql.selection import Selection, stored_dtype
from gcg_quant.data_storage.writing.record_writer import record_insertion
from gcg_quant.events import HOT_RECORDS, Depth, Record, Tick

VALUES = {
    "f": st.floats(allow_nan=True, allow_infinity=True, width=64).map(lambda x: float("nan") if x != x else x + 0.0),
    "S": st.text(max_size=4).map(lambda x: x.encode().rstrip(b"\0")),
}


def value_of(dtype: np.dtype[Any]) -> st.SearchStrategy[Any]:
    """Return values that fit one element of a field; zero has no sign in SQLite."""
    if dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        return st.integers(int(bounds.min), int(bounds.max))
    return VALUES[dtype.kind].filter(lambda x: dtype.kind != "S" or len(x) <= dtype.itemsize)


@st.composite
def rows_strategy(draw: st.DrawFn, kind: type[Record]) -> np.ndarray[Any, Any]:
    """Draw a few rows of a record's dtype with any values."""
    rows = np.zeros(draw(st.integers(1, 4)), kind.dtype)
    for field in fields_of(kind.dtype):
        element = value_of(field.dtype)
        for index in range(len(rows)):
            if field.kind == "blob":
                rows[field.name][index] = draw(st.lists(element, min_size=field.length, max_size=field.length))
            else:
                rows[field.name][index] = draw(element)
    return rows


def through_sqlite(kind: type[Record], rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Write rows into a table of SQLite and read them back."""
    fields = fields_of(kind.dtype)
    types = {"integer": "BIGINT", "real": "DOUBLE", "text": "TEXT", "blob": "BLOB"}
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE t ({', '.join(f'{chr(34)}{one.name}{chr(34)} {types[one.kind]}' for one in fields)})")
    marks = ", ".join("?" * len(fields))
    connection.executemany(f"INSERT INTO t VALUES ({marks})", zip(*(column_values(rows, field) for field in fields), strict=True))
    names = ", ".join(f'CAST("{one.name}" AS BLOB)' if one.kind == "text" else f'"{one.name}"' for one in fields)
    found = rows_of(connection.execute(f"SELECT {names} FROM t"), fields, kind.dtype)
    connection.close()
    return found


@settings(max_examples=15, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("kind", HOT_RECORDS, ids=lambda kind: kind.__name__)
def test_any_record_survives_sqlite(kind: type[Record], data: st.DataObject) -> None:
    """Any numbers (absent, infinite, the largest), texts and levels come back as the same bytes."""
    rows = data.draw(rows_strategy(kind))
    back = through_sqlite(kind, rows)
    for name in kind.dtype.names or ():
        assert back[name].tobytes() == rows[name].tobytes(), name


@pytest.fixture(scope="session")
def server(postgresql: Any, postgresql_template: str) -> Iterator[Database]:
    """Return a database of a real PostgreSQL in which rows may refer to bus, source and instrument 1."""
    with Database(postgresql.new_database(postgresql_template)) as database:
        with database.writing() as connection:
            connection.exec_driver_sql("INSERT INTO buses VALUES (1, 'b', 0, 'paper')")
            connection.exec_driver_sql("INSERT INTO sources VALUES (1, 's')")
            connection.exec_driver_sql("INSERT INTO instruments VALUES (1, 'A', 'V', '{}', 1)")
        yield database


@settings(max_examples=5, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("kind", RECORD_TABLES, ids=lambda kind: kind.__name__)
def test_any_record_survives_postgresql(server: Database, kind: type[Record], data: st.DataObject) -> None:
    """The same through the tables, the binary COPY and the queries of a server: every byte, but for NUL inside a text."""
    table = RECORD_TABLES[kind]
    drawn = data.draw(rows_strategy(kind))
    rows = np.zeros(len(drawn), stored_dtype(table))
    for field in table.fields:
        rows[field.name] = [one.replace(b"\0", b"") for one in drawn[field.name].tolist()] if field.kind == "text" else drawn[field.name]
    rows["bus"] = rows["source"] = rows["instrument"] = 1
    rows["seq"] = np.arange(len(rows))
    rows[table.time_column] = np.arange(len(rows))  # one partition, and the order in which they come back
    if table.partition_unit is not None:
        rows["ordinal"] = 0
    if "period" in table.key:
        rows["period"] = b"1m"
    with server.writing() as connection:
        connection.exec_driver_sql(f"TRUNCATE {table.name}")
        server.make_room(connection, table, rows[table.time_column])
        assert record_insertion(server, table).run(connection, rows) == len(rows)
    with server.reading() as connection:
        back = Selection(server, table, everything=True).rows(connection, ("seq",))
    for field in table.columns:
        assert back[field.name].tobytes() == rows[field.name].tobytes(), field.name


def test_absent_values_take_no_room() -> None:
    """NaN is NULL, a depth without levels too, and levels beyond the last one are cut."""
    depth = np.zeros(2, Depth.dtype)
    depth["bid_prices"] = np.nan
    depth["bid_orders"] = -1
    depth["bid_prices"][1, :2] = (np.nan, 5.0)
    fields = {field.name: field for field in fields_of(Depth.dtype)}
    assert [value and len(value) for value in column_values(depth, fields["bid_prices"])] == [None, 16]
    assert column_values(depth, fields["bid_orders"]) == [None, None]
    tick = np.full(1, np.nan, dtype=[("last_price", "f8")])
    assert column_values(tick, fields_of(tick.dtype)[0]) == [None]


def test_text_that_is_no_utf8_stays_readable() -> None:
    """Bytes that an array was filled with by hand do not stop the recorder."""
    rows = np.zeros(1, Tick.dtype)
    rows["exchange"] = b"\xff\xfe"
    field = next(one for one in fields_of(Tick.dtype) if one.name == "exchange")
    assert column_values(rows, field) == ["\\xff\\xfe"]


def test_no_rows_are_an_empty_array() -> None:
    """An empty result has the dtype asked for."""
    for kind in (Tick, Depth):
        found = rows_of(iter([]), fields_of(kind.dtype), kind.dtype)
        assert found.dtype == kind.dtype
        assert len(found) == 0
