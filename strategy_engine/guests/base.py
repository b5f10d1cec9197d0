"""What a framework must tell us so that its strategy files load as they are, and what its strategies have in common here."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, Protocol

from gcg_quant.errors import nearest
from gcg_quant.events import Bar, Tick

from ..strategy.base import Strategy
from ..strategy.callbacks import Outcome
from ..strategy.parameters import Parameter

__all__ = ["Guest", "GuestFile", "GuestStrategy"]


class Guest(Protocol):
    """A framework whose import names we provide, to the files that import them and to nobody else."""

    kind: str
    """The framework's name, as `StrategyStatusEvent.kind` and `strategies list` show it."""

    root: str
    """The top name that its files import."""

    def modules(self) -> dict[str, ModuleType]:
        """Return fresh modules by their full names, `root` among them, each an attribute of the one above it."""
        ...

    def classes(self, module: ModuleType, provided: Mapping[str, ModuleType]) -> list[type[Strategy]]:
        """Return a Strategy class for each strategy in a file that was run with the modules in `provided`."""
        ...


class GuestFile:
    """The guests of one strategy file: what it may import, and the strategies that it holds then."""

    def __init__(self, guests: Sequence[Guest], source: bytes) -> None:
        roots = _imported_roots(source)
        self._provided = {guest.root: (guest, guest.modules()) for guest in guests if guest.root in roots}

    def provided(self, root: str) -> dict[str, ModuleType]:
        """Return the modules of one guest by their full names; none if the file does not import it."""
        return self._provided[root][1] if root in self._provided else {}

    def prepare(self, module: ModuleType) -> None:
        """Let the file see the modules: its own `__import__` finds them, that of every other module does not."""
        if self._provided:
            vars(module)["__builtins__"] = {**vars(builtins), "__import__": self._import}

    def classes(self, module: ModuleType) -> list[tuple[type[Strategy], str]]:
        """Return (class, kind) of the guests' strategies in the file, after it was run."""
        return [(cls, guest.kind) for guest, provided in self._provided.values() for cls in guest.classes(module, provided)]

    def _import(
        self, name: str, globals: Any = None, locals: Any = None, fromlist: Sequence[str] | None = (), level: int = 0
    ) -> ModuleType:
        root = name.partition(".")[0]
        if level or root not in self._provided:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        modules = self._provided[root][1]
        if name not in modules:
            listed = ", ".join(modules)
            raise ModuleNotFoundError(f"no module {name!r} is provided here, but {listed}.{nearest(name, modules)}", name=name)
        return modules[name if fromlist else root]


class GuestStrategy(Strategy):
    """A strategy of a framework that knows quotes only: each tick is one, and each bar of an instrument that shows no ticks."""

    period = Parameter("1m", doc="of the bars that stand in for quotes where an instrument shows no ticks")

    def on_tick(self, tick: Tick) -> Outcome:
        """Hand a tick on."""
        return self.quote(tick)

    def on_bar(self, bar: Bar) -> Outcome:
        """Hand a bar on, if there are no ticks to tell more."""
        return self.quote(bar) if self.tick(f"{bar.symbol}@{bar.venue}") is None else None

    def quote(self, event: Tick | Bar) -> Outcome:
        """Show the framework's strategy a quote."""
        raise NotImplementedError


def _imported_roots(source: bytes) -> set[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set()  # whoever compiles it says what is wrong
    roots: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            roots.add(node.module.partition(".")[0])
    return roots
