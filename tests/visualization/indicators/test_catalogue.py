"""The catalogue of indicators: what there is, what is refused, and what the nine of ours are worth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from gcg_quant.errors import EventError
from gcg_quant.visualization.indicators import Columns, Indicator, Kind, indicator, kinds

from .walks import walk


def test_ours_come_first_and_every_function_of_talib_follows() -> None:
    """Each has parameters within their limits, at least one line, and a place."""
    catalogue = kinds()
    assert [kind.name for kind in catalogue[:9]] == ["MA", "EMA", "BOLL", "VWAP", "MACD", "RSI", "KDJ", "ATR", "OBV"]
    assert {kind.name for kind in catalogue} >= set(talib.get_functions())
    assert len({kind.name for kind in catalogue}) == len(catalogue)
    for kind in catalogue:
        assert kind.lines
        assert kind.place in ("price", "below")
        for one in kind.parameters:
            assert one.low <= one.default <= one.high, (kind.name, one)


@pytest.mark.parametrize(
    ("name", "parameters", "source", "sentence"),
    [
        ("EMMA", {}, None, "There is no indicator 'EMMA'. Did you mean 'EMA'?"),
        ("EMA", {"period": 3}, None, "EMA has no parameter 'period'; it has timeperiod. Did you mean 'timeperiod'?"),
        ("OBV", {"timeperiod": 3}, None, "OBV has no parameter 'timeperiod'; it has none."),
        ("EMA", {"timeperiod": 1_001}, None, "timeperiod of EMA must be from 1 to 1000, found 1001."),
        ("EMA", {"timeperiod": 2.5}, None, "timeperiod of EMA must be a whole number, found 2.5."),
        ("BOLL", {"width": math.nan}, None, "width of BOLL must be from 0.1 to 10, found nan."),
        ("EMA", {}, "clos", "There is no price 'clos'; there are close, open, high, low, hl2, hlc3, ohlc4, volume. Did you mean 'close'?"),
        ("ATR", {}, "high", "ATR is made of prices of its own and takes no source."),
    ],
)
def test_what_makes_no_sense_is_one_sentence(name: str, parameters: dict[str, float], source: str | None, sentence: str) -> None:
    """An unknown indicator, parameter or price, and a value out of its limits, are named with the nearest or the limits."""
    with pytest.raises(EventError) as refused:
        indicator(name, parameters, source)
    assert str(refused.value) == sentence


def test_same_question_has_the_same_key() -> None:
    """Defaults may be left out; another source or parameter is another indicator."""
    assert indicator("EMA", {"timeperiod": 20}) is indicator("EMA", {}, "close")
    assert indicator("EMA", {}).key == "EMA(close,timeperiod=20)"
    assert indicator("EMA", {}, "hl2").title == "EMA 20 hl2"
    assert indicator("MACD", {}).title == "MACD 12 26 9"
    assert indicator("KDJ", {}).key == "KDJ(fastk_period=9,slowk_period=3,slowd_period=3)"


def test_values_are_those_of_their_definitions() -> None:
    """Moving averages, bands, the day's average price, KDJ and the running total, computed here step by step."""
    columns = walk(600)
    close, volume = columns.close, columns.volume
    at = len(close) - 1
    assert _last("MA", columns, timeperiod=20)["ma"] == pytest.approx(close[-20:].mean())
    bands = _last("BOLL", columns, timeperiod=20, width=2.5)
    assert bands["upper"] - bands["middle"] == pytest.approx(2.5 * close[-20:].std())
    today = columns.day == columns.day[at]
    typical = (columns.high + columns.low + close) / 3
    assert _last("VWAP", columns)["vwap"] == pytest.approx((typical * volume)[today].sum() / volume[today].sum())
    k = d = 50.0
    for row in range(8, len(close)):
        high, low = columns.high[row - 8 : row + 1].max(), columns.low[row - 8 : row + 1].min()
        k = k * 2 / 3 + (close[row] - low) / (high - low) * 100 / 3
        d = d * 2 / 3 + k / 3
    assert _last("KDJ", columns) == pytest.approx({"K": k, "D": d, "J": 3 * k - 2 * d})
    steps = np.sign(np.diff(close)) * volume[1:]
    assert _last("OBV", columns)["obv"] == pytest.approx(steps.sum())


def test_flat_prices_and_unknown_volumes_are_no_numbers_or_plain_ones() -> None:
    """KDJ stands in the middle of no range; an average weighted by nothing is not known."""
    columns = walk(60)
    flat = np.full(60, 5.0)
    still = columns._replace(open=flat, high=flat, low=flat, close=flat, volume=np.full(60, np.nan))
    assert _last("KDJ", still) == pytest.approx({"K": 50.0, "D": 50.0, "J": 50.0})
    assert math.isnan(_last("VWAP", still)["vwap"])
    assert _last("OBV", still)["obv"] == 0.0


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.name)
def test_no_number_of_bars_is_too_few(kind: Kind) -> None:
    """From no bar on, also with missing and endless prices, each line is as long as the bars, and holds numbers or NaN."""
    one = Indicator(kind, kind.checked({}), "close")
    for count in (0, 1, 2, 3, 40):
        columns = walk(count)
        if count == 40:
            columns.close[5] = np.nan
            columns.volume[7] = np.nan
        for values in one.values(columns).values():
            assert len(values) == count
            assert not np.isinf(values).any()


_EDGES = [kind for kind in kinds() if kind.parameters]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_parameters_within_the_limits_are_computed(data: Any) -> None:
    """Whatever the catalogue says is possible is: ta-lib refuses none of it, and the process goes on."""
    kind = data.draw(st.sampled_from(_EDGES))
    parameters = {
        one.name: data.draw(st.integers(int(one.low), int(one.high)) if one.type == "int" else st.floats(one.low, one.high), one.name)
        for one in kind.parameters
    }
    if parameters.get("minperiod", 0) > parameters.get("maxperiod", np.inf):
        with pytest.raises(EventError, match="minperiod of MAVP must not be above its maxperiod, found"):
            indicator(kind.name, parameters)
        return
    found = indicator(kind.name, parameters)
    assert found.lead >= 0
    for values in found.values(walk(data.draw(st.integers(0, 120)))).values():
        assert not np.isinf(values).any()


def _last(name: str, columns: Columns, **parameters: float) -> dict[str, float]:
    return {line: float(values[-1]) for line, values in indicator(name, parameters).values(columns).items()}
