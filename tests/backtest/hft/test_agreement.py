"""The native engine beside the trading engine and its paper gateway: the same ticks, the same orders, event for event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from torture import examples

from gcg_quant._native import TickEngine
from gcg_quant.bus import EventBus
from gcg_quant.events import (
    CancelRequest,
    Fill,
    ModifyRequest,
    OrderEvent,
    OrderFlag,
    OrderRequest,
    OrderType,
    Side,
    Tick,
    TimeInForce,
    World,
)
from gcg_quant.instruments import Instrument
from gcg_quant.strategy_engine.gateways import PaperGateway
from gcg_quant.strategy_engine.risk.limits import LIMIT_NAMES, RULE_NAMES, RiskLimits, RiskRules, native_limits
from gcg_quant.strategy_engine.trading import TradingConfig, TradingEngine

SHARE = Instrument(symbol="S", venue="V", tick_size=0.01, lot_size=1.0, taker_fee=0.0005, maker_fee=0.0001, min_fee=0.02)
BEGIN = 1_700_000_000_000_000_000
STEP = 500_000_000
CASH = 10_000.0
LIMITS = RiskLimits(max_order_quantity=40.0, max_position_quantity=60.0)


@dataclass(frozen=True)
class Ask:
    """What a strategy does when it has seen a tick: an order, or a cancel or change of an earlier one."""

    at: int
    kind: str = "order"
    target: int = 0  # counts the orders
    side: Side = Side.BUY
    type: OrderType = OrderType.LIMIT
    force: TimeInForce = TimeInForce.GTC
    quantity: int = 1
    away: int = 0  # ticks from the bid (a purchase) or the ask (a sale), to the disadvantage of the order's chances
    post_only: bool = False

    def price(self, tick: Any) -> float:
        """Return the limit price that it means."""
        own = tick["bid_price"] if self.side == Side.BUY else tick["ask_price"]
        return round(float(own) + (-self.away if self.side == Side.BUY else self.away) * 0.01, 2)

    def stop(self, tick: Any) -> float:
        """Return the stop price that it means."""
        other = tick["ask_price"] if self.side == Side.BUY else tick["bid_price"]
        return round(float(other) + (self.away if self.side == Side.BUY else -self.away) * 0.01, 2)


PRICED = (OrderType.LIMIT, OrderType.STOP_LIMIT)
STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)

asks = st.builds(
    Ask,
    at=st.integers(0, 59),
    kind=st.sampled_from(["order", "order", "order", "cancel", "modify"]),
    target=st.integers(0, 8),
    side=st.sampled_from([Side.BUY, Side.SELL]),
    type=st.sampled_from([OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET, OrderType.STOP, OrderType.STOP_LIMIT]),
    force=st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
    quantity=st.integers(1, 50),
    away=st.integers(-3, 3),
    post_only=st.booleans(),
)


def ticks(seed: int, count: int = 60) -> np.ndarray:
    """Return a walk of quotes with sizes, some of them without a trade."""
    random = np.random.default_rng(seed)
    rows = np.zeros(count, Tick.dtype)
    rows[:] = np.frombuffer(memoryview(Tick(symbol="S", venue="V")), Tick.dtype)[0]
    bids = 10_000 + np.cumsum(random.integers(-2, 3, count))
    rows["event_ns"] = rows["recv_ns"] = BEGIN + STEP * np.arange(count)
    rows["bid_price"], rows["ask_price"] = bids / 100, (bids + random.integers(1, 3, count)) / 100
    rows["bid_size"], rows["ask_size"] = random.integers(1, 30, count), random.integers(1, 30, count)
    rows["last_price"] = np.where(random.random(count) < 0.5, rows["bid_price"], rows["ask_price"])
    rows["volume"], rows["volume_kind"] = np.cumsum(random.integers(0, 12, count)), 1
    return rows


def terms() -> dict[str, Any]:
    """Return the instrument as the native engine takes it."""
    plain = {name: getattr(SHARE, name) for name in SHARE.__struct_fields__}
    return {**plain, "tick_ratio": (1, 100), "lot_ratio": (1, 1), "margined": False, "sides": 0}


def told(event: OrderEvent | Fill) -> tuple[Any, ...]:
    """Return what both must say of an order or a fill."""
    if isinstance(event, Fill):
        return "fill", event.event_ns, event.price, event.quantity, event.fee, event.liquidity, event.side
    price = None if event.price != event.price else event.price
    average = None if event.average_price != event.average_price else event.average_price
    reason = event.reason.replace("paper gateway", "venue")
    return event.status.name, event.event_ns, event.quantity, event.filled_quantity, average, price, reason


def native(rows: np.ndarray, script: Sequence[Ask]) -> tuple[dict[int, list[Any]], float]:
    """Run the script in the native engine; return {order: what was said of it} and the cash left."""
    engine = TickEngine(cash=CASH, sample_ns=0)
    engine.add_instrument(1, "S", "V", terms())
    rules = {name: getattr(LIMITS, name) for name in (*LIMIT_NAMES, *RULE_NAMES)}
    engine.risk.set_limits(strategy=0, instrument=0, **native_limits(rules, everywhere=True))
    engine.add_rows(1, Tick, rows)
    said: dict[int, list[Any]] = {}
    ids: list[str] = []
    row = iter(range(len(rows)))

    def hear(event: OrderEvent | Fill) -> None:
        said.setdefault(int(event.client_id.partition("-")[2]) - 1, []).append(told(event))

    def on_tick(_: Tick) -> None:
        at = next(row)
        for ask in script:
            if ask.at == at:
                act(ask, rows[at])

    def act(ask: Ask, tick: Any) -> None:
        if ask.kind == "order":
            price = ask.price(tick) if ask.type in PRICED else nan
            stop = ask.stop(tick) if ask.type in STOPS else nan
            ids.append(desk.send_order("S", ask.side, price, ask.quantity, ask.type, ask.force, stop_price=stop, post_only=ask.post_only))
        elif ask.target < len(ids):
            if ask.kind == "cancel":
                desk.cancel(ids[ask.target])
            else:
                try_modify(ids[ask.target], ask, tick)

    def try_modify(order: str, ask: Ask, tick: Any) -> None:
        try:
            desk.modify(order, quantity=ask.quantity, price=ask.price(tick))
        except Exception as error:
            assert "would change" in str(error) or "filled already" in str(error)  # noqa: PT017

    desk = engine.add_strategy("s", {"on_tick": on_tick, "on_order": hear, "on_fill": hear})
    engine.run()
    return said, engine.cash()


def paper(folder: Path, rows: np.ndarray, script: Sequence[Ask]) -> tuple[dict[int, list[Any]], float]:
    """Run the script through the trading engine on a bus of its own; return the same."""
    with EventBus(folder, world=World.PAPER, page_mb=1) as bus:
        number = bus.instruments.add(SHARE)
        engine = TradingEngine(TradingConfig(account="a", currency="USD", cash=CASH), RiskRules(limits=LIMITS), PaperGateway())
        engine.start(bus, threaded=False)
        rows = rows.copy()
        rows["instrument"] = number
        sent: list[str] = []
        for at in range(len(rows)):
            bus.publish_batch(rows[at : at + 1])
            settle(engine)
            for ask in script:
                if ask.at == at:
                    publish(bus, ask, rows[at], sent)
                    settle(engine)
        cash = engine.desk.books.accounts.in_currency("USD").cash
        engine.stop()
        said: dict[int, list[Any]] = {}
        with bus.reader(start="begin", events=[OrderEvent, Fill]) as reader:
            for event in reader:
                said.setdefault(sent.index(event.client_id), []).append(told(event))
    return said, cash


def settle(engine: TradingEngine) -> None:
    """Let the engine handle all that there is."""
    while engine.turn():
        pass


def publish(bus: EventBus, ask: Ask, tick: Any, sent: list[str]) -> None:
    """Publish what the script asks for after a tick."""
    common: dict[str, Any] = {"account": "a", "strategy": "s", "event_ns": int(tick["event_ns"]), "symbol": "S", "venue": "V"}
    if ask.kind == "order":
        sent.append(f"s-{len(sent) + 1}")
        bus.publish(
            OrderRequest(
                **common,
                client_id=sent[-1],
                side=ask.side,
                order_type=ask.type,
                time_in_force=ask.force,
                quantity=ask.quantity,
                price=ask.price(tick) if ask.type in PRICED else nan,
                stop_price=ask.stop(tick) if ask.type in STOPS else nan,
                order_flags=OrderFlag.POST_ONLY if ask.post_only else OrderFlag.NONE,
            )
        )
    elif ask.target < len(sent):
        if ask.kind == "cancel":
            bus.publish(CancelRequest(**common, client_id=sent[ask.target]))
        else:
            bus.publish(ModifyRequest(**common, client_id=sent[ask.target], quantity=ask.quantity, price=ask.price(tick)))


ANSWERS_ONLY_ON_PAPER = ("cancel refused: the order is", "change refused: the order is", "change refused: nothing", "filled already")


def heard(said: dict[int, list[Any]]) -> dict[int, list[Any]]:
    """Return what was said without the refusals that the native engine gives as a return value or an exception."""
    return {
        order: [one for one in lines if one[0] == "fill" or not any(word in one[-1] for word in ANSWERS_ONLY_ON_PAPER)]
        for order, lines in said.items()
    }


@settings(max_examples=examples(32), deadline=None)
@given(seed=st.integers(0, 10_000), script=st.lists(asks, max_size=25))
def test_orders_fills_and_cash_are_those_of_paper(seed: int, script: list[Ask]) -> None:
    """Every state of every order, every fill and the cash, to the last bit."""
    script = sorted(script, key=lambda ask: ask.at)
    rows = ticks(seed)
    here, cash = native(rows, script)
    with TemporaryDirectory() as folder:
        there, paper_cash = paper(Path(folder) / "bus", rows, script)
    assert heard(here) == heard(there)
    assert cash == paper_cash
