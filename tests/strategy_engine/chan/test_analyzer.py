"""The Chan analyzer's Python face: arguments, bars that cannot be, rows and what changed, saving and restoring."""

from __future__ import annotations

import copy
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from gcg_quant.errors import EventError, StrategyError
from gcg_quant.events import Bar, BarBasis, from_array
from gcg_quant.strategy_engine import Strategy
from gcg_quant.strategy_engine.chan import DIVERGENCES, DTYPES, KINDS, VARIANTS, ChanAnalyzer, Change

PAGE = Path(__file__).resolve().parents[3] / "docs" / "chan.md"
Bars = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]


def walk(count: int, seed: int = 1, tick: float = 0.25) -> Bars:
    """Return times, highs, lows and closes of a random walk on a coarse grid of prices, so that many are equal."""
    random = np.random.default_rng(seed)
    closes = 100 + np.cumsum(random.integers(-4, 5, count)) * tick
    highs = closes + random.integers(0, 5, count) * tick
    lows = closes - random.integers(0, 5, count) * tick
    return np.arange(count, dtype=np.int64) * 60_000_000_000, highs, lows, closes


def rows_of(analyzer: ChanAnalyzer) -> dict[str, bytes]:
    """Return the bytes of all rows of each kind."""
    return {kind: analyzer.since(kind, 0).tobytes() for kind in KINDS}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variant": "old-strikt"}, "not 'old-strikt'. Did you mean 'old-strict'?"),
        ({"divergence": "macd"}, "divergence is one of area, amplitude, slope, not 'macd'."),
        ({"ratio": 0.0}, "ratio must be a number above 0"),
        ({"ratio": float("nan")}, "ratio must be a number above 0"),
        ({"trend_pivots": 0}, "trend_pivots must be 1 or more"),
        ({"macd": (12, 0, 9)}, "macd takes three lengths in bars, of 1 or more"),
        ({"macd": (12, 26)}, "macd takes three lengths in bars, of 1 or more"),
        ({"keep": 0}, "keep is a number of rows, 1 or more, or None for all of them, not 0."),
    ],
)
def test_wrong_argument_is_refused(arguments: dict[str, Any], message: str) -> None:
    """An argument that makes no sense is one sentence with what would."""
    with pytest.raises(StrategyError, match=re.escape(message)):
        ChanAnalyzer(**arguments)


@pytest.mark.parametrize(
    ("bar", "message"),
    [
        ((3, float("nan"), 1.0, 1.0), "bar 2 has a price that is no finite number"),
        ((3, float("inf"), 1.0, 1.0), "bar 2 has a price that is no finite number"),
        ((3, 2.0, float("nan"), 1.0), "bar 2 has a price that is no finite number"),
        ((3, 2.0, 1.0, float("nan")), "bar 2 has a price that is no finite number"),
        ((3, 1.0, 2.0, 1.5), "bar 2 has a high below its low"),
        ((2, 2.0, 1.0, 1.5), "bar 2 is not after the bar before it"),
        ((1, 2.0, 1.0, 1.5), "bar 2 is not after the bar before it"),
    ],
)
def test_bar_that_cannot_be_changes_nothing(bar: tuple[int, float, float, float], message: str) -> None:
    """A bar that cannot be is refused alone and within arrays, of which then no bar is taken."""
    analyzer = ChanAnalyzer()
    analyzer.bar(1, 10.0, 9.0, 9.5)
    analyzer.bar(2, 11.0, 10.0, 10.5)
    before = analyzer.save()
    with pytest.raises(EventError, match=message):
        analyzer.bar(*bar)
    assert analyzer.save() == before
    good = (bar[0] - 1 if bar[0] < 3 else 3, 12.0, 11.0, 11.5)
    with pytest.raises(EventError, match="bar [23] "):
        analyzer.extend(*zip(good, bar, strict=True))
    assert analyzer.save() == before


def test_wrong_call_is_refused() -> None:
    """Columns of several lengths, a bar that is none, an unknown kind and a negative number are errors that say so."""
    analyzer = ChanAnalyzer()
    with pytest.raises(EventError, match="four columns of the same length"):
        analyzer.extend([1, 2], [1.0, 2.0], [1.0, 2.0], [1.0])
    with pytest.raises(EventError, match=re.escape("whole nanoseconds (int64) or datetime64, not float64")):
        analyzer.extend([1.5], [1.0], [1.0], [1.0])
    with pytest.raises(TypeError, match="of one dimension"):
        analyzer.extend([[1]], [1.0], [1.0], [1.0])
    with pytest.raises(TypeError, match="a bar's time in ns, high, low and close"):
        analyzer.bar(1, 2.0, 1.0)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        analyzer.bar(1, "2", 1.0, 1.0)  # type: ignore[arg-type]
    with pytest.raises(StrategyError, match="not 'strokes'. Did you mean 'stroke'?"):
        analyzer.latest("strokes")
    with pytest.raises(StrategyError, match="the number of a row, 0 or more, not -1"):
        analyzer.since("stroke", -1)
    assert analyzer.bars == 0


