"""Starting, stopping and restarting the components of one group while the rest runs, as ComponentControlEvents ask for it."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable

from gcg_quant.bus import EventBus
from gcg_quant.component import Component
from gcg_quant.errors import GcgQuantError, nearest
from gcg_quant.events import Applied, ComponentControlEvent, LogEvent, SystemEvent
from gcg_quant.registry import Registry

from ..changes.consequences import consequence

__all__ = ["ACTIONS", "BY_HAND", "GroupControl", "stopped_by_hand"]

ACTIONS = ("start", "stop", "restart")
BY_HAND = "hand"  # `data["by"]` of the SystemEvents that tell what a command has done
_STOP_S = 5.0
_START_S = 20.0
_ANSWER_S = 0.3  # that an answer needs to leave through a server which is about to be restarted


class GroupControl:
    """Acts on a thread of its own on the commands that name components of its group.

    `held` are the components that stand still because somebody has stopped them, or could not be started by hand: none of them makes the
    group fail.

    Args:
        group: the group's name.
        registry: its components.
        bus: where commands come from and answers go to.
        rebuild: returns what is started in a component's place, from the settings as they are now.
        held: the names of those that are not started with the group.
    """

    def __init__(self, group: str, registry: Registry, bus: EventBus, rebuild: Callable[[Component], Component], held: set[str]) -> None:
        self.held = held
        self._group = group
        self._registry = registry
        self._bus = bus
        self._rebuild = rebuild
        self._stopping = threading.Event()
        # From before the group says that it runs: no command that comes after that is missed.
        self._reader = bus.reader(events=[ComponentControlEvent], start="end", wait="sleep", sleep_s=0.05)
        self._thread = threading.Thread(target=self._run, name=f"control of {group}", daemon=True)

    def start(self) -> None:
        """Begin to act."""
        self._thread.start()

    def stop(self) -> None:
        """Act no more; a command that is being carried out is waited for."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    def _run(self) -> None:
        with self._reader as reader:
            while not self._stopping.is_set():
                event = reader.read(0.2)
                if isinstance(event, ComponentControlEvent) and event.component in {one.name for one in self._registry}:
                    self._act(event)

    def _act(self, event: ComponentControlEvent) -> None:
        component = self._registry.get(event.component)
        # The answer to whoever asks through the server would not come through once that is stopped.
        ahead = "web" in component.capabilities and event.action in ("stop", "restart")
        if ahead:
            doing = f"stopped: {consequence(component.capabilities)}" if event.action == "stop" else "restarted"
            self._answer(event, True, f"{component.name} is being {doing}")
            time.sleep(_ANSWER_S)
        try:
            detail, ok = self._do(event, component), True
        except GcgQuantError as error:
            detail, ok = error.message, False
        except Exception as error:  # a component's own code: whatever it raises, the others go on and whoever asked is told
            detail, ok = f"Component {component.name} raised {type(error).__name__}: {error}", False
            trace = traceback.format_exc()
            self._bus.publish(LogEvent(level="error", component=component.name, message=detail, detail=trace), cause=event.id)
        if not ahead:
            self._answer(event, ok, detail)
        elif not ok:
            self._bus.publish(
                SystemEvent(action="component_failed", component=component.name, detail=detail, data=self._facts), cause=event.id
            )

    def _do(self, event: ComponentControlEvent, component: Component) -> str:
        if event.action == "start":
            if component.state in ("starting", "running"):
                raise GcgQuantError(f"Component {component.name} runs already.")
            return self._start(event, component)
        if event.action == "stop":
            if component.state in ("new", "stopped"):
                raise GcgQuantError(f"Component {component.name} is stopped already.")
            return self._stop(event, component)
        if event.action == "restart":
            fresh = self._rebuild(component)  # before anything is stopped: settings that cannot be used change nothing
            if component.state not in ("new", "stopped", "failed"):
                self._stop(event, component)
            return self._start(event, component, fresh)
        raise GcgQuantError(f"There is no action {event.action!r}.{nearest(event.action, ACTIONS)} A component takes {', '.join(ACTIONS)}.")

    def _stop(self, event: ComponentControlEvent, component: Component) -> str:
        self.held.add(component.name)  # also one that ends by failing now was stopped by hand
        if not component.stop(_STOP_S):
            self.held.discard(component.name)
            raise GcgQuantError(f"Component {component.name} did not end within {_STOP_S:g} s: it is at work, and ends when that is done.")
        self._tell(event, "component_stopped", component)
        follows = consequence(component.capabilities, _open_orders(component))
        return f"{component.name} is stopped" + (f": {follows}" if follows else "")

    def _start(self, event: ComponentControlEvent, component: Component, fresh: Component | None = None) -> str:
        self.held.add(component.name)
        started = self._registry.start_one(component.name, fresh or self._rebuild(component))
        deadline = time.monotonic() + _START_S
        while started.state == "starting" and time.monotonic() < deadline and not self._stopping.is_set():
            time.sleep(0.005)
        if started.state != "running":
            self._tell(event, "component_failed", started)
            raise GcgQuantError(f"Component {started.name} could not start: see the log lane (`journal tail --type LogEvent`).")
        self.held.discard(started.name)
        self._tell(event, "component_started", started)
        return f"{started.name} runs"

    @property
    def _facts(self) -> dict[str, str]:
        return {"group": self._group, "by": BY_HAND}

    def _tell(self, event: ComponentControlEvent, action: str, component: Component) -> None:
        self._bus.publish(SystemEvent(action=action, component=component.name, detail=event.origin, data=self._facts), cause=event.id)

    def _answer(self, event: ComponentControlEvent, ok: bool, detail: str) -> None:
        self._bus.publish(Applied(control=event.id, component=self._group, ok=ok, detail=detail), cause=event.id)


def stopped_by_hand(bus: EventBus, since: int) -> set[str]:
    """Return the components that somebody has stopped since the control event with the id `since`, and has not started again."""
    stopped: set[str] = set()
    with bus.reader(start="begin", events=[SystemEvent]) as reader:
        reader.seek_id(since)
        for event in reader:
            if isinstance(event, SystemEvent) and event.data.get("by") == BY_HAND:
                (stopped.discard if event.action == "component_started" else stopped.add)(event.component)
    return stopped


def _open_orders(component: Component) -> int:
    if "trading" not in component.capabilities:
        return 0
    from ...strategy_engine.trading import TradingEngine  # a process imports only what it runs

    return sum(1 for _ in component.desk.orders.open_orders()) if isinstance(component, TradingEngine) else 0
