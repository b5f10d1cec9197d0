"""A replay whose process is killed, again and again: in the end every record is on the journal once, in its order."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from gcg_quant.bus import EventBus
from gcg_quant.events import Lane, Tick, World

TICKS = 400
PLAYER = """
import sys
from pathlib import Path
import numpy as np
from gcg_quant.bus import EventBus
from gcg_quant.data_collector.replay import ReplayCollector, ReplayPart
from gcg_quant.events import StrategyStatusEvent, Tick, World
from gcg_quant.history import MemoryHistory

rows = np.zeros(400, Tick.dtype)
rows["event_ns"] = 1_700_000_000_000_000_000 + np.arange(400) // 3 * 1_000_000_000
rows["ordinal"] = np.arange(400) % 3
rows["last_price"] = np.arange(400)
store = MemoryHistory()
store.add_ticks("IF2101", "CFFEX", rows)
with EventBus(Path(sys.argv[1]), world=World.PAPER, page_mb=1) as bus:
    strategies = bus.reader("strategies")
    bus.publish(StrategyStatusEvent(strategy="one", state="running"))
    collector = ReplayCollector([ReplayPart("IF2101", "CFFEX", "tick", None, None)], store, followers=(), pause_ms=0.0)
    collector.start(bus, threaded=False)
    while not collector.finished.is_set():
        collector.read_batch()
    collector.stop()
"""


def test_killed_replay_plays_every_record_once(tmp_path: Path) -> None:
    """Killed whenever some more ticks are on the bus, between two records of a moment as well."""
    path, chance, kills = tmp_path / "bus", random.Random(7), 0
    with EventBus(path, world=World.PAPER, page_mb=1) as bus:
        deadline = time.monotonic() + 200
        while True:
            assert time.monotonic() < deadline, f"not at the end after {kills} kills"
            wanted = bus.head(Lane.MARKET) + chance.randrange(1, 120)
            player = subprocess.Popen([sys.executable, "-c", PLAYER, str(path)], stdout=subprocess.DEVNULL)
            while player.poll() is None and bus.head(Lane.MARKET) < wanted:
                time.sleep(0.0002)
            if player.poll() is not None:
                break
            player.kill()
            player.wait()
            kills += 1
        assert player.returncode == 0
        with bus.reader(start="begin", events=[Tick]) as reader:
            prices = [tick.last_price for tick in reader if isinstance(tick, Tick)]
    assert prices == [float(number) for number in range(TICKS)]
    assert kills >= 2
