"""How fast files become events: rows a second of the importer, for each real file of ../shared/data.

    python benchmarks/importer.py [FOLDER]

What it measures: reading, parsing, checking and publishing onto an import bus in a temporary folder (no database). A regression means
that some step has left the vectorised path. It does not show storing, which is slower, nor a cold disk: each file is read twice (once
for its hash), and the median of three runs is shown.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
from pathlib import Path

from gcg_quant.bus import EventBus
from gcg_quant.data_collector import FileImporter, ImportOptions
from gcg_quant.events import World

ZONES = {"stock": "America/New_York", "fx": "UTC", "future": "UTC", "crypto": "UTC"}
RUNS = 3


def measure(path: Path) -> tuple[int, float]:
    """Return (rows, median seconds) of importing one file."""
    zone = "Asia/Shanghai" if "CFFEX" in path.name else ZONES[path.parent.name]
    options = ImportOptions(timezone=zone, stamp="start")
    reports = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder, EventBus(Path(folder) / "bus", world=World.IMPORT, sync="none") as bus:
            reports.append(FileImporter(bus, options).run(path))
    return reports[0].rows, statistics.median(report.seconds for report in reports)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    folder = parser.parse_args().folder
    print(f"{platform.machine()}, Python {platform.python_version()}, median of {RUNS}")
    total_rows, total_seconds = 0, 0.0
    for path in sorted(folder.glob("*/*.csv.gz")):
        rows, seconds = measure(path)
        total_rows, total_seconds = total_rows + rows, total_seconds + seconds
        print(f"{path.parent.name + '/' + path.name:62} {rows:8,} rows {seconds:7.3f} s {rows / seconds:12,.0f} rows/s")
    print(f"{'all':62} {total_rows:8,} rows {total_seconds:7.3f} s {total_rows / total_seconds:12,.0f} rows/s")


if __name__ == "__main__":
    main()
