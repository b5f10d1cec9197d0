"""Backtests that are kept: those of the database, and the tick engine's in the home folder; listed, found, compared, removed."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gcg_quant.errors import BacktestError, nearest
from gcg_quant.settings import Settings

from .saved_runs import newest_saved, saved_run

if TYPE_CHECKING:
    from ...data_storage.reading.ledger import BacktestRow
    from ...data_storage.writing.backtest_runs import BacktestRuns

__all__ = ["KeptRuns", "compared", "new_run_name"]


class KeptRuns:
    """The kept backtests of a home folder. Any thread may ask; each question opens the database anew."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.home / "backtests"

    @contextlib.contextmanager
    def table(self) -> Iterator[BacktestRuns]:
        """Open the database's table of runs. Raises StorageError."""
        from ...data_storage.sql.database import Database
        from ...data_storage.writing.backtest_runs import BacktestRuns

        with Database(self._settings.database.url, home=self._settings.home) as database:
            yield BacktestRuns(database)

    def newest(self, limit: int | None = None) -> list[BacktestRow]:
        """Return the newest `limit` runs (None: all), the newest first, each name once."""
        with self.table() as table:
            rows = {row.run: row for row in reversed(table.newest())}
        every = [*rows.values(), *newest_saved(self._settings.home, limit, set(rows))]
        return sorted(every, key=lambda row: row.requested_ns or 0, reverse=True)[:limit]

    def find(self, run: str) -> BacktestRow:
        """Return the run of a name. Raises BacktestError with the nearest name if there is none."""
        with self.table() as table:
            try:
                return table.find(run)
            except BacktestError:
                saved = saved_run(self._settings.home, run)
                if saved is None:
                    raise
                return saved

    def folder(self, run: str) -> Path | None:
        """Return the folder of a run, None if it has none below this home folder."""
        folder = self._folder / run
        inside = Path(run).name == run and run not in ("", ".", "..") and folder.is_dir() and not folder.is_symlink()
        return folder if inside else None

    def has(self, run: str) -> bool:
        """Return whether the name of a run is taken."""
        with contextlib.suppress(BacktestError):
            return self.find(run) is not None
        return (self._folder / run).exists()

    def remove(self, run: str, *, known: bool = False) -> None:
        """Remove a run and its folder. Raises BacktestError if there is none, unless somebody else has `known` it."""
        with self.table() as table:
            known = table.remove(run) or known
            names = [row.run for row in table.newest(200)] if not known else []
        folder = self.folder(run)
        if folder is not None:
            shutil.rmtree(folder)
        elif not known:
            raise BacktestError(f"There is no backtest {run!r}.{nearest(run, names)}", run=run)

    def result(self, run: str) -> dict[str, Any]:
        """Return what a run's folder tells of its result beside the measures: trades, months, parameters, notes; {} if there is nothing."""
        folder = self.folder(run)
        try:
            told = json.loads((folder / "result.json").read_text(encoding="utf-8")) if folder is not None else {}
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}


def compared(runs: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    """Return the measures and parameters of runs side by side; each is (measures, parameters)."""
    measures = list(dict.fromkeys(name for results, _ in runs for name in results))
    parameters = list(dict.fromkeys(name for _, given in runs for name in given))
    return {
        "rows": [{"measure": name, "values": [results.get(name) for results, _ in runs]} for name in measures],
        "parameters": [{"name": name, "values": [given.get(name) for _, given in runs]} for name in parameters],
    }


def new_run_name(kept: KeptRuns, stem: str, taken: Sequence[str] = ()) -> str:
    """Return a name that no run has, of a class and the time."""
    begin = f"{stem[:50]}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    names = (begin, *(f"{begin}-{number}" for number in range(2, 1000)))
    return next(name for name in names if name not in taken and not kept.has(name))
