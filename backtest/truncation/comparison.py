"""Runs over data that end at decisions, compared with the run over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np

from .decisions import Decision, Recording
from .own_reads import OwnReads

__all__ = ["DECISIONS", "MOMENTS", "Runs", "Truncation", "compare_cuts"]

DECISIONS = 20  # at so many decisions the data are cut unless more are asked for
MOMENTS = 5  # and at so many other places: who has looked ahead may have decided nothing for it

Progress = Callable[[int, int], None]


class Runs(Protocol):
    """A strategy and its data, whose places are counted from 0."""

    first: int
    file: Path
    origin: str

    @property
    def last(self) -> int:
        """The last place in the data."""

    def moment(self, place: int) -> str:
        """Return the time of a place, in words."""

    def record(self, place: int) -> Recording:
        """Run over the data up to a place, that included, and return what was decided."""


class Truncation(msgspec.Struct, frozen=True, kw_only=True):
    """What came of cutting a strategy's data.

    Args:
        origin: the data, in words.
        decisions: how many the run over all the data made; `kinds` counts them by their first word.
        places: how many places in the data decisions were made at. `cuts`: at how many of them, and `moments`: at how many places besides,
            the data were cut. `compared`: decisions that were compared in all.
        difference: the first decision that is not the same, in a sentence; "" if all are.
        failure: why the run over all the data ended early; "" if it did not.
        reads: what the strategy reads by itself, in sentences: no cut reaches that.
    """

    origin: str
    decisions: int
    kinds: dict[str, int]
    places: int
    cuts: int
    moments: int
    compared: int
    difference: str = ""
    failure: str = ""
    reads: list[str] = []

    @property
    def ok(self) -> bool:
        """Whether no decision needed what came after it."""
        return not (self.difference or self.failure or self.reads)


def compare_cuts(
    runs: Runs,
    decisions: int | None = DECISIONS,
    *,
    moments: int = MOMENTS,
    allowed: Iterable[Path] = (),
    on_progress: Progress | None = None,
) -> Truncation:
    """Run over all the data, then over data that end at decisions, and return whether every decision up to each end is the same.

    Args:
        runs: the strategy and its data.
        decisions: at how many of the places where something was decided the data are cut, evenly spread; None: at all of them.
        moments: at how many places besides, where nothing was decided.
        allowed: files and folders that the strategy may read by itself.
        on_progress: called before each run with its number and how many there are.
    """
    report = on_progress or (lambda number, total: None)
    with OwnReads(runs.file.parent, allowed) as reads:
        report(0, 1)
        full = runs.record(runs.last)
        places = sorted({max(one.at, runs.first) for one in full.decisions})
        chosen = _spread(places, len(places) if decisions is None else decisions)
        between = _spread(sorted(set(range(runs.first, runs.last)) - set(places)), moments)
        difference, compared = "", 0
        cuts = [runs.last, *sorted({*chosen, *between})]  # all of them once more: chance and the clock show themselves at once
        for number, place in enumerate(cuts):
            report(number + 1, len(cuts) + 1)
            again = number == 0
            count, difference = _compare(runs, full, runs.record(place), place, again=again)
            compared += count
            if difference:
                break
    return Truncation(
        origin=runs.origin,
        decisions=len(full.decisions),
        kinds=dict(Counter(_kind(one) for one in full.decisions)),
        places=len(places),
        cuts=len(chosen),
        moments=len(between),
        compared=compared,
        difference=difference,
        failure=full.failure,
        reads=reads.sentences(),
    )


def _kind(decision: Decision) -> str:
    word = decision.words.partition(" ")[0]
    return "order" if word in ("buy", "sell") else word


def _spread(places: Sequence[int], count: int) -> list[int]:
    if len(places) <= count:
        return list(places)
    return [places[index] for index in np.unique(np.linspace(0, len(places) - 1, count).round().astype(int))] if count else []


# How many decisions were compared, and the first that differs, in a sentence.
def _compare(runs: Runs, full: Recording, cut: Recording, place: int, *, again: bool) -> tuple[int, str]:
    expected = [one for one in full.decisions if one.at <= place]
    found = [one for one in cut.decisions if one.at <= place]
    same = next((index for index, (one, other) in enumerate(zip(expected, found, strict=False)) if one != other), None)
    if same is None and len(expected) == len(found):
        early = cut.failure and cut.failure != full.failure
        said = f"On data that end at {runs.moment(place)} it fails: {cut.failure}" if early and not again else ""
        return len(expected), said
    index = min(len(expected), len(found)) if same is None else same
    with_all = expected[index] if index < len(expected) else None
    cut_off = found[index] if index < len(found) else None
    where = runs.moment(min(one.at for one in (with_all, cut_off) if one is not None))
    did, does = _words(with_all), _words(cut_off)
    if cut_off is None and cut.failure:
        does = f"{does} and fails ({cut.failure.rstrip('.')})"
    if again:
        return index, (
            f"Two runs over the same data differ: at {where} the first decided {did}, the second {does}; the strategy depends on something "
            "else than its data, such as chance or the clock."
        )
    return index, f"At {where} it decides {did}; on data that end at {runs.moment(place)} it decides {does} there."


def _words(decision: Decision | None) -> str:
    return "nothing more" if decision is None else f"'{decision.words}'"
