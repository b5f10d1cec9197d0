"""Orders of every kind through the engine: what a strategy sends, is told and has, on a market that does what the test says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tick_kit import NOON, SECOND, TERMS, make_ticks

from gcg_quant.backtest import hft
from gcg_quant.errors import OrderError, SettingsError
from gcg_quant.events import Liquidity


class Plan(hft.Strategy):
    """Does what its plan says at the tick of that number, and notes what it is told."""

    def __init__(self, plan: dict[int, Callable[[Plan], Any]]) -> None:
        self.plan = plan
        self.number = 0
        self.said: list[str] = []
        self.answers: list[Any] = []

    def on_tick(self, tick: hft.Tick) -> None:
        """Do what is planned."""
        self.number += 1
        step = self.plan.get(self.number)
        if step is not None:
            self.answers.append(step(self))

    def on_order(self, order: hft.Order) -> None:
        """Note the order's state."""
        if order.status is not hft.OrderStatus.SUBMITTING:
            self.said.append(f"{self.number} {order.client_id[5:]} {order.status.name}{': ' if order.reason else ''}{order.reason}")

    def on_fill(self, fill: hft.Fill) -> None:
        """Note the fill."""
        self.said.append(f"{self.number} {fill.client_id[5:]} {fill.side.name} {fill.quantity:g} at {fill.price:g} {fill.liquidity.name}")


def run(make_engine: Any, prices: list[float], plan: dict[int, Callable[[Plan], Any]], **settings: Any) -> Plan:
    """Run a plan over prices, a tick a second with a spread of 1 and 10 on both sides; return the strategy."""
    strategy = Plan(plan)
    make_engine(strategy, data={"ABC@SIM": make_ticks(prices)}, **settings).run()
    return strategy


@pytest.mark.parametrize(
    ("send", "prices", "said"),
    [
        (lambda s: s.buy("ABC", None, 2), [100, 100], ["1 1 ACCEPTED", "1 1 BUY 2 at 100.5 TAKER", "1 1 FILLED"]),
        (lambda s: s.sell("ABC", None, 2), [100, 100], ["1 1 ACCEPTED", "1 1 SELL 2 at 99.5 TAKER", "1 1 FILLED"]),
        (lambda s: s.buy("ABC", 99.0, 2), [100, 99, 98], ["1 1 ACCEPTED", "3 1 BUY 2 at 99 MAKER", "3 1 FILLED"]),
        (lambda s: s.buy("ABC", 100.5, 15, time_in_force=hft.TimeInForce.IOC), [100, 100], ["10 at 100.5", "CANCELLED"]),
        (lambda s: s.buy("ABC", 100.5, 15, time_in_force=hft.TimeInForce.FOK), [100, 100], ["CANCELLED"]),
        (lambda s: s.buy("ABC", 100.5, 2, post_only=True), [100, 100], ["REJECTED: post-only"]),
        (lambda s: s.buy("ABC", None, 1, stop_price=102.0), [100, 101, 103], ["1 1 ACCEPTED", "3 1 BUY 1 at 103.5 TAKER", "3 1 FILLED"]),
        (lambda s: s.sell("ABC", 97.0, 1, stop_price=98.0), [100, 99, 97.5], ["1 1 ACCEPTED", "3 1 SELL 1 at 97 TAKER", "3 1 FILLED"]),
        (lambda s: s.sell("ABC", None, 1, trail_amount=2.0), [100, 104, 101.5], ["1 1 ACCEPTED", "3 1 SELL 1 at 101 TAKER", "3 1 FILLED"]),
        (lambda s: s.sell("ABC", None, 1, trail_percent=0.02), [100, 103, 100], ["1 1 ACCEPTED", "3 1 SELL 1 at 99.5 TAKER", "3 1 FILLED"]),
        (lambda s: s.buy("ABC", 90.0, 1, expire=NOON + SECOND), [100, 100, 100], ["1 1 ACCEPTED", "2 1 EXPIRED"]),
        (lambda s: s.buy("ABC", 90.0, 1, time_in_force=hft.TimeInForce.DAY), [100, 100], ["1 1 ACCEPTED"]),
    ],
    ids=["market buy", "market sell", "limit", "ioc", "fok", "post only", "stop", "stop limit", "trail", "trail percent", "gtd", "day"],
)
def test_every_kind_of_order(make_engine: Any, send: Callable[[Plan], str], prices: list[float], said: list[str]) -> None:
    """Each kind is accepted, waits for what it waits for, and ends as it should; its id is what its events carry."""
    strategy = run(make_engine, prices, {1: send})
    assert strategy.answers == ["Plan-1"]
    told = [one for one in strategy.said if not one.endswith((": triggered", ": trailed"))]
    assert len(told) >= len(said)
    for wanted in said:
        assert any(wanted in one for one in told), told
    if said[0].endswith("ACCEPTED"):
        assert told == said


def test_cancel_and_modify(make_engine: Any) -> None:
    """A resting order is moved and cancelled; one that is gone, or another's, is not."""
    strategy = run(
        make_engine,
        [100.0] * 6,
        {
            1: lambda s: s.buy("ABC", 95.0, 2, tag="mine"),
            2: lambda s: s.modify("Plan-1", price=96.0, volume=3),
            3: lambda s: [
                (one.order_id, one.price, one.volume, one.filled, one.remaining, one.tag, one.side, one.type) for one in s.orders
            ],
            4: lambda s: (s.cancel("Plan-1"), s.cancel("Plan-1"), s.orders),
            5: lambda s: (s.cancel("Plan-1"), s.cancel("Other-1"), s.modify("Plan-1", price=95.0), s.orders),
        },
    )
    assert strategy.answers[:2] == ["Plan-1", True]
    assert strategy.answers[2] == [("Plan-1", 96.0, 3.0, 0.0, 3.0, "mine", hft.Side.BUY, hft.OrderType.LIMIT)]
    assert strategy.answers[3][0] is True
    assert strategy.answers[4] == (False, False, False, [])
    assert strategy.said[-1] == "4 1 CANCELLED: asked for" or strategy.said[-1].startswith("4 1 CANCELLED")


