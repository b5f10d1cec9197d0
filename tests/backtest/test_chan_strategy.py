"""ChanStrategy: its trades on real days equal those that the analyzer's list of points says, wherever it runs."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest

from gcg_quant.backtest import BacktestEngine, BacktestSpec, EventDrivenCerebro, EventDrivenDataFeed, as_backtrader
from gcg_quant.backtest.history.bars import BarArray
from gcg_quant.backtest.truncation import BarRuns, compare_cuts
from gcg_quant.bus import EventBus
from gcg_quant.clock import from_iso
from gcg_quant.errors import StrategyError
from gcg_quant.events import Bar, Fill, OrderRequest, OrderType, Side, SignalEvent, StrategyControlEvent, from_array
from gcg_quant.history import MemoryHistory
from gcg_quant.instruments import preset
from gcg_quant.strategy_engine.chan import ChanAnalyzer
from gcg_quant.strategy_engine.chan.calls import ChanCalls, ChanRules
from gcg_quant.strategy_engine.strategies.chan import ChanStrategy

from .paper_system import SECOND, Paper

VALUE = 10_000.0


@pytest.fixture(scope="module")
def days(shared_data: Path, kit: ModuleType) -> BarArray:
    """Return the daily bars of SPY."""
    return kit.read_daily(shared_data / "stock/SPY_daily.csv.gz")[1]  # type: ignore[no-any-return]


class Trip(NamedTuple):
    """A position from its first bar to its last."""

    size: float
    entered_ns: int
    entry: float
    left_ns: int
    exit: float


def trips_of_points(days: BarArray, kinds: str = "123", **rules: Any) -> list[Trip]:
    """Return what the points say, read off the finished list by a plain loop: in at the next open, out at a sell point's or at the stop."""
    analyzer = ChanAnalyzer(**rules)
    analyzer.extend(days["start_ns"], days["high"], days["low"], days["close"])
    points: dict[int, list[Any]] = {}
    for point in analyzer.points[analyzer.points["confirmed"] >= 0]:
        if point["kind"].decode()[1] in kinds:
            points.setdefault(int(point["confirmed"]), []).append(point)
    trips, held, stop, wanted, leaves = [], None, 0.0, None, False
    for number, bar in enumerate(days):
        start_ns, opening = int(bar["start_ns"]), float(bar["open"])
        if leaves and held is not None:
            trips.append(Trip(*held, start_ns, opening))
            held = None
        leaves = False
        if wanted is not None:
            size, stop = wanted
            held, wanted = (size, start_ns, opening), None
        if held is not None and held[1] < start_ns and bar["low"] <= stop:  # its stop rests from the bar after the entry on
            trips.append(Trip(*held, start_ns, min(opening, stop)))
            held = None
        for point in points.get(number, ()):
            if point["kind"][:1] == b"S":
                leaves, wanted = held is not None, None
            elif held is None and wanted is None and point["price"] < bar["close"]:
                wanted = float(VALUE // bar["close"]), float(point["price"])
    return trips


def test_trades_on_real_days_are_those_of_the_points(days: BarArray, kit: ModuleType, tmp_path: Path) -> None:
    """Twenty years of SPY: each entry, exit, size and price, by the bus; the numbers stand here, too."""
    engine = BacktestEngine(tmp_path, store=kit.stored(days, "SPY", "NYSE"))
    result = engine.run(BacktestSpec(file="chan", symbols=["SPY"], cash=100_000.0, report=False))
    expected = trips_of_points(days)
    found = [(one.size, one.time_ns, one.price) for one in result.fills]
    assert found[0::2] == [(one.size, one.entered_ns, one.entry) for one in expected]
    assert found[1::2] == [(-one.size, one.left_ns, one.exit) for one in expected]
    assert len(result.trades) == 26
    assert found[0] == (81.0, from_iso("1998-12-29T05:00:00Z"), 122.72)
    assert found[-1] == (-31.0, found[-1][1], 390.51)
    assert result.measures.end_value == pytest.approx(105_647.19)


def run_on(days: BarArray, kit: ModuleType, tmp_path: Path, **parameters: Any) -> Any:
    """Return a backtest's result over some days."""
    spec = BacktestSpec(file="chan", symbols=["SPY"], cash=100_000.0, report=False, parameters=parameters)
    return BacktestEngine(tmp_path, store=kit.stored(days, "SPY", "NYSE")).run(spec)


def signals_of(result: Any) -> list[SignalEvent]:
    """Return the signals that stand on a run's bus."""
    with (
        EventBus(Path(result.folder) / "bus", create=False, read_only=True) as bus,
        bus.reader(start="begin", events=[SignalEvent]) as reader,
    ):
        return list(reader)


def test_other_rules(days: BarArray, kit: ModuleType, tmp_path: Path) -> None:
    """Kinds, divergence and variant are those of the analyzer; short sells, too; a longer period leaves points out."""
    days = days[:2500]
    third = run_on(days, kit, tmp_path, first=False, second=False, variant="new-loss", divergence="slope")
    expected = trips_of_points(days, "3", variant="new-loss", divergence="slope")
    assert [(one.size, one.price) for one in third.fills[0::2]] == [(one.size, one.entry) for one in expected]
    both = run_on(days, kit, tmp_path, short=True, stop="none")
    assert min(one.size for one in both.trades) < 0 < max(one.size for one in both.trades)
    agreed = run_on(days, kit, tmp_path, above="1w")
    whether = [one.data["agrees"] for one in signals_of(agreed) if one.direction == Side.BUY]
    assert True in whether
    assert False in whether
    assert len(agreed.trades) < len(run_on(days, kit, tmp_path, stop="atr").trades)


def test_signals_are_the_confirmed_points_at_the_bar_that_confirms_them(days: BarArray, kit: ModuleType, tmp_path: Path) -> None:
    """Without `trade` nothing is ordered, and each point is told once, at its bar, with its price."""
    days = days[:1500]
    result = run_on(days, kit, tmp_path, trade=False)
    analyzer = ChanAnalyzer()
    analyzer.extend(days["start_ns"], days["high"], days["low"], days["close"])
    points = analyzer.points[analyzer.points["confirmed"] >= 0]
    found = [(one.name, one.event_ns, one.price, one.data["time_ns"]) for one in signals_of(result)]
    assert found == [(one["kind"].decode(), days["event_ns"][one["confirmed"]], one["price"], one["time_ns"]) for one in points]
    assert len(found) > 10
    assert not result.fills


def test_under_backtrader_it_enters_where_the_points_say(days: BarArray) -> None:
    """The same class in a Backtrader cerebro: the same entries; a stop that a bar opens beyond is Backtrader's matter."""
    cerebro = EventDrivenCerebro()
    cerebro.adddata(EventDrivenDataFeed(dataname="SPY", period="1d", bars=days[:2500]), name="SPY")
    cerebro.broker.set_cash(100_000.0)
    cerebro.addstrategy(as_backtrader(ChanStrategy, [preset("us", "SPY", "NYSE")]))
    cerebro.run()
    fills = cerebro.result().fills
    expected = trips_of_points(days[:2500])
    assert [(one.size, one.price) for one in fills if one.size > 0] == [(one.size, one.entry) for one in expected[: len(fills) // 2 + 1]]
    assert len(fills) > 12


def test_no_decision_needs_what_comes_after(days: BarArray, kit: ModuleType) -> None:
    """Cut off at decisions over real days, it decides the same."""
    spec = BacktestSpec(file="chan", symbols=["SPY"], cash=100_000.0, parameters={"above": "1w"})
    with BarRuns(spec, kit.stored(days[:1000], "SPY", "NYSE")) as runs:
        found = compare_cuts(runs, 4, moments=2)
    assert found.ok, found
    assert found.kinds["signal"] > 5


def test_a_start_with_history_goes_on_as_if_it_had_never_stopped(days: BarArray, kit: ModuleType, tmp_path: Path) -> None:
    """The analysis of a strategy that begins later on stored bars is, point for point, that of one that saw them all."""
    calls, later = ChanCalls(ChanRules()), ChanCalls(ChanRules())
    later.extend(days[:3000])
    told = [(bar.start_ns, call) for bar in from_array(days, "SPY", "NYSE") for call in calls.update(bar)]
    again = [(bar.start_ns, call) for bar in from_array(days[2000:], "SPY", "NYSE") for call in later.update(bar)]
    assert again == [one for one in told if one[0] > days["start_ns"][2999]]
    assert len(again) > 10


def test_on_paper_over_a_restart(kit: ModuleType, bus: EventBus, tmp_path: Path) -> None:
    """In a running system it trades its points with stops behind them; started again on stored bars it goes on where it was."""
    paper = Paper(kit, bus, tmp_path / "strategies", threaded=False)
    prices = (100 + np.cumsum(np.random.default_rng(3).normal(0, 0.3, 900))).round(2)
    wanted = {"period": "1s", "trend_pivots": 1, "short": True}
    assert paper.command(StrategyControlEvent(action="run", file="chan", strategy="one", symbols=["X"], parameters=wanted))
    for number, price in enumerate(prices.tolist()):
        if number == 450:
            history = MemoryHistory()
            history.add_bars("X", "SIM", bus_bars(bus))
            paper.restart(history)
        paper.market([price], size=1e6)
        while paper.engine.turn() + paper.manager.turn():
            pass
    calls = ChanCalls(ChanRules(trend_pivots=1))
    expected = [(call.kind, call.time_ns, call.price) for bar in paper.read(Bar) for call in calls.update(bar)]
    assert [(one.name, one.data["time_ns"], one.price) for one in paper.read(SignalEvent)] == expected
    assert sum(time_ns < kit.START_NS + 450 * SECOND for _, time_ns, _ in expected) > 4
    orders = paper.read(OrderRequest)
    assert {one.tag for one in orders if one.order_type == OrderType.MARKET and one.tag} <= {kind for kind, *_ in expected}
    assert len([one for one in orders if one.order_type == OrderType.STOP]) > 2
    assert {one.side for one in paper.read(Fill)} == {Side.BUY, Side.SELL}
    paper.close()


def bus_bars(bus: EventBus) -> BarArray:
    """Return the bars of a bus as an array."""
    with bus.reader(start="begin", events=[Bar]) as reader:
        rows = reader.read_array(Bar)
    bars = np.zeros(len(rows), Bar.dtype)
    for name in Bar.dtype.names or ():
        bars[name] = rows[name]
    return bars


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"first": False, "second": False, "third": False}, "One of first, second and third must be true"),
        ({"stop": "strok"}, "'stop' of ChanStrategy must be one of 'stroke', 'atr', 'none'"),
        ({"above": "1m"}, "above must be longer than the period 1m"),
        ({"variant": "old"}, "must be one of 'old-strict'"),
        ({"divergence": "are"}, "must be one of 'area'"),
    ],
)
def test_rules_that_make_no_sense(parameters: dict[str, Any], message: str) -> None:
    """Each is refused with a sentence, before anything runs."""
    with pytest.raises(StrategyError, match=message):
        ChanStrategy(**parameters)
    with pytest.raises(StrategyError, match="digits 1, 2 and 3, such as '23', not '4'"):
        ChanRules(kinds="4").check("1m")
