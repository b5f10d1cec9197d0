"""Adjusted prices: by hand, on real splits and dividends against a vendor's factors, and never with what is not known yet."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gcg_quant.adjustment import factors_of
from gcg_quant.bounded_history import BoundedHistory
from gcg_quant.clock import NS_PER_DAY, NS_PER_MINUTE, from_iso
from gcg_quant.errors import EventError
from gcg_quant.events import Bar, CorporateAction, Tick
from gcg_quant.history import MemoryHistory
from gcg_quant.instruments import Instrument

DAYS = [20240304, 20240305, 20240306, 20240307, 20240308]
START = from_iso("2024-03-04")
CLOSES = [10.0, 11.0, 5.0, 6.0, 6.3]


def action(kind: str, ex_day: int, ratio: float | None = None, amount: float | None = None) -> CorporateAction:
    """Return an action of X."""
    return CorporateAction(symbol="X", venue="V", kind=kind, ex_day=ex_day, ratio=ratio, amount=amount)


@pytest.fixture
def history() -> MemoryHistory:
    """Return five days of X, which was split two for one on the third, and paid 0.5 on the fifth; and a tick a day."""
    bars, ticks = np.zeros(5, Bar.dtype), np.zeros(5, Tick.dtype)
    bars["start_ns"] = START + np.arange(5) * NS_PER_DAY
    bars["event_ns"] = bars["start_ns"] + NS_PER_DAY
    bars["period"] = b"1d"
    for name in ("open", "high", "low", "close"):
        bars[name] = CLOSES
    bars["volume"] = 100
    ticks["event_ns"], ticks["last_price"], ticks["volume"] = bars["start_ns"] + NS_PER_MINUTE, CLOSES, 100
    made = MemoryHistory()
    made.add_bars("X", "V", bars)
    made.add_ticks("X", "V", ticks)
    made.add_actions([action("dividend", 20240308, amount=0.5), action("split", 20240306, ratio=2.0), action("merger", 20240305)])
    return made


def test_forward_keeps_the_present(history: MemoryHistory) -> None:
    """The past is scaled by what came later: 1/2 for the split, (6 - 0.5) / 6 for the dividend; volume by the split alone."""
    f = 5.5 / 6
    frame = history("X", "1d", adjust="forward")
    assert frame["close"].tolist() == pytest.approx([10 / 2 * f, 11 / 2 * f, 5 * f, 6 * f, 6.3])
    assert frame["volume"].tolist() == [200, 200, 100, 100, 100]
    assert history("X", "tick", adjust="forward")["last_price"].tolist() == frame["close"].tolist()
    assert history("X", "tick", adjust="forward", form="numpy")["volume"].tolist() == frame["volume"].tolist()


def test_backward_keeps_the_first_day(history: MemoryHistory) -> None:
    """What follows an action is scaled up; the same returns as forward."""
    f = 5.5 / 6
    frame = history("X", "1d", adjust="backward")
    assert frame["close"].tolist() == pytest.approx([10, 11, 5 * 2, 6 * 2, 6.3 * 2 / f])
    assert frame["volume"].tolist() == [100, 100, 50, 50, 50]
    forward = history("X", "1d", adjust="forward")["close"]
    pd.testing.assert_series_equal(frame["close"].pct_change(), forward.pct_change())
    assert history("X", "1d", "2024-03-07", adjust="backward")["close"].tolist() == frame["close"].tolist()[3:]


def test_what_is_not_known_yet_adjusts_nothing(history: MemoryHistory) -> None:
    """At the end of each day the answer is that of a store which has never heard of later actions."""
    for at, day in enumerate(DAYS):
        end_ns = START + (at + 1) * NS_PER_DAY
        past = MemoryHistory()
        past.add_bars("X", "V", history.bars("X", "1d", end_ns=end_ns).copy())
        past.add_actions(one for one in history.actions("X") if one.ex_day <= day)
        for adjust in ("forward", "backward"):
            asked: dict[str, Any] = {"adjust": adjust, "form": "numpy"}
            expected = past("X", "1d", now_ns=end_ns, **asked).tolist()
            assert history("X", "1d", end=end_ns, **asked).tolist() == expected
            assert history("X", "1d", now_ns=end_ns, **asked).tolist() == expected
            assert BoundedHistory(history, lambda end_ns=end_ns: end_ns)("X", "1d", **asked).tolist() == expected
    assert history("X", "1d", end="2024-03-05", adjust="forward")["close"].tolist() == [10, 11]
    assert history("X", "1d", end="2024-03-07", adjust="forward")["close"].tolist() == [5, 5.5, 5, 6]


def test_weeks_are_made_of_adjusted_days(history: MemoryHistory) -> None:
    """A split within the week leaves no hole in its bar."""
    (week,) = history("X", "1w", now_ns=START + 7 * NS_PER_DAY, adjust="forward", form="numpy")
    f = 5.5 / 6
    assert (week["open"], week["high"], week["low"], week["close"]) == pytest.approx((5 * f, 6.3, 5 * f, 6.3))
    assert week["volume"] == 700
    with pytest.raises(EventError, match="Bars of 36h of X can only be adjusted day by day"):
        history("X", "36h", adjust="forward")


def test_rights_and_bonus_of_one_day_make_one_reference_price() -> None:
    """Three bonus shares and two offered at 5 for ten held, 0.4 paid: (10 - 0.4 + 0.2 * 5) / 1.5, rounded to the fen where it trades so."""
    actions = [
        action("split", 20240305, ratio=1.3),
        action("rights", 20240305, ratio=0.2, amount=5.0),
        action("dividend", 20240305, amount=0.4),
        action("dividend", 20240305, amount=0.4),  # told twice
    ]
    exact = factors_of(actions, lambda day: 10.0, 20240305)
    assert exact.prices.tolist() == pytest.approx([10.6 / 1.5 / 10])
    assert exact.shares.tolist() == [1.3]
    assert factors_of(actions, lambda day: 10.0, 20240305, tick=0.01).prices.tolist() == pytest.approx([0.707])  # 7.0666 is 7.07
    assert factors_of([action("dividend", 20240305, amount=0.125)], lambda day: 10.0, 20240305, 0.01).prices.tolist() == pytest.approx(
        [0.988]
    )  # 9.875
    assert len(factors_of(actions, lambda day: math.nan, 20240305).days) == len(factors_of(actions, lambda day: 10.0, 20240304).days) == 0


def test_china_shares_round_the_reference_price(history: MemoryHistory) -> None:
    """The instrument's market and tick decide."""
    history.add_instrument(Instrument(symbol="X", venue="V", market="cn_stock", tick_size=0.01))
    history.add_actions([action("dividend", 20240305, amount=0.333)])
    closes = history("X", "1d", end="2024-03-05", adjust="forward")["close"].tolist()
    assert closes == [pytest.approx(9.67), 11]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (action("split", 20240305), "The split of X on 20240305: ratio must be above 0, found None"),
        (action("dividend", 20240305, amount=-1.0), "amount must be above 0, found -1"),
        (action("dividend", 20240305, amount=12.0), "leave no price of a close of 10"),
    ],
)
def test_actions_that_make_no_sense_are_said(bad: CorporateAction, message: str) -> None:
    """One sentence that names the action."""
    with pytest.raises(EventError, match=message):
        factors_of([bad], lambda day: 10.0, 20240305)


