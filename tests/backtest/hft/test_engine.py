"""The tick engine from outside: runs, steps, repetitions, several strategies and instruments, mistakes, Ctrl-C."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from patience import within
from tick_kit import NOON, SECOND, arrays, make_ticks, walk

from gcg_quant.backtest import hft
from gcg_quant.errors import BacktestError, ImportFileError, InstrumentError, SettingsError, StrategyError


class Busy(hft.Strategy):
    """Orders all the time, in every way: what it does depends on all that it is told."""

    every = hft.Parameter(7, low=1)

    def init(self) -> None:
        """Begin."""
        self.seen = 0
        self.told: list[Any] = []
        self.set_timer("tick", seconds=30)

    def on_tick(self, tick: hft.Tick) -> None:
        """Handle a tick."""
        self.seen += 1
        if self.seen % self.every:
            return
        side = hft.Direction.Buy if self.position(tick.symbol) <= 0 else hft.Direction.Sell
        kind = self.seen // self.every % 4
        if kind == 0:
            self.send_order(tick.symbol, side, None, 2)
        elif kind == 1:
            self.send_order(tick.symbol, side, tick.last_price, 3, time_in_force=hft.TimeInForce.IOC)
        elif kind == 2:
            self.cancel_all(tick.symbol)
        else:
            self.send_order(tick.symbol, side, self.best_bid(tick.symbol), 1, post_only=side is hft.Direction.Buy)

    def on_order(self, order: hft.Order) -> None:
        """Note an order."""
        self.told.append((order.client_id, order.status, order.event_ns))

    def on_fill(self, fill: hft.Fill) -> None:
        """Note a fill."""
        self.told.append((fill.client_id, fill.price, fill.quantity, self.now))

    def on_timer(self, name: str) -> None:
        """Note a timer."""
        self.told.append((name, self.now, len(self.orders)))


LATE: dict[str, Any] = {"latency": {"order_ms": 3, "response_ms": 2, "feed_ms": "recorded", "jitter_ms": 1, "seed": 5}}


@pytest.mark.parametrize("settings", [{}, LATE], ids=["no latency", "latency"])
def test_second_run_is_equal_to_the_first(make_engine: Any, settings: dict[str, Any]) -> None:
    """run() again, and reset() with run(), give the same bytes, and tell the strategy the same; so does another engine."""
    busy = Busy()
    engine = make_engine(busy, **settings)
    engine.run()
    first, told = arrays(engine), list(busy.told)
    assert len(first["fills"]) > 1000
    assert len(told) > 100
    engine.run()
    assert (arrays(engine), busy.told) == (first, told)
    engine.step(500)
    engine.reset()
    engine.run()
    assert (arrays(engine), busy.told) == (first, told)
    other = make_engine(Busy(), **settings)
    other.run()
    assert arrays(other) == first


@pytest.mark.parametrize("settings", [{}, LATE], ids=["no latency", "latency"])
@pytest.mark.parametrize("steps", [1, 7, 1000])
def test_steps_are_the_run(make_engine: Any, settings: dict[str, Any], steps: int) -> None:
    """However many events a step takes, the run is the same; step() says how many it handled, 0 at the end."""
    busy, again = Busy(), Busy()
    engine = make_engine(busy, **settings)
    engine.run()
    stepped = make_engine(again, **settings)
    handled = 0
    while not stepped.finished:
        handled += stepped.step(steps)
    assert handled == 2_000
    assert (arrays(stepped), again.told) == (arrays(engine), busy.told)


def test_run_goes_on_after_steps(make_engine: Any) -> None:
    """run() after step() ends the same run."""
    busy, again = Busy(), Busy()
    engine, other = make_engine(busy), make_engine(again)
    engine.run()
    assert other.step(123) == 123
    other.run()
    assert (arrays(other), again.told) == (arrays(engine), busy.told)


class Sums(hft.Strategy):
    """Takes ticks in batches, and orders by what a batch ends with."""

    def init(self) -> None:
        """Begin."""
        self.rows = 0
        self.total = 0.0
        self.kept: list[Any] = []

    def on_ticks(self, ticks: Any) -> None:
        """Handle a batch."""
        self.rows += len(ticks)
        self.total += float(ticks["last_price"].sum())
        self.kept.append(ticks)


@pytest.mark.parametrize("batch", [1, 3, 4096])
def test_batch_size_does_not_matter(make_engine: Any, batch: int) -> None:
    """The batches of any size hold every tick once, in order, as views of the data; the other strategy is not touched by them."""
    data = {"ABC@SIM": walk(1_000)}
    plain = make_engine(Busy(), data=data)
    plain.run()
    sums, busy = Sums(), Busy()
    engine = make_engine(busy, sums, data=data, batch_rows=batch)
    engine.run()
    assert arrays(engine)["fills"] == arrays(plain)["fills"]
    assert sums.rows == 1_000
    assert max(len(one) for one in sums.kept) <= batch
    assert np.array_equal(np.concatenate([one["last_price"] for one in sums.kept]), data["ABC@SIM"]["last_price"])
    assert all(np.shares_memory(one, data["ABC@SIM"]) for one in sums.kept)
    assert not sums.kept[0].flags.writeable


class Seen(hft.Strategy):
    """Notes what it sees."""

    def init(self) -> None:
        """Begin."""
        self.seen: list[tuple[str, int]] = []

    def on_tick(self, tick: hft.Tick) -> None:
        """Handle a tick."""
        self.seen.append((tick.symbol, tick.event_ns))


def test_several_instruments_are_merged_by_time(make_engine: Any) -> None:
    """Ticks of three instruments come by event time, equal times in the order of adding; each strategy sees its own symbols."""
    data = {
        "ABC@SIM": walk(100),
        "DEF@SIM": walk(100, seed=2, start_ns=NOON + SECOND // 2),
        "GHI@SIM": walk(50, seed=3, step_ns=2 * SECOND),
    }
    everything, some, pattern = Seen(), Seen(), Seen()
    engine = make_engine(everything, data=data)
    assert [engine.add_strategy(some, symbols="DEF"), engine.add_strategy(pattern, "named", ["[AG]*"])] == ["Seen2", "named"]
    engine.run()
    merged = sorted((int(at), number, symbol) for number, (symbol, rows) in enumerate(data.items()) for at in rows["event_ns"])
    assert everything.seen == [(symbol.partition("@")[0], at) for at, _, symbol in merged]
    assert some.seen == [one for one in everything.seen if one[0] == "DEF"]
    assert pattern.seen == [one for one in everything.seen if one[0] != "DEF"]
    assert list(engine.strategies) == ["Seen", "Seen2", "named"]


def test_strategies_have_positions_of_their_own(make_engine: Any) -> None:
    """What one strategy buys is not another's; the account pays for both."""

    class Buys(hft.Strategy):
        size = hft.Parameter(1.0)

        def on_tick(self, tick: hft.Tick) -> None:
            if not self.position("ABC") and not self.orders:
                self.buy("ABC", None, self.size)

        def finish(self) -> None:
            self.end = (self.position("ABC"), self.positions, self.cash, self.equity)

    one, two = Buys(size=1), Buys(size=3)
    engine = make_engine(one, two, data={"ABC@SIM": make_ticks([100.0, 100.0, 101.0])}, cash=10_000.0)
    engine.run()
    assert one.end == (1.0, {"ABC": 1.0}, 10_000.0 - 4 * 100.5, 10_000.0 - 4 * 100.5 + 4 * 101.0)
    assert two.end[:2] == (3.0, {"ABC": 3.0})


