"""Parameters: types, bounds, refusals."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.errors import StrategyError
from gcg_quant.strategy_engine import Parameter, Strategy
from gcg_quant.strategy_engine.strategy.parameters import check_parameters, declared_parameters


class Sample(Strategy):
    """A strategy with one parameter of each kind."""

    fast = Parameter(10, low=1, high=200, doc="bars")
    width: float = Parameter(1, low=0.0)  # type: ignore[assignment]
    short = Parameter(False)
    basis_name = Parameter("last", choices=("last", "mid"))


def test_values_are_the_defaults_until_set() -> None:
    """An instance reads its parameters as plain values, and the class its declarations."""
    sample = Sample()
    assert sample.parameters == {"fast": 10, "width": 1.0, "short": False, "basis_name": "last"}
    assert isinstance(sample.width, float)
    assert isinstance(Sample.fast, Parameter)


def test_instances_do_not_share_values() -> None:
    """Setting one strategy's parameter leaves another's alone."""
    one, other = Sample(fast=3), Sample()
    assert (one.fast, other.fast) == (3, 10)


@given(st.integers(-1000, 1000))
def test_int_bounds_hold_for_every_value(value: int) -> None:
    """Every int within the bounds is taken as it is, every other one is refused, also as a text."""
    for given_value in (value, str(value), float(value)):
        if 1 <= value <= 200:
            assert check_parameters(Sample, {"fast": given_value}) == {"fast": value}
        else:
            with pytest.raises(StrategyError, match="an int from 1 to 200"):
                check_parameters(Sample, {"fast": given_value})


@given(st.floats())
def test_float_refuses_what_is_not_finite(value: float) -> None:
    """A number parameter takes finite numbers within its bounds and nothing else."""
    if math.isfinite(value) and value >= 0:
        assert check_parameters(Sample, {"width": value})["width"] == value
    else:
        with pytest.raises(StrategyError, match="a number of at least 0"):
            check_parameters(Sample, {"width": value})


@given(st.one_of(st.none(), st.text(max_size=8), st.lists(st.integers()), st.binary(), st.booleans(), st.floats()))
def test_any_value_is_taken_in_its_type_or_refused_with_a_sentence(value: object) -> None:
    """Whatever is given, the outcome is a value of the declared type or a StrategyError that names parameter and value."""
    for name, kind in (("fast", int), ("width", float), ("short", bool), ("basis_name", str)):
        message = ""
        try:
            assert type(check_parameters(Sample, {name: value})[name]) is kind
        except StrategyError as error:
            message = str(error)
        assert not message or (repr(name) in message and message.endswith("."))


@pytest.mark.parametrize(("text", "value"), [("true", True), ("No", False), ("1", True), (0, False)])
def test_truth_values_are_read_from_words(text: object, value: bool) -> None:
    """A command line's words for true and false are understood."""
    assert check_parameters(Sample, {"short": text}) == {"short": value}


class Words(Strategy):
    """A strategy with texts."""

    kinds = Parameter("123")
    side = Parameter("1", choices=("1", "2"))


@pytest.mark.parametrize(
    ("given_value", "value"), [(13, "13"), ("13", "13"), ("013", "013"), (-5, "-5"), (True, "true"), (False, "false"), ("1.50", "1.50")]
)
def test_text_that_looks_like_a_number_is_a_text(given_value: object, value: str) -> None:
    """What a command line has read as a number or truth value is the text that was written."""
    assert check_parameters(Words, {"kinds": given_value}) == {"kinds": value}


def test_numbers_among_the_choices_of_a_text() -> None:
    """They are compared as texts."""
    assert check_parameters(Words, {"side": 2}) == {"side": "2"}
    with pytest.raises(StrategyError, match="one of '1', '2', not 3"):
        check_parameters(Words, {"side": 3})


def test_fraction_for_a_text_is_to_be_quoted() -> None:
    """Nobody knows whether it was written 1.5 or 1.50: the message says how to write it."""
    with pytest.raises(StrategyError, match=r"must be a text, not 1.5. Put it into quotes: 'kinds=\"1.5\"' on a command line\."):
        check_parameters(Words, {"kinds": 1.5})
    for value in (None, [1], b"1"):
        with pytest.raises(StrategyError, match="must be a text, not"):
            check_parameters(Words, {"kinds": value})


def test_choice_that_does_not_exist_is_refused() -> None:
    """A parameter with choices lists them in its refusal."""
    with pytest.raises(StrategyError, match="one of 'last', 'mid', not 'bid'"):
        Sample(basis_name="bid")


def test_unknown_parameter_names_the_nearest() -> None:
    """A misspelt name is refused with the name that was probably meant."""
    with pytest.raises(StrategyError, match=r"no parameter 'fsat' .* Did you mean 'fast'\?"):
        Sample(fsat=3)


def test_assignment_inside_the_strategy_is_checked() -> None:
    """A strategy cannot set its own parameter outside the bounds."""
    sample = Sample()
    with pytest.raises(StrategyError, match="not 0"):
        sample.fast = 0
    sample.fast = 7
    assert sample.fast == 7


def test_several_parameters_are_set_together_or_not_at_all() -> None:
    """One wrong value among several changes none."""
    sample = Sample()
    with pytest.raises(StrategyError):
        sample.set_parameters({"fast": 20, "width": -1})
    assert sample.fast == 10


def test_parameters_that_do_not_fit_together_are_taken_back() -> None:
    """What check_parameters refuses leaves the old values in place."""

    class Pair(Strategy):
        """Needs fast < slow."""

        fast = Parameter(10)
        slow = Parameter(30)

        def check_parameters(self) -> None:
            """Refuse the wrong order."""
            if self.fast >= self.slow:
                raise ValueError("fast must be below slow")

    pair = Pair()
    with pytest.raises(StrategyError, match="fast must be below slow"):
        pair.set_parameters({"fast": 40})
    assert pair.fast == 10


def test_wrong_default_is_refused_where_it_is_declared() -> None:
    """A default outside its own bounds is an error of the class."""
    with pytest.raises(RuntimeError) as caught:
        type("Wrong", (Strategy,), {"fast": Parameter(0, low=1)})
    assert "'fast' of Wrong must be an int of at least 1" in str(caught.value.__cause__)


def test_type_that_cannot_be_set_from_outside_is_refused() -> None:
    """A list is no parameter."""
    with pytest.raises(RuntimeError) as caught:
        type("Wrong", (Strategy,), {"names": Parameter(["a"])})
    assert "only int, float, bool and str" in str(caught.value.__cause__)


def test_parameter_that_hides_a_method_is_refused() -> None:
    """A parameter called like a method of Strategy would break the strategy silently."""
    with pytest.raises(StrategyError, match="would hide Strategy.bars"):
        type("Wrong", (Strategy,), {"bars": Parameter(3)})


def test_subclass_inherits_and_replaces_parameters() -> None:
    """Declarations are inherited; a plain value in a subclass takes a parameter away."""

    class Child(Sample):
        """Fixes one and redeclares another."""

        fast = Parameter(5, low=1)
        short = True  # type: ignore[assignment]

    assert list(declared_parameters(Child)) == ["fast", "width", "basis_name"]
    assert Child().parameters["fast"] == 5
