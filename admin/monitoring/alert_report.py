"""Alerts as console and REST show them, and saying that one has been seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from gcg_quant.bus import EventBus
from gcg_quant.errors import ComponentError, NotRunningError
from gcg_quant.events import AlertAcknowledgeEvent, Lane

from .alerts import Alert, AlertBook

__all__ = ["acknowledge"]

Ask = Callable[[Callable[[AlertBook], Any]], Any]
_ANSWER_S = 3.0


def acknowledge(bus: EventBus, number: int, origin: str, ask: Ask) -> Alert:
    """Say that a person has seen an alert, and return it once the book says so, too.

    Args:
        number: of the alert, as it is shown.
        origin: who says so, as people read it.
        ask: asks the book as it is now.

    Raises:
        ComponentError: there is no such alert. NotRunningError: the book did not take it.
    """
    alert: Alert | None = ask(lambda book: book.alerts.get(number))
    if alert is None:
        raise ComponentError(f"There is no alert {number}: `alerts` lists them.", alert=number)
    if not alert.acknowledged_ns:
        bus.publish(AlertAcknowledgeEvent(alert=(int(Lane.LOG) << 60) | number, origin=origin))
        deadline = time.monotonic() + _ANSWER_S
        while not ask(lambda book: number not in book.alerts or book.alerts[number].acknowledged_ns):
            if time.monotonic() > deadline:
                raise NotRunningError(f"Nobody took note that alert {number} was seen: look at `status`.")
            time.sleep(0.02)
    seen: Alert = ask(lambda book: book.alerts.get(number)) or alert
    return seen
