"""How good predictions were."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...strategy_engine.models.record import Score

__all__ = ["area_under_curve", "log_loss", "mean_score", "rank_correlation", "score_of"]

Floats = npt.NDArray[np.float64]
_LEAST = 1e-12  # a probability of 0 or 1 that is wrong would cost everything


def area_under_curve(predictions: Floats, ups: npt.NDArray[np.bool_]) -> float | None:
    """Return the probability that a random rise was predicted higher than a random fall (ROC AUC); None if there are not both.

    By ranks, ties counting half: Mann and Whitney (1947).
    """
    rises = int(ups.sum())
    falls = len(ups) - rises
    if not rises or not falls:
        return None
    return float((_ranks(predictions)[ups].sum() - rises * (rises + 1) / 2) / (rises * falls))


def rank_correlation(predictions: Floats, returns: Floats) -> float | None:
    """Return Spearman's rank correlation, ties by their mean rank; None where one of the two never changes."""
    first, second = _ranks(predictions), _ranks(returns)
    first, second = first - first.mean(), second - second.mean()
    spread = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / spread if spread > 0 else None


def log_loss(predictions: Floats, ups: npt.NDArray[np.bool_]) -> float:
    """Return the mean negative log probability of what happened, in nats."""
    told = np.clip(np.where(ups, predictions, 1.0 - predictions), _LEAST, 1.0)
    return float(-np.log(told).mean())


def score_of(predictions: Floats, returns: Floats, training_share: float) -> Score:
    """Return the score of predicted probabilities of a rise by the returns that followed.

    Args:
        predictions: shape (rows,), 0 to 1.
        returns: shape (rows,).
        training_share: of rises in the training set: the baseline tells it every time.
    """
    ups = returns > 0
    return Score(
        rows=len(returns),
        auc=area_under_curve(predictions, ups),
        accuracy=float(((predictions > 0.5) == ups).mean()),
        ic=rank_correlation(predictions, returns),
        log_loss=log_loss(predictions, ups),
        baseline_log_loss=log_loss(np.full(len(returns), training_share), ups),
    )


def mean_score(scores: list[Score]) -> Score:
    """Return the mean of several, each by its rows; `rows` is their sum. What some do not have is the mean of the others."""
    means: dict[str, Any] = {}
    for name in ("auc", "accuracy", "ic", "log_loss", "baseline_log_loss"):
        there = [(getattr(one, name), one.rows) for one in scores if getattr(one, name) is not None]
        means[name] = sum(value * rows for value, rows in there) / sum(rows for _, rows in there) if there else None
    return Score(rows=sum(one.rows for one in scores), **means)


def _ranks(values: Floats) -> Floats:
    # 1 for the least; equal ones share the mean of their places.
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means = last - (counts - 1) / 2
    ranks: Floats = means[which].astype(np.float64)
    return ranks
