"""Data cut off at decisions: who looks ahead is caught, whichever way he does it, and nobody else."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from gcg_quant.backtest import BacktestSpec
from gcg_quant.backtest.truncation import BarRuns, Truncation, compare_cuts
from gcg_quant.clock import to_iso
from gcg_quant.errors import BacktestError, InstrumentError

ROOT = Path(__file__).resolve().parents[2]
BT = "import backtrader as bt\nimport numpy as np\n"
OWN = "from gcg_quant.events import *\nfrom gcg_quant.strategy_engine import Parameter, Strategy\n"
CROSS = """
class Mine(bt.Strategy):
    def __init__(self):
        self.mean = bt.ind.SMA(period=5)
        self.order = None
    def next(self):
        {also}
        if self.order:
            self.cancel(self.order)
            self.order = None
        elif not self.position and self.data.close[0] > self.mean[0]:
            self.order = self.buy(exectype=bt.Order.Limit, price=self.data.close[0] - 0.7, size=3)
        elif self.position and self.data.close[0] < self.mean[0]:
            self.close()
"""
DIP = """
class Mine(Strategy):
    period = Parameter("1m")
    def on_bar(self, bar):
        closes = self.bars(count=5)["close"]
        self.plot("mean", closes.mean())
        {also}
        if self.position.is_flat and not self.orders and bar.close < closes.mean():
            self.signal("dip", Side.BUY, price=bar.close)
            self.buy(1.0, self.instrument().round_price(bar.close - 0.7), tag="dip")
        elif self.orders:
            self.cancel_all()
        elif not self.position.is_flat and bar.close > closes.mean():
            self.close_position()
"""

Cut = Callable[..., Truncation]


@pytest.fixture
def cut(tmp_path: Path, kit: ModuleType) -> Cut:
    """Return a function that cuts 80 made-up bars under a strategy's source."""

    def run(source: str, *, decisions: int | None = None, moments: int = 5, allowed: tuple[Path, ...] = (), **options: Any) -> Truncation:
        path = tmp_path / "mine.py"
        path.write_text(source)
        history = kit.stored(kit.random_bars(80))
        history.add_bars("LATE", "SIM", kit.random_bars(60, seed=2, start_ns=kit.START_NS + 20 * 60 * 10**9))
        history.add_bars("LONG", "SIM", kit.random_bars(330, seed=3))
        spec = BacktestSpec(file=str(path), **{"symbols": ["X"], "period": "1m", **options})
        with BarRuns(spec, history, [tmp_path]) as runs:
            return compare_cuts(runs, decisions, moments=moments, allowed=allowed)

    return run


# ---- who is honest


@pytest.mark.parametrize("options", [{}, {"stamp": "end"}, {"matching": "native"}, {"symbols": ["X", "LATE"]}])
def test_honest_backtrader_class_passes(cut: Cut, options: dict[str, Any]) -> None:
    """Orders and cancellations are the same at every cut, with either stamp, either matching, and a symbol that begins later."""
    found = cut(BT + CROSS.format(also="pass"), decisions=4 if options else None, **options)
    assert found.ok, found
    assert found.kinds["order"] > 5
    assert found.kinds["cancel"] > 2
    assert found.cuts == (4 if options else found.places)
    assert found.moments == 5
    assert found.compared > found.decisions


def test_plots_of_a_backtrader_class_are_compared(cut: Cut) -> None:
    """What it draws counts as a decision; a mean of past closes is the same everywhere, one of all closes is not."""
    honest = cut(BT + CROSS.format(also="self.plot('mean', self.mean[0])"), decisions=10)
    assert honest.ok, honest
    assert honest.kinds["plot"] == 76
    peeking = cut(BT + CROSS.format(also="self.plot('mean', np.mean(self.data.close.array))"), decisions=10)
    assert "it decides 'plot 'mean' " in peeking.difference


def test_honest_strategy_of_ours_passes(cut: Cut) -> None:
    """Orders, cancellations, signals and plots are the same at every cut, of two symbols, too."""
    found = cut(OWN + DIP.format(also="pass"), symbols=["X", "LATE"], decisions=4)
    assert found.ok, found
    assert set(found.kinds) == {"order", "cancel", "signal", "plot"}