def test_new_analyzer_has_no_rows() -> None:
    """Before the first bar every kind is an empty array of its type, and there is no latest row."""
    analyzer = ChanAnalyzer()
    for kind in KINDS:
        rows = analyzer.since(kind, 0)
        assert len(rows) == 0
        assert rows.dtype == DTYPES[kind]
        assert analyzer.latest(kind) is None
        assert analyzer.count(kind) == analyzer.confirmed_count(kind) == analyzer.first_kept(kind) == 0


def test_flags_tell_what_changed() -> None:
    """A kind's flag is set if and only if its rows differ from those before the bar."""
    analyzer = ChanAnalyzer(trend_pivots=1)
    before = rows_of(analyzer)
    seen = Change(0)
    for bar in zip(*(column.tolist() for column in walk(1500)), strict=True):
        changed = Change(analyzer.bar(*bar))
        now = rows_of(analyzer)
        differing = [flag for flag, kind in zip(Change, KINDS, strict=True) if now[kind] != before[kind]]
        assert list(changed) == differing
        before = now
        seen |= changed
    assert list(seen) == list(Change)


def test_polling_sees_what_all_rows_have() -> None:
    """Who keeps confirmed rows and asks for those behind them after each change has the whole list in the end."""
    analyzer = ChanAnalyzer(trend_pivots=1)
    mine: dict[str, list[np.void]] = {kind: [] for kind in KINDS}
    for bar in zip(*(column.tolist() for column in walk(1500, seed=2)), strict=True):
        analyzer.bar(*bar)
        for kind in KINDS:
            confirmed = mine[kind]
            confirmed.extend(analyzer.since(kind, len(confirmed))[: analyzer.confirmed_count(kind) - len(confirmed)])
    for kind in KINDS:
        rows = analyzer.since(kind, 0)
        assert len(rows) == analyzer.count(kind)
        assert rows[: len(mine[kind])].tobytes() == b"".join(row.tobytes() for row in mine[kind])
        latest = analyzer.latest(kind)
        assert latest is not None
        assert latest.tobytes() == rows[-1].tobytes()
    assert [rows.tobytes() for rows in (analyzer.merged, analyzer.fractals, analyzer.strokes)] == [
        analyzer.since(kind, 0).tobytes() for kind in KINDS[:3]
    ]
    assert [rows.tobytes() for rows in (analyzer.segments, analyzer.pivots, analyzer.points)] == [
        analyzer.since(kind, 0).tobytes() for kind in KINDS[3:]
    ]


@pytest.mark.parametrize("variant", VARIANTS)
def test_restored_analyzer_goes_on_the_same(variant: str) -> None:
    """Saved and restored after any bar, an analyzer ends with the same bytes as one that was left alone; arrays or one by one."""
    bars = walk(400, seed=3)
    whole = ChanAnalyzer(variant, trend_pivots=1)
    whole.extend(*bars)
    analyzer = ChanAnalyzer(variant, trend_pivots=1)
    for bar in zip(*(column.tolist() for column in bars), strict=True):
        data = analyzer.save()
        analyzer = ChanAnalyzer.restore(data)
        assert analyzer.save() == data
        analyzer.bar(*bar)
    assert rows_of(analyzer) == rows_of(whole)
    assert analyzer.save() == whole.save()
    assert analyzer.variant == variant
    assert (analyzer.bars, analyzer.last_ns) == (400, int(bars[0][-1]))


def test_copied_analyzer_is_its_own() -> None:
    """An analyzer may be copied and pickled; the copy goes on by itself."""
    analyzer = ChanAnalyzer("new-loss")
    analyzer.extend(*walk(300))
    data = analyzer.save()
    copies = [copy.deepcopy(analyzer), pickle.loads(pickle.dumps(analyzer))]
    analyzer.bar(analyzer.last_ns + 1, 2.0, 1.0, 1.0)
    assert [one.save() == data for one in copies] == [True, True]


