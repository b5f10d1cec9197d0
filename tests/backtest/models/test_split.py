"""The purged walk-forward split: no label of the training set reaches into the test set."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torture import examples

from gcg_quant.backtest.models import walk_forward
from gcg_quant.errors import ModelError


@settings(max_examples=examples(200), deadline=None)
@given(
    st.lists(st.integers(1, 4), min_size=60, max_size=300),
    st.integers(1, 8),
    st.integers(1, 5),
    st.integers(0, 6),
)
def test_no_label_reaches_into_the_test_set(steps: list[int], horizon: int, folds: int, embargo: int) -> None:
    """Whatever bars the rows have: what is trained on is known, with the embargo, before what is tested; nothing more is purged."""
    bars = np.cumsum(steps)
    try:
        splits = list(walk_forward(bars, horizon, folds, embargo))
    except ModelError as error:
        assert "too few" in str(error)  # noqa: PT017
        return
    assert len(splits) == folds
    for split in splits:
        first = bars[split.test[0]]
        assert (bars[split.train] + horizon + embargo < first).all()
        purged = np.arange(len(split.train), split.test[0])
        assert len(purged) == split.purged
        assert (bars[purged] + horizon + embargo >= first).all()
    tested = np.concatenate([split.test for split in splits])
    assert (tested == np.arange(tested[0], len(bars))).all()


def test_a_split_by_hand() -> None:
    """Twelve rows, two folds: the rows whose labels reach into the test set are gone, and the embargo takes one more."""
    bars = np.arange(12)
    plain = [(split.train.tolist(), split.test.tolist(), split.purged) for split in walk_forward(bars, 1, 2)]
    assert plain == [([0, 1, 2], [4, 5, 6, 7], 1), ([0, 1, 2, 3, 4, 5, 6], [8, 9, 10, 11], 1)]
    held = [split.train.tolist() for split in walk_forward(bars, 1, 2, 1)]
    assert held == [[0, 1], [0, 1, 2, 3, 4, 5]]


@pytest.mark.parametrize(
    ("rows", "horizon", "folds", "embargo", "message"),
    [
        (10, 0, 2, 0, "horizon and folds of 1 or more"),
        (10, 1, 0, 0, "horizon and folds of 1 or more"),
        (10, 1, 2, -1, "no negative embargo"),
        (2, 1, 5, 0, "too few for 5 folds"),
        (10, 20, 2, 0, "too few for 2 folds, a horizon of 20"),
    ],
)
def test_a_split_that_makes_no_sense_is_refused(rows: int, horizon: int, folds: int, embargo: int, message: str) -> None:
    """Numbers that make no sense, and too few rows, are one sentence."""
    with pytest.raises(ModelError, match=message):
        list(walk_forward(np.arange(rows), horizon, folds, embargo))
