"""Lines that are updated as candles change are those that are computed afterwards from the same candles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.clock import NS_PER_DAY
from gcg_quant.visualization.indicators import Columns, Indicator, Kind, SeriesLines, indicator, kinds, lines_of
from gcg_quant.visualization.series.candles import Candle

from .walks import candles

_COUNT = 1_500
_WALK = candles(_COUNT)
_NAMES = ["MA", "EMA", "BOLL", "VWAP", "MACD", "RSI", "KDJ", "ATR", "OBV", "ADX", "STOCH", "SAR", "LINEARREG", "AD", "NVI"]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_live_value_is_the_one_computed_afterwards(data: Any) -> None:
    """Whatever the indicator and its parameters: bars that grow, follow and are corrected end in the values of the stored ones."""
    name = data.draw(st.sampled_from(_NAMES))
    limits = indicator(name, {}).kind.parameters
    parameters = {
        one.name: data.draw(st.integers(int(one.low), min(int(one.high), 60)) if one.type == "int" else st.floats(0.02, 0.9))
        for one in limits
        if "matype" not in one.name and one.name != "width"
    }
    one = indicator(name, parameters)
    shown = 200
    begin = max(_COUNT - 300 - shown - one.lead, 0) if not one.kind.whole_days else 0
    seeded = _WALK[begin : _COUNT - 300]
    lines = SeriesLines(anchor_ns=seeded[-shown].start_ns)
    lines.seed(Columns.of(seeded), [one])
    told: dict[int, dict[str, float]] = {}
    at = _COUNT - 300
    while at < _COUNT - 100:
        together = data.draw(st.integers(1, 40), label="bars at once")
        for batch in ([_growing(_WALK[at])], _WALK[at : at + together], _WALK[at + together - 1 : at + together]):
            for key, values in lines.update(batch).items():
                assert key == one.key
                for row, candle in enumerate(batch):
                    told[candle.time] = {line: float(value[row]) for line, value in values.items()}
        at += together
    whole = one.values(Columns.of(_WALK[:at]), lines.anchor_ns)
    for row in range(_COUNT - 300, at):
        for line, values in whole.items():
            assert told[_WALK[row].time][line] == pytest.approx(values[row], rel=1e-7, abs=1e-6, nan_ok=True), (line, row)


def _growing(candle: Candle) -> Candle:
    return candle._replace(close=candle.open, high=candle.high, volume=candle.volume / 2)


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_value_does_not_depend_on_how_many_bars_were_asked_for(kind: Kind) -> None:
    """With the bars that an indicator needs in front, its values are the same as over ten times as many."""
    one = Indicator(kind, kind.checked({}), "close")
    columns = Columns.of(_LONG)
    first = len(_LONG) - 50
    begin = int(np.searchsorted(columns.day, columns.day[first])) if kind.whole_days else first - one.lead
    anchor = int(columns.start_ns[first])
    short = one.values(columns.part(begin), anchor)
    for line, values in one.values(columns, anchor).items():
        np.testing.assert_allclose(short[line][-50:], values[-50:], rtol=1e-8, atol=1e-8, err_msg=line)


_LONG = candles(9_000, seed=5)


def test_running_totals_go_on_when_old_rows_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """OBV counts from its anchor although the rows from there have been forgotten; the others do not notice."""
    monkeypatch.setattr("gcg_quant.visualization.indicators.series_lines._MOST_ROWS", 100)
    wanted = [indicator("OBV", {}), indicator("NVI", {}), indicator("EMA", {"timeperiod": 5})]
    lines = SeriesLines(anchor_ns=_WALK[20].start_ns)
    lines.seed(Columns.of(_WALK[:50]), wanted)
    last: dict[str, Any] = {}
    for candle in _WALK[50:]:
        last = lines.update([candle])
    whole = lines_of(wanted, Columns.of(_WALK), _COUNT - 1, lines.anchor_ns)
    for key, found in whole.items():
        for name, values in found.items():
            assert last[key][name][0] == pytest.approx(values[0]), key


def test_each_indicator_is_computed_once_and_forgotten_with_its_last_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pages with the same indicator cost one computation; without anybody nothing is kept."""
    calls = []
    one = indicator("EMA", {})
    compute = one.values
    monkeypatch.setattr(one, "values", lambda *given: calls.append(1) or compute(*given))
    lines = SeriesLines()
    for _ in range(2):
        lines.seed(Columns.of(_WALK[:100]), [one])
    assert set(lines.update(_WALK[100:102])) == {one.key}
    assert len(calls) == 1
    lines.keep(set())
    assert lines.update(_WALK[102:103]) == {}
    assert len(calls) == 1


def test_day_without_volume_before_midnight_begins_anew() -> None:
    """The average price of the day forgets yesterday at the beginning of the day, of UTC where there is no calendar."""
    night = candles(4, begin_ns=candles(1)[0].start_ns + NS_PER_DAY - 2 * 60_000_000_000)
    values = indicator("VWAP", {}).values(Columns.of(night))["vwap"]
    assert values[2] == pytest.approx((night[2].high + night[2].low + night[2].close) / 3)
    assert values[1] != pytest.approx(values[2])
