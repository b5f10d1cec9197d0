"""The file KILL of a home folder: while it exists, the kill switch is on. The supervisor looks at it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gcg_quant.bus import EventBus
from gcg_quant.events import Applied
from gcg_quant.kill_switch import KillSwitch, kill_change

__all__ = ["KillFile"]


class KillFile:
    """Switches the kill switch on while the file exists, whoever switches it off; the file's end switches nothing off.

    Made before the settings of a run are published. One thread.

    Args:
        path: the file; what is in it does not matter.
        bus: where the switch is asked for.
        announce: is told what happened, as a sentence.
    """

    def __init__(self, path: Path, bus: EventBus, announce: Callable[[str], None]) -> None:
        self.path = path
        self._bus = bus
        self._announce = announce
        self._switch = KillSwitch()
        self._reader = bus.reader(start="end", events=KillSwitch.EVENTS)
        self._asked = 0  # our request that has no answer yet
        self._seen = False

    def look(self) -> None:
        """Look whether the file is there and the switch is on; cheap enough for ten times a second."""
        for event in self._reader:
            self._switch.apply(event)
            if isinstance(event, Applied) and event.control == self._asked:
                self._asked = 0
        there = self.path.exists()
        if there != self._seen:
            self._seen = there
            text = "is there: the kill switch is on" if there else "is gone; the kill switch stays on until it is switched off"
            self._announce(f"the file {self.path} {text}")
        if there and not self._switch.on and not self._asked:
            self._asked = self._bus.publish(kill_change(True, f"file {self.path.name}"))

    def close(self) -> None:
        """Look no more."""
        self._reader.close()
