"""The decision for or against the fast path: each reason is found before anything runs, and is told in one sentence."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
from collections.abc import Callable
from types import MethodType, ModuleType
from typing import Any

import backtrader as bt
import pytest
from backtrader.feed import DataClone

from gcg_quant.backtest import EventDrivenBroker, EventDrivenCerebro, EventDrivenDataFeed
from gcg_quant.backtest.fast import swap


class Reading(bt.Strategy):
    """Has an indicator and trades now and then."""

    def __init__(self) -> None:
        self.average = bt.ind.SMA(period=3)

    def next(self) -> None:
        """Buy and close by the count."""
        if len(self) % 7 == 0:
            self.buy() if not self.position else self.close()


def run(kit: ModuleType, prepare: Callable[[Any], Any], cls: type = EventDrivenCerebro, **options: Any) -> Any:
    """Return a cerebro that ran `Reading` over 40 bars; `prepare` changed it before and may return another strategy class."""
    cerebro = cls()
    cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(40)))
    cerebro.addstrategy(prepare(cerebro) or Reading)
    cerebro.run(**options)
    return cerebro


def test_a_plain_run_is_fast(kit: ModuleType) -> None:
    """Nothing speaks against a plain run, with our broker or Backtrader's."""
    assert run(kit, lambda cerebro: None).fast_reason == ""
    assert run(kit, lambda cerebro: setattr(cerebro, "broker", EventDrivenBroker())).fast_reason == ""


def test_switched_off(kit: ModuleType) -> None:
    """fast=False takes Backtrader's own path and says so."""
    cerebro = EventDrivenCerebro(fast=False)
    cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(40)))
    cerebro.addstrategy(Reading)
    cerebro.run()
    assert cerebro.fast_reason == "Backtrader's own path was taken: the fast one is switched off (fast=False)."


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"oldsync": True}, "oldsync is on"),
        ({"oldsync": True, "runonce": False}, "oldsync is on"),
        ({"lookahead": 2}, "lookahead is set"),
        ({"exactbars": 1, "runonce": False}, "exactbars is on"),
        ({"exactbars": 1}, "exactbars is on"),
    ],
)
def test_options_of_the_run(kit: ModuleType, options: dict[str, Any], reason: str) -> None:
    """Options of Cerebro that change the loop take Backtrader's own."""
    assert reason in run(kit, lambda cerebro: None, **options).fast_reason


class Live(bt.feeds.PandasData):  # type: ignore[misc]
    """Says that it is live."""

    def islive(self) -> bool:
        """Return True."""
        return True


def resampled(cerebro: Any, kit: ModuleType) -> None:
    """Add five-minute bars."""
    cerebro.resampledata(cerebro.datas[0], timeframe=bt.TimeFrame.Minutes, compression=5)


def replayed(cerebro: Any, kit: ModuleType) -> None:
    """Add five-minute bars that grow minute by minute."""
    cerebro.replaydata(cerebro.datas[0], timeframe=bt.TimeFrame.Minutes, compression=5)


@pytest.mark.parametrize(
    ("prepare", "options"),
    [
        (None, {"runonce": False}),
        (None, {"preload": False}),
        (None, {"preload": False, "runonce": False, "stdstats": False}),
        (resampled, {}),
        (replayed, {}),
    ],
)
def test_bar_by_bar_is_fast_as_well(kit: ModuleType, prepare: Any, options: dict[str, Any]) -> None:
    """Runs that go bar by bar do so on lines in C, and end as Backtrader's own do."""
    ends = []
    for fast in (True, False):
        kit.restart_references()
        cerebro = EventDrivenCerebro(fast=fast)
        cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(60)))
        if prepare is not None:
            prepare(cerebro, kit)
        cerebro.addstrategy(Reading)
        strategy = cerebro.run(**options)[0]
        assert (cerebro.fast_reason == "") is fast
        assert "__slots__" not in vars(type(strategy))
        ends.append((cerebro.broker.getvalue(), len(strategy._orders), bytes(strategy.average.array.tobytes())))
    assert ends[0] == ends[1]


def test_live_feeds_are_fast_as_well(kit: ModuleType) -> None:
    """A live feed of another kind than ours is asked for its bars where Backtrader would ask it."""
    cerebro = EventDrivenCerebro()
    cerebro.adddata(Live(dataname=kit.frame_of(kit.random_bars(40)), name="L", timeframe=bt.TimeFrame.Minutes))
    cerebro.addstrategy(Reading)
    assert len(cerebro.run()[0]) == 40
    assert cerebro.fast_reason == ""


def writer(cerebro: Any) -> None:
    """Write to memory."""
    cerebro.addwriter(bt.WriterFile, out=io.StringIO(), csv=True)


def timer(cerebro: Any) -> None:
    """Call at noon."""
    cerebro.add_timer(when=dt.time(12))


