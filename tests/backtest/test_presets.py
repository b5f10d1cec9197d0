"""Presets: a backtest on the terms of a market: fees to the cent, lots, T+1, price limits, slippage in ticks."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt
import numpy as np
import pytest

from gcg_quant.backtest import BacktestEngine, BacktestResult, BacktestSpec, EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.backtest.conversion.comminfo import comminfo_of
from gcg_quant.backtest.inputs.presets import preset_terms
from gcg_quant.backtest.inputs.sources import Source, load_sources
from gcg_quant.backtest.preset_broker import PresetBroker
from gcg_quant.clock import from_iso
from gcg_quant.errors import BacktestError, InstrumentError
from gcg_quant.history import MemoryHistory
from gcg_quant.instruments import Instrument, preset

SHARE = preset("cn_stock", "600519", "SSE")
INDEX = preset("cn_future", "IF2101", "CFFEX")


class Orders(bt.Strategy):
    """Gives orders at given bars: (bar, size, options of buy or sell)."""

    params = (("orders", ()),)

    def __init__(self) -> None:
        """Begin the account of what happened."""
        self.told: list[tuple[int, str, float, float, str]] = []

    def next(self) -> None:
        """Give the orders of this bar."""
        for at, size, options in self.p.orders:
            if at == len(self):
                (self.buy if size > 0 else self.sell)(size=abs(size), **options)

    def notify_order(self, order: Any) -> None:
        """Note how an order ended: bar, status, size, price and reason."""
        if not order.alive():
            done = order.executed
            self.told.append((len(self), order.getstatusname(), done.size, done.price, order.info.get("reason", "")))


def chinese_bars(kit: ModuleType, closes: Any, period: str = "1d", start: str = "2024-03-04") -> Any:
    """Return bars on the clock of Shanghai, from a Monday on; each opens at the close before it."""
    return kit.make_bars(closes, period, start_ns=from_iso(start, "Asia/Shanghai"), spread=0.0)


def run(bars: Any, terms: Instrument, orders: Any, cash: float = 10_000_000.0, ticks: float = 0.0) -> Any:
    """Run the orders on an instrument's terms and return the strategy."""
    cerebro = EventDrivenCerebro(stdstats=False)
    cerebro.adddata(EventDrivenDataFeed(dataname=terms.name, bars=bars, period=bytes(bars["period"][0]).decode()), name=terms.symbol)
    cerebro.broker = PresetBroker({(terms.symbol, terms.venue): terms}, ticks)
    cerebro.broker.set_cash(cash)
    cerebro.addstrategy(Orders, orders=orders)
    return cerebro.run()[0]


def test_fees_of_a_share(kit: ModuleType) -> None:
    """A purchase costs the rate but at least 5 CNY, a sale the stamp duty, too: cash is right to the last bit of the sums."""
    strategy = run(chinese_bars(kit, [10.0, 10.0, 10.0, 10.0, 10.0]), SHARE, [(1, 100, {}), (3, -100, {})])
    assert [row[1] for row in strategy.told] == ["Completed", "Completed"]
    assert strategy.broker.getcash() == pytest.approx(10_000_000.0 - 5.0 - (5.0 + 1000.0 * 0.0005), abs=1e-9)
    large = run(chinese_bars(kit, [10.0] * 5), SHARE, [(1, 10_000, {}), (3, -10_000, {})])
    assert large.broker.getcash() == pytest.approx(10_000_000.0 - 2 * 100_000.0 * 0.00026 - 100_000.0 * 0.0005, abs=1e-9)


@pytest.mark.parametrize(
    ("orders", "fees"),
    [
        ([(1, 2, {}), (2, -2, {})], [0.000023, 0.00023]),  # closed on the day it was opened
        ([(1, 2, {}), (4, -2, {})], [0.000023, 0.000023]),  # closed on the next day
        ([(1, 1, {}), (3, 1, {}), (4, -2, {})], [0.000023, 0.000023, (0.000023 + 0.00023) / 2]),  # one lot of each
        ([(1, 1, {}), (2, -3, {})], [0.000023, (0.00023 + 2 * 0.000023) / 3]),  # turned round: one is closed, two are opened
    ],
)
def test_futures_pay_for_closing_today(kit: ModuleType, orders: Any, fees: list[float]) -> None:
    """Closing lots of the same trading day costs its own fee, the oldest are closed first, and profits have the multiplier."""
    morning = chinese_bars(kit, [5000.0, 5000.0, 5000.0], "1h", "2021-01-04T09:30:00")
    next_day = chinese_bars(kit, [5000.0, 5000.0, 5000.0], "1h", "2021-01-05T09:30:00")
    strategy = run(np.concatenate([morning, next_day]).astype(morning.dtype), INDEX, orders)
    sizes = [abs(size) for _, size, _ in orders]
    expected = sum(rate * size * 5000.0 * 300 for rate, size in zip(fees, sizes))
    assert strategy.broker.getvalue() == pytest.approx(10_000_000.0 - expected, abs=1e-6)


