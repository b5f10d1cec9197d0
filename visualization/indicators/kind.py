"""What an indicator is: its parameters with their limits, its lines, how many bars it needs in front, and how it is computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from gcg_quant.chan_shapes import ShapeStyle
from gcg_quant.errors import EventError, nearest

from .columns import SOURCES, Columns, Floats
from .shapes import Tracker

__all__ = ["Kind", "LineStyle", "Number", "Parameter", "Parameters"]

Number = int | float
Parameters = Mapping[str, Number]
LineStyle = Literal["line", "histogram", "dots"]


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of an indicator: its type, what it is if nobody says, and the smallest and the greatest that are taken.

    A "flag" is 0 or 1; with `choices` a number is the place of one of these words.
    """

    name: str
    type: Literal["int", "float", "flag"]
    default: Number
    low: Number
    high: Number
    choices: tuple[str, ...] = ()

    @classmethod
    def choice(cls, name: str, *words: str) -> Parameter:
        """Return a parameter that is one of these words, the first if nobody says."""
        return cls(name, "int", 0, 0, len(words) - 1, words)

    @classmethod
    def flag(cls, name: str) -> Parameter:
        """Return a parameter that is on, or off."""
        return cls(name, "flag", 1, 0, 1)

    def checked(self, value: Number, of: str) -> Number:
        """Return the value as the parameter's own type. Raises EventError if it is out of the limits or not whole."""
        if self.type != "float":
            if value != value or int(value) != value:
                raise EventError(f"{self.name} of {of} must be a whole number, found {value}.", parameter=self.name)
            value = int(value)
        if not self.low <= value <= self.high:
            raise EventError(f"{self.name} of {of} must be from {self.low:g} to {self.high:g}, found {value:g}.", parameter=self.name)
        return float(value) if self.type == "float" else value

    def shown(self, value: Number) -> str:
        """Return the value as a title has it, or "" if it says nothing there."""
        if self.choices:
            return self.choices[int(value)]
        unsaid = self.type == "flag" or ("matype" in self.name and not value)
        return "" if unsaid else f"{value:g}"


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """An indicator of the catalogue.

    `compute(columns, parameters, source)` returns an array as long as the columns by the name of each line, NaN where there is no value.
    `lead(parameters)` is how many bars in front of a wanted one are read, so that its value no longer depends on where reading began.
    With `whole_days` they begin with the first bar of that trading day. `anchored` lines count from a bar that stays the same for a
    series: "sum" ones are 0 there, "product" ones 1,000. What draws `shapes` has a style for each of their names, and `track(parameters)`,
    which makes what finds them.
    """

    name: str
    title: str
    group: str
    place: Literal["price", "below"]
    parameters: tuple[Parameter, ...]
    lines: dict[str, LineStyle]
    compute: Callable[[Columns, Parameters, str], dict[str, Floats]]
    lead: Callable[[Parameters], int]
    source: bool = False
    levels: tuple[float, ...] = ()
    decimals: int | None = None
    whole_days: bool = False
    anchored: Literal["", "sum", "product"] = ""
    shapes: dict[str, ShapeStyle] = {}
    track: Callable[[Parameters], Tracker] | None = None

    def checked(self, parameters: Parameters) -> dict[str, Number]:
        """Return all parameters, those that nobody gave by their defaults. Raises EventError for an unknown or an impossible one."""
        known = {one.name: one for one in self.parameters}
        for name in parameters:
            if name not in known:
                has = f"it has {', '.join(known)}" if known else "it has none"
                raise EventError(f"{self.name} has no parameter {name!r}; {has}.{nearest(name, known)}", parameter=name)
        found = {name: one.checked(parameters.get(name, one.default), self.name) for name, one in known.items()}
        if found.get("minperiod", 0) > found.get("maxperiod", math.inf):
            told = f"found {found['minperiod']} and {found['maxperiod']}"
            raise EventError(f"minperiod of {self.name} must not be above its maxperiod, {told}.", parameter="minperiod")
        return found

    def checked_source(self, source: str | None) -> str:
        """Return the price that it is made of. Raises EventError if there is no such price, or the indicator takes its own ones."""
        if source is None or (source == "close" and not self.source):
            return "close"
        if source not in SOURCES:
            raise EventError(f"There is no price {source!r}; there are {', '.join(SOURCES)}.{nearest(source, SOURCES)}", source=source)
        if not self.source:
            raise EventError(f"{self.name} is made of prices of its own and takes no source.", source=source)
        return source
