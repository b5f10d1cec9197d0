"""Whether user code asks an object for its class: that of a fast run is derived from the user's, and so another one."""

from __future__ import annotations

from types import CodeType
from typing import Any

__all__ = ["asks_for_class"]

NAMES = {"type", "__class__"}
_known: dict[type, bool] = {}


def asks_for_class(cls: type) -> bool:
    """Return whether a class that is not Backtrader's mentions `type` or `__class__` in one of its methods.

    `type(self) is Mine` must be true there. A function outside of the class that is given the object is not looked at.
    """
    if cls not in _known:
        own = [base for base in cls.__mro__[:-1] if base.__module__.partition(".")[0] != "backtrader"]
        _known[cls] = any(_mentions(value) for base in own for value in vars(base).values())
    return _known[cls]


def _mentions(value: Any) -> bool:
    if isinstance(value, property):
        return any(map(_mentions, (value.fget, value.fset)))
    code = getattr(getattr(value, "__func__", value), "__code__", None)
    return isinstance(code, CodeType) and _code_mentions(code)


def _code_mentions(code: CodeType) -> bool:
    if not NAMES.isdisjoint(code.co_names):
        return True
    return any(_code_mentions(const) for const in code.co_consts if isinstance(const, CodeType))
