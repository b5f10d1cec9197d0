"""Backtests over REST on a running system: run, watched, looked at, compared, cancelled, removed; one list with the console's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from .conftest import System, call
from .printed import working_folder
from .test_rest_strategies import eventually, refused

ASKED = {"file": "sma_cross", "symbols": ["SPY@NYSE"], "cash": 100_000}
MONEY = {"GCG_QUANT_BACKTEST__CASH": "70000", "GCG_QUANT_BACKTEST__COMMISSION": "0.002"}
SLOW = """import time

import backtrader as bt


class Slow(bt.Strategy):
    def next(self):
        time.sleep(0.5)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[tuple[System, Path]]:
    """Return a running system with the days of SPY, and the folder that it runs in."""
    folder = tmp_path_factory.mktemp("backtests")
    home, work = folder / "home", working_folder(folder / "work", shared_data)
    words = ("import", "SPY_daily.csv.gz", "--venue", "NYSE", "--timezone", "America/New_York", "--stamp", "start")
    assert call(home, *words, cwd=work).returncode == 0
    running = System(home, "--one-process", cwd=work, variables=MONEY)
    try:
        yield running, work
    finally:
        running.close()


@pytest.fixture(scope="module")
def rest(place: tuple[System, Path]) -> Iterator[httpx.Client]:
    """Return a client of its REST interface."""
    with httpx.Client(base_url=f"{place[0].url}/api/v1", timeout=20) as client:
        yield client


def backtest(rest: httpx.Client, **asked: Any) -> str:
    """Ask for a backtest and return its name."""
    answer = rest.post("/backtests", json={**ASKED, **asked})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["run"])


def ended(rest: httpx.Client, run: str) -> Any:
    """Wait for the end of a run and return what is told of it."""

    def look() -> Any:
        found = rest.get(f"/backtests/{run}").json()
        return found if found["state"] in ("done", "failed", "cancelled") and found["finished_ns"] else None

    return eventually(look, 60)


def test_two_runs_are_made_looked_at_and_compared(place: tuple[System, Path], rest: httpx.Client, own_chromium: Any) -> None:
    """The engine of the system runs them, console and REST see the same, and each part of a result is there."""
    (system, work) = place
    file = str(work / "examples" / "strategies" / "sma_cross.py")
    first = backtest(rest, file=file, run="fast", start="2015-01-02", end="2020-01-01", parameters={"fast": 5})
    second = backtest(rest, file=file, parameters={"fast": 20, "slow": 50})
    assert (first, second.startswith("sma_cross-")) == ("fast", True)
    done = ended(rest, first)
    assert (done["state"], done["progress"], done["error"], done["report"]) == ("done", 1.0, "", True)
    assert done["parameters"] == {"fast": 5, "slow": 30}
    assert done["settings"]["cash"] == 100_000
    assert done["return"] == done["results"]["total_return"] != 0
    assert done["inputs"]["data"][0]["symbol"] == "SPY"
    assert ended(rest, second)["state"] == "done"

    listed = rest.get("/backtests").json()
    assert [row["run"] for row in listed] == [second, first]
    told = eventually(lambda: [row for row in json.loads(call(system.home, "backtest", "list", "--json", cwd=work).stdout) if row["ok"]])
    assert {row["run"]: row["results"]["sharpe"] for row in told}[first] == done["sharpe"]
    again = call(system.home, "backtest", "rerun", first, "--json", cwd=work)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["same_result"] is True
    assert rest.get("/backtests?limit=1").json()[0]["run"] == json.loads(again.stdout)["run"]

    both = rest.get("/backtests/compare", params={"run": [first, second]}).json()
    assert [row["run"] for row in both["runs"]] == [first, second]
    assert {"name": "fast", "values": [5, 20]} in both["parameters"]
    sharpe = next(row for row in both["rows"] if row["measure"] == "sharpe")
    assert sharpe["values"] == [done["sharpe"], rest.get(f"/backtests/{second}").json()["sharpe"]]

    curve = rest.get(f"/backtests/{first}/curve?points=100").json()
    assert 30 < len(curve["times_ms"]) <= 102
    assert curve["times_ms"] == sorted(curve["times_ms"])
    assert min(curve["drawdown"]) == pytest.approx(-done["drawdown"])
    assert curve["equity"][-1] == pytest.approx(done["results"]["end_value"])
    trades = rest.get(f"/backtests/{first}/trades")
    assert int(trades.headers["x-total-count"]) == done["trades"] == len(trades.json())
    assert sum(row["net_profit"] for row in trades.json()) == pytest.approx(done["results"]["net_profit"])
    check_report(f"{system.url}/api/v1/backtests/{first}/report", own_chromium)

    assert rest.delete(f"/backtests/{first}").json() == {"run": first, "done": "removed"}
    refused(rest.get(f"/backtests/{first}"), 404, "There is no backtest 'fast'")
    assert not (system.home / "backtests" / first).exists()
    assert first not in call(system.home, "backtest", "list", cwd=work).stdout
    removed = call(system.home, "backtest", "delete", second, "--yes", cwd=work)
    assert removed.stdout == f"{second} is removed\n"
    eventually(lambda: rest.get(f"/backtests/{second}").status_code == 404)


