"""The registry: the components of one process, found by name or by capability, added and removed while the rest runs."""

from __future__ import annotations

import threading
from collections.abc import Container, Iterator
from typing import TYPE_CHECKING

from gcg_quant.component import Component, Health
from gcg_quant.errors import ComponentError, nearest

if TYPE_CHECKING:
    from gcg_quant.bus import EventBus
    from gcg_quant.history import History

__all__ = ["Registry"]


class Registry:
    """The components of one process. Thread-safe; components are started in the order they were added and stopped in reverse."""

    def __init__(self) -> None:
        self._components: dict[str, Component] = {}
        self._bus: EventBus | None = None
        self._history: History | None = None
        self._lock = threading.RLock()

    def add(self, component: Component) -> Component:
        """Add a component, and start it if the registry runs. Raises ComponentError if the name is taken."""
        with self._lock:
            if component.name in self._components:
                raise ComponentError(f"There is a component {component.name!r} already: choose another name.", name=component.name)
            self._components[component.name] = component
            if self._bus is not None:
                component.start(self._bus, self._history)
        return component

    def remove(self, name: str, timeout_s: float = 3.0) -> Component:
        """Stop a component and take it out. Raises ComponentError if there is none of that name."""
        with self._lock:
            component = self.get(name)
            component.stop(timeout_s)
            del self._components[name]
        return component

    def get(self, name: str) -> Component:
        """Return the component of that name. Raises ComponentError naming the nearest one."""
        with self._lock:
            if name not in self._components:
                raise ComponentError(f"There is no component {name!r}.{nearest(name, self._components)}", name=name)
            return self._components[name]

    def find(self, capability: str) -> list[Component]:
        """Return the components that have a capability, in the order they were added."""
        with self._lock:
            return [component for component in self._components.values() if capability in component.capabilities]

    def restart(self, name: str, timeout_s: float = 3.0) -> None:
        """Stop a component and start it again on the same bus."""
        with self._lock:
            component = self.get(name)
            if self._bus is None:
                raise ComponentError(f"Component {name!r} cannot restart: the registry has not been started.", name=name)
            if not component.stop(timeout_s):
                raise ComponentError(f"Component {name!r} did not stop within {timeout_s} s.", name=name)
            component.start(self._bus, self._history)

    def start_one(self, name: str, fresh: Component | None = None) -> Component:
        """Start a component that does not run, on the registry's bus, or `fresh` in its place; return the one that was started.

        Raises:
            ComponentError: there is none of that name, it runs, or the registry has not been started.
        """
        with self._lock:
            component = self.get(name)
            if self._bus is None:
                raise ComponentError(f"Component {name!r} cannot start: the registry has not been started.", name=name)
            if component.state in ("starting", "running", "stopping"):
                raise ComponentError(f"Component {name!r} is {component.state}: stop it first.", name=name)
            component = self._components[name] = fresh or component
            component.start(self._bus, self._history)
            return component

    def start(self, bus: EventBus, history: History | None = None, but: Container[str] = ()) -> None:
        """Start every component on `bus`, except those whose names are in `but`."""
        with self._lock:
            self._bus, self._history = bus, history
            for component in self._components.values():
                if component.name not in but:
                    component.start(bus, history)

    def stop(self, timeout_s: float = 3.0) -> list[str]:
        """Stop every component, the last one first; return the names of those that did not end in time."""
        with self._lock:
            late = [component.name for component in reversed(self._components.values()) if not component.stop(timeout_s)]
            self._bus = None
        return late

    def health(self) -> list[Health]:
        """Return the health of every component."""
        with self._lock:
            return [component.health() for component in self._components.values()]

    def __iter__(self) -> Iterator[Component]:
        with self._lock:
            return iter(list(self._components.values()))

    def __len__(self) -> int:
        return len(self._components)