def test_futures_are_margined_and_multiplied(kit: ModuleType) -> None:
    """A lot of IF ties up its margin, a point is worth 300 CNY, and what cannot be margined is refused."""
    bars = chinese_bars(kit, [5000.0, 5000.0, 5000.0, 5010.0], "1h", "2021-01-04T09:30:00")
    strategy = run(bars, INDEX, [(1, 1, {})], cash=200_000.0)
    assert strategy.broker.getvalue() == pytest.approx(200_000.0 + 10 * 300 - 5000.0 * 300 * 0.000023)
    assert run(bars, INDEX, [(1, 2, {})], cash=200_000.0).told[0][1] == "Margin"


def test_shares_are_sold_on_the_next_day_at_the_earliest(kit: ModuleType) -> None:
    """What was bought today is refused to be sold today, with the engine's words; older shares and the next day pass."""
    first = chinese_bars(kit, [10.0] * 4, "1h", "2024-03-04T09:30:00")
    second = chinese_bars(kit, [10.0] * 4, "1h", "2024-03-05T09:30:00")
    bars = np.concatenate([first, second]).astype(first.dtype)
    strategy = run(bars, SHARE, [(1, 200, {}), (2, -200, {}), (5, 100, {}), (6, -300, {}), (6, -200, {})])
    assert [(row[1], row[2], row[4]) for row in strategy.told] == [
        ("Completed", 200, ""),
        ("Rejected", 0, "sells 200 and 0 of what was bought before today is left (T+1)"),
        ("Completed", 100, ""),
        ("Rejected", 0, "sells 300 and 200 of what was bought before today is left (T+1)"),
        ("Completed", -200, ""),
    ]
    daily = run(chinese_bars(kit, [10.0] * 4), SHARE, [(1, 100, {}), (2, -100, {})])
    assert [row[:3] for row in daily.told] == [(2, "Completed", 100), (3, "Completed", -100)]


def test_open_orders_are_counted_once_a_group(kit: ModuleType) -> None:
    """Two orders cannot sell the same shares, unless one cancels the other."""
    bars = chinese_bars(kit, [10.0] * 5)
    stop = {"exectype": bt.Order.Stop, "price": 5.0}
    strategy = run(bars, SHARE, [(1, 100, {}), (2, -100, stop), (3, -100, {})])
    assert strategy.told[1][1:] == ("Rejected", 0, 0.0, "sells 100 and 0 of what was bought before today is left (T+1)")

    class Either(Orders):
        def next(self) -> None:
            if len(self) == 1:
                self.buy(size=100)
            if len(self) == 2:
                one = self.sell(size=100, **stop)
                self.sell(size=100, exectype=bt.Order.Limit, price=10.0, oco=one)

    cerebro = EventDrivenCerebro(stdstats=False)
    cerebro.adddata(EventDrivenDataFeed(dataname=SHARE.name, bars=bars, period="1d"), name=SHARE.symbol)
    cerebro.broker = PresetBroker({(SHARE.symbol, SHARE.venue): SHARE})
    cerebro.addstrategy(Either)
    assert [row[1] for row in cerebro.run()[0].told] == ["Completed", "Completed", "Canceled"]


def test_children_of_a_bracket_wait_for_the_next_day(kit: ModuleType) -> None:
    """A stop that is met on the day of the purchase does not sell; on the next day it does. A refused parent takes its children along."""

    class Bracket(Orders):
        params = (("size", 100),)

        def next(self) -> None:
            if len(self) == 1:
                self.buy_bracket(size=self.p.size, exectype=bt.Order.Market, stopprice=9.9, limitprice=20.0)

    def run_bracket(bars: Any, size: int) -> Any:
        cerebro = EventDrivenCerebro(stdstats=False)
        cerebro.adddata(EventDrivenDataFeed(dataname=SHARE.name, bars=bars, period="1h"), name=SHARE.symbol)
        cerebro.broker = PresetBroker({(SHARE.symbol, SHARE.venue): SHARE})
        cerebro.addstrategy(Bracket, size=size)
        return cerebro.run()[0]

    first = chinese_bars(kit, [10.0, 10.0, 9.8, 9.7], "1h", "2024-03-04T09:30:00")
    second = chinese_bars(kit, [9.6, 9.6], "1h", "2024-03-05T09:30:00")
    strategy = run_bracket(np.concatenate([first, second]).astype(first.dtype), 100)
    assert strategy.told[1][:4] == (5, "Completed", -100, 9.6)
    refused = run_bracket(first, 150)
    assert [row[1] for row in refused.told] == ["Rejected"] * 3
    assert "150" in refused.told[0][4]


