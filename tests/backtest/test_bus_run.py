"""Our own Strategy classes in a backtest: manager, engine and paper venue in lockstep on the run's bus."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt
import numpy as np
import pytest

from gcg_quant.backtest import BacktestEngine, BacktestResult, BacktestSpec, EventDrivenCerebro, EventDrivenDataFeed, ResultAnalyzer
from gcg_quant.backtest.results.curve import measure
from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, StrategyError
from gcg_quant.events import Bar, BarBasis, Fill, LogEvent, OrderEvent, OrderRequest, PositionEvent, Side
from gcg_quant.history import MemoryHistory

HEAD = "from gcg_quant.events import *\nfrom gcg_quant.strategy_engine import Parameter, Strategy\n"

# Buys at its second bar, sells at its fifth, and says what it sees.
PLAN = """
class Plan(Strategy):
    period = Parameter("1d")
    size = Parameter(3.0)
    bad = Parameter(0)

    def on_start(self):
        self.count = 0

    def on_bar(self, bar):
        self.count += 1
        self.log(f"{self.count} {bar.close:g} {self.position.quantity:g} {self.now_ns == bar.end_ns}")
        if self.count == 2:
            self.buy(self.size)
        if self.count == 5:
            self.sell(self.position.quantity)
        if self.count == self.bad:
            raise KeyError("by design")
"""


def run(tmp_path: Path, history: Any, text: str = PLAN, symbols: tuple[str, ...] = ("X",), **options: Any) -> BacktestResult:
    """Backtest a strategy text."""
    folder = tmp_path / "strategies"
    folder.mkdir(exist_ok=True)
    (folder / "plan.py").write_text(HEAD + text)
    engine = BacktestEngine(tmp_path / "home", folders=[folder], store=history)
    return engine.run(BacktestSpec(file=str(folder / "plan.py"), symbols=list(symbols), **options))


def events(result: BacktestResult, *kinds: Any) -> list[Any]:
    """Return the events of a run's journal."""
    with EventBus(Path(result.folder) / "bus", create=False, read_only=True) as bus, bus.reader(start="begin", events=kinds) as reader:
        return list(reader)


def test_plan_made_by_hand_trades_at_the_next_open(kit: ModuleType, tmp_path: Path) -> None:
    """Bought at the third bar's open, sold at the sixth's; fees, profit, value and journal agree."""
    bars = kit.make_bars([100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0], "1d")
    result = run(tmp_path, kit.stored(bars), commission=0.001)
    (trade,) = result.trades
    assert (trade.size, trade.entry_price, trade.bars) == (3.0, 101.0, 3)
    assert (trade.entry_ns, trade.exit_ns) == (int(bars["start_ns"][2]), int(bars["start_ns"][5]))
    assert trade.profit == pytest.approx(9.0)
    assert trade.commission == pytest.approx(0.001 * 3 * (101 + 104))
    measures = result.measures
    assert measures.end_value == pytest.approx(10_000.0 + trade.net_profit)
    assert (measures.bars, measures.trades, measures.won, measures.open_trades) == (7, 1, 1, 0)
    assert measures.exposure == pytest.approx(3 / 7)
    assert [fill.side for fill in events(result, Fill)] == [Side.BUY, Side.SELL]
    said = [event.message for event in events(result, LogEvent) if event.component == "Plan"]
    assert said[:4] == ["1 100 0 True", "2 101 0 True", "3 102 3 True", "4 103 3 True"]
    assert (result.kind, result.parameters) == ("gcg_quant", {"period": "1d", "size": 3.0, "bad": 0})


