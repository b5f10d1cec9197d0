"""Rules of retention: which rows of which table go at what age."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from gcg_quant.errors import StorageError, nearest
from gcg_quant.keeping_sections import age_ns

from .checking import COUNTED_TABLES

if TYPE_CHECKING:
    from gcg_quant.keeping_sections import RetentionSettings

__all__ = ["Rule", "rule_of", "rules_of"]


class Rule(msgspec.Struct, frozen=True):
    """Rows of a table (of bars: those of one period) that are older than `age` go."""

    table: str
    age: str
    period: str = ""

    @property
    def keep_ns(self) -> int:
        """How long a row stays."""
        return age_ns(self.age)

    @property
    def name(self) -> str:
        """The table, and the period of its bars."""
        return f"{self.table}.{self.period}" if self.period else self.table


def rules_of(settings: RetentionSettings) -> list[Rule]:
    """Return the rules that are set, in the order of the settings."""
    found = []
    for name in COUNTED_TABLES:
        kept: str | Mapping[str, str | None] | None = getattr(settings, name)
        if isinstance(kept, Mapping):
            found += [Rule(name, age, period) for period, age in kept.items() if age is not None]
        elif kept is not None:
            found.append(Rule(name, kept))
    return found


def rule_of(text: str) -> Rule:
    """Return the rule that a person has typed: "ticks=30d" or "bars.1m=365d".

    Raises:
        StorageError: there is no such table, with the nearest name; it is no table of bars; the age makes no sense.
    """
    name, _, age = text.partition("=")
    table, _, period = name.partition(".")
    if table not in COUNTED_TABLES:
        raise StorageError(f"There is no table {table!r} whose rows can be removed.{nearest(table, COUNTED_TABLES)}", table=table)
    if bool(period) != (table == "bars"):
        raise StorageError(f"{text!r} is no rule: bars are named with their period, such as bars.1m=30d, the others without.", rule=text)
    try:
        age_ns(age)
    except ValueError as error:
        raise StorageError(f"{text!r} is no rule: {error}.", rule=text) from error
    return Rule(table, age, period)
