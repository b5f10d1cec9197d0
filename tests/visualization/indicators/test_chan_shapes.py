"""Chan elements as shapes of a chart: those that come live, put together, are those that are computed afterwards."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.clock import NS_PER_DAY
from gcg_quant.errors import EventError
from gcg_quant.strategy_engine.chan import ChanAnalyzer
from gcg_quant.visualization.indicators import Columns, Indicator, SeriesLines, ShapePart, chan_kind, indicator, lines_of
from gcg_quant.visualization.series.candles import Candle

from .walks import candles

CHAN = {"CHAN": chan_kind(ChanAnalyzer)}
PARTS = ("strokes", "segments", "pivots", "points")
_WALK = candles(2_400, seed=3)


def chan(**parameters: int) -> Indicator:
    """Return the indicator with these parameters."""
    return indicator("CHAN", parameters, None, CHAN)


def after(one: Indicator, rows: list[Candle]) -> dict[str, list[Any]]:
    """Return all shapes of these candles."""
    return {name: part.rows for name, part in lines_of([one], Columns.of(rows), 0, None)[one.key].shapes.items()}


def put(known: dict[str, list[Any]], shapes: dict[str, ShapePart]) -> None:
    """Take in what has changed, as the page does."""
    for name, (kept, rows) in shapes.items():
        known[name] = [row for row in known.get(name, []) if kept is not None and row[0] <= kept] + rows


@settings(max_examples=10)
@given(data=st.data())
def test_live_shapes_are_those_computed_afterwards(data: Any) -> None:
    """Bars that grow, follow, are corrected or come late: the page has after each message what is computed from the same bars."""
    one = chan(variant=data.draw(st.integers(0, 4)), divergence=data.draw(st.integers(0, 2)))
    begin = data.draw(st.integers(600, 1_200))
    rows = _WALK[:begin]
    lines = SeriesLines()
    lines.seed(Columns.of(rows), [one])
    known = after(one, rows)
    at = begin
    while at < begin + 250:
        together = data.draw(st.integers(1, 60))
        news = [[_growing(_WALK[at])], _WALK[at : at + together]]
        if data.draw(st.booleans()):
            old = at - data.draw(st.integers(1, 300))
            news.append([_WALK[old]._replace(high=_WALK[old].high + 1)])
        for batch in news:
            rows = sorted({row.time: row for row in [*rows, *batch]}.values())
            put(known, dict(lines.update(batch)[one.key].shapes))
            assert known == after(one, rows)
        at += together


def _growing(candle: Candle) -> Candle:
    return candle._replace(close=candle.open, high=candle.open)


def test_what_is_confirmed_is_told_once_and_little_of_it() -> None:
    """The first message has everything; each later one what has changed alone, and nothing when nothing has."""
    one = chan()
    lines = SeriesLines()
    lines.seed(Columns.of(_WALK[:1_000]), [one])
    first = lines.update(_WALK[1_000:1_001])[one.key].shapes
    assert set(first) == set(PARTS)
    assert all(part.after is None for part in first.values())
    assert len(first["strokes"].rows) > 30
    told = [lines.update([row])[one.key].shapes for row in _WALK[1_001:2_400]]
    assert all(len(part.rows) < 20 for shapes in told[1:] for part in shapes.values())
    assert sum(not shapes for shapes in told) > 700
    assert lines.update(_WALK[2_399:2_400])[one.key].shapes == {}


def test_the_newest_bar_confirms_nothing() -> None:
    """It may still change: what it would confirm is told as confirmed once the next bar has begun, and stays then."""
    confirmed: dict[str, list[Any]] = {name: [] for name in PARTS}
    for count in range(300, 900, 7):
        rows = after(chan(), _WALK[:count])
        whole = ChanAnalyzer()
        columns = Columns.of(_WALK[: count - 1])
        whole.extend(columns.start_ns, columns.high, columns.low, columns.close)
        for name in PARTS:
            sure = [row for row in rows[name] if row[4]]
            assert len(sure) == int((getattr(whole, name)["confirmed"] >= 0).sum())
            assert sure[: len(confirmed[name])] == confirmed[name]
            confirmed[name] = sure
    assert all(confirmed.values())


def test_shapes_are_the_analyzers_elements() -> None:
    """Places, prices and words are those of the elements; parts that are switched off are not there."""
    rows = after(chan(variant=4, trend_pivots=1), _WALK)
    columns = Columns.of(_WALK)
    whole = ChanAnalyzer("new-loss", trend_pivots=1)
    whole.extend(columns.start_ns, columns.high, columns.low, columns.close)
    times = columns.time
    strokes, pivots, points = whole.strokes, whole.pivots, whole.points
    assert [row[:4] for row in rows["strokes"]] == list(
        zip(times[strokes["begin"]], strokes["begin_price"], times[strokes["end"]], strokes["end_price"], strict=True)
    )
    assert [row[:4] for row in rows["pivots"]] == list(
        zip(times[pivots["begin"]], pivots["zd"], times[pivots["end"]], pivots["zg"], strict=True)
    )
    assert [(row[0], row[1], row[5]) for row in rows["points"]] == [
        (times[point["bar"]], point["price"], point["kind"].decode()) for point in points
    ]
    assert {row[5] for row in rows["points"]} == {"B1", "B2", "B3", "S1", "S2", "S3"}
    assert set(after(chan(pivots=0, points=0), _WALK)) == {"strokes", "segments"}


def test_the_page_of_spys_days_has_the_strokes_and_pivots_of_the_reference_list(shared_data: Path) -> None:
    """What docs/images/chan_spy.png shows: every stroke and pivot of the list, at the times of its bars."""
    file = shared_data.parent / "chan" / "spy.spec.json.gz"
    if not file.is_file():
        pytest.skip("the folder ../shared/chan with the reference lists is not here")
    with gzip.open(file, "rt", encoding="utf-8") as text:
        told = json.load(text)["variants"]["old-strict"]
    with gzip.open(shared_data / "stock/SPY_daily.csv.gz", "rt", encoding="utf-8") as text:
        days = [
            Candle(day * NS_PER_DAY, day * 86_400, *(float(row[name]) for name in ("open", "high", "low", "close", "volume")))
            for day, row in enumerate(csv.DictReader(text))
        ]
    rows = after(chan(), days)
    assert [[row[0] // 86_400, row[1], row[2] // 86_400, row[3]] for row in rows["strokes"]] == [one[1:5] for one in told["strokes"]]
    spans = [[told["strokes"][first][1], zd, told["strokes"][last][3], zg] for first, last, zd, zg, _, _ in told["pivots"]]
    assert [[row[0] // 86_400, row[1], row[2] // 86_400, row[3]] for row in rows["pivots"]] == spans


def test_bars_that_cannot_be_are_passed_over() -> None:
    """A bar without prices, or upside down, changes nothing, wherever it stands."""
    broken = [*_WALK[:300], _WALK[300]._replace(high=np.nan), *_WALK[301:700], _WALK[700]._replace(low=1e9), *_WALK[701:800]]
    assert after(chan(), broken) == after(chan(), [row for row in broken if row.high >= row.low])
    lines = SeriesLines()
    lines.seed(Columns.of(broken[:200]), [chan()])
    known: dict[str, list[Any]] = {}
    for row in broken[200:]:
        put(known, dict(lines.update([row])[chan().key].shapes))
    assert known == after(chan(), broken)


def test_old_rows_may_be_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the oldest rows have been forgotten all shapes of the others are told anew."""
    monkeypatch.setattr("gcg_quant.visualization.indicators.chan._LEAD", 300)
    monkeypatch.setattr("gcg_quant.visualization.indicators.series_lines._SPARE_ROWS", 100)
    one = Indicator(CHAN["CHAN"], CHAN["CHAN"].checked({}), "close")
    lines = SeriesLines()
    lines.seed(Columns.of(_WALK[:700]), [one])
    known: dict[str, list[Any]] = {}
    for row in _WALK[700:1_000]:
        put(known, dict(lines.update([row])[one.key].shapes))
    assert known["strokes"][-30:] == after(one, _WALK[:1_000])["strokes"][-30:]


def test_its_title_and_its_refusals_are_in_words() -> None:
    """The title has the words of what was chosen; a wrong choice, and a name that is nearly its, are one sentence."""
    assert chan(variant=4, divergence=1, trend_pivots=3).title == "CHAN new-loss amplitude 3"
    with pytest.raises(EventError, match=r"^variant of CHAN must be from 0 to 4, found 5\.$"):
        chan(variant=5)
    with pytest.raises(EventError, match=r"^strokes of CHAN must be a whole number, found 0\.5\.$"):
        chan(strokes=0.5)  # type: ignore[arg-type]
    with pytest.raises(EventError, match=r"There is no indicator 'CHAM'\. Did you mean 'CHAN'\?"):
        indicator("CHAM", {}, None, CHAN)
