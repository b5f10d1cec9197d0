"""How thorough tests are: as always, or as `make torture` wants them."""

from __future__ import annotations

import os

__all__ = ["FULL", "examples"]

FULL = "GCG_TORTURE_S" in os.environ  # as `make torture` sets it


def examples(most: int) -> int:
    """Return how many examples a property is tried with: `most` in `make torture`, else a fourth of them."""
    return most if FULL else most // 4
