"""Commands of REST: what nobody answers is a 504, what is refused a 409, what makes no sense a 422."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from fastapi import HTTPException

from gcg_quant.bus import EventBus
from gcg_quant.errors import GcgQuantError, NotRunningError, SettingsError
from gcg_quant.events import Applied, ColdEvent

from ..client import send
from ..monitor import Monitor

__all__ = ["ORIGIN", "command", "done"]

ORIGIN = "REST interface"  # as what events name who asked
Done = TypeVar("Done")


def command(bus: EventBus, event: ColdEvent) -> Applied:
    """Publish a control event and return the answer to it.

    Raises:
        HTTPException: 504 if nobody answered, 409 if it was refused.
    """
    try:
        return send(bus, event)
    except NotRunningError as error:
        raise HTTPException(504, str(error)) from error
    except GcgQuantError as error:
        raise HTTPException(409, str(error)) from error


def done(monitor: Monitor, act: Callable[[], Done]) -> Done:
    """Act, and let the monitor catch up, so that whoever asks after the answer sees what was done, also if it was refused.

    Raises:
        HTTPException: 504 if nobody answered, 422 for a setting that makes no sense, 409 for what was refused.
    """
    try:
        result = act()
    except NotRunningError as error:
        raise HTTPException(504, str(error)) from error
    except GcgQuantError as error:
        monitor.catch_up()
        raise HTTPException(422 if isinstance(error, SettingsError) else 409, str(error)) from error
    monitor.catch_up()
    return result