def test_cancel_all_takes_one_symbol_or_all(make_engine: Any) -> None:
    """Only the orders of the symbol are cancelled, then the rest."""
    answers: list[Any] = []

    class Two(hft.Strategy):
        def on_tick(self, tick: hft.Tick) -> None:
            if tick.symbol == "DEF" and not answers:
                for symbol in ("ABC", "DEF", "DEF"):
                    self.buy(symbol, 90.0, 1)
                answers.extend((self.cancel_all("DEF"), [one.symbol for one in self.orders if one.status != hft.OrderStatus.CANCELLING]))
                answers.append(self.cancel_all())

    make_engine(Two(), data={"ABC@SIM": make_ticks([100.0]), "DEF@SIM": make_ticks([100.0])}).run()
    assert answers == [2, ["ABC"], 1]


def test_latencies_order_what_happens(make_engine: Any) -> None:
    """An order arrives late, its reports come back later, and the market data before them: all by event time."""
    strategy = run(
        make_engine,
        [100.0, 101.0, 102.0, 103.0, 104.0],
        {
            1: lambda s: s.buy("ABC", None, 1),
            2: lambda s: (s.position("ABC"), [one.status for one in s.orders]),
            4: lambda s: s.position("ABC"),
        },
        latency={"order_ms": 1500, "response_ms": 1000},
    )
    assert strategy.answers == ["Plan-1", (0.0, [hft.OrderStatus.SUBMITTING]), 1.0]
    assert strategy.said == ["3 1 ACCEPTED", "3 1 BUY 1 at 101.5 TAKER", "3 1 FILLED"]


def test_risk_rules_refuse_by_name(make_engine: Any) -> None:
    """Limits for all, for a strategy and for a symbol are those of [risk]; a refusal is told with its reason."""
    plan = {1: lambda s: s.buy("ABC", 99.0, 5), 2: lambda s: s.buy("ABC", 99.0, 2)}
    strategy = run(make_engine, [100.0] * 3, plan, risk={"max_order_quantity": 3})
    assert strategy.said == ["1 1 REJECTED: order quantity 5 is above max_order_quantity 3", "2 2 ACCEPTED"]
    for other in ({"strategy": "Plan"}, {"symbol": "ABC"}, {"symbol": "ABC@SIM", "strategy": "Plan"}):
        strategy = run(make_engine, [100.0] * 3, plan, risk={"overrides": [{**other, "max_order_quantity": 1}]})
        assert [one.partition(":")[0] for one in strategy.said] == ["1 1 REJECTED", "2 2 REJECTED"]
    strategy = run(make_engine, [100.0] * 3, plan, risk={"overrides": [{"strategy": "Other", "max_order_quantity": 1}]})
    assert strategy.said == ["1 1 ACCEPTED", "2 2 ACCEPTED"]
    strategy = run(make_engine, [100.0] * 3, plan, cash=400.0)
    assert strategy.said[0].startswith("1 1 REJECTED: needs ")
    with pytest.raises(SettingsError, match="There is no setting risk.max_order_qty"):
        hft.Engine(risk={"max_order_qty": 1})


def test_fees_and_slippage_are_settings(make_engine: Any) -> None:
    """Fees of the settings take the place of the instrument's, and what takes is filled worse."""
    data = {"ABC@SIM": make_ticks([100.0, 100.0])}
    own = {name: value for name, value in TERMS.items() if name != "taker_fee"}
    engine = hft.Engine(slippage_ticks=2, instruments={"ABC": own}, fees={"taker_fee": 0.001}, cash=1000.0)
    engine.add_data(data["ABC@SIM"], "ABC@SIM")
    engine.add_strategy(Plan({1: lambda s: s.buy("ABC", None, 2)}))
    fills = engine.run().arrays.fills
    assert fills["price"].tolist() == [101.5]
    assert fills["fee"].tolist() == [pytest.approx(0.203)]
    assert fills["liquidity"].tolist() == [Liquidity.TAKER]


def test_book_and_quotes_are_there_for_the_strategy(make_engine: Any) -> None:
    """Best prices, the middle, the book's levels and the last price are those of the tick at hand."""
    strategy = run(
        make_engine,
        [100.0, 103.0],
        {2: lambda s: (s.best_bid("ABC"), s.best_ask("ABC@SIM"), s.mid("ABC"), s.last("ABC"), [one.tolist() for one in s.book("ABC")])},
    )
    assert strategy.answers == [(102.5, 103.5, 103.0, 103.0, [[[102.5, 10.0]], [[103.5, 10.0]]])]


def test_errors_leave_the_strategy_as_it_was(make_engine: Any) -> None:
    """An order that makes no sense is no order: it has no id, and the next one is the first."""

    def wrong(s: Plan) -> str:
        with pytest.raises(OrderError):
            s.buy("ABC", 100.1, 1)
        return s.buy("ABC", 90.0, 1)

    assert run(make_engine, [100.0, 100.0], {1: wrong}).answers == ["Plan-1"]