def test_only_overridden_callbacks_are_called(make_engine: Any) -> None:
    """A strategy that overrides nothing is told nothing; a callback that is set on the object is called."""
    calls: list[str] = []

    class Quiet(hft.Strategy):
        def init(self) -> None:
            calls.append("init")

        def on_stop(self) -> None:
            calls.append("stop")

    quiet = Quiet()
    assert quiet.callbacks() == {}
    engine = make_engine(quiet, data={"ABC@SIM": make_ticks([100.0] * 5)})
    engine.run()
    assert calls == ["init", "stop"]


def test_objects_are_kept_alive_and_let_go(make_engine: Any) -> None:
    """The engine alone keeps its strategies and data; when it goes, they go."""
    engine = make_engine(Busy())
    reference = weakref.ref(next(iter(engine.strategies.values())))
    gc.collect()
    engine.run()
    gc.collect()
    strategy = reference()
    assert strategy is not None
    assert strategy.position("ABC") == strategy.positions.get("ABC", 0.0)  # it may be asked after the end
    del engine, strategy
    gc.collect()
    assert reference() is None


def test_records_are_safe_to_keep(make_engine: Any) -> None:
    """Ticks, orders and fills that are kept hold what they held in the callback, after the run and without the engine."""

    class Keeps(hft.Strategy):
        def init(self) -> None:
            self.kept: list[Any] = []
            self.copies: list[Any] = []

        def on_tick(self, tick: hft.Tick) -> None:
            self.note(tick)
            if len(self.kept) == 1:
                self.buy(tick.symbol, None, 1)

        def on_order(self, order: hft.Order) -> None:
            self.note(order)

        def on_fill(self, fill: hft.Fill) -> None:
            self.note(fill)

        def note(self, record: Any) -> None:
            self.kept.append(record)
            self.copies.append(str(record.to_dict()))

    keeps = Keeps()
    engine = make_engine(keeps)
    engine.run()
    del engine
    keeps.attach(None)  # type: ignore[arg-type]
    gc.collect()
    assert [str(one.to_dict()) for one in keeps.kept] == keeps.copies
    assert {type(one) for one in keeps.kept} == {hft.Tick, hft.Order, hft.Fill}
    assert {one.symbol for one in keeps.kept} == {"ABC"}


