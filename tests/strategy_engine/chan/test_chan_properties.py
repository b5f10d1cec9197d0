"""The analyzer over generated markets: what the rules say, however the bars come, and nothing confirmed ever changes."""

from __future__ import annotations

import os
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gcg_quant.strategy_engine.chan import ChanAnalyzer, Change

from .elements import FIELDS, Rows, analyzer_of, arrays_of, confirmed_in, rows_by_rule, rows_in, rows_of, singular
from .markets import drawn, legs_of, markets, parameters, zigzag
from .plain_chan import Bar, analyze

FULL = "GCG_TORTURE_S" in os.environ  # as `make torture` sets it
EXAMPLES = 5000 if FULL else 30
SOME = settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
FEW = settings(SOME, max_examples=EXAMPLES // 3)
FLAGS = {
    "merged": Change.MERGED,
    "fractals": Change.FRACTAL,
    "strokes": Change.STROKE,
    "segments": Change.SEGMENT,
    "pivots": Change.PIVOT,
    "points": Change.POINT,
}


# A last stroke with just the force of the one that entered the pivot.
EQUAL_FORCES = {"bars": legs_of([5, 5, 5, 4, 2, 5, 2], [5]), "options": {"divergence": "amplitude", "trend_pivots": 1}}


@SOME
@given(bars=markets, options=parameters)
@example(**EQUAL_FORCES)
def test_elements_are_those_of_the_rules(bars: list[Bar], options: dict[str, Any]) -> None:
    """Every field of every element equals the plain implementation's."""
    rows = rows_of(analyzer_of(bars, **options))
    for kind, expected in rows_by_rule(bars, analyze(bars, **options)).items():
        assert rows[kind] == expected, kind


@SOME
@given(bars=markets, options=parameters, cuts=st.lists(st.integers(0, 700), max_size=4))
def test_bars_may_come_one_by_one_in_parts_or_at_once(bars: list[Bar], options: dict[str, Any], cuts: list[int]) -> None:
    """The same elements, and the same saved bytes, whichever way the bars came."""
    at_once = analyzer_of(bars, **options)
    one_by_one, parts = ChanAnalyzer(**options), ChanAnalyzer(**options)
    for bar in bars:
        one_by_one.bar(*bar)
    places = sorted({0, len(bars), *(min(cut, len(bars)) for cut in cuts)})
    for begin, end in pairwise(places):
        parts.extend(*arrays_of(bars[begin:end]))
    assert rows_of(one_by_one) == rows_of(parts) == rows_of(at_once)
    assert one_by_one.save() == parts.save() == at_once.save()


@SOME
@given(bars=markets, options=parameters, part=st.floats(0, 1))
def test_a_restored_analyzer_goes_on_as_the_saved_one(bars: list[Bar], options: dict[str, Any], part: float) -> None:
    """Saved and restored at any bar, it has the same elements at once and after all further bars."""
    cut = round(part * len(bars))
    analyzer = analyzer_of(bars[:cut], **options)
    restored = ChanAnalyzer.restore(analyzer.save())
    assert rows_of(restored) == rows_of(analyzer)
    assert restored.save() == analyzer.save()
    for bar in bars[cut:]:
        assert restored.bar(*bar) == analyzer.bar(*bar)
    assert rows_of(restored) == rows_of(analyzer)
    assert restored.save() == analyzer.save()


@FEW
@given(bars=markets, part=st.floats(0, 1))
def test_any_bar_may_be_the_first(bars: list[Bar], part: float) -> None:
    """From any start the elements are those of the bars from there on, counted from there."""
    bars = bars[round(part * len(bars)) :]
    assert rows_of(analyzer_of(bars)) == rows_by_rule(bars, analyze(bars))


@SOME
@given(bars=markets, options=parameters)
def test_what_was_confirmed_live_is_what_is_confirmed_afterwards(bars: list[Bar], options: dict[str, Any]) -> None:
    """Each bar confirms elements as the end knows them, by that bar and after the confirmed ones; what changed is flagged."""
    live = ChanAnalyzer(**options)
    confirmed: Rows = {kind: [] for kind in FIELDS}
    tentative: Rows = {kind: [] for kind in FIELDS}
    for k, bar in enumerate(bars):
        flags = live.bar(*bar)
        for kind, fields in FIELDS.items():
            tail = rows_in(live.since(singular(kind), len(confirmed[kind])), fields)
            new = [row for row in tail if row[-1] >= 0]
            assert [row[-1] for row in tail] == [k] * len(new) + [-1] * (len(tail) - len(new)), (k, kind)
            assert flags & FLAGS[kind] or tail == tentative[kind], (k, kind)
            confirmed[kind] += new
            tentative[kind] = tail[len(new) :]
    at_the_end = rows_of(analyzer_of(bars, **options))
    assert {kind: confirmed[kind] + tentative[kind] for kind in FIELDS} == at_the_end


@FEW
@given(bars=st.one_of(drawn, zigzag), options=parameters)
def test_the_rules_themselves_confirm_nothing_that_changes(bars: list[Bar], options: dict[str, Any]) -> None:
    """Also by the plain implementation: what the first bars confirm stays as it is when more bars come."""
    at_the_end = rows_by_rule(bars, analyze(bars, **options))
    for count in range(0, len(bars), 7):
        rows = rows_by_rule(bars, analyze(bars[:count], **options))
        assert confirmed_in(rows) == confirmed_in(at_the_end, count)


@SOME
@given(bars=markets, options=parameters)
def test_segments_keep_their_invariants(bars: list[Bar], options: dict[str, Any]) -> None:
    """Strokes are odd in number and at least three, the first three overlap; directions alternate; each begins after the one before."""
    analyzer = analyzer_of(bars, **options)
    strokes, segments = analyzer.strokes, analyzer.segments
    for k, segment in enumerate(segments):
        first, last = int(segment["first"]), int(segment["last"])
        assert last - first >= 2
        assert (last - first) % 2 == 0
        three = strokes[first : first + 3]
        lows, highs = np.minimum(three["begin_price"], three["end_price"]), np.maximum(three["begin_price"], three["end_price"])
        assert lows.max() <= highs.min()
        assert bool(segment["up"]) == bool(strokes[first]["up"])
        if k:
            assert first == segments[k - 1]["last"] + 1
            assert bool(segment["up"]) != bool(segments[k - 1]["up"])


@FEW
@given(bars=markets, options=parameters, begin=st.integers(0, 12))
def test_elements_are_had_from_an_index_on(bars: list[Bar], options: dict[str, Any], begin: int) -> None:
    """`since` is the end of the whole list, and `latest` its last record."""
    analyzer = analyzer_of(bars, **options)
    for name, fields in FIELDS.items():
        kind = singular(name)
        whole = rows_in(getattr(analyzer, name), fields)
        assert rows_in(analyzer.since(kind, begin), fields) == whole[begin:]
        if whole:
            assert rows_in(np.array([analyzer.latest(kind)]), fields) == whole[-1:]
