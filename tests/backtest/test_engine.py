"""The engine: whole backtests, from stored bars and journals to results and reports."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt
import msgspec
import pytest

from gcg_quant.backtest import BacktestEngine, BacktestResult, BacktestSpec
from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_DAY
from gcg_quant.errors import BacktestError, InstrumentError, StrategyError
from gcg_quant.events import BacktestProgressEvent, BacktestRequestEvent, BacktestResultEvent, Bar, Fill, World
from gcg_quant.history import MemoryHistory
from gcg_quant.strategy_engine.hosting.loader import StrategyLoader

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "strategies"

# Every notification goes into a file, to the last bit: the same file is run by plain bt.Cerebro and by the engine.
TRACED = """
import backtrader as bt


class Traced(bt.Strategy):
    params = (("fast", 10), ("slow", 30), ("out", ""))

    def __init__(self):
        self.cross = bt.ind.CrossOver(bt.ind.SMA(period=self.p.fast), bt.ind.SMA(period=self.p.slow))
        self.trace = []

    def notify_order(self, order):
        created, done = order.created, order.executed
        self.trace.append(("order", order.ref, order.status, order.size, order.exectype, order.plen, created.dt, created.price,
            created.pclose, done.dt, done.size, done.price, done.value, done.comm, done.pnl, done.remsize,
            [vars(bit) for bit in done.exbits]))

    def notify_trade(self, trade):
        self.trace.append(("trade", trade.ref, trade.status, trade.size, trade.price, trade.value, trade.commission, trade.pnl,
            trade.pnlcomm, trade.dtopen, trade.dtclose, trade.barlen))

    def notify_cashvalue(self, cash, value):
        self.trace.append(("value", cash, value))

    def next(self):
        self.trace.append(("next", self.data.datetime[0], self.data.close[0], self.cross[0], self.broker.getvalue()))
        if not self.position and self.cross > 0:
            self.buy()
        elif self.position and self.cross < 0:
            self.close()

    def stop(self):
        with open(self.p.out, "w") as file:
            file.writelines(repr(row).replace("np.float64", "") + "\\n" for row in self.trace)
"""


@pytest.fixture
def spy(shared_data: Path, kit: ModuleType) -> tuple[Any, MemoryHistory]:
    """Return SPY's days as a frame and as stored bars."""
    frame, bars = kit.read_daily(shared_data / "stock" / "SPY_daily.csv.gz")
    history = MemoryHistory()
    history.add_bars("SPY", "US", bars)
    return frame, history


def write(folder: Path, text: str, name: str = "mine.py") -> str:
    """Write a strategy file and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return str(path)


def engine_of(tmp_path: Path, history: Any) -> BacktestEngine:
    """Return an engine with the examples and a folder of its own."""
    return BacktestEngine(tmp_path / "home", folders=[tmp_path / "strategies", EXAMPLES], store=history)


def stock_run(file: str, frame: Any, cash: float = 10_000.0, commission: float = 0.0, **parameters: Any) -> Any:
    """Run the class of a file under plain bt.Cerebro over PandasData and return the strategy."""
    loaded = StrategyLoader([Path(file).parent], [_adapter()]).load(file)
    cerebro = bt.Cerebro()
    cerebro.adddata(bt.feeds.PandasData(dataname=frame))
    cerebro.broker.setcash(cash)
    cerebro.broker.setcommission(commission=commission)
    cerebro.addstrategy(loaded.cls, **parameters)
    cerebro.addanalyzer(bt.analyzers.SharpeRatio, timeframe=bt.TimeFrame.Days, annualize=True, riskfreerate=0.0, factor=252, _name="sharpe")
    cerebro.addanalyzer(bt.analyzers.SharpeRatio, _name="yearly")
    cerebro.addanalyzer(bt.analyzers.DrawDown, _name="drawdown")
    cerebro.addanalyzer(bt.analyzers.TradeAnalyzer, _name="trades")
    return cerebro.run()[0]


def _adapter() -> Any:
    from gcg_quant.backtest import BacktraderAdapter

    return BacktraderAdapter()


@pytest.mark.parametrize("commission", [0.0, 0.001])
def test_spy_backtest_equals_plain_cerebro_to_the_last_bit(spy: Any, tmp_path: Path, commission: float) -> None:
    """sma_cross over SPY's days: result, trades, Sharpe and drawdown are those of bt.Cerebro, bit for bit."""
    frame, history = spy
    file = str(EXAMPLES / "sma_cross.py")
    spec = BacktestSpec(file=file, symbols=["SPY"], period="1d", commission=commission)
    result = engine_of(tmp_path, history).run(spec)
    stock = stock_run(file, frame, commission=commission)
    trades = stock.analyzers.trades.get_analysis()
    assert result.measures.end_value == stock.broker.getvalue()
    assert result.measures.trades == trades.total.closed > 50
    assert (result.measures.won, result.measures.lost) == (trades.won.total, trades.lost.total)
    assert result.measures.sharpe == stock.analyzers.sharpe.get_analysis()["sharperatio"]
    assert result.measures.sharpe_yearly == stock.analyzers.yearly.get_analysis()["sharperatio"]
    assert result.measures.max_drawdown_percent == stock.analyzers.drawdown.get_analysis().max.drawdown
    assert result.measures.max_drawdown_money == stock.analyzers.drawdown.get_analysis().max.moneydown
    assert result.measures.max_drawdown_bars == stock.analyzers.drawdown.get_analysis().max.len
    assert result.measures.bars == len(frame)


