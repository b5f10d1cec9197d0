"""What must be true at the end: of the journal, of the venue's log, and of both together."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from typing import Any

from gcg_quant.bus import EventBus
from gcg_quant.events import Event, Fill, OrderCommand, OrderEvent, OrderFlag, OrderStatus, RiskVerdict
from gcg_quant.packing import pack_state
from gcg_quant.stateful import Follower
from gcg_quant.strategy_engine import TradingEngine
from gcg_quant.strategy_engine.desk.desk import TradingDesk
from gcg_quant.strategy_engine.desk.fold import TradingFold
from gcg_quant.strategy_engine.orders.states import FINAL_STATES

from .floor import cancel, change, order, tick
from .log import VenueRecord


def market_day(seed: int, rounds: int) -> list[Event]:
    """Return a market and requests of all kinds, half a second apart; the last seconds are quiet."""
    chance = random.Random(seed)
    events: list[Event] = []
    bid, sent = 100.0, 0
    for number in range(rounds):
        second = number / 2
        bid = min(120.0, max(80.0, bid + chance.choice((-1.0, -0.5, 0.0, 0.5, 1.0))))
        events.append(tick(second, bid, float(chance.randrange(1, 6))))
        kind = chance.random()
        if kind < 0.45:
            sent += 1
            price = chance.choice([None, bid - 2, bid - 0.5, bid, bid + 1, bid + 2])
            quantity = float(chance.choice([1, 2, 5, 9, 40, 300])) * chance.choice([-1, 1])
            one = order(f"k{sent}", quantity, price, second).replace(strategy=chance.choice(["s", "t"]))
            events.append(one.replace(order_flags=int(OrderFlag.REDUCE_ONLY)) if chance.random() < 0.2 else one)
        elif kind < 0.65 and sent:
            events.append(cancel(f"k{chance.randint(max(1, sent - 6), sent)}", second))
        elif kind < 0.8 and sent:
            target = f"k{chance.randint(max(1, sent - 6), sent)}"
            terms = chance.choice([{"price": bid - 1.0}, {"price": bid + 1.0}, {"quantity": float(chance.randrange(1, 12))}])
            events.append(change(target, second, **terms))
    return [*events, *(tick(rounds / 2 + 5 * after, bid, 3.0) for after in range(1, 4))]


def account_state(desk: TradingDesk) -> dict[str, Any]:
    """Return what an account is: orders, positions, money; without ids and times, which depend on how it came to be."""
    working, finished, *_ = desk.orders.put_down()
    accounts = desk.books.accounts
    return {
        "orders": {
            one.client_id: (one.status.name, one.whole.lots, one.whole.price_ticks, one.filled_lots, one.filled_value, one.trades)
            for one in (*working, *finished)
        },
        "positions": {
            f"{strategy} {number} {side.name}": (one.lots, repr(one.average_price), one.realised, one.fees)
            for (strategy, number, side), one in accounts.positions.items()
        },
        "money": {name: (one.cash, one.ledger, one.realised, one.fees) for name, one in accounts.money.items()},
    }


def state_hash(desk: TradingDesk) -> str:
    """Return the hash of an account's state."""
    state = account_state(desk)
    return hashlib.sha256(pack_state({name: sorted(rows.items()) for name, rows in state.items()})).hexdigest()


def check_recovery(bus: EventBus, engine: TradingEngine) -> None:
    """The engine's state is the fold of the journal, and a fold from the newest snapshot is one from the beginning, byte for byte."""
    folds = []
    for use_snapshots in (True, False):
        follower: Follower[TradingFold] = Follower(bus, engine.name, engine.new_fold, print)
        folds.append(follower.recover(use_snapshots=use_snapshots))
        follower.close()
    assert pack_state(folds[0].dump()) == pack_state(folds[1].dump())
    assert account_state(folds[1].desk) == account_state(engine.desk)
    assert not folds[1].pending


def check_venue(bus: EventBus, record: VenueRecord, at_venue: dict[str, Any]) -> None:
    """No order is lost, doubled or unknown, and every trade is settled once, at the venue's price.

    Args:
        bus: the journal.
        record: the venue's log.
        at_venue: its open orders by client id, when everything was over.
    """
    with bus.reader(start="begin", events=[OrderCommand, OrderEvent, Fill, RiskVerdict]) as reader:
        events: list[Any] = list(reader)
    commands = Counter(one.client_id for one in events if isinstance(one, OrderCommand))
    submitted = record.submitted()
    assert set(commands.values()) <= {1}, "an order is commanded once"
    assert set(submitted.values()) <= {1}, "no order is sent twice"
    latest = {one.client_id: one for one in events if isinstance(one, OrderEvent)}
    never = {name for name, one in latest.items() if one.status == OrderStatus.FAILED}
    # Said at the order's end; a late cancel may have been answered since.
    never |= {one.client_id for one in events if isinstance(one, OrderEvent) and "never reached" in one.reason}
    assert set(submitted) == set(commands) - never, "what was commanded is at the venue, and nothing else"
    passed = {one.client_id for one in events if isinstance(one, RiskVerdict) and one.passed}
    assert set(commands) <= passed
    theirs = [(row["trade_id"], row["client_id"], row["lots"], row["price"] * 0.5) for row in record.fills()]
    ours = [(one.trade_id, one.client_id, int(one.quantity), one.price) for one in events if isinstance(one, Fill)]
    assert sorted(ours) == sorted(theirs), "every trade is settled once"
    working = {name: one.quantity - one.filled_quantity for name, one in latest.items() if one.status not in FINAL_STATES}
    assert working == {name: row["lots"] - row["filled"] for name, row in at_venue.items()}, "what is open here is open there"
