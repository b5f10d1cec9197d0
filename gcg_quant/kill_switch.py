"""The kill switch as everybody sees it: how it is asked for, and what the journal says of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from gcg_quant.errors import ComponentError
from gcg_quant.events import Applied, ConfigChangeEvent, Event

__all__ = ["KILL_ACCOUNT", "KILL_KEY", "KILL_ON", "KillSwitch", "applied_changes", "check_kill_file", "kill_change", "kill_file"]

KILL_KEY = "risk.kill_switch"
KILL_ACCOUNT, KILL_ON = "trading.kill", "trading.kill_on"  # of one account alone: its name, and whether it is to be on
_ASKED_KEPT = 32  # requests that may wait for their answer


def kill_file(home: Path) -> Path:
    """Return the file of a home folder that keeps the switch on while it exists."""
    return home / "KILL"


def kill_change(on: bool, origin: str, account: str = "") -> ConfigChangeEvent:
    """Return the event that asks for the switch to go on or off, of all accounts or of one; `origin` says who asks, as people read it."""
    changes: dict[str, Any] = {KILL_ACCOUNT: account, KILL_ON: on} if account else {KILL_KEY: on}
    return ConfigChangeEvent(revision=0, changes=changes, origin=origin)


def check_kill_file(home: Path, on: bool) -> None:
    """Raise ComponentError if the switch is to go off while its file exists."""
    path = kill_file(home)
    if not on and path.exists():
        raise ComponentError(f"The file {path} keeps the kill switch on: remove it, then switch off.", path=str(path))


def applied_changes(event: Applied) -> dict[str, Any]:
    """Return the "risk." settings that a trading engine says it has put in force, {} for any other answer."""
    if not event.ok or not event.detail.startswith("{"):
        return {}
    try:
        changes = msgspec.json.decode(event.detail, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}
    return {key: value for key, value in changes.items() if key.startswith("risk.")}


class KillSwitch:
    """Whether the kill switch is on, since when, and who asked for it; a fold of ConfigChangeEvents and Applied events.

    What an engine has applied counts, and that a run begins with the switch on; that one begins with it off ends nothing.

    Attributes:
        on: of every account.
        accounts: those that it is on for while it is off for others.
        since_ns: of the last change, 0 before the first.
        origin: who asked for the last change.
    """

    EVENTS: ClassVar[tuple[type[Event], ...]] = (ConfigChangeEvent, Applied)

    def __init__(self) -> None:
        self.on = False
        self.accounts: tuple[str, ...] = ()
        self.since_ns = 0
        self.origin = ""
        self._by_account: dict[str, bool] = {}  # as its engine has last applied it
        self._asked: dict[int, str] = {}  # ConfigChangeEvent -> its origin, until it is answered

    def apply(self, event: Event) -> bool:
        """Take the next event in; return whether the switch has changed."""
        if isinstance(event, ConfigChangeEvent) and (KILL_KEY in event.changes or KILL_ACCOUNT in event.changes):
            return self._on_change(event)
        if isinstance(event, Applied):
            return self._on_applied(event)
        return False

    def facts(self) -> dict[str, Any]:
        """Return `on`, `since_ns`, `origin` and `accounts`."""
        return {"on": self.on, "since_ns": self.since_ns, "origin": self.origin, "accounts": list(self.accounts)}

    def dump(self) -> dict[str, Any]:
        """Return the state as plain values."""
        return {**self.facts(), "asked": list(self._asked.items()), "by_account": dict(self._by_account)}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what `dump` returned; this switch is new."""
        self.on, self.since_ns, self.origin = state["on"], state["since_ns"], state["origin"]
        self.accounts = tuple(state.get("accounts", ()))  # none in a state of before there were several
        self._asked, self._by_account = dict(state["asked"]), dict(state.get("by_account", {}))

    def _on_change(self, event: ConfigChangeEvent) -> bool:
        self._asked[event.id] = event.origin
        if len(self._asked) > _ASKED_KEPT:
            del self._asked[next(iter(self._asked))]
        if event.revision != 1:
            return False
        begins_on = event.changes[KILL_KEY] is True
        if "trading.account" in event.changes:
            names = [event.changes["trading.account"], *(one["name"] for one in event.changes.get("trading.accounts") or ())]
            unknown = self.on and not self._by_account  # a state of before there were several says it of the only one
            self._by_account = {name: begins_on or self._by_account.get(name, unknown) for name in names}
            return self._look(event.time_ns, event.origin)
        return begins_on and self._set(True, (), event.time_ns, event.origin)

    def _on_applied(self, event: Applied) -> bool:
        on = applied_changes(event).get(KILL_KEY)
        if not isinstance(on, bool):
            return False
        self._by_account[event.component.removeprefix("trading-")] = on
        return self._look(event.time_ns, self._asked.get(event.control, ""))

    def _look(self, time_ns: int, origin: str) -> bool:
        stopped = tuple(name for name, is_on in self._by_account.items() if is_on)
        everywhere = len(stopped) == len(self._by_account)
        return self._set(everywhere, () if everywhere else stopped, time_ns, origin)

    def _set(self, on: bool, accounts: tuple[str, ...], time_ns: int, origin: str) -> bool:
        if (on, accounts) == (self.on, self.accounts):
            return False
        self.on, self.accounts, self.since_ns, self.origin = on, accounts, time_ns, origin
        return True
