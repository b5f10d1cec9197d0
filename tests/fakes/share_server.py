"""The process at the other end of a `FakeProcess`: a server on loopback, and the lines that it is told over its standard input."""

from __future__ import annotations

import argparse
import json
import socketserver
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol


class Content(Protocol):
    """What a server shows, and what is to go wrong."""

    def do(self, words: dict[str, Any], /) -> dict[str, Any]:
        """Do what the test says, and return the answer."""
        ...


class ShareServer(socketserver.ThreadingTCPServer):
    """Takes connections on loopback; `content` is what its handlers show."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128
    content: Any

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes in the middle of an answer is no error here."""


def serve(handler: type[socketserver.BaseRequestHandler], make: Callable[[dict[str, Any]], Content]) -> None:
    """Serve what `make` makes of the store until the standard input ends."""
    words = argparse.ArgumentParser()
    words.add_argument("--store", required=True)
    words.add_argument("--port", type=int, default=0)
    chosen = words.parse_args()
    server = ShareServer(("127.0.0.1", chosen.port), handler)
    server.content = make(json.loads(Path(chosen.store).read_text()))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_address[1]}), flush=True)
    for line in sys.stdin:
        print(json.dumps(server.content.do(json.loads(line))), flush=True)
