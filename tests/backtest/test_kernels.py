"""Kernels: every line of every indicator has the bytes that stock Backtrader's own methods give it, whatever the data."""

from __future__ import annotations

import math
import operator
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import backtrader as bt
import numpy as np
import pytest
from backtrader.lineiterator import LineIterator
from backtrader.lineroot import LineRoot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torture import FULL, examples

from gcg_quant.backtest.fast.kernels import install_kernels
from gcg_quant.backtest.fast.kernels.columns import Kernels
from gcg_quant.backtest.fast.kernels.install import KERNELS, nested

Make = Callable[[Any], Any]
Node = tuple[str, list[tuple[bytes, int, int]], list[tuple[str, str]]]

COLUMNS = ("open", "high", "low", "close", "volume", "openinterest")
EMPTY = (LineIterator.once, LineRoot.once)
# Stock indicators of which some part runs stock's own method, and that part. Whatever is missing here has kernels throughout.
WITHOUT_KERNEL = {"HurstExponent": {"HurstExponent"}}
NOT_RUN = {
    "CointN": "needs statsmodels",
    "ExponentialSmoothingDynamic": "needs a line; it is in KAMA",
    "HeikinAshi": "switches preloading off",
    "OLS_BetaN": "calls what pandas has no more",
    "OLS_Slope_InterceptN": "needs statsmodels",
    "OLS_TransformationN": "needs statsmodels",
    "haDelta": "switches preloading off",
    **dict.fromkeys(("ApplyN", "BaseApplyN", "FindFirstIndex", "FindLastIndex", "OperationN", "ReduceN"), "needs a function"),
    **dict.fromkeys(("MovingAverageBase", "PeriodN", "OscillatorMixIn"), "has no line"),
    "Oscillator": "needs an indicator",
}


class Memory(bt.feed.DataBase):
    """Gives bars out of columns, whatever stands in them."""

    params = (("columns", ()),)

    def preload(self) -> None:
        """Load all bars at once."""
        rows = [np.asarray(values, dtype=float) for values in self.p.columns]
        rows.append(736_000.0 + np.arange(len(rows[0])) / 1440.0)
        for name, values in zip((*COLUMNS, "datetime"), rows, strict=True):
            getattr(self.lines, name).array.frombytes(values.tobytes())
        self.home()


class Probe(bt.Strategy):
    """Makes indicators and computes them, with kernels or without."""

    params = (("make", None), ("kernels", False))

    def __init__(self) -> None:
        """Make the indicators."""
        self.made = self.p.make(self)
        self.env.nodes = list(nested(self.getindicators()))

    def _once(self) -> None:
        remove = install_kernels(self.getindicators()) if self.p.kernels else lambda: None
        self.env.plain = {type(x).__name__ for x in self.env.nodes if lacks_kernel(x)}
        try:
            super()._once()
        finally:
            remove()
            remove()
        self.env.runstop()


def lacks_kernel(x: Any) -> bool:
    """Return whether an object computes something, and not by a kernel."""
    make = KERNELS.get(type(x).once)
    return type(x).once not in EMPTY and (make is None or "once" not in vars(x) or make(x) is None)


def compute(make: Make, rows: Any, kernels: bool) -> tuple[str, list[Node], Any]:
    """Return the error that computing the indicators raised, each node's lines and attributes, and the cerebro."""
    bt.lineiterator.LinesCoupler.counter = 0  # couplers are numbered over the whole process, and named after it
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(Memory(columns=rows))
    cerebro.addstrategy(Probe, make=make, kernels=kernels)
    error = ""
    try:
        cerebro.run()
    except (ArithmeticError, AttributeError, LookupError, StopIteration, TypeError, ValueError) as raised:
        error = repr(raised)
    nodes = getattr(cerebro, "nodes", [])
    return (
        error,
        [(type(x).__name__, [(line.array.tobytes(), line.idx, line.lencount) for line in x.lines], attributes(x)) for x in nodes],
        cerebro,
    )


