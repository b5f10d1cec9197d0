"""Log files: a new one every day, old ones go, secrets are masked, and a full disk stops nobody."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from gcg_quant.admin.monitoring import daily_file
from gcg_quant.admin.monitoring.daily_file import DailyFile
from gcg_quant.admin.monitoring.log_files import LogFiles
from gcg_quant.admin.running.process_log import ProcessLog, log_to_stderr
from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_DAY, from_iso
from gcg_quant.component import Component
from gcg_quant.events import AlertEvent, LogEvent
from gcg_quant.redaction import Redactor
from gcg_quant.settings import Settings

from .conftest import wait_until

SECRETS = {
    "web": {"token": "token-of-the-test"},
    "database": {"url": "postgresql+psycopg://me:pw-of-database@db/quant"},
    "redis": {"url": "redis://:pw%40of-redis@cache/1"},
    "bridge": {"password": "pw-of-bridge"},
    "monitoring": {"webhook_url": "https://chat.example.com/hooks/key-of-webhook"},
}
SAID = ["token-of-the-test", "pw-of-database", "pw@of-redis", "pw%40of-redis", "pw-of-bridge", "/hooks/key-of-webhook"]


def settings(home: Path, **logs: Any) -> Settings:
    """Return settings full of secrets."""
    return Settings.model_validate({"system": {"home": str(home)}, "logs": logs, **SECRETS})


def test_a_day_has_a_file_of_its_own(tmp_path: Path) -> None:
    """The file of yesterday is renamed, also by a process that starts today; after `keep_days` it goes; others stay."""
    now = [from_iso("2026-11-26T23:59:59")]
    path = tmp_path / "logs" / "market.log"
    (tmp_path / "logs").mkdir()
    other = tmp_path / "logs" / "market.keep-me.log"
    other.touch()
    file = DailyFile(path, keep_days=2, clock=lambda: now[0])
    for day in range(5):
        file.write(f"day {day}\n")
        file.write("more\n")
        now[0] += NS_PER_DAY
    assert path.read_text() == "day 4\nmore\n"
    assert sorted(one.name for one in path.parent.iterdir() if one != other) == [
        "market.2026-11-28.log",
        "market.2026-11-29.log",
        "market.log",
    ]
    file.close()
    os.utime(path, ns=(now[0] - NS_PER_DAY, now[0] - NS_PER_DAY))
    DailyFile(path, keep_days=2, clock=lambda: now[0]).write("after a restart\n")
    assert path.read_text() == "after a restart\n"
    assert (path.parent / "market.2026-11-30.log").read_text() == "day 4\nmore\n"
    assert other.exists()
    assert oct(path.stat().st_mode & 0o777) == "0o600"


def test_a_clock_that_was_set_back_overwrites_nothing(tmp_path: Path) -> None:
    """A day that has its file already gets a second one."""
    now = [from_iso("2026-11-26")]
    file = DailyFile(tmp_path / "a.log", clock=lambda: now[0])
    for shift in (0, 1, 0, 1):
        now[0] = from_iso("2026-11-26") + shift * NS_PER_DAY
        file.write(f"{shift}\n")
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert found == {"a.2026-11-26.log": "0\n", "a.2026-11-27.log": "1\n", "a.2026-11-26-2.log": "0\n", "a.log": "1\n"}


class FullDisk:
    """Stands before os.write: while `full`, a write takes three bytes, then refuses."""

    def __init__(self) -> None:
        self.full = False
        self._write = os.write
        self._room = 3

    def __call__(self, descriptor: int, data: bytes) -> int:
        """Write, or refuse."""
        if not self.full:
            return self._write(descriptor, data)
        if not self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        room, self._room = self._room, 0
        return self._write(descriptor, data[:room])


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    """Return a disk that can be filled; it is tried again at once."""
    one = FullDisk()
    monkeypatch.setattr(daily_file.os, "write", one)
    monkeypatch.setattr(daily_file, "_AGAIN_S", 0.0)
    return one


def test_a_full_disk_loses_lines_and_nothing_else(tmp_path: Path, disk: FullDisk) -> None:
    """Each write says whether it worked; once there is room the torn line is ended and the next ones are whole."""
    file = DailyFile(tmp_path / "a.log")
    assert file.write("first\n")
    disk.full = True
    assert not file.write("second\n")
    assert (file.trouble, file.lost) == ("No space left on device", 1)
    disk.full = False
    assert file.write("third\n")
    assert (tmp_path / "a.log").read_text() == "first\nsec\nthird\n"
    assert file.trouble == ""


@pytest.fixture
def written(bus: EventBus, tmp_path: Path) -> Iterator[LogFiles]:
    """Return a writer of the test's bus, as JSON."""
    files = LogFiles(settings(tmp_path, format="json", level="info"))
    files.start(bus)
    wait_until(lambda: files.state == "running", "the writer running")
    yield files
    assert files.stop(60.0)


