"""`strategies new` and `strategies test`: a file to begin with, and what can be said of one before it trades."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from gcg_quant.admin.checks import CheckRow, CheckSpec, check_strategy, rehearsal
from gcg_quant.admin.checks.clock_reads import clock_reads
from gcg_quant.admin.new_strategy import new_strategy
from gcg_quant.bus import EventBus
from gcg_quant.errors import StrategyError
from gcg_quant.events import Tick, World
from gcg_quant.strategy_engine import StrategyLoader

from .conftest import Console, call

HEAD = "from gcg_quant.events import *\nfrom gcg_quant.strategy_engine import Parameter, Strategy\n"

Check = Callable[..., dict[str, CheckRow]]


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    # On a busy machine what comes back may take longer than a user is to wait for it.
    monkeypatch.setattr(rehearsal, "_PATIENCE_S", 60.0)


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Return a function that checks a strategy's source and returns the rows by name."""

    def run(source: str, **options: object) -> dict[str, CheckRow]:
        path = tmp_path / "mine.py"
        path.write_text(HEAD + textwrap.dedent(source))
        rows = check_strategy(CheckSpec(file=str(path), folders=[tmp_path], **{"seconds": 60.0, **options}))  # type: ignore[arg-type]
        return {row.check: row for row in rows}

    return run


# ---- new


def test_new_strategy_runs_as_it_is(tmp_path: Path) -> None:
    """The file that is written passes every check, and trades."""
    path = new_strategy("trend_after_all", [tmp_path / "mine"])
    assert path == tmp_path / "mine" / "trend_after_all.py"
    assert StrategyLoader([tmp_path]).load(str(path)).cls.__name__ == "TrendAfterAll"
    values = {"bars_back": 2, "period": "1s"}
    rows = check_strategy(CheckSpec(file="trend_after_all", folders=[tmp_path / "mine"], parameters=values, seconds=120.0))
    # How long a callback takes on a busy machine is its own affair.
    assert {row.check: row.result for row in rows if row.check != "time per event"} == dict.fromkeys(
        ("imports", "parameters", "bounds", "wall clock", "run", "gaps and NaN"), "ok"
    )
    run = next(row for row in rows if row.check == "run")
    assert "120 s of simulated BTC/USDT" in run.detail
    assert " 0 fills" not in run.detail


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("1st", "begins with a letter; found '1st'"),
        ("a-b", "letters, digits and '_'"),
        ("class", "found 'class'"),
        ("x" * 41, "up to 40 letters"),
        ("grid", "There is a strategy file "),
        ("there", "already: choose another name"),
    ],
)
def test_new_strategy_refuses_names(tmp_path: Path, name: str, message: str) -> None:
    """What cannot be a name, or is one already (also of a shipped strategy), is refused, and nothing is overwritten."""
    there = tmp_path / "there.py"
    there.write_text("mine")
    with pytest.raises(StrategyError) as caught:
        new_strategy(name, [tmp_path])
    assert message in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["there.py"]
    assert there.read_text() == "mine"


def test_new_strategy_stays_in_the_allowed_folders(tmp_path: Path) -> None:
    """Another folder is refused with those that are allowed; one that cannot be written is named."""
    with pytest.raises(StrategyError, match="is not allowed: choose one of"):
        new_strategy("mine", [tmp_path / "a"], tmp_path / "b")
    with pytest.raises(StrategyError, match="No folder for strategy files is set"):
        new_strategy("mine", [])
    (tmp_path / "file").write_text("")
    with pytest.raises(StrategyError, match="cannot be written: "):
        new_strategy("mine", [tmp_path / "file"])
    assert new_strategy("mine", [tmp_path / "a"], tmp_path / "a" / "deep").is_file()


