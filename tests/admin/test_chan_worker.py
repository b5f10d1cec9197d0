"""The worker of docs/hosts.md: Chan analysis of many symbols in a second home, fed over a real redis-server, its signals coming back."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.crossing import crossing_types
from gcg_quant.data_storage.bridge import BridgeReceiver, BridgeSender, RedisBridge
from gcg_quant.events import Bar, SignalEvent, World, from_array
from gcg_quant.instruments import preset
from gcg_quant.strategy_engine.chan.calls import ChanCalls, ChanRules

from ..data_storage.redis_server import RedisServer
from .conftest import ROOT, System

PAGE = (ROOT / "docs/hosts.md").read_text()
SYMBOLS = [f"S{number:02}" for number in range(20)]
MINUTES = 500


def minutes(seed: int) -> list[Bar]:
    """Return minute bars that swing, of one symbol."""
    rng = np.random.default_rng(seed)
    closes = (100 + np.cumsum(rng.normal(0, 0.4, MINUTES))).round(2)
    rows = np.zeros(MINUTES, Bar.dtype)
    rows["start_ns"] = 1_700_000_040_000_000_000 + 60_000_000_000 * np.arange(MINUTES)
    rows["event_ns"] = rows["start_ns"] + 60_000_000_000
    rows["close"], rows["open"] = closes, np.concatenate([closes[:1], closes[:-1]])
    rows["high"], rows["low"] = np.maximum(rows["open"], closes) + 0.2, np.minimum(rows["open"], closes) - 0.2
    rows["volume"], rows["period"] = 100.0, b"1m"
    return from_array(rows, SYMBOLS[seed], "SIM")


@pytest.mark.slow
def test_signals_of_a_worker_are_those_of_an_analysis_here(tmp_path: Path) -> None:
    """Twenty symbols' bars go out, and each point comes back as a signal, once, in order, as if found here."""
    text = next(text for name, text in re.findall(r"`(\w+\.toml)`.*?^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE) if "chan" in name)
    with RedisServer(tmp_path, tcp=True) as server:
        (tmp_path / "chan_worker.toml").write_text(text.replace("redis://127.0.0.1:6379/0", server.tcp_url))
        with EventBus(tmp_path / "near", world=World.PAPER, source="near", page_mb=1, sync="none") as bus:
            for symbol in SYMBOLS:
                bus.instruments.add(preset("us", symbol, "SIM", calendar="24/7"))
            parts = [
                BridgeReceiver(RedisBridge("chan", server.tcp_url), types=crossing_types(["SignalEvent"])),
                BridgeSender(RedisBridge("prices", server.tcp_url), types=crossing_types(["Bar", "InstrumentEvent", "GapEvent"])),
            ]
            for part in parts:
                part.start(bus)
            worker = System(tmp_path / "worker", "--one-process", "--config", "chan_worker.toml", cwd=tmp_path)
            try:
                series = [minutes(seed) for seed in range(len(SYMBOLS))]
                for together in zip(*series, strict=True):
                    bus.publish_many(list(together))
                expected = {}
                for symbol, bars in zip(SYMBOLS, series, strict=True):
                    calls = ChanCalls(ChanRules())
                    found = [call for bar in bars for call in calls.update(bar)]
                    expected[symbol] = [(call.kind, call.side, call.time_ns, call.price) for call in found]
                total = sum(map(len, expected.values()))
                assert total > 40
                deadline = time.monotonic() + 90.0
                with bus.reader(start="begin", events=[SignalEvent]) as reader:
                    came: list[SignalEvent] = []
                    while len(came) < total:
                        came += [one for one in reader.read_many(1000, 0.2) if isinstance(one, SignalEvent)]
                        assert time.monotonic() < deadline, (len(came), total, worker.output)
            finally:
                worker.close()
                for part in parts:
                    part.stop()
            assert {one.source for one in came} == {"strategies@chan"}
            seen: dict[str, list[object]] = {symbol: [] for symbol in SYMBOLS}
            for one in came:
                seen[one.symbol].append((one.name, one.direction, one.data["time_ns"], one.price))
            assert seen == expected
