"""What the text of a strategy class says of its parameters and symbols, read without running it.

A form needs the parameters of files that nobody has loaded yet, and an uploaded file must not run because somebody looks at it. So only
what is written out is known: literals and names of the file's own constants. What is computed is None until the class is loaded.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Any

import msgspec

from ..strategy.parameters import declared_parameters

__all__ = ["DeclaredParameter", "class_parameters", "class_symbols", "constants", "guest_parameters", "known_parameters"]

_TYPES = {int: "int", float: "float", bool: "bool", str: "str"}
_MOST = 200


class DeclaredParameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter as its class declares it; `type` is "int", "float", "bool", "str" or "choice", what is not known is None."""

    name: str
    type: str = "str"
    default: int | float | bool | str | None = None
    low: float | None = None
    high: float | None = None
    choices: tuple[int | float | bool | str, ...] = ()
    help: str = ""


def constants(tree: ast.Module) -> dict[str, Any]:
    """Return the values of the names that a module assigns once, at its top, as literals."""
    found: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name):
                    found[target.id] = _value(node.value, found)
    return found


def class_parameters(
    cls: ast.ClassDef, kind: str, known: Mapping[str, Any], before: tuple[DeclaredParameter, ...] = ()
) -> tuple[DeclaredParameter, ...]:
    """Return the parameters of a class, those of the class of the same file that it derives from first (`before`)."""
    found = {one.name: one for one in before}
    for node in cls.body:
        name, value, annotation = _assigned(node)
        if value is None:
            continue
        if kind == "backtrader" and name == "params":
            found.update((one.name, one) for one in _backtrader(value, known))
        elif _is_parameter(value):
            found[name] = _declared(name, value, annotation, known)
    return tuple(found.values())[:_MOST]


def class_symbols(cls: ast.ClassDef, known: Mapping[str, Any], before: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the symbols that a class wants to see unless it is told others."""
    for node in cls.body:
        name, value, _ = _assigned(node)
        if name == "symbols" and value is not None:
            written = _value(value, known)
            if isinstance(written, list | tuple):
                return tuple(one for one in written if isinstance(one, str))
    return before


def known_parameters(cls: type) -> tuple[DeclaredParameter, ...]:
    """Return the parameters of a class of ours that files derive from."""
    return tuple(
        _row(name, one.default, "", one.choices, one.doc, low=one.low, high=one.high) for name, one in declared_parameters(cls).items()
    )


def guest_parameters(kind: str) -> tuple[DeclaredParameter, ...]:
    """Return the parameters that we give to the strategies of another framework."""
    period = DeclaredParameter(name="period", default="1m", help="of the bars that stand in for quotes where an instrument shows no ticks")
    if kind == "kungfu":
        return period, DeclaredParameter(name="arguments", default="", help="what the strategy finds as context.arguments")
    return (period,) if kind in ("hft", "hft_backtest") else ()


# ---- inside


def _assigned(node: ast.stmt) -> tuple[str, ast.expr | None, str]:
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, node.value, ""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        note = node.annotation
        words = note.value if isinstance(note, ast.Constant) else note.id if isinstance(note, ast.Name) else ""
        return node.target.id, node.value, str(words)
    return "", None, ""


def _is_parameter(value: ast.expr) -> bool:
    if not isinstance(value, ast.Call):
        return False
    called = value.func
    return (called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else "") == "Parameter"


def _declared(name: str, value: ast.expr, annotation: str, known: Mapping[str, Any]) -> DeclaredParameter:
    call = value
    assert isinstance(call, ast.Call)
    words = {one.arg: one.value for one in call.keywords if one.arg}
    default = call.args[0] if call.args else words.get("default")
    asked = words.get("type")
    kind = asked.id if isinstance(asked, ast.Name) else annotation
    choices = _value(words["choices"], known) if "choices" in words else ()
    told = {side: _number(_value(words[side], known)) for side in ("low", "high") if side in words}
    text = _value(words["doc"], known) if "doc" in words else ""
    return _row(name, _value(default, known) if default is not None else None, kind, choices, str(text or ""), **told)


def _backtrader(value: ast.expr, known: Mapping[str, Any]) -> list[DeclaredParameter]:
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "dict":
        pairs: list[tuple[Any, ast.expr]] = [(one.arg, one.value) for one in value.keywords if one.arg]
    elif isinstance(value, ast.Dict):
        pairs = [(key.value, one) for key, one in zip(value.keys, value.values, strict=True) if isinstance(key, ast.Constant)]
    elif isinstance(value, ast.Tuple | ast.List):
        rows = [one.elts for one in value.elts if isinstance(one, ast.Tuple | ast.List) and len(one.elts) == 2]
        pairs = [(key.value, one) for key, one in rows if isinstance(key, ast.Constant)]
    else:
        return []
    return [_row(name, _value(one, known), "", (), "") for name, one in pairs if isinstance(name, str)]


def _row(name: str, default: Any, kind: str, choices: Any, text: str, **told: float | None) -> DeclaredParameter:
    plain = default if isinstance(default, bool | int | str) or (isinstance(default, float) and math.isfinite(default)) else None
    kind = kind if kind in _TYPES.values() else _TYPES.get(type(plain), "str")
    if kind == "float" and isinstance(plain, int) and not isinstance(plain, bool):
        plain = float(plain)
    allowed = tuple(one for one in choices if isinstance(one, bool | int | float | str)) if isinstance(choices, list | tuple) else ()
    return DeclaredParameter(name=name, type="choice" if allowed else kind, default=plain, choices=allowed, help=text, **told)


def _number(value: Any) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if usable else None


def _value(node: ast.expr, known: Mapping[str, Any]) -> Any:
    # The value of a literal or of one of the file's constants, else None. Nothing is computed: 9 ** 9 ** 9 is easily written.
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Tuple | ast.List):
        return [_value(one, known) for one in node.elts]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _value(node.operand, known)
        return -value if isinstance(value, int | float) else None
    return None