def attributes(x: Any) -> list[tuple[str, str]]:
    """Return the names of an object's attributes, with the values of those that indicators remember things in."""
    found = []
    for name, value in sorted(vars(x).items()):
        plain = value is None or type(value) in (bool, int, float)
        found.append((name, repr(value) if plain else repr([vars(one) for one in value]) if name == "_status" else ""))
    return found


def differences(make: Make, rows: Any) -> list[str]:
    """Return what differs between a run with kernels and one without: the error, or the classes whose lines or attributes do."""
    stock_error, stock, _ = compute(make, rows, kernels=False)
    error, ours, _ = compute(make, rows, kernels=True)
    if stock_error != error:
        return [f"{stock_error or 'no error'} became {error or 'no error'}"]
    return [theirs[0] for theirs, mine in zip(stock, ours, strict=True) if theirs != mine]


def walk(count: int, seed: int = 7) -> list[Any]:
    """Return the columns of a random walk in cents, with some bars that stand still."""
    random = np.random.default_rng(seed)
    close = 100.0 + np.cumsum(np.where(random.random(count) < 0.2, 0.0, random.normal(0.0, 0.4, count))).round(2)
    opens = np.concatenate([close[:1], close[:-1]])
    high = np.maximum(opens, close) + random.random(count).round(2)
    low = np.minimum(opens, close) - random.random(count).round(2) - 0.01
    return [opens, high, low, close, random.integers(0, 1000, count).astype(float), np.zeros(count)]


def shipped() -> Iterator[Any]:
    """Yield each indicator class of Backtrader's own."""
    for _, cls in sorted(vars(bt.indicators).items()):
        if isinstance(cls, type) and issubclass(cls, bt.Indicator) and cls.__module__.startswith("backtrader.indicators"):
            yield cls


def made_alone() -> list[Any]:
    """Return the classes that can be made without further arguments and run from preloaded data, each once."""
    usual = {cls.__name__: cls for cls in shipped() if not cls.__name__.startswith("_") and not cls.aliased}
    return [cls for name, cls in usual.items() if name not in NOT_RUN]


def made(cls: Any, **params: Any) -> Make:
    """Return what makes one indicator, over the strategy's bars or over averages of different length."""
    if cls is bt.ind.WeightedAverage:
        params["weights"] = tuple(1.0 + 0.25 * place for place in range(params.get("period", 1)))

    def make(strategy: Any) -> Any:
        if cls._mindatas == 1:
            return cls(strategy.data, **params)
        return cls(*(bt.ind.SMA(strategy.data, period=3 + 5 * number) for number in range(cls._mindatas)), **params)

    return make


def together(makes: list[Make]) -> Make:
    """Return what makes several indicators."""
    return lambda strategy: [make(strategy) for make in makes]


def clean_differences(makes: list[Make], rows: Any) -> list[str]:
    """Return what differs, where Backtrader raises nothing."""
    assert compute(together(makes), rows, kernels=False)[0] == ""
    return differences(together(makes), rows)


def runs(make: Make, rows: Any) -> bool:
    """Return whether stock Backtrader can make and compute this."""
    return not compute(make, rows, kernels=False)[0]


def test_stock_indicators_are_equal() -> None:
    """All indicators that Backtrader ships, with their usual parameters, over a random walk: no byte of any nested line differs."""
    makes = [made(cls) for cls in made_alone() if cls is not bt.ind.HurstExponent]
    assert len(makes) > 80
    assert clean_differences(makes, walk(500 if FULL else 300)) == []


@pytest.mark.parametrize("period", [1, 2, 7, 40])
def test_periods_are_equal(period: int) -> None:
    """So they are with any period that Backtrader itself can compute."""
    rows = walk(130, seed=period)
    classes = [cls for cls in made_alone() if hasattr(cls.params, "period") and cls is not bt.ind.HurstExponent]
    makes = [make for make in (made(cls, period=period) for cls in classes) if runs(make, rows)]
    assert len(makes) > 30
    assert clean_differences(makes, rows) == []


