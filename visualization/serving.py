"""Serving a web app: uvicorn on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING

from gcg_quant.errors import ComponentError

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

__all__ = ["AppServer", "serve"]

_START_S = 10.0
_MOST_HEADER_BYTES = 32_768  # of a request's line and headers
_MOST_CONNECTIONS = 1_000  # beyond them 503 is answered


class AppServer:
    """A web app behind an address, served on a thread; made by `serve`."""

    def __init__(self, app: FastAPI, host: str = "127.0.0.1", port: int = 8000) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.port = port

    @property
    def url(self) -> str:
        """Where the page is, as a browser on this machine opens it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(self._host, self._host)
        return f"http://{host}:{self.port}"

    def start(self) -> None:
        """Listen and serve; port 0 takes a free one, `port` says which.

        Raises:
            ComponentError: the address is taken or not ours, or the app did not start.
        """
        import uvicorn

        listener = self._listen()
        self.port = int(listener.getsockname()[1])
        config = uvicorn.Config(
            self._app,
            log_config=None,
            access_log=False,
            lifespan="on",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            ws_max_size=524_288,
            server_header=False,
            http="h11",
            h11_max_incomplete_event_size=_MOST_HEADER_BYTES,
            limit_concurrency=_MOST_CONNECTIONS,
            proxy_headers=False,  # the guard believes the proxies that the settings name, and no others
            timeout_graceful_shutdown=1,
        )
        self._server = server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, args=(server, listener), name="web server", daemon=True)
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(_START_S / 0.01)):
            if server.started or not self._thread.is_alive():
                break
            waited.wait(0.01)
        if not server.started:
            raise ComponentError(f"The web server at {self.url} did not start; its reason is in the log.", url=self.url)

    def stop(self, timeout_s: float = 3.0) -> bool:
        """Close every connection and end the thread; return whether it ended within `timeout_s` seconds."""
        if self._server is None or self._thread is None:
            return True
        self._server.should_exit = True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._port))
        except OSError as error:
            listener.close()
            raise ComponentError(
                f"The web server cannot listen on {self._host}:{self._port}: {error.strerror or error}; "
                "stop what uses that port or set another one: [web] port.",
                host=self._host,
                port=self._port,
            ) from error
        return listener

    def _run(self, server: uvicorn.Server, listener: socket.socket) -> None:
        with contextlib.closing(listener):
            asyncio.run(server.serve(sockets=[listener]))


def serve(app: FastAPI, host: str = "127.0.0.1", port: int = 8000) -> AppServer:
    """Start serving an app on a thread and return its server, whose `url` says where and whose `stop()` ends it.

    Raises:
        ComponentError: the address is taken or not ours.
    """
    server = AppServer(app, host, port)
    server.start()
    return server
