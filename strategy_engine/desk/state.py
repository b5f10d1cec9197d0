"""A trading fold as plain values and back: orders, positions, money, and what was left half done.

The order of everything is kept, because it is part of the state: sums run in it, and the oldest entries are forgotten first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gcg_quant.errors import ComponentError
from gcg_quant.events import OrderStatus, PositionSide
from gcg_quant.instrument_codec import decode_terms, encode_terms
from gcg_quant.instruments import Instrument
from gcg_quant.packing import pack_event

from ..accounts.accounts import Cash
from ..accounts.position import Position
from ..orders.order import Order, WholeTerms

if TYPE_CHECKING:
    from .fold import TradingFold
    from .funding import FundingDue

__all__ = ["dump_trading", "load_trading"]


class _Terms:
    # Instruments, each written once; what refers to one holds its place in the list.

    def __init__(self) -> None:
        self.rows: list[tuple[str, str, bytes]] = []
        self._places: dict[Instrument, int] = {}
        self._seen: dict[int, int] = {}  # by identity: comparing all terms of thousands of orders takes its time

    def place(self, instrument: Instrument) -> int:
        """Return the place of an instrument."""
        place = self._seen.get(id(instrument))
        if place is None:
            place = self._places.get(instrument)
            if place is None:
                place = self._places[instrument] = len(self.rows)
                self.rows.append((instrument.symbol, instrument.venue, encode_terms(instrument)))
            self._seen[id(instrument)] = place
        return place


def dump_trading(fold: TradingFold) -> dict[str, Any]:
    """Return all that a fold knows as plain values and packed events."""
    desk, accounts, terms = fold.desk, fold.desk.books.accounts, _Terms()
    working, finished, client_ids, trades = desk.orders.put_down()
    return {
        "account": accounts.account,
        "currency": accounts.currency,
        "numbers": [(number, terms.place(one)) for number, one in desk.terms.by_number.items()],
        "open": [_dump_order(order, terms) for order in working],
        "finished": [_dump_order(order, terms) for order in finished],
        "client_ids": client_ids,
        "trades": trades,
        "positions": [_dump_position(one, terms) for one in accounts.positions.values()],
        "money": [(one.currency, one.cash, one.ledger, one.realised, one.fees) for one in accounts.money.values()],
        "bought": accounts.bought.rows(),
        "funding": _dump_funding(desk.funding),
        "payments": None if accounts.funding is None else accounts.funding.rows(),
        "pending": [pack_event(one) for one in fold.pending.values()],
        "refused": [(request, pack_event(verdict)) for request, (_, verdict) in fold.refused.items()],
        "checked": list(fold.checked.items()),
        "changes": [(order, pack_event(request), verdict) for order, changes in fold.changes.items() for request, verdict in changes],
        "refusing": fold.refusing,
        "unreported": [(order, pack_event(fill)) for order, fill in fold.unreported.items()],
        "unposted": [(*key, pack_event(fill)) for key, fill in fold.unposted.items()],
        "unbooked": [(currency, pack_event(fill)) for currency, fill in fold.unbooked.items()],
        "base_of_day": [(currency, pack_event(event)) for currency, event in fold.base_of_day.items()],
        "day": fold.day,
        "opened": fold.opened,
        "kill_switch": fold.kill_switch,
        "halt": fold.halt,
        "accepted": None if fold.accepted is None else list(fold.accepted.items()),
        "resumed": fold.resumed,
        "last_input": fold.last_input,
        "last_time_ns": fold.last_time_ns,
        "recent": list(fold.recent),
        "roots": list(fold.roots.items()),
        "terms": terms.rows,
    }


def load_trading(fold: TradingFold, state: dict[str, Any]) -> None:
    """Take over a state into a fold whose desk is new.

    Raises:
        ComponentError: the state is of another account or currency. STATE_ERRORS: it is none.
    """
    desk, accounts = fold.desk, fold.desk.books.accounts
    for name, own in (("account", accounts.account), ("currency", accounts.currency)):
        if state[name] != own:
            raise ComponentError(f"The state is of the {name} {state[name]!r}, and this engine's is {own!r}.")
    terms = [decode_terms(symbol, venue, data) for symbol, venue, data in state["terms"]]
    for number, place in state["numbers"]:
        desk.terms.take(number, terms[place])
    working, finished = ([_load_order(row, terms) for row in state[name]] for name in ("open", "finished"))
    desk.orders.take_up(working, finished, state["client_ids"], [(client_id, trade_id) for client_id, trade_id in state["trades"]])
    for row in state["positions"]:
        position = _load_position(row, terms)
        accounts.positions[position.strategy, position.number, position.side] = position
    accounts.bought.load(state["bought"] if "bought" in state else _bought_before(accounts.positions.values()))
    rates, passed = state.get("funding", ((), ()))  # states of before funding was booked have none
    desk.funding.load([(number, event) for number, event in rates], [(number, due_ns) for number, due_ns in passed])
    if accounts.funding is not None and state.get("payments") is not None:
        accounts.funding.load(state["payments"])
    accounts.money.clear()
    accounts.money.update({row[0]: Cash(*row) for row in state["money"]})
    fold.pending.update({event.id: event for event in state["pending"]})
    orders = {order.request_id: order for order in working}
    fold.refused.update({request: (orders[request], verdict) for request, verdict in state["refused"]})
    fold.checked.update(state["checked"])
    for order_id, request, verdict in state["changes"]:
        fold.changes.setdefault(order_id, []).append((request, verdict))
    fold.refusing = state.get("refusing", 0)
    fold.unreported.update(state["unreported"])
    fold.unposted.update({(strategy, number, PositionSide(*side)): fill for strategy, number, *side, fill in state["unposted"]})
    fold.unbooked.update(state["unbooked"])
    fold.base_of_day.update(state["base_of_day"])
    fold.day, fold.opened, fold.kill_switch = state["day"], state["opened"], state["kill_switch"]
    fold.halt, fold.resumed = state.get("halt", ""), state.get("resumed", 0)  # states of before real venues know of none
    accepted = state.get("accepted")
    fold.accepted = None if accepted is None else dict(accepted)
    fold.last_input, fold.last_time_ns = state["last_input"], state["last_time_ns"]
    fold.recent = deque((strategy, number, event_ns) for strategy, number, event_ns in state["recent"])
    fold.roots.update(state["roots"])


def _bought_before(positions: Iterable[Position]) -> list[tuple[int, int, int]]:
    # A state of before this was kept: what the strategies hold of their newest day is the most that it knows.
    lots: dict[tuple[int, int], int] = {}
    for one in positions:
        if one.instrument.t_plus_one and one.lots > 0 and one.today_lots:
            lots[one.number, one.day] = lots.get((one.number, one.day), 0) + one.today_lots
    return [(number, day, lots[number, day]) for number, day in sorted(lots)]


def _dump_funding(funding: FundingDue) -> tuple[Any, ...]:
    rates, passed = funding.rows()
    return [(number, pack_event(event)) for number, event in rates], passed


def _dump_order(order: Order, terms: _Terms) -> tuple[Any, ...]:
    whole = order.whole
    return (
        order.request_id,
        order.client_id,
        order.strategy,
        order.number,
        terms.place(order.instrument),
        pack_event(order.terms),
        (whole.lots, whole.price_ticks, whole.stop_ticks),
        pack_event(order.report),
        order.status,
        order.filled_lots,
        order.filled_value,
        order.trades,
        order.venue_order_id,
        order.triggered,
        order.cancel_commanded,
        order.asked_lots,
        order.expire_ns,
        order.held,
        order.waits,
        order.reduce_only,
    )


def _load_order(row: list[Any], terms: list[Instrument]) -> Order:
    request_id, client_id, strategy, number, place, request, whole, report, status, *rest = row
    return Order(request_id, client_id, strategy, number, terms[place], request, WholeTerms(*whole), report, OrderStatus(status), *rest)


def _dump_position(one: Position, terms: _Terms) -> tuple[Any, ...]:
    place, money = terms.place(one.instrument), (one.average_price, one.realised, one.fees, one.last_price)
    return one.strategy, one.number, place, one.lots, *money, one.today_lots, one.day, one.side


def _load_position(row: list[Any], terms: list[Instrument]) -> Position:
    # Rows of a version that knew net positions only have no side.
    strategy, number, place, lots, average, realised, fees, last, today, day, *side = row
    return Position(strategy, number, terms[place], lots, average, realised, fees, last, today, day, PositionSide(*side))