def test_orders_and_plots_are_compared_however_many_bars_there_are(cut: Cut) -> None:
    """They come from two lanes of the bus, which a longer run reads in other portions."""
    found = cut(OWN + DIP.format(also="pass"), decisions=2, moments=1, symbols=["LONG"])
    assert found.ok, found
    assert min(found.kinds["order"], found.kinds["plot"]) > 50


def test_what_is_done_at_the_end_of_the_data_is_no_decision(cut: Cut) -> None:
    """Both kinds of classes may close their position when they are stopped: that happens wherever the data end."""
    theirs = cut(BT + CROSS.format(also="pass") + "    def stop(self):\n        self.buy(size=77)\n", decisions=5)
    ours = cut(OWN + DIP.format(also="pass") + "    def on_stop(self):\n        self.buy(77.0)\n", decisions=5)
    assert theirs.ok, theirs
    assert ours.ok, ours


def test_who_decides_nothing_is_cut_all_the_same(cut: Cut) -> None:
    """Without decisions there are a few cuts, at other places."""
    found = cut(BT + "class Mine(bt.Strategy):\n    pass\n")
    assert found.ok
    assert (found.decisions, found.cuts, found.moments) == (0, 0, 5)


def test_cuts_are_spread_evenly(cut: Cut) -> None:
    """Of many decisions so many are cut at as were asked for, the first and the last among them."""
    found = cut(BT + CROSS.format(also="pass"), decisions=4)
    assert found.cuts == 4 < found.places


# ---- who peeks


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("self.data.close[1] > self.data.close[0]", "fails (it raised"),
        ("len(self) < self.data.buflen() and self.data.close[1] > self.data.close[0]", "it decides nothing more there"),
        ("self.data.close[0] > np.mean(self.data.close.array)", "it decides "),
        ("self.data.close[0] < np.max(self.data.p.bars['close']) - 1", "it decides "),
        ("len(self) > self.data.buflen() - 20", "it decides "),
        ("self.data.close[0] > np.mean(self.all or [0])", "it decides "),
        ("self.next_close[0] > self.data.close[0]", "it decides "),
    ],
    ids=["next-bar", "next-bar-guarded", "mean-of-all", "array-of-all", "number-of-bars", "list-made-at-first", "line-ahead"],
)
def test_peeking_backtrader_class_is_caught(cut: Cut, source: str, words: str) -> None:
    """Whatever leads to bars that come later: the sentence names the time, what was decided with them, and what without."""
    found = cut(
        BT
        + textwrap.dedent(
            f"""
            class Mine(bt.Strategy):
                def __init__(self):
                    self.all = list(self.data.close.array)[10:30]
                    self.next_close = self.data.close(1)
                def next(self):
                    if {source}:
                        self.buy(size=1)
                    elif self.position:
                        self.close()
            """
        ),
        decisions=8,
    )
    assert not found.ok
    assert found.difference.startswith("At 2023-11-14T")
    assert words.replace("it raised", f"{found.difference.partition('(')[2].partition(' raised')[0]} raised") in found.difference


def test_the_first_difference_is_named(cut: Cut) -> None:
    """The time is that of the first decision that is not the same; a peeker who keeps still is found between the decisions."""
    peek = "class Mine(bt.Strategy):\n    def next(self):\n        if len(self) == 40 and self.data.buflen() {} 40:\n"
    peek += "            self.buy(size=2)\n"
    found = cut(BT + peek.format(">"))
    start = to_iso(1_699_920_000_000_000_000 + 39 * 60 * 10**9)
    assert found.difference == (
        f"At {start} it decides 'buy 2.0 X, order_type market'; on data that end at {start} it decides nothing more there."
    )
    still = cut(BT + peek.format("==").replace("len(self) == 40", "len(self) in (20, 40, 60)").replace("== 40:", "== len(self):"))
    assert "it decides nothing more; on data that end at " in still.difference


