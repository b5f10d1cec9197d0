"""The values that one parameter takes in a sweep: `fast=5:50:5`, `kind=a,b,c`, `stop=0.5:2`, `quantity=100`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from gcg_quant.errors import BacktestError

__all__ = ["Axis", "parse_axes", "parse_axis"]

MOST_VALUES = 100_000
LARGEST = 10**15  # whole numbers up to here are exact as floats, too, and in JSON
FORMS = "NAME=LOW:HIGH:STEP, NAME=A,B,C or NAME=VALUE"


class Axis(msgspec.Struct, frozen=True):
    """A parameter's values in a sweep; or, without values, a range of numbers from `low` to `high` of which a random sweep draws.

    `values` never holds one twice. An axis of one value is a fixed parameter.
    """

    name: str
    values: list[Any] = []
    low: float = 0.0
    high: float = 0.0

    @property
    def is_range(self) -> bool:
        """Whether values are drawn from a range, instead of being listed."""
        return not self.values

    @property
    def varies(self) -> bool:
        """Whether the parameter takes more than one value."""
        return len(self.values) != 1

    def checked(self, check: Callable[[str, Any], Any]) -> Axis:
        """Return the axis with each value as the strategy takes it; `check(name, value)` raises for one that it refuses."""
        if self.is_range:
            for end in (self.low, self.high):
                check(self.name, end)
            return self
        return Axis(self.name, _different(self.name, [_plain(check(self.name, value), value) for value in self.values]))


def parse_axes(texts: Iterable[str]) -> list[Axis]:
    """Return the axes of a command line's `--param` texts, in their order; raise BacktestError for one that is named twice."""
    axes: dict[str, Axis] = {}
    for text in texts:
        axis = parse_axis(text)
        if axis.name in axes:
            raise BacktestError(
                f"The parameter {axis.name!r} is given twice: put its values into one --param ({FORMS}).", parameter=axis.name
            )
        axes[axis.name] = axis
    return list(axes.values())


def parse_axis(text: str) -> Axis:
    """Return the axis of one text.

    `LOW:HIGH:STEP` includes both ends as far as steps reach them. Whole numbers give ints, others floats that are counted in decimals:
    0.1:0.5:0.1 ends with 0.5. `LOW:HIGH` of whole numbers steps by 1; of others it is a range for random sweeps.

    Raises:
        BacktestError: no such text, with the text and the forms that there are.
    """
    name, sign, right = text.partition("=")
    name, right = name.strip(), right.strip()
    if not sign or not name or not right:
        raise BacktestError(f"A parameter of a sweep is written {FORMS}, found {text!r}.", parameter=text)
    numbers = _numbers(right)
    if numbers is not None:
        return _stepped(name, text, numbers)
    return Axis(name, _different(name, [_value(name, text, part.strip()) for part in right.split(",")]))


def _numbers(text: str) -> list[Decimal] | None:
    parts = text.split(":")
    if len(parts) not in (2, 3):
        return None
    try:
        return [Decimal(part.strip()) for part in parts]
    except InvalidOperation:
        return None  # a text with colons in it, such as a time of day


def _stepped(name: str, text: str, numbers: list[Decimal]) -> Axis:
    low, high = numbers[:2]
    if not all(one.is_finite() and abs(one) <= LARGEST for one in numbers) or low > high:
        rule = f"from a lower to a higher number, neither beyond {LARGEST:.0e}"
        raise BacktestError(f"The range {text!r} must go {rule}: write LOW:HIGH:STEP.", parameter=name)
    whole = all(one == one.to_integral_value() and "." not in str(one) for one in numbers)
    if len(numbers) == 2 and not whole:
        return Axis(name, [float(low)]) if low == high else Axis(name, low=float(low), high=float(high))
    step = numbers[2] if len(numbers) == 3 else Decimal(1)
    if step <= 0:
        raise BacktestError(f"The step of {text!r} must be more than 0, not {step}.", parameter=name)
    if high - low >= step * MOST_VALUES:
        raise BacktestError(f"The range {text!r} has too many values, {MOST_VALUES:,} are the most: choose a larger step.", parameter=name)
    kind = int if whole else float
    return Axis(name, _different(name, [kind(low + step * number) for number in range(int((high - low) // step) + 1)]))


def _value(name: str, text: str, part: str) -> Any:
    if not part:
        raise BacktestError(f"The list {text!r} has an empty value: write NAME=A,B,C.", parameter=name)
    try:
        value = json.loads(part, parse_constant=_no_number)
    except ValueError:
        return part
    if isinstance(value, int | float) and not abs(value) <= LARGEST:
        raise BacktestError(f"The value {part} of {text!r} must be a number up to {LARGEST:.0e}.", parameter=name, value=value)
    return value if isinstance(value, bool | int | float | str) else part


def _no_number(text: str) -> Any:
    raise ValueError(text)  # NaN and Infinity are words


# What the strategy makes of a text, such as a date, it makes of it again in every run: a plan holds what JSON can carry.
def _plain(found: Any, given: Any) -> Any:
    return found if isinstance(found, bool | int | float | str) else given


# True and 1 are equal in Python; as parameters they are not.
def _different(name: str, values: list[Any]) -> list[Any]:
    seen: set[tuple[bool, Any]] = set()
    for value in values:
        key = (isinstance(value, bool), value)
        if key in seen:
            raise BacktestError(f"The parameter {name!r} has the value {value!r} twice: name each value once.", parameter=name, value=value)
        seen.add(key)
    return values
