"""Which orders belong together: the legs of a group of which one counts (OCO), and a bracket's parent and children."""

from __future__ import annotations

from collections.abc import Sequence

from gcg_quant.events import OrderFlag, OrderRequest, OrderStatus

from .order import Order

__all__ = ["OrderGroups", "are_legs", "are_relatives"]

_NOT_PLACED = frozenset({OrderStatus.NEW, OrderStatus.RISK_CHECKED})
_GONE = frozenset({OrderStatus.CANCELLED, OrderStatus.EXPIRED})
_Key = tuple[str, str, str]  # strategy, parent, group


class OrderGroups:
    """Finds an order's relatives, and says how much of it they leave.

    Children of one parent with the same group name are legs of one group; so are orders without a parent that have the same group name and
    the OCO flag. Everything it says is a function of the orders' states and fills, so that it can be found again at any time. It knows an
    order as long as the order manager does.
    """

    def __init__(self) -> None:
        self._legs: dict[_Key, list[Order]] = {}
        self._children: dict[str, list[Order]] = {}

    def add(self, order: Order) -> None:
        """Take in an order; one without relatives is passed over."""
        if not order.is_of_a_set:
            return
        self._legs.setdefault(_key(order), []).append(order)
        if order.terms.parent:
            self._children.setdefault(order.terms.parent, []).append(order)

    def forget(self, order: Order) -> None:
        """Forget a finished order."""
        if not order.is_of_a_set:
            return
        self._legs[_key(order)].remove(order)
        if not self._legs[_key(order)]:
            del self._legs[_key(order)]
        parent = order.terms.parent
        if parent:
            self._children[parent].remove(order)
            if not self._children[parent]:
                del self._children[parent]

    def has_relatives(self, order: Order) -> bool:
        """Return whether an order belongs to others."""
        return order.is_of_a_set or order.client_id in self._children

    def others(self, order: Order) -> list[Order]:
        """Return the other legs of an order's group, oldest first."""
        return [other for other in self._legs.get(_key(order), ()) if other is not order] if order.is_of_a_set else []

    def children(self, order: Order) -> Sequence[Order]:
        """Return the orders whose parent it is, oldest first."""
        return self._children.get(order.client_id, ())

    def why_over(self, order: Order, parent: Order | None) -> str:
        """Return why an order has to go, in words; "" while it may work.

        A leg that never worked (rejected, failed, or too late when it came) leaves the others alone: a stop loss must not go because its
        take-profit was refused. A child's fill ends what its parent still buys: the way out was taken.
        """
        filled = next((child for child in self.children(order) if child.status == OrderStatus.FILLED), None)
        if filled is not None:
            return f"its child {filled.client_id} is FILLED"
        if not order.is_of_a_set:
            return ""
        if parent is not None and parent.is_final and not parent.filled_lots:
            return f"its parent {parent.client_id} is {parent.status.name}, unfilled"
        for other in self.others(order):
            gone = other.status in _GONE and other.report.previous_status not in _NOT_PLACED
            if gone or (other.status == OrderStatus.FILLED and parent is None):
                return f"the leg {other.client_id} of its group is {other.status.name}"
        # While the parent works, a held child waits for more of it.
        not_sent = order.held or order.status == OrderStatus.RISK_CHECKED
        may_wait = not_sent and parent is not None and not parent.is_final
        if not may_wait and self.lots_for(order, parent) <= order.filled_lots:
            return "the fills of its group leave nothing of it"
        return ""

    def why_late(self, order: Order, parent: Order | None) -> str:
        """Return why an order that comes now is too late, in words; "" if it is not."""
        why = self.why_over(order, parent)
        if not why and parent is None:
            filled = next((other for other in self.others(order) if other.filled_lots), None)
            why = f"the leg {filled.client_id} of its group is filled in part" if filled is not None else ""
        return why

    def lots_for(self, order: Order, parent: Order | None) -> int:
        """Return the whole quantity that an order may have, filled or not.

        That is what was asked for, or what its parent has filled if that is less, without what other legs have filled. A leg in another
        instrument takes all of it with its first fill: their lots do not compare.
        """
        if not order.is_of_a_set or (order.terms.parent and parent is None):  # a parent that is long done and forgotten
            return order.whole.lots
        lots = order.asked_lots if parent is None else min(order.asked_lots, parent.filled_lots)
        for other in self.others(order):
            if other.filled_lots:
                lots -= other.filled_lots if other.number == order.number else lots
        return max(0, lots if parent is not None else min(lots, order.whole.lots))


def are_legs(order: Order, request: OrderRequest) -> bool:
    """Return whether an order and a request belong to one group, so that only one of them counts."""
    together = bool(request.parent or (request.group and request.order_flags & OrderFlag.OCO))
    return together and order.is_of_a_set and _key(order) == (request.strategy, request.parent, request.group)


def are_relatives(one: Order, other: Order) -> bool:
    """Return whether two orders belong to one group, so that only one of them counts."""
    return one.is_of_a_set and other.is_of_a_set and _key(one) == _key(other)


def _key(order: Order) -> _Key:
    return order.strategy, order.terms.parent, order.terms.group
