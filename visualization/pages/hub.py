"""The pages that are connected: what each wants, and what waits to be sent to it.

Messages are encoded once, by the bridge's thread, and handed to the event loop; there each page has a queue and a task that empties
it. A page that cannot keep up is never waited for: what waits for it is thrown away, and it is told to ask for the newest state.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from .page_panes import PagePanes

__all__ = ["EVERYBODY", "Hub", "Page", "Parcel"]

EVERYBODY = ""
_MOST_WAITING = 2_000
_MOST_BYTES = 8_000_000
_RESYNC = '{"type":"resync"}'
_SEND_S = 60.0  # one message that takes longer than this means that nobody reads at the other end


class Parcel(NamedTuple):
    """An encoded message and its topic: EVERYBODY, an instrument's name, a series with its lines, or an instrument's book."""

    topic: str
    text: str


class Page:
    """One connected page. Belongs to the event loop's thread.

    Args:
        number: it is `client` in the page's greeting.
        send: sends one message, and returns when the line has taken it.
    """

    def __init__(self, number: int, send: Callable[[str], Awaitable[None]]) -> None:
        self.number = number
        self.panes = PagePanes()
        self.dropped = False
        self.behind = False  # it has been told to ask anew, and has not got the newest state yet
        self.taken: Callable[[], None] = lambda: None  # called when its line has taken the `resync`
        self._send = send
        self._wants: set[str] = {EVERYBODY}
        self._waiting: deque[str] = deque()
        self._bytes = 0
        self._spared = 0  # bytes of a snapshot, which may be as large as it has to be
        self._held: list[Parcel] | None = None
        self._holding: frozenset[str] = frozenset()
        self._elsewhere: frozenset[str] = frozenset()
        self._more = asyncio.Event()

    def offer(self, text: str) -> None:
        """Queue a message; with too many of them the page has to ask anew."""
        self._waiting.append(text)
        self._bytes += len(text)
        if len(self._waiting) > _MOST_WAITING or self._bytes > _MOST_BYTES + self._spared:
            self.resync()
        self._more.set()

    def resync(self) -> None:
        """Forget what waits, and tell the page to ask for the newest state."""
        self._waiting.clear()
        self._bytes = self._spared = 0
        self._waiting.append(_RESYNC)
        self.behind = True
        self._more.set()

    def deliver(self, parcel: Parcel) -> None:
        """Queue a message of a topic that the page wants, or keep it until the snapshot that it continues has been queued."""
        if self._held is not None and parcel.topic in self._holding:
            self._held.append(parcel)
            if parcel.topic not in self._elsewhere:
                return
        if parcel.topic in self._wants and not self.behind:
            self.offer(parcel.text)

    def hold(self, topics: Iterable[str], elsewhere: Iterable[str] = ()) -> None:
        """Keep what comes of these topics until `release`; what is also shown `elsewhere` on the page goes there meanwhile."""
        self._held, self._holding, self._elsewhere = [], frozenset(topics), frozenset(elsewhere)

    def release(self, *first: str, wants: Iterable[str] = ()) -> None:
        """Queue the snapshot, then what was kept; from now on the page wants `wants`, beside what everybody gets."""
        held, self._held = self._held or [], None
        self._wants = {EVERYBODY, *wants}
        self._spared += sum(map(len, first))
        for text in first:
            self.offer(text)
        for parcel in held:
            self.deliver(parcel)

    def caught_up(self) -> None:
        """The newest state is there: the page gets what it wants again."""
        self.behind = False

    def drop(self) -> None:
        """End the connection: the page connects again and starts anew."""
        self.dropped = True
        self._more.set()

    async def pump(self) -> None:
        """Send what is queued until the page is dropped, or its line takes nothing any more."""
        while not self.dropped:
            await self._more.wait()
            self._more.clear()
            while self._waiting and not self.dropped:
                text = self._waiting.popleft()
                self._bytes -= len(text)
                self._spared = self._spared if self._waiting else 0
                try:
                    async with asyncio.timeout(_SEND_S):
                        await self._send(text)
                except TimeoutError:
                    self.dropped = True
                if text is _RESYNC:
                    self.taken()


class Hub:
    """All connected pages. `post` may be called from any thread once `attach` was; the rest belongs to the event loop."""

    def __init__(self) -> None:
        self.pages: dict[int, Page] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._count = 0

    def attach(self) -> None:
        """Take the running event loop as the one that sends."""
        self._loop = asyncio.get_running_loop()

    def detach(self) -> None:
        """Send nothing more."""
        self._loop = None

    def add(self, send: Callable[[str], Awaitable[None]]) -> Page:
        """Return a new page that sends by `send`."""
        self._count += 1
        page = self.pages[self._count] = Page(self._count, send)
        return page

    def remove(self, page: Page) -> None:
        """Forget a page."""
        self.pages.pop(page.number, None)

    def post(self, parcels: list[Parcel]) -> None:
        """Hand encoded messages to the event loop; without one they are dropped."""
        if parcels:
            self._call(self._deliver, parcels)

    def drop_all(self) -> None:
        """End every connection; from any thread."""
        self._call(self._drop_all)

    def post_to(self, number: int, text: str) -> None:
        """Hand an encoded message for one page to the event loop."""
        self._call(self._offer, number, text)

    def _call(self, function: Callable[..., None], *values: object) -> None:
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed a moment ago: nobody is left to send to
                loop.call_soon_threadsafe(function, *values)

    def _deliver(self, parcels: list[Parcel]) -> None:
        for page in self.pages.values():
            for parcel in parcels:
                page.deliver(parcel)

    def _drop_all(self) -> None:
        for page in self.pages.values():
            page.drop()

    def _offer(self, number: int, text: str) -> None:
        page = self.pages.get(number)
        if page is not None:
            page.offer(text)
