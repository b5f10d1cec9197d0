"""The supervised system as a user runs it: start, trade, die, revive, stop."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from patience import within

from gcg_quant import journal_check
from gcg_quant.bus import EventBus
from gcg_quant.events import AccountEvent, Bar, ConfigChangeEvent, Fill, OrderCommand, OrderRequest, RiskVerdict, SystemEvent, Tick
from gcg_quant.strategy_engine.accounts.audit import audit

from .conftest import System, call, rewrite


def wait_for(condition: Callable[[], object], timeout_s: float) -> None:
    """Wait until the condition holds, or fail."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not hold in time"
        time.sleep(0.05)


@pytest.mark.slow
def test_run_for_some_seconds_trades_stores_and_ends(tmp_path: Path) -> None:
    """`run --for` trades on paper under its defaults, stores rows, prints a summary and exits 0."""
    home = tmp_path / "home"
    result = call(home, "run", "--for", str(within(10, 25)), timeout_s=120)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "chart page: http://127.0.0.1:" in result.stdout
    with EventBus(home / "bus", create=False, read_only=True) as bus:
        counts = bus.reader(start="begin").count()
        assert counts[Tick] > 100
        assert counts[Fill] > 0
        assert counts[OrderRequest] == counts[RiskVerdict]
        assert counts[OrderCommand] <= counts[OrderRequest]
        assert counts[Bar] > 1000
        assert counts[AccountEvent] > 0
        fills = list(bus.reader(start="begin", events=[Fill]))
        assert any(event.strategy == "grid-btc" for event in fills)
        (account,) = audit(bus)
        assert (account.account, account.fills) == ("paper", counts[Fill])
    assert all(not page["damage"] for page in journal_check.verify(home / "bus"))
    with sqlite3.connect(home / "gcg_quant.db") as database:
        assert database.execute("select count(*) from ticks").fetchone()[0] == counts[Tick]
        assert database.execute("select count(*) from fills").fetchone()[0] == counts[Fill]
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
    audited = call(home, "journal", "audit")
    assert audited.stdout == f"{account.sentence()}.\n", audited.stderr
    for word in ("event Tick", "rows ticks", "orders", "fills", "profit paper"):
        assert word in result.stdout


def ends_at_once(system: System, number: int) -> str:
    """Stop a system of three groups: it flushes all, ends soon and exits 0, and no process is left. Return what it printed."""
    with EventBus(system.home / "bus", create=False, read_only=True) as bus:
        pids = {event.data["pid"] for event in bus.reader(start="begin", events=[SystemEvent]) if event.action == "group_started"}
        ticks = bus.reader(start="end", events=[Tick])
        wait_for(lambda: ticks.read_many(10_000), 60)
    assert len(pids) >= 3
    code, seconds, output = system.stop(number)
    assert code == 0, output
    assert seconds < within(3.0, 20.0)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    with EventBus(system.home / "bus", create=False, read_only=True) as bus:
        counts = bus.reader(start="begin").count()
    with sqlite3.connect(system.home / "gcg_quant.db") as database:
        assert database.execute("select count(*) from ticks").fetchone()[0] == counts[Tick]
    return output


def test_a_killed_group_is_started_again_and_ctrl_c_stops_everything_at_once(tmp_path: Path) -> None:
    """A group killed with -9 comes back and goes on from its cursor: nothing is lost, and Ctrl-C ends it as any other."""
    home = tmp_path / "home"
    system = System(home)
    try:
        with EventBus(home / "bus", create=False, read_only=True) as bus:
            reader = bus.reader(start="begin", events=[SystemEvent])
            groups: dict[str, list[int]] = {}

            def starts() -> dict[str, list[int]]:
                for event in reader:
                    if isinstance(event, SystemEvent) and event.action == "group_started":
                        groups.setdefault(event.component, []).append(event.data["pid"])
                return groups

            wait_for(lambda: len(starts()) == 3, 60)
            os.kill(groups["services"][0], signal.SIGKILL)
            wait_for(lambda: len(starts()["services"]) == 2, 60)
        assert "died" in ends_at_once(system, signal.SIGINT)
    finally:
        system.close()


def test_second_run_on_the_same_home_is_refused_and_groups_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    """Two systems never run on one home; the second says so in one line. Without its supervisor no process goes on trading."""
    home = tmp_path / "home"
    system = System(home)
    try:
        result = call(home, "run", "--for", "1")
        assert result.returncode == 1
        assert "runs on" in result.stderr
        assert "already" in result.stderr
        assert "Traceback" not in result.stderr
        with EventBus(home / "bus", create=False, read_only=True) as bus:
            started = [event for event in bus.reader(start="begin", events=[SystemEvent]) if event.action == "group_started"]
        assert len(started) == 3
        system.process.kill()
    finally:
        system.close()

    def all_gone() -> bool:
        return not any(_lives(event.data["pid"]) for event in started)

    wait_for(all_gone, 60)


def _lives(pid: int) -> bool:
    try:
        status = psutil.Process(pid).status()
    except psutil.NoSuchProcess:
        return False
    return bool(status != psutil.STATUS_ZOMBIE)  # an orphan that nobody waits for is dead, too


def test_taken_port_is_one_sentence(tmp_path: Path) -> None:
    """A port in use is named before anything starts."""
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = call(tmp_path / "home", "run", "--for", "1", "--port", str(port))
    assert result.returncode == 1
    assert f"Port {port} on 127.0.0.1 cannot be used" in result.stderr
    assert not (tmp_path / "home" / "bus").exists()


def test_changed_settings_file_reaches_the_bus_and_sigterm_stops_everything_at_once(tmp_path: Path) -> None:
    """A live key takes effect while running; a bad file is refused with its reason and changes nothing; SIGTERM does what Ctrl-C does."""
    config = tmp_path / "gcg_quant.toml"
    config.write_text("[simulated]\nenabled = true\nticks_per_second = 20\n")
    system = System(tmp_path / "home", "--config", str(config))
    try:
        with EventBus(tmp_path / "home" / "bus", create=False, read_only=True) as bus:
            reader = bus.reader(events=[ConfigChangeEvent], start="end")
            rewrite(config, "[simulated]\nenabled = true\nticks_per_second = 'many'\n")
            system.wait_for_line("settings not changed")
            rewrite(config, "[simulated]\nenabled = true\nticks_per_second = 40\n")
            event = reader.read(60)
            assert isinstance(event, ConfigChangeEvent)
            assert event.changes == {"simulated.ticks_per_second": 40.0}
            assert event.revision == 2
        output = ends_at_once(system, signal.SIGTERM)
    finally:
        system.close()
    assert "settings changed: simulated.ticks_per_second" in output