def test_defaults_are_what_a_request_gets_that_names_none(rest: httpx.Client) -> None:
    """A form can show what the settings of the system say, and a run without cash and commission has just that."""
    defaults = rest.get("/backtests/defaults").json()
    values = {row["key"]: row["value"] for row in rest.get("/settings?limit=1000").json()}
    assert defaults == {"cash": 70_000, "commission": 0.002}
    assert defaults == {name: values[f"backtest.{name}"] for name in defaults}
    run = backtest(rest, cash=None, parameters={"fast": 5})
    told = ended(rest, run)["settings"]
    assert {name: told[name] for name in defaults} == defaults
    rest.delete(f"/backtests/{run}").raise_for_status()


def check_report(url: str, browser: Any) -> None:
    """Look at a report in a browser: it draws itself under its own policy, which names its scripts and nothing else."""
    policy = httpx.get(url).headers["content-security-policy"]
    scripts = policy.split("script-src ")[1].split(";")[0]
    assert "unsafe-inline" not in scripts
    assert scripts.startswith("'sha256-")
    assert "sandbox allow-scripts" in policy
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url)
    page.locator("#trades table tr").nth(3).wait_for()
    assert page.locator("#title").inner_text().startswith("SmaCross")
    assert page.locator("#price canvas").count() > 0
    assert page.evaluate("origin") == "null"
    assert said == []


def test_a_run_is_cancelled_and_one_fails(place: tuple[System, Path], rest: httpx.Client) -> None:
    """One on its way can be cancelled and not removed; one that cannot run says why; neither has a curve."""
    assert rest.put("/strategies/files/slow.py", content=SLOW).status_code == 200
    run = backtest(rest, file="slow")
    eventually(lambda: rest.get(f"/backtests/{run}").json()["state"] == "running", 60)
    refused(rest.delete(f"/backtests/{run}"), 409, "cancel it first")
    assert rest.post(f"/backtests/{run}/cancel").json() == {"run": run, "done": "cancelled"}
    assert ended(rest, run)["state"] == "cancelled"
    refused(rest.post(f"/backtests/{run}/cancel"), 409, "is running or waiting")
    failed = ended(rest, backtest(rest, symbols=["NOTHING"]))
    assert failed["state"] == "failed"
    assert "NOTHING" in failed["error"]
    refused(rest.get(f"/backtests/{failed['run']}/curve"), 404, "has no folder")
    assert rest.delete(f"/backtests/{run}").status_code == 200
    assert run not in [row["run"] for row in rest.get("/backtests").json()]


@pytest.mark.parametrize(
    ("changed", "status", "text"),
    [
        ({"file": "sma_cros"}, 422, "Did you mean 'sma_cross'?"),
        ({"file": "/etc/hosts.py"}, 422, "There is no strategy file"),
        ({"period": "7x"}, 422, "7x"),
        ({"start": "yesterday"}, 422, "start must be a day such as 2015-01-01, found 'yesterday'."),
        ({"start": "2020-01-01", "end": "2019-01-01"}, 422, "later than start_ns"),
        ({"symbols": []}, 422, "symbols"),
        ({"symbols": ["A", "A"]}, 422, "different symbols"),
        ({"cash": -1}, 422, "cash"),
        ({"run": "../x"}, 422, "run"),
        ({"preset": "cn_stock", "commission": 0.1}, 422, "preset"),
        ({"lever": 3}, 422, "lever"),
    ],
)
def test_what_makes_no_sense_is_not_run(rest: httpx.Client, changed: dict[str, Any], status: int, text: str) -> None:
    """A sentence that names the place, before anything is put on the bus."""
    before = rest.get("/backtests").headers["x-total-count"]
    refused(rest.post("/backtests", json={**ASKED, **changed}), status, text)
    assert rest.get("/backtests").headers["x-total-count"] == before


def test_names_are_confined(rest: httpx.Client) -> None:
    """A run's name leads nowhere else, and one that is taken is not taken twice."""
    for path in ("..%2f..", "%2e%2e", "nobody", "no%00body"):
        for what in ("", "/curve", "/report"):
            assert rest.get(f"/backtests/{path}{what}").status_code == 404, path
    run = backtest(rest, run="once", symbols=["NOTHING"])
    ended(rest, run)
    refused(rest.post("/backtests", json={**ASKED, "run": "once"}), 409, "already")
    refused(rest.get("/backtests/compare?run=once"), 422, "run")
    refused(rest.get("/backtests/compare?run=once&run=nobody"), 404, "nobody")