def test_an_unknown_way_to_adjust_is_said(history: MemoryHistory) -> None:
    """The three ways are named."""
    with pytest.raises(EventError, match="adjust must be 'raw', 'forward' or 'backward', not 'both'"):
        history("X", "1d", adjust="both")  # type: ignore[call-overload]


# Apple's dividends (dollars a share held) and splits by ex-day, as it has published them ...
DIVIDENDS = {
    **dict.fromkeys((20120809, 20121107, 20130207), 2.65),
    **dict.fromkeys((20130509, 20130808, 20131106, 20140206), 3.05),
    20140508: 3.29,
    **dict.fromkeys((20140807, 20141106, 20150205), 0.47),
    **dict.fromkeys((20150507, 20150806, 20151105), 0.52),
}
SPLITS = {20000621: 2.0, 20050228: 2.0, 20140609: 7.0}
# ... and the factors of the vendor of the daily prices: last day, price factor, split factor
# (QuantConnect/Lean at 1f27b1679f, Data/equity/usa/factor_files/aapl.csv).
REL = 5e-6
VENDOR = """19980102,0.9311149,0.0357143 20000620,0.9311149,0.0357143 20050225,0.9311149,0.0714286 20120808,0.9311149,0.142857
20121106,0.9351125,0.142857 20130206,0.9393839,0.142857 20130508,0.9448594,0.142857 20130807,0.9511153,0.142857 20131105,0.9573959,0.142857
20140205,0.9629841,0.142857 20140507,0.9687481,0.142857 20140606,0.9741588,0.142857 20140806,0.9741588,1 20141105,0.9790044,1
20150204,0.9832496,1 20150506,0.9871304,1 20150805,0.9912512,1 20151104,0.9957381,1 20151105,1,1"""


def test_apple_is_adjusted_as_its_vendor_does(shared_data: Path) -> None:
    """On each day before an action the adjusted close is the vendor's to 5 in a million: it rounds its factors to six and seven digits."""
    frame = pd.read_csv(shared_data / "stock/AAPL_daily.csv.gz", parse_dates=["time"])
    frame = frame[frame["time"] <= "2016-01-29"]
    bars = np.zeros(len(frame), Bar.dtype)
    bars["start_ns"] = frame["time"].dt.tz_localize("America/New_York").astype("datetime64[ns, UTC]").astype(np.int64)
    bars["event_ns"], bars["period"] = bars["start_ns"] + NS_PER_DAY, b"1d"
    bars["close"] = frame["close"]
    days = frame["time"].dt.strftime("%Y%m%d").astype(int).to_numpy()
    history = MemoryHistory()
    history.add_instrument(Instrument(symbol="AAPL", venue="US", calendar="XNYS", timezone="America/New_York"))
    history.add_bars("AAPL", "US", bars)
    told = {"symbol": "AAPL", "venue": "US"}
    history.add_actions(CorporateAction(**told, kind="dividend", ex_day=day, amount=amount) for day, amount in DIVIDENDS.items())
    history.add_actions(CorporateAction(**told, kind="split", ex_day=day, ratio=ratio) for day, ratio in SPLITS.items())
    found = history("AAPL", "1d", end="2016-01-29", adjust="forward", form="numpy")["close"] / bars["close"]
    for row in VENDOR.split():
        day, price, split = (float(part) for part in row.split(","))
        at = int(np.searchsorted(days, int(day), "right")) - 1
        assert found[at] == pytest.approx(price * split, rel=REL), row
