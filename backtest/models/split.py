"""The purged walk-forward split.

After Marcos López de Prado, Advances in Financial Machine Learning (2018), chapter 7: a label that spans several bars leaks what the test
set is asked into the training set where the two overlap. So training rows whose label reaches into the test set are *purged*, and an
*embargo* keeps the training set away from it by some bars more, against what is serially correlated. Here the training set always lies
before the test set (a walk-forward), so that nothing behind the test set is trained on, and the embargo stands in front of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gcg_quant.errors import ModelError

__all__ = ["Split", "walk_forward"]

Indices = npt.NDArray[np.int64]


class Split(NamedTuple):
    """One step: places of the rows to train on and of those to test on, and how many were purged in between."""

    train: Indices
    test: Indices
    purged: int


def walk_forward(bars: Indices, horizon: int, folds: int, embargo: int = 0) -> Iterator[Split]:
    """Yield the steps of a walk-forward over rows, the earliest first.

    The rows are cut into `folds` + 1 parts of the same length; each part but the first is tested once, on what was trained before it.
    A row at bar b has a label that is known at bar b + `horizon`; it is trained on only if that bar, and `embargo` bars more, lie
    before the first bar of the test set.

    Args:
        bars: the bar of each row, rising.
        horizon: bars that a label looks ahead, 1 or more.
        folds: how many steps, 1 or more.
        embargo: bars between the last label of the training set and the test set.

    Raises:
        ModelError: numbers that make no sense, or so few rows that a step has nothing to train on or to test.
    """
    if horizon < 1 or folds < 1 or embargo < 0:
        raise ModelError(f"A split needs a horizon and folds of 1 or more and no negative embargo, not {horizon}, {folds} and {embargo}.")
    edges = np.linspace(0, len(bars), folds + 2).astype(np.int64)
    for begin, end in itertools.pairwise(edges[1:]):
        test = np.arange(begin, end)
        if not len(test):
            raise ModelError(f"{len(bars)} rows are too few for {folds} folds.", rows=len(bars))
        kept = int(np.searchsorted(bars + horizon + embargo, bars[begin], "left"))
        if not kept:
            raise ModelError(f"{len(bars)} rows are too few for {folds} folds, a horizon of {horizon} and an embargo of {embargo} bars.")
        yield Split(np.arange(min(kept, int(begin))), test, int(begin) - min(kept, int(begin)))
