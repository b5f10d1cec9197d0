"""Seconds with a hole in them: a trade has the same place in its second, whether it came live or is filled in."""

from __future__ import annotations

import random

import numpy as np
import pytest

from gcg_quant.data_collector.blank import RecordArray, filled
from gcg_quant.data_collector.live.intake import Intake
from gcg_quant.data_collector.stocks.ib_seconds import SplitSeconds
from gcg_quant.events import TradeTick

SECOND = 1_000_000_000


def live(seconds: SplitSeconds, intake: Intake, at_s: int, price: float) -> int:
    """Let a trade come live, and return its ordinal."""
    event = TradeTick(symbol="A", venue="US", event_ns=at_s * SECOND, recv_ns=at_s * SECOND, price=price, size=1.0, exchange="NYSE")
    taken = intake.admit(seconds.placed(event))
    assert isinstance(taken, TradeTick)
    seconds.add(taken)
    return taken.ordinal


def history(seconds: SplitSeconds, *trades: tuple[int, float]) -> RecordArray:
    """Return trades of the history with their ordinals."""
    rows = [(at_s * SECOND, price, 1.0, b"NYSE") for at_s, price in trades]
    found = filled(TradeTick, ("event_ns", "price", "size", "exchange"), rows)
    times = [at_s for at_s, _ in trades]
    found["ordinal"] = [times[:at].count(time) for at, time in enumerate(times)]
    return seconds.number("A", found)


def places(rows: RecordArray) -> dict[tuple[int, float], int]:
    """Return the ordinals by second and price."""
    return {(int(row["event_ns"]) // SECOND, float(row["price"])): int(row["ordinal"]) for row in rows}


def test_a_second_that_began_in_a_hole_has_each_trade_once() -> None:
    """The live ones keep their places; those that were missed before them come behind."""
    seconds, intake = SplitSeconds(), Intake()
    assert [live(seconds, intake, 100, price) for price in (1.0, 2.0)] == [0, 1]
    seconds.split("A")
    assert [live(seconds, intake, 105, price) for price in (7.0, 8.0)] == [0, 1]
    rows = history(seconds, (100, 1.0), (100, 2.0), (100, 3.0), (103, 4.0), (105, 5.0), (105, 6.0), (105, 7.0), (105, 8.0))
    assert places(rows) == {
        (100, 1.0): 0,
        (100, 2.0): 1,
        (100, 3.0): 2,
        (103, 4.0): 0,
        (105, 7.0): 0,
        (105, 8.0): 1,
        (105, 5.0): 2,
        (105, 6.0): 3,
    }
    assert rows["event_ns"].tolist() == sorted(rows["event_ns"].tolist())
    assert places(history(seconds, (105, 5.0), (105, 6.0), (105, 7.0), (105, 8.0))) == {
        key: ordinal for key, ordinal in places(rows).items() if key[0] == 105
    }


def test_what_comes_live_behind_its_history_keeps_its_place() -> None:
    """Also where the line is slow: it is not there twice."""
    seconds, intake = SplitSeconds(), Intake()
    live(seconds, intake, 100, 1.0)
    seconds.split("A")
    assert live(seconds, intake, 105, 2.0) == 0
    filled_in = places(history(seconds, (105, 1.0), (105, 2.0), (105, 3.0), (105, 3.0)))
    assert filled_in == {(105, 2.0): 0, (105, 1.0): 1, (105, 3.0): 3}
    assert [live(seconds, intake, 105, 3.0) for _ in range(3)] == [2, 3, 4]
    assert live(seconds, intake, 106, 3.0) == 0


@pytest.mark.parametrize("seed", range(20))
def test_any_holes_leave_each_trade_one_place(seed: int) -> None:
    """Random trades, holes anywhere, also several in a second."""
    chance = random.Random(seed)
    seconds, intake = SplitSeconds(), Intake()
    trades = sorted((100 + chance.randrange(6), float(chance.randrange(1, 5))) for _ in range(60))
    hears, found = True, []
    for trade in trades:
        if chance.random() < 0.15:
            hears = not hears
            if hears:
                seconds.split("A")
        if hears:
            found.append((trade, live(seconds, intake, *trade)))
    for row in history(seconds, *trades):
        found.append(((int(row["event_ns"]) // SECOND, float(row["price"])), int(row["ordinal"])))
    taken: dict[tuple[int, int], float] = {}
    for (second, price), ordinal in found:
        assert taken.setdefault((second, ordinal), price) == price
    assert sorted((second, price) for (second, _), price in taken.items()) == trades
    assert np.isfinite(list(taken.values())).all()
