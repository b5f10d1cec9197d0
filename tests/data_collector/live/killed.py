"""A collector that fills in history until it is killed: python killed.py BUS PORT. It prints each piece that it asks for."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from tiny import TinyCollector

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_DAY


class Told(TinyCollector):
    """Prints what it asks for, and takes its time."""

    def past(self, symbol: str, what: str, start_ns: int, end_ns: int) -> Any:
        """Return what the tiny venue keeps."""
        print(start_ns, end_ns, flush=True)
        time.sleep(0.02)
        return super().past(symbol, what, start_ns, end_ns)


if __name__ == "__main__":
    with EventBus(sys.argv[1], source="killed") as bus:
        collector = Told("tiny", url=f"tiny://127.0.0.1:{sys.argv[2]}", symbols=["A"], history_ns=10 * NS_PER_DAY)
        collector.start(bus)
        while collector.manners.status().history != 1.0:
            time.sleep(0.05)
        collector.stop()
