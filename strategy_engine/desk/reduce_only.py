"""Reduce-only orders: cut to what the strategy can close, so that they never open a position."""

from __future__ import annotations

from math import nan

from gcg_quant.events import OrderCommand, OrderFlag, OrderRequest, PositionSide, RiskReason, Side
from gcg_quant.instruments import Instrument

from ..accounts.accounts import Accounts
from ..orders.groups import are_legs, are_relatives
from ..orders.manager import OrderManager
from ..orders.order import Order, WholeTerms
from ..risk.engine import Finding
from .offsets import closable, closes

__all__ = ["check_larger", "closable_lots", "cut_to_position", "is_reduce_only"]

_REDUCE_ONLY = int(OrderFlag.REDUCE_ONLY)  # a plain number: each order asks


def is_reduce_only(request: OrderRequest | OrderCommand) -> bool:
    """Return whether a request may only close."""
    return bool(request.order_flags & _REDUCE_ONLY)


def cut_to_position(
    request: OrderRequest, whole: WholeTerms, instrument: Instrument, now_ns: int, accounts: Accounts, orders: OrderManager
) -> tuple[OrderRequest, WholeTerms, list[Finding]]:
    """Return a reduce-only request with at most what can be closed now, or what is wrong with it.

    That is the strategy's position, less what its other open orders of that side may close; the other legs of its group do not count,
    as only one of them is filled. Venues differ in how they keep an order reduce-only while it works, so none is asked to: the cut is made
    here, once when it is requested, and once more before one is sent that was held. A child of a bracket is cut then alone.
    """
    if request.parent:
        return request, whole, []
    working = orders.open_orders(request.strategy, request.instrument)
    if instrument.legs:
        found = closable(request, request.instrument, instrument, now_ns, accounts, working)
        held, left = found.held, found.lots
    else:
        held = _held(request, request.instrument, accounts)
        left = held - sum(one.left_lots for one in working if one.side == request.side and not are_legs(one, request))
    if left <= 0:
        what = "sell" if request.side == Side.SELL else "buy back"
        sentence = f"reduce-only: nothing of {request.symbol} is left to {what}"
        if held > 0:
            sentence += ", open orders close all of it"
        return request, whole, [Finding(RiskReason.BAD_QUANTITY, request.quantity, nan, sentence)]
    cut = WholeTerms(min(whole.lots, left), whole.price_ticks, whole.stop_ticks)
    quantity = request.quantity
    if cut != whole:
        quantity = instrument.quantity(cut.lots)
    return request.replace(quantity=quantity), cut, []


def check_larger(order: Order, lots: int, accounts: Accounts, orders: OrderManager) -> list[Finding]:
    """Return what is wrong with a reduce-only order that is to have `lots` in all: more than it has only if that can be closed.

    Where long and short are held apart its offset says that it closes, and `check_more` sees to it.
    """
    if not order.reduce_only or order.instrument.legs or lots <= order.whole.lots:
        return []
    held = _held(order.terms, order.number, accounts)
    working = orders.open_orders(order.strategy, order.number)
    others = sum(one.left_lots for one in working if one is not order and one.side == order.side and not are_relatives(one, order))
    left, free = lots - order.filled_lots, max(0, held - others)
    if left <= free:
        return []
    instrument = order.instrument
    wanted, most = instrument.quantity(left), instrument.quantity(free)
    return [Finding(RiskReason.BAD_QUANTITY, wanted, most, f"reduce-only: {wanted:g} is more than the {most:g} that can be closed")]


def _held(terms: OrderRequest | OrderCommand, number: int, accounts: Accounts) -> int:
    position = accounts.position(terms.strategy, number)
    held = position.lots if position is not None else 0
    return held if terms.side == Side.SELL else -held


def closable_lots(order: Order, accounts: Accounts) -> int:
    """Return how much of what is left of an order would close the strategy's position, and no more."""
    side = closes(order.side) if order.instrument.legs else PositionSide.NET
    position = accounts.position(order.strategy, order.number, side)
    held = position.lots if position is not None else 0
    return max(0, min(order.left_lots, held if order.side == Side.SELL else -held))
