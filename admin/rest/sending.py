"""Commands of REST onto the bus: what nobody answers is a 504, what is refused a 409."""

from __future__ import annotations

from fastapi import HTTPException

from gcg_quant.bus import EventBus
from gcg_quant.errors import GcgQuantError, NotRunningError
from gcg_quant.events import Applied, ColdEvent

from ..client import send

__all__ = ["command"]


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
