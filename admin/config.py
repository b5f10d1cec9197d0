"""Settings on the bus: published at the start, and again whenever the settings file changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gcg_quant.bus import EventBus
from gcg_quant.errors import SettingsError
from gcg_quant.events import ConfigChangeEvent
from gcg_quant.kill_switch import KILL_KEY, kill_file
from gcg_quant.settings import Settings, needs_restart
from gcg_quant.settings_watch import SettingsWatch, watch

__all__ = ["ConfigPublisher", "flat", "nested"]


def flat(values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return {"section.key": value}."""
    return {f"{section}.{key}": value for section, keys in values.items() for key, value in keys.items()}


def nested(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return {section: {key: value}}."""
    result: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        section, _, key = name.partition(".")
        result.setdefault(section, {})[key] = value
    return result


class ConfigPublisher:
    """Publishes the settings of a run, and what changes in their file while it runs. The supervisor's alone.

    `settings` are those that the run begins with: as given, with the kill switch on if its file exists.
    """

    def __init__(self, bus: EventBus, settings: Settings, path: Path | None, announce: Callable[[str], None]) -> None:
        self._bus = bus
        self._announce = announce
        self._revision = 1
        self._kill_file = kill_file(settings.home)
        if self._kill_file.exists():
            settings = settings.model_copy(update={"risk": settings.risk.model_copy(update={"kill_switch": True})})
        self.settings = settings
        self.first_id = bus.publish(ConfigChangeEvent(revision=1, changes=flat(settings.dump()), origin=str(path or "demo")))
        self._watch: SettingsWatch | None = None
        if path is not None:
            self._watch = watch(path, self._on_change, self._on_error, home=settings.home)

    def stop(self) -> None:
        """Stop watching the file."""
        if self._watch is not None:
            self._watch.stop()

    def _on_change(self, settings: Settings, changes: dict[str, Any]) -> None:
        self._revision += 1
        if changes.get(KILL_KEY) is False and self._kill_file.exists():
            changes = {**changes, KILL_KEY: True}
            self._announce(f"the file {self._kill_file} keeps the kill switch on")
        self._bus.publish(ConfigChangeEvent(revision=self._revision, changes=changes, origin="file"))
        self._announce("settings changed: " + ", ".join(changes))
        if later := needs_restart(changes):
            self._announce("these take effect after a restart: " + ", ".join(later))

    def _on_error(self, error: SettingsError) -> None:
        self._announce(f"settings not changed: {error}")
