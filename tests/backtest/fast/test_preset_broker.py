"""A `PresetBroker` on the fast path: to the bit what it is on Backtrader's own, for every market's terms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import backtrader as bt
import msgspec
import pytest
from parity.bars import coarse_bars
from parity.findings import differences
from parity.setups.orders import brackets, changing_mind, limits, one_cancels_other, targets, trails
from parity.sides import Setup, Side, run
from parity.watching import trading

from gcg_quant.backtest import EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.backtest.preset_broker import PresetBroker
from gcg_quant.bus import EventBus
from gcg_quant.instruments import Instrument, preset

SHARE = preset("cn_stock", "600519", "SSE")
NARROW = msgspec.structs.replace(SHARE, price_limit=0.01)  # limits that are met all the time
INDEX = preset("cn_future", "IF2101", "CFFEX")
MARKETS = {
    "cn_stock": SHARE,
    "narrow limits": NARROW,
    "cn_future": INDEX,
    "us": preset("us", "SPY", ""),
    "hk": preset("hk", "700", ""),
    "crypto": preset("crypto", "BTC/USDT", ""),
    "fx": preset("fx", "EURUSD", ""),
    "cme": preset("us", "ES201312", "", kind="future"),
}


class Preset(Side):
    """A side of ours whose feeds trade on terms."""

    def __init__(self, terms: dict[str, Instrument], *, fast: bool, bus: EventBus | None = None) -> None:
        self.terms = terms
        super().__init__("events", fast=fast, bus=bus)

    def broker(self, **params: Any) -> PresetBroker:
        """Return the broker with the terms of the feeds."""
        terms = {(name, ""): one for name, one in self.terms.items()}
        broker = PresetBroker(terms, 1, bus=self.bus, account="test", strategy="parity", **params)
        broker.set_cash(100_000.0)
        self.made = broker
        return broker


def lots(strategy: Any, count: int) -> None:
    """Buy and sell lots at the market, more than was bought before today now and then."""
    data = strategy.datas[count % len(strategy.datas)]
    lot = strategy.broker._terms[data._name, ""].lot_size or 1.0
    size = lot * (1 + count % 3)
    strategy.buy(data=data, size=size) if count % 3 else strategy.sell(data=data, size=size)


def edges(strategy: Any, count: int) -> None:
    """Limit orders around the day's limits, which are at one percent: whether they are refused shows what they are counted from."""
    data = strategy.data
    price = round(data.close[0] * (0.985 + 0.03 * (count * 7 % 31) / 30), 2)
    strategy.buy(size=100, exectype=bt.Order.Limit, price=price, valid=data.datetime.datetime())


def mixed(strategy: Any, count: int) -> None:
    """Orders of every kind in turn, every other one at the market."""
    kinds: list[Callable[[Any, int], None]] = [limits, trails, brackets, one_cancels_other, changing_mind, targets]
    lots(strategy, count) if count % 2 else kinds[count // 2 % len(kinds)](strategy, count)


def build(side: Side, names: str = "X", place: Any = mixed, every: int = 3, period: str = "1h") -> Any:
    """Return a cerebro with the feeds of a side."""
    assert isinstance(side, Preset)
    cerebro = side.cerebro()
    for number, name in enumerate(names):
        cerebro.adddata(side.feed(coarse_bars(110 - 7 * number, seed=number + 3, period=period), name))
    cerebro.addsizer(bt.sizers.FixedSize, stake=side.terms[names[0]].lot_size or 1)
    cerebro.addstrategy(trading(place, every=every))
    cerebro.addanalyzer(bt.analyzers.TradeAnalyzer)
    return cerebro


def compare(setup: Setup, terms: dict[str, Instrument], bus: EventBus | None = None) -> list[str]:
    """Return what both ways told, after they were found to be the same."""
    sides = Preset(terms, fast=False), Preset(terms, fast=True, bus=bus)
    slow, fast = (run(setup, side) for side in sides)
    for side, found in zip(sides, (slow, fast)):
        markets = side.made._markets.values()
        found.sections["markets"] = [f"{one.day} {one.bars} {one.close} {one.base} {one.opened_day} {one.opened}" for one in markets]
    assert "fast=False" in (slow.reason or "")
    assert fast.reason == ""
    for side in (slow, fast):
        side.sections["broker"] = [line for line in side.sections["broker"] if not line.startswith(("p ", "_mirror ", "_tape "))]
    found = differences(slow, fast)
    assert not found, "\n".join(found)
    return fast.sections["trace"]


@pytest.mark.parametrize("market", MARKETS)
def test_orders_of_every_kind(market: str) -> None:
    """Refusals, T+1, limits of the day, slippage, fees and margins: notifications, lines, broker and analyzers are the same."""
    trace = "\n".join(compare(Setup(market, build), {"X": MARKETS[market]}))
    assert trace.count("Completed") > 5
    if MARKETS[market].t_plus_one:
        assert "(T+1)" in trace
    if market == "narrow limits":
        assert "outside of the day's limits" in trace


@pytest.mark.parametrize(("period", "every"), [("1d", 3), ("1h", 7), ("1h", 13)])
def test_days_that_were_passed_over(period: str, every: int) -> None:
    """Limits are counted from the last close of the day before, however many bars and days nothing was looked at."""
    for place in (edges, lots):
        trace = compare(Setup(period, lambda side, place=place: build(side, place=place, every=every, period=period)), {"X": NARROW})
        assert any("Rejected" in line for line in trace) or place is lots


def test_several_feeds_of_several_markets(bus: EventBus) -> None:
    """Shares beside a margined future, and the same told on a bus."""
    setup = Setup("feeds", lambda side: build(side, "XYZ", lots, every=2))
    terms = {"X": SHARE, "Y": INDEX, "Z": NARROW}
    compare(setup, terms)
    compare(Setup("told", build), {"X": SHARE}, bus)


class Meddling(bt.Strategy):
    """Writes into its feed and sets a commission while it runs."""

    def next(self) -> None:
        """Trade, and change what the broker will look at."""
        if len(self) == 30:
            self.data.close[0] = 90.0
        if len(self) == 50:
            self.broker.setcommission(commission=0.5, margin=3.0, name="X")
        if len(self) % 4 == 0:
            self.sell(size=100) if self.position else self.buy(size=100, exectype=bt.Order.Limit, price=self.data.close[0] * 1.005)


@pytest.mark.parametrize("terms", [NARROW, INDEX], ids=["share", "future"])
def test_a_strategy_that_meddles(terms: Instrument) -> None:
    """Closes that a strategy writes count from then on, and a commission it sets does not."""

    def scene(side: Side) -> Any:
        cerebro = side.cerebro()
        cerebro.adddata(side.feed(coarse_bars(80, seed=5, period="1h")))
        cerebro.addstrategy(Meddling)
        return cerebro

    compare(Setup("meddling", scene), {"X": terms})


def test_two_feeds_of_one_name_take_backtraders_way() -> None:
    """Backtrader keeps commission schemes by the names of feeds: where two have one, the fast path cannot tell them apart."""
    cerebro = EventDrivenCerebro()
    for venue in ("SSE", "SZSE"):
        cerebro.adddata(EventDrivenDataFeed(dataname=f"X@{venue}", bars=coarse_bars(20), period="30m"), name="X")
    cerebro.broker = PresetBroker({("X", "SSE"): SHARE, ("X", "SZSE"): NARROW})
    cerebro.addstrategy(bt.Strategy)
    cerebro.run()
    assert cerebro.fast_reason == "Backtrader's own path was taken: two feeds of the preset broker have one name."
