"""Features: what they are, how they are declared, and that a value depends on its own bars alone."""

from __future__ import annotations

from math import log, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torture import examples

from gcg_quant.errors import ModelError
from gcg_quant.strategy_engine.models import FeatureRows, check_features, digest_of_features, parse_feature

HOUR_NS = 3_600_000_000_000
MANY = (
    "return(1)",
    "return(7)@2",
    "volatility(10)",
    "place(12)",
    "volume(9)",
    "range",
    "body@1",
    "gap",
    "hour",
    "weekday@3",
    "talib.RSI(5)",
    "talib.RSI(5)@4",
    "talib.BBANDS(8).lowerband/close",
    "talib.CDLDOJI",
    "chan.stroke(2)",
    "chan.stroke_age(2)@3",
    "chan.stroke_size(1)",
    "chan.stroke_distance(2)",
    "chan.divergence(2)",
    "chan.segment(2)",
    "chan.segment_age(2)",
    "chan.pivot(2)",
    "chan.pivot_age(2)",
    "chan.b1(2)",
    "chan.s2(2)",
    "chan.b3(3)",
)
STRETCHES = 3 * 3 * 24  # bars after which the longest analysis here was seen from its beginning


def bars(count: int, seed: int = 1) -> list[tuple[int, int, tuple[float, float, float, float], float]]:
    """Return bars of a random walk, as `FeatureRows.add` takes them."""
    random = np.random.default_rng(seed)
    closes = 100 * np.exp(np.cumsum(random.normal(0, 0.01, count)))
    opens = closes * np.exp(random.normal(0, 0.003, count))
    highs = np.maximum(opens, closes) * (1 + random.uniform(0, 0.01, count))
    lows = np.minimum(opens, closes) * (1 - random.uniform(0, 0.01, count))
    volumes = random.uniform(1, 100, count)
    rows = zip(opens.tolist(), highs.tolist(), lows.tolist(), closes.tolist(), volumes.tolist())
    return [(n * HOUR_NS, (n + 1) * HOUR_NS, (o, h, low, c), v) for n, (o, h, low, c, v) in enumerate(rows, start=1)]


