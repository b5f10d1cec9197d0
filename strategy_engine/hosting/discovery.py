"""Finds strategy files by reading them, without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..strategy.sizing import EquityShare, PositionSizing
from .declarations import DeclaredParameter, class_parameters, class_symbols, constants, guest_parameters, known_parameters

__all__ = ["SHIPPED_FOLDER", "FoundClass", "StrategyFile", "discover", "imported_names", "scan", "scan_source"]

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
# What gives a class parameters beside its own.
_MIXED_IN = {f"gcg_quant.strategy_engine.{one.__name__}": known_parameters(one) for one in (EquityShare, PositionSizing)}
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
    symbols: tuple[str, ...] = ()
    parameters: tuple[DeclaredParameter, ...] = ()


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
        return scan_source(path.read_bytes(), path)
    except OSError as error:
        return StrategyFile(path, error=f"{path}: the file cannot be read: {error}.")


def scan_source(source: bytes, path: Path) -> StrategyFile:
    """Return what `scan` returns, of a text that is to become the file `path`."""
    try:
        tree = ast.parse(source, str(path))
        return StrategyFile(path, tuple(_classes(tree) + _functions(path, tree, imported_names(tree))))
    except SyntaxError as error:
        return StrategyFile(path, error=f"{path}:{error.lineno or 1}: this is not valid Python: {error.msg}.")
    except ValueError as error:
        return StrategyFile(path, error=f"{path}: the file cannot be read: {error}.")
    except (RecursionError, MemoryError):  # what the parser says of expressions without end
        return StrategyFile(path, error=f"{path}: this is not valid Python: an expression is nested too deeply.")


def _classes(tree: ast.Module) -> list[FoundClass]:
    names, known = imported_names(tree), constants(tree)
    kinds: dict[str, str] = {}
    found: dict[str, FoundClass] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            kind = next(filter(None, (_kind(base, names, kinds) for base in node.bases)), "")
            if kind:
                kinds[node.name] = kind
                doc = (ast.get_docstring(node) or "").partition("\n")[0]
                base = next((found[one.id] for one in node.bases if isinstance(one, ast.Name) and one.id in found), None)
                symbols = class_symbols(node, known, base.symbols if base else ())
                mixed_in = [one for named in node.bases for one in _MIXED_IN.get(_full_name(named, names), ())]
                inherited = (*(base.parameters if base else guest_parameters(kind)), *mixed_in)
                parameters = class_parameters(node, kind, known, inherited)
                found[node.name] = FoundClass(node.name, kind, node.lineno, doc, symbols, parameters)
    return list(found.values())


def _functions(path: Path, tree: ast.Module, names: dict[str, str]) -> list[FoundClass]:
    if not any(full.partition(".")[0] == "kungfu" for full in names.values()):
        return []
    first = next((node for node in tree.body if isinstance(node, _FUNCTIONS) and node.name in _KUNGFU_CALLBACKS), None)
    if first is None:
        return []
    doc = (ast.get_docstring(tree) or "").partition("\n")[0]
    return [FoundClass(path.stem, "kungfu", first.lineno, doc, parameters=guest_parameters("kungfu"))]


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
    if isinstance(base, ast.Name) and base.id in local:
        return local[base.id]
    return _BASES.get(_full_name(base, names), "")


def _full_name(base: ast.expr, names: dict[str, str]) -> str:
    parts: list[str] = []
    while isinstance(base, ast.Attribute):
        parts.insert(0, base.attr)
        base = base.value
    return ".".join([names.get(base.id, base.id), *parts]) if isinstance(base, ast.Name) else ""
