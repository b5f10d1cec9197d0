"""What a sweep will compute: values of parameters, conditions, grids and draws; and every way to ask for it wrongly."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import backtrader as bt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.backtest import BacktestSpec
from gcg_quant.backtest.conversion.parameters import bt_parameters
from gcg_quant.backtest.sweep import Axis, Condition, SweepPlan, metric_of, parse_axes, parse_axis
from gcg_quant.backtest.sweep.frames import FrameBuffer, pack
from gcg_quant.errors import BacktestError, StrategyError


def plan_of(*parameters: str, **options: Any) -> SweepPlan:
    """Return the checked plan of some `--param` texts."""
    return SweepPlan(spec=BacktestSpec(file="f.py", symbols=["X"]), axes=parse_axes(parameters), **options).check()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("n=5:50:15", [5, 20, 35, 50]),
        ("n=5:49:15", [5, 20, 35]),
        ("n=3:5", [3, 4, 5]),
        ("n=-2:2:2", [-2, 0, 2]),
        ("n=0.1:0.5:0.1", [0.1, 0.2, 0.3, 0.4, 0.5]),
        ("n=1:2:0.5", [1.0, 1.5, 2.0]),
        ("n=1e-3:3e-3:1e-3", [0.001, 0.002, 0.003]),
        ("kind=a,b,c", ["a", "b", "c"]),
        ("n= 5, 10 ,2.5", [5, 10, 2.5]),
        ("on=true,false", [True, False]),
        ("n=1,true", [1, True]),
        ("at=09:30,14:45", ["09:30", "14:45"]),
        ("n=7", [7]),
        ("formula=a=b", ["a=b"]),
        ("day=2015-01-01,2016-01-01", ["2015-01-01", "2016-01-01"]),
        ("word=NaN,-Infinity", ["NaN", "-Infinity"]),
        ("n=0.5:0.5", [0.5]),
    ],
)
def test_values_of_a_parameter(text: str, values: list[Any]) -> None:
    """Ranges include both ends, are exact in decimals, and keep whole numbers whole; all else is a list."""
    found = parse_axis(text).values
    assert [(type(one), one) for one in found] == [(type(one), one) for one in values]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fast", "written NAME=LOW:HIGH:STEP.*found 'fast'"),
        ("=5", "found '=5'"),
        ("n=", "found 'n='"),
        ("n=5:1:1", "must go from a lower to a higher number"),
        ("n=1:nan:1", "must go from a lower"),
        ("n=1:5:0", "step of 'n=1:5:0' must be more than 0"),
        ("n=1:5:-1", "must be more than 0, not -1"),
        ("n=0:1e9:1e-3", "100,000 are the most: choose a larger step"),
        ("n=0:1:1e-999999", "100,000 are the most: choose a larger step"),
        ("n=0:1e999999:1", "neither beyond 1e.15"),
        ("n=1:snan:1", "must go from a lower"),
        ("n=1,99999999999999999999", "value 99999999999999999999 of .* must be a number up to 1e.15"),
        ("n=1e999", "must be a number up to 1e.15"),
        ("n=1,,2", "has an empty value"),
        ("n=1,2,1", "has the value 1 twice"),
    ],
)
def test_values_that_make_no_sense_are_named(text: str, words: str) -> None:
    """What cannot be read is a sentence that shows it."""
    with pytest.raises(BacktestError, match=words):
        parse_axis(text)
    with pytest.raises(BacktestError, match="'n' is given twice"):
        parse_axes(["n=1", "n=2"])


@settings(max_examples=40)
@given(low=st.integers(-1000, 1000), steps=st.integers(0, 50), step=st.integers(1, 400), digits=st.integers(0, 4))
def test_a_range_is_what_decimal_counting_gives(low: int, steps: int, step: int, digits: int) -> None:
    """Every value of a range is the float of its own decimal text: no error adds up along it."""
    unit = 10**digits
    texts = [f"{number / unit:.{digits}f}" for number in (low, low + steps * step, step)]
    values = parse_axis(f"x={':'.join(texts)}").values
    assert values == [float(f"{(low + step * number) / unit:.{digits}f}") for number in range(steps + 1)]


@given(seed=st.integers(0, 1000), low=st.floats(-1e6, 1e6), width=st.floats(1e-6, 1e6))
def test_draws_from_a_range_stay_in_it(seed: int, low: float, width: float) -> None:
    """However narrow or far from 0 a range is, what is drawn lies in it and is not always the same."""
    plan = SweepPlan(spec=BacktestSpec(file="f.py", symbols=["X"]), axes=[Axis("x", low=low, high=low + width)], count=8, seed=seed)
    found = [one["x"] for one in plan.combinations()]
    assert len(found) == 8
    assert all(low <= one <= low + width for one in found)


def test_values_take_what_the_strategy_makes_of_them() -> None:
    """Texts take the type of the parameter's default; a date is checked, and stays the text that every run reads again."""

    class Typed(bt.Strategy):
        params = (("n", 3), ("x", 0.5), ("on", False), ("day", dt.date(2015, 1, 1)), ("kind", "sma"))

    def check(name: str, value: Any) -> Any:
        return bt_parameters(Typed, {name: value})[name]

    for text, values in (
        ("n=3:5", [3, 4, 5]),
        ("x=0.1,2", [0.1, 2]),
        ("on=yes,no", [True, False]),
        ("day=2015-01-02,2016-01-01", ["2015-01-02", "2016-01-01"]),
        ("kind=ema,NaN", ["ema", "NaN"]),
    ):
        assert parse_axis(text).checked(check).values == values
    assert check("day", "2016-01-01") == dt.date(2016, 1, 1)
    for name, value, rule in (
        ("day", "soon", "of type date, not 'soon'"),
        ("x", "nan", "of type float"),
        ("x", math.inf, "a finite number"),
    ):
        with pytest.raises(StrategyError, match=f"'{name}' of Typed must be {rule}"):
            check(name, value)


