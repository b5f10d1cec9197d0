"""Kungfu's and hft_backtest's strategy files in a backtest: bars stand in for quotes, and all the rest is what trades live."""

from __future__ import annotations

import re
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gcg_quant.backtest import BacktestEngine, BacktestResult, BacktestSpec, BacktraderAdapter
from gcg_quant.bar_builder import BarBuilder
from gcg_quant.bus import EventBus
from gcg_quant.data_collector import SimulatedExchange
from gcg_quant.errors import StrategyError
from gcg_quant.events import Fill, LogEvent, OrderRequest, Side
from gcg_quant.strategy_engine import LoadRequest, StrategyManager, TradingConfig, TradingEngine

# Buys at the second quote, sells at the fifth.
KUNGFU = """
import kungfu
from kungfu.wingchun.constants import *

def pre_start(context):
    context.add_account("sim", "1")
    context.subscribe("sim", ["BTC/USDT", "000001"], Exchange.SSE)
    context.count = 0

def on_quote(context, quote, location, dest):
    context.count += 1
    context.log.info(f"{context.count} {quote.last_price:g} {quote.high_price:g} {context.now() == quote.data_time}")
    if context.count == 2:
        context.insert_order("BTC/USDT", Exchange.SSE, "sim", quote.last_price + 5, 300, PriceType.Limit, Side.Buy, Offset.Open)
    if context.count == 5:
        context.insert_order("BTC/USDT", Exchange.SSE, "sim", 0, 300, PriceType.Any, Side.Sell, Offset.Close)

def on_trade(context, trade):
    context.log.info(f"{trade.side} {trade.volume:g} at {trade.price:g}")

async def on_transaction(context, transaction): ...
"""

HFT = """
import hft_backtest as hft

class Twice(hft.Strategy):
    def init(self):
        self.count = 0

    def on_tick(self, tick):
        self.count += 1
        if self.count == 2:
            self.send_order(tick.symbol, hft.Direction.Buy, tick.last_price + 5, 300)
        if self.count == 5:
            self.send_order(tick.symbol, hft.Direction.Sell, tick.last_price - 5, 300)

engine = hft.Engine()
engine.load_config("no such file")
engine.add_strategy(Twice())
engine.run()
"""


def run(tmp_path: Path, history: Any, text: str, **options: Any) -> BacktestResult:
    """Backtest a strategy text."""
    folder = tmp_path / "strategies"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.py").write_text(text, encoding="utf-8")
    engine = BacktestEngine(tmp_path / "home", folders=[folder], store=history)
    return engine.run(BacktestSpec(**{"file": str(folder / "mine.py"), "symbols": ["BTC/USDT"], "cash": 1e6, **options}))


def events(result: BacktestResult, *kinds: Any) -> list[Any]:
    """Return the events of a run's journal."""
    with EventBus(Path(result.folder) / "bus", create=False, read_only=True) as bus, bus.reader(start="begin", events=kinds) as reader:
        return list(reader)


def test_kungfu_strategy_trades_at_the_next_open(kit: ModuleType, tmp_path: Path) -> None:
    """Each bar is a quote of its close; what is ordered on it trades at the next one's open, and the file is told."""
    bars = kit.make_bars([100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0], "1m")
    result = run(tmp_path, kit.stored(bars, "BTC/USDT"), KUNGFU, period="1m")
    (trade,) = result.trades
    assert (trade.size, trade.entry_price, trade.profit, result.kind) == (300.0, 101.0, 900.0, "kungfu")
    assert result.measures.end_value == pytest.approx(1e6 + 900.0)
    lines = [event for event in events(result, LogEvent) if event.component == "mine"]
    assert [event.message for event in lines if event.level == "warning"] == ["on_transaction is never called here"]
    said = [event.message for event in lines if event.level == "info"]
    assert said[:2] == ["1 100 100.5 True", "2 101 101.5 True"]
    assert [line for line in said if line.startswith("Side")] == ["Side.Buy 300 at 101", "Side.Sell 300 at 104"]


