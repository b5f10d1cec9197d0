"""The plug-in of examples/plugin, installed into a folder of its own and run; broken ones beside it stop nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import CollectorStatusEvent, TradeTick

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """
[collectors]
urls = {{ mine = "http://127.0.0.1:{port}" }}
[[collectors.run]]
name = "mine"
kind = "poll"
venue = "poll"
symbols = ["ABC"]
options = {{ every_s = 0.05 }}
[[collectors.run]]
name = "raises"
kind = "raises"
[[collectors.run]]
name = "classless"
kind = "classless"
[[collectors.run]]
name = "baseless"
kind = "baseless"
"""
BROKEN = "[gcg_quant.collectors]\nraises = raising_plugin:Any\nclassless = gcg_quant_poll:Nothing\nbaseless = gcg_quant_poll:PollOptions\n"


class Page(BaseHTTPRequestHandler):
    """Answers with the newest three trades, one more each time, now and then with rubbish."""

    asked = 0

    def do_GET(self) -> None:
        """Answer."""
        Page.asked += 1
        first = Page.asked
        rows = [{"symbol": "ABC", "id": first + n, "ms": 1_700_000_000_000 + first + n, "price": 10.0, "size": 1.0} for n in range(3)]
        body = b"<html>" if Page.asked == 3 else json.dumps({"trades": rows}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep still."""


@pytest.fixture
def port() -> Iterator[int]:
    """Serve the page on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder into which the example was installed, with entry points beside it that lead nowhere."""
    source = tmp_path / "source"
    source.mkdir()
    for file in ("pyproject.toml", "gcg_quant_poll.py"):
        (source / file).write_bytes((ROOT / "examples/plugin" / file).read_bytes())
    target = tmp_path / "site"
    words = ["install", "-q", "--no-deps", "--no-index", "--no-build-isolation", "--target", str(target), str(source)]
    done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    (target / "raising_plugin.py").write_text("raise ZeroDivisionError('at import')\n")
    broken = target / "broken-1.0.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (broken / "entry_points.txt").write_text(BROKEN)
    return target


def test_a_plugin_is_installed_and_runs_and_broken_ones_stop_nothing(tmp_path: Path, site: Path, port: int) -> None:
    """Its trades come once each, over an answer that is rubbish; each broken one is refused with its sentence."""
    config, home = tmp_path / "gcg_quant.toml", tmp_path / "home"
    config.write_text(SETTINGS.format(port=port))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GCG_QUANT_")}
    environ |= {"PYTHONPATH": os.pathsep.join((str(site), str(ROOT))), "GCG_QUANT_WEB__PORT": "0", "GCG_QUANT_WEB__OPEN_BROWSER": "false"}
    words = ["-m", "gcg_quant", "run", "--one-process", "--config", str(config), "--home", str(home)]
    log = tmp_path / "log.txt"
    with log.open("wb") as out:
        run = subprocess.Popen([sys.executable, *words], cwd=tmp_path, env=environ, stdout=out, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 150
        trades: list[int] = []
        states: dict[str, tuple[str, str]] = {}
        while len(trades) < 8 or [states.get(name, ("", ""))[0] for name in ("raises", "classless", "baseless")] != ["refused"] * 3:
            assert time.monotonic() < deadline, log.read_text()
            assert run.poll() is None, log.read_text()
            time.sleep(0.1)
            if (home / "bus").is_dir() and "home: " in log.read_text():
                trades, states = _seen(home)
    finally:
        run.terminate()
        run.wait(30)
    assert trades == sorted(set(trades))
    assert states["mine"][0] == "connected"
    assert "cannot be loaded from raising_plugin:Any: ZeroDivisionError: at import." in states["raises"][1]
    assert "cannot be loaded from gcg_quant_poll:Nothing: module 'gcg_quant_poll' has no attribute 'Nothing'." in states["classless"][1]
    assert "gcg_quant_poll:PollOptions is no ExchangeCollector." in states["baseless"][1]
    assert "Traceback" not in log.read_text()


def _seen(home: Path) -> tuple[list[int], dict[str, tuple[str, str]]]:
    with EventBus(home / "bus", read_only=True) as bus, bus.reader(start="begin", events=[TradeTick, CollectorStatusEvent]) as reader:
        events = list(reader)
    trades = [int(event.trade_id) for event in events if isinstance(event, TradeTick)]
    return trades, {one.collector: (one.state, one.detail) for one in events if isinstance(one, CollectorStatusEvent)}
