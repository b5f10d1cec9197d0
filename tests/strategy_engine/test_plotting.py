"""Which points of a strategy's plots are published."""

from __future__ import annotations

import pytest

from gcg_quant.errors import StrategyError
from gcg_quant.strategy_engine.strategy.plotting import Drawing

TENTH_NS = 100_000_000


def test_one_point_in_a_tenth_of_a_second_of_each_plot() -> None:
    """Another plot, another instrument and the next tenth have points of their own; a replay of the same times takes the same ones."""
    asked = [("a", "X", 0), ("a", "X", TENTH_NS - 1), ("b", "X", 1), ("a", "Y", 1), ("a", "X", TENTH_NS), ("a", "X", 2 * TENTH_NS - 1)]
    for _ in range(2):
        drawing = Drawing()
        taken = [drawing.point(name, 1.0, "price", (symbol, "V"), "s", now_ns) is not None for name, symbol, now_ns in asked]
        assert taken == [True, False, True, True, True, False]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_draws_nothing_and_takes_no_ones_place(value: float) -> None:
    """NaN and infinity are left out, and a number of the same tenth is drawn."""
    drawing = Drawing()
    assert drawing.point("a", value, "price", ("X", "V"), "s", 5) is None
    assert drawing.point("a", 1.0, "price", ("X", "V"), "s", 6) is not None


@pytest.mark.parametrize(
    ("name", "value", "place"), [("", 1.0, "price"), ("a" * 65, 1.0, "price"), ("a", True, "price"), ("a", 1.0, "prise")]
)
def test_what_cannot_be_drawn_is_one_sentence(name: str, value: float, place: str) -> None:
    """The sentence names the plot and what was wrong."""
    with pytest.raises(StrategyError, match=r"[.?]$"):
        Drawing().point(name, value, place, ("X", "V"), "s", 0)