def test_new_and_test_by_the_console(tmp_path: Path, console: Console) -> None:
    """Both commands work as printed; a failed check is exit code 1, a name that is taken one line."""
    result = console("strategies", "new", "fresh", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "strategies test fresh" in result.stdout
    result = call(tmp_path / "home", "strategies", "test", "fresh", "--seconds", "60", cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "time per event" in result.stdout
    result = call(tmp_path / "home", "strategies", "new", "fresh", cwd=tmp_path)
    assert result.returncode == 1
    assert "already: choose another name" in result.stderr
    (tmp_path / "strategies" / "bad.py").write_text(HEAD + "import nonsense_module\n")
    result = call(tmp_path / "home", "strategies", "test", "bad", cwd=tmp_path)
    assert result.returncode == 1
    assert "FAILED" in result.stdout
    assert "nonsense_module" in result.stdout


# ---- test


def test_good_strategy_passes(check: Check) -> None:
    """Every row says what was found."""
    rows = check(
        """
        class Mine(Strategy):
            symbols = ("ETH/USDT",)
            size = Parameter(0.1, low=0.1, high=5)
            def on_tick(self, tick):
                if not self.orders and self.position.is_flat:
                    self.buy(self.size)
        """
    )
    assert {row.result for name, row in rows.items() if name != "time per event"} == {"ok"}
    assert "Mine (gcg_quant) from " in rows["imports"].detail
    assert rows["imports"].detail.endswith("imports gcg_quant.events, gcg_quant.strategy_engine")
    assert rows["parameters"].detail == "size=0.1 (a number from 0.1 to 5)"
    assert "60 s of simulated ETH/USDT" in rows["run"].detail
    assert "1 orders, " in rows["run"].detail
    assert rows["time per event"].detail.startswith("on_tick ")


def test_what_cannot_be_loaded_fails(check: Check, tmp_path: Path) -> None:
    """A failing import ends the checks; wrong parameters end them before anything runs."""
    rows = check("import nonsense_module\n")
    assert list(rows) == ["imports"]
    assert rows["imports"].detail == f"{tmp_path / 'mine.py'}:3: an import failed: No module named 'nonsense_module'."
    source = "class Mine(Strategy):\n    symbols = ('A',)\n    size = Parameter(1, low=1)\n"
    rows = check(source, parameters={"siez": 3})
    assert (rows["parameters"].result, "run" in rows) == ("FAILED", False)
    assert "Did you mean 'size'?" in rows["parameters"].detail


def test_bound_that_is_refused_is_a_warning(check: Check) -> None:
    """A value within the declared bounds that the class does not take is told."""
    rows = check(
        """
        class Mine(Strategy):
            symbols = ("BTC/USDT",)
            fast = Parameter(3, low=1, high=50)
            def check_parameters(self):
                if self.fast > 40:
                    raise ValueError("too slow")
        """
    )
    assert rows["bounds"].result == "warning"
    assert "fast=50: Mine refuses its parameters: too slow" in rows["bounds"].detail


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("import time as t; t.time()", "time.time"),
        ("from time import time_ns as clock; clock()", "time.time_ns"),
        ("import time; time.sleep(1)", "time.sleep"),
        ("import datetime; datetime.datetime.now()", "datetime.datetime.now"),
        ("from datetime import datetime; datetime.utcnow()", "datetime.datetime.utcnow"),
        ("from datetime import date; date.today()", "datetime.date.today"),
        ("import pandas as pd; pd.Timestamp.now()", "pandas.Timestamp.now"),
        ("import numpy as np; np.datetime64('now')", "numpy.datetime64"),
        ("import time; time.localtime()", "time.localtime"),
        ("import time; time.localtime(3); time.strftime('%H', (1,)); time.perf_counter()", ""),
        ("import numpy as np; np.datetime64('2020-01-01')", ""),
        ("def time(): ...\ntime()", ""),
    ],
)
def test_reads_of_the_wall_clock_are_found(tmp_path: Path, line: str, name: str) -> None:
    """Whatever name it is imported by; conversions and stop watches are none."""
    path = tmp_path / "mine.py"
    path.write_text(line + "\n")
    assert [read.name for read in clock_reads(path)] == ([name] if name else [])


def test_read_of_the_wall_clock_fails_though_it_is_never_reached(check: Check) -> None:
    """The row names file and line, and what to use instead."""
    rows = check(
        """
        import time
        class Mine(Strategy):
            symbols = ("BTC/USDT",)
            def on_tick(self, tick):
                if tick.last_price < 0:
                    self.log(str(time.time()))
        """
    )
    assert rows["wall clock"].result == "FAILED"
    assert rows["wall clock"].detail.startswith("mine.py:9: time.time(): use self.now_ns")
    assert rows["run"].result == "ok"


