"""Reads of the wall clock in a strategy's source: what they decide cannot be replayed."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

from ...strategy_engine.hosting.discovery import imported_names

__all__ = ["ClockRead", "clock_reads"]

_FORBIDDEN = frozenset(
    {
        "time.time",
        "time.time_ns",
        "time.monotonic",
        "time.monotonic_ns",
        "time.localtime",
        "time.gmtime",
        "time.ctime",
        "time.strftime",
        "time.sleep",
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "datetime.datetime.today",
        "datetime.date.today",
        "pandas.Timestamp.now",
        "pandas.Timestamp.today",
        "pandas.Timestamp.utcnow",
        "numpy.datetime64",
        "gcg_quant.clock.now_ns",
    }
)
_NEED_NO_ARGUMENT = frozenset({"time.localtime", "time.gmtime", "time.ctime"})  # with one they only convert it


class ClockRead(NamedTuple):
    """A place where the machine's clock is asked (or waited for)."""

    file: Path
    line: int
    name: str

    def __str__(self) -> str:
        """Return "file:line: name()"."""
        return f"{self.file.name}:{self.line}: {self.name}()"


def clock_reads(path: Path) -> list[ClockRead]:
    """Return every call in a file that reads the machine's clock or sleeps, whether it is ever reached or not."""
    tree = ast.parse(path.read_bytes(), str(path))
    names = imported_names(tree)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _full_name(node.func, names)
            if name in _FORBIDDEN and _asks(name, node):
                found.append(ClockRead(path, node.lineno, name))
    return sorted(found, key=lambda one: one.line)


def _asks(name: str, call: ast.Call) -> bool:
    if name in _NEED_NO_ARGUMENT:
        return not call.args
    if name == "time.strftime":
        return len(call.args) < 2
    if name == "numpy.datetime64":
        return bool(call.args) and isinstance(call.args[0], ast.Constant) and call.args[0].value in ("now", "today")
    return True


def _full_name(function: ast.expr, names: dict[str, str]) -> str:
    parts: list[str] = []
    while isinstance(function, ast.Attribute):
        parts.insert(0, function.attr)
        function = function.value
    if not isinstance(function, ast.Name) or function.id not in names:
        return ""
    return ".".join([names[function.id], *parts])
