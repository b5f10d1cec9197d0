"""Sweeps with real worker processes: equal rows, one copy of the bars, deaths of workers and parents, going on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import psutil
import pytest

from gcg_quant.backtest import BacktestSpec
from gcg_quant.backtest.runs.run import run_backtest
from gcg_quant.backtest.sweep import LocalPool, Row, Sweep, find_sweep, parse_axes
from gcg_quant.backtest.sweep.dask_pool import DaskPool
from gcg_quant.backtest.sweep.runner import SweepRunner
from gcg_quant.backtest.sweep.table import RowTable
from gcg_quant.bus import EventBus
from gcg_quant.errors import BacktestError, GcgQuantError, StrategyError
from gcg_quant.events import World

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "strategies"

# What it does depends on its parameters and on files beside its data folder, so that a test decides when a run goes on.
PROBE = """
import os
import signal
import time
from pathlib import Path

import backtrader as bt
import lines

RUNS = 0


class Probe(bt.Strategy):
    params = (("fast", 3), ("what", "plain"), ("place", ""))

    def __init__(self):
        global RUNS
        RUNS += 1
        self.cross = bt.ind.CrossOver(self.data.close, bt.ind.SMA(period=self.p.fast))

    def next(self):
        if len(self) == 50:
            getattr(self, self.p.what)()
        if not self.position and self.cross > 0:
            self.buy(size=RUNS)
        elif self.position and self.cross < 0:
            self.close()

    def plain(self):
        pass

    def raises(self):
        1 / 0

    def leaves(self):
        raise SystemExit(3)

    def dies(self):
        print("my last words")
        os.kill(os.getpid(), signal.SIGKILL)

    def dies_once(self):
        mark = Path(self.p.place) / "died"
        if not mark.exists():
            mark.touch()
            self.dies()

    def waits(self):
        lines.add(Path(self.p.place) / "began", self.p.fast)
        lines.wait(lambda: self.p.fast <= int((Path(self.p.place) / "upto").read_text()))

    def meets(self):
        place = Path(self.p.place)
        (place / f"{os.getpid()}.here").touch()
        lines.wait(lambda: len(list(place.glob("*.here"))) == 2)
        mine = place / f"{os.getpid()}.maps"
        if not mine.exists():  # in a later run the other worker may be done, and hold its share no more
            mine.write_text(Path("/proc/self/smaps").read_text())
        lines.wait(lambda: len(list(place.glob("*.maps"))) == 2)
"""
LINES = """
import time


def add(path, value):
    with path.open("a") as file:
        file.write(f"{value}\\n")


def wait(condition):
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the test did not let this run go on")
        time.sleep(0.005)
"""
TERMS = ("commission", "preset", "run", "slippage")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return the folder of the probe strategy and the module beside it."""
    folder = tmp_path / "strategies"
    folder.mkdir()
    (folder / "probe.py").write_text(PROBE)
    (folder / "lines.py").write_text(LINES)
    return folder


@pytest.fixture
def begin(tmp_path: Path, files: Path, kit: ModuleType) -> Callable[..., Sweep]:
    """Return a function that begins a sweep of the probe over 600 minutes of X."""
    history = kit.stored(kit.random_bars(600))

    def make(*parameters: str, **options: Any) -> Sweep:
        terms = {"cash": 100_000.0, "commission": 0.0001, **{name: options.pop(name) for name in TERMS if name in options}}
        spec = BacktestSpec(file=str(files / "probe.py"), symbols=["X"], period="1m", **terms)
        axes = parse_axes([*parameters, f"place={tmp_path}"])
        return Sweep.begin(spec, axes, home=tmp_path / "home", history=history, folders=[files], **options)

    return make


def plain(sweep: Sweep) -> list[Row]:
    """Return the rows from best to worst, without the seconds that they took."""
    return [msgspec.structs.replace(row, seconds=0.0) for row in sweep.ranked()]