def test_strategy_that_cannot_stand_nan_fails(check: Check, tmp_path: Path) -> None:
    """It runs on good data, and fails where prices are absent: with file and line."""
    rows = check(
        """
        class Mine(Strategy):
            symbols = ("BTC/USDT",)
            def on_tick(self, tick):
                self.whole = int(tick.last_price)
        """
    )
    assert rows["run"].result == "ok"
    assert rows["gaps and NaN"].result == "FAILED"
    assert rows["gaps and NaN"].detail == f"{tmp_path / 'mine.py'}:7: on_tick raised ValueError: cannot convert float NaN to integer"


def test_strategy_that_throws_or_hangs_fails(check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that never comes back is interrupted and named as well."""
    source = "class Mine(Strategy):\n    symbols = ('BTC/USDT',)\n    def on_tick(self, tick):\n        {}\n"
    rows = check(source.format("1 / 0"))
    assert rows["run"].detail == f"{tmp_path / 'mine.py'}:6: on_tick raised ZeroDivisionError: division by zero"
    monkeypatch.setattr(rehearsal, "_PATIENCE_S", 5.0)
    rows = check(source.format("while True: pass"))
    assert rows["run"] == ("run", "FAILED", f"{tmp_path / 'mine.py'}:6: on_tick raised StrategyError: it did not come back within 5 s")


def test_slow_strategy_and_refused_orders_are_warnings(check: Check) -> None:
    """Both are told with their figures."""
    rows = check(
        """
        class Mine(Strategy):
            symbols = ("BTC/USDT",)
            asked = False
            def on_tick(self, tick):
                sum(range(200_000))
                if not self.asked:
                    self.asked = True
                    self.buy(10_000_000)
        """,
        seconds=5.0,
    )
    assert rows["time per event"].result == "warning"
    assert rows["run"].result == "warning"
    assert "1 orders, 0 fills, 1 refused (" in rows["run"].detail


def test_recorded_data_and_its_absence(check: Check, tmp_path: Path) -> None:
    """A journal takes the place of the simulated market; one without the symbols is refused with what it knows."""
    with EventBus(tmp_path / "bus", world=World.PAPER, page_mb=1) as bus:
        for number in range(30):
            bus.publish(
                Tick(symbol="X", venue="V", event_ns=1_700_000_000_000_000_000 + number, last_price=5.0, bid_price=4.0, ask_price=6.0)
            )
    source = "class Mine(Strategy):\n    symbols = ('{}',)\n    def on_tick(self, tick): ...\n"
    rows = check(source.format("X"), journal=tmp_path / "bus")
    assert rows["run"].detail.startswith(f"30 events of {tmp_path / 'bus'}: 30 events; 0 orders")
    rows = check(source.format("Y"), journal=tmp_path / "bus")
    assert "holds no market data of Y; it knows X@V" in rows["run"].detail
    rows = check(source.format("Y"), journal=tmp_path / "none")
    assert "is no bus folder: name the folder that holds bus.meta" in rows["run"].detail


def test_strategies_without_symbols(check: Check) -> None:
    """One that names none is asked for one; a pattern that fits nothing is refused; Kungfu's say it when they start."""
    assert "names no symbol: give one with --symbol" in check("class Mine(Strategy): ...\n")["run"].detail
    rows = check("class Mine(Strategy):\n    symbols = ('NOTHING*',)\n")
    assert "No symbol of the simulated exchange fits 'NOTHING*': name some with --symbol" in rows["run"].detail
    rows = check(
        """
        from kungfu.wingchun.constants import *
        def pre_start(context):
            context.add_account("xtp", "1")
            context.subscribe("xtp", ["600519"], Exchange.SSE)
        def on_quote(context, quote):
            if not context.__dict__.get("done"):
                context.done = context.insert_order("600519", Exchange.SSE, "xtp", 0, 100, PriceType.Any, Side.Buy)
        """
    )
    assert rows["run"].result == "ok"
    assert "1 orders, " in rows["run"].detail


def test_backtrader_class_is_told_where_to_go(check: Check) -> None:
    """A Backtrader class is loaded and its clock looked at; it is rehearsed by a backtest."""
    rows = check("import backtrader as bt\nclass Mine(bt.Strategy):\n    params = (('fast', 3),)\n")
    assert rows["imports"].result == "ok"
    assert "fast=3" in rows["parameters"].detail
    assert "use `backtest`" in rows["time per event"].detail