def test_a_stop_that_waits_follows_the_price(kit: ModuleType) -> None:
    """A trailing stop over what was bought today may not sell, and rises with the price meanwhile: it sells on the next day."""

    class Trailing(Orders):
        def next(self) -> None:
            if len(self) == 1:
                self.buy_bracket(
                    size=100,
                    exectype=bt.Order.Market,
                    stopexec=bt.Order.StopTrail,
                    stopargs={"trailamount": 0.5},
                    stopprice=9.5,
                    limitprice=20.0,
                )

    first = chinese_bars(kit, [10.0, 10.0, 10.8, 10.2, 10.8], "1h", "2024-03-04T09:30:00")
    second = chinese_bars(kit, [10.4, 10.3, 10.2], "1h", "2024-03-05T09:30:00")
    cerebro = EventDrivenCerebro(stdstats=False)
    bars = np.concatenate([first, second]).astype(first.dtype)
    cerebro.adddata(EventDrivenDataFeed(dataname=SHARE.name, bars=bars, period="1h"), name=SHARE.symbol)
    cerebro.broker = PresetBroker({(SHARE.symbol, SHARE.venue): SHARE})
    cerebro.addstrategy(Trailing)
    assert cerebro.run()[0].told[1][:4] == (7, "Completed", -100, 10.3)


def test_limits_of_the_day(kit: ModuleType) -> None:
    """Limit prices beyond a tenth of the last close are refused; at the upper limit nothing is bought until somebody sells."""
    limit = {"exectype": bt.Order.Limit}
    bars = chinese_bars(kit, [10.0, 10.0, 11.0, 11.5, 11.5])
    bars["open"][2] = bars["low"][2] = 11.0  # all of this day stands at the upper limit
    orders = [(1, 100, {**limit, "price": 11.01}), (1, 100, {**limit, "price": 8.9}), (2, 100, {}), (2, 100, {**limit, "price": 11.0})]
    strategy = run(bars, SHARE, orders)
    assert [row[4] for row in strategy.told[:2]] == [
        "price 11.01 is outside of the day's limits, of which 11 is the nearest",
        "price 8.9 is outside of the day's limits, of which 9 is the nearest",
    ]
    assert [row[:4] for row in strategy.told[2:]] == [(4, "Completed", 100, 11.0), (4, "Completed", 100, 11.0)]


def test_lots_and_ticks(kit: ModuleType) -> None:
    """A size that is no lot is refused; market orders trade a tick worse, but within the bar."""
    strategy = run(chinese_bars(kit, [10.0] * 4), SHARE, [(1, 50, {})])
    assert strategy.told[0][1] == "Rejected"
    assert "lot size 100" in strategy.told[0][4]
    bars = kit.make_bars([10.0] * 4, "1d", start_ns=from_iso("2024-03-04", "Asia/Shanghai"), spread=0.015)
    assert run(bars, SHARE, [(1, 100, {})], ticks=1).told[0][3] == pytest.approx(10.01)
    assert run(bars, SHARE, [(1, 100, {})], ticks=2).told[0][3] == pytest.approx(10.015)


def test_strategies_are_told_the_fees(kit: ModuleType) -> None:
    """The commission scheme by itself says what an order would cost."""
    assert comminfo_of(SHARE).getcommission(100, 10.0) == 5.0
    assert comminfo_of(SHARE).getcommission(-100, 1000.0) == pytest.approx(100_000 * 0.00076)
    assert comminfo_of(INDEX).getcommission(1, 5000.0) == pytest.approx(5000 * 300 * 0.000023)