def order_history(cerebro: Any) -> None:
    """Bring an order along."""
    cerebro.add_order_history([[dt.datetime(2023, 11, 14, 0, 5), 1, 100.0]], notify=True)


def fund_history(cerebro: Any) -> None:
    """Bring a fund along."""
    cerebro.set_fund_history([[dt.datetime(2000, 1, 1), 100.0, 10_000.0]])


def strange_broker(cerebro: Any) -> None:
    """Use a broker of one's own."""

    class Mine(bt.brokers.BackBroker):  # type: ignore[misc]
        pass

    cerebro.broker = Mine()


def patched_broker(cerebro: Any) -> None:
    """Replace a method of the broker."""
    cerebro.broker.get_cash = MethodType(lambda self: self.cash, cerebro.broker)


def open_order(cerebro: Any) -> type:
    """Have an order before the first bar."""

    class Early(Reading):
        def start(self) -> None:
            self.broker.pending.append(None)

        def next(self) -> None:
            self.cerebro.runstop()

    return Early


def open_position(cerebro: Any) -> None:
    """Begin with a position."""
    cerebro.broker = EventDrivenBroker()
    cerebro.broker.use_position(cerebro.datas[0], 2.0, 100.0)


def advancing_feed(cerebro: Any) -> None:
    """Use a feed that goes its own way."""

    class Mine(EventDrivenDataFeed):
        def advance(self, size: int = 1, datamaster: Any = None, ticks: bool = True) -> None:
            super().advance(size, datamaster, ticks)

    cerebro.adddata(Mine(dataname="Y", bars=cerebro.datas[0].p.bars))


def advancing_clone(cerebro: Any) -> None:
    """Add a feed twice, the second time in a way of its own."""

    class Mine(DataClone):  # type: ignore[misc]
        def advance(self, size: int = 1, datamaster: Any = None, ticks: bool = True) -> None:
            super().advance(size, datamaster, ticks)

    cerebro.adddata(Mine(dataname=cerebro.datas[0]))


def heeding(cerebro: Any) -> type:
    """Override what a signal strategy has of its own."""

    class Heeding(bt.SignalStrategy):  # type: ignore[misc]
        def _notify(self, qorders: Any = (), qtrades: Any = ()) -> None:
            super()._notify(qorders, qtrades)

    return Heeding


def clearing(cerebro: Any) -> type:
    """Override what the loop stands in for."""

    class Clearing(Reading):
        def clear(self) -> None:
            super().clear()

    return Clearing


def patched_strategy(cerebro: Any) -> type:
    """Replace a method of the strategy."""

    class Patched(Reading):
        def start(self) -> None:
            self._notify = super()._notify

    return Patched


def moving_indicator(cerebro: Any) -> type:
    """Use an indicator that goes its own way."""

    class Own(bt.Indicator):  # type: ignore[misc]
        lines = ("own",)

        def next(self) -> None:
            self.lines.own[0] = self.data[0]

        def advance(self, size: int = 1) -> None:
            super().advance(size)

    class Using(Reading):
        def __init__(self) -> None:
            self.own = Own()

    return Using


def late_indicator(cerebro: Any) -> type:
    """Let an indicator follow the strategy."""

    class Using(Reading):
        def __init__(self) -> None:
            self.either = bt.If(1.0, self.data.close, self.data.open)

    return Using


def coupled(cerebro: Any) -> type:
    """Couple a line to another clock."""

    class Using(Reading):
        def __init__(self) -> None:
            self.coupled = self.data.close()

    return Using


def forwarding_observer(cerebro: Any) -> None:
    """Use an observer that goes its own way."""

    class Own(bt.Observer):  # type: ignore[misc]
        lines = ("own",)

        def next(self) -> None:
            self.lines.own[0] = 1.0

        def forward(self, value: float = float("nan"), size: int = 1) -> None:
            super().forward(value, size)

    cerebro.addobserver(Own)


def looking_everywhere(cerebro: Any) -> type:
    """Override how attributes are looked up."""

    class Using(Reading):
        def __getattribute__(self, name: str) -> Any:
            return super().__getattribute__(name)

    return Using


def telling_of_children(cerebro: Any) -> type:
    """Want to know of derived classes."""

    class Using(Reading):
        def __init_subclass__(cls, **kwargs: Any) -> None:
            raise AssertionError("nobody may derive from this class behind the user's back")

    return Using


