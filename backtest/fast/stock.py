"""Whether classes and objects still do what Backtrader's own do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["overridden", "shadowed"]


def overridden(cls: type, stock: type, names: Iterable[str]) -> str:
    """Return the first of `names` that `cls` has from elsewhere than `stock`, or ""."""
    return next((name for name in names if getattr(cls, name, None) is not getattr(stock, name, None)), "")


def shadowed(thing: Any, names: Iterable[str]) -> str:
    """Return the first of `names` that an object has an attribute of its own for, or ""."""
    mine = vars(thing)
    return next((name for name in names if name in mine), "")
