"""Starting, stopping and restarting components and groups of a running system, by console and REST."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.component import Component
from gcg_quant.errors import ComponentError
from gcg_quant.events import ComponentControlEvent, OrderRequest, SystemEvent, Tick
from gcg_quant.registry import Registry
from gcg_quant.strategy_engine.accounts.audit import audit

from .conftest import System, call
from .test_runtime import wait_for

SETTINGS = """
[simulated]
enabled = true
ticks_per_second = 200
history_minutes = 10
symbols = ["BTC/USDT", "ETH/USDT"]
[[strategies.load]]
file = "grid"
id = "grid-btc"
symbols = ["BTC/USDT"]
"""


class Running:
    """A small system that trades, with its journal."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.home = folder / "home"
        config = folder / "gcg_quant.toml"
        config.write_text(SETTINGS)
        self.system = System(self.home, "--config", str(config), *words)
        self.bus = EventBus(self.home / "bus", create=False, read_only=True)

    def console(self, *words: str) -> str:
        """Run a console command that must succeed and return what it printed."""
        result = call(self.home, *words)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def rows(self, what: str = "components") -> dict[str, Any]:
        """Return the rows of groups or components by name."""
        return {row[what[:-1]]: row for row in json.loads(self.console("components", "--json"))[what]}

    def count(self, kind: type) -> int:
        """Return how many events of a kind there are."""
        return self.bus.reader(start="begin").count()[kind]

    def more_of(self, kind: type) -> None:
        """Wait until there are more events of a kind than now."""
        before = self.count(kind)
        wait_for(lambda: self.count(kind) > before, 60)

    def end(self) -> str:
        """Stop the system as a user does and return what it printed."""
        code, _, output = self.system.stop(signal.SIGINT)
        assert code == 0, output
        return output

    def close(self) -> None:
        """End whatever still runs."""
        self.system.close()
        self.bus.close()


@pytest.fixture
def running(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Running]:
    """Return a small running system; a parameter is a word of its `run`."""
    started = Running(tmp_path, *getattr(request, "param", ()))
    yield started
    started.close()


def _ticks_stored(home: Path) -> int:
    with sqlite3.connect(home / "gcg_quant.db") as database:
        return int(database.execute("select count(*) from ticks").fetchone()[0])


@pytest.mark.parametrize("running", [("--one-process",)], indirect=True)
def test_components_are_stopped_started_and_restarted_and_nothing_is_lost_or_doubled(running: Running) -> None:
    """Trading, recorder, strategies and bars come back where they were: each order once, each tick stored once, the books add up.

    In one process, where the groups are restarted by the same commands; the tests below do it with processes.
    """
    wait_for(lambda: running.count(OrderRequest) > 0, 60)
    wait_for(lambda: running.rows()["bars"]["events_per_s"], 60)
    rows = running.rows()
    assert {row["state"] for row in rows.values()} == {"running"}
    assert (rows["recorder"]["group"], rows["trading-paper"]["capabilities"]) == ("services", ["trading", "risk", "accounts"])
    told = running.console("components", "stop", "trading-paper", "--yes")
    assert "no order is sent, filled or cancelled until it starts again" in told
    told = running.console("components", "stop", "recorder", "--yes")
    assert (
        told
        == "recorder is stopped: nothing is stored until it starts again; the journal keeps what comes meanwhile, and it is stored then.\n"
    )
    rows = running.rows()
    assert [(rows[name]["state"], rows[name]["by_hand"]) for name in ("recorder", "trading-paper", "bars")] == [
        ("stopped", True),
        ("stopped", True),
        ("running", False),
    ]
    again = call(running.home, "components", "stop", "recorder", "--yes")
    assert (again.returncode, again.stderr) == (1, "error: Component recorder is stopped already.\n")
    running.more_of(Tick)
    assert running.console("components", "start", "recorder") == "recorder runs.\n"
    assert running.console("components", "start", "trading-paper") == "trading-paper runs.\n"
    for name in ("strategies", "trading-paper", "recorder", "bars", "simulated", "keeper", "backtest"):
        assert running.console("components", "restart", name, "--yes") == f"{name} runs.\n"
    assert running.console("components", "restart", "--group", "market", "--yes") == "group market was restarted.\n"
    running.more_of(Tick)
    running.more_of(OrderRequest)
    assert running.rows("groups")["market"]["restarts"] == 1
    output = running.end()
    assert "died" not in output
    assert _ticks_stored(running.home) == running.count(Tick)
    requests = [event.client_id for event in running.bus.reader(start="begin", events=[OrderRequest])]
    assert len(requests) == len(set(requests))
    assert len(audit(running.bus)) == 1