def test_same_bars_give_the_same_journal(kit: ModuleType, tmp_path: Path) -> None:
    """Two runs ask for the same orders under the same client ids."""
    history = kit.stored(kit.random_bars(60, period="1m"), "BTC/USDT")
    found = []
    for name in ("one", "two"):
        result = run(tmp_path / name, history, KUNGFU, period="1m")
        found.append([(one.client_id, one.order_type, one.event_ns) for one in events(result, OrderRequest)])
    assert len(found[0]) == 2
    assert found[0] == found[1]


def test_hft_strategy_trades_at_the_next_open(kit: ModuleType, tmp_path: Path) -> None:
    """The same plan in hft_backtest's way."""
    bars = kit.make_bars([100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0], "1d")
    result = run(tmp_path, kit.stored(bars, "BTC/USDT"), HFT)
    (trade,) = result.trades
    assert (trade.size, trade.entry_price, trade.profit, result.kind) == (300.0, 101.0, 900.0, "hft_backtest")


def test_mistake_names_file_line_and_bar(kit: ModuleType, tmp_path: Path) -> None:
    """What the file raises ends the backtest with a sentence."""
    history = kit.stored(kit.make_bars([100.0, 101.0, 102.0], "1d"), "BTC/USDT")
    with pytest.raises(StrategyError, match=r"mine.py:13: on_bar raised ZeroDivisionError.*\(at the bar that ended at "):
        run(tmp_path, history, KUNGFU.replace("    if context.count == 2:", "    if context.count == 2: 1 / 0\n    if context.count == 2:"))


@pytest.mark.parametrize(("number", "kind", "symbol"), [("000", "kungfu", "600519"), ("001", "hft_backtest", "SPY")])
def test_samples_of_the_documents_run_unchanged(
    kit: ModuleType, tmp_path: Path, shared_seeds: Path, number: str, kind: str, symbol: str
) -> None:
    """The strategies that the documents show are backtested byte for byte, and buy."""
    (document,) = shared_seeds.glob(f"{number}_*.txt")
    (sample,) = re.findall(r"```python\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL | re.IGNORECASE)
    bars = kit.make_bars([99.0, 101.0, 102.0, 101.0, 103.0, 104.0], "1m")
    result = run(tmp_path, kit.stored(bars, symbol), sample, symbols=[symbol], period="1m", cash=1e5)
    fills = events(result, Fill)
    assert result.kind == kind
    assert len(fills) >= 3
    assert {fill.side for fill in fills} == {Side.BUY}


BACKTRADER = """
import backtrader as bt

class Twice(bt.Strategy):
    def next(self):
        if not self.position:
            self.buy(size=1)
        else:
            self.close()
"""


def test_kungfu_and_backtrader_trade_side_by_side(bus: EventBus, tmp_path: Path) -> None:
    """One manager runs the example in Kungfu's API and a Backtrader class on paper, on one instrument, each with a position of its own."""
    (tmp_path / "plain_bt.py").write_text(BACKTRADER)
    engine = TradingEngine(TradingConfig(account="paper", cash=1e9, currency="CNY"))
    bars = BarBuilder(periods=("1s",))
    exchange = SimulatedExchange(symbols=["rb2501"], ticks_per_second=100.0, history_minutes=0)
    load = [
        LoadRequest(file="kungfu_dip", id="kungfu", start=True),
        LoadRequest(file="plain_bt", id="backtrader", symbols=("rb2501",), parameters={"period": "1s"}, start=True),
    ]
    folders = [tmp_path, Path(__file__).resolve().parents[2] / "examples" / "strategies"]
    manager = StrategyManager(folders, load=load, adapters=[BacktraderAdapter()], account="paper", bar_periods=("1s",))
    parts = [engine, bars, manager, exchange]
    for part in parts:
        part.start(bus)
    try:
        deadline = time.monotonic() + 60
        traded: set[tuple[str, Side]] = set()
        with bus.reader(start="begin", events=[Fill]) as reader:
            while len(traded) < 4:
                assert time.monotonic() < deadline, f"only {traded}; {[one.error for one in manager.strategies()]}"
                event = reader.read(0.5)
                if isinstance(event, Fill):
                    traded.add((event.strategy, event.side))
        assert [(one.id, one.kind, one.state) for one in manager.strategies()] == [
            ("kungfu", "kungfu", "running"),
            ("backtrader", "backtrader", "running"),
        ]
    finally:
        for part in reversed(parts):
            assert part.stop(60.0)
