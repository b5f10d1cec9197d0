"""The supervisor: starts the process groups, watches them, restarts what dies, kills what hangs, and stops all in order."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from gcg_quant.bus import EventBus
from gcg_quant.busy_mark import BusyWith, busy_with, mark_path
from gcg_quant.errors import ComponentError
from gcg_quant.events import AlertEvent, SystemEvent, World
from gcg_quant.retention import Retention
from gcg_quant.settings import Settings

from .config import ConfigPublisher
from .home import Home
from .monitoring.log_files import LogFiles
from .monitoring.terminal_lines import TerminalLines
from .running.child import Child
from .running.group_restart import GroupRestarts, Restartable
from .running.groups import groups_of, is_own_group
from .running.heartbeats import Heartbeats
from .running.kill_file import KillFile
from .running.own_group import OwnGroup
from .running.process_log import ProcessLog
from .running.summary import RunSummary, Tally

__all__ = ["Supervisor"]

_START_LIMIT_S = 30.0
_KILLED_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM)
_QUICK_DEATHS = 3  # so many deaths within a minute end the run
_OWN_RESTS_S = 30.0  # a collector's or an account's own process that died so often
_STOP_S = 2.5
# Producers stop before consumers, so that what was published last is still stored.
_STOP_ORDER = ("strategies", "collectors", "bars", "trading", "bridge", "backtest", "web", "storage")


class Supervisor:
    """One run of the whole system on a home folder.

    Args:
        settings: validated settings; the supervisor alone reads the file, the groups get them from the bus.
        config: the settings file, watched for changes; None for the built-in demo.
        one_process: run every part in this process (for debugging).
        announce: called with each line for the user.

    Raises:
        ComponentError: another system runs on the home, the port is taken, or a group cannot start.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        config: Path | None = None,
        one_process: bool = False,
        announce: Callable[[str], None] = print,
    ) -> None:
        self.settings = settings
        self._config = config
        self.home = Home(settings.home)
        self.url = ""
        self._groups = groups_of(settings)
        self._hang_s = settings.system.hang_s
        self._one_process = one_process
        self._print = announce
        self._log: ProcessLog | None = None
        self._children: dict[str, Child] = {}
        self._own: dict[str, OwnGroup] = {}
        self._restarts: GroupRestarts | None = None
        self._heartbeats = Heartbeats(self._hang_s)
        self.stop_requested = False

    def run(self, duration_s: float | None = None) -> RunSummary:
        """Run until `duration_s` seconds have passed or `stop_requested` is set or Ctrl-C; return what happened."""
        self._check_port()
        with (
            self.home.running({"port": self.settings.web.port, "config": str(self._config.absolute()) if self._config else ""}),
            EventBus(
                self.home.bus,
                world=World.LIVE if self.settings.system.world == "live" else World.PAPER,
                source="supervisor",
                sync=self.settings.bus.sync,
                page_mb=self.settings.bus.page_mb,
            ) as bus,
        ):
            self._log = ProcessLog(self.settings, "supervisor")
            try:
                for report in bus.epoch_reports():
                    self._announce(report)
                return self._run(bus, duration_s)
            finally:
                self._log.close()
                self._log = None

    def _announce(self, text: str) -> None:
        self._print(text)
        if self._log is not None:
            self._log.write(text)

    def _run(self, bus: EventBus, duration_s: float | None) -> RunSummary:
        tally = Tally(bus)
        mark_path(bus.path).unlink(missing_ok=True)  # what a run before has left
        bus.publish(SystemEvent(action="start", data={"world": bus.world.name.lower()}))
        kill_file = KillFile(self.home.kill_file, bus, self._announce)
        if words := self.settings.real_trading:
            for line in words.splitlines():
                self._announce(line)
        config = ConfigPublisher(bus, self.settings, self._config, self._announce)
        retention = Retention(keep_days=self.settings.bus.keep_days, keep_gb=self.settings.bus.keep_gb)
        log_files = LogFiles(self.settings)
        terminal = TerminalLines(self.settings, self._print)
        begin = time.monotonic()
        try:
            log_files.start(bus)
            terminal.start(bus)
            self._start_groups(bus, config, kill_file)
            groups: Mapping[str, Restartable] = self._own if self._one_process else self._children
            serving = frozenset(name for name, parts in self._groups.items() if "web" in parts)
            self._restarts = GroupRestarts(bus, groups, serving)
            retention.start(bus)
            self._announce_ready()
            while not self.stop_requested and (duration_s is None or time.monotonic() - begin < duration_s):
                self._watch(bus, tally)
                kill_file.look()
        except KeyboardInterrupt:
            self._announce("stopping ...")
        finally:
            config.stop()
            kill_file.close()
            if self._restarts is not None:
                self._restarts.close()
            retention.stop()
            killed = self._stop_groups()
            bus.publish(SystemEvent(action="stopped", detail=", ".join(killed)))
            log_files.stop()
            terminal.stop()
            tally.count()
        return tally.summary(time.monotonic() - begin, killed)

    # ---- starting

    def _check_port(self) -> None:
        web = self.settings.web
        if web.port == 0 or not any("web" in parts for parts in self._groups.values()):
            return
        with socket.socket(socket.AF_INET6 if ":" in web.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((web.host, web.port))
            except OSError as error:
                raise ComponentError(
                    f"Port {web.port} on {web.host} cannot be used ({error.strerror}): choose another with --port or in [web] port."
                ) from None

    def _start_groups(self, bus: EventBus, config: ConfigPublisher, kill_file: KillFile) -> None:
        with bus.reader(events=[SystemEvent], start="end") as reader:
            if self._one_process:
                for name in self._groups:
                    own = self._own[name] = OwnGroup(name, bus, config)
                    own.spawn()
            else:
                for name in self._groups:
                    child = self._children[name] = Child(name, self.home, config.first_id)
                    child.spawn()
            waiting = set(self._groups)
            deadline = time.monotonic() + _START_LIMIT_S
            while waiting:
                event = reader.read(0.1)
                if isinstance(event, SystemEvent) and event.action == "group_started":
                    waiting.discard(event.component)
                    self.url = event.data.get("url", "") or self.url
                for name in waiting & self._children.keys():
                    # A strategy of the start list that hangs or ends its process must not keep the whole system from starting.
                    child = self._children[name]
                    if hung := self._hung_strategy(bus, child):
                        self._kill(bus, child, hung)
                    elif child.dead() and self._blame_end(bus, child):
                        self._revive(bus, child, f"exit code {child.code}")
                    else:
                        continue
                    deadline = time.monotonic() + _START_LIMIT_S
                self._check_starting(waiting, deadline)
                kill_file.look()

    def _check_starting(self, waiting: set[str], deadline: float) -> None:
        for child in self._children.values():
            if child.name in waiting and child.dead():
                raise ComponentError(f"Group {child.name} could not start: {child.last_words()} (log: {child.log_path}).")
        if waiting and time.monotonic() > deadline:
            raise ComponentError(f"Groups {', '.join(sorted(waiting))} did not start within {_START_LIMIT_S:g} s: see {self.home.logs}.")

    def _announce_ready(self) -> None:
        if self.url:
            self._announce(f"chart page: {self.url}")
        self._announce(f"home: {self.home.path}   stop: Ctrl-C")
        if self.url and self.settings.web.open_browser and _has_display():
            import webbrowser

            webbrowser.open(self.url)

    # ---- watching

    def _watch(self, bus: EventBus, tally: Tally) -> None:
        for own in self._own.values():
            if own.group is not None:
                own.group.report()
        time.sleep(0.1)
        tally.count()
        if self._restarts is not None:
            self._restarts.look()
        for metric in tally.metrics():
            self._heartbeats.note(metric)
        for child in self._children.values():
            if self._restarts is not None and self._restarts.is_going_on(child.name):
                self._heartbeats.forget(child.name)
            elif child.resting(time.monotonic()):
                continue
            elif child.dead():
                self._blame_end(bus, child)
                self._revive(bus, child, f"exit code {child.code}")
            elif hung := self._heartbeats.hanging(child.name) or self._hung_strategy(bus, child):
                self._kill(bus, child, hung)

    def _kill(self, bus: EventBus, child: Child, hung: str) -> None:
        if child.process is not None:
            child.process.kill()
            child.process.wait()
        self._blame(bus, child, f"it did not come back within {self._hang_s:g} s, and the process was killed")
        self._revive(bus, child, f"{hung} hung and was killed")

    def _hung_strategy(self, bus: EventBus, child: Child) -> str:
        found = self._busy_strategy(bus, child)
        return f"strategy {found.strategy}" if found is not None and found.busy_s > self._hang_s else ""

    def _busy_strategy(self, bus: EventBus, child: Child) -> BusyWith | None:
        # A mark that is older than the process is of one before it, which was killed: it says nothing of this one.
        found = busy_with(mark_path(bus.path)) if "strategies" in self._groups[child.name] else None
        return found if found is not None and found.busy_s <= time.monotonic() - child.spawned_s else None

    def _blame_end(self, bus: EventBus, child: Child) -> bool:
        if child.code in _KILLED_FROM_OUTSIDE:
            return False
        return self._blame(bus, child, f"the process ended in it (exit code {child.code})")

    def _blame(self, bus: EventBus, child: Child, why: str) -> bool:
        # The strategies' process has left behind in which callback it was. That strategy is not started again, the others are.
        found = self._busy_strategy(bus, child)
        if found is None:
            return False
        detail, data = f"{found.callback}: {why}", {"callback": found.callback}
        told = bus.publish(SystemEvent(action="strategy_hung", component=found.strategy, detail=detail, data=data))
        message = f"strategy {found.strategy} is stopped: {detail}"
        bus.publish(AlertEvent(level="critical", component=found.strategy, name="strategy_hung", message=message, about=told), cause=told)
        self._announce(message)
        return True

    def _revive(self, bus: EventBus, child: Child, why: str) -> None:
        now = time.monotonic()
        child.deaths = [one for one in child.deaths if now - one < 60] + [now]
        bus.publish(SystemEvent(action="group_died", component=child.name, detail=f"{why}: {child.last_words()}"))
        self._heartbeats.forget(child.name)
        child.reap(now)
        quick = len(child.deaths) > _QUICK_DEATHS
        if quick and is_own_group(self._groups[child.name]):
            # One account's library that falls over and over must not end the trading of the others.
            child.rest(now, _OWN_RESTS_S)
            self._announce(f"group {child.name} died ({why}) and is started again in {_OWN_RESTS_S:g} s")
            return
        if quick:
            raise ComponentError(
                f"Group {child.name} died {len(child.deaths)} times within a minute: {child.last_words()} (log: {child.log_path})."
            )
        self._announce(f"group {child.name} died ({why}) and is started again")
        child.spawn()

    # ---- stopping

    def _stop_groups(self) -> list[str]:
        order = sorted(self._groups, key=self._rank)
        late: list[str] = []
        for own in sorted(self._own.values(), key=lambda one: self._rank(one.name)):
            late += own.group.stop() if own.group is not None else []
        deadline = time.monotonic() + _STOP_S
        for name in order:
            child = self._children.get(name)
            if child is None or child.process is None:
                continue
            child.terminate()
            if not child.reap(deadline):
                late.append(name)
        return late

    def _rank(self, group: str) -> int:
        return max((_STOP_ORDER.index(part.partition(":")[0]) for part in self._groups[group]), default=0)


def _has_display() -> bool:
    # Without one a text browser would take the terminal.
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