def test_whole_trace_of_a_backtest_equals_plain_cerebro(spy: Any, kit: ModuleType, tmp_path: Path) -> None:
    """Every order notification, trade, cash, value and next() of the engine's run is that of plain bt.Cerebro."""
    frame, history = spy
    file = write(tmp_path / "strategies", TRACED)
    kit.restart_references()
    spec = BacktestSpec(file=file, symbols=["SPY"], parameters={"out": str(tmp_path / "ours"), "fast": "5"}, commission=0.0005)
    engine_of(tmp_path, history).run(spec)
    kit.restart_references()
    stock_run(file, frame, commission=0.0005, out=str(tmp_path / "stock"), fast=5)
    ours, stock = (tmp_path / "ours").read_text(), (tmp_path / "stock").read_text()
    assert ours.count("order") > 300
    assert ours == stock


def test_result_is_saved_in_its_folder(spy: Any, tmp_path: Path) -> None:
    """A run leaves its settings, measures, trades and values in HOME/backtests/RUN, and its bus tells the whole story."""
    _, history = spy
    spec = BacktestSpec(file="sma_cross.py", class_name="SmaCross", symbols=["SPY"], run="first", parameters={"slow": 20})
    result = engine_of(tmp_path, history).run(msgspec_file(spec))
    folder = tmp_path / "home" / "backtests" / "first"
    saved = json.loads((folder / "result.json").read_text())
    assert saved["measures"]["end_value"] == result.measures.end_value
    assert saved["parameters"] == {"fast": 10, "slow": 20}
    assert saved["spec"]["symbols"] == ["SPY"]
    assert len(saved["trades"]) == result.measures.trades
    assert len(saved["code_sha256"]) == 64
    values = list(csv.reader((folder / "values.csv").read_text().splitlines()))
    assert (len(values), float(values[-1][1])) == (result.measures.bars + 1, result.measures.end_value)
    with EventBus(folder / "bus", read_only=True, create=False) as bus:
        assert bus.world == World.BACKTEST
        with bus.reader(start="begin") as reader:
            events = list(reader)
    kinds = [type(event).__name__ for event in events]
    assert kinds[0] == "BacktestRequestEvent"
    assert kinds.count("Bar") == result.measures.bars
    assert kinds.count("Fill") == 2 * result.measures.trades + result.measures.open_trades
    outcome = next(event for event in events if isinstance(event, BacktestResultEvent))
    assert (outcome.ok, outcome.run, outcome.results["end_value"]) == (True, "first", result.measures.end_value)


def msgspec_file(spec: BacktestSpec) -> BacktestSpec:
    """Return the spec with the example's full path: the shipped folder has a file of the same short name."""
    import msgspec

    return msgspec.structs.replace(spec, file=str(EXAMPLES / spec.file))


