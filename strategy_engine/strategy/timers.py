"""The timers of strategies: when each is due next."""

from __future__ import annotations

from dataclasses import dataclass

from gcg_quant.events import TimerEvent

__all__ = ["Timers"]

_NEVER = 2**63 - 1


@dataclass(slots=True)
class _Timer:
    due_ns: int
    interval_ns: int
    repeat: bool
    cause: int


class Timers:
    """Timers by owner and name. `due_ns` is when the next one is due, so that asking is one comparison."""

    def __init__(self) -> None:
        self.due_ns = _NEVER
        self._timers: dict[tuple[str, str], _Timer] = {}

    def set(self, owner: str, name: str, now_ns: int, interval_ns: int, repeat: bool, cause: int = 0) -> None:
        """Set a timer, or set it anew."""
        self._timers[owner, name] = _Timer(now_ns + interval_ns, interval_ns, repeat, cause)
        self._find_next()

    def cancel(self, owner: str, name: str | None = None) -> None:
        """Forget one timer of an owner, or all."""
        for key in [key for key in self._timers if key[0] == owner and name in (None, key[1])]:
            del self._timers[key]
        self._find_next()

    def knows(self, owner: str, name: str) -> bool:
        """Return whether a timer is set, or was set once and has just been due."""
        return (owner, name) in self._timers

    def due(self, now_ns: int) -> list[tuple[TimerEvent, int]]:
        """Return the events of the timers that are due, in the order of their times, each with the id that caused the timer.

        A repeated timer that has missed several times is due once. One that is not repeated stays known until `done`.
        """
        if now_ns < self.due_ns:
            return []
        found = []
        for (owner, name), timer in self._timers.items():
            if timer.due_ns <= now_ns:
                interval_ns = timer.interval_ns if timer.repeat else 0
                event = TimerEvent(component=owner, name=name, event_ns=timer.due_ns, interval_ns=interval_ns)
                found.append((event, timer.cause))
                missed = (now_ns - timer.due_ns) // timer.interval_ns
                timer.due_ns = timer.due_ns + (missed + 1) * timer.interval_ns if timer.repeat else _NEVER
        self._find_next()
        return sorted(found, key=lambda pair: pair[0].event_ns)

    def done(self, event: TimerEvent) -> None:
        """Forget a timer that was to be due once, now that its event was handled."""
        timer = self._timers.get((event.component, event.name))
        if timer is not None and not timer.repeat and timer.due_ns == _NEVER:
            del self._timers[event.component, event.name]

    def take(self, event: TimerEvent) -> bool:
        """Take a recorded event for the timer's own, and return whether that can be so: it may be late by whole intervals.

        An event of a time before the timer is due was published before the timer was set anew, and leaves it as it is.
        """
        timer = self._timers.get((event.component, event.name))
        if timer is None or event.event_ns < timer.due_ns:
            return True
        fits = timer.due_ns != _NEVER and (event.event_ns - timer.due_ns) % timer.interval_ns == 0
        timer.due_ns = event.event_ns + timer.interval_ns if timer.repeat else _NEVER
        self._find_next()
        return fits

    def _find_next(self) -> None:
        self.due_ns = min((timer.due_ns for timer in self._timers.values()), default=_NEVER)
