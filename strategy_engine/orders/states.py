"""The states an order goes through, and which of them may follow which."""

from __future__ import annotations

from gcg_quant.events import OrderStatus

__all__ = ["FINAL_STATES", "NEXT_STATES", "WORKING_STATES", "may_follow"]

_NEW, _CHECKED, _SUBMITTING = OrderStatus.NEW, OrderStatus.RISK_CHECKED, OrderStatus.SUBMITTING
_ACCEPTED, _PARTLY, _FILLED = OrderStatus.ACCEPTED, OrderStatus.PARTLY_FILLED, OrderStatus.FILLED
_CANCELLING, _CANCELLED = OrderStatus.CANCELLING, OrderStatus.CANCELLED
_REJECTED, _EXPIRED, _FAILED = OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.FAILED

FINAL_STATES = frozenset({_FILLED, _CANCELLED, _REJECTED, _EXPIRED, _FAILED})
WORKING_STATES = frozenset({_SUBMITTING, _ACCEPTED, _PARTLY, _CANCELLING})  # the venue has it, or may have it

_ENDS = frozenset({_CANCELLED, _EXPIRED, _FILLED, _FAILED})

NEXT_STATES: dict[OrderStatus, frozenset[OrderStatus]] = {
    _NEW: frozenset({_CHECKED, _REJECTED}),
    # ACCEPTED without a venue: the order is held here.
    _CHECKED: frozenset({_SUBMITTING, _ACCEPTED, _CANCELLED, _EXPIRED, _FAILED}),
    # A fill may overtake the acknowledgement, and a venue may end an order that it never acknowledged.
    _SUBMITTING: _ENDS | {_ACCEPTED, _PARTLY, _CANCELLING, _REJECTED},
    # SUBMITTING is for held orders alone, which are sent once; the order manager sees to it.
    _ACCEPTED: _ENDS | {_SUBMITTING, _PARTLY, _CANCELLING, _REJECTED},
    _PARTLY: _ENDS | {_PARTLY, _CANCELLING},
    # A venue that refuses the cancellation leaves the order as it was; one that refuses the order itself may say so late.
    _CANCELLING: _ENDS | {_ACCEPTED, _PARTLY, _REJECTED},
    **dict.fromkeys(FINAL_STATES, frozenset[OrderStatus]()),
}


def may_follow(before: OrderStatus, after: OrderStatus) -> bool:
    """Return whether an order in state `before` may go over to `after`."""
    return after in NEXT_STATES[before]
