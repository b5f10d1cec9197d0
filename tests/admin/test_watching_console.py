"""What a running system shows in its terminal, `alerts` and `logs` beside it, and what a stopped one has left."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading

import httpx
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import AlertEvent, LogEvent

from .conftest import ROOT, Console, System, call, environment

pytestmark = pytest.mark.slow
RUN = ("--one-process",)  # starts in half the work


def test_terminal_shows_lines_from_the_level_on_which_changes_live(system: System) -> None:
    """Errors and what is worse at first, each as one line; with another level warnings too, at once; and less again."""
    with EventBus(system.home / "bus", create=False, source="test") as bus:

        def say(word: str) -> None:
            bus.publish(LogEvent(level="warning", component="talker", message=f"{word} warning"))
            bus.publish(AlertEvent(level="warning", component="talker", name="word", message=f"{word} alert"))
            bus.publish(LogEvent(level="error", component="talker", message=f"{word} error", detail="Traceback\n  of it"))

        def least(level: str | None) -> None:
            answer = httpx.patch(f"{system.url}/api/v1/settings", json={"system.log_level": level}, timeout=20)
            assert answer.json()["restart_needed"] == [], answer.text

        say("first")
        system.wait_for_line("ERROR    talker: first error")
        least("warning")
        say("second")
        system.wait_for_line("WARNING  talker: second warning")
        system.wait_for_line("WARNING  talker: second alert")
        system.wait_for_line("ERROR    talker: second error")
        least(None)
        say("third")
        system.wait_for_line("ERROR    talker: third error")
    for unsaid in ("first warning", "first alert", "Traceback", "third warning", "third alert"):
        assert unsaid not in system.output, unsaid


def test_alerts_and_logs_of_a_running_and_a_stopped_system(system: System) -> None:
    """Shown and acknowledged by the console, so seen over REST; metrics and log files are there; all of it survives the stop."""
    with EventBus(system.home / "bus", source="test", create=False) as bus:
        number = bus.publish(AlertEvent(level="critical", component="x", name="test_alert", message="Something is wrong.")) & (
            (1 << 60) - 1
        )
        bus.publish(LogEvent(level="error", component="test-part", message="line of the test", detail="Traceback\n  of the test"))
    shown = json.loads(call(system.home, "alerts", "--open", "--json").stdout)
    assert number in [row["id"] for row in shown]
    done = call(system.home, "alerts", "ack", str(number))
    assert done.stdout == f"alert {number} (x, test_alert): acknowledged by the console\n"
    rows = httpx.get(f"{system.url}/api/v1/alerts").json()
    assert next(row for row in rows if row["id"] == number)["acknowledged_by"] == "console"
    assert "gcg_quant_events_total" in httpx.get(f"{system.url}/metrics").text
    follow_the_log(system)
    printed = call(system.home, "logs", "--component", "test-part").stdout
    assert "error    test-part: line of the test\n    Traceback\n      of the test\n" in printed
    missing = call(system.home, "alerts", "ack", "999999")
    assert missing.returncode == 1
    assert "There is no alert 999999" in missing.stderr
    assert call(system.home, "alerts", "ack").returncode == 2
    system.stop(signal.SIGINT)  # the last test with it
    stopped = call(system.home, "alerts")
    assert "The system is stopped" in stopped.stdout
    assert "Something is wrong." in stopped.stdout
    assert "seen by the console" in stopped.stdout
    assert json.loads(call(system.home, "logs", "--text", "line of", "--json").stdout)["component"] == "test-part"
    assert "No system runs" in call(system.home, "logs", "--follow").stderr


def follow_the_log(system: System) -> None:
    """See a line come while `logs --follow` runs."""
    command = [sys.executable, "-u", "-m", "gcg_quant", "logs", "--follow", "--lines", "0", "--component", "late"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(system.home), stdout=subprocess.PIPE, text=True)
    killer = threading.Timer(40, process.kill)
    killer.start()
    try:
        with EventBus(system.home / "bus", source="test", create=False) as bus:
            stopping = threading.Event()

            def speak() -> None:  # the command takes its time to start
                while not stopping.wait(0.1):
                    bus.publish(LogEvent(level="info", component="late", message="here it is"))

            speaker = threading.Thread(target=speak)
            speaker.start()
            assert process.stdout is not None
            line = process.stdout.readline()
            stopping.set()
            speaker.join()
        assert "late: here it is" in line
    finally:
        killer.cancel()
        process.kill()
        process.communicate()


def test_without_a_system_they_say_so(console: Console) -> None:
    """A home where nothing ever ran."""
    for words in (["alerts"], ["alerts", "ack", "--all"], ["logs"]):
        answer = console(*words)
        assert answer.returncode == 1
        assert "No system runs" in answer.stderr