def test_real_days_are_equal(shared_data: Path, kit: ModuleType) -> None:
    """So they are over two years of a stock, or one where time is short."""
    frame, _ = kit.read_daily(shared_data / "stock" / "SPY_daily.csv.gz")
    rows = [frame[name].to_numpy()[-600 if FULL else -300 :] for name in COLUMNS[:5]]
    makes = [made(cls) for cls in made_alone() if cls is not bt.ind.HurstExponent]
    assert clean_differences(makes, [*rows, np.zeros(len(rows[0]))]) == []


def test_which_stock_indicators_have_kernels() -> None:
    """Every indicator that Backtrader ships computes by kernels alone, but for those that are listed here with their parts."""
    names = {cls.__name__ for cls in shipped() if not cls.__name__.startswith("_")}
    assert names >= {*WITHOUT_KERNEL, *NOT_RUN}
    found = {}
    for cls in made_alone():
        plain = compute(made(cls), walk(60), kernels=True)[2].plain
        if plain:
            found[cls.__name__] = plain
    assert found == WITHOUT_KERNEL


def test_a_window_longer_than_the_data_is_stocks() -> None:
    """Backtrader's own error about too few bars is raised, at the same place."""
    for cls in (bt.ind.SMA, bt.ind.EMA, bt.ind.WMA, bt.ind.Highest, bt.ind.RSI):
        error, _, _ = compute(made(cls, period=30), walk(12), kernels=False)
        assert "out of range" in error
        assert differences(made(cls, period=30), walk(12)) == []


SPECIAL = [0.0, -0.0, 1.0, 1.5, -2.0, 100.25, 1e-300, 5e-324, 1e308, -1e308, 2.0**53, 1e16, math.inf, -math.inf, math.nan, -math.nan]
VALUES = st.one_of(st.floats(90, 110).map(lambda value: round(value, 2)), st.floats(), st.sampled_from(SPECIAL))
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, pow, operator.lt, operator.le, operator.gt, operator.ge]
OPERATORS += [operator.eq, operator.ne]


@st.composite
def columns(draw: st.DrawFn) -> list[Any]:
    """Return columns that mix a handful of values, at random or in runs, and sometimes noise around them."""
    pool = np.array(draw(st.lists(VALUES, min_size=1, max_size=5)))
    count, random = draw(st.integers(1, 60)), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = random.choice(pool, (6, count))
    if draw(st.booleans()):
        rows = np.repeat(rows, 9, axis=1)[:, :count]
    if draw(st.booleans()):
        with np.errstate(all="ignore"):
            rows = rows + random.normal(0.0, draw(st.sampled_from([1e-9, 1.0, 1e200])), rows.shape) * (random.random(rows.shape) < 0.7)
    return list(rows)


