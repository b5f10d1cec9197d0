"""The supervised system as a user runs it: start, trade, die, revive, stop."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gcg_quant import journal_check
from gcg_quant.bus import EventBus
from gcg_quant.events import AccountEvent, Bar, ConfigChangeEvent, Fill, OrderCommand, OrderRequest, RiskVerdict, SystemEvent, Tick
from gcg_quant.strategy_engine.accounts.audit import audit

from .conftest import System, call


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
    result = call(home, "run", "--for", "15", timeout_s=60)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "chart page: http://127.0.0.1:" in result.stdout
    with EventBus(home / "bus", create=False, read_only=True) as bus:
        counts = bus.reader(start="begin").count()
        assert counts[Tick] > 1000
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_everything_within_three_seconds(tmp_path: Path, number: int) -> None:
    """Ctrl-C flushes all, ends within 3 s and exits 0; no process is left."""
    system = System(tmp_path / "home")
    try:
        with EventBus(tmp_path / "home" / "bus", create=False, read_only=True) as bus:
            started = [event for event in bus.reader(start="begin", events=[SystemEvent]) if event.action == "group_started"]
            pids = [event.data["pid"] for event in started]
            reader = bus.reader(start="begin", events=[Tick])
            wait_for(lambda: len(reader.read_many(10_000)) > 0, 10)
        code, seconds, output = system.stop(number)
    finally:
        system.close()
    assert code == 0, output
    assert seconds < 3.0
    assert len(pids) == 3
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    with EventBus(tmp_path / "home" / "bus", create=False, read_only=True) as bus:
        counts = bus.reader(start="begin").count()
    with sqlite3.connect(tmp_path / "home" / "gcg_quant.db") as database:
        assert database.execute("select count(*) from ticks").fetchone()[0] == counts[Tick]


def test_a_killed_group_is_started_again_and_nothing_is_lost(tmp_path: Path) -> None:
    """A group killed with -9 comes back and goes on from its cursor: every tick is in the database once."""
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

            wait_for(lambda: len(starts()) == 3, 20)
            os.kill(groups["services"][0], signal.SIGKILL)
            wait_for(lambda: len(starts()["services"]) == 2, 20)
        code, _, output = system.stop(signal.SIGINT)
    finally:
        system.close()
    assert code == 0, output
    assert "died" in output
    with EventBus(home / "bus", create=False, read_only=True) as bus:
        counts = bus.reader(start="begin").count()
    with sqlite3.connect(home / "gcg_quant.db") as database:
        assert database.execute("select count(*) from ticks").fetchone()[0] == counts[Tick]


def test_groups_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    """Without its supervisor no process goes on trading."""
    home = tmp_path / "home"
    system = System(home)
    with EventBus(home / "bus", create=False, read_only=True) as bus:
        started = [event for event in bus.reader(start="begin", events=[SystemEvent]) if event.action == "group_started"]
    system.process.kill()
    system.close()

    def all_gone() -> bool:
        return not any(_lives(event.data["pid"]) for event in started)

    wait_for(all_gone, 10)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # An orphan that nobody waits for is dead, too.
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_one_process_does_the_same(tmp_path: Path) -> None:
    """`--one-process` runs every part in this process."""
    result = call(tmp_path / "home", "run", "--one-process", "--for", "4")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "event Tick" in result.stdout


def test_second_run_on_the_same_home_is_refused(tmp_path: Path) -> None:
    """Two systems never run on one home; the second says so in one line."""
    system = System(tmp_path / "home")
    try:
        result = call(tmp_path / "home", "run", "--for", "1")
        assert result.returncode == 1
        assert "runs on" in result.stderr
        assert "already" in result.stderr
        assert "Traceback" not in result.stderr
    finally:
        system.close()


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


def test_changed_settings_file_reaches_the_bus_and_a_bad_one_changes_nothing(tmp_path: Path) -> None:
    """A live key takes effect while running; a bad file is refused with its reason."""
    config = tmp_path / "gcg_quant.toml"
    config.write_text("[simulated]\nenabled = true\nticks_per_second = 20\n")
    system = System(tmp_path / "home", "--config", str(config))
    try:
        with EventBus(tmp_path / "home" / "bus", create=False, read_only=True) as bus:
            reader = bus.reader(events=[ConfigChangeEvent], start="end")
            config.write_text("[simulated]\nenabled = true\nticks_per_second = 'many'\n")
            system.wait_for_line("settings not changed")
            config.write_text("[simulated]\nenabled = true\nticks_per_second = 40\n")
            event = reader.read(10)
            assert isinstance(event, ConfigChangeEvent)
            assert event.changes == {"simulated.ticks_per_second": 40.0}
            assert event.revision == 2
        code, _, output = system.stop(signal.SIGINT)
    finally:
        system.close()
    assert code == 0
    assert "settings changed: simulated.ticks_per_second" in output