# ---- mistakes


def test_nothing_to_run_is_a_sentence() -> None:
    """An engine without data, a result before the run and a wrong count of steps are one sentence each."""
    engine = hft.Engine()
    with pytest.raises(BacktestError, match="There is no market data to run over"):
        engine.run()
    with pytest.raises(BacktestError, match="There is no result yet"):
        _ = engine.result
    with pytest.raises(BacktestError, match="takes a number of market events, not -1"):
        engine.step(-1)


def test_wrong_strategies_are_refused(make_engine: Any) -> None:
    """A class, something else, the same object twice, a name twice and an unknown symbol are told where they are given."""
    busy = Busy()
    engine = make_engine(busy)
    with pytest.raises(StrategyError, match=r"make an object of it: Busy\(\)"):
        engine.add_strategy(Busy)
    with pytest.raises(StrategyError, match="derived from hft.Strategy, not 3"):
        engine.add_strategy(3)
    with pytest.raises(StrategyError, match="was added already"):
        engine.add_strategy(busy)
    with pytest.raises(StrategyError, match="There is a strategy 'Busy' already"):
        engine.add_strategy(Busy(), "Busy")
    engine.add_strategy(Busy(), symbols="ABD")
    with pytest.raises(InstrumentError, match="The run has no instrument 'ABD' .*Did you mean 'ABC"):
        engine.run()


def test_wrong_data_are_refused(make_engine: Any) -> None:
    """An array without a symbol, of no record's fields, or with times that go back is told with the row."""
    engine = hft.Engine()
    with pytest.raises(ImportFileError, match="does not tell its instrument"):
        engine.add_data(walk(3))
    with pytest.raises(ImportFileError, match="fields of no record"):
        engine.add_data(np.zeros(3, [("event_ns", int), ("cost", float)]), "ABC@SIM")
    with pytest.raises(ImportFileError, match="row 2"):
        engine.add_data(walk(5)[[0, 3, 2, 4]], "ABC@SIM")


def test_wrong_terms_are_refused(make_engine: Any) -> None:
    """Settings that name an instrument or a term that is not there are told with the nearest one."""
    with pytest.raises(SettingsError, match="symbols: the data have no 'ABD' .*Did you mean 'ABC"):
        make_engine(symbols=["ABD"]).run()
    engine = hft.Engine(instruments={"ABC": {"tick_siz": 1}})
    engine.add_data(walk(3), "ABC@SIM")
    with pytest.raises(SettingsError, match="ABC has no term 'tick_siz'. Did you mean 'tick_size'"):
        engine.run()
    engine = hft.Engine(instruments={"ABC": {"tick_size": -1}})
    engine.add_data(walk(3), "ABC@SIM")
    with pytest.raises(InstrumentError, match="tick_size must be above 0"):
        engine.run()
    with pytest.raises(BacktestError, match="ABC@SIM is paid in USD, and the account is in CNY: give rates"):
        make_engine(currency="CNY").run()


