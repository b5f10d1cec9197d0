"""How large a request may be: whatever is larger is refused before it is held in memory."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.exceptions import HTTPException

from ..problems import problem
from .asgi import App, Message, Receive, Scope, Send

__all__ = ["BodyLimit"]

MOST_BYTES = 1 << 20


class BodyLimit:
    """ASGI middleware: 413 for a body of more than `MOST_BYTES`, or than what `larger` allows below a path."""

    def __init__(self, app: App, larger: Mapping[str, int] | None = None) -> None:
        self._app = app
        self._larger = dict(larger or {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, and count what comes of its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = next((size for path, size in self._larger.items() if scope["path"].startswith(path)), MOST_BYTES)
        told = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if told.isdigit() and int(told) > most:
            await problem(413, _sentence(most))(scope, receive, send)
            return
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:
                raise HTTPException(413, _sentence(most))
            return message

        await self._app(scope, counted, send)


def _sentence(most: int) -> str:
    return f"The body of a request here may have {most:,} bytes at most; send less."
