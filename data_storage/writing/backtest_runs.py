"""Backtests in the database: kept when no recorder does it, listed, and found by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import delete, select

from gcg_quant.clock import now_ns
from gcg_quant.errors import BacktestError, nearest
from gcg_quant.events import BacktestRequestEvent, BacktestResultEvent

from ..reading.ledger import BacktestRow, backtest_row
from ..schema.models import backtest_runs
from ..sql.catalogue import Catalogue
from .state_writer import StateWriter

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

    from ..sql.database import Database

__all__ = ["BacktestRuns"]


class BacktestRuns:
    """The table `backtest_runs`: requests and results with settings and the digests of code and data. Any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, bus: EventBus, request: BacktestRequestEvent, result: BacktestResultEvent) -> None:
        """Store a run that was not asked for on a recorded bus; `bus` is the run's own. Raises StorageError."""
        finished_ns = result.time_ns or now_ns()
        asked = msgspec.structs.replace(request, time_ns=request.time_ns or finished_ns)
        answer = msgspec.structs.replace(result, time_ns=finished_ns)
        writer = StateWriter(self._database)
        with self._database.writing() as connection:
            number = Catalogue(bus).bus_number(connection)
            writer.write_backtest(connection, asked, number)
            writer.write_backtest(connection, answer, number)

    def newest(self, limit: int | None = None) -> list[BacktestRow]:
        """Return the newest `limit` runs (None: all), the newest first."""
        columns = backtest_runs.c
        query = select(*(columns[name] for name in BacktestRow.__struct_fields__))
        query = query.order_by(columns.requested_ns.desc(), columns.run.desc()).limit(limit)
        with self._database.reading() as connection:
            return [backtest_row(row) for row in connection.execute(query).mappings()]

    def find(self, run: str) -> BacktestRow:
        """Return the run of a name, the newest if several buses have one; raise BacktestError with the nearest name if there is none."""
        columns = backtest_runs.c
        query = select(*(columns[name] for name in BacktestRow.__struct_fields__)).where(columns.run == run)
        with self._database.reading() as connection:
            row = connection.execute(query.order_by(columns.requested_ns.desc()).limit(1)).mappings().one_or_none()
            if row is not None:
                return backtest_row(row)
            names = connection.scalars(select(columns.run)).all()
        raise BacktestError(f"There is no backtest {run!r} in the database.{nearest(run, names)}", run=run)

    def remove(self, run: str) -> bool:
        """Forget the runs of a name; return whether there were any. Raises StorageError."""
        with self._database.writing() as connection:
            return connection.execute(delete(backtest_runs).where(backtest_runs.c.run == run)).rowcount > 0