def test_values_are_those_of_their_definitions() -> None:
    """Each feature of bars, computed again from the whole series by its definition."""
    texts = ("return(3)", "volatility(4)", "place(5)", "volume(6)", "range", "body", "gap", "hour", "weekday", "return(3)@2")
    maker, series = FeatureRows(check_features(texts)), bars(40)
    rows = [maker.add(*bar) for bar in series]
    start_ns, _, (begin, high, low, close), volume = series[-1]
    closes = np.array([bar[2][3] for bar in series])
    steps = np.diff(np.log(closes[-5:]))
    top, bottom = max(bar[2][1] for bar in series[-5:]), min(bar[2][2] for bar in series[-5:])
    expected = [
        log(close / closes[-4]),
        (steps**2).mean() ** 0.5,
        (close - bottom) / (top - bottom),
        log(volume / np.mean([bar[3] for bar in series[-7:-1]])),
        log(high / low),
        (close - begin) / (high - low),
        log(begin / closes[-2]),
        start_ns / HOUR_NS % 24,
        (start_ns // (24 * HOUR_NS) + 3) % 7,
        log(closes[-3] / closes[-6]),
    ]
    assert rows[-1] is not None
    assert rows[-1] == pytest.approx(expected, rel=1e-6)
    assert [row is not None for row in rows].index(True) == maker.needed - 1


def test_talib_value_is_that_of_the_whole_series_where_nothing_smooths() -> None:
    """A function with a look-back alone gives what it gives on all bars; a smoothing one nearly."""
    import talib

    series = bars(400)
    columns = [np.array([bar[2][number] for bar in series]) for number in range(4)]
    closes = columns[3]
    maker = FeatureRows(check_features(["talib.WILLR(10)", "talib.SMA(20)/close", "talib.BBANDS(8).lowerband", "talib.RSI(14)"]))
    row = [maker.add(*bar) for bar in series][-1]
    assert row is not None
    expected = [talib.WILLR(*columns[1:], 10)[-1], talib.SMA(closes, 20)[-1] / closes[-1], talib.BBANDS(closes, 8)[2][-1]]
    assert row[:3] == pytest.approx(expected, rel=1e-6)
    assert row[3] == pytest.approx(talib.RSI(closes, 14)[-1], rel=1e-3)


@settings(max_examples=examples(20), deadline=None)
@given(st.integers(300, 500), st.integers(0, 120), st.integers(1, 5))
def test_a_row_depends_on_its_own_bars_alone(count: int, begin: int, seed: int) -> None:
    """Whoever begins later has the same rows, bit for bit, once he has seen enough: a restart changes no value."""
    features, series = check_features(MANY), bars(count, seed)
    whole, late = FeatureRows(features), FeatureRows(features)
    early_rows = [whole.add(*bar) for bar in series][begin:]
    late_rows = [late.add(*bar) for bar in series[begin:]]
    for place, (early, later) in enumerate(zip(early_rows, late_rows, strict=True)):
        if later is not None:
            assert early is not None
            assert early.tobytes() == later.tobytes()
        else:
            assert place < max(late.needed, STRETCHES + 24)
    assert all(row is None for row in late_rows[: late.needed - 1])


def test_a_row_knows_nothing_of_later_bars() -> None:
    """Other bars behind a bar do not change its row."""
    features, series = check_features(MANY), bars(400)
    first, second = FeatureRows(features), FeatureRows(features)
    before = [first.add(*bar) for bar in series[:350]]
    changed = [(start, end, tuple(2 * price for price in prices), volume) for start, end, prices, volume in series[350:]]
    after = [second.add(*bar) for bar in series[:350] + changed]  # type: ignore[arg-type]
    assert before[-1] is not None
    assert [None if row is None else row.tobytes() for row in before] == [None if row is None else row.tobytes() for row in after[:350]]


def test_chan_features_are_those_of_the_confirmed_elements() -> None:
    """What the features say of strokes, pivots and points is what the analysis of the stretch before has confirmed up to each bar."""
    from gcg_quant.strategy_engine.chan.analyzer import ChanAnalyzer

    names = ("stroke", "stroke_age", "stroke_size", "stroke_distance", "segment", "pivot", "pivot_age", "b3")
    maker = FeatureRows(check_features([f"chan.{name}(20)" for name in names]))
    series = bars(3 * 20 * 24, seed=3)
    rows = [maker.add(*bar) for bar in series]
    begin = next(place for place, (start, *_) in enumerate(series) if start // (20 * 24 * HOUR_NS) == 1)
    analyzer = ChanAnalyzer()
    seen = 0
    for place, (start_ns, _, (_, high, low, close), _) in enumerate(series[begin:-1]):
        analyzer.bar(start_ns, high, low, close)
        row = rows[begin + place]
        if start_ns // (20 * 24 * HOUR_NS) != 2:
            assert row is None
            continue
        assert row is not None
        strokes = [one for one in analyzer.strokes if one["confirmed"] >= 0]
        segments = [one for one in analyzer.segments if one["confirmed"] >= 0]
        pivots = [one for one in analyzer.pivots if one["formed"] >= 0]
        points = [one for one in analyzer.points if one["confirmed"] >= 0 and one["kind"] == b"B3"]
        last, pivot = strokes[-1], pivots[-1]
        distance = log(close / pivot["zg"]) if close > pivot["zg"] else log(close / pivot["zd"]) if close < pivot["zd"] else 0.0
        expected = [
            1.0 if last["up"] else -1.0,
            place - last["end"],
            log(last["end_price"] / last["begin_price"]),
            log(close / last["end_price"]),
            (1.0 if segments[-1]["up"] else -1.0) if segments else 0.0,
            distance,
            place - pivot["formed"],
            place - points[-1]["confirmed"] if points else place + 1,
        ]
        assert row == pytest.approx(expected, rel=1e-6, abs=1e-7)
        seen += bool(points)
    assert seen


def test_a_value_that_is_not_there_makes_no_row() -> None:
    """Without volumes a feature of the volume has no value, and it is named."""
    maker = FeatureRows(check_features(["return(1)", "volume(2)", "talib.MFI(5)"]))
    rows = [maker.add(start, end, prices, nan) for start, end, prices, _ in bars(100)]
    assert rows == [None] * 100
    assert maker.ready
    assert maker.missing == ["volume(2)", "talib.MFI(5)"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is written like return"),
        ("return(5", "is written like return"),
        ("retrun(5)", "Did you mean 'return'?"),
        ("return", "takes a number of bars, such as return(5)"),
        ("return(0)", "takes a number of bars"),
        ("return(2.5)", "takes a number of bars"),
        ("return(x)", "stand numbers"),
        ("return(9999)", "5000 are the most"),
        ("return(5)@9999", "lags at most 5000 bars"),
        ("hour(3)", "takes no number"),
        ("range/close", "Only a ta-lib feature"),
        ("talib.RSY(14)", "Did you mean 'RSI'?"),
        ("talib.OBV", "depends on where its bars begin"),
        ("talib.MAVP", "depends on where its bars begin"),
        ("talib.RSI(14,3)", "takes 1 numbers (timeperiod), not 2"),
        ("talib.RSI(1.5)", "takes a whole number as timeperiod"),
        ("talib.RSI(-3)", "does not take"),
        ("talib.MACD.histogram", "has no output 'histogram': it has macd, macdsignal, macdhist"),
        ("volatility(1e9)", "below a million"),
        ("chan.stroke", "takes a number of days, such as chan.stroke(90)"),
        ("chan.stroke(0)", "takes a number of days"),
        ("chan.strok(9)", "Did you mean 'chan.stroke'?"),
        ("chan.stroke(9)/close", "Only a ta-lib feature"),
    ],
)
def test_bad_declaration_is_a_sentence(text: str, message: str) -> None:
    """What is no feature is refused, and the message says what to write."""
    with pytest.raises(ModelError) as caught:
        parse_feature(text)
    assert message in str(caught.value)


def test_declarations_have_one_usual_form() -> None:
    """Blanks do not matter, and the text of what was read is read as the same."""
    feature = parse_feature(" talib.MACD( 12, 26 ,9 ).macdhist/close @2 ")
    assert str(feature) == "talib.MACD(12,26,9).macdhist/close@2"
    assert parse_feature(str(feature)) == feature


def test_lists_are_checked_and_told_apart() -> None:
    """A list has each feature once; another order or another feature is another list."""
    with pytest.raises(ModelError, match="stands twice"):
        check_features(["range", "body", "range"])
    with pytest.raises(ModelError, match="1 to 500 features, not 0"):
        check_features([])
    digests = {digest_of_features(check_features(texts)) for texts in (["range", "body"], ["body", "range"], ["range"])}
    assert len(digests) == 3


def test_bars_that_make_no_sense_are_refused() -> None:
    """An older bar and impossible prices are errors that take nothing."""
    maker = FeatureRows(check_features(["return(1)"]))
    first, second = bars(2)
    maker.add(*second)
    with pytest.raises(ModelError, match="Bars come in order"):
        maker.add(*first)
    for prices in ((nan, 2.0, 1.0, 1.5), (1.5, 1.0, 2.0, 1.5), (3.0, 2.0, 1.0, 1.5), (0.0, 2.0, 0.0, 1.5)):
        with pytest.raises(ModelError, match="no sensible prices"):
            maker.add(9 * HOUR_NS, 10 * HOUR_NS, prices, 1.0)
    assert maker.count == 1