def test_changes_wait_for_the_end(make_engine: Any) -> None:
    """In the middle of a run neither data nor strategies are added; after reset() or the end they are."""
    engine = make_engine(Busy())
    engine.step(5)
    for change in (lambda: engine.add_strategy(Busy()), lambda: engine.add_data(walk(3), "DEF@SIM")):
        with pytest.raises(BacktestError, match=r"The run is on its way: call reset\(\) first"):
            change()
    engine.reset()
    assert engine.add_strategy(Busy()) == "Busy2"


def test_representation_says_how_far_it_is(make_engine: Any) -> None:
    """An engine shows data, strategies and progress in one line."""
    engine = make_engine(Busy())
    assert repr(engine) == "<hft.Engine data: ABC; strategies: Busy; not run yet>"
    engine.step(10)
    assert repr(engine).endswith("10 events, at 2023-11-14T22:13:29Z>")
    engine.step(5_000)
    assert repr(engine).endswith("finished after 2,000 events>")
    assert repr(Busy(every=3)) == "Busy(every=3)"


def test_strategies_log_with_their_time(make_engine: Any) -> None:
    """log() keeps lines with time and strategy."""

    class Talks(hft.Strategy):
        def on_tick(self, tick: hft.Tick) -> None:
            self.log(f"{tick.last_price}")

    engine = make_engine(Talks(), data={"ABC@SIM": make_ticks([100.0, 101.0])})
    engine.run()
    assert [tuple(line) for line in engine.log] == [(NOON, "Talks", "100.0"), (NOON + SECOND, "Talks", "101.0")]


# ---- errors of a strategy

FAILING = {
    "init": "",
    "on_tick": "Tick of ABC of 2023-11-14T22:13:20Z",
    "on_trade": "TradeTick of ABC of 2023-11-14T22:13:20.500Z",
    "on_depth": "Depth of ABC of",
    "on_delta": "BookDelta of ABC of",
    "on_bar": "Bar of ABC of",
    "on_ticks": "at 2023-11-14T22:13:2",
    "on_trades": "at 2023-11-14T22:13:2",
    "on_depths": "at 2023-11-14T22:13:2",
    "on_deltas": "at 2023-11-14T22:13:2",
    "on_order": "OrderEvent of ABC of 2023-11-14T22:13:20Z",
    "on_fill": "Fill of ABC of 2023-11-14T22:13:20Z",
    "on_timer": "at 2023-11-14T22:13:21Z",
    "finish": "at 2023-11-14T22:13:2",
}


@pytest.mark.parametrize("callback", FAILING)
def test_exception_names_strategy_callback_event_and_line(callback: str, every_kind: dict[str, Any]) -> None:
    """What a callback raises ends the run with one sentence; the cause keeps its traceback, and what was done before stays."""

    def fail(self: hft.Strategy, *event: Any) -> None:
        raise ZeroDivisionError("no wonder")

    def begin(self: hft.Strategy) -> None:
        self.set_timer("late", seconds=1)

    def buy(self: hft.Strategy, tick: hft.Tick) -> None:
        self.buy("ABC", None, 1)

    body: dict[str, Any] = {"init": begin, "on_tick": buy, callback: fail, "__module__": __name__}
    mine = type("Mine", (hft.Strategy,), body)()
    engine = hft.Engine(**every_kind["settings"])
    for rows in every_kind["rows"]:
        engine.add_data(rows, "ABC@SIM")
    engine.add_strategy(mine, "first")
    with pytest.raises(StrategyError) as caught:
        engine.run()
    text = str(caught.value)
    assert f"test_engine.py:{fail.__code__.co_firstlineno + 1}: first.{callback} raised ZeroDivisionError: no wonder (" in text
    assert FAILING[callback] in text
    cause = caught.value.__cause__
    assert isinstance(cause, ZeroDivisionError)
    assert cause.__traceback__ is not None
    assert caught.value.context["callback"] == callback
    assert "failed at" in repr(engine)
    with pytest.raises(StrategyError, match="no wonder"):
        engine.run()  # it begins anew, and comes to the same


