"""Changing settings of the running system: in its file, which the supervisor reads, or by command where there is none."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gcg_quant.bus import EventBus
from gcg_quant.errors import NotRunningError, SettingsError
from gcg_quant.events import ConfigChangeEvent

from ..client import send
from ..home import Home
from .settings_document import SettingsDocument, SettingsPlan

__all__ = ["SettingsOutcome", "change_settings", "file_in_use", "outcome_of"]

_OF_THE_SYSTEM = ("bus", "system")  # sections that are of no group alone
_TAKEN_S = 8.0  # the supervisor sees a changed file within a second
_ANSWER_S = 5.0
NO_FILE = (
    "No settings file is in use, so this holds until the system is stopped: write it into gcg_quant.toml in the working folder and start "
    "the system again to keep it"
)


class SettingsOutcome(msgspec.Struct, frozen=True):
    """What became of a change, or would: the keys that differ, those of them that wait for a restart, and the file that was written."""

    changed: list[str]
    restart_needed: list[str]
    saved: str | None
    detail: str = ""


def file_in_use(home: Home) -> Path | None:
    """Return the settings file of the system that runs on a home, None if it runs the demo or none runs."""
    named = (home.facts() or {}).get("config", "")
    return Path(named) if named else None


def outcome_of(document: SettingsDocument, plan: SettingsPlan) -> SettingsOutcome:
    """Return what carrying out a plan leads to."""
    if not plan.changes:
        detail = "nothing differs from what is set"
    elif plan.restart_needed:
        whole = [key for key in plan.restart_needed if key.partition(".")[0] in _OF_THE_SYSTEM]
        what = "of the system" if whole else "of the process group that uses it"
        detail = f"after a restart {what} take effect: {', '.join(plan.restart_needed)}"
    else:
        detail = "in force"
    if document.path is None:
        detail = f"{detail}. {NO_FILE}"
    return SettingsOutcome(list(plan.changes), plan.restart_needed, None if document.path is None else str(document.path), detail)


def change_settings(
    bus: EventBus, document: SettingsDocument, plan: SettingsPlan, in_force: Mapping[str, Any], origin: str
) -> SettingsOutcome:
    """Carry out a plan in the running system and return what became of it, once the system has taken it in.

    Args:
        bus: of the running system.
        document: its settings file, or the demo.
        plan: what `document.plan` has returned.
        in_force: the values in force by "section.key", which a command may have set apart from the file.
        origin: who asks.

    Raises:
        SettingsError: the file has changed meanwhile, or a limit was refused. NotRunningError: the system did not take it in.
    """
    if document.path is not None:
        with bus.reader(events=[ConfigChangeEvent], start="end") as reader:
            document.write(plan)
            waiting = set(plan.changes)
            deadline = time.monotonic() + _TAKEN_S
            while waiting and (left := deadline - time.monotonic()) > 0:
                event = reader.read(left)
                if isinstance(event, ConfigChangeEvent) and event.revision:
                    waiting -= event.changes.keys()
        if waiting:
            names = ", ".join(sorted(waiting))
            raise NotRunningError(
                f"{document.path} is written, and the system has not taken {names} in within {_TAKEN_S:g} s: read its output."
            )
        # What was set by command alone does not change with the file.
        rest = {key: value for key, value in plan.asked.items() if key not in plan.changes and in_force.get(key, value) != value}
    else:
        rest = {key: value for key, value in plan.asked.items() if key in plan.changes}
    if rest:
        event = ConfigChangeEvent(revision=0, changes=rest, origin=origin)
        if any(key.startswith("risk.") for key in rest):  # the engine answers for its limits
            send(bus, event, timeout_s=_ANSWER_S, refused=SettingsError)
        else:
            bus.publish(event)
    outcome = outcome_of(document, plan)
    return msgspec.structs.replace(outcome, changed=list(dict.fromkeys([*outcome.changed, *rest])))
