"""The desk where pages are served: their commands onto the bus; what they show is in `pane_desk`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from gcg_quant.errors import GcgQuantError
from gcg_quant.events import Applied, ColdEvent, StrategyControlEvent, SubscribeEvent
from gcg_quant.kill_switch import check_kill_file, kill_change

from . import messages
from .commands import ConfigChange, KillCommand, Ping, StrategyCommand, SymbolCommand, parse_command
from .hub import EVERYBODY, Page
from .pane_desk import PaneDesk, Refresh

if TYPE_CHECKING:
    from ..bridge import WebSocketEventBridge

__all__ = ["Desk"]

_ANSWER_S = 10.0


class Desk:
    """Serves pages on the event loop; what blocks (database, bus, the bridge's lock) is done on other threads."""

    def __init__(self, bridge: WebSocketEventBridge) -> None:
        self._bridge = bridge
        self._panes = PaneDesk(bridge)
        self._asked: dict[int, tuple[int, int, float]] = {}  # control event -> page, its request, until when

    async def enter(self, send: Callable[[str], Awaitable[None]]) -> Page:
        """Take a new page in and greet it; nothing that happens meanwhile passes it by."""
        page = self._bridge.hub.add(send)
        page.taken = lambda: self._panes.ask(page, Refresh())
        page.hold({EVERYBODY})
        try:
            page.release(await asyncio.to_thread(self._bridge.greeting, page.number))
        except BaseException:
            self._bridge.hub.remove(page)
            raise
        return page

    async def leave(self, page: Page) -> None:
        """Forget a page and what it watched."""
        self._bridge.hub.remove(page)
        await self._panes.leave(page)

    async def receive(self, page: Page, text: str) -> None:
        """Do what a page's message asks for; a bad one is answered by a problem."""
        try:
            command = parse_command(text)
        except GcgQuantError as error:
            page.offer(messages.problem(0, str(error)))
            return
        match command:
            case Ping():
                page.offer(messages.encode({"type": "pong", "sent": command.sent}))
            case StrategyCommand():
                event = StrategyControlEvent(action=command.action, strategy=command.strategy)
                await asyncio.to_thread(self._control, page.number, command.request, event)
            case KillCommand():
                await self._kill(page, command)
            case SymbolCommand():
                await asyncio.to_thread(self._symbol, page, command)
            case ConfigChange():
                await self._configure(page, command)
            case _:
                self._panes.ask(page, command)

    def applied(self, event: Applied) -> None:
        """Tell the page that asked what became of its command. For the bridge's thread, under its lock."""
        asked = self._asked.pop(event.control, None)
        if asked is not None:
            self._bridge.hub.post_to(asked[0], messages.answer(asked[1], event.ok, event.detail))

    def expire(self, now_s: float) -> None:
        """Answer the commands that nobody took. For the bridge's thread, under its lock."""
        for control, (page, request, until_s) in list(self._asked.items()):
            if now_s > until_s:
                del self._asked[control]
                text = f"nobody answered within {_ANSWER_S:g} s; look at `python -m gcg_quant status`"
                self._bridge.hub.post_to(page, messages.answer(request, False, text))

    async def _configure(self, page: Page, command: ConfigChange) -> None:
        try:
            await asyncio.to_thread(self._bridge.change_config, command.patch, str(page.number))
        except GcgQuantError as error:
            page.offer(messages.problem(0, str(error)))

    async def _kill(self, page: Page, command: KillCommand) -> None:
        try:
            check_kill_file(self._bridge.settings.home, command.on)
        except GcgQuantError as error:
            page.offer(messages.answer(command.request, False, str(error)))
            return
        await asyncio.to_thread(self._control, page.number, command.request, kill_change(command.on, "page"))

    def _symbol(self, page: Page, command: SymbolCommand) -> None:
        symbol, _, venue = command.name.rpartition("@") if "@" in command.name else (command.name, "", "")
        users = self._bridge.users_of(command.name) if command.action == "remove" else []
        if users:
            text = f"{command.name} is still collected: {', '.join(users)} needs it"
            self._bridge.hub.post_to(page.number, messages.answer(command.request, True, text))
            return
        event = SubscribeEvent(symbol=symbol, venue=venue, subscribe=command.action == "add")
        try:
            self._control(page.number, command.request, event)
        except GcgQuantError as error:
            self._bridge.hub.post_to(page.number, messages.answer(command.request, False, str(error)))

    def _control(self, page: int, request: int, event: ColdEvent) -> None:
        with self._bridge.markets.lock:  # the answer is not looked at before the question is written down
            control = self._bridge.publish(event, cause=0)
            self._asked[control] = (page, request, time.monotonic() + _ANSWER_S)