def test_times_may_be_dates() -> None:
    """datetime64 of any unit, an empty list and NumPy's own numbers are taken."""
    days, *prices = walk(5)
    analyzer = ChanAnalyzer()
    assert analyzer.extend([], [], [], []) == 0
    analyzer.extend((days // 60_000_000_000).astype("datetime64[D]"), *prices)
    assert analyzer.last_ns == 4 * 86_400_000_000_000
    assert analyzer.bar(np.int64(analyzer.last_ns + 1), *np.array([2.0, 1.0, 1.0])) & Change.MERGED


@pytest.mark.parametrize("divergence", DIVERGENCES)
def test_restored_analyzer_keeps_its_rules(divergence: str) -> None:
    """All arguments are part of what is saved."""
    made = ChanAnalyzer("new-loss", divergence, 0.75, 3, (5, 10, 4), keep=17)
    assert ChanAnalyzer.restore(made.save()).options == made.options


def test_damaged_state_is_one_clear_error() -> None:
    """A state that is cut, longer, of another version or with any bit changed is refused, and so is something else."""
    analyzer = ChanAnalyzer()
    analyzer.extend(*walk(60))
    data = analyzer.save()
    other_version = data[:8] + (2).to_bytes(4, "little") + data[12:]
    for bad, message in (
        (b"", "does not begin as one does"),
        (b"GCGQUANT" * 9, "does not begin as one does"),
        (data[:-1], f"it has {len(data) - 1} bytes instead of {len(data)}"),
        (data + b"\0", f"it has {len(data) + 1} bytes instead of {len(data)}"),
        (other_version, "it has version 2, and this program reads version 1"),
    ):
        with pytest.raises(StrategyError, match=message):
            ChanAnalyzer.restore(bad)
    for place in range(0, len(data), 7):
        damaged = bytearray(data)
        damaged[place] ^= 0x10
        with pytest.raises(StrategyError, match="this is no saved state of a Chan analyzer that can be used"):
            ChanAnalyzer.restore(bytes(damaged))


def test_keep_lets_old_rows_go() -> None:
    """With `keep` the newest confirmed rows stay, with the numbers and bytes that they have without it."""
    bars = walk(3000, seed=5)
    whole, lean = ChanAnalyzer(trend_pivots=1), ChanAnalyzer(trend_pivots=1, keep=10)
    whole.extend(*bars)
    lean.extend(*bars)
    for kind in KINDS:
        assert lean.count(kind) == whole.count(kind)
        assert lean.first_kept(kind) == max(whole.confirmed_count(kind) - 10, 0)
        assert lean.since(kind, 0).tobytes() == whole.since(kind, lean.first_kept(kind)).tobytes()
    assert len(lean.save()) < len(whole.save()) / 20
    restored = ChanAnalyzer.restore(lean.save())
    assert rows_of(restored) == rows_of(lean)
    assert lean.save() == restored.save()


def test_examples_of_the_page_run(capsys: pytest.CaptureFixture[str]) -> None:
    """What docs/chan.md shows works as printed: arrays and a bar, a strategy, and several periods."""
    columns = walk(4000, seed=2)
    rows = np.zeros(4000, Bar.dtype)
    rows["start_ns"], rows["high"], rows["low"], rows["close"] = columns
    rows["open"], rows["event_ns"], rows["period"], rows["basis"] = rows["close"], rows["start_ns"] + 60 * 10**9, b"1m", BarBasis.LAST
    bars = from_array(rows, "SPY", "SIM")
    last = bars[-1]
    names: dict[str, Any] = dict(zip(("times_ns", "highs", "lows", "closes"), (column[:-1] for column in columns), strict=True))
    names |= {"time_ns": last.start_ns, "high": last.high, "low": last.low, "close": last.close}
    names |= {"minutes": bars, "Strategy": Strategy}
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 3
    for block in blocks:
        exec(compile(block, PAGE.name, "exec"), names)
    assert names["analyzer"].bars == 4000
    assert len(names["strokes"]) > 100
    assert names["levels"]["30m"].bars == 4000 // 30
    capsys.readouterr()
    strategy = names["Follow"]()
    for bar in bars:
        strategy.on_bar(bar)
    told = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    points = strategy.chan.points
    assert told == [kind.decode() for kind in points["kind"][points["confirmed"] >= 0]]
    assert len(told) > 20


def test_page_names_all_arguments_and_fields() -> None:
    """docs/chan.md has every variant, every force and every field of every kind."""
    text = PAGE.read_text(encoding="utf-8")
    words = [*VARIANTS, *DIVERGENCES, *(name for dtype in DTYPES.values() for name in dtype.names or ())]
    assert [word for word in words if word not in text] == []
