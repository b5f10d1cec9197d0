"""What a sweep is to compute: a spec, the parameters' values, conditions, and from them the list of combinations, always the same."""

from __future__ import annotations

import hashlib
import itertools
import math
import random
from collections.abc import Iterator
from typing import Any

import msgspec

from gcg_quant.errors import BacktestError

from ..inputs.run_inputs import CodeFiles
from ..inputs.spec import BacktestSpec
from .axis import Axis
from .bar_file import SharedSource
from .condition import Condition
from .metric import metric_of

__all__ = ["SweepPlan"]

MOST_RUNS = 100_000  # their rows are held in memory, about 3 kB each
LISTED = 200_000  # grids up to this size are listed to draw from them; of larger ones numbers are drawn
MOST_TRIES = 20_000  # in a row that bring nothing new: then there is hardly anything left to find


class SweepPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A sweep, as it stands in its folder. From it any process makes the same combinations in the same order.

    Args:
        spec: the backtest; its parameters are those of every run. Its file is the user's, `code` names the copy that is run.
        axes: the parameters that are given, in their order; the last one varies fastest.
        where: conditions that every combination fulfils.
        count: None for the whole grid; else how many combinations are drawn, by `seed`.
        metric: by which measure results are ranked.
        strategy, kind: the class, and of which kind it is ("backtrader" or another).
        code, sources: what the workers run, and over what.
        asked: the digest of what was asked for, before anything was looked up: by it the sweep is found again.
    """

    spec: BacktestSpec
    axes: list[Axis]
    where: list[str] = []
    count: int | None = None
    seed: int = 1
    metric: str = "sharpe"
    strategy: str = ""
    kind: str = ""
    code: CodeFiles | None = None
    sources: list[SharedSource] = []
    asked: str = ""

    def check(self) -> SweepPlan:
        """Return the plan; raise BacktestError naming what makes no sense in it."""
        metric_of(self.metric)
        if self.count is not None and self.count < 1:
            raise BacktestError(f"A random sweep needs at least 1 run, not {self.count}.", count=self.count)
        ranges = [axis for axis in self.axes if axis.is_range]
        if ranges and self.count is None:
            one = ranges[0]
            text = f"{one.name}={one.low:g}:{one.high:g}"
            raise BacktestError(f"{text} has no step: write {text}:STEP, or draw from it with --random N.", parameter=one.name)
        if self.count is None and self.grid_size > MOST_RUNS:
            raise BacktestError(
                f"The grid has {self.grid_size:,} combinations, {MOST_RUNS:,} are the most: take larger steps, or draw with --random N."
            )
        if (self.count or 0) > MOST_RUNS:
            raise BacktestError(f"A random sweep may have {MOST_RUNS:,} runs, not {self.count:,}.", count=self.count)
        return self

    @property
    def digest(self) -> str:
        """The SHA-256 of what is asked for, the sweep's name aside."""
        spec = msgspec.structs.replace(self.spec, run="")
        asked = (spec, self.axes, self.where, self.count, self.seed, self.metric)
        return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()

    def differences(self, other: SweepPlan) -> list[str]:
        """Return the names of what `other` asks for differently; "parameters" if it is their values."""
        mine, others = (msgspec.to_builtins(plan.spec) for plan in (self, other))
        found = [name for name in mine if name != "run" and mine[name] != others[name]]
        found += [name for name in ("where", "count", "seed", "metric") if getattr(self, name) != getattr(other, name)]
        return found or ["parameters"]

    @property
    def varied(self) -> list[Axis]:
        """The axes with more than one value."""
        return [axis for axis in self.axes if axis.varies]

    @property
    def grid_size(self) -> int:
        """How many combinations the listed values have, conditions aside."""
        return math.prod(max(1, len(axis.values)) for axis in self.axes)

    def combinations(self) -> list[dict[str, Any]]:
        """Return the parameters of every run, in the order of their numbers.

        Raises:
            BacktestError: a condition that is none, or that no combination fulfils.
        """
        conditions = [Condition(text, [axis.name for axis in self.axes]) for text in self.where]
        chosen = self._grid() if self.count is None else self._drawn(conditions)
        found = [one for one in chosen if all(condition.holds(one) for condition in conditions)]
        if not found:
            raise BacktestError(f"No combination of the parameters fulfils {' and '.join(self.where)}: widen the ranges.", where=self.where)
        return found

    def _grid(self) -> Iterator[dict[str, Any]]:
        names = [axis.name for axis in self.axes]
        for values in itertools.product(*(axis.values for axis in self.axes)):
            yield dict(zip(names, values, strict=True))

    # Each combination at most once. What is drawn depends on axes, conditions, count and seed alone.
    def _drawn(self, conditions: list[Condition]) -> list[dict[str, Any]]:
        count = self.count or 1
        source = random.Random(self.seed)
        listed = not any(axis.is_range for axis in self.axes)
        if listed and self.grid_size <= LISTED:
            fitting = [one for one in self._grid() if all(condition.holds(one) for condition in conditions)]
            return source.sample(fitting, min(count, len(fitting)))
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        failed = 0
        while len(found) < count and failed < MOST_TRIES:
            one = {axis.name: _draw(axis, source) for axis in self.axes}
            key = tuple(one.values())
            failed += 1
            if key not in found and all(condition.holds(one) for condition in conditions):
                found[key], failed = one, 0
        return list(found.values())


def _draw(axis: Axis, source: random.Random) -> Any:
    if axis.low < axis.high:  # six digits of the range's width: what a person can type again
        drawn = round(source.uniform(axis.low, axis.high), 6 - math.ceil(math.log10(axis.high - axis.low)))
        return min(max(drawn, axis.low), axis.high)
    return axis.values[source.randrange(len(axis.values))]