def graphs(period: int, operation: Any, value: float | int) -> dict[str, Make]:
    """Return one maker for each kernel."""
    ind = bt.ind
    return {
        "line, line": lambda s: operation(s.data.close, s.data.open),
        "line, number": lambda s: operation(s.data.close, value),
        "number, line": lambda s: operation(value, s.data.close),
        "own": lambda s: [abs(s.data.close), -s.data.close, s.data.close.__bool__()],
        "delays": lambda s: [s.data.close(-period), s.data.close(period), s.data.close(0), ind.SMA(s.data.close(-1), period=period)],
        "If": lambda s: [bt.If(s.data.open, s.data.close, value), bt.If(s.data.open > s.data.close, value, s.data.low)],
        "logic": lambda s: [logic(s.data.open, s.data.close) for logic in (bt.And, bt.Or, bt.Any, bt.All, bt.Max, bt.Min, bt.Cmp)],
        "three": lambda s: [logic(s.data.open, value, s.data.close) for logic in (bt.And, bt.Or, bt.Any, bt.All, bt.Max, bt.Min)],
        "sum": lambda s: bt.Sum(s.data.open, value, s.data.close),
        "CmpEx": lambda s: bt.CmpEx(s.data.open, s.data.close, value, s.data.high, 0),
        "divisions": lambda s: [
            bt.DivByZero(s.data.close, s.data.open, zero=value),
            bt.DivZeroByZero(s.data.close, s.data.open, value, 0.5),
        ],
        "Average": lambda s: ind.SMA(s.data.close, period=period),
        "SumN": lambda s: ind.SumN(s.data.close, period=period),
        "EMA": lambda s: [ind.EMA(s.data.close, period=period), ind.SMMA(s.data.close, period=period)],
        "WMA": lambda s: ind.WMA(s.data.close, period=period),
        "KAMA": lambda s: ind.ExponentialSmoothingDynamic(s.data.close, period=period, alpha=s.data.open * 0.5),
        "Accum": lambda s: ind.Accum(s.data.close, seed=value),
        "extremes": lambda s: [one(s.data.close, period=period) for one in (ind.Highest, ind.Lowest, ind.AnyN, ind.AllN)],
        "places": lambda s: [ind.FindFirstIndexHighest(s.data, period=period), ind.FindFirstIndexLowest(s.data, period=period)],
        "last places": lambda s: [ind.FindLastIndexHighest(s.data, period=period), ind.FindLastIndexLowest(s.data, period=period)],
        "PercentRank": lambda s: ind.PercentRank(s.data.close, period=period),
        "crossings": lambda s: [ind.CrossOver(s.data.close, s.data.open), ind.CrossUp(s.data.close, s.data.open)],
        "PSAR": lambda s: [ind.PSAR(s.data, period=min(period, 9)), ind.PSAR(s.data, af=value, afmax=0.5)],
        "Laguerre": lambda s: [ind.LaguerreRSI(s.data, gamma=value), ind.LaguerreFilter(ind.EMA(s.data.high, period=period))],
        "zero lag": lambda s: ind.ZeroLagIndicator(s.data, period=period, gainlimit=7),
        "StdDev": lambda s: ind.StdDev(s.data.close, period=period),
    }


@settings(max_examples=examples(400), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=columns(),
    name=st.sampled_from(list(graphs(1, pow, 1))),
    period=st.one_of(st.integers(1, 8), st.integers(1, 70)),
    operation=st.sampled_from(OPERATORS),
    value=st.one_of(VALUES, st.integers(-3, 3), st.sampled_from([2, 0.5, 10**17, True])),
)
def test_any_data_is_equal(rows: Any, name: str, period: int, operation: Any, value: float) -> None:
    """Whatever the values (NaN, infinities, signed zeros, huge, tiny, constant), lines and errors are stock Backtrader's."""
    assert differences(graphs(period, operation, value)[name], rows) == []


@pytest.mark.parametrize("power", [-300, -60, 0, 60, 300])
@pytest.mark.parametrize("spread", [0, 8, 40, 200])
def test_sums_of_any_spread_are_exact(spread: int, power: int) -> None:
    """Window sums are math.fsum's for values of one size, which slide as integers, and for values from 2^-spread to 2^spread."""
    random = np.random.default_rng(spread)
    close = random.normal(0.0, 1.0, 2600) * 2.0 ** (random.integers(-spread, spread + 1, 2600) + power)
    close[40:45] = 1.0, 2.0**-53, 2.0**-106, -(2.0**-53), 0.0
    makes = [made(cls, period=period) for cls in (bt.ind.SumN, bt.ind.SMA, bt.ind.WMA) for period in (3, 30)]
    assert clean_differences(makes, [close] * 6) == []


def by_running_sum(x: Any) -> Any:
    """Compute an average the quick and wrong way."""

    def once(start: int, end: int) -> int:
        src, dst, period = x.data.array, x.line.array, x.p.period
        total = sum(src[start - period : start]) if start >= period else math.fsum(src[: start + 1]) - src[start]
        for place in range(start, end):
            total += src[place] - (src[place - period] if place >= period else 0.0)
            dst[place] = total / period
        return end

    return once