@pytest.mark.parametrize("symbols", [("X",), ("X", "Y")])
def test_equity_is_the_accounts_at_each_bar(symbols: tuple[str, ...], kit: ModuleType, tmp_path: Path) -> None:
    """What a strategy sees of its account on a bar is what the result has at that time, to the bit; the next run sees the same."""
    text = """
class Plan(Strategy):
    period = Parameter("1d")

    def on_start(self):
        self.log(f"start {self.account.equity!r}")

    def on_bar(self, bar):
        account = self.account
        self.log(f"{account.equity!r} {account.equity - account.margin == account.available} {account.currency}")
        size = self.quantity_of_equity(45, bar.close, bar.symbol)
        self.order_target(size if self.positions[bar.symbol].is_flat else 0, bar.symbol)
"""
    history = MemoryHistory()
    for seed, symbol in enumerate(symbols, 1):
        history.add_bars(symbol, "SIM", kit.random_bars(60, seed=seed, period="1d"))
    runs = [run(tmp_path, history, text, symbols, commission=0.001) for _ in range(2)]
    said = [[one.message for one in events(result, LogEvent) if one.component == "Plan"] for result in runs]
    assert said[0][0] == "start nan"
    assert [line.split()[0] for line in said[0][1:]] == [repr(value) for _, value in runs[0].values for _ in symbols]
    assert {line.partition(" ")[2] for line in said[0][1:]} == {f"True {runs[0].currency}"}
    assert len({value for _, value in runs[0].values}) > 50
    assert said[0] == said[1]
    sizes = [one.quantity for one in events(runs[0], OrderRequest) if one.side == Side.BUY]
    assert sizes == [one.quantity for one in events(runs[1], OrderRequest) if one.side == Side.BUY]
    assert len(set(sizes)) > 1


def test_journal_is_in_the_order_of_time_and_the_same_every_time(kit: ModuleType, tmp_path: Path) -> None:
    """Two runs over the same bars give the same events in the same order."""
    history = kit.stored(kit.random_bars(200, period="1d"))
    text = PLAN.replace("if self.count == 2:", "if self.count % 7 == 2 and self.position.is_flat:").replace("== 5:", "% 7 == 5:")
    runs = [run(tmp_path, history, text, run=name) for name in ("one", "two")]
    kinds = (Bar, OrderRequest, OrderEvent, Fill, PositionEvent)

    def told(result: BacktestResult) -> list[Any]:
        return [(type(event).__name__, {**event.to_dict(), "time_ns": 0}) for event in events(result, *kinds)]

    first, second = (repr(told(result)) for result in runs)
    assert first == second
    assert runs[0].measures == runs[1].measures
    assert runs[0].measures.trades > 20
    times = [event.event_ns for event in events(runs[0], *kinds)]
    assert times == sorted(times)


def test_value_is_the_fold_of_the_fills(kit: ModuleType, tmp_path: Path) -> None:
    """Cash and position added up from the journal's fills give the value at the end."""
    bars = kit.random_bars(100, period="1d")
    text = PLAN.replace("if self.count == 5:", "if self.count == 90:")
    result = run(tmp_path, kit.stored(bars), text, commission=0.002)
    cash = 10_000.0
    for fill in events(result, Fill):
        cash -= (fill.quantity if fill.side == Side.BUY else -fill.quantity) * fill.price + fill.fee
    assert result.measures.end_value == pytest.approx(cash)


def test_two_symbols_of_different_length(kit: ModuleType, tmp_path: Path) -> None:
    """A strategy of two symbols sees the bars of both, in the order of their ends."""
    history = MemoryHistory()
    history.add_bars("A", "SIM", kit.random_bars(20, period="1d"))
    history.add_bars("B", "SIM", kit.random_bars(10, seed=2, period="1d", start_ns=kit.START_NS + 5 * 86_400 * 10**9))
    text = (
        PLAN.replace("{bar.close:g}", "{bar.symbol}")
        .replace("if self.count == 2:", "if False:")
        .replace("if self.count == 5:", "if False:")
    )
    result = run(tmp_path, history, text, symbols=("A", "B@SIM"))
    said = [event.message.split()[1] for event in events(result, LogEvent) if event.component == "Plan"]
    assert said[:9] == ["A"] * 5 + ["A", "B", "A", "B"]
    assert result.measures.bars == 20


