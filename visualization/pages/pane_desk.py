"""Serves what pages show: series with indicators in panes, and books. One question of a page after the other, beside its commands.

A question that the database takes long to answer keeps only its own page waiting: questions have threads of their own, and a page has
one of them at a time. Of several choices for one pane that wait, only the last is answered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from gcg_quant.errors import GcgQuantError
from gcg_quant.events import ChartConfigEvent

from . import messages
from .commands import BookCommand, IndicatorsCommand, Subscribe, Unsubscribe
from .hub import EVERYBODY, Page
from .line_messages import lines_answer, resolved, unique
from .page_panes import Audience, PagePanes, ShownSeries, audience_topic, book_topic, series_of

if TYPE_CHECKING:
    from ..bridge import WebSocketEventBridge

__all__ = ["PaneCommand", "PaneDesk", "Refresh"]

Answer = TypeVar("Answer")
_AT_ONCE = 8
_MOST_JOBS = 64


class Refresh:
    """The page has taken its `resync`: give it the newest state."""


PaneCommand = Subscribe | Unsubscribe | IndicatorsCommand | BookCommand | Refresh


class PaneDesk:
    """Works through the questions of every page, on the event loop; what blocks is done on threads."""

    def __init__(self, bridge: WebSocketEventBridge) -> None:
        self._bridge = bridge
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="charts")
        self._jobs: dict[Page, deque[PaneCommand]] = {}
        self._workers: dict[Page, asyncio.Task[None]] = {}

    def ask(self, page: Page, command: PaneCommand) -> None:
        """Take a question; one that it makes needless is dropped."""
        jobs = self._jobs.setdefault(page, deque())
        for waiting in [one for one in jobs if _replaces(command, one)]:
            jobs.remove(waiting)
        if len(jobs) >= _MOST_JOBS:
            page.offer(messages.problem(getattr(command, "request", 0), f"The page has {_MOST_JOBS} questions open; wait for an answer."))
            return
        jobs.append(command)
        if page not in self._workers:
            self._workers[page] = asyncio.create_task(self._work(page, jobs))

    async def leave(self, page: Page) -> None:
        """Forget what a page shows, once its question has been answered."""
        jobs = self._jobs.setdefault(page, deque())
        jobs.clear()
        worker = self._workers.get(page)
        if worker is not None:
            await asyncio.wait((worker,))
        del self._jobs[page]
        before, page.panes = page.panes, PagePanes()
        await self._ask(self._leave, before, page.panes)

    async def _work(self, page: Page, jobs: deque[PaneCommand]) -> None:
        try:
            while jobs:
                await self._do(page, jobs.popleft())
        except BaseException:
            page.drop()  # it connects again and asks anew
            raise
        finally:
            del self._workers[page]

    async def _do(self, page: Page, command: PaneCommand) -> None:
        match command:
            case Subscribe():
                await self._subscribe(page, command)
            case IndicatorsCommand():
                await self._choose(page, command)
            case Unsubscribe():
                await self._show(page, page.panes.showing(command.pane, None))
            case BookCommand():
                await self._read(page, command)
            case Refresh():
                page.hold({EVERYBODY})
                texts = await self._ask(self._bridge.newest_messages)
                page.caught_up()
                page.release(*texts, wants=page.panes.topics())

    async def _subscribe(self, page: Page, command: Subscribe) -> None:
        asked = resolved(command.indicators, self._bridge.kinds)
        indicators = unique(asked)
        before, pane = page.panes, command.pane
        empty = before.showing(pane, None)
        after = before.showing(pane, ShownSeries(command.name, command.period, indicators))
        audience = after.audience(pane)
        page.hold({audience_topic(audience), command.name}, empty.topics())
        joining = None if audience in before.audiences() else audience
        charts = self._bridge.charts
        try:
            window = await self._ask(charts.open, command.name, command.period, command.since, indicators, joining)
        except GcgQuantError as error:
            await self._show(page, empty, messages.problem(command.request, str(error)))
            return
        text = await self._ask(self._bridge.history_message, command.name, command.period, command.request, window, pane, asked)
        old = before.shown.get(pane)
        await self._show(page, after, text, joined=joining)
        if old is None or old[:2] != (command.name, command.period):
            symbol, venue = self._bridge.terms_of(command.name)
            event = ChartConfigEvent(client=str(page.number), symbol=symbol, venue=venue, period=command.period)
            await asyncio.to_thread(self._bridge.publish, event, cause=0)

    async def _choose(self, page: Page, command: IndicatorsCommand) -> None:
        before, pane = page.panes, command.pane
        shown = before.shown.get(pane)
        if shown is None:
            page.offer(messages.problem(command.request, f"Pane {pane} shows no series: subscribe first."))
            return
        asked = resolved(command.indicators, self._bridge.kinds)
        indicators = unique(asked)
        after = before.showing(pane, ShownSeries(shown.name, shown.period, indicators))
        audience = after.audience(pane)
        page.hold({audience_topic(audience)}, before.topics())
        joining = None if audience in before.audiences() else audience
        try:
            times, lines = await self._ask(self._bridge.charts.lines, shown.name, shown.period, command.since, indicators, joining)
        except GcgQuantError as error:
            await self._show(page, before, messages.problem(command.request, str(error)))
            return
        series = series_of(shown.name, shown.period)
        text = await self._ask(lines_answer, command.request, pane, series, times, asked, lines)
        await self._show(page, after, text, joined=joining, kept=True)

    async def _read(self, page: Page, command: BookCommand) -> None:
        after = page.panes.reading(command.name)
        if not command.name:
            await self._show(page, after)
            return
        page.hold({book_topic(command.name)})
        try:
            text = await self._ask(self._bridge.book_message, command.name)
        except GcgQuantError as error:
            await self._show(page, page.panes.reading(""), messages.problem(0, str(error)))
            return
        again = command.name == page.panes.book
        await self._show(page, after, text)
        if again:
            await self._ask(self._bridge.charts.unread, command.name)

    async def _show(self, page: Page, after: PagePanes, *texts: str, joined: Audience | None = None, kept: bool = False) -> None:
        # Who begins to get something joins before the page wants it, and leaves after it has ceased to: nothing falls in between.
        before = page.panes
        await self._ask(self._join, before, after, joined)
        page.panes = after
        page.release(*texts, wants=after.topics())
        await self._ask(self._leave, before, after, kept)

    def _join(self, before: PagePanes, after: PagePanes, joined: Audience | None) -> None:
        for audience in after.audiences() - before.audiences() - {joined}:
            self._bridge.charts.join(audience)

    def _leave(self, before: PagePanes, after: PagePanes, kept: bool = False) -> None:
        # `kept`: other indicators of the same series, which goes on being watched.
        charts = self._bridge.charts
        for audience in before.audiences() - after.audiences():
            charts.leave(audience)
        for pane, shown in before.shown.items():
            if not kept and after.shown.get(pane) is not shown:
                charts.close(shown.name, shown.period)
        if before.book and before.book != after.book:
            charts.unread(before.book)

    async def _ask(self, function: Callable[..., Answer], *values: object) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *values)


def _replaces(command: PaneCommand, waiting: PaneCommand) -> bool:
    match command:
        case Subscribe() | Unsubscribe():
            return isinstance(waiting, Subscribe | Unsubscribe | IndicatorsCommand) and waiting.pane == command.pane
        case IndicatorsCommand():
            return isinstance(waiting, IndicatorsCommand) and waiting.pane == command.pane
        case _:
            return type(waiting) is type(command)
