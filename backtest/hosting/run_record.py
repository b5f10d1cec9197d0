"""Where a run of a Backtrader class began: told with the strategy's state, so that it can be done again after a restart."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from ..conversion.parameters import plain_parameters
from ..history.bars import BarArray

__all__ = ["RunRecord", "code_of", "extent_of"]


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run began, told with the strategy's state: what must be the same for it to be done again.

    Args:
        begin: the event id of the market lane from which on it was brought events.
        warmup: by instrument, how many bars it began with, and the starts of the first and the last of them.
        held: by instrument, the position it began with and its price.
        code: the SHA-256 of the strategy's file.
        parameters: those of the class, and ours, at the beginning.
        begin_ns: when it began, by its host's clock.
        seeds: by instrument, as `warmup`, the shorter bars of a bar that was not over then.
        changes: parameters that were changed while it ran, each with the id of the first event behind the change.
    """

    begin: int
    warmup: dict[str, tuple[int, int, int]]
    held: dict[str, tuple[float, float]]
    code: str
    parameters: dict[str, Any]
    begin_ns: int = 0
    seeds: dict[str, tuple[int, int, int]] = {}
    changes: list[tuple[int, dict[str, Any]]] = []

    def parameters_now(self) -> dict[str, Any]:
        """Return the parameters after all changes."""
        now = dict(self.parameters)
        for _, values in self.changes:
            now.update(values)
        return now

    def chosen_then(self, chosen: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values that the class was made with, given those that are chosen now."""
        then = dict(chosen)
        for name in {name for _, values in self.changes for name in values}:
            then.pop(name, None)
            if self.parameters[name] != plain_parameters({name: defaults[name]})[name]:
                then[name] = self.parameters[name]
        return then


def code_of(cls: type) -> str:
    """Return the SHA-256 of a class's file, "" if it has none."""
    try:
        return hashlib.sha256(Path(inspect.getfile(cls)).read_bytes()).hexdigest()
    except (OSError, TypeError):
        return ""


def extent_of(bars: BarArray) -> tuple[int, int, int]:
    """Return how many bars there are, and the starts of the first and the last (0 without any)."""
    return (len(bars), int(bars["start_ns"][0]), int(bars["start_ns"][-1])) if len(bars) else (0, 0, 0)