def test_backtest_over_a_journal_equals_one_over_the_store(spy: Any, kit: ModuleType, tmp_path: Path) -> None:
    """The bars of a recorded bus give the same result as the same bars from the store."""
    frame, history = spy
    _, bars = frame, history.bars("SPY", "1d").copy()
    with EventBus(tmp_path / "recorded", world=World.PAPER, source="test", sync="none") as bus:
        bars["instrument"] = bus.instruments.number("SPY", "US")
        bus.publish_batch(bars)
    spec = BacktestSpec(file=str(EXAMPLES / "sma_cross.py"), symbols=["SPY"])
    engine = engine_of(tmp_path, history)
    from_store = engine.run(spec)
    from_journal = BacktestEngine(tmp_path / "home", folders=[EXAMPLES]).run(
        BacktestSpec(file=spec.file, symbols=["SPY"], journal=str(tmp_path / "recorded"))
    )
    assert from_journal.measures == from_store.measures
    assert from_journal.run != from_store.run


def test_journal_of_a_backtest_can_be_backtested_again(spy: Any, tmp_path: Path) -> None:
    """A run's own bus is a journal like any other."""
    _, history = spy
    engine = engine_of(tmp_path, history)
    spec = BacktestSpec(file=str(EXAMPLES / "sma_cross.py"), symbols=["SPY"], run="one")
    first = engine.run(spec)
    again = engine.run(BacktestSpec(file=spec.file, symbols=["SPY"], run="two", journal=str(Path(first.folder) / "bus")))
    assert again.measures == first.measures


def test_range_of_a_backtest_is_respected(spy: Any, tmp_path: Path) -> None:
    """start_ns and end_ns cut the bars."""
    _, history = spy
    bars = history.bars("SPY", "1d")
    spec = BacktestSpec(
        file=str(EXAMPLES / "sma_cross.py"), symbols=["SPY"], start_ns=int(bars["start_ns"][100]), end_ns=int(bars["event_ns"][399])
    )
    measures = engine_of(tmp_path, history).run(spec).measures
    assert (measures.bars, measures.start_ns) == (300, int(bars["start_ns"][100]))


def test_two_symbols_are_two_feeds(kit: ModuleType, tmp_path: Path) -> None:
    """The symbols of a spec become feeds in its order, with their names."""
    history = kit.stored(kit.random_bars(50, period="1d"), symbol="A")
    history.add_bars("B", "SIM", kit.random_bars(50, seed=2, period="1d"))
    text = "import backtrader as bt\nclass Two(bt.Strategy):\n    def next(self):\n"
    text += "        assert [data._name for data in self.datas] == ['B', 'A']\n        if len(self) == 5: self.buy(self.data1)\n"
    spec = BacktestSpec(file=write(tmp_path / "strategies", text), symbols=["B", "A@SIM"])
    result = engine_of(tmp_path, history).run(spec)
    with EventBus(Path(result.folder) / "bus", read_only=True, create=False) as bus, bus.reader(start="begin", events=[Fill]) as reader:
        assert [(fill.symbol, fill.venue) for fill in reader] == [("A", "SIM")]


def test_progress_is_reported(spy: Any, tmp_path: Path) -> None:
    """Progress events come to the callback and lie on the run's bus."""
    _, history = spy
    seen: list[BacktestProgressEvent] = []
    result = engine_of(tmp_path, history).run(BacktestSpec(file=str(EXAMPLES / "sma_cross.py"), symbols=["SPY"]), seen.append)
    assert (seen[-1].done, seen[-1].total) == (result.measures.bars, result.measures.bars)
    assert seen[-1].value == result.measures.end_value


def test_mirror_off_leaves_an_empty_market_lane(kit: ModuleType, tmp_path: Path) -> None:
    """With mirror=False the run's bus holds no bars and orders, and the result is the same."""
    history = kit.stored(kit.random_bars(300, period="1d"))
    engine = engine_of(tmp_path, history)
    quiet = engine.run(BacktestSpec(file=str(EXAMPLES / "sma_cross.py"), symbols=["X"], mirror=False))
    told = engine.run(BacktestSpec(file=str(EXAMPLES / "sma_cross.py"), symbols=["X"]))
    assert quiet.measures == told.measures
    with EventBus(Path(quiet.folder) / "bus", read_only=True, create=False) as bus, bus.reader(start="begin", events=[Bar, Fill]) as reader:
        assert list(reader) == []


