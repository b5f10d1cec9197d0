"""The set-ups that are compared, by subject."""

from __future__ import annotations

from ..sides import Setup
from . import accounts, analyzers, bar_by_bar, computations, frames, liberties, live, loading, orders, runs, ways

__all__ = ["SETUPS"]

SETUPS: list[Setup] = [
    *orders.SETUPS,
    *accounts.SETUPS,
    *frames.SETUPS,
    *computations.SETUPS,
    *analyzers.SETUPS,
    *runs.SETUPS,
    *ways.SETUPS,
    *live.SETUPS,
    *bar_by_bar.SETUPS,
    *loading.SETUPS,
    *liberties.SETUPS,
]
