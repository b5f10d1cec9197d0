"""A process group without a process of its own, for `run --one-process`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .group import Group, settings_of

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.settings import Settings

    from ..config import ConfigPublisher

__all__ = ["OwnGroup"]


class OwnGroup:
    """A group that runs in this process, as if it had one of its own: what `Child` is to a process.

    Args:
        name: of the group.
        bus: on which its components meet.
        config: the settings that it begins with; when it is started again, with what was changed since.
    """

    def __init__(self, name: str, bus: EventBus, config: ConfigPublisher) -> None:
        self.name = name
        self._bus = bus
        self._config = config
        self._settings: Settings | None = config.settings
        self.group: Group | None = None

    def spawn(self) -> None:
        """Start its components."""
        self.group = Group(self.name, self._settings or settings_of(self._bus, self._config.first_id), self._bus, self._config.first_id)
        self._settings = None  # later ones have what was changed since
        self.group.start()

    def terminate(self) -> None:
        """Stop its components."""
        if self.group is not None:
            self.group.stop()
            self.group = None

    def dead(self) -> bool:
        """Return whether it does not run."""
        return self.group is None

    def reap(self, deadline: float) -> bool:
        """Return True: there is no process to wait for."""
        return True
