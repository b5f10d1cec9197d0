"""A folder collector until it is killed: python watching.py HOME FOLDER. With `slowly` it rests between announcing and publishing."""

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
    module._BLOCK = 200
    with EventBus(Path(sys.argv[1]) / "bus", source="watching") as bus:
        options = FolderOptions(folder=Path(sys.argv[2]), start="begin", file={"timezone": "UTC"})
        one = Slow("files", "V", options=options)
        one.start(bus)
        time.sleep(600)
