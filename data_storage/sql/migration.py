"""Bringing the tables of an older version up to date: alembic runs the scripts in `migrations/versions`, one for each version.

A script is named and numbered after the version that it makes (`0002_what_changes.py`, `revision = "0002"`), and has an `upgrade()`.
It runs in a transaction with foreign keys off and checked at its end, so that `op.batch_alter_table` may make a table of SQLite anew;
most of ours need `table_kwargs={"sqlite_with_rowid": False}` then. Tables and columns that are only new need no script: they are added
by themselves, from the record classes, which know the default of old rows.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from ..schema.models import alembic_version

__all__ = ["migrate", "stamp"]

FOLDER = Path(__file__).parent / "migrations"


def stamp(connection: Connection, version: int) -> None:
    """Note for alembic which version the tables have."""
    connection.execute(alembic_version.delete())
    connection.execute(alembic_version.insert().values(version_num=_revision(version)))


def migrate(connection: Connection, found: int, wanted: int, *, folder: Path | None = None) -> None:
    """Bring tables of version `found` to version `wanted`, within the transaction that is open."""
    # Imported here: alembic takes a third of a second, and most starts have nothing to migrate.
    from alembic import command
    from alembic.config import Config

    alembic_version.create(connection, checkfirst=True)
    stamp(connection, found)
    config = Config()
    config.set_main_option("script_location", str(folder or FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, _revision(wanted))


def _revision(version: int) -> str:
    return f"{version:04}"
