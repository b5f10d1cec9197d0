"""What a run did: events by type, rows stored, orders, fills, profit."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.events import AccountEvent, Fill, LogEvent, MetricEvent, OrderRequest, RiskVerdict

from ..views.system_view import SystemView

__all__ = ["RunSummary", "Tally"]


class RunSummary(msgspec.Struct, frozen=True):
    """The outcome of a run. `profit` is what the run added, by "account currency": realised and open, less fees."""

    seconds: float
    events: dict[str, int]
    rows: dict[str, int]
    orders: int
    refused: int
    fills: int
    profit: dict[str, float]
    errors: int
    killed: list[str]

    @property
    def exit_code(self) -> int:
        """0 if everything stopped as it should."""
        return 1 if self.killed else 0


class Tally:
    """Counts what passes over a bus from now on. One thread."""

    def __init__(self, bus: EventBus) -> None:
        self._start = bus.reader(start="end").cursor
        self._counter = bus.reader(start=self._start)
        self._events: Counter[str] = Counter()
        self._reader = bus.reader(start=self._start, events=[AccountEvent, LogEvent, MetricEvent, RiskVerdict])
        self._metrics: deque[MetricEvent] = deque()
        self._before = {key: _profit(event) for key, event in SystemView.of(bus, AccountEvent).accounts.items()}
        self._last: dict[tuple[str, str], AccountEvent] = {}
        self._stored: dict[str, float] = {}
        self._rows: dict[str, float] = {}
        self._errors = self._refused = 0

    def count(self) -> None:
        """Take in what came since the last call."""
        for cls, count in self._counter.count().items():
            self._events[cls.__name__] += count
        for event in self._reader:
            if isinstance(event, AccountEvent):
                self._last[event.account, event.currency] = event
            elif isinstance(event, MetricEvent):
                self._note(event)
            elif isinstance(event, LogEvent):
                self._errors += event.level in ("error", "critical")
            elif isinstance(event, RiskVerdict):
                self._refused += not event.passed

    def metrics(self) -> list[MetricEvent]:
        """Return the metrics that came since the last call."""
        found = list(self._metrics)
        self._metrics.clear()
        return found

    def summary(self, seconds: float, killed: list[str]) -> RunSummary:
        """Return the summary of everything counted so far."""
        return RunSummary(
            seconds=seconds,
            events=dict(sorted(self._events.items())),
            rows={name: int(count + self._rows.get(name, 0.0)) for name, count in sorted(self._stored.items())},
            orders=self._events[OrderRequest.__name__],
            refused=self._refused,
            fills=self._events[Fill.__name__],
            profit={
                f"{account} {currency}": _profit(last) - self._before.get((account, currency), 0.0)
                for (account, currency), last in sorted(self._last.items())
            },
            errors=self._errors,
            killed=killed,
        )

    def _note(self, metric: MetricEvent) -> None:
        # A recorder counts since its own start; one that was started again begins at 0.
        if metric.name != "rows_stored":
            self._metrics.append(metric)
            return
        name = metric.labels.get("table", "")
        if metric.value < self._stored.get(name, 0.0):
            self._rows[name] = self._rows.get(name, 0.0) + self._stored[name]
        self._stored[name] = metric.value


def _profit(account: AccountEvent) -> float:
    return account.realised_pnl + account.unrealised_pnl - account.fees


def table(summary: RunSummary) -> Any:
    """Return the summary as a rich table."""
    from rich.table import Table

    result = Table(title=f"{summary.seconds:.0f} s", show_header=False, title_justify="left")
    result.add_column(style="dim")
    result.add_column(justify="right")
    for name, count in sorted(summary.events.items(), key=lambda item: -item[1]):
        result.add_row(f"event {name}", f"{count:,}")
    result.add_section()
    for name, count in summary.rows.items():
        result.add_row(f"rows {name}", f"{count:,}")
    result.add_section()
    result.add_row("orders", f"{summary.orders:,}" + (f" ({summary.refused:,} refused)" if summary.refused else ""))
    result.add_row("fills", f"{summary.fills:,}")
    for name, profit in summary.profit.items():
        account, currency = name.rsplit(" ", 1)
        result.add_row(f"profit {account}", f"{profit:+,.2f} {currency}")
    if summary.errors:
        result.add_row("errors on the log lane", f"{summary.errors:,}")
    if summary.killed:
        result.add_row("had to be killed", ", ".join(summary.killed))
    return result
