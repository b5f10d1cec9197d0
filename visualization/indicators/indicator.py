"""An indicator as it was asked for: its kind with all parameters checked, under a key that all who ask for the same share."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from .catalogue import find_kind
from .columns import Columns, Floats
from .kind import Kind, Number, Parameters

__all__ = ["Indicator", "indicator"]

_PRODUCT_AT_ANCHOR = 1_000.0


class Indicator:
    """One indicator of a series. It holds no state; any thread may ask."""

    def __init__(self, kind: Kind, parameters: dict[str, Number], source: str) -> None:
        self.kind = kind
        self.parameters = parameters
        self.source = source
        given = [f"{name}={value!r}" for name, value in parameters.items()]
        self.key = f"{kind.name}({','.join(([source] if kind.source else []) + given)})"
        shown = [one.shown(parameters[one.name]) for one in kind.parameters]
        words = (kind.name, *shown, source if kind.source and source != "close" else "")
        self.title = " ".join(word for word in words if word)
        self.lead = kind.lead(parameters)

    def values(self, columns: Columns, anchor_ns: int | None = None) -> dict[str, Floats]:
        """Return an array as long as the columns for each line.

        Args:
            anchor_ns: the start of the bar from which running totals count; without it, or where it is not among the rows, from the first.
        """
        found = self.kind.compute(columns, self.parameters, self.source)
        if not self.kind.anchored or not len(columns.time):
            return found
        at = 0 if anchor_ns is None else int(np.searchsorted(columns.start_ns, anchor_ns))
        at = at if at < len(columns.time) else 0
        return {name: self.anchored(line, at, 0.0 if self.kind.anchored == "sum" else _PRODUCT_AT_ANCHOR) for name, line in found.items()}

    def anchored(self, line: Floats, at: int, value: float) -> Floats:
        """Return a running total moved so that it is `value` in the row `at`."""
        base = line[at]
        if base != base:
            return line
        with np.errstate(invalid="ignore", divide="ignore"):
            moved: Floats = line - base + value if self.kind.anchored == "sum" else line / base * value
        return moved

    def described(self) -> dict[str, Any]:
        """Return what messages tell of it beside its values."""
        kind = self.kind
        return {"key": self.key, "place": kind.place, "title": self.title, "decimals": kind.decimals, "levels": kind.levels, "error": ""}


def indicator(name: str, parameters: Parameters, source: str | None = None, others: Mapping[str, Kind] = MappingProxyType({})) -> Indicator:
    """Return an indicator by name, of the catalogue or of `others`; parameters that are not given have their defaults.

    Raises:
        EventError: no such indicator, parameter or source, or a value out of its limits; the text names the nearest or the limits.
    """
    kind = others.get(name) or find_kind(name, others)
    checked = kind.checked(parameters)
    if name in others:
        return Indicator(kind, checked, kind.checked_source(source))
    return _kept(name, tuple(checked.items()), kind.checked_source(source))


@functools.lru_cache(maxsize=1_024)
def _kept(name: str, parameters: tuple[tuple[str, Number], ...], source: str) -> Indicator:
    return Indicator(find_kind(name), dict(parameters), source)