def test_stake_and_slippage_are_used(kit: ModuleType, tmp_path: Path) -> None:
    """The stake multiplies the profit; slippage costs."""
    history = kit.stored(kit.random_bars(300, period="1d"))
    engine = engine_of(tmp_path, history)
    one, ten, slipping = (
        engine.run(BacktestSpec(file=str(EXAMPLES / "sma_cross.py"), symbols=["X"], **options)).measures
        for options in ({}, {"stake": 10.0}, {"slippage": 0.002})
    )
    assert ten.net_profit == pytest.approx(10 * one.net_profit)
    assert slipping.net_profit < one.net_profit


# ---- what goes wrong


BROKEN = """
import backtrader as bt


class Broken(bt.Strategy):
    def next(self):
        if len(self) == 3:
            self.helper()

    def helper(self):
        return 1 / 0
"""


def test_exception_in_next_names_file_line_and_bar(kit: ModuleType, tmp_path: Path) -> None:
    """A strategy's exception ends the run with file, line, bar time and symbol, and the run's bus tells it."""
    history = kit.stored(kit.random_bars(10, period="1d"))
    file = write(tmp_path / "strategies", BROKEN)
    with pytest.raises(
        StrategyError, match="mine.py:11 raised ZeroDivisionError: division by zero at the bar 2023-11-16T00:00:00Z of X"
    ) as caught:
        engine_of(tmp_path, history).run(BacktestSpec(file=file, symbols=["X"], run="broken"))
    assert caught.value.context["line"] == 11
    folder = tmp_path / "home" / "backtests" / "broken"
    with EventBus(folder / "bus", read_only=True, create=False) as bus, bus.reader(start="begin", events=[BacktestResultEvent]) as reader:
        (outcome,) = list(reader)
    assert not outcome.ok
    assert "mine.py:11" in outcome.error


def test_exception_in_init_is_before_the_first_bar(kit: ModuleType, tmp_path: Path) -> None:
    """A constructor that raises is named, too."""
    text = "import backtrader as bt\nclass Broken(bt.Strategy):\n    def __init__(self):\n        raise KeyError('x')\n"
    with pytest.raises(StrategyError, match="mine.py:4 raised KeyError: 'x' before the first bar"):
        engine_of(tmp_path, kit.stored(kit.random_bars(5, period="1d"))).run(
            BacktestSpec(file=write(tmp_path / "strategies", text), symbols=["X"])
        )


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"symbols": ["SPX"]}, (BacktestError, InstrumentError), "SPX"),
        ({"period": "1h"}, BacktestError, "no stored 1h bars of X"),
        ({"symbols": []}, BacktestError, "symbols of a backtest must be at least one symbol"),
        ({"symbols": ["X", "X"]}, BacktestError, "different symbols"),
        ({"cash": 0.0}, BacktestError, "cash of a backtest must be more than 0"),
        ({"commission": 1.5}, BacktestError, "commission of a backtest must be a fraction"),
        ({"run": "../out"}, BacktestError, "run of a backtest must be a name"),
        ({"start_ns": 5, "end_ns": 4}, BacktestError, "end_ns of a backtest must be later"),
        ({"basis": "lats"}, BacktestError, "Did you mean 'last'"),
        ({"parameters": {"fats": 3}}, StrategyError, "no parameter 'fats'.*Did you mean 'fast'"),
        ({"parameters": {"fast": "three"}}, StrategyError, "'fast' of SmaCross must be of type int"),
        ({"class_name": "SmaCros"}, StrategyError, "Did you mean 'SmaCross'"),
        ({"file": "nothing_there.py"}, StrategyError, "no strategy file"),
        ({"file": "/etc/passwd.py"}, StrategyError, "strategy file"),
        ({"journal": "/nowhere"}, BacktestError, "/nowhere is no bus folder"),
    ],
)
def test_bad_input_is_a_sentence_and_leaves_nothing(
    kit: ModuleType, tmp_path: Path, options: dict[str, Any], error: Any, words: str
) -> None:
    """What is wrong is said in one sentence, before a folder is made."""
    spec = {"file": str(EXAMPLES / "sma_cross.py"), "symbols": ["X"], **options}
    with pytest.raises(error, match=words):
        engine_of(tmp_path, kit.stored(kit.random_bars(60, period="1d"))).run(BacktestSpec(**spec))
    runs = list((tmp_path / "home").glob("backtests/*/result.json"))
    assert runs == []


