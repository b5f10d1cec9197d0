"""Removing old rows by rules, a few thousand in a transaction, so that whoever records never waits for long.

How old a row is: from the later one of when it happened and when it was published. History that a collector fills in today, or an
import of ten years ago, has just been published and does not vanish the next night. Only rows of running buses count, unless
`imports` is set. The tables of states (orders, positions, accounts, strategies) and of backtests are never touched.

Each step deletes the rows of one range of a key and lowers `row_counts` in one transaction: killed at any moment, the database is
consistent, and the next run goes on with what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, and_, exists, func, select

from gcg_quant.clock import now_ns
from gcg_quant.enumerations import BarBasis

from ..schema.models import BAR_KEY, EVENT_KEY, RECORD_TABLES, buses, import_ranges, imports, instruments, metadata, row_counts
from .rules import Rule

if TYPE_CHECKING:
    from ..sql.database import Database

__all__ = ["Pruned", "RowPruning"]

_ROWS_AT_A_TIME = 5_000  # 20 to 50 ms of the write lock
_PAGES_AT_A_TIME = 512
_FREE_SHARE = 10  # one part in so many stays free in the file, for the rows of the next days
_RECORDS = {table.name: table for table in RECORD_TABLES.values()}


class Pruned(msgspec.Struct, frozen=True):
    """What one step removed, or with `dry_run` would have."""

    rule: Rule
    rows: int


class RowPruning:
    """One run over the rules. One thread; beside any number of others that read and write.

    Args:
        imports: the rules hold for imported rows, too; an import that has none left is forgotten, and can be imported again.
        dry_run: count the rows instead of removing them.
        rows_at_a_time: the most keys that one transaction looks at.
        clock: returns the time in ns; it is asked once.
    """

    def __init__(
        self,
        database: Database,
        rules: Iterable[Rule],
        *,
        imports: bool = False,
        dry_run: bool = False,
        rows_at_a_time: int = _ROWS_AT_A_TIME,
        clock: Callable[[], int] = now_ns,
    ) -> None:
        self._database = database
        self._rules = list(rules)
        self._imports = imports
        self._dry_run = dry_run
        self._rows_at_a_time = rows_at_a_time
        self._now_ns = clock()

    def steps(self) -> Iterator[Pruned]:
        """Remove old rows and yield after each transaction; nothing is held open between two steps.

        Raises:
            StorageError: the database is locked, full or away; what was removed before stays removed.
        """
        for rule in self._rules:
            for group in self._groups(rule):
                yield from self._steps(rule, group)
        if not self._dry_run:
            if self._imports and self._rules:
                self._forget_imports()
            yield from self._give_back()

    # ---- rows

    def _groups(self, rule: Rule) -> list[ColumnElement[bool]]:
        # The beginnings of the key: within each of them the rows lie in the order of time.
        table = metadata.tables[rule.table]
        with self._database.reading() as connection:
            if _is_event(rule.table):
                return [table.c.bus == number for number in connection.scalars(self._buses())]
            numbers = connection.scalars(select(instruments.c.number).order_by(instruments.c.number)).all()
            whose = [table.c.instrument == number for number in numbers]
            if _RECORDS[rule.table].key is not BAR_KEY:
                return whose
            return [and_(one, table.c.period == rule.period, table.c.basis == int(basis)) for one in whose for basis in BarBasis]

    def _steps(self, rule: Rule, group: ColumnElement[bool]) -> Iterator[Pruned]:
        table = metadata.tables[rule.table]
        along = table.c.seq if _is_event(rule.table) else table.c[_RECORDS[rule.table].time_column]
        limit_ns = self._now_ns - rule.keep_ns
        bounds = [group] if _is_event(rule.table) else [group, along < limit_ns]
        after: Any = None
        while True:
            behind = and_(*bounds) if after is None else and_(*bounds, along > after)
            with self._database.reading() as connection:
                window = select(along, table.c.time_ns).where(behind).order_by(along).offset(self._rows_at_a_time - 1).limit(1)
                last = connection.execute(window).one_or_none()
            old = and_(behind, self._old(rule.table, limit_ns))
            rows = self._remove(table, old if last is None else and_(old, along <= last[0]))
            if rows:
                yield Pruned(rule, rows)
            if last is None or (_is_event(rule.table) and last.time_ns >= limit_ns):
                return
            after = last[0]

    def _old(self, name: str, limit_ns: int) -> ColumnElement[bool]:
        columns = metadata.tables[name].c
        if _is_event(name):
            return columns.time_ns < limit_ns
        return and_(columns.event_ns < limit_ns, columns.time_ns < limit_ns, columns.bus.in_(self._buses()))

    def _buses(self) -> Any:
        query = select(buses.c.number)
        return query if self._imports else query.where(buses.c.import_number == 0)

    def _remove(self, table: Table, which: ColumnElement[bool]) -> int:
        count = select(func.count()).select_from(table).where(which)
        with self._database.reading() as connection:
            found = connection.scalar(count) or 0
        if self._dry_run or not found:  # the write lock is taken only where there is something to do
            return found
        with self._database.writing() as connection:
            gone = connection.execute(table.delete().where(which)).rowcount
            mine = row_counts.c.table_name == table.name
            connection.execute(row_counts.update().where(mine).values(rows=row_counts.c.rows - gone))
        return gone

    # ---- what depends on rows

    def _forget_imports(self) -> None:
        # An import whose rows are all gone counts as never done.
        limits: dict[str, int] = {}
        for rule in self._rules:
            limits[rule.table] = max(limits.get(rule.table, 0), self._now_ns - rule.keep_ns)
        with self._database.reading() as connection:
            done = connection.execute(select(imports.c.number, imports.c.finished_ns).where(imports.c.status != "running")).all()
            empty = [number for number, finished_ns in done if self._is_empty(connection, number, finished_ns, limits)]
        for number in empty:
            with self._database.writing() as connection:
                connection.execute(import_ranges.delete().where(import_ranges.c.import_number == number))
                connection.execute(imports.delete().where(imports.c.number == number))

    def _is_empty(self, connection: Connection, number: int, finished_ns: int | None, limits: dict[str, int]) -> bool:
        mine = select(buses.c.number).where(buses.c.import_number == number)
        for held in connection.execute(select(import_ranges).where(import_ranges.c.import_number == number)):
            if (finished_ns or 0) >= limits.get(held.table_name, 0):
                return False
            table = _RECORDS[held.table_name]
            columns = table.table.c
            times = columns[table.time_column].between(held.first_ns, held.last_ns)
            if connection.scalar(select(exists().where(columns.instrument == held.instrument, times, columns.bus.in_(mine)))):
                return False
        return True

    def _give_back(self) -> Iterator[Pruned]:
        # A server gives room back by itself; a SQLite file from before this was thought of keeps it for new rows.
        if self._database.engine.dialect.name != "sqlite":
            return
        before = None
        while True:
            with self._database.reading() as connection:
                free, pages = (connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("freelist_count", "page_count"))
                kind = connection.exec_driver_sql("PRAGMA auto_vacuum").scalar_one()
            wanted = min(_PAGES_AT_A_TIME, free - pages // _FREE_SHARE)
            if kind != 2 or wanted <= 0 or free == before:
                return
            before = free
            with self._database.writing() as connection:
                for _ in range(wanted):  # sqlite3 takes but one step of the statement, which is one page
                    connection.exec_driver_sql("PRAGMA incremental_vacuum(1)")
            yield Pruned(Rule("", ""), 0)


def _is_event(table: str) -> bool:
    return table not in _RECORDS or _RECORDS[table].key is EVENT_KEY
