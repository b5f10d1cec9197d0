"""A process group: the components of some parts, in a process of their own or all in one.

Run as `python -m gcg_quant.admin.running.group NAME --home DIR --config ID`: it reads its settings from the ConfigChangeEvent with that id,
runs until SIGTERM or until its supervisor is gone, and reports what its components do as metrics on the log lane.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

from loguru import logger

from gcg_quant.bus import EventBus
from gcg_quant.component import Component
from gcg_quant.errors import GcgQuantError, SettingsError
from gcg_quant.events import ConfigChangeEvent, SystemEvent
from gcg_quant.settings import Settings, variable_name

from ..config import nested
from ..home import Home
from .group_control import GroupControl, stopped_by_hand
from .group_report import GroupReport
from .groups import groups_of
from .parts import build_parts, open_history
from .process_log import ProcessLog, log_to_stderr

__all__ = ["Group", "main"]

_START_S = 20.0
_OF_THE_RUN = ("system.home", "system.groups")  # what the whole run is made of: a part alone cannot change it


class Group:
    """The components of one group on one bus: start, report, stop.

    Args:
        name: of the group.
        settings: what it is built from.
        bus: what it runs on.
        config_id: the event with the settings of this run: what somebody has stopped since then stays stopped.
    """

    def __init__(self, name: str, settings: Settings, bus: EventBus, config_id: int) -> None:
        self.name = name
        self.bus = bus
        self._config_id = config_id
        for entry in settings.instruments.overrides:
            bus.instruments.override(entry.symbol, entry.venue, entry.terms)
        parts = groups_of(settings).get(name, ())  # the settings may have lost a collector meanwhile
        self.registry = build_parts(parts, settings)
        self._stored = open_history(parts, settings)
        held = stopped_by_hand(bus, config_id) & {component.name for component in self.registry}
        self._control = GroupControl(name, self.registry, bus, self._rebuilt, held)
        self._report = GroupReport(name, self.registry, bus)

    def start(self) -> None:
        """Start every component but those that somebody has stopped, and say so on the control lane.

        Raises:
            GcgQuantError: a component could not start.
        """
        held = sorted(self._control.held)
        self.registry.start(self.bus, self._stored, held)
        deadline = time.monotonic() + _START_S
        while any(one.state == "starting" for one in self.registry.health()) and time.monotonic() < deadline:
            time.sleep(0.005)
        if failed := self.failed():
            raise GcgQuantError(
                f"Group {self.name} could not start {', '.join(failed)}: see the log lane (`journal tail --type LogEvent`)."
            )
        capabilities = {component.name: list(component.capabilities) for component in self.registry}
        facts = {"pid": os.getpid(), "components": list(capabilities), "capabilities": capabilities, "held": held}
        for web in self.registry.find("web"):
            facts["url"] = getattr(web, "url", "")
        self._control.start()
        self.bus.publish(SystemEvent(action="group_started", component=self.name, data=facts))

    def report(self) -> None:
        """Publish what the components and their process do, at most once a second."""
        self._report.make()

    def failed(self) -> list[str]:
        """Return the names of the components whose threads have ended with an error, of which nobody has taken charge."""
        return [one.name for one in self.registry.health() if one.state == "failed" and one.name not in self._control.held]

    def stop(self, timeout_s: float = 2.0) -> list[str]:
        """Stop every component, the last one first; return the names of those that did not end in time."""
        self._control.stop()
        late = self.registry.stop(timeout_s)
        if self._stored is not None:
            self._stored.close()
        self.bus.publish(SystemEvent(action="group_stopped", component=self.name, detail=", ".join(late)))
        return late

    def _rebuilt(self, component: Component) -> Component:
        return self.registry.rebuilt(component, settings_of(self.bus, self._config_id))


def settings_of(bus: EventBus, config_id: int) -> Settings:
    """Return the settings that the supervisor published as event `config_id`, with the changes since then.

    Raises:
        GcgQuantError: there is no such event on the bus.
    """
    values: dict[str, Any] = {}
    settings: Settings | None = None
    with bus.reader(start="begin", events=[ConfigChangeEvent]) as reader:
        reader.seek_id(config_id)
        for event in reader:
            if not isinstance(event, ConfigChangeEvent):
                continue
            try:
                changes = (
                    event.changes if settings is None else {key: value for key, value in event.changes.items() if key not in _OF_THE_RUN}
                )
                settings = Settings.restore(nested(values | changes), _without_risk(os.environ))
            except SettingsError:
                if settings is None:
                    raise
                continue  # somebody's command, which was refused
            values |= changes
    if settings is None:
        raise GcgQuantError(f"The bus {bus.path} holds no settings with the id {config_id}.")
    return settings


def _without_risk(environ: Mapping[str, str]) -> dict[str, str]:
    # The limits' variables are in the first event already; a limit that was changed since then must not fall back to them.
    return {name: value for name, value in environ.items() if not name.upper().startswith(variable_name("risk", ""))}


class _Signals:
    # SIGTERM asks us to stop; Ctrl-C reaches every process of the terminal and is the supervisor's business.
    def __init__(self) -> None:
        self.stop = False
        self.woken, wake = os.pipe()  # a signal alone does not end a wait: it would go on for the rest of its time
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._on_term)

    def _on_term(self, number: int, frame: object) -> None:
        self.stop = True


def _supervisor_gone(signals: _Signals) -> bool:
    # The supervisor holds the other end of our standard input; its death, however sudden, closes it.
    ready, _, _ = select.select([sys.stdin, signals.woken], [], [], 0.2)
    if signals.woken in ready:
        os.read(signals.woken, 64)
    return sys.stdin in ready and not os.read(sys.stdin.fileno(), 1)


def main(arguments: list[str] | None = None) -> int:
    """Run one group until it is told to stop; return the exit code."""
    parser = argparse.ArgumentParser(prog="gcg_quant.admin.running.group")
    parser.add_argument("name")
    parser.add_argument("--home", required=True)
    parser.add_argument("--config", required=True, type=int)
    options = parser.parse_args(arguments)
    signals = _Signals()
    log_to_stderr(level="ERROR")
    try:
        with EventBus(Home(options.home).bus, source=options.name, create=False) as bus:
            settings = settings_of(bus, options.config)
            ProcessLog(settings, options.name).take_prints()
            group = Group(options.name, settings, bus, options.config)
            group.start()
            while not signals.stop and not _supervisor_gone(signals):
                group.report()
                if failed := group.failed():
                    # Its state is in the journal: a fresh process goes on from there.
                    logger.error("{} failed, see the log lane", ", ".join(failed))
                    group.stop()
                    return 1
            late = group.stop()
            return 1 if late else 0
    except GcgQuantError as error:
        logger.error("{}", error)
        return 1


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # all is closed: taking the interpreter apart would only take time, of which a stop has little