def by_one_product(x: Any) -> Any:
    """Compute an exponential average by a formula that is equal but for rounding."""

    def once(start: int, end: int) -> int:
        src, dst = x.data.array, x.line.array
        for place in range(start, end):
            dst[place] = dst[place - 1] + x.alpha * (src[place] - dst[place - 1])
        return end

    return once


@pytest.mark.parametrize(
    ("method", "wrong", "cls"),
    [(bt.ind.Average.once, by_running_sum, bt.ind.SMA), (bt.ind.ExponentialSmoothing.once, by_one_product, bt.ind.EMA)],
)
def test_the_comparison_sees_the_last_bit(monkeypatch: pytest.MonkeyPatch, method: Any, wrong: Any, cls: Any) -> None:
    """A kernel that is right but for rounding is found out."""
    assert differences(made(cls, period=10), walk(300)) == []
    monkeypatch.setitem(KERNELS, method, wrong)
    assert cls.__name__ in differences(made(cls, period=10), walk(300))


class OwnAverage(bt.ind.Average):
    """An average of the user's, with a method of its own."""

    def once(self, start: int, end: int) -> None:
        """Write one and the same number."""
        for place in range(start, end):
            self.line.array[place] = 1.25


class SameAverage(bt.ind.Average):
    """An average of the user's that adds nothing."""


def test_users_own_methods_are_kept() -> None:
    """A class that overrides `once` keeps it, an instance's own `once` too, and a subclass without one gets the kernel."""

    def make(strategy: Any) -> None:
        OwnAverage(strategy.data, period=3)
        SameAverage(strategy.data, period=3)
        bt.ind.Average(strategy.data, period=4).once = lambda start, end: None

    assert differences(make, walk(20)) == []
    assert compute(make, walk(20), kernels=True)[2].plain == {"OwnAverage"}


def test_users_own_feeds_move_bar_by_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """A feed that does something of its own at each bar is moved as often as Backtrader moves it."""
    moved: list[int] = []

    def advance(self: Any, size: int = 1, datamaster: Any = None, ticks: bool = True) -> None:
        moved.append(size)
        bt.feed.AbstractDataBase.advance(self, size, datamaster, ticks)

    monkeypatch.setattr(Memory, "advance", advance, raising=False)
    make = made(bt.ind.ParabolicSAR)
    assert differences(make, walk(20)) == []
    assert compute(make, walk(20), kernels=True)[2].plain == {"ParabolicSAR"}
    assert set(moved) == {1}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda line: Kernels.binary("modulo", line, line, 1.0, 0, 1), ValueError, "no kernel is called modulo"),
        (lambda line: Kernels.unary("absolute", array("f", [1.0]), line, 0, 1), TypeError, "arrays of doubles"),
        (lambda line: Kernels.accumulate(line, line, 3, 1), ValueError, "0 <= start <= end"),
        (lambda line: Kernels.window("highest", line, line, 0, 1, -1), ValueError, "period of 0 or more"),
        (lambda line: Kernels.many("sum", line, [line], 0, 1), ValueError, "two operands or more"),
        (lambda line: Kernels.window_weighted(line, line, 0, 1, 1, ["a"], 1.0), TypeError, "must be real number"),
    ],
)
def test_wrong_calls_are_refused(call: Any, error: type[Exception], message: str) -> None:
    """The compiled kernels say what is wrong with a call, and touch nothing."""
    line = array("d", [1.0, 2.0])
    with pytest.raises(error, match=message):
        call(line)
    assert line.tolist() == [1.0, 2.0]


def test_kernels_leave_nothing_behind() -> None:
    """After an error too, no object keeps an attribute of ours; removing twice does no harm."""

    def make(strategy: Any) -> None:
        bt.ind.SMA(period=3)
        strategy.data.close / (strategy.data.close - strategy.data.close)

    error, nodes, cerebro = compute(make, walk(20), kernels=True)
    assert error.startswith("ZeroDivisionError")
    assert nodes
    for x in cerebro.nodes:
        assert "once" not in vars(x)
