"""TimescaleDB, where it is installed in a database: its hypertables in place of our partitions, and compression of what is old.

Old rows are removed by the rules of [retention], as everywhere: a retention policy would drop chunks and leave `row_counts` behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection

from ..schema.models import BAR_KEY

if TYPE_CHECKING:
    from ..schema.models import RecordTable

__all__ = ["compress", "is_installed", "make_hypertable"]

_DAY_NS = 86_400 * 10**9
_CHUNK_DAYS = {"M": 30, "Y": 365}  # as long as our partitions
# What is "now" for times that are integers: policies ask for it.
_NOW = (
    "CREATE OR REPLACE FUNCTION gcg_now_ns() RETURNS bigint LANGUAGE sql STABLE AS "
    "$$ SELECT (extract(epoch FROM now()) * 1000000000)::bigint $$"
)


def is_installed(connection: Connection) -> bool:
    """Return whether the extension was created in this database."""
    return connection.exec_driver_sql("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").first() is not None


def make_hypertable(connection: Connection, table: RecordTable) -> None:
    """Make an empty table of market data a hypertable."""
    chunk_ns = _CHUNK_DAYS[table.partition_unit or "M"] * _DAY_NS
    connection.exec_driver_sql(_NOW)
    connection.exec_driver_sql(
        f"SELECT create_hypertable('{table.name}', '{table.time_column}', chunk_time_interval => {chunk_ns}::bigint)"
    )
    connection.exec_driver_sql(f"SELECT set_integer_now_func('{table.name}', 'gcg_now_ns')")


def compress(connection: Connection, table: RecordTable, after_days: float) -> None:
    """Have chunks compressed once they are so old; 0: no more of them. What is compressed stays so."""
    connection.exec_driver_sql(f"SELECT remove_compression_policy('{table.name}', if_exists => true)")
    if after_days:
        segments = ("instrument", "period", "basis") if table.key is BAR_KEY else ("instrument",)
        order = ", ".join(name for name in table.key if name not in segments)
        connection.exec_driver_sql(
            f"ALTER TABLE \"{table.name}\" SET (timescaledb.compress, timescaledb.compress_segmentby = '{', '.join(segments)}', "
            f"timescaledb.compress_orderby = '{order}')"
        )
        connection.exec_driver_sql(
            f"SELECT add_compression_policy('{table.name}', compress_after => {round(after_days * _DAY_NS)}::bigint)"
        )
