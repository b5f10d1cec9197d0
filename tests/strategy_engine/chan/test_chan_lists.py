"""The analyzer and the plain implementation against the reference lists on real bars, element by element."""

from __future__ import annotations

import os
from typing import Any

import pytest

from .elements import analyzer_of, rows_by_rule, rows_of
from .plain_chan import Analysis, Bar, analyze

FULL = "GCG_TORTURE_S" in os.environ  # as `make torture` sets it: every element of every variant by the plain implementation, too
VARIANTS = ("old-strict", "old-half", "old-loss", "new-strict", "new-loss")
PLAIN = [("spy", "old-strict"), ("spy", "new-loss"), ("eurusd", "old-strict")]
EVERY = [(name, variant) for name in ("spy", "eurusd") for variant in VARIANTS]


@pytest.mark.parametrize(("name", "variant"), EVERY)
def test_elements_equal_the_lists(real_bars: dict[str, list[Bar]], lists: dict[str, Any], name: str, variant: str) -> None:
    """Merged bars, fractals, strokes and pivots of the analyzer are those of the list."""
    rows = rows_of(analyzer_of(real_bars[name], variant=variant))
    assert [list(row[:4]) for row in rows["merged"]] == lists[name]["merged"]
    assert [["T" if top else "B", *row] for top, *row, _ in rows["fractals"]] == lists[name]["fractals"]
    told = lists[name]["variants"][variant]
    assert [["up" if up else "down", *row[:4], True] for up, *row in rows["strokes"]] == told["strokes"]
    assert [list(row[:6]) for row in rows["pivots"]] == told["pivots"]


@pytest.mark.parametrize(("name", "variant"), EVERY if FULL else PLAIN)
def test_elements_equal_the_rules_said_plainly(real_bars: dict[str, list[Bar]], lists: dict[str, Any], name: str, variant: str) -> None:
    """The plain implementation gives the lists, and the analyzer gives all of its elements, segments and points with them."""
    bars = real_bars[name]
    analysis = analyze(bars, variant)
    assert in_list_form(analysis) == {
        "merged": lists[name]["merged"],
        "fractals": lists[name]["fractals"],
        **lists[name]["variants"][variant],
    }
    assert len(analysis.segments) > 20
    assert {point.kind for point in analysis.points} == {"B1", "B2", "B3", "S1", "S2", "S3"}
    rows = rows_of(analyzer_of(bars, variant=variant))
    for kind, expected in rows_by_rule(bars, analysis).items():
        assert rows[kind] == expected, kind


def in_list_form(analysis: Analysis) -> dict[str, Any]:
    """Return what the lists hold as they hold it."""
    return {
        "merged": [list(merged[:4]) for merged in analysis.merged],
        "fractals": [["T" if top else "B", *row] for top, *row, _ in analysis.fractals],
        "strokes": [["up" if up else "down", *row[:4], True] for up, *row in analysis.strokes],
        "pivots": [list(pivot[:6]) for pivot in analysis.pivots],
    }
