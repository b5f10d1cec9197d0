"""What a process of its own does with one of the libraries; run by test_openctp_library.py. Prints a line for each step.

python openctp_alone.py KIND HOME STEP [PORT]
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gcg_quant.errors import GcgQuantError
from gcg_quant.openctp_front import Front, flow_folder
from gcg_quant.openctp_library import load_library


def say(*words: object) -> None:
    """Print a line at once."""
    print(*words, flush=True)


def until(condition: Callable[[], Any]) -> Any:
    """Wait for a condition."""
    deadline = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < deadline, "the condition did not come about in time"
        time.sleep(0.002)
    return found


def both(home: Path) -> None:
    """Try to load the other one, too."""
    load_library("ctp", home)
    try:
        load_library("tts", home)
    except GcgQuantError as error:
        say(error)


def handshake(kind: str, home: Path, port: int) -> None:
    """Connect to a front that is there, reset, deaf, gone and back, as its commands on stdin say; the connections are counted."""
    library = load_library(kind, home)
    front = Front(library, "trader", (f"tcp://127.0.0.1:{port}",), flow_folder(home, kind, "alone", "trader"), ("OnRspUserLogin",))
    last = 0
    for line in sys.stdin:
        command = line.strip()
        if command == "wait":
            try:
                number = front.wait(60.0)
                say("connected", number > last)
                last = number
            except GcgQuantError as error:
                say("none:", error)
        elif command == "impatient":
            try:
                front.wait(0.2)
            except GcgQuantError as error:
                say("none:", error)
        elif command == "login":
            struct = front.struct("CThostFtdcReqUserLoginField", BrokerID="9999", UserID="u", Password="p")
            request = front.send("ReqUserLogin", struct)
            try:
                front.expect("OnRspUserLogin", request, 0.2)
            except GcgQuantError as error:
                say(error)
        elif command == "hear":
            try:
                say("heard", front.receive(40.0))
            except GcgQuantError as error:
                say("ended:", error)
        elif command == "cut":
            front.cut("it was silent")
            say("cut")
        elif command == "again":
            front.close()
            front = Front(library, "trader", front.addresses, front.folder, ("OnRspUserLogin",))
            last = 0
            say("closed; threads", threading.active_count() > 0)


def main() -> None:
    """Do one step."""
    kind, home, step = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    if step == "load":
        library = load_library(kind, home)
        struct = library.trader.CThostFtdcOrderField()
        say(library.kind, library.trader.CThostFtdcTraderApi.GetApiVersion() != "", struct.StatusMsg == "")
    elif step == "both":
        both(home)
    else:
        handshake(kind, home, int(sys.argv[4]))


if __name__ == "__main__":
    try:
        main()
    except GcgQuantError as problem:
        say(f"{type(problem).__name__}: {problem}")
        sys.exit(3)