def test_bid_and_ask_bars_make_a_spread(kit: ModuleType, tmp_path: Path) -> None:
    """Purchases meet the ask, sales the bid; the strategy sees bid bars, and the position is marked by the bid."""
    closes = np.array([100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0])
    history = kit.stored(kit.make_bars(closes, "1d", basis=int(BarBasis.BID)))
    history.add_bars("X", "SIM", kit.make_bars(closes + 0.5, "1d", basis=int(BarBasis.ASK)))
    result = run(tmp_path, history)
    assert [fill.price for fill in events(result, Fill)] == [101.5, 104.0]
    assert [value for _, value in result.values][3] == pytest.approx(10_000.0 + 3 * (103.0 - 101.5))
    said = [event.message for event in events(result, LogEvent) if event.component == "Plan"]
    assert len(said) == 7
    assert said[2] == "3 102 3 True"


def test_exception_names_file_line_and_bar(kit: ModuleType, tmp_path: Path) -> None:
    """What the strategy raises ends the run with file, line and bar time."""
    with pytest.raises(StrategyError, match=r"plan.py:20: on_bar raised KeyError: 'by design' \(at the bar that ended at 2023-11-17"):
        run(tmp_path, kit.stored(kit.random_bars(10, period="1d")), parameters={"bad": 3})


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"parameters": {"sise": 1}}, StrategyError, "no parameter 'sise'.*Did you mean 'size'"),
        ({"parameters": {"size": "big"}}, StrategyError, "'size' of Plan must be a number"),
        ({"slippage": 0.01}, BacktestError, "slippage is an option for Backtrader's classes"),
        ({"stake": 2.0}, BacktestError, "stake is an option for Backtrader's classes"),
        ({"parameters": {"period": "1m"}}, StrategyError, "No 1m bars can be made"),
    ],
)
def test_bad_input_is_a_sentence(kit: ModuleType, tmp_path: Path, options: dict[str, Any], error: Any, words: str) -> None:
    """What does not fit is said in one sentence."""
    with pytest.raises(error, match=words):
        run(tmp_path, kit.stored(kit.random_bars(10, period="1d")), **options)


def test_shipped_strategy_runs_over_real_days(shared_data: Path, kit: ModuleType, tmp_path: Path) -> None:
    """The shipped sma_cross trades SPY's days."""
    _, bars = kit.read_daily(shared_data / "stock" / "SPY_daily.csv.gz")
    history = MemoryHistory()
    history.add_bars("SPY", "US", bars[-1500:])
    result = BacktestEngine(tmp_path / "home", store=history).run(BacktestSpec(file="sma_cross", symbols=["SPY"], cash=100_000.0))
    assert result.measures.trades > 10
    assert result.measures.bars == 1500


def test_measures_of_a_curve_equal_those_of_backtraders_analyzers(kit: ModuleType) -> None:
    """The formulas for runs without Backtrader give what ResultAnalyzer gives for the same value curve and trades."""

    class Trading(bt.Strategy):
        def next(self) -> None:
            self.buy(size=50) if len(self) % 20 == 3 else self.close() if len(self) % 20 == 15 else None

    bars = kit.random_bars(900, period="1d")
    cerebro = EventDrivenCerebro(stdstats=False)
    cerebro.adddata(EventDrivenDataFeed(dataname="X", period="1d", bars=bars))
    cerebro.addstrategy(Trading)
    cerebro.addanalyzer(ResultAnalyzer, _name="result")
    analyzer = cerebro.run()[0].analyzers.result
    expected = analyzer.get_analysis()
    found = measure(
        10_000.0,
        bars["start_ns"],
        np.array(analyzer.values),
        analyzer.trades,
        open_trades=expected.open_trades,
        invested_bars=analyzer.invested,
        traded=analyzer.traded,
    )
    differing = {name for name, value in found.to_dict().items() if value != getattr(expected, name)}
    assert differing <= {"cagr"}
    assert found.cagr == pytest.approx(expected.cagr)
