"""What all shipped strategies have in common: short files, forms with ranges, bad values refused, a row in the docs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.errors import GcgQuantError
from gcg_quant.strategy_engine import StrategyLoader
from gcg_quant.strategy_engine.hosting.discovery import SHIPPED_FOLDER
from gcg_quant.strategy_engine.strategy.parameters import declared_parameters

ROOT = Path(__file__).resolve().parents[3]
FILES = {file.name: file for file in StrategyLoader().discover()}
OURS = ("bollinger", "chan", "dual_thrust", "grid", "market_maker", "minimal", "model_signal", "pair_spread", "sma_cross", "turtle")


def test_all_are_found_without_running_them() -> None:
    """The list that console and page show has each of them, and no file is broken."""
    assert set(OURS) <= set(FILES)
    assert [file.error for file in FILES.values() if file.error] == []
    assert all(file.path.is_relative_to(SHIPPED_FOLDER) for file in FILES.values())


@pytest.mark.parametrize("name", OURS)
def test_file_is_short_and_says_what_it_does(name: str) -> None:
    """Under 120 lines, one class, and a first line that says what it trades on."""
    text = FILES[name].path.read_text()
    assert text.count("\n") < 120
    (found,) = FILES[name].classes
    assert len(found.doc) > 30


@pytest.mark.parametrize("name", OURS)
def test_form_has_help_and_a_lower_bound_everywhere(name: str) -> None:
    """What a form shows before anything is loaded has a help line for each parameter, and for each number its least value."""
    for row in FILES[name].classes[0].parameters:
        assert row.help, row.name
        assert row.low is not None or row.type not in ("int", "float"), row.name


@pytest.mark.parametrize(
    "name", [name for name in OURS if {"value", "capital"} & declared_parameters(StrategyLoader().load(name).cls).keys()]
)
def test_whoever_has_a_value_takes_a_share_of_the_equity(name: str) -> None:
    """Both parameters come from one place, which also says what they come to: no file reckons for itself."""
    declared = declared_parameters(StrategyLoader().load(name).cls)
    assert (declared["equity_percent"].default, declared["equity_percent"].owner) == (0.0, "EquityShare")
    assert "self.value" not in FILES[name].path.read_text()


@pytest.mark.parametrize("name", OURS)
def test_values_outside_of_their_range_are_refused(name: str) -> None:
    """Each number below its least, above its most, or no number, is refused with its name; nothing is set."""
    loaded: Any = StrategyLoader().load(name)
    for key, one in declared_parameters(loaded.cls).items():
        bad: list[object] = [] if one.type in (str, bool) else ["much", float("nan"), True]
        bad += [one.low - 1] if one.low is not None else []
        bad += [one.high + 1] if one.high is not None else []
        bad += ["neither"] if one.choices or one.type is bool else []
        for value in bad:
            with pytest.raises(GcgQuantError, match=f"'{key}' of {loaded.cls.__name__} must be"):
                loaded.make({key: value})


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("sma_cross", {"fast": 30, "slow": 30}, "fast (30) must be less than slow (30)"),
        ("bollinger", {"width": 2, "stop_width": 2}, "stop_width (2) must be more than width (2), or 0 for no stop"),
        ("dual_thrust", {"period": "1d"}, "period must be shorter than 1d, not 1d"),
        ("dual_thrust", {"period": "5x"}, "'5x' is not a bar period"),
        ("pair_spread", {"exit": 2.5}, "exit (2.5) must be less than entry (2)"),
        ("pair_spread", {"stop": 1.5}, "stop (1.5) must be more than entry (2), or 0 for never"),
        ("grid", {"spacing": "even"}, "must be one of 'arithmetic', 'geometric', not 'even'"),
        ("turtle", {"unit": 3}, "Did you mean 'units'?"),
    ],
)
def test_values_that_do_not_fit_together_are_refused(name: str, values: dict[str, Any], words: str) -> None:
    """One sentence says what does not fit."""
    with pytest.raises(GcgQuantError) as caught:
        StrategyLoader().load(name).make(values)
    assert words in str(caught.value)


def test_docs_have_a_row_with_the_parameters_of_each() -> None:
    """The table of docs/strategies.md names each strategy, and each of its parameters with its default."""
    text = (ROOT / "docs/strategies.md").read_text().partition("## Shipped strategies")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \|(.*)\|$", text, re.MULTILINE))
    assert set(OURS) <= set(rows)
    for name in OURS:
        for key, one in declared_parameters(StrategyLoader().load(name).cls).items():
            shown = str(one.default).lower() if isinstance(one.default, bool) else one.default
            shown = f"{shown:,g}" if isinstance(shown, int | float) else shown
            assert f"`{key}` {shown}" in rows[name], f"{name}: `{key}` {shown}"
