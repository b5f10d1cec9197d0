"""Backtests of a running system: those on their way and those that are kept, as one list."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, ComponentError
from gcg_quant.events import SystemEvent
from gcg_quant.settings import Settings

from ..monitor import Monitor
from ..views.system_view import BACKTEST_REMOVED, SystemView
from .kept_runs import KeptRuns

if TYPE_CHECKING:
    from ...backtest.inputs.spec import BacktestSpec
    from ...data_storage.reading.ledger import BacktestRow

__all__ = ["Run", "RunList"]

_ON_ITS_WAY = ("requested", "running")
_STORING_S = 5.0  # the most that a removal waits for the recorder


class Run:
    """What is known of one run: from the live bus while it is on its way, from the store once it is there."""

    def __init__(self, live: dict[str, Any] | None, kept: BacktestRow | None) -> None:
        self._live = live or {}
        self._kept = kept
        self._request: dict[str, Any] = kept.request if kept is not None and kept.request else self._live

    @property
    def name(self) -> str:
        """The run's name."""
        return str(self._kept.run if self._kept is not None else self._live["run"])

    @property
    def requested_ns(self) -> int:
        """When it was asked for."""
        return (self._kept.requested_ns if self._kept is not None else self._live.get("requested_ns")) or 0

    @property
    def results(self) -> dict[str, Any]:
        """The measures; {} before there are any."""
        kept = self._kept.results if self._kept is not None else {}
        return kept or self._live.get("results") or {}

    @property
    def given(self) -> dict[str, Any]:
        """The parameters that were asked for."""
        return self._request.get("parameters") or {}

    @property
    def on_its_way(self) -> bool:
        """Whether it is running or waiting."""
        return self._state()[0] in _ON_ITS_WAY

    def row(self) -> dict[str, Any]:
        """Return the run as it is listed."""
        request, results = self._request, self.results
        state, error = self._state()
        return {
            "run": self.name,
            "state": state,
            "progress": 1.0 if state == "done" else self._live.get("progress", 0.0),
            "file": request.get("file", ""),
            "class_name": request.get("class_name", ""),
            "symbols": list(request.get("symbols", ())),
            "period": request.get("period", "1d"),
            "requested_ns": self.requested_ns,
            "error": error,
            "return": results.get("total_return"),
            "sharpe": results.get("sharpe"),
            "drawdown": results.get("max_drawdown"),
            "trades": results.get("trades"),
            "parameters": self.given,
        }

    def detail(self, told: dict[str, Any], folder: Path | None) -> dict[str, Any]:
        """Return all that is known; `told` is what the run's folder tells of its result."""
        kept = self._kept
        return {
            **self.row(),
            "finished_ns": (kept.finished_ns if kept is not None else 0) or self._live.get("finished_ns", 0),
            "results": self.results,
            "parameters": told.get("parameters") or self.given,
            "settings": {name: value for name, value in (told.get("spec") or self._request).items() if name not in ("run", "results")},
            "inputs": (kept.inputs if kept is not None else {}) or told.get("inputs") or {},
            "monthly_returns": told.get("monthly_returns", {}),
            "notes": told.get("notes", []),
            "kind": told.get("kind", ""),
            "currency": told.get("currency", ""),
            "seconds": told.get("seconds", 0.0),
            "report": folder is not None and (folder / "report.html").is_file(),
        }

    def _state(self) -> tuple[str, str]:
        from ...backtest.engine import CANCELLED, STOPPED

        kept, live = self._kept, self._live
        if kept is not None and kept.finished_ns:
            return ("done" if kept.ok else "cancelled" if kept.error == CANCELLED else "failed"), kept.error
        if live:
            return live.get("state", "requested"), live.get("error", "")
        return "failed", STOPPED


class RunList:
    """Asks the monitor for what is on its way and the store for what is kept. Any thread."""

    def __init__(self, settings: Settings, monitor: Monitor, bus: EventBus) -> None:
        self.kept = KeptRuns(settings)
        self._monitor = monitor
        self._bus = bus

    def live(self) -> dict[str, dict[str, Any]]:
        """Return what the live bus has told of runs, by name."""
        return self._monitor.ask(lambda view: {name: dict(row) for name, row in view.backtests.items()})

    def newest(self) -> list[Run]:
        """Return every run, the newest first."""
        live = self.live()
        rows = {row.run: row for row in self.kept.newest()}
        names = dict.fromkeys([*live, *rows])
        return sorted((Run(live.get(name), rows.get(name)) for name in names), key=lambda run: run.requested_ns, reverse=True)

    def find(self, run: str) -> Run:
        """Return a run. Raises BacktestError with the nearest name if there is none."""
        live = self.live().get(run)
        try:
            return Run(live, self.kept.find(run))
        except BacktestError:
            if live is None:
                raise
            return Run(live, None)

    def request(self, spec: BacktestSpec, run: str) -> None:
        """Ask the system's engine for a run.

        Raises:
            ComponentError: no engine runs.
        """
        if not self._monitor.ask(lambda view: _has(view, "backtest")):
            raise ComponentError("No backtest engine runs in this system: add the part backtest to a group of [system] groups.")
        self._bus.publish(msgspec.structs.replace(spec, run=run).to_event(), cause=0)
        self._monitor.catch_up()

    def remove(self, run: str) -> None:
        """Remove a run that has ended from the store, its folder, and the list of the live bus."""
        live = self.live().get(run)
        if live is not None and live.get("finished_ns") and self._monitor.ask(lambda view: _has(view, "recorder")):
            self._wait_until_stored(run)
        self.kept.remove(run, known=live is not None)
        self._bus.publish(SystemEvent(action=BACKTEST_REMOVED, component=run), cause=0)
        self._monitor.catch_up()

    # A run that the recorder stores after its removal would be back.
    def _wait_until_stored(self, run: str) -> None:
        deadline = time.monotonic() + _STORING_S
        while time.monotonic() < deadline:
            with contextlib.suppress(BacktestError), self.kept.table() as table:
                if table.find(run).finished_ns:
                    return
            time.sleep(0.05)


def _has(view: SystemView, component: str) -> bool:
    return any(group["state"] == "running" and component in group.get("components", ()) for group in view.groups.values())
