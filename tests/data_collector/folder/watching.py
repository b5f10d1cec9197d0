"""A folder collector that takes its time, for ten minutes at most: python watching.py HOME FOLDER [SECONDS]."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from gcg_quant.bus import EventBus
from gcg_quant.data_collector.folder import FolderCollector
from gcg_quant.data_collector.folder import collector as module
from gcg_quant.data_collector.folder.options import FolderOptions


class Slow(FolderCollector):
    """Takes its time around each batch."""

    def take_array(self, array: Any) -> None:
        """Publish."""
        time.sleep(0.02)
        super().take_array(array)
        time.sleep(0.02)


if __name__ == "__main__":
    module._BLOCK = 200 if len(sys.argv) < 4 else 5_000
    with EventBus(Path(sys.argv[1]) / "bus", source="watching") as bus:
        options = FolderOptions(folder=Path(sys.argv[2]), start="begin", file={"timezone": "UTC"})
        one = Slow("files", "V", options=options)
        one.start(bus)
        time.sleep(float(sys.argv[3]) if len(sys.argv) > 3 else 600.0)
