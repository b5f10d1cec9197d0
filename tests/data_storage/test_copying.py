"""Rows as bytes of PostgreSQL's binary COPY format, and its arrays as rows: what goes in comes out, whatever the values are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gcg_quant.data_storage import Database
from gcg_quant.data_storage.schema.columns import column_values
from gcg_quant.data_storage.schema.models import RECORD_TABLES
from gcg_quant.data_storage.sql.array_query import array_rows
from gcg_quant.data_storage.sql.copying import CopyInsertion
from gcg_quant.data_storage.sql.range_query import RangeQuery
from gcg_quant.data_storage.sql.selection import stored_dtype
from gcg_quant.events import Bar, Depth, Record, Tick

TEXTS = [b"", b"a", b"abcdef", "多".encode(), b"\xff\xfe", b"a\0b"]
REALS = [0.0, -1.5, 1e300, float("nan"), float("inf"), 5e-324]


@pytest.fixture(scope="module")
def server(postgresql: Any, postgresql_template: str) -> Iterator[Database]:
    """Return a database that all tests of this file share; each leaves it empty."""
    with Database(postgresql.new_database(postgresql_template)) as database:
        yield database


@st.composite
def rows_of(draw: st.DrawFn, kind: type[Record]) -> np.ndarray[Any, Any]:
    """Draw a few rows of a table, with any values but for those of the key."""
    table = RECORD_TABLES[kind]
    rows = np.zeros(draw(st.integers(1, 6)), stored_dtype(table))
    for field in table.columns:
        for index in range(len(rows)):
            if field.kind == "text":
                rows[field.name][index] = draw(st.sampled_from(TEXTS))
            elif field.kind == "real":
                rows[field.name][index] = draw(st.sampled_from(REALS))
            elif field.kind == "blob":
                levels = draw(st.integers(0, field.length))
                absent = np.nan if field.dtype.kind == "f" else -1
                rows[field.name][index] = [float(level) for level in range(levels)] + [absent] * (field.length - levels)
            else:
                bounds = np.iinfo(field.dtype)
                rows[field.name][index] = draw(st.sampled_from([0, 1, int(bounds.max), int(bounds.min)]))
    rows["seq"] = np.arange(len(rows))
    if "copy" in (rows.dtype.names or ()):
        rows["copy"] = np.arange(len(rows))
        rows[table.time_column] = 5
    return rows


@pytest.mark.parametrize("kind", [Tick, Bar, Depth], ids=lambda kind: kind.__name__)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_rows_go_through_copy_and_come_back_in_arrays(server: Database, kind: type[Record], data: st.DataObject) -> None:
    """Absent prices, texts of any length and language, and books of any depth come back as they were; what is no text is escaped."""
    table = RECORD_TABLES[kind]
    rows = data.draw(rows_of(kind))
    with server.engine.connect() as connection:  # without a commit: the table is empty again afterwards
        server.make_room(connection, table, rows[table.time_column])
        assert CopyInsertion(server, table).run(connection, rows) == len(rows)
        found = array_rows(connection, table.columns, f' FROM "{table.name}" ORDER BY "seq"', (), rows.dtype)
        assert CopyInsertion(server, table).run(connection, rows) == 0  # the keys are taken, and the transaction goes on
        assert connection.exec_driver_sql(f'SELECT count(*) FROM "{table.name}"').scalar() == len(rows)
    server.dialect.forget()
    for field in table.columns:
        wanted = column_values(rows, field)
        if field.kind == "text":
            wanted = [text.replace("\0", "\\x00").encode()[: field.dtype.itemsize].decode("utf-8", "replace") for text in wanted]
            assert [text.decode("utf-8", "replace") for text in found[field.name].tolist()] == wanted, field.name
        else:
            assert column_values(found, field) == wanted, field.name


def test_a_long_range_is_read_in_parts(server: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of one time that lie at the border of two parts are all there, once, in either direction and up to a limit."""
    monkeypatch.setattr("gcg_quant.data_storage.sql.range_query._ROWS_OF_SERVER", 3)
    table = RECORD_TABLES[Tick]
    rows = np.zeros(17, stored_dtype(table))
    rows["ordinal"] = rows["seq"] = np.arange(17)
    rows["event_ns"] = [1, 1, 2, 3, 3, 3, 3, 3, 3, 3, 4, 5, 6, 6, 7, 8, 8]
    with server.engine.connect() as connection:
        server.make_room(connection, table, rows["event_ns"])
        CopyInsertion(server, table).run(connection, rows)
        for newest in (False, True):
            for limit in (None, 0, 1, 3, 4, 16, 17, 100):
                query = RangeQuery(table.columns, rows.dtype, ' FROM "ticks"', (), ["event_ns", "ordinal"], newest)
                found = query.from_server(connection, limit)["seq"].tolist()
                kept = 17 if limit is None else min(limit, 17)
                assert found == list(range(17))[17 - kept if newest else 0 :][:kept]
    server.dialect.forget()