def test_one_and_two_workers_give_equal_rows_and_map_the_bars_once(
    begin: Callable[..., Sweep], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows do not depend on the number of workers; the bars are in memory once, and no worker writes to them."""
    alone, together = begin("fast=3:6"), begin("fast=3:6", "what=meets")
    monkeypatch.setattr("gcg_quant.backtest.sweep.pool.RUNS_A_WORKER", 3)
    alone.run(LocalPool(1))  # one after another
    size = (together.folder / "bars-0.bin").stat().st_size
    together.run(LocalPool(2))
    assert [(row.number, row.measures) for row in alone.ranked()] == [(row.number, row.measures) for row in together.ranked()]
    assert len({row.measures["end_value"] for row in alone.ranked() if row.measures is not None}) == 4
    found = [mapping(path.read_text(), "bars-0.bin") for path in tmp_path.glob("*.maps")]
    assert len(found) == 2
    for one in found:
        assert one["Rss"] * 1024 >= size
        assert one["Anonymous"] == 0
    assert sum(one["Pss"] for one in found) * 1024 <= 1.1 * size
    assert not (together.folder / "bars-0.bin").exists()
    assert not (together.folder / "scratch").exists()


def mapping(smaps: str, name: str) -> dict[str, int]:
    """Return the counters, in KiB, of the mappings of a file."""
    counters: dict[str, int] = {}
    mine = False
    for line in smaps.splitlines():
        head, _, rest = line.partition(":")
        if head.isidentifier() and rest.endswith("kB"):
            if mine:
                counters[head] = counters.get(head, 0) + int(rest.split()[0])
        elif "-" in line.split()[0]:
            mine = line.endswith(name)
    return counters


def test_a_death_costs_nothing_but_the_run_it_is_in(begin: Callable[..., Sweep], files: Path) -> None:
    """A run whose worker is killed is done again; one that always kills, raises or exits is a row with its sentence; the rest goes on."""
    sweep = begin("what=dies_once,raises,leaves,plain,dies", metric="total_return")
    sweep.run(LocalPool(1))
    rows = {row.parameters["what"]: row for row in sweep.rows.values()}
    assert rows["dies_once"].measures == rows["plain"].measures
    assert rows["plain"].measures is not None
    assert rows["dies"].error == "The run ended its process 3 times, the last time with signal 9: my last words."
    line = PROBE.splitlines().index("        1 / 0") + 1
    assert (
        f"{files / 'probe.py'}:{line} raised ZeroDivisionError: division by zero at the bar 2023-11-14T00:49:00Z of X"
        in rows["raises"].error
    )
    assert rows["leaves"].error == "The run ended with SystemExit: 3"
    assert [row.parameters["what"] for row in sweep.ranked()[:2]] == ["dies_once", "plain"]
    assert sweep.progress()[:3] == (5, 3, 5)


@pytest.mark.slow
def test_killed_and_interrupted_sweeps_go_on_where_they_stopped(tmp_path: Path, files: Path, kit: ModuleType) -> None:
    """Ctrl-C, then kill -9: each row is kept and computed once, the workers end, and the rest runs with the code of the beginning."""
    with EventBus(tmp_path / "recorded", world=World.PAPER, source="test", sync="none", page_mb=1) as bus:
        rows = kit.random_bars(100)
        rows["instrument"] = bus.instruments.number("X", "SIM")
        bus.publish_batch(rows)
    began, upto = tmp_path / "began", tmp_path / "upto"
    upto.write_text("4")
    home = tmp_path / "home"
    words = ["optimize", str(files / "probe.py"), "--symbol", "X", "--period", "1m", "--journal", str(tmp_path / "recorded")]
    words += ["--param", "fast=3:8", "--param", "what=waits", "--param", f"place={tmp_path}", "--jobs", "1", "--home", str(home)]
    first = start(words)
    wait_for(lambda: began.exists() and began.read_text().split() == ["3", "4", "5"])
    with pytest.raises(BacktestError, match="is being computed by another process"):
        find_sweep(home).run(LocalPool(1))
    first.send_signal(signal.SIGINT)
    _, told = first.communicate(timeout=60)
    assert first.returncode == 130
    name = find_sweep(home).name
    assert f"go on with: python -m gcg_quant optimize --resume --run {name}" in told.replace("Go on", "go on")
    kept = (home / "sweeps" / name / "rows.jsonl").read_bytes()
    assert kept.count(b"\n") == 2

    upto.write_text("6")
    second = start([*words, "--resume"])
    wait_for(lambda: began.read_text().split()[3:] == ["5", "6", "7"])
    workers = psutil.Process(second.pid).children()
    second.kill()
    second.communicate()
    gone, alive = psutil.wait_procs(workers, timeout=30)
    assert (len(gone), alive) == (1, [])

    (files / "probe.py").write_text("this is no Python any more")
    (files / "lines.py").unlink()
    upto.write_text("99")
    sweep = find_sweep(home)
    assert sweep.name == name
    with (sweep.folder / "rows.jsonl").open("ab") as file:
        file.write(b'{"number":4,"param')  # what a power loss may leave
    sweep.run(LocalPool(1))
    assert began.read_text().split()[6:] == ["7", "8"]
    lines = (sweep.folder / "rows.jsonl").read_bytes()
    assert lines.startswith(kept)
    assert [json.loads(line)["number"] for line in lines.splitlines()] == [0, 1, 2, 3, 4, 5]
    assert all(row.measures is not None for row in Sweep(sweep.folder).rows.values())
    with pytest.raises(BacktestError, match="no unfinished sweep"):
        find_sweep(home)
    other = msgspec.structs.replace(sweep.plan, spec=msgspec.structs.replace(sweep.plan.spec, cash=5.0, fees="terms"), seed=2)
    with pytest.raises(BacktestError, match=r"begun with other settings \(cash, fees, seed\): leave them out"):
        find_sweep(home, name, asked=other)
    with pytest.raises(BacktestError, match="no sweep of these settings"):
        find_sweep(home, asked=other)
    (sweep.folder / "plan.json").write_text("{")  # is nobody's but his who names it
    with pytest.raises(BacktestError, match="no unfinished sweep"):
        find_sweep(home)
    with pytest.raises(BacktestError, match="cannot be read"):
        find_sweep(home, name)


def start(words: list[str]) -> subprocess.Popen[str]:
    """Start a console command."""
    return subprocess.Popen([sys.executable, "-m", "gcg_quant", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.005)


def test_dask_workers_give_the_rows_of_local_ones(begin: Callable[..., Sweep], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two worker processes of a Dask cluster compute what this process computes; failures are rows there, too."""
    distributed = pytest.importorskip("distributed")
    local, remote = begin("fast=3:5", "what=plain,raises"), begin("fast=3:5", "what=plain,raises")
    compute_here(local)
    priced = begin("fast=3:4", preset="us", commission=0.0)
    compute_here(priced)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", local_directory=str(tmp_path)
    ) as cluster:
        remote.run(DaskPool(cluster.scheduler_address.removeprefix("tcp://")))
        shutil.move(remote.folder, tmp_path / "first")
        second = begin("fast=3:4", preset="us", commission=0.0, run=remote.name)  # the workers have seen another sweep in this folder
        second.run(DaskPool(cluster.scheduler_address))
        hidden = tmp_path / "hidden"
        hidden.mkdir()
        with pytest.raises(BacktestError, match="does not see .*hidden"):
            DaskPool(cluster.scheduler_address).run(hidden, [], print)
    assert plain(remote) == plain(Sweep(local.folder))
    assert remote.progress()[:3] == (6, 3, 6)
    assert plain(second) == plain(Sweep(priced.folder))
    assert plain(second)[0].measures != plain(remote)[0].measures
    monkeypatch.setattr("gcg_quant.backtest.sweep.dask_pool.CONNECT_S", 0.2)
    with pytest.raises(BacktestError, match="No Dask scheduler answers at tcp://127.0.0.1:1"):
        DaskPool("127.0.0.1:1").run(second.folder, [], print)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BacktestError, match="install the extra with `pip install 'gcg_quant\\[dask\\]'`"):
        DaskPool("127.0.0.1:1")


