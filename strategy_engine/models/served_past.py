"""What the journal knows of served models: so that they are served again after a restart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from gcg_quant.events import Event, ModelStatusEvent, SystemEvent
from gcg_quant.packing import pack_event

if TYPE_CHECKING:
    from gcg_quant.model_sections import ModelEntry
    from gcg_quant.reader import BusReader

__all__ = ["ServeRequest", "ServedPast"]


@dataclass(frozen=True, slots=True)
class ServeRequest:
    """What to serve: version 0 is the newest, no symbols the one that it was trained on."""

    model: str
    version: int = 0
    symbols: tuple[str, ...] = ()
    by_command: bool = False

    @classmethod
    def of_entry(cls, entry: ModelEntry) -> ServeRequest:
        """Return what an entry of the settings asks for."""
        return cls(entry.id, entry.version, tuple(entry.symbols))


@dataclass(slots=True)
class ServedPast:
    """The newest state of each model. A fold."""

    VERSION: ClassVar[int] = 1
    VITAL: ClassVar[bool] = False

    models: dict[str, ModelStatusEvent] = field(default_factory=dict)
    system_start: int = 0

    def plan(self, settings: Sequence[ServeRequest]) -> list[ServeRequest]:
        """Return what to serve at a start, none twice.

        When the whole system starts, the settings decide about theirs; when this process alone was restarted, what a command has changed
        since then holds. What a command has asked for is served again in either case.
        """
        planned: dict[str, ServeRequest] = {}
        for request in settings:
            status = self.models.get(request.model)
            changed = status is not None and status.id > self.system_start and (status.by_command or status.state == "stopped")
            if not changed:
                planned[request.model] = request
        for name, status in self.models.items():
            if name not in planned and status.by_command and status.state != "stopped":
                planned[name] = ServeRequest(name, status.version, tuple(status.symbols), by_command=True)
        return list(planned.values())

    def listen(self, reader: BusReader) -> None:
        """Let a reader pass what models say of themselves, and starts of the system."""
        reader.add_rule((ModelStatusEvent, SystemEvent), None, None, True)

    def apply(self, event: Event) -> None:
        """Take in the next event."""
        if isinstance(event, ModelStatusEvent):
            self.models[event.model] = event
        elif isinstance(event, SystemEvent) and event.action == "start":
            self.system_start = event.id

    def dump(self) -> Any:
        """Return the state as plain values and packed events."""
        return {"models": [pack_event(status) for status in self.models.values()], "system_start": self.system_start}

    def load(self, state: Any) -> None:
        """Take over what `dump` returned; this one is new."""
        self.models = {status.model: status for status in state["models"]}
        self.system_start = state["system_start"]
