"""What is paid in full when it is bought (shares, coins), under Backtrader's own commission schemes.

Their executions are in fast_fills.cpp, and what they would cost in fast_submission.cpp: the same operations on the same numbers in the same
order as `BackBroker._execute` with `CommInfoBase`, whose methods are not called.
"""

from __future__ import annotations

from typing import Any

from backtrader.comminfo import CommInfoBase

from .stock import overridden

__all__ = ["is_paid_in_full"]

FORMULAS = (
    "getvaluesize",
    "getoperationcost",
    "get_leverage",
    "profitandloss",
    "cashadjust",
    "getcommission",
    "_getcommission",
    "confirmexec",
)
_kinds: dict[type, bool] = {}


def is_paid_in_full(scheme: Any) -> bool:
    """Return whether all that `scheme` does at an execution is known."""
    cls = type(scheme)
    if cls not in _kinds:
        _kinds[cls] = not overridden(cls, CommInfoBase, (*FORMULAS, "margin", "stocklike"))
    return _kinds[cls] and bool(scheme._stocklike)