def test_peeking_strategy_of_ours_is_caught_by_what_it_reads(cut: Cut, tmp_path: Path) -> None:
    """A file that it opens itself is named with the line; where it is known to hold no market data, it may be read."""
    (tmp_path / "bars.csv").write_text("1,2,3\n")
    source = OWN + DIP.format(also=f"open({str(tmp_path / 'bars.csv')!r}).close()")
    found = cut(source, decisions=1, moments=0)
    assert found.reads == [f"mine.py:{source[: source.index('open(')].count(chr(10)) + 1} reads {tmp_path / 'bars.csv'}"]
    assert not found.ok
    assert not found.difference
    assert cut(source, decisions=1, moments=0, allowed=(tmp_path / "bars.csv",)).ok
    assert cut(source, decisions=1, moments=0, allowed=(tmp_path,)).ok


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("import pandas as pd; pd.read_csv('{0}/bars.csv.gz')", "{0}/bars.csv.gz"),
        ("np.loadtxt('{0}/bars.csv.gz')", "{0}/bars.csv.gz"),
        ("np.memmap('{0}/bars.bin', mode='r')", "{0}/bars.bin"),
        ("import sqlite3; sqlite3.connect('{0}/gcg.db').close()", "{0}/gcg.db"),
        ("import os; os.close(os.open('{0}/bars.bin', os.O_RDONLY))", "{0}/bars.bin"),
        ("from beside import PRICES", "{0}/bars.bin"),
        ("import subprocess; subprocess.run(['true'])", "what the program 'true' tells"),
        ("import socket\nwith socket.socket() as line: line.connect_ex(('127.0.0.1', 9))", "from 127.0.0.1:9"),
    ],
)
def test_every_way_of_reading_is_seen(cut: Cut, tmp_path: Path, code: str, what: str) -> None:
    """Files, databases, programs and connections, opened by a library for it or by a module beside it."""
    import gzip

    (tmp_path / "bars.csv.gz").write_bytes(gzip.compress(b"1\n2\n"))
    (tmp_path / "bars.bin").write_bytes(b"12345678")
    (tmp_path / "beside.py").write_text(f"from pathlib import Path\nPRICES = Path({str(tmp_path / 'bars.bin')!r}).read_bytes()\n")
    found = cut(BT + code.format(tmp_path) + "\n" + CROSS.format(also="pass"), decisions=1, moments=0)
    assert [one.partition(" reads ")[2] for one in found.reads] == [what.format(tmp_path)]


def test_imports_and_writing_are_no_reading(cut: Cut, tmp_path: Path) -> None:
    """A module that is imported reads what it likes, and a strategy may write a file."""
    source = f"import zoneinfo, colorsys\nzoneinfo.ZoneInfo('Asia/Tokyo')\nopen({str(tmp_path / 'log.txt')!r}, 'a').close()\n"
    found = cut(BT + source + CROSS.format(also="pass"), decisions=1, moments=0)
    assert found.ok, found


def test_chance_is_told_from_looking_ahead(cut: Cut) -> None:
    """A strategy that throws dice differs from itself on the same data."""
    found = cut(BT + "import random\n" + CROSS.format(also="self.buy(size=random.random())"), decisions=3)
    assert found.difference.startswith("Two runs over the same data differ: at 2023-11-14T")


def test_a_strategy_that_fails_is_told(cut: Cut) -> None:
    """A run that ends early in all its data is no look-ahead, and not all right."""
    found = cut(BT + CROSS.format(also="assert len(self) < 50, 'enough'"), decisions=3)
    assert not found.difference
    assert "raised AssertionError: enough at the bar " in found.failure
    assert not found.ok


def test_what_cannot_be_run_is_an_error(cut: Cut) -> None:
    """An unknown symbol or option ends it before anything has run."""
    with pytest.raises(InstrumentError, match="Nothing is stored of 'Y'"):
        cut(BT + CROSS.format(also="pass"), symbols=["Y"])
    with pytest.raises(BacktestError, match="paper holds the terms"):
        cut(BT + CROSS.format(also="pass"), paper={"slippage_ticks": 1})


def test_the_example_that_cheats_is_caught(kit: ModuleType) -> None:
    """examples/strategies/peeking.py makes a fortune, and the first cut shows how."""
    path = ROOT / "examples/strategies/peeking.py"
    spec = BacktestSpec(file=str(path), symbols=["X"], period="1m")
    with BarRuns(spec, kit.stored(kit.random_bars(80)), [path.parent]) as runs:
        found = compare_cuts(runs)
    assert "it decides 'buy 1.0 X, order_type market'; on data that end at" in found.difference
    assert np.isfinite(found.compared)