def compute_here(sweep: Sweep) -> None:
    """Compute a sweep in this process."""
    runner = SweepRunner(sweep.folder)
    with RowTable(sweep.folder / "rows.jsonl") as table:
        for number, parameters in enumerate(sweep.combinations):
            table.append(runner.run(number, parameters))


@pytest.mark.parametrize(
    "terms",
    [
        {"commission": 0.001, "slippage": 0.002, "stake": 3.0},
        {"preset": "us", "slippage_ticks": 2},
        {"preset": "us", "matching": "native"},
        {"matching": "native", "fees": "terms", "paper": {"latency_ns": 90_000_000_000, "risk": {"max_order_quantity": 50}}},
    ],
)
def test_rows_are_those_of_single_runs(tmp_path: Path, kit: ModuleType, terms: dict[str, Any]) -> None:
    """Whatever a run trades on, a sweep's row has the measures of the single run with the same settings and parameters."""
    spec = BacktestSpec(file=str(EXAMPLES / "sma_cross.py"), symbols=["X"], period="1m", cash=100_000.0, **terms)
    where: dict[str, Any] = {"home": tmp_path, "history": kit.stored(kit.random_bars(300)), "folders": [EXAMPLES]}
    sweep = Sweep.begin(spec, parse_axes(["fast=4", "slow=9"]), **where)
    row = SweepRunner(sweep.folder).run(0, sweep.combinations[0])
    single = run_backtest(msgspec.structs.replace(spec, parameters={"fast": 4, "slow": 9}, report=False), **where)
    assert row.error == ""
    assert row.measures == single.measures.to_dict()
    assert row.measures["trades"] > 5
    bare = BacktestSpec(file=spec.file, symbols=["X"], period="1m", cash=spec.cash, report=False)
    plain = run_backtest(msgspec.structs.replace(bare, parameters={"fast": 4, "slow": 9}), **where)
    assert plain.measures.end_value != single.measures.end_value


