"""Scores of predictions, against plain definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.backtest.models.scores import area_under_curve, log_loss, mean_score, rank_correlation, score_of


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=40))
def test_area_is_the_share_of_pairs_in_order(pairs: list[tuple[int, bool]]) -> None:
    """Counted pair by pair, ties half, it is the same; None where there are not both."""
    predictions, ups = np.array([one for one, _ in pairs], float), np.array([up for _, up in pairs])
    rises, falls = predictions[ups], predictions[~ups]
    found = area_under_curve(predictions, ups)
    if not len(rises) or not len(falls):
        assert found is None
        return
    won = sum(1.0 if rise > fall else 0.5 if rise == fall else 0.0 for rise in rises for fall in falls)
    assert found == pytest.approx(won / (len(rises) * len(falls)))


def test_scores_of_a_case_by_hand() -> None:
    """Four predictions whose figures one can work out."""
    predictions, returns = np.array([0.9, 0.6, 0.4, 0.2]), np.array([0.02, -0.01, 0.01, -0.03])
    score = score_of(predictions, returns, 0.5)
    assert score.rows == 4
    assert score.auc == pytest.approx(0.75)
    assert score.accuracy == pytest.approx(0.5)
    assert score.ic == pytest.approx(0.8)
    assert score.log_loss == pytest.approx(-(math.log(0.9) + math.log(0.4) + math.log(0.4) + math.log(0.8)) / 4)
    assert score.baseline_log_loss == pytest.approx(math.log(2))


def test_certain_and_wrong_is_not_infinite() -> None:
    """A probability of 0 for what happened costs much and not everything; a prediction that never changes has no rank correlation."""
    assert 20 < log_loss(np.array([0.0]), np.array([True])) < 30
    assert rank_correlation(np.array([0.5, 0.5]), np.array([0.1, 0.2])) is None


def test_mean_is_by_rows() -> None:
    """A fold of three times the rows counts three times."""
    first = score_of(np.array([0.9]), np.array([0.1]), 0.5)
    second = score_of(np.array([0.1, 0.2, 0.3]), np.array([0.1, 0.1, 0.1]), 0.5)
    assert mean_score([first, second]).accuracy == pytest.approx(0.25)
    assert mean_score([first, second]).rows == 4
    assert mean_score([first, second]).auc is None