def test_result_stays_after_an_exception(make_engine: Any) -> None:
    """Orders and fills up to the failing event are there, and so is the strategy."""

    class Breaks(Busy):
        def on_tick(self, tick: hft.Tick) -> None:
            super().on_tick(tick)
            if self.seen == 1_000:
                raise KeyError(tick.symbol)

    whole, breaks = make_engine(Busy()), Breaks()
    broken = make_engine(breaks)
    whole.run()
    with pytest.raises(StrategyError, match=r"Breaks.on_tick raised KeyError: 'ABC' \(Tick of ABC of 2023-11-14T22:29:59Z\)"):
        broken.run()
    fills = arrays(broken)["fills"]
    assert 0 < len(fills) < len(arrays(whole)["fills"])
    assert breaks.seen == 1_000


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("self.send_order('ABD', hft.Direction.Buy, 1.0, 1)", "Did you mean 'ABC"),
        ("self.position('ABD')", "Did you mean 'ABC"),
        ("self.best_bid(7)", "A symbol is a text such as 'ABC@SIM', not 7."),
        ("self.buy('ABC', 100.3, 1)", "100.3 of ABC"),
        ("self.buy('ABC', 100.0, -1)", "quantity must be above 0, found -1"),
        ("self.buy('ABC', 100.0, 1.5)", "1.5 of ABC"),
        ("self.buy('ABC', float('nan'), 1)", "price"),
        ("self.buy('ABC', None, 1, type=hft.OrderType.LIMIT)", "limit price"),
        ("self.send_order('ABC', 1, 100.0, 1)", "send_order wants hft.Direction.Buy or hft.Direction.Sell, not 1."),
        ("self.sell('ABC', None, 1, trail_amount=1, trail_percent=0.1)", "either a trail_amount"),
        ("self.set_timer(seconds=-1)", "A timer's interval must be above 0 seconds, not -1."),
        ("type(self)().buy('ABC', 100.0, 1)", "does not run yet"),
        ("hft.Strategy(step=1)", "Strategy has no parameter 'step' (known: none)."),
    ],
)
def test_mistakes_in_callbacks_are_sentences(make_engine: Any, body: str, message: str) -> None:
    """Each mistake is raised where it is made, so that the strategy may catch it, and says what is wrong."""
    caught: list[Exception] = []

    class Mine(hft.Strategy):
        def on_tick(self, tick: hft.Tick) -> None:
            try:
                eval(body, {"self": self, "hft": hft})
            except Exception as error:
                caught.append(error)

    make_engine(Mine(), data={"ABC@SIM": make_ticks([100.0])}).run()
    assert [message in str(error) for error in caught] == [True], caught


# ---- Ctrl-C

LONG = """
import sys, time
sys.path.insert(0, {tests!r})
import numpy as np
from tick_kit import walk, TERMS
from gcg_quant.backtest import hft

class Counts(hft.Strategy):
    def init(self):
        self.seen = 0
    {callback}

engine = hft.Engine()
rows = walk(200_000)
for number in range({symbols}):
    engine.add_data(rows, f"A{{number}}@SIM")
engine.add_strategy(Counts())
engine.step(1)
try:
    print("begun", flush=True)
    engine.run()
except KeyboardInterrupt:
    print(time.monotonic_ns(), engine.result.facts.ticks, engine.step(1), flush=True)
"""
CALLBACKS = {
    "python": ("def on_tick(self, tick):\n        self.seen += 1", 60),
    "native": ("pass", 150),
    "batches": ("def on_ticks(self, ticks):\n        time.sleep(0.001)", 10),
}


def wait_for_work(pid: int) -> None:
    """Wait until a process has kept its processor busy for two hundredths of a second more."""
    process, deadline = psutil.Process(pid), time.monotonic() + 60
    begun = process.cpu_times().user
    while process.cpu_times().user < begun + 0.02:
        assert time.monotonic() < deadline, "it does nothing"
        time.sleep(0.005)


@pytest.mark.parametrize("kind", CALLBACKS)
def test_ctrl_c_stops_within_a_tenth_of_a_second(kind: str, tmp_path: Path) -> None:
    """SIGINT raises KeyboardInterrupt at once, whatever runs; the engine can go on afterwards."""
    callback, symbols = CALLBACKS[kind]
    code = LONG.format(tests=str(Path(__file__).parent), callback=callback, symbols=symbols)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "begun"
        wait_for_work(process.pid)
        sent = time.monotonic_ns()
        process.send_signal(signal.SIGINT)
        line = process.stdout.readline().split()
    assert line, "it had ended before"
    assert (int(line[0]) - sent) / 1e9 < within(0.1, 2.0)
    assert int(line[1]) > 1
    assert line[2] == "1"
