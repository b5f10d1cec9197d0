"""What TimescaleDB is asked for. There is none here: functions of its names in a real PostgreSQL note how they are called."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event as sql_event

from gcg_quant.data_storage import Database
from gcg_quant.data_storage.schema.models import RECORD_TABLES

DAY_NS = 86_400 * 10**9
EXTENSION = """
SET allow_system_table_mods = on;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    VALUES (90001, 'timescaledb', 10, 2200, false, '0');
CREATE SCHEMA noted; CREATE TABLE noted.calls (at serial, call text);
CREATE FUNCTION noted.note(call text) RETURNS void LANGUAGE sql AS 'INSERT INTO noted.calls (call) VALUES (call)';
CREATE FUNCTION create_hypertable(relation regclass, time_column_name name, chunk_time_interval bigint) RETURNS void LANGUAGE sql AS
    $$ SELECT noted.note(format('hypertable %s %s %s', relation, time_column_name, chunk_time_interval)) $$;
CREATE FUNCTION set_integer_now_func(hypertable regclass, integer_now_func regproc) RETURNS void LANGUAGE sql AS
    $$ SELECT noted.note(format('now %s %s', hypertable, integer_now_func)) $$;
CREATE FUNCTION add_compression_policy(hypertable regclass, compress_after bigint) RETURNS int LANGUAGE sql AS
    $$ SELECT noted.note(format('compress %s %s', hypertable, compress_after)); SELECT 1 $$;
CREATE FUNCTION remove_compression_policy(hypertable regclass, if_exists bool) RETURNS bool LANGUAGE sql AS
    $$ SELECT noted.note(format('forget %s', hypertable)); SELECT if_exists $$;
"""


@pytest.fixture
def url(postgresql: Any) -> str:
    """Return the URL of an empty database that seems to have the extension."""
    made = str(postgresql.new_database())
    postgresql.sql(EXTENSION, made.split("/")[3].split("?")[0])
    return made


def calls_of(database: Database) -> list[str]:
    """Return the calls in their order."""
    with database.reading() as connection:
        return list(connection.exec_driver_sql("SELECT call FROM noted.calls ORDER BY at").scalars())


def test_tables_of_market_data_become_hypertables_instead_of_partitioned(url: str) -> None:
    """By month, bars by year, with a function that says what now is; once, however often the database is opened."""
    Database(url).close()
    with Database(url) as database, database.reading() as connection:
        wanted = []
        for name, column, days in (
            ("ticks", "event_ns", 30),
            ("depth", "event_ns", 30),
            ("book_deltas", "event_ns", 30),
            ("trade_ticks", "event_ns", 30),
            ("bars", "start_ns", 365),
        ):
            wanted.append([f"hypertable {name} {column} {days * DAY_NS}", f"now {name} gcg_now_ns"])
        calls = calls_of(database)
        assert sorted(calls[at : at + 2] for at in range(0, len(calls), 2)) == sorted(wanted)
        kinds = connection.exec_driver_sql("SELECT DISTINCT relkind FROM pg_class WHERE relname IN ('ticks', 'bars')").scalars().all()
        assert kinds == ["r"]
        now_ns = connection.exec_driver_sql("SELECT gcg_now_ns() - (extract(epoch FROM now()) * 1e9)").scalar()
        assert abs(now_ns or 0) < 10**4


def test_compression_follows_the_setting(url: str) -> None:
    """By instrument, bars also by period and basis; the policy is replaced, and with 0 removed."""
    with Database(url) as database:
        options: list[str] = []

        def catch(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> tuple[str, Any]:
            # PostgreSQL knows no options of this name.
            if "timescaledb." not in statement:
                return statement, values
            options.append(statement)
            return "SELECT 1", values

        sql_event.listen(database.engine, "before_cursor_execute", catch, retval=True)
        before = len(calls_of(database))
        database.compress(2.5)
        markets = [table.name for table in RECORD_TABLES.values() if table.partition_unit]
        wanted = [call for name in markets for call in (f"forget {name}", f"compress {name} {int(2.5 * DAY_NS)}")]
        assert calls_of(database)[before:] == wanted
        assert options[0] == (
            "ALTER TABLE \"ticks\" SET (timescaledb.compress, timescaledb.compress_segmentby = 'instrument', "
            "timescaledb.compress_orderby = 'event_ns, ordinal, copy')"
        )
        assert options[-1] == (
            "ALTER TABLE \"bars\" SET (timescaledb.compress, timescaledb.compress_segmentby = 'instrument, period, basis', "
            "timescaledb.compress_orderby = 'start_ns, source, ordinal, copy')"
        )
        database.compress(0)
        assert calls_of(database)[before + len(wanted) :] == [f"forget {name}" for name in markets]


def test_plain_databases_are_not_asked(database: Database) -> None:
    """Where there is no TimescaleDB the setting does nothing."""
    database.compress(1)
    assert database.counts() == {}
