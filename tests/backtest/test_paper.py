"""Backtrader classes on paper: manager, adapter, the real TradingEngine and its paper gateway on one bus."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import Fill, OrderEvent, OrderRequest, PositionEvent, RiskVerdict, Side

from .paper_system import EXAMPLES, Paper

NOTING = """
import backtrader as bt


class Noting(bt.Strategy):
    params = (("plan", ""),)

    def __init__(self):
        self.calls = 0
        self.told = []
        self.trades = []

    def next(self):
        self.calls += 1
        if self.calls == 1:
            getattr(self, self.p.plan)()

    def notify_order(self, order):
        self.told.append((order.ref, order.getstatusname(), order.executed.size, order.executed.price, order.info.get("reason", "")))

    def notify_trade(self, trade):
        self.trades.append((trade.isclosed, trade.size, trade.pnl, trade.commission))

    def market(self):
        self.buy(size=2)

    def far_limit(self):
        self.order = self.buy(exectype=bt.Order.Limit, price=self.data.close[0] * 0.951)

    def too_much(self):
        self.buy(size=100000)

    def trailing(self):
        self.sell(exectype=bt.Order.StopTrail, trailamount=1.0)

    def bracket(self):
        close = self.data.close[0]
        self.buy_bracket(exectype=bt.Order.Market, stopprice=close - 5.004, limitprice=close + 5.004)
"""


@pytest.fixture
def paper(kit: ModuleType, bus: EventBus, tmp_path: Path) -> Iterator[Paper]:
    """Return a paper system, stopped at the end."""
    made = Paper(kit, bus, tmp_path / "strategies", {"noting.py": NOTING})
    yield made
    made.close()


def test_market_order_is_filled_on_paper(paper: Paper) -> None:
    """A market order takes the ask; strategy, portfolio and engine agree on position, price and fee."""
    paper.load("noting", plan="market")
    paper.second(100.0)
    paper.until(lambda: "Completed" in paper.told())
    assert paper.told() == ["Submitted", "Accepted", "Completed"]
    (fill,) = paper.read(Fill)
    assert (fill.side, fill.quantity, fill.price) == (Side.BUY, 2.0, pytest.approx(100.01))
    position = paper.strategy.position
    assert (position.size, position.price) == (2.0, fill.price)
    paper.wait(lambda: [one.quantity for one in paper.read(PositionEvent)][-1:] == [2.0], "the position, which is told after the order")
    assert paper.strategy.trades[-1] == (False, 2.0, 0.0, pytest.approx(fill.fee))
    paper.until(lambda: paper.cerebro.broker.getvalue() != 100_000.0)
    assert paper.cerebro.broker.getcash() == pytest.approx(100_000.0 - 2 * fill.price - fill.fee)


def test_example_trades_and_every_fill_is_known(paper: Paper) -> None:
    """sma_cross over a wave buys and sells, and its own position is always that of the engine."""

    paper.load(str(EXAMPLES / "sma_cross.py"), fast=2, slow=5)
    for number in range(200):
        paper.second(100.0 + 5.0 * math.sin(number / 4.0))
        if number >= 60 and len(paper.read(Fill)) >= 4:
            break
    fills = paper.read(Fill)
    assert len(fills) >= 4
    assert [fill.side for fill in fills[:4]] == [Side.BUY, Side.SELL, Side.BUY, Side.SELL]
    paper.until(lambda: paper.strategy.position.size == paper.read(PositionEvent)[-1].quantity)
    requests = {event.id: event for event in paper.read(OrderRequest)}
    assert all(fill.request in requests and fill.strategy == "one" for fill in fills)


def test_limit_order_is_rounded_waits_and_is_cancelled_at_the_stop(paper: Paper) -> None:
    """A limit price is rounded to the tick; the order works until the strategy is stopped."""
    paper.load("noting", plan="far_limit")
    paper.second(100.03)
    paper.until(lambda: "Accepted" in paper.told(), 100.03)
    assert paper.read(OrderRequest)[0].price == pytest.approx(95.13)
    paper.manager._on_own_thread(lambda: paper.manager._roster.stop("one", 0, paper.now_ns))
    paper.wait(lambda: paper.read(OrderEvent)[-1].status.name == "CANCELLED", "the cancellation")


def test_order_beyond_the_account_is_margin(paper: Paper) -> None:
    """What the account cannot pay is Margin; the reason is the engine's."""
    paper.load("noting", plan="too_much")
    paper.second(100.0)
    paper.until(lambda: len(paper.told()) == 2)
    assert paper.told() == ["Submitted", "Margin"]
    assert paper.strategy.told[-1][4] == paper.read(RiskVerdict)[0].message


def test_trailing_stop_follows_the_market(paper: Paper) -> None:
    """A trailing stop goes up with the price and is executed when it comes back by the trail."""
    paper.load("noting", plan="trailing")
    paper.second(100.0)
    paper.until(lambda: "Accepted" in paper.told(), 100.0)
    paper.second(105.0)
    paper.second(104.5)
    assert "Completed" not in paper.told()
    paper.until(lambda: "Completed" in paper.told(), 103.9)
    assert paper.read(Fill)[-1].price == pytest.approx(103.9, abs=0.1)


def test_bracket_runs_its_course(paper: Paper) -> None:
    """The stop and the limit of a bracket are sent when its parent is filled; the limit's fill cancels the stop."""
    paper.load("noting", plan="bracket")
    paper.second(100.0)
    paper.until(lambda: paper.told().count("Completed") == 1)
    paper.until(lambda: len(paper.read(OrderRequest)) == 3)
    paper.until(lambda: paper.told().count("Completed") == 2, 106.0)
    paper.until(lambda: "Canceled" in paper.told(), 106.0)
    assert paper.strategy.position.size == 0
    assert paper.strategy.trades[-1][0] is True
    limit = next(request for request in paper.read(OrderRequest) if request.side == Side.SELL and request.price == request.price)
    assert limit.price == pytest.approx(105.0)
