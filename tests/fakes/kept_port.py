"""`KeptPort`: a port of loopback that stays a test's own, also while no server listens there."""

from __future__ import annotations

import socket
import weakref

__all__ = ["KeptPort"]


class KeptPort:
    """Binds a port and never listens: others are refused there, and the system gives it to nobody, until it is closed or forgotten.

    A server that sets SO_REUSEADDR, as all of ours do, may listen on it meanwhile, be killed, and listen again.

    Args:
        number: the port; 0 = a free one.
    """

    def __init__(self, number: int = 0) -> None:
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", number))
        self.number = int(held.getsockname()[1])
        self._end = weakref.finalize(self, held.close)

    def close(self) -> None:
        """Let the port go."""
        self._end()
