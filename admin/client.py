"""A client of a running system: commands go onto the bus, and are answered by the events they caused."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from gcg_quant.bus import EventBus
from gcg_quant.errors import GcgQuantError, NotRunningError, StrategyError
from gcg_quant.events import Applied, ColdEvent, StrategyControlEvent

from .home import Home

__all__ = ["Client", "send"]


def send(bus: EventBus, event: ColdEvent, *, timeout_s: float = 10.0, refused: type[GcgQuantError] = StrategyError) -> Applied:
    """Publish a control event and return the `Applied` event of whoever acted on it.

    Raises:
        NotRunningError: nobody answered within `timeout_s` seconds.
        StrategyError: it was refused (or another error, if `refused` names one); the message says why.
    """
    with bus.reader(events=[Applied], start="end") as reader:
        control = bus.publish(event)
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            answer = reader.read(left)
            if isinstance(answer, Applied) and answer.control == control:
                if not answer.ok:
                    raise refused(answer.detail)
                return answer
    raise NotRunningError(f"Nobody answered the command within {timeout_s:g} s: look at `python -m gcg_quant status`.")


class Client:
    """A connection to the bus of the system that runs on a home folder.

    Raises:
        NotRunningError: no system runs there.
    """

    def __init__(self, home: Home, *, source: str = "console") -> None:
        home.require_running()
        self.bus = EventBus(home.bus, source=source, create=False)

    def control(self, event: StrategyControlEvent) -> Applied:
        """Send a strategy command and return its answer."""
        return send(self.bus, event)

    def close(self) -> None:
        """Release the bus."""
        self.bus.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