def test_presets_choose_the_terms(kit: ModuleType) -> None:
    """auto takes known terms, else the market that a symbol looks like; a market's name is for all."""
    bars = kit.random_bars(3)
    known = preset("us", "SPY", "US", fee_per_unit=0.001)
    found = preset_terms("auto", [Source("SPY", "US", bars, known), Source("600519", "SSE", bars), Source("IF2101", "CFFEX", bars)])
    assert found["SPY", "US"] is known
    assert [terms.market for terms in found.values()] == ["us", "cn_stock", "cn_future"]
    assert preset_terms("cme", [Source("ES201312", "CME", bars)])["ES201312", "CME"].multiplier == 50
    with pytest.raises(InstrumentError, match="state its terms"):
        preset_terms("cn_future", [Source("XYZ", "", bars)])


def test_what_is_stored_without_a_venue_is_named_with_an_at_sign(kit: ModuleType) -> None:
    """The sentence that asks for a venue names it so, and so it is found."""
    history = MemoryHistory()
    for venue, count in (("", 3), ("SIM", 5)):
        history.add_bars("SPY", venue, kit.random_bars(count))
    with pytest.raises(InstrumentError, match=r"'SPY' is stored for several venues: say which \(SPY@, SPY@SIM\)\."):
        load_sources(BacktestSpec(file="x.py", symbols=["SPY"], period="1m"), history)
    for name, venue, count in (("SPY@", "", 3), ("SPY@SIM", "SIM", 5)):
        (source,) = load_sources(BacktestSpec(file="x.py", symbols=[name], period="1m"), history)
        assert (source.symbol, source.venue, len(source.bars)) == ("SPY", venue, count)


OWN = """
from gcg_quant.strategy_engine import Parameter, Strategy


class Own(Strategy):
    period = Parameter("1h")

    def on_start(self):
        self.seen = 0

    def on_bar(self, bar):
        self.seen += 1
        if self.seen == 1:
            self.buy(200)
        if self.seen in (2, 6):
            self.sell(200)
"""
SAME = """
import backtrader as bt


class Same(bt.Strategy):
    def next(self):
        if len(self) == 1:
            self.buy(size=200)
        if len(self) in (2, 6):
            self.sell(size=200)
"""


def test_own_and_backtraders_classes_trade_on_the_same_terms(kit: ModuleType, tmp_path: Path) -> None:
    """The engine refuses and charges what the preset broker does: the same trades, fees and value, and a note of the refusal."""
    first = chinese_bars(kit, [10.0] * 4, "1h", "2024-03-04T09:30:00")
    second = chinese_bars(kit, [11.0] * 4, "1h", "2024-03-05T09:30:00")
    bars = np.concatenate([first, second]).astype(first.dtype)
    results: list[BacktestResult] = []
    for name, text, matching in (("own.py", OWN, "stock"), ("same.py", SAME, "stock"), ("same.py", SAME, "native")):
        (tmp_path / name).write_text(text)
        engine = BacktestEngine(tmp_path / "home", folders=[tmp_path], store=kit.stored(bars, "600519", "SSE"))
        spec = BacktestSpec(file=str(tmp_path / name), symbols=["600519"], period="1h", preset="auto", slippage_ticks=0, matching=matching)
        results.append(engine.run(spec))
    own, same, native = results
    assert own.measures.net_profit == pytest.approx(200 * 1.0 - 5.0 - 5.0 - 2200 * 0.0005)
    assert [row.net_profit for row in same.trades] == pytest.approx([row.net_profit for row in own.trades])
    assert [row.net_profit for row in native.trades] == pytest.approx([row.net_profit for row in own.trades])
    assert same.measures.end_value == native.measures.end_value == pytest.approx(own.measures.end_value)
    for one in results:
        assert one.notes == ["1 order was refused: sells 200 and 0 of what was bought before today is left (T+1)."]
        assert (one.currency, one.timezone) == ("CNY", "Asia/Shanghai")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"preset": "cn_stok"}, "There is no preset 'cn_stok'.*Did you mean 'cn_stock'"),
        ({"preset": "auto", "commission": 0.001}, "commission of a backtest must be 0 where a preset has the fees"),
        ({"preset": "auto", "slippage": 0.001}, "slippage of a backtest must be 0 where a preset has slippage_ticks"),
        ({"slippage_ticks": 1}, "slippage_ticks of a backtest must be None without a preset"),
        ({"preset": "us", "slippage_ticks": -1}, "slippage_ticks of a backtest must be 0 or more"),
    ],
)
def test_bad_presets_are_a_sentence(options: dict[str, Any], words: str) -> None:
    """What does not go together is said."""
    with pytest.raises(BacktestError, match=words):
        BacktestSpec(file="x.py", symbols=["X"], **options).check()
