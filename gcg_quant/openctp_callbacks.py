"""The library's callbacks as plain messages: what they say is copied before the library takes its structs back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

from gcg_quant.openctp_errors import error_of
from gcg_quant.openctp_values import Fields, copied

__all__ = ["Message", "forwarding", "guarded"]


class Message(NamedTuple):
    """A callback: its name, the struct's fields, the error, the request it answers, whether it is the last one of it."""

    name: str
    fields: Fields | None = None
    error: int = 0
    words: str = ""
    request: int = 0
    last: bool = True


def forwarding(name: str, put: Callable[[Message], None]) -> Callable[..., None]:
    """Return a callback that puts a message; nothing of a struct leaves it, since the library takes that back.

    An exception in it would end the process: what cannot be read is put as an error.
    """

    def forward(spi: Any, *arguments: Any) -> None:
        try:
            put(_message(name, arguments))
        except Exception as error:
            put(Message(name, error=-1, words=f"a message that cannot be read: {type(error).__name__}: {error}"))

    return forward


def _message(name: str, arguments: tuple[Any, ...]) -> Message:
    structs = [copied(one) for one in arguments if not isinstance(one, int)]
    plain = [one for one in arguments if isinstance(one, int)]
    fields = info = None
    if name == "OnRspError":
        info = structs[0] if structs else None
    else:
        fields = structs[0] if structs else None
        info = structs[1] if len(structs) > 1 else None
    error, words = error_of(info)
    request = int(plain[0]) if plain else 0
    return Message(name, fields, error, words, request, bool(plain[1]) if len(plain) > 1 else True)


def guarded(name: str, act: Callable[[Any], None], failed: Callable[[str, Exception], None]) -> Callable[[Any, Any], None]:
    """Return a callback that gives the struct itself to `act`; an exception goes to `failed`, and not to the library."""

    def call(spi: Any, struct: Any) -> None:
        try:
            act(struct)
        except Exception as error:  # it must not reach the library
            with contextlib.suppress(Exception):
                failed(name, error)

    return call
