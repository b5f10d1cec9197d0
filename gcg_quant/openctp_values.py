"""Reading the structs of the futures counters' library: numbers with their sentinels, texts, and copies that outlive a callback.

A struct that a callback gets belongs to the library and is gone when the callback returns: it is copied inside it, always. Texts come
decoded from GB18030 by the library; one that it cannot decode comes empty.
"""

from __future__ import annotations

from math import isfinite, nan
from typing import Any, TypeAlias

__all__ = ["Fields", "copied", "count", "number", "price", "text"]

Fields: TypeAlias = dict[str, Any]
_NAMES: dict[Any, tuple[str, ...]] = {}  # of a struct's fields, by its class
_ABSENT = 1e300  # the library writes the largest double, in some fields its negative, where there is nothing


def number(value: Any) -> float:
    """Return a figure as a float; NaN where the library has none (the largest double, its negative, infinity, NaN)."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return nan
    return found if isfinite(found) and abs(found) < _ABSENT else nan


def price(value: Any, *, zero: bool = False) -> float:
    """Return a price; NaN where there is none. 0 is none, too, unless `zero`: a spread of two months may cost nothing."""
    found = number(value)
    return nan if found == 0.0 and not zero else found


def count(value: Any) -> float:
    """Return a number of lots; NaN where there is none or it is negative, as the largest integer overflown is."""
    found = number(value)
    return found if 0 <= found < 2**31 - 1 else nan


def text(value: Any) -> str:
    """Return a text without the spaces and zeros around it."""
    return str(value).strip(" \0") if value is not None else ""


def copied(struct: Any) -> Fields | None:
    """Return a struct's fields by name, or None for none; call it inside the callback."""
    if struct is None:
        return None
    kind = type(struct)
    names = _NAMES.get(kind)
    if names is None:
        members = vars(kind).items()
        names = tuple(name for name, value in members if isinstance(value, property) and name != "thisown" and name[0] != "_")
        _NAMES[kind] = names
    return {name: getattr(struct, name) for name in names}
