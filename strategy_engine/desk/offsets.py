"""Offsets: whether an order opens or closes, where long and short positions are held apart (`Instrument.legs`: China's futures).

An offset that an order names is checked against what may be closed: what is held, less what open orders may close already. An order
without one closes the other side first and opens the rest. Never is an order sent with an offset that says something else than what it
does: what one order cannot say is refused in words, or, by a gateway that nets orders itself, done without an offset.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import nan

from gcg_quant.events import Offset, OrderCommand, OrderFlag, OrderRequest, PositionSide, RiskReason, Side
from gcg_quant.instruments import Instrument

from ..accounts.accounts import Accounts
from ..orders.manager import OrderManager
from ..orders.order import Order
from ..risk.engine import Finding

__all__ = ["Closable", "asked_offset", "check_more", "choose_offset", "closable", "closes", "late_offset", "opens"]

_CLOSES = (Offset.CLOSE, Offset.CLOSE_TODAY, Offset.CLOSE_YESTERDAY)


@dataclass(frozen=True, slots=True)
class Closable:
    """The lots of a side that may be closed now, and what is held in all; `today` counts what was opened on the trading day."""

    today: int = 0
    yesterday: int = 0
    held_today: int = 0
    held_yesterday: int = 0

    @property
    def lots(self) -> int:
        """The lots of both days."""
        return self.today + self.yesterday

    @property
    def held(self) -> int:
        """The lots held, whether open orders may close them or not."""
        return self.held_today + self.held_yesterday


def opens(side: Side) -> PositionSide:
    """Return the position side that an order side opens; it closes the other one."""
    return PositionSide.LONG if side == Side.BUY else PositionSide.SHORT


def closes(side: Side) -> PositionSide:
    """Return the position side that an order side closes."""
    return PositionSide.SHORT if side == Side.BUY else PositionSide.LONG


def asked_offset(request: OrderRequest | OrderCommand) -> Offset | None:
    """Return the offset that a request names, or None if it names two that exclude each other.

    It may name the side of the position instead, or beside it.
    """
    if request.position_side == PositionSide.NET:
        asked = request.offset
    else:
        asked = Offset.OPEN if request.position_side == opens(request.side) else Offset.CLOSE
        if request.offset != Offset.NONE:
            if (request.offset == Offset.OPEN) != (asked == Offset.OPEN):
                return None
            asked = request.offset
    if request.order_flags & OrderFlag.REDUCE_ONLY and asked == Offset.NONE:
        return Offset.CLOSE
    return asked


def closable(
    request: OrderRequest | OrderCommand, number: int, instrument: Instrument, now_ns: int, accounts: Accounts, orders: Iterable[Order]
) -> Closable:
    """Return what orders of a request's side may close of its strategy's position.

    Args:
        request: its strategy, side and group count. Of an OCO group only one order counts, so that all of them may close the same lots.
        number: the instrument number.
        instrument: its terms; long and short are held apart.
        now_ns: event time, which says the trading day.
        accounts: what is held.
        orders: the strategy's open orders in the instrument. One that is held here is no claim yet: it is measured when it is sent.
    """
    position = accounts.position(request.strategy, number, closes(request.side))
    if position is None or not position.lots:
        return Closable()
    held_today = position.today_at(instrument.trading_day(now_ns))
    held_yesterday = abs(position.lots) - held_today
    today, yesterday, either = held_today, held_yesterday, 0
    for order in orders:
        offset = order.terms.offset
        if order.side != request.side or offset == Offset.OPEN or order.held or _only_one_counts(order.terms, request):
            continue
        if offset == Offset.CLOSE_TODAY:
            today -= order.left_lots
        elif offset == Offset.CLOSE_YESTERDAY:
            yesterday -= order.left_lots
        else:
            either += order.left_lots
    # The oldest lots go first. What an order was to close on the day that is over, it closes of what is older now.
    either += max(0, -today)
    today, yesterday = max(0, today), max(0, yesterday)
    rest = max(0, either - yesterday)
    return Closable(max(0, today - rest), max(0, yesterday - either), held_today, held_yesterday)


def choose_offset(
    request: OrderRequest, lots: int, instrument: Instrument, now_ns: int, accounts: Accounts, orders: OrderManager, *, nets: bool
) -> tuple[OrderRequest, list[Finding]]:
    """Return a request with the offset that says what it does, or what is wrong with the one that it has.

    Args:
        request: an order of an instrument whose sides are held apart.
        lots: its quantity.
        instrument: its terms.
        now_ns: event time.
        accounts: what is held.
        orders: what is open.
        nets: whether the gateway takes an order that closes and opens at once, without an offset.
    """
    return _choose(request, lots, instrument, now_ns, accounts, orders.open_orders(request.strategy, request.instrument), nets)


def late_offset(order: Order, now_ns: int, accounts: Accounts, orders: OrderManager, *, nets: bool) -> list[Finding]:
    """Give an order that waited the offset that is right now that it is sent; return what is wrong with it.

    Its terms and its report change, so that its next OrderEvent and its command say it.
    """
    if not order.instrument.legs or not isinstance(order.terms, OrderRequest):
        return []
    others = (one for one in orders.open_orders(order.strategy, order.number) if one is not order)
    terms, findings = _choose(order.terms, order.left_lots, order.instrument, now_ns, accounts, others, nets)
    order.terms = terms
    order.report = order.report.replace(offset=terms.offset, position_side=terms.position_side)
    return findings


def _choose(
    request: OrderRequest, lots: int, instrument: Instrument, now_ns: int, accounts: Accounts, others: Iterable[Order], nets: bool
) -> tuple[OrderRequest, list[Finding]]:
    asked = asked_offset(request)
    if asked is None:
        wrong = f"{request.side.name} {request.offset.name} is no order of the {request.position_side.name} side"
        return request, [Finding(RiskReason.UNSUPPORTED, nan, nan, wrong)]
    if asked == Offset.OPEN:
        if request.order_flags & OrderFlag.REDUCE_ONLY:
            return request, [Finding(RiskReason.UNSUPPORTED, nan, nan, "reduce-only: an order that opens closes nothing")]
        return _with(request, Offset.OPEN), []
    found = closable(request, request.instrument, instrument, now_ns, accounts, others)
    nets = nets and found.lots == found.held  # it would close what other orders are to close
    if asked == Offset.NONE:
        if not found.lots:
            return _with(request, Offset.OPEN), []
        if lots > found.lots:
            return (request, []) if nets else (request, [_unsayable(request, lots, found, instrument)])
    elif lots > _limit(asked, found):
        return request, [_too_much(request, asked, lots, found, instrument)]
    if not instrument.today_apart:
        if asked == Offset.CLOSE_TODAY and found.held_yesterday:
            sentence = f"{request.symbol}: the oldest lots are closed first, and {found.held_yesterday} are of before today: use CLOSE"
            return request, [Finding(RiskReason.UNSUPPORTED, nan, nan, sentence)]
        return _with(request, Offset.CLOSE), []
    if asked in (Offset.CLOSE_TODAY, Offset.CLOSE_YESTERDAY):
        return _with(request, asked), []
    if lots <= found.yesterday:
        return _with(request, Offset.CLOSE_YESTERDAY), []
    if lots <= found.today:
        return _with(request, Offset.CLOSE_TODAY), []
    return (request.replace(offset=Offset.NONE), []) if nets else (request, [_unsayable(request, lots, found, instrument)])


def check_more(order: Order, lots: int, now_ns: int, accounts: Accounts, orders: OrderManager) -> list[Finding]:
    """Return what is wrong with an order that is to have `lots` in all: one that closes must find them."""
    instrument, offset = order.instrument, order.terms.offset
    if not instrument.legs or offset not in _CLOSES:
        return []
    others = (one for one in orders.open_orders(order.strategy, order.number) if one is not order)
    found = closable(order.terms, order.number, instrument, now_ns, accounts, others)
    left = lots - order.filled_lots
    return [_too_much(order.terms, offset, left, found, instrument)] if left > _limit(offset, found) else []


def _only_one_counts(one: OrderRequest | OrderCommand, other: OrderRequest | OrderCommand) -> bool:
    if (one.parent, one.group) != (other.parent, other.group):
        return False
    return bool(one.parent or (one.group and one.order_flags & other.order_flags & OrderFlag.OCO))


def _with(request: OrderRequest, offset: Offset) -> OrderRequest:
    return request.replace(offset=offset, position_side=opens(request.side) if offset == Offset.OPEN else closes(request.side))


def _limit(offset: Offset, found: Closable) -> int:
    return {Offset.CLOSE_TODAY: found.today, Offset.CLOSE_YESTERDAY: found.yesterday}.get(offset, found.lots)


def _too_much(request: OrderRequest | OrderCommand, offset: Offset, lots: int, found: Closable, instrument: Instrument) -> Finding:
    held = {Offset.CLOSE_TODAY: found.held_today, Offset.CLOSE_YESTERDAY: found.held_yesterday}.get(offset, found.held)
    free = _limit(offset, found)
    wanted, left = instrument.quantity(lots), instrument.quantity(free)
    sentence = f"{offset.name} {wanted:g}: {left:g} of the {closes(request.side).name.lower()} {request.symbol} may be closed"
    if held > free:
        sentence += f", open orders close the other {instrument.quantity(held - free):g}"
    return Finding(RiskReason.BAD_QUANTITY, wanted, left, sentence)


def _unsayable(request: OrderRequest, lots: int, found: Closable, instrument: Instrument) -> Finding:
    opened = max(0, lots - found.lots)
    yesterday = min(lots, found.yesterday)
    today = min(lots - yesterday, found.today)
    if instrument.today_apart:
        parts = [("CLOSE_YESTERDAY", yesterday), ("CLOSE_TODAY", today), ("OPEN", opened)]
    else:
        parts = [("CLOSE", yesterday + today), ("OPEN", opened)]
    words = ", ".join(f"{instrument.quantity(count):g} {name}" for name, count in parts if count)
    what = "close and open" if opened else "close lots of today and lots of before"
    others = " while others are open that close" if found.lots < found.held else ""
    return Finding(RiskReason.UNSUPPORTED, nan, nan, f"one order cannot {what}{others}: send {words}")
