"""What becomes of an error while REST finds or does something: 404, 409, 422 or 504, with the sentence of the error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastapi import HTTPException

from gcg_quant.errors import GcgQuantError, NotRunningError

__all__ = ["answered", "found"]

Answer = TypeVar("Answer")


def found(find: Callable[[], Answer]) -> Answer:
    """Return what `find` does; an error of ours is a 404."""
    try:
        return find()
    except GcgQuantError as error:
        raise HTTPException(404, str(error)) from error


def answered(ask: Callable[[], Answer], refused: int = 409) -> Answer:
    """Return what `ask` does; that nobody answered is a 504, any other error of ours the status `refused`."""
    try:
        return ask()
    except NotRunningError as error:
        raise HTTPException(504, str(error)) from error
    except GcgQuantError as error:
        raise HTTPException(refused, str(error)) from error
