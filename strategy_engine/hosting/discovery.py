"""Finds strategy files by reading them, without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SHIPPED_FOLDER", "FoundClass", "StrategyFile", "discover", "imported_names", "scan"]

SHIPPED_FOLDER = Path(__file__).resolve().parents[1] / "strategies"

# The base classes by their full names, and the kind of strategy that derives from them.
_BASES = {
    "gcg_quant.strategy_engine.Strategy": "gcg_quant",
    "gcg_quant.strategy_engine.strategy.base.Strategy": "gcg_quant",
    "backtrader.Strategy": "backtrader",
    "backtrader.strategy.Strategy": "backtrader",
    "backtrader.SignalStrategy": "backtrader",
    "gcg_quant.backtest.hft.Strategy": "hft",
    "hft_backtest.Strategy": "hft_backtest",
}
# Kungfu's strategies are files of functions; these make one.
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_KUNGFU_CALLBACKS = frozenset({"pre_start", "post_start", "on_quote", "on_bar", "on_order", "on_trade", "pre_stop", "post_stop"})


@dataclass(frozen=True, slots=True)
class FoundClass:
    """A strategy class as its file shows it."""

    name: str
    kind: str
    line: int
    doc: str


@dataclass(frozen=True, slots=True)
class StrategyFile:
    """A file with strategy classes, or one that cannot be read as Python (`error` says why)."""

    path: Path
    classes: tuple[FoundClass, ...] = ()
    error: str = ""

    @property
    def name(self) -> str:
        """The short name by which it can be loaded."""
        return self.path.stem


def discover(folders: Iterable[Path]) -> list[StrategyFile]:
    """Return the strategy files below the folders, in the order of the folders, each once.

    Files and folders whose names begin with "_" or "." are passed over; so are links that lead out of their folder.
    """
    found: dict[Path, StrategyFile] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            inside = path.relative_to(folder).parts
            if any(part[0] in "_." for part in inside) or not path.resolve().is_relative_to(folder.resolve()):
                continue
            file = scan(path.resolve())
            if file.classes or file.error:
                found.setdefault(file.path, file)
    return list(found.values())


def scan(path: Path) -> StrategyFile:
    """Return the strategy classes of a file: those that derive, directly or by classes of the same file, from a known base."""
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        return StrategyFile(path, error=f"{path}:{error.lineno or 1}: this is not valid Python: {error.msg}.")
    except (OSError, ValueError) as error:
        return StrategyFile(path, error=f"{path}: the file cannot be read: {error}.")
    names = imported_names(tree)
    kinds: dict[str, str] = {}
    classes = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            kind = next(filter(None, (_kind(base, names, kinds) for base in node.bases)), "")
            if kind:
                kinds[node.name] = kind
                doc = (ast.get_docstring(node) or "").partition("\n")[0]
                classes.append(FoundClass(node.name, kind, node.lineno, doc))
    return StrategyFile(path, tuple(classes + _functions(path, tree, names)))


def _functions(path: Path, tree: ast.Module, names: dict[str, str]) -> list[FoundClass]:
    if not any(full.partition(".")[0] == "kungfu" for full in names.values()):
        return []
    first = next((node for node in tree.body if isinstance(node, _FUNCTIONS) and node.name in _KUNGFU_CALLBACKS), None)
    if first is None:
        return []
    return [FoundClass(path.stem, "kungfu", first.lineno, (ast.get_docstring(tree) or "").partition("\n")[0])]


def imported_names(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name stands for: {"bt": "backtrader", "Strategy": "gcg_quant.strategy_engine.Strategy"}."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _kind(base: ast.expr, names: dict[str, str], local: dict[str, str]) -> str:
    parts: list[str] = []
    while isinstance(base, ast.Attribute):
        parts.insert(0, base.attr)
        base = base.value
    if not isinstance(base, ast.Name):
        return ""
    if not parts and base.id in local:
        return local[base.id]
    return _BASES.get(".".join([names.get(base.id, base.id), *parts]), "")
