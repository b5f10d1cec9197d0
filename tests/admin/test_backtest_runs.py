"""Backtests that are kept: listed, shown, run again, and compared with what code and data are now."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import httpx
import numpy as np
import pytest

from gcg_quant.admin.console import main
from gcg_quant.admin.home import Home
from gcg_quant.admin.monitor import Monitor
from gcg_quant.admin.rest.backtests import create_backtests_router
from gcg_quant.backtest import BacktestEngine, hft
from gcg_quant.bus import EventBus
from gcg_quant.events import BacktestResultEvent, Bar, World
from gcg_quant.settings import Settings
from gcg_quant.visualization.server import create_app, serve

from .conftest import ROOT

DAY_NS = 86_400_000_000_000


@pytest.fixture
def strategy(tmp_path: Path) -> Path:
    """Return a copy of an example that a test may change."""
    shutil.copy(ROOT / "examples" / "strategies" / "sma_cross.py", tmp_path / "mine.py")
    return tmp_path / "mine.py"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Return a journal with 200 days of X."""
    publish(tmp_path / "recorded", 0, 200)
    return tmp_path / "recorded"


def publish(folder: Path, first: int, last: int) -> None:
    """Publish the days from `first` to before `last`."""
    closes = 100.0 + 10.0 * np.sin(np.arange(400) / 9.0)
    rows = np.zeros(last - first, Bar.dtype)
    rows["start_ns"] = DAY_NS * (19_000 + np.arange(first, last))
    rows["event_ns"] = rows["start_ns"] + DAY_NS
    for name in ("open", "high", "low", "close"):
        rows[name] = closes[first:last]
    rows["period"] = b"1d"
    with EventBus(folder, world=World.PAPER, source="test", sync="none", page_mb=1) as bus:
        rows["instrument"] = bus.instruments.number("X", "SIM")
        bus.publish_batch(rows)


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Return a function that runs a command on a home folder and returns exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["--home", str(tmp_path / "home"), *map(str, words)])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_runs_are_kept_shown_and_run_again(console, strategy: Path, journal: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """A run stands in the list with its numbers; run again it gives the same, also when bars were added since."""
    assert console("backtest", "list")[1].startswith("No backtest is kept yet")
    code, out, _ = console("backtest", strategy, "--symbol", "X", "--journal", journal, "--param", "fast=5", "--stake", "3", "--json")
    assert code == 0
    first = json.loads(out)
    assert first["inputs"]["data"][0]["bars"] == 200
    _, out, _ = console("backtest", "list")
    assert re.search(rf"{first['run']} .*mine +X 1d +{first['measures']['total_return'] * 100:.2f} %.* done", out)
    _, out, _ = console("backtest", "show", first["run"])
    for words in ("fast=5", "stake=3", "200 bars of X@SIM from 2022-01-08T00:00:00Z", f"{strategy} (SHA-256 {first['code_sha256'][:16]}"):
        assert words in out
    publish(journal, 200, 260)
    code, out, _ = console("backtest", "rerun", first["run"], "--json")
    again = json.loads(out)
    assert (code, again["differences"], again["same_result"]) == (0, [], True)
    assert again["result"]["measures"] == first["measures"]
    assert again["run"] != first["run"]
    assert len(json.loads(console("backtest", "list", "--json")[1])) == 2
    _, out, _ = console("backtest", "compare", first["run"], again["run"])
    assert re.search(r"fast +5 +5", out)
    assert re.search(r"Sharpe +(−?[\d.]+) +\1\n", out)
    both = json.loads(console("backtest", "compare", first["run"], again["run"], "--json")[1])
    assert {"name": "fast", "values": [5, 5]} in both["parameters"]
    assert console("backtest", "compare", first["run"])[0] == 2


def test_saved_tick_runs_are_listed_and_shown(console, strategy: Path, journal: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """A result that the tick engine saved among the backtests is told like the others; what is no result is passed over."""
    ticks = hft.rows(hft.Tick, event_ns=np.arange(100) * 1_000_000_000 + 1_700_000_000_000_000_000)
    ticks["bid_price"], ticks["ask_price"] = 100.0, 100.5
    engine = hft.Engine(cash=5_000)
    engine.add_data(ticks, symbol="X@SIM")
    engine.add_strategy(Buyer(size=2.0))
    home = tmp_path / "home" / "backtests"
    engine.run(progress=False).save(home / "ticks-1")
    (home / "odd").mkdir()
    (home / "odd" / "result.json").write_text("[1]")
    console("backtest", strategy, "--symbol", "X", "--journal", journal, "--run", "bars-1")
    rows = json.loads(console("backtest", "list", "--json")[1])
    assert [row["run"] for row in rows] == ["bars-1", "ticks-1"]
    assert rows[1]["results"] == engine.result.measures.to_dict()
    _, out, _ = console("backtest", "list")
    assert re.search(r"ticks-1 .*Buyer +X ticks +−0\.\d\d %.* done", out)
    _, out, _ = console("backtest", "show", "ticks-1")
    assert "size=2.0" in out
    assert str(home / "ticks-1") in out
    assert console("backtest", "show", "odd")[0] == 1


class Buyer(hft.Strategy):
    """Buys once, at the first tick."""

    size = hft.Parameter(1.0)

    def on_tick(self, tick: hft.Tick) -> None:
        """Buy at the market."""
        if not self.position("X"):
            self.buy("X", None, self.size)


def test_a_rerun_says_what_has_changed(console, strategy: Path, journal: Path) -> None:  # type: ignore[no-untyped-def]
    """Changed code, changed data and a file that is gone are named; the kept copy of the code runs as it did."""
    _, out, _ = console("backtest", strategy, "--symbol", "X", "--journal", journal, "--param", "slow=20", "--json")
    run = json.loads(out)["run"]
    strategy.write_text(strategy.read_text().replace("self.cross < 0", "self.cross > 0"))
    code, out, _ = console("backtest", "rerun", run)
    assert code == 0
    assert "mine.py has changed since the run." in out
    assert f"The result is another than that of {run}." in out
    code, out, _ = console("backtest", "rerun", run, "--kept-code", "--json")
    assert (code, json.loads(out)["differences"], json.loads(out)["same_result"]) == (0, [], True)
    strategy.unlink()
    code, _, err = console("backtest", "rerun", run)
    assert code == 1
    assert "is no longer there" in err
    assert "--kept-code runs the copy" in err
    shutil.rmtree(journal)
    publish(journal, 1, 200)
    _, out, _ = console("backtest", "rerun", run, "--kept-code")
    assert "The data differ: the run had 200 bars of X@SIM from 2022-01-08T00:00:00Z" in out
    assert "now there are 199 bars of X@SIM from 2022-01-09T00:00:00Z" in out


def test_failed_and_unknown_runs(console, strategy: Path, journal: Path) -> None:  # type: ignore[no-untyped-def]
    """A run that raised is kept with its sentence; an unknown one is told with the nearest; chance is noticed."""
    strategy.write_text(strategy.read_text().replace("self.close()", "1 / 0"))
    code, _, err = console("backtest", strategy, "--symbol", "X", "--journal", journal)
    assert code == 1
    (row,) = json.loads(console("backtest", "list", "--json")[1])
    assert (row["ok"], row["results"]) == (False, {})
    assert row["error"] in err
    assert "ZeroDivisionError" in console("backtest", "show", row["run"])[1]
    code, _, err = console("backtest", "show", row["run"] + "x")
    assert code == 1
    assert f"Did you mean '{row['run']}'?" in err
    code, _, err = console("backtest", "cancel", row["run"])
    assert code == 1
    assert "No system runs on" in err
    text = strategy.read_text().replace("1 / 0", "self.close(size=1 + __import__('random').random())")
    strategy.write_text(text)
    run = json.loads(console("backtest", strategy, "--symbol", "X", "--journal", journal, "--json")[1])["run"]
    code, _, err = console("backtest", "rerun", run)
    assert code == 1
    assert "the strategy does not depend on them alone" in err


def test_console_and_rest_pass_the_engines_answer_on(console, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """A cancellation that the engine refuses is its sentence: exit code 1 on the console, 409 over REST."""
    sentence = "No backtest 'nothing' is running or waiting."
    home = Home(tmp_path / "home")
    engine, monitor = BacktestEngine(home.path), Monitor()
    with home.running({}), EventBus(home.bus, world=World.PAPER, source="test", sync="none", page_mb=1) as bus:
        engine.start(bus)
        monitor.start(bus)
        app = create_app(bus, Settings())
        app.include_router(create_backtests_router(bus, monitor, Settings.model_validate({"system": {"home": str(home.path)}})))
        server = serve(app, port=0)
        try:
            code, _, err = console("backtest", "cancel", "nothing")
            assert (code, sentence in err) == (1, True)
            bus.publish(BacktestResultEvent(run="nothing", ok=False, error="It was nothing."))
            monitor.catch_up()
            answer = httpx.post(f"{server.url}/api/v1/backtests/nothing/cancel", timeout=20)
            assert (answer.status_code, answer.json()["detail"]) == (409, sentence)
        finally:
            server.stop()
            monitor.stop()
            engine.stop()


def test_help_of_backtest_shows_options_and_commands(console) -> None:  # type: ignore[no-untyped-def]
    """One page says how to run a file, and which commands there are."""
    code, out, _ = console("backtest", "--help")
    assert code == 0
    for words in (
        "FILE | list | show RUN | rerun RUN | compare RUN RUN | cancel RUN | delete RUN",
        "--symbol",
        "--journal",
        "rerun Run a backtest again",
    ):
        assert words in " ".join(out.split())


def test_optimize_asks_for_what_is_missing(console, strategy: Path, journal: Path) -> None:  # type: ignore[no-untyped-def]
    """What a command line lacks, and what cannot go together, is said in a sentence."""
    asked = ("optimize", strategy, "--symbol", "X", "--journal", journal)
    ours = ("optimize", "breakout.py", "--symbol", "X", "--journal", journal, "--stake", "2", "--param", "entry=5", "--jobs", "1")
    shutil.copy(ROOT / "examples" / "strategies" / "breakout.py", "breakout.py")
    for words, sentence in (
        ((*asked, "--param", "fast=0", "--jobs", "1"), "All 1 runs failed, the first with: "),
        (ours, "stake is an option for Backtrader's classes; Breakout is none"),
        ((*asked, "--param", "fast=3", "--preset", "cn_stok"), "Did you mean 'cn_stock'?"),
        (
            ("optimize", "--resume", "--cash", "5", "--fees", "terms"),
            "that it was begun with: leave out --cash, --fees, or begin a new one",
        ),
        (("optimize",), "the strategy FILE is missing"),
        (asked, "--param is missing"),
        ((*asked, "--param", "fast=3:5", "--dask", "h:1", "--jobs", "2"), "--jobs is for local workers"),
        ((*asked, "--param", "fast=3:5", "--report", "/nowhere/x.html"), "there is no folder /nowhere"),
        (("optimize", "--resume"), "There is no unfinished sweep"),
        ((*asked, "--param", "fast=3:5", "--resume"), "There is no sweep of these settings"),
        ((*asked, "--param", "fast=3:5", "--metric", "sharp"), "Did you mean 'sharpe'?"),
    ):
        code, _, err = console(*words)
        assert code != 0, words
        assert sentence in err, words
