"""The memory of a run over a journal: whether it stays flat, however long the journal is.

    python -m measures.hft_memory [--ticks 10000000] [--rounds 10] [--steps 10]     from the folder benchmarks

Writes a journal of ticks into a temporary folder (216 bytes a tick, removed at the end) and runs a strategy over it, `rounds` times in one
process: 100 million ticks by default, of which the disk never holds more than 10 million. Prints the resident size in steps, split into
anonymous memory, which only grows, and pages of files, which the kernel counts while they are mapped. A regression, a line that climbs,
means that pages behind the run are kept, or that something is noted for each tick. It does not show the kernel's own cache of the files.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from gcg_quant.backtest import hft
from gcg_quant.bus import EventBus
from gcg_quant.events import Tick, World
from gcg_quant.instruments import Instrument

BATCH = 50_000


class Watcher(hft.Strategy):
    """Looks at each tick and does nothing."""

    seen = 0

    def on_tick(self, tick: hft.Tick) -> None:
        """Count it."""
        self.seen += 1


def write_journal(folder: Path, count: int) -> None:
    """Write a journal of so many ticks, in batches."""
    with EventBus(folder, world=World.PAPER, source="benchmark", sync="none") as bus:
        number = bus.instruments.add(Instrument(symbol="X", venue="Y", tick_size=0.01))
        rows = np.repeat(np.frombuffer(bytes(memoryview(Tick())), f"V{Tick.dtype.itemsize}"), BATCH).view(Tick.dtype)
        rows["instrument"], rows["bid_price"], rows["ask_price"], rows["bid_size"], rows["ask_size"] = number, 10.0, 10.01, 5.0, 5.0
        for begin in range(0, count, BATCH):
            part = rows[: min(BATCH, count - begin)]
            part["event_ns"] = 1_700_000_000_000_000_000 + (begin + np.arange(len(part))) * 1_000_000
            bus.publish_batch(part)


def resident_mb() -> tuple[float, float]:
    """Return this process's resident memory in MB: anonymous, and pages of files."""
    lines = Path("/proc/self/status").read_text().splitlines()
    values = {name: float(rest.split()[0]) / 1024 for name, rest in (line.split(":", 1) for line in lines if line.startswith("Rss"))}
    return values["RssAnon"], values["RssFile"] + values["RssShmem"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=10_000_000, help="in the journal")
    parser.add_argument("--rounds", type=int, default=10, help="runs over it")
    parser.add_argument("--steps", type=int, default=10, help="lines a run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        journal = Path(folder) / "bus"
        write_journal(journal, options.ticks)
        print(f"a journal of {options.ticks:,} ticks, {sum(one.stat().st_size for one in journal.rglob('*.page')) / 1e9:.2f} GB")
        engine = hft.Engine()
        engine.add_data(journal)
        engine.add_strategy(Watcher())
        done = 0
        for _ in range(options.rounds):
            for _ in range(options.steps):
                done += engine.step(-(-options.ticks // options.steps))
                anonymous, files = resident_mb()
                print(f"{done:12,} ticks   anonymous {anonymous:7.1f} MB   files {files:7.1f} MB", flush=True)
            engine.reset()


if __name__ == "__main__":
    main()