def lines(files: LogFiles) -> list[dict[str, Any]]:
    """Return the lines of the file."""
    return [json.loads(line) for line in files.file.path.read_text().splitlines()] if files.file.path.exists() else []


def test_the_log_lane_is_written(bus: EventBus, written: LogFiles) -> None:
    """Lines of the level and alerts, with what they are about; after a restart it goes on behind the last one."""
    number = bus.publish(LogEvent(level="debug", component="a", message="quiet"))
    bus.publish(LogEvent(level="error", component="a", message="failed", detail="Traceback", about=number))
    bus.publish(AlertEvent(level="warning", component="b", name="lag", message="late"))
    wait_until(lambda: len(lines(written)) == 2, "two lines")
    error, alert = lines(written)
    assert (error["level"], error["component"], error["message"], error["detail"], error["about"]) == (
        "error",
        "a",
        "failed",
        "Traceback",
        "log #1",
    )
    assert (alert["alert"], alert["message"], alert["time"][-1]) == ("lag", "late", "Z")
    assert written.stop(60.0)
    bus.publish(LogEvent(level="info", component="a", message="meanwhile"))
    written.start(bus)
    wait_until(lambda: len(lines(written)) == 3, "the third line")
    assert lines(written)[-1]["message"] == "meanwhile"


def test_a_full_disk_is_told_once(bus: EventBus, written: LogFiles, disk: FullDisk) -> None:
    """One alert however many lines are lost, and good news when it is over."""

    def alerts() -> list[AlertEvent]:
        with bus.reader(start="begin", events=[AlertEvent]) as reader:
            return [event for event in reader if isinstance(event, AlertEvent)]

    disk.full = True
    for number in range(5):
        bus.publish(LogEvent(level="info", component="a", message=f"line {number}"))
        wait_until(lambda number=number: written.file.lost >= number + 1, "a lost line")
    assert [alert.level for alert in alerts()] == ["critical"]
    assert "Trading goes on" in alerts()[0].message
    disk.full = False
    bus.publish(LogEvent(level="info", component="a", message="again"))
    wait_until(lambda: len(alerts()) == 2, "the good news")
    assert alerts()[1].level == "info"


def test_no_secret_reaches_a_log(bus: EventBus, tmp_path: Path) -> None:
    """Neither the log lane, nor the files of system and process, nor standard error, nor a thread's traceback show one."""
    own = settings(tmp_path)
    stream = io.StringIO()
    before = (threading.excepthook, logging.root.handlers[:], logging.root.level)
    files, log = LogFiles(own), None
    try:
        log_to_stderr(stream)
        log = ProcessLog(own, "market")
        files.start(bus)
        component = Component("part")
        component.start(bus)

        def fail() -> None:
            raise RuntimeError(" ".join(SAID))

        for secret in SAID:
            component.log(f"cannot use {secret}", level="error", detail=f"trace {secret}")
            bus.publish(AlertEvent(level="warning", component="x", name="y", message=secret))
            logger.error("loguru {}", secret)
            logging.getLogger("a.library").warning("library %s", secret)
            log.write(f"said {secret}")
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
        assert component.stop(60.0)
        assert files.stop(60.0)
    finally:
        files.stop()
        if log is not None:
            log.close()
        logger.remove()
        threading.excepthook, logging.root.handlers[:] = before[0], before[1]
        logging.root.setLevel(before[2])
        from gcg_quant import redaction

        redaction._redactor = Redactor()
    with bus.reader(start="begin", events=[LogEvent]) as reader:
        lane = "\n".join(f"{event.message} {event.detail}" for event in reader if isinstance(event, LogEvent))
    texts = {path.name: path.read_text() for path in (tmp_path / "logs").iterdir()} | {"stderr": stream.getvalue(), "lane": lane}
    assert set(texts) == {"system.log", "market.log", "stderr", "lane"}
    for name, text in texts.items():
        assert text.count("***") >= len(SAID), name
        for secret in SAID:
            assert secret not in text, (name, secret)
    assert "RuntimeError" in texts["stderr"]
    assert "library" in texts["market.log"]


def test_passwords_of_other_urls_are_masked() -> None:
    """What is no setting of ours is masked in a URL, too; plain texts stay as they are."""
    redact = Redactor()
    assert redact("at ftp://me:open-sesame@host/x, BTC/USDT@SIM") == "at ftp://me:***@host/x, BTC/USDT@SIM"
    assert redact("http://host:8000/a@b") == "http://host:8000/a@b"