def test_numbers_that_are_none_are_the_same_at_once_and_when_read_again(tmp_path: Path, kit: ModuleType) -> None:
    """A measure that is infinite or no number is None in its row, so that it ranks alike now and after `--resume`."""
    (tmp_path / "endless.py").write_text(
        "import backtrader as bt\n\n\nclass Endless(bt.Strategy):\n    params = (('n', 1),)\n\n"
        "    def next(self):\n        self.broker.add_cash(float('inf'))\n"
    )
    spec = BacktestSpec(file=str(tmp_path / "endless.py"), symbols=["X"], period="1m")
    sweep = Sweep.begin(spec, parse_axes(["n=1"]), home=tmp_path, history=kit.stored(kit.random_bars(20)), folders=[tmp_path])
    row = SweepRunner(sweep.folder).run(0, sweep.combinations[0])
    assert row.measures is not None, row.error
    assert row.measures["end_value"] is None
    assert msgspec.json.decode(msgspec.json.encode(row), type=Row) == row


def test_our_own_classes_are_swept_too(tmp_path: Path, kit: ModuleType) -> None:
    """Classes of ours, and paper matching, run on buses of their own within a sweep; declared bounds hold for every value."""
    examples = EXAMPLES
    spec = BacktestSpec(file=str(examples / "breakout.py"), symbols=["BTC/USDT@SIM"], period="1m")
    history = kit.stored(kit.random_bars(300), "BTC/USDT")
    where = {"home": tmp_path, "history": history, "folders": [examples]}
    sweep = Sweep.begin(spec, parse_axes(["entry=10,20", "quantity=1"]), **where)
    assert sweep.combinations == [{"entry": 10, "quantity": 1.0}, {"entry": 20, "quantity": 1.0}]
    runner = SweepRunner(sweep.folder)
    rows = [runner.run(number, parameters) for number, parameters in enumerate(sweep.combinations)]
    assert [row.error for row in rows] == ["", ""]
    assert all(row.measures is not None and row.measures["trades"] > 0 for row in rows)
    crossing = BacktestSpec(file=str(examples / "sma_cross.py"), symbols=["BTC/USDT@SIM"], period="1m", matching="native")
    paper = Sweep.begin(crossing, parse_axes(["fast=5"]), **where, metric="trades")
    row = SweepRunner(paper.folder).run(0, paper.combinations[0])
    assert (row.error, row.measures is not None and row.measures["trades"] > 0) == ("", True)
    with pytest.raises(StrategyError, match="'entry' of Breakout must be an int from 2 to 1000, not 1"):
        Sweep.begin(spec, parse_axes(["entry=1:5"]), **where)
    with pytest.raises(StrategyError, match="no parameter 'enrty'.*Did you mean 'entry'"):
        Sweep.begin(spec, parse_axes(["enrty=1:5"]), **where)
    assert {path.name for path in (tmp_path / "sweeps").iterdir()} == {sweep.name, paper.name}


def test_bad_sweeps_are_sentences_and_leave_nothing(begin: Callable[..., Sweep], tmp_path: Path) -> None:
    """What is wrong is said before a folder is made; damage in a folder is named."""
    for parameters, options, words in (
        (["fats=3:5"], {}, "no parameter 'fats'.*Did you mean 'fast'"),
        (["fast=a,b"], {}, "'fast' of Probe must be of type int, not 'a'"),
        (["fast=3:5"], {"where": ["fats > 1"]}, "names 'fats'"),
        (["fast=3:5"], {"metric": "sharp"}, "Did you mean 'sharpe'"),
    ):
        with pytest.raises(GcgQuantError, match=words):
            begin(*parameters, **options)
    assert not (tmp_path / "home" / "sweeps").exists()
    (tmp_path / "home" / "sweeps" / "half").mkdir(parents=True)
    with pytest.raises(BacktestError, match="half holds the rest of a sweep that never began: remove it"):
        begin("fast=3:4", run="half")
    sweep = begin("fast=3:4")
    os.truncate(sweep.folder / "bars-0.bin", 100)
    with pytest.raises(BacktestError, match="A worker of the sweep cannot start.*bars of the sweep are damaged.*has 100 bytes, not 76,800"):
        sweep.run(LocalPool(1))
    with pytest.raises(BacktestError, match="There is no sweep 'other'"):
        find_sweep(tmp_path / "home", "other")
