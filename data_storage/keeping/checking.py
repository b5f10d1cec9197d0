"""Checking a database: is its file whole, do its rows refer to what is there, and are they as many as it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DatabaseError

from ..schema.models import COLD_TABLES, RECORD_TABLES, metadata, row_counts

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["COUNTED_TABLES", "CheckReport", "check_database"]

COUNTED_TABLES = (*(table.name for table in RECORD_TABLES.values()), *(table.name for table in COLD_TABLES.values()))
_MOST_PROBLEMS = 20


class CheckReport(msgspec.Struct, frozen=True):
    """The rows that were counted in each table that has some, and a sentence for everything that is wrong."""

    rows: dict[str, int]
    problems: tuple[str, ...]


def check_database(database: Database) -> CheckReport:
    """Look at every page, count every row, and compare with `row_counts`; in one transaction, beside whoever reads and writes.

    Raises:
        StorageError: the database cannot be read at all.
    """
    with database.reading() as connection:
        problems = _damage(connection)
        rows = {} if problems else _count(connection)
        if not problems:
            said = {row.table_name: row.rows for row in connection.execute(select(row_counts))}
            for name in COUNTED_TABLES:
                if rows[name] != said.get(name, 0):
                    problems.append(f"Table {name} holds {rows[name]:,} rows, but row_counts says {said.get(name, 0):,}.")
    return CheckReport({name: count for name, count in rows.items() if count}, tuple(problems))


def _damage(connection: Connection) -> list[str]:
    # A server checks its own files.
    if connection.dialect.name != "sqlite":
        return []
    try:
        said = [str(row[0]) for row in connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST_PROBLEMS})")]
    except DatabaseError as error:  # so damaged that the check itself does not come to its end
        said = [str(error.orig)]
    problems = [f"The file is damaged: {line}." for line in said if line != "ok"]
    if not problems:
        lost = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(_MOST_PROBLEMS)
        problems += [f"A row of {table} refers to a row of {parent} that is not there." for table, _, parent, _ in lost]
    return problems


def _count(connection: Connection) -> dict[str, int]:
    return {name: connection.scalar(select(func.count()).select_from(metadata.tables[name])) or 0 for name in COUNTED_TABLES}
