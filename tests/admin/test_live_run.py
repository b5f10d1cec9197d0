"""A live run through the crypto gateway, as a user starts it: tried first, announced, and going on when the exchanges restart."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes.process import FakeVenue

from gcg_quant.bus import EventBus
from gcg_quant.events import Bar, Depth, Fill, OrderEvent, OrderStatus

from .conftest import ROOT


class LiveRun:
    """`examples/crypto.toml` against fake exchanges."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.binance = FakeVenue("binance", "--state", str(folder / "binance.state"))
        self.okx = FakeVenue("okx", "--state", str(folder / "okx.state"))
        urls = {one.name: f"http://127.0.0.1:{one.port}" for one in (self.binance, self.okx)}
        urls["binanceusdm"] = urls["binance"]
        own = {name: value for name, value in os.environ.items() if not name.startswith("GCG_QUANT_")}
        self.environment = {
            **own,
            "GCG_QUANT_GATEWAY__URL": urls["binance"],
            "GCG_QUANT_COLLECTORS__URLS": json.dumps(urls),
            "GCG_QUANT_WEB__PORT": "0",
            "GCG_QUANT_WEB__OPEN_BROWSER": "false",
            "GCG_QUANT_CREDENTIALS__BINANCE__API_KEY": "fake-key",
            "GCG_QUANT_CREDENTIALS__BINANCE__SECRET": "fake-secret",
        }
        self.process: subprocess.Popen[str] | None = None
        self.lines: list[str] = []

    def console(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Call a console command."""
        command = [sys.executable, "-m", "gcg_quant", "--config", "examples/crypto.toml", "--home", str(self.home), *words]
        variables = {**self.environment, **environment}
        return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60, check=False)

    def start(self) -> None:
        """Run the system."""
        command = [sys.executable, "-u", "-m", "gcg_quant", "--config", "examples/crypto.toml", "--home", str(self.home), "run"]
        self.process = subprocess.Popen(
            [*command, "--one-process"], cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        output = self.process.stdout
        assert output is not None
        self._thread = threading.Thread(target=lambda: self.lines.extend(output), daemon=True)
        self._thread.start()

    def wait(self, until: Callable[[], object], what: str, timeout_s: float = 60) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + timeout_s
        while not until():
            assert time.monotonic() < deadline, f"{what}:\n{''.join(self.lines)}"
            time.sleep(0.1)

    def close(self) -> None:
        """End all."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self._thread.join(5)
            assert self.process.stdout is not None
            self.process.stdout.close()
        self.binance.kill()
        self.okx.kill()


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveRun]:
    """Yield a live run that is not started."""
    made = LiveRun(tmp_path)
    yield made
    made.close()


@pytest.mark.slow
def test_the_gateway_is_tried_without_trading(live: LiveRun) -> None:
    """`gateways test` tells clock, permissions and balance; a wrong key is one line that names the variables; nothing is ordered."""
    found = json.loads(live.console("gateways", "test", "--json").stdout)
    assert (found["gateway"], found["can_trade"], found["cash"]["USDT"], found["open_orders"]) == ("binance", True, 100_000.0, 0)
    assert abs(found["clock_ms"]) < 5_000
    words = live.console("gateways", "test").stdout
    assert "lets the key trade (SPOT)" in words
    assert "Nothing was traded." in words
    wrong = live.console("gateways", "test", GCG_QUANT_CREDENTIALS__BINANCE__API_KEY="another-key")
    assert wrong.returncode == 1
    assert "GCG_QUANT_CREDENTIALS__BINANCE__API_KEY" in wrong.stderr
    assert "another-key" not in wrong.stderr + wrong.stdout
    assert not [call for call in live.binance.state["calls"] if call.startswith("POST /api/v3/order")]


@pytest.mark.slow
def test_the_example_trades_and_survives_both_servers_restarts(live: LiveRun) -> None:
    """Depth and candles of both exchanges, orders through the gateway; after both servers have died and come back, all goes on."""
    live.start()
    live.wait(lambda: any(line.startswith("home: ") for line in live.lines), "the start")
    assert any(line.startswith("LIVE: account binance-1 trades for real: orders go to binance") for line in live.lines)
    with EventBus(live.home / "bus", create=False, read_only=True) as bus, bus.reader(start="begin") as reader:
        seen: list[tuple[str, str]] = []

        def both(kind: str, since: int) -> bool:
            return {venue for name, venue in seen[since:] if name == kind} >= {"binance", "okx"}

        def look(since: int, orders: str) -> bool:
            for event in reader:
                if isinstance(event, Depth | Bar | Fill):
                    seen.append((type(event).__name__, event.venue))
                elif isinstance(event, OrderEvent) and event.status == OrderStatus.ACCEPTED:
                    seen.append(("accepted", event.venue))
            return both("Depth", since) and both("Bar", since) and (orders, "binance") in seen[since:]

        live.wait(lambda: look(0, "accepted"), "market data and orders")
        before = len(seen)
        live.binance.kill()
        live.okx.kill()
        live.binance.start()
        live.okx.start()
        # The next candle may be a whole minute away.
        live.wait(lambda: look(before, "accepted") or _shake(live), "market data and orders after the restart", 120)
    assert live.process is not None
    live.process.send_signal(signal.SIGTERM)
    assert live.process.wait(60) == 0


def _shake(live: LiveRun) -> bool:
    # The market moves by more than the grid is wide, so that the grid is laid anew.
    last = float(live.binance.state["markets"].get("BTC/USDT", {}).get("last") or 60_000)
    live.binance.do("move", symbol="BTC/USDT", price=round(last * 1.002, 2))
    time.sleep(0.5)
    return False