def short_lines(cerebro: Any) -> type:
    """Let an indicator keep a few values only."""

    class Using(Reading):
        def start(self) -> None:
            self.average.qbuffer(savemem=1)

        def next(self) -> None:
            self.cerebro.runstop()

    return Using


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (order_history, "there is an order history"),
        (strange_broker, "the broker is a Mine"),
        (patched_broker, "the broker's get_cash() was replaced"),
        (open_position, "the run begins with open positions"),
        (advancing_feed, "the feed Mine overrides advance"),
        (advancing_clone, "the feed Mine overrides advance"),
        (clearing, "Clearing overrides clear"),
        (heeding, "Heeding overrides _notify"),
        (patched_strategy, "Patched overrides _notify"),
        (moving_indicator, "the indicator Own overrides advance"),
        (late_indicator, "the indicator If does not follow a feed"),
        (coupled, "SingleCoupler couples lines of different time frames"),
        (forwarding_observer, "the observer Own overrides forward"),
        (looking_everywhere, "Using overrides __getattribute__"),
        (telling_of_children, "Using has an __init_subclass__"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_the_user_brings(kit: ModuleType, prepare: Callable[[Any], Any], reason: str) -> None:
    """What the loop cannot stand in for takes Backtrader's own path, which runs as ever."""
    cerebro = run(kit, prepare)
    assert cerebro.fast_reason.startswith(f"Backtrader's own path was taken: {reason}")
    assert cerebro.fast_reason.endswith(".")
    assert len(cerebro.runningstrats[0]) == 40


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (open_order, "the run begins with open orders"),
        (short_lines, "keeps a part of its values"),
        (fund_history, "there is a fund history"),
    ],
)
def test_what_backtrader_itself_breaks_at(kit: ModuleType, prepare: Callable[[Any], Any], reason: str) -> None:
    """The decision is made after the strategies' start, so that it sees what they did there; what then breaks, breaks as ever."""
    cerebro = EventDrivenCerebro()
    cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(40)))
    cerebro.addstrategy(prepare(cerebro) or Reading)
    with contextlib.suppress(Exception):  # it is the reason that counts
        cerebro.run()
    assert reason in cerebro.fast_reason


@pytest.mark.parametrize("prepare", [writer, timer])
def test_what_is_done_beside_bars(kit: ModuleType, prepare: Callable[[Any], Any]) -> None:
    """Timers and writers are called in a preloaded run, and in one that goes bar by bar."""
    assert run(kit, prepare).fast_reason == ""
    assert run(kit, prepare, runonce=False).fast_reason == ""


def test_a_cerebro_that_overrides_a_step(kit: ModuleType) -> None:
    """A subclass that looks in between two bars is not passed over."""

    class Looking(EventDrivenCerebro):
        def _brokernotify(self) -> None:
            super()._brokernotify()

    class Hearing(EventDrivenCerebro):
        def _datanotify(self) -> None:
            super()._datanotify()

    assert "Looking overrides _brokernotify()" in run(kit, lambda cerebro: None, cls=Looking).fast_reason
    assert "Hearing overrides _datanotify()" in run(kit, lambda cerebro: None, cls=Hearing, runonce=False).fast_reason


def test_a_strategy_with_a_feed_of_its_own(kit: ModuleType) -> None:
    """A strategy that was given more feeds than the run has is Backtrader's business."""
    cerebro = EventDrivenCerebro()
    cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(40)))
    cerebro.addstrategy(Reading, cerebro.datas[0].lines.close)
    cerebro.run()
    assert "Reading has other feeds than the run" in cerebro.fast_reason


def test_optstrategy_decides_in_its_workers(kit: ModuleType) -> None:
    """A sweep over processes says where the decisions are made; in this process each run decides."""
    cerebro = EventDrivenCerebro()
    cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(60)))
    cerebro.optstrategy(kit.Cross, fast=[3, 5], slow=[15])
    assert len(cerebro.run(maxcpus=1)) == 2
    assert cerebro.fast_reason == ""
    cerebro = EventDrivenCerebro()
    cerebro.adddata(EventDrivenDataFeed(dataname="X", bars=kit.random_bars(60)))
    cerebro.optstrategy(kit.Cross, fast=[3, 5], slow=[15])
    assert len(cerebro.run(maxcpus=2)) == 2
    assert "worker processes" in cerebro.fast_reason


def test_a_python_of_another_kind(kit: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where arrays are laid out in another way than the compiled part knows, Backtrader's own path is taken and nothing has changed."""

    def refuse(*classes: Any) -> None:
        raise NotImplementedError("array.array of this Python is laid out in another way")

    monkeypatch.setattr(swap, "fast_setup", refuse)
    cerebro = run(kit, lambda cerebro: None)
    assert cerebro.fast_reason == "Backtrader's own path was taken: array.array of this Python is laid out in another way"
    assert len(cerebro.runningstrats[0]) == 40


def test_lines_of_another_run(kit: ModuleType) -> None:
    """A feed that a fast run is reading is not given to a second one: that one takes Backtrader's own path."""
    seen = []

    class Lending(Reading):
        def next(self) -> None:
            if len(self) == 5:
                other = swap.Swap([], self.datas)
                with pytest.raises(RuntimeError, match="in another fast run already"):
                    other.enter()
                seen.append(self.data.close[0])

    assert run(kit, lambda cerebro: Lending).fast_reason == ""
    assert len(seen) == 1
