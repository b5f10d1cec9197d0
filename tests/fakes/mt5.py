"""A machine with a MetaTrader 5 terminal: a classic rpyc server that has a fake package MetaTrader5, as a process of its own.

    python tests/fakes/mt5.py --ticks FILE [--port 0] [--more 1000] [--zone Europe/Athens --ahead 0] [--suffix .r] [--without]

It prints {"port": ...} when it is there. The server is the one that siliconmetatrader5 and mt5linux start on Windows: rpyc's ThreadedServer
of its SlaveService.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

from rpyc.core import SlaveService
from rpyc.utils.server import ThreadedServer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # it is run as a file, too

from fakes.mt5_terminal import FakeTerminal


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description="A fake MetaTrader 5 behind rpyc.")
    parser.add_argument("--ticks", required=True, help="file with the ticks of EURUSD: time (UTC), bid, ask")
    parser.add_argument("--port", type=int, default=0, help="0 = a free one")
    parser.add_argument("--zone", default="America/New_York", help="whose clock the server's follows")
    parser.add_argument("--ahead", type=int, default=7, help="so many hours ahead")
    parser.add_argument("--more", type=int, default=0, help="so many more symbols")
    parser.add_argument("--suffix", default="", help="what stands behind EURUSD")
    parser.add_argument("--without", action="store_true", help="there is no package MetaTrader5")
    parser.add_argument("--parent", type=int, default=0, help="the process without which this one ends; 0 = none")
    arguments = parser.parse_args()
    terminal: Any = FakeTerminal(arguments.ticks, arguments.zone, arguments.ahead, arguments.more, arguments.suffix)
    sys.modules["MetaTrader5"] = None if arguments.without else terminal  # type: ignore[assignment]
    server = ThreadedServer(SlaveService, hostname="127.0.0.1", port=arguments.port, reuse_addr=True)
    if arguments.parent:
        threading.Thread(target=_end_with, args=[arguments.parent], daemon=True).start()
    server._listen()
    print(json.dumps({"port": server.port}), flush=True)
    server.start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


if __name__ == "__main__":
    main()