def test_conditions_compare_and_count() -> None:
    """A condition has Python's meaning, chains included."""
    values = {"fast": 5, "slow": 20, "kind": "ema", "on": True}
    for text in (
        "fast < slow",
        "fast*2 <= slow - 10",
        "1 < fast < slow < 21",
        "kind in ('sma', 'ema') and not fast > 9",
        "slow % fast == 0",
    ):
        assert Condition(text, values).holds(values), text
    for text in ("fast >= slow", "kind != 'ema'", "-fast > 0", "slow // 3 == 7 or not on"):
        assert not Condition(text, values).holds(values), text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fats < slow", "names 'fats'.*Did you mean 'fast'"),
        ("fast <", "cannot be read: write it like 'fast < slow'"),
        ("", "cannot be read"),
        ("__import__('os').system('true')", "cannot hold"),
        ("fast.real < 3", "cannot hold 'fast.real'"),
        ("fast ** 999999999", "cannot hold"),
        ("(lambda: 1)()", "cannot hold"),
        ("[x for x in (1, 2)]", "cannot hold"),
        ("fast if slow else 1", "cannot hold"),
        ("f'{fast}' == '5'", "cannot hold"),
        ("(fast := 3) < 4", "cannot hold"),
        ("slow[0] == 1", "cannot hold"),
        ("(" * 600 + "fast" + ")" * 600, "may have 500 characters"),
        ("fast in (" * 40 + "1" + ")" * 40, None),
    ],
)
def test_conditions_can_do_nothing_else(text: str, words: str | None) -> None:
    """Calls, attributes, powers and the like are refused by name, before anything is computed."""
    if words is None:
        Condition(text, ["fast"])
        return
    with pytest.raises(BacktestError, match=words):
        Condition(text, ["fast", "slow"])


def test_a_condition_that_cannot_be_computed_names_the_values() -> None:
    """A division by zero and a comparison of a number with a text say for which parameters."""
    with pytest.raises(BacktestError, match="'slow / fast > 1' cannot be computed for fast=0, slow=5: division by zero"):
        Condition("slow / fast > 1", ["fast", "slow"]).holds({"fast": 0, "slow": 5})
    with pytest.raises(BacktestError, match="cannot be computed for kind='a'"):
        Condition("kind * 1000000000", ["kind"]).holds({"kind": "a"})


def test_a_grid_is_every_fitting_combination_once() -> None:
    """The last parameter varies fastest; a fixed one is in every combination."""
    plan = plan_of("fast=5:15:5", "slow=10:20:10", "kind=a", where=["fast < slow"])
    assert [(one["fast"], one["slow"], one["kind"]) for one in plan.combinations()] == [
        (5, 10, "a"),
        (5, 20, "a"),
        (10, 20, "a"),
        (15, 20, "a"),
    ]
    assert [axis.name for axis in plan.varied] == ["fast", "slow"]
    with pytest.raises(BacktestError, match="No combination of the parameters fulfils fast > 90"):
        plan_of("fast=5:15:5", where=["fast > 90"]).combinations()


def test_draws_are_the_same_for_a_seed_and_never_twice() -> None:
    """A seed always draws the same different combinations, out of listed grids, huge ones and ranges."""
    for parameters in (["a=1:20", "b=1:20"], ["a=1:1000", "b=1:1000", "c=1:1000"], ["a=0.5:2.5", "b=1:3"]):
        plan = plan_of(*parameters, where=["a > b / 10"], count=30, seed=7)
        found = plan.combinations()
        assert found == plan.combinations()
        assert found != plan_of(*parameters, where=["a > b / 10"], count=30, seed=8).combinations()
        assert len({tuple(one.values()) for one in found}) == 30
        assert all(one["a"] > one["b"] / 10 for one in found)
    assert len(plan_of("a=1:3", count=30).combinations()) == 3
    with pytest.raises(BacktestError, match="No combination of the parameters fulfils a > 2"):  # and it comes to an end
        plan_of("a=0.5:1.5", "b=1:1000", count=100_000, where=["a > 2"]).combinations()


def test_plans_too_large_or_without_steps_are_refused() -> None:
    """A grid needs steps, and an end."""
    with pytest.raises(BacktestError, match="1,000,000,000 combinations, 100,000 are the most.*--random"):
        plan_of("a=1:1000", "b=1:1000", "c=1:1000")
    with pytest.raises(BacktestError, match="a=0.5:2 has no step: write a=0.5:2:STEP, or draw from it with --random N"):
        plan_of("a=0.5:2.0")
    with pytest.raises(BacktestError, match="at least 1 run, not 0"):
        plan_of("a=1:3", count=0)
    with pytest.raises(BacktestError, match="no metric 'sharp'.*Did you mean 'sharpe'"):
        plan_of("a=1:3", metric="sharp")
    assert metric_of("max_drawdown").less_is_better


@settings(max_examples=40)
@given(messages=st.lists(st.one_of(st.none(), st.text(), st.lists(st.integers(0, 2**40))), max_size=6), cuts=st.lists(st.integers(1, 40)))
def test_messages_come_out_as_they_went_in(messages: list[Any], cuts: list[int]) -> None:
    """However a pipe cuts the bytes, each message comes out once, whole and in order."""
    import msgspec

    data = b"".join(pack(message) for message in messages)
    buffer, found = FrameBuffer(), []
    for cut in [*cuts, len(data) or 1]:
        found += buffer.add(data[:cut])
        data = data[cut:]
    found += buffer.add(data)
    assert [msgspec.msgpack.decode(body) for body in found] == messages
