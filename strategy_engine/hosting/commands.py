"""Commands to strategies: what a `StrategyControlEvent` asks for is done and answered; so is what a restart has planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gcg_quant.errors import GcgQuantError, StrategyError, nearest
from gcg_quant.events import Applied, Lane, StrategyControlEvent

from ..strategy.session import StrategyState
from .restart import PlannedLoad
from .roster import LoadRequest, Roster
from .start_list import StartList

if TYPE_CHECKING:
    from gcg_quant.component import Component

    from .recovery import Past

__all__ = ["ACTIONS", "Commands"]

ACTIONS = ("load", "run", "start", "stop", "unload", "reload", "set_parameters")


class Commands:
    """Acts on the roster of a strategy manager, on its thread.

    Args:
        manager: publishes the answers, and logs.
        roster: the strategies.
        waiting: those that start when their instruments are known.
    """

    def __init__(self, manager: Component, roster: Roster, waiting: StartList) -> None:
        self._manager = manager
        self._roster = roster
        self._waiting = waiting

    def handle(self, event: StrategyControlEvent, now_ns: int) -> None:
        """Do what a command says and answer it."""
        try:
            detail = self._act(event, now_ns)
        except Exception as error:
            self.answer(event.id, False, str(error))
            if not isinstance(error, GcgQuantError):
                raise
            self._manager.log(f"{event.action} {event.strategy or event.file}: {error}", level="error", about=event.id)
            return
        self.answer(event.id, True, detail)

    def answer_late(self, past: Past) -> None:
        """Answer the commands that nobody has answered before a restart: they are not done."""
        for control, event in past.unanswered.items():
            later = [hung.error for name, hung in past.hung.items() if event.strategy in ("", name) and hung.event_id > control]
            why = later[-1] if later else "the strategies' process was starting; send it again."
            self.answer(control, False, f"{event.action} {event.strategy or event.file}: not done, {why}")

    def load(self, planned: PlannedLoad, now_ns: int) -> None:
        """Load what a start or restart has planned; it starts as soon as its instruments are known."""
        request, roster = planned.request, self._roster
        if request is None:
            state = StrategyState.FAILED if planned.error else StrategyState.UNLOADED
            roster.announce_absent(planned.id, state, 0, planned.error)
            return
        try:
            hosted = roster.load(request, planned.origin)
        except GcgQuantError as error:
            self._manager.log(f"{planned.id} was not loaded: {error}", level="error")
            roster.announce_absent(planned.id, StrategyState.FAILED, planned.origin, str(error))
            return
        hosted.session.resumed = planned.run
        if planned.error:
            roster.mark_failed(hosted, planned.error, now_ns)
        if request.start:
            self._waiting.add(hosted.id)

    def answer(self, control: int, ok: bool, detail: str) -> None:
        """Say what became of a command, and where: it comes before the events that the manager has not read yet."""
        manager = self._manager
        at = (Lane.MARKET << 60) | manager.reader.cursor.market
        manager.publish(Applied(control=control, component=manager.name, ok=ok, detail=detail, at=at), cause=control)

    # ---- inside

    def _act(self, event: StrategyControlEvent, now_ns: int) -> str:
        roster, name, cause = self._roster, event.strategy, event.id
        match event.action:
            case "load" | "run":
                hosted = roster.load(LoadRequest.of_command(event), cause)
                if event.action == "run":
                    roster.start(hosted.id, cause, now_ns)
                name = hosted.id
            case "start":
                roster.start(name, cause, now_ns)
            case "stop" if self._waiting.remove(name):
                return f"{name}: was still waiting for its instruments and does not start"
            case "stop":
                roster.stop(name, cause, now_ns)
            case "unload":
                roster.unload(name, cause, now_ns)
            case "reload":
                roster.reload(name, cause, now_ns)
            case "set_parameters":
                roster.set_parameters(name, event.parameters, cause, now_ns)
            case _:
                known = ", ".join(ACTIONS)
                raise StrategyError(f"There is no strategy action {event.action!r} (known: {known}).{nearest(event.action, ACTIONS)}")
        return f"{name}: {event.action}"