def test_taken_run_name_is_refused(kit: ModuleType, tmp_path: Path) -> None:
    """A run never overwrites another."""
    engine = engine_of(tmp_path, kit.stored(kit.random_bars(60, period="1d")))
    spec = BacktestSpec(file=str(EXAMPLES / "sma_cross.py"), symbols=["X"], run="same")
    engine.run(spec)
    with pytest.raises(BacktestError, match="'same' in .* already"):
        engine.run(spec)


def test_no_store_at_all_is_said(tmp_path: Path) -> None:
    """Without a store or a journal the engine says what to do."""
    with pytest.raises(BacktestError, match="import data first, or name a journal"):
        BacktestEngine(tmp_path, folders=[EXAMPLES]).run(BacktestSpec(file=str(EXAMPLES / "sma_cross.py"), symbols=["X"]))
    with pytest.raises((BacktestError, InstrumentError), match="stored"):
        engine_of(tmp_path, MemoryHistory()).run(BacktestSpec(file=str(EXAMPLES / "sma_cross.py"), symbols=["X"]))


def test_request_becomes_a_spec(kit: ModuleType) -> None:
    """A request event carries everything of a spec; options fill what it has no field for."""
    event = BacktestRequestEvent(
        run="r", file="f.py", symbols=["X"], period="1h", parameters={"fast": 3}, options={"stake": 2, "basis": "bid"}
    )
    spec = BacktestSpec.from_event(event)
    assert (spec.run, spec.period, spec.parameters, spec.stake, spec.basis) == ("r", "1h", {"fast": 3}, 2.0, "bid")
    with pytest.raises(BacktestError, match="no option 'steak'.*Did you mean 'stake'"):
        BacktestSpec.from_event(BacktestRequestEvent(run="r", file="f.py", symbols=["X"], options={"steak": 2}))
    with pytest.raises(BacktestError, match="cannot be read"):
        BacktestSpec.from_event(BacktestRequestEvent(run="r", file="f.py", symbols=["X"], options={"stake": "much"}))


def test_report_shows_the_measures(kit: ModuleType, tmp_path: Path) -> None:
    """The console table names result, trades, Sharpe with its annualisation, and drawdown."""
    from io import StringIO

    from rich.console import Console

    from gcg_quant.backtest import print_report

    result: BacktestResult = engine_of(tmp_path, kit.stored(kit.random_bars(400, period="1d"))).run(
        BacktestSpec(file=str(EXAMPLES / "sma_cross.py"), symbols=["X"])
    )
    text = StringIO()
    print_report(result, Console(file=text, width=120))
    shown = text.getvalue()
    for words in (
        "SmaCross(fast=10, slow=30) on X 1d",
        "Total return",
        "Sharpe",
        "√252, risk-free 0 %",
        "Max drawdown",
        "Trades",
        "Saved in",
    ):
        assert words in shown
    assert f"{result.measures.end_value:,.2f}" in shown
    assert "calendar years" in shown
    month = msgspec.structs.replace(result.measures, end_ns=result.measures.start_ns + 29 * NS_PER_DAY)
    text = StringIO()
    print_report(msgspec.structs.replace(result, measures=month), Console(file=text, width=120))
    (row,) = (line.split() for line in text.getvalue().splitlines() if line.split()[:1] == ["CAGR"])
    assert row == ["CAGR", "n/a", "less", "than", "a", "month"]  # what a few days come to in a year says nothing


def test_strategy_that_never_trades_has_no_ratios(kit: ModuleType, tmp_path: Path) -> None:
    """Measures that would divide by zero are None, in the report "n/a", and the JSON stays valid."""
    text = "import backtrader as bt\nclass Idle(bt.Strategy):\n    pass\n"
    result = engine_of(tmp_path, kit.stored(kit.random_bars(30, period="1d"))).run(
        BacktestSpec(file=write(tmp_path / "strategies", text), symbols=["X"])
    )
    assert (result.measures.sharpe, result.measures.win_rate, result.measures.profit_factor) == (None, None, None)
    assert result.measures.total_return == 0.0
    assert json.loads(result.to_json())["measures"]["sharpe"] is None
    result.show()
