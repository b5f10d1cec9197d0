"""The parameters of a Backtrader class: known names only, texts in the type of the default."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

import msgspec

from gcg_quant.errors import BacktestError, StrategyError, nearest
from gcg_quant.events import StrategyStatusEvent

__all__ = ["ParameterChange", "bt_defaults", "bt_parameters", "change_parameters", "plain_parameters", "refuse_unknown", "status_of"]

WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


class ParameterChange(msgspec.Struct, frozen=True):
    """New values of a running class's parameters, on their way to the thread of its run."""

    values: dict[str, Any]


def bt_defaults(cls: type) -> dict[str, Any]:
    """Return the parameters of a Backtrader class with their defaults."""
    return dict(cls.params._getitems())  # type: ignore[attr-defined]


def bt_parameters(cls: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` for a Backtrader class; a text takes the type of the parameter's default.

    Raises:
        StrategyError: the class has no such parameter (the nearest is named), the text is no such value, or a number is not finite.
    """
    defaults = bt_defaults(cls)
    found = {}
    for name, value in values.items():
        if name not in defaults:
            listed = ", ".join(defaults) or "none"
            message = f"{cls.__name__} has no parameter {name!r} (known: {listed}).{nearest(name, defaults)}"
            raise StrategyError(message, parameter=name, known=tuple(defaults))
        found[name] = _converted(cls.__name__, name, value, defaults[name])
    return found


def change_parameters(strategy: Any, changed: Mapping[str, Any]) -> None:
    """Set parameters of a running Backtrader strategy, and tell it by `notify_parameters(changed)` if it has that."""
    for name, value in changed.items():
        setattr(strategy.p, name, value)
    notify = getattr(strategy, "notify_parameters", None)
    if callable(notify):
        notify(dict(changed))


def status_of(strategy: Any, name: str, state: str) -> StrategyStatusEvent:
    """Return the event that tells a running Backtrader strategy's state and parameters; without a name it goes by its class's."""
    cls = type(strategy).__name__
    values = plain_parameters(strategy.p._getkwargs())
    return StrategyStatusEvent(strategy=name or cls, state=state, class_name=cls, kind="backtrader", parameters=values)


def plain_parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as events and JSON can carry them: what is no number, text or truth value becomes its name."""
    return {name: value if value is None or isinstance(value, bool | int | float | str) else _name(value) for name, value in values.items()}


def refuse_unknown(owner: Any, keywords: Mapping[str, Any]) -> None:
    """Raise BacktestError for keywords that are no parameters of a Backtrader object of ours (Backtrader has taken out those that are)."""
    for name in keywords:
        known = list(owner.p._getkeys())
        raise BacktestError(f"{type(owner).__name__} has no parameter {name!r}.{nearest(name, known)}", parameter=name)


# A whole number is taken for a float as it is, and a float default takes an int: Backtrader's classes compute with either.
def _converted(owner: str, name: str, value: Any, default: Any) -> Any:
    try:
        found = _read(value, default) if isinstance(value, str) else value
        if isinstance(found, float) and not math.isfinite(found):
            raise ValueError
        return found
    except (KeyError, ValueError):
        rule = "true or false" if isinstance(default, bool) else f"of type {type(default).__name__}"
        rule = "a finite number" if isinstance(value, float) else rule
        raise StrategyError(f"Parameter {name!r} of {owner} must be {rule}, not {value!r}.", parameter=name, value=value) from None


def _read(text: str, default: Any) -> Any:
    if isinstance(default, bool):
        return WORDS[text.lower()]
    if isinstance(default, dt.date | dt.time):
        return type(default).fromisoformat(text)
    return type(default)(text) if isinstance(default, int | float) else text


def _name(value: Any) -> str:
    return str(getattr(value, "__name__", value))
