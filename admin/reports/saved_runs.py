"""Runs of the tick engine, which needs no database, that were saved into the home folder's backtests."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

from ...data_storage.reading.ledger import BacktestRow

__all__ = ["newest_saved", "saved_run"]

KIND = "hft"


def newest_saved(home: Path, limit: int | None, known: set[str]) -> list[BacktestRow]:
    """Return the newest of the tick engine's runs under `home`/backtests whose names are not among the `known`, the newest first."""
    files = [file for file in (home / "backtests").glob("*/result.json") if file.parent.name not in known]
    files.sort(key=lambda file: file.stat().st_mtime_ns, reverse=True)
    rows = (row for file in files if (row := _row(file)) is not None)
    return list(islice(rows, limit))


def saved_run(home: Path, run: str) -> BacktestRow | None:
    """Return the tick engine's run of that name under `home`/backtests; None if there is none."""
    file = home / "backtests" / run / "result.json"
    return _row(file) if Path(run).name == run and file.is_file() else None


def _row(file: Path) -> BacktestRow | None:
    try:
        told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if told["kind"] != KIND:  # others are listed as long as the database knows them
            return None
        spec, measures = told["spec"], told["measures"]
        request = {
            "file": told["strategy"],
            "symbols": spec["symbols"],
            "period": "ticks" if told.get("ticks") else spec["period"],
            "cash": spec["cash"],
            "parameters": told["parameters"],
        }
    except (OSError, ValueError, KeyError, TypeError):  # a file of that name that is no whole result
        return None
    return BacktestRow(
        run=file.parent.name,
        requested_ns=file.stat().st_mtime_ns,
        request=request,
        finished_ns=file.stat().st_mtime_ns,
        ok=True,
        error="",
        results=measures,
        report=str(file.parent),
        inputs={},
    )
