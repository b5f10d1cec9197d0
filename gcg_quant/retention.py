"""Retention: old pages of the journal go by themselves, as far as nobody needs them any more."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from gcg_quant.clock import NS_PER_DAY, now_ns, to_iso
from gcg_quant.component import Component
from gcg_quant.errors import JournalError
from gcg_quant.events import AlertEvent, Lane, MetricEvent, SystemEvent
from gcg_quant.pruning import PruneReport, prune
from gcg_quant.snapshots import SnapshotNote, note_file, notes

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

__all__ = ["Retention", "needed"]

_SEQ = (1 << 60) - 1
_EVERY_S = 180.0
_SILENCE_S = 86_400.0


def needed(bus: EventBus, silence_s: float = _SILENCE_S) -> tuple[dict[str, dict[Lane, int]], list[SnapshotNote]]:
    """Return from which seqs on the bus's components and settings need its lanes, and who has been away for over `silence_s` seconds.

    Who is away and can do without its past is not waited for.
    """
    alive = {reader.name for reader in bus.readers() if reader.alive}
    floors: dict[str, dict[Lane, int]] = {"settings": {Lane.CONTROL: _newest_start(bus)}}
    away = []
    for note in notes(bus.path):
        absent = note.component not in alive and now_ns() - note.written_ns > silence_s * 1e9
        if absent:
            away.append(note)
        if note.vital or not absent:
            floors[f"snapshot of {note.component}"] = {Lane.CONTROL: note.control_floor, Lane.MARKET: note.market_floor}
    return floors, away


def _newest_start(bus: EventBus) -> int:
    # A group that is started again reads the settings of its run, which were published behind the run's start.
    newest = 1
    with bus.reader(start="begin", events=[SystemEvent]) as reader:
        for event in reader:
            if isinstance(event, SystemEvent) and event.action == "start":
                newest = event.id & _SEQ
    return newest


class Retention(Component):
    """Removes pages that are older than `keep_days`, and the oldest while all take more than `keep_gb`, every few minutes.

    It never passes the last two snapshots of a component, nor a durable reader. One that is gone for 24 h is reported by an AlertEvent,
    once, and is no longer waited for; an account that is gone is reported and still waited for, because it cannot go on without its past.
    So is a journal that is larger than `keep_gb` because of who needs it.

    Args:
        keep_days: 10**9 bytes a GB, 24 h a day.
        keep_gb: of the pages of all three lanes together.
        every_s: the first time comes after so long, too: whoever reads must have had the time to start.
        clock: returns the time in ns.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("retention",)

    def __init__(
        self,
        name: str = "retention",
        *,
        keep_days: float = 7.0,
        keep_gb: float = 20.0,
        every_s: float = _EVERY_S,
        silence_s: float = _SILENCE_S,
        clock: Callable[[], int] = now_ns,
    ) -> None:
        super().__init__(name, wait="sleep", sleep_s=0.05)
        self._keep_ns = round(keep_days * NS_PER_DAY)
        self._keep_bytes = round(keep_gb * 1e9)
        self._every_s = every_s
        self._silence_s = silence_s
        self._clock = clock
        self._next_s = 0.0
        self._reported: set[str] = set()
        self._failure = ""

    def on_start(self) -> None:
        """Wait for the first time."""
        self._next_s = time.monotonic() + self._every_s

    def on_rest(self, idle: bool) -> None:
        """Prune, if it is time."""
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + self._every_s
        try:
            self.prune()
            self._failure = ""
        except JournalError as error:  # a disk that fails today may work in three minutes; say it once
            if self._failure != error.message:
                self._failure = error.message
                self.log(f"Old pages were not removed: {error}", level="error")

    def prune(self) -> PruneReport:
        """Remove what may go, and report it. Raises JournalError if a file cannot be removed."""
        floors, away = needed(self.bus, self._silence_s)
        report = prune(
            self.bus.path,
            before_ns=self._clock() - self._keep_ns,
            keep_bytes=self._keep_bytes,
            floors=floors,
            silence_s=self._silence_s,
        )
        if report.removed:
            self.log(" ".join(report.sentences()))
        self.publish(MetricEvent(component=self.name, name="journal_bytes", value=float(report.bytes_after)))
        self._report(report, away)
        return report

    def _report(self, report: PruneReport, away: list[SnapshotNote]) -> None:
        news = {
            f"reader {name}": f"The durable reader {name} has been silent since {to_iso(since)}: the journal is no longer kept for it."
            for name, since in report.silent.items()
        }
        news |= {f"component {note.component}": self._sentence(note) for note in away}
        if report.bytes_after > self._keep_bytes and report.held:
            news["size"] = self._size(report)
        for key, sentence in news.items():
            if key not in self._reported:
                name = "journal_too_large" if key == "size" else "silent_reader"
                self.publish(AlertEvent(level="warning", component=self.name, name=name, message=sentence))
        self._reported = set(news)

    def _size(self, report: PruneReport) -> str:
        size, limit = report.bytes_after / 1e9, self._keep_bytes / 1e9
        holders = ", ".join(f"{hold.name} ({hold.bytes / 1e9:.3g} GB of the {hold.lane.name.lower()} lane)" for hold in report.held)
        return f"The journal takes {size:.3g} GB, more than [bus] keep_gb = {limit:.3g}, because its old pages are needed: {holders}."

    def _sentence(self, note: SnapshotNote) -> str:
        since = f"has been away since {to_iso(note.written_ns)}" if note.written_ns else "has left a note that cannot be read"
        if not note.vital:
            return f"Component {note.component} {since}: the journal is no longer kept for it."
        kept, file = f"the journal is kept for it from event {note.market_floor} on", note_file(self.bus.path, note.component)
        return f"Component {note.component} {since}, and {kept}: remove {file} if it is gone for good."