def test_a_group_is_restarted_and_what_was_stopped_stays_stopped_when_its_process_is_killed(running: Running) -> None:
    """A restart is no death; kill -9 right after one loses nothing, and revives only what nobody has stopped."""
    before = running.rows("groups")
    assert all(row["state"] == "running" for row in before.values())
    assert running.console("components", "restart", "--group", "strategies", "--yes") == "group strategies was restarted.\n"
    running.console("components", "stop", "simulated", "--yes")
    running.console("components", "restart", "trading-paper", "--yes")
    os.kill(before["market"]["pid"], signal.SIGKILL)
    wait_for(lambda: running.rows("groups")["market"]["pid"] not in (None, before["market"]["pid"]), 60)
    rows, groups = running.rows(), running.rows("groups")
    assert (rows["simulated"]["state"], rows["simulated"]["by_hand"], rows["bars"]["state"]) == ("stopped", True, "running")
    assert (groups["strategies"]["restarts"], groups["market"]["restarts"], groups["services"]["restarts"]) == (1, 1, 0)
    assert running.console("components", "start", "simulated") == "simulated runs.\n"
    running.more_of(Tick)
    running.console("components", "restart", "recorder", "--yes")
    os.kill(groups["services"]["pid"], signal.SIGKILL)
    wait_for(lambda: running.rows("groups")["services"]["restarts"] == 1, 60)
    assert httpx.get(running.system.url, timeout=20).status_code == 200, "the page is where it was, though [web] port is 0"
    running.end()
    deaths = [event.component for event in running.bus.reader(start="begin", events=[SystemEvent]) if event.action == "group_died"]
    assert deaths == ["market", "services"]
    assert _ticks_stored(running.home) == running.count(Tick)
    audit(running.bus)


def test_rest_restarts_what_it_is_served_by_and_refuses_to_stop_it(running: Running) -> None:
    """The server comes back on its port; stopping it from the page, unknown names and a second start are sentences."""
    rest = httpx.Client(base_url=running.system.url + "/api/v1", timeout=60)

    def post(path: str) -> tuple[int, str]:
        answer = rest.post(path)
        return answer.status_code, answer.json()["detail"]

    assert post("/components/web/stop") == (
        409,
        "web serves this page, which could not start it again: restart it here, or stop it with the console.",
    )
    assert post("/components/recordr/restart") == (404, "There is no component 'recordr'. Did you mean 'recorder'?")
    assert post("/components/bars/start") == (409, "Component bars runs already.")
    assert post("/components/bars/kick")[0] == 422
    assert post("/groups/markt/restart") == (404, "There is no group 'markt'. Did you mean 'market'?")
    code, detail = post("/components/recorder/stop")
    assert (code, detail.split(":")[0]) == (200, "recorder is stopped")
    assert post("/components/recorder/start") == (200, "recorder runs")
    wait_for(lambda: all(row["memory_bytes"] for row in rest.get("/groups").json()), 60)
    begun = _since(rest, "web")
    for name in ("monitor", "charts", "web"):
        answer = post(f"/components/{name}/restart")
        assert answer[0] == 200, answer
    wait_for(lambda: _since(rest, "web") > begun, 60)
    pid = {row["group"]: row["pid"] for row in rest.get("/groups").json()}
    assert post("/groups/market/restart") == (200, "group market was restarted")
    assert {row["group"]: row["pid"] for row in rest.get("/groups").json()}["market"] != pid["market"]
    assert post("/groups/services/restart") == (200, "group services is being restarted")
    running.end()
    rest.close()


def _since(rest: httpx.Client, component: str) -> int:
    # Since when a component runs; 0 while nobody answers.
    try:
        rows = rest.get("/components").json()
    except httpx.TransportError:
        return 0
    return next(int(row["since_ns"]) if row["state"] == "running" else 0 for row in rows if row["component"] == component)


def test_console_asks_and_says_when_nothing_runs(tmp_path: Path, console: Callable[..., Any]) -> None:
    """Without a system each command says so in one line; --json does not ask."""
    for words in (("list",), ("stop", "bars", "--yes"), ("restart", "--group", "market", "--yes")):
        result = console("components", *words)
        assert result.returncode == 1
        assert "No system runs on" in result.stderr
    assert "Say what to restart" in console("components", "restart").stderr


def test_a_stopped_component_hangs_no_more(tmp_path: Path) -> None:
    """What stands still is not busy, and a registry starts it again, or another in its place, but not twice."""
    with EventBus(tmp_path / "bus", page_mb=0.25) as bus:
        registry = Registry()
        registry.add(Component("one"))
        with pytest.raises(ComponentError, match="the registry has not been started"):
            registry.start_one("one")
        registry.add(Component("two"))
        registry.start(bus, but=["two"])
        wait_for(lambda: registry.get("one").state == "running", 60)
        assert registry.get("two").state == "new"
        registry.get("one").stop()
        assert registry.get("one").health().busy_s == 0.0
        fresh = Component("one")
        assert registry.start_one("one", fresh) is fresh is registry.get("one")
        with pytest.raises(ComponentError, match="Component 'one' is (starting|running): stop it first"):
            registry.start_one("one")
        bus.publish(ComponentControlEvent(action="stop", component="one"))
        registry.stop()
