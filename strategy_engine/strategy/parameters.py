"""The declared parameters of a strategy: typed, bounded, changeable while it runs."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar, overload

from gcg_quant.errors import StrategyError, nearest

__all__ = ["Parameter", "check_parameters", "declared_parameters"]

T = TypeVar("T")


class Parameter(Generic[T]):
    """One setting of a strategy, declared as a class attribute: `fast = Parameter(10, low=1, doc="bars of the fast mean")`.

    On an instance it reads as the value itself. The type is that of the default, or that of the attribute's annotation (`size:
    float = Parameter(1)`), or `type`; int, float, bool and str are known. A text is converted (`"5"` from a command line), and where a
    text is wanted a whole number or truth value is that text (`kinds=13` on a command line). A value of another type or outside
    `low`..`high` (both included) or not among `choices` is refused with a StrategyError, also when the strategy assigns it itself.
    """

    def __init__(
        self,
        default: T,
        *,
        type: type | None = None,
        low: float | None = None,
        high: float | None = None,
        choices: Sequence[T] = (),
        doc: str = "",
    ) -> None:
        self.default = default
        self.type = type
        self.low = low
        self.high = high
        self.choices = tuple(choices)
        self.doc = doc
        self.name = ""
        self.owner = ""

    def __set_name__(self, owner: type, name: str) -> None:
        """Note the attribute's name, settle the type and check the default."""
        self.name = name
        self.owner = owner.__name__
        self.type = self.type or _annotated(owner, name) or self.default.__class__
        if self.type not in _CONVERTERS:
            raise StrategyError(
                f"Parameter {name!r} of {self.owner} has the type {self.type.__name__}; only int, float, bool and str can be set.",
                parameter=name,
            )
        self.default = self.check(self.default)

    @overload
    def __get__(self, instance: None, owner: type) -> Parameter[T]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> T: ...
    def __get__(self, instance: object | None, owner: type) -> T | Parameter[T]:
        """Return the value of this instance, or the declaration itself when read on the class."""
        if instance is None:
            return self
        value: T = instance.__dict__.get(self.name, self.default)
        return value

    def __set__(self, instance: object, value: T) -> None:
        """Set the value of this instance. Raises StrategyError if it is not allowed."""
        instance.__dict__[self.name] = self.check(value, type(instance).__name__)

    def check(self, value: object, owner: str = "") -> T:
        """Return `value` in this parameter's type. Raises StrategyError naming the parameter, the rule and the value.

        `owner` is the class whose parameter it is, by default the one that declares it.
        """
        convert = _CONVERTERS[self.type or str]
        try:
            converted = convert(value)
        except (TypeError, ValueError, OverflowError):
            raise self._refusal(value, owner) from None
        too_low = self.low is not None and converted < self.low
        too_high = self.high is not None and converted > self.high
        if too_low or too_high or (self.choices and converted not in self.choices):
            raise self._refusal(value, owner)
        result: T = converted
        return result

    @property
    def rule(self) -> str:
        """Return what is allowed, in words: "an int from 1 to 200"."""
        if self.choices:
            return "one of " + ", ".join(repr(choice) for choice in self.choices)
        words = _ARTICLES[self.type or str]
        if self.low is not None and self.high is not None:
            return f"{words} from {self.low:g} to {self.high:g}"
        if self.low is not None:
            return f"{words} of at least {self.low:g}"
        if self.high is not None:
            return f"{words} of at most {self.high:g}"
        return words

    def _refusal(self, value: object, owner: str) -> StrategyError:
        quoted = ""
        if self.type is str and isinstance(value, float) and not self.choices:  # as what it was written nobody knows any more
            quoted = f" Put it into quotes: '{self.name}=\"{value!r}\"' on a command line."
        message = f"Parameter {self.name!r} of {owner or self.owner} must be {self.rule}, not {value!r}.{quoted}"
        return StrategyError(message, parameter=self.name, value=value)


def declared_parameters(cls: type) -> dict[str, Parameter[Any]]:
    """Return {name: declaration} of a strategy class, base classes first, in the order of their declaration."""
    found: dict[str, Parameter[Any]] = {}
    for base in reversed(cls.__mro__):
        for name, member in vars(base).items():
            if isinstance(member, Parameter):
                found[name] = member
            else:
                found.pop(name, None)
    return found


def check_parameters(cls: type, values: Mapping[str, object]) -> dict[str, Any]:
    """Return `values` in their declared types. Raises StrategyError for an unknown name (the nearest is named) or a wrong value."""
    known = declared_parameters(cls)
    for name in values:
        if name not in known:
            listed = ", ".join(known) or "none"
            raise StrategyError(
                f"{cls.__name__} has no parameter {name!r} (known: {listed}).{nearest(name, known)}", parameter=name, known=tuple(known)
            )
    return {name: known[name].check(value, cls.__name__) for name, value in values.items()}


def _annotated(owner: type, name: str) -> type | None:
    annotation = inspect.get_annotations(owner).get(name)
    if isinstance(annotation, str):
        annotation = {kind.__name__: kind for kind in _CONVERTERS}.get(annotation)
    return annotation if annotation in _CONVERTERS else None


def _to_int(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(value)
    number = float(value) if isinstance(value, float) else int(value)
    if number != int(number):
        raise ValueError(value)
    return int(number)


def _to_float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(value)
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _to_bool(value: object) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    word = str(value).lower() if isinstance(value, str | int) else ""
    if word not in words:
        raise ValueError(value)
    return words[word]


# A command line's 13 has been read as a number before anybody knew what the strategy takes, and so true; a 1.50 may have been 1.5.
def _to_str(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, int | str):
        raise TypeError(value)
    return str(value)


_CONVERTERS: dict[type, Callable[[object], Any]] = {int: _to_int, float: _to_float, bool: _to_bool, str: _to_str}
_ARTICLES = {int: "an int", float: "a number", bool: "true or false", str: "a text"}
