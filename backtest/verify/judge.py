"""Takes what strategies publish when they are run again, and compares it with what they had published: nothing leaves it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gcg_quant.busy_mark import BusyMark
from gcg_quant.events import ColdEvent, Event, Lane, TimerEvent

from .difference import EventPlace, ReplayDifference, differing_field, place_of
from .outputs import OutputKind, Outputs

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus

    from .lives import Life, Mark

__all__ = ["Judge", "Trial"]

_MADE_UP = (int(Lane.MARKET) << 60) | (1 << 59)  # ids of what was published again and is not on the journal


@dataclass(slots=True)
class Trial:
    """One strategy, or one engine, in one life: how much was compared, and what was found; `why` says why nothing more can be compared."""

    inputs: int = 0
    outputs: int = 0
    difference: ReplayDifference | None = None
    why: str = ""
    added: tuple[Event, int] | None = None  # the first output that is not recorded, with its cause
    causes: int = 0  # the newest cause of its recorded outputs

    @property
    def over(self) -> bool:
        """Whether the rest of its outputs is of no interest."""
        return self.difference is not None or bool(self.why)


class _Counting(BusyMark):
    # Counts the calls of callbacks in the place where a supervisor would look at them.

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[bytes] = Counter()
        self.now = b""

    def enter(self, entry: bytes) -> None:
        self.now = entry
        self.calls[entry] += 1

    def leave(self) -> None:
        self.now = b""


@dataclass(slots=True)
class Judge:
    """The bench of one life. `publish` may be called from any thread; everything else belongs to the manager's.

    Args:
        bus: the recorded one; it is only read.
        life: what is run again.
        kind: which events are outputs.
        names: whose outputs are compared.
        behind: says of a strategy whether it has a thread of its own, which may have been behind when its process was killed.
    """

    bus: EventBus
    life: Life[Any]
    kind: OutputKind
    names: Iterable[str]
    behind: Callable[[str], bool] = lambda name: False
    trials: dict[str, Trial] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)  # files that lie elsewhere now: where they are, and where they were
    mark: _Counting = field(default_factory=_Counting)
    outputs: Outputs = field(init=False)
    _made_up: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        """Open the recorded outputs."""
        self.outputs = Outputs(self.bus, self.life, self.kind)
        self.trials.update({name: Trial() for name in self.names})

    def close(self) -> None:
        """Read no more."""
        self.outputs.close()

    # ---- while the life is run again

    def publish(self, event: Event, cause: int) -> int:
        """Compare an event with the recorded one and return the id of that."""
        owner = self.kind.owner(event, self.life.component)
        with self._lock:
            if owner is None or owner[0] not in self.trials:
                return self._next_id()
            trial = self.trials[owner[0]]
            recorded = self.outputs.take(*owner)
            if recorded is None:
                trial.added = trial.added or (event, cause)
                return self._next_id()
            if not trial.over:
                self._compare(trial, recorded, self._as_it_lay(event), cause)
            return recorded.id

    def answered(self, mark: Mark, ok: bool, detail: str) -> None:
        """Compare what became of a command."""
        name = mark.control.strategy or mark.applied.detail.partition(":")[0]
        trial = self.trials.get(name)
        if trial is not None and not trial.over and ok != mark.applied.ok:
            trial.difference = self._changed(mark.applied, "ok", mark.applied.ok, f"{ok} ({detail})", mark.control.id)

    def odd_timer(self, event: TimerEvent) -> None:
        """Note a recorded timer event that the strategy's timer does not make."""
        trial = self.trials.get(event.component)
        if trial is not None and not trial.over:
            trial.difference = self._changed(event, "event_ns", event.event_ns, "another time", event.cause)

    def give_up(self, names: Iterable[str], why: str) -> None:
        """Compare no more of these strategies, and say why."""
        for trial in (self.trials[name] for name in names if name in self.trials):
            if not trial.over:
                trial.why = why

    def gone(self, sentence: str) -> None:
        """Note that stored history is not there any more: of the strategy that asks for it, or of all if it is for all of them."""
        strategy = self.mark.now.rstrip(b"\0").decode(errors="replace").partition("\n")[2]
        self.give_up([strategy] if strategy else list(self.trials), sentence)

    # ---- afterwards

    def finish(self) -> Mapping[str, Trial]:
        """Look at what was recorded and not found, and found and not recorded; return what there is to say of each strategy."""
        for recorded in sorted(self.outputs.left(), key=lambda event: event.time_ns):
            owner = self.kind.owner(recorded, self.life.component)
            trial = self.trials.get(owner[0]) if owner is not None else None
            if trial is None or trial.over:
                continue
            trial.difference = ReplayDifference(
                kind="missing",
                type=type(recorded).__name__,
                field="",
                recorded=place_of(recorded).text,
                found="",
                event=place_of(recorded),
                input=self._input(recorded.cause),
            )
        reached = max((trial.causes for trial in self.trials.values()), default=0)
        for name, trial in self.trials.items():
            if trial.added is not None and not trial.over:
                self._look_at_added(name, trial, reached)
        for entry, count in self.mark.calls.items():
            callback, _, name = entry.rstrip(b"\0").decode(errors="replace").partition("\n")
            if name in self.trials and callback not in ("load", "on_start", "on_stop"):
                self.trials[name].inputs += count
        return self.trials

    # A process that was killed, or is running, has not handled all that is on the journal: what was to come is no difference.
    def _look_at_added(self, name: str, trial: Trial, reached: int) -> None:
        assert trial.added is not None
        event, cause = trial.added
        handled = trial.causes if self.behind(name) else reached
        if not self.life.ended and cause >= handled:
            return
        found = place_of(event).text
        trial.difference = ReplayDifference(
            kind="added", type=type(event).__name__, field="", recorded="", found=found, event=None, input=self._input(cause)
        )

    # ---- inside

    def _next_id(self) -> int:
        self._made_up += 1
        return _MADE_UP + self._made_up

    def _compare(self, trial: Trial, recorded: Event, event: Event, cause: int) -> None:
        trial.outputs += 1
        if recorded.cause >> 60 == Lane.MARKET:
            trial.causes = max(trial.causes, recorded.cause)
        differing = differing_field(recorded, event, cause)
        if differing is not None:
            trial.difference = self._changed(recorded, *differing, cause)

    def _changed(self, recorded: Event, name: str, before: Any, after: Any, cause: int) -> ReplayDifference:
        return ReplayDifference(
            kind="changed",
            type=type(recorded).__name__,
            field=name,
            recorded=_text(before),
            found=_text(after),
            event=place_of(recorded),
            input=self._input(cause),
        )

    def _input(self, event_id: int) -> EventPlace | None:
        if not event_id or event_id & _MADE_UP == _MADE_UP:
            return None
        with self.bus.reader(start="end") as reader:
            reader.seek_id(event_id)
            event = next((one for one in reader.read_many(1) if one.id == event_id), None)
            return place_of(event) if event is not None else None

    def _as_it_lay(self, event: Event) -> Event:
        if not self.moved or not isinstance(event, ColdEvent):
            return event
        changes = {}
        for name in ("message", "error"):
            text = before = getattr(event, name, "")
            for here, there in self.moved.items():
                text = text.replace(here, there)
            if text != before:
                changes[name] = text
        return msgspec.structs.replace(event, **changes) if changes else event

    def note_moved(self, here: Path, there: str) -> None:
        """Note that a file lies elsewhere than it lay."""
        if str(here) != there:
            self.moved[str(here)] = there


def _text(value: Any) -> str:
    return getattr(value, "name", None) or repr(value)
