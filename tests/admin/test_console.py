"""The console: every command, and its errors in one line."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.admin.console import cli

from .conftest import Console, System, call
from .test_runtime import wait_for


@pytest.mark.parametrize(
    "words", [*([name] for name in cli.list_commands(None)), ["orders", "cancel"], ["risk", "set"], ["risk", "kill"]], ids=" ".join
)
def test_help_of_every_command(console: Console, words: list[str]) -> None:
    """Every command explains itself."""
    result = console(*words, "--help")
    assert result.returncode == 0
    assert "Usage:" in result.stdout


def test_unknown_command_names_the_nearest(console: Console) -> None:
    """A misspelt command is one line with a suggestion."""
    result = console("backtst")
    assert result.returncode == 2
    assert "Did you mean 'backtest'?" in result.stderr


@pytest.mark.parametrize("words", [("status",), ("strategies", "start", "x"), ("strategies", "load", "grid")])
def test_command_without_a_running_system(console: Console, words: tuple[str, ...]) -> None:
    """A command that needs a running system says how to start one."""
    result = console(*words)
    assert result.returncode == 1
    assert "No system runs on" in result.stderr
    assert "python -m gcg_quant run" in result.stderr


def test_wrong_settings_file_is_one_line(console: Console, tmp_path: Path) -> None:
    """A bad settings file is named with its key and the nearest known one."""
    config = tmp_path / "bad.toml"
    config.write_text("[web]\nprot = 8000\n")
    result = console("run", "--config", str(config), "--for", "1")
    assert result.returncode == 1
    assert "has no key 'prot'. Did you mean 'port'?" in result.stderr
    assert "Traceback" not in result.stderr


def test_journal_of_no_bus(console: Console, tmp_path: Path) -> None:
    """A folder that holds no bus is named."""
    result = console("journal", "--bus", str(tmp_path), "verify")
    assert result.returncode == 1
    assert "holds no bus" in result.stderr


def test_status_shows_processes_and_components(system: System) -> None:
    """`status` shows what runs, as a table and as JSON."""
    result = call(system.home, "status")
    assert result.returncode == 0, result.stderr
    for word in ("market", "strategies", "services", "paper", "grid-btc (running)"):
        assert word in result.stdout
    facts = json.loads(call(system.home, "status", "--json").stdout)
    assert facts["world"] == "paper"
    assert facts["events"]["market"] > 100


def test_strategies_are_listed_loaded_stopped_and_unloaded(system: System) -> None:
    """A strategy is loaded from its name, changed, stopped and unloaded by the console."""
    assert (
        call(system.home, "strategies", "load", "grid", "--id", "grid-two", "--symbol", "ETH/USDT").stdout
        == "grid-two loaded and started\n"
    )
    assert call(system.home, "strategies", "load", "grid", "--symbol", "ETH/USDT").stdout == "grid loaded and started\n"
    assert call(system.home, "strategies", "load", "grid", "--symbol", "ETH/USDT", "--no-start").stdout == "grid-2 loaded\n"
    for name in ("grid", "grid-2"):
        assert call(system.home, "strategies", "unload", name).stdout == f"{name} unloaded\n"
    listed = call(system.home, "strategies", "list").stdout
    assert "grid-two" in listed
    assert "running" in listed
    assert "sma_cross" in listed
    assert call(system.home, "strategies", "stop", "grid-two").stdout == "grid-two stopped\n"
    assert call(system.home, "strategies", "unload", "grid-two").stdout == "grid-two unloaded\n"
    refused = call(system.home, "strategies", "stop", "grid-two")
    assert refused.returncode == 1
    assert "grid-two" in refused.stderr


def test_strategy_outside_the_allowed_folders_is_refused(system: System, tmp_path: Path) -> None:
    """A file elsewhere is not loaded, and the sentence says which folders are allowed."""
    file = tmp_path / "evil.py"
    file.write_text("raise SystemExit\n")
    result = call(system.home, "strategies", "load", str(file))
    assert result.returncode == 1
    assert "allowed" in result.stderr


def test_journal_inspect_tail_and_verify(system: System) -> None:
    """The journal of a running system can be looked into without disturbing it."""
    inspected = call(system.home, "journal", "inspect").stdout
    for word in ("paper bus", "market", "recorder"):
        assert word in inspected
    tail = call(system.home, "journal", "tail", "-n", "3", "--type", "Tick", "--symbol", "BTC/USDT").stdout.splitlines()
    assert len(tail) == 3
    assert all("Tick(symbol='BTC/USDT'" in line for line in tail)
    assert "no damage" in call(system.home, "journal", "verify").stdout
    unknown = call(system.home, "journal", "tail", "--type", "Tik")
    assert "Did you mean 'Tick'?" in unknown.stderr


def _get(system: System, path: str) -> object:
    with urllib.request.urlopen(system.url.rstrip("/") + path, timeout=10) as response:
        return json.load(response)


def test_rest_answers_like_the_console(system: System) -> None:
    """The REST interface answers the same questions."""
    status = _get(system, "/api/v1/system/status")
    assert isinstance(status, dict)
    assert status["world"] == "paper"
    strategies = _get(system, "/api/v1/strategies")
    assert isinstance(strategies, list)
    assert {row["strategy"] for row in strategies} >= {"grid-btc", "sma-eth"}
    accounts = _get(system, "/api/v1/accounts")
    assert isinstance(accounts, list)
    assert accounts[0]["account"] == "paper"
    lanes = _get(system, "/api/v1/journal/inspect")
    assert isinstance(lanes, list)
    assert [lane["lane"] for lane in lanes] == ["control", "market", "log"]
    assert lanes[1]["end_seq"] > lanes[1]["recent"] > 0
    verified = _get(system, "/api/v1/journal/verify")
    assert isinstance(verified, dict)
    assert (verified["damage"], verified["lost"]) == ([], [])


def _post(system: System, path: str, body: object) -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(
        system.url.rstrip("/") + path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_rest_loads_and_refuses_strategies(system: System) -> None:
    """A strategy is loaded and stopped over REST; a bad request gets a sentence."""
    assert _post(system, "/api/v1/strategies", {"file": "grid", "strategy": "rest-grid", "symbols": ["SPY"]})[0] == 201
    assert _post(system, "/api/v1/strategies/rest-grid/stop", {})[0] == 200
    code, answer = _post(system, "/api/v1/strategies/nobody/start", {})
    assert code == 404
    assert "nobody" in str(answer["detail"])
    assert _post(system, "/api/v1/strategies", {"fiel": "grid"})[0] == 422


def test_docs_page_shows_the_interface_without_outside_requests(system: System, own_chromium: Any) -> None:
    """/docs lists the routes in a browser, and everything it loads comes from here."""
    page = own_chromium.new_page()
    requested: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(system.url + "/docs")
    page.get_by_text("/api/v1/system/status").first.wait_for(timeout=60_000)
    assert problems == []
    assert all(url.startswith((system.url, "data:")) for url in requested)


def test_rest_looks_into_the_journal(system: System) -> None:
    """Tail and verify answer over REST as on the console."""
    events = _get(system, "/api/v1/journal/tail?type=Tick&symbol=BTC/USDT&lines=3")
    assert isinstance(events, list)
    assert [(event["event"], event["symbol"], event["lane"]) for event in events] == [("Tick", "BTC/USDT", "market")] * 3
    verified = _get(system, "/api/v1/journal/verify")
    assert isinstance(verified, dict)
    assert verified["damage"] == []
    assert verified["events"] > 100
    with pytest.raises(urllib.error.HTTPError) as refused:
        _get(system, "/api/v1/journal/tail?type=Tik")
    with refused.value:
        assert "Did you mean 'Tick'?" in json.load(refused.value)["detail"]


def _put(system: System, path: str, body: bytes) -> tuple[int, dict[str, object]]:
    request = urllib.request.Request(system.url.rstrip("/") + path, body, {"Content-Type": "application/octet-stream"}, method="PUT")
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_rest_imports_a_file(system: System) -> None:
    """A file in the body becomes an import that is asked for; what the file does not say is named, and a bad option is a sentence."""
    rows = b"time,open,high,low,close,volume\n2024-01-02T09:30:00,1,2,0.5,1.5,10\nrubbish,1,2,1,1,1\n"

    def ended(answer: dict[str, object]) -> Any:
        path = f"/api/v1/imports/{answer['import']}"
        wait_for(lambda: dict(_get(system, path))["finished_ns"], 60)  # type: ignore[call-overload]
        return _get(system, path)

    code, answer = _put(system, "/api/v1/imports/XYZ_1m.csv?timezone=UTC&stamp=start&period=1m&symbol=XYZ&venue=REST", rows)
    assert code == 202, answer
    done = ended(answer)
    assert (done["state"], done["rows"], done["stored"], done["refused"], done["records"]) == ("done", 2, 1, 1, {"bars": 1})
    code, answer = _put(system, "/api/v1/imports/data.csv", rows + b"2024-01-02T09:31:00,1,2,0.5,1.5,10\n")
    failed = ended(answer)
    assert (code, failed["state"], failed["option"]) == (202, "failed", "symbol")
    assert "option symbol is missing" in str(failed["error"])
    code, answer = _put(system, "/api/v1/imports/data.csv?symbl=X", rows)
    assert "Did you mean 'symbol'?" in str(answer["detail"])
