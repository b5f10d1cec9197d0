"""`rerun`: a strategy file in the tick engine over a journal's market data: the loop is closed in event time, the same from run to run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gcg_quant.errors import BacktestError, JournalError

from .engine import Engine

if TYPE_CHECKING:
    from .result import Result

__all__ = ["Rerun", "digest_of", "rerun"]


class Rerun(NamedTuple):
    """What came of it; `digest` is the SHA-256 over every field of all orders and fills."""

    result: Result
    digest: str


def rerun(
    bus_folder: str | Path,
    files: Iterable[str | Path],
    *,
    symbols: Iterable[str] = (),
    start: Any = None,
    end: Any = None,
    parameters: Mapping[str, Any] | None = None,
    config: str | Path | None = None,
    progress: bool | None = False,
    **settings: Any,
) -> Rerun:
    """Run tick strategies over a journal's market data, matched, checked and paid by the tick engine, and return result and digest.

    Orders meet the recorded market with the latencies of the settings; nothing of the recorded orders is looked at. The same journal,
    files and settings give the same digest, in every process.

    Args:
        bus_folder: the journal; it is only read.
        files: strategy files of `hft_backtest` or `gcg_quant.backtest.hft`.
        symbols: of the journal, those that take part; by default all.
        start: the first event time that counts: ISO text, a date, a datetime or nanoseconds.
        end: the first one that counts no more. A journal that grows gives the same run only up to an end.
        parameters: given to each strategy.
        config: a settings file of the tick engine (JSON or TOML).
        progress: whether to show a bar.
        settings: keywords of `hft.Engine`, such as cash=1e6 or latency={"order_ms": 2}.

    Raises:
        JournalError: no bus there. BacktestError: no file, or no market data in the range. StrategyError: a file that cannot be loaded,
        or what a strategy raised. SettingsError: settings that make no sense.
    """
    folder, given = Path(bus_folder), [Path(file) for file in files]
    if not (folder / "bus.meta").exists():
        raise JournalError(f"There is no bus in {folder}: name the bus folder of a session, such as gcg_home/bus.")
    if not given:
        raise BacktestError("There is nothing to run: name a strategy file.")
    chosen = {"symbols": list(symbols), "start": start, "end": end}
    engine = Engine(config, **{name: value for name, value in chosen.items() if value}, **settings)
    engine.add_data(folder)
    for file in given:
        engine.load_strategies(file, **(parameters or {}))
    result = engine.run(progress=progress)
    return Rerun(result, digest_of(result))


def digest_of(result: Result) -> str:
    """Return the SHA-256 over the orders and fills of a result: their fields by name, in the order of the rows."""
    digest = hashlib.sha256()
    for rows in (result.arrays.orders, result.arrays.fills):
        for name in rows.dtype.names or ():
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(rows[name]).tobytes())
    return digest.hexdigest()
