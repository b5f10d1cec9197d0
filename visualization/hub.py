"""The pages that are connected: what each wants, and what waits to be sent to it.

Messages are encoded once, by the bridge's thread, and handed to the event loop; there each page has a queue and a task that empties
it. A page whose queue grows too long is dropped, never waited for: it connects again and starts from the newest state.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

__all__ = ["Hub", "Page", "Parcel"]

EVERYBODY = ""
_MOST_WAITING = 2_000
_MOST_BYTES = 8_000_000


class Parcel(NamedTuple):
    """An encoded message and its topic: EVERYBODY, an instrument's name, or a series."""

    topic: str
    text: str


class Page:
    """One connected page. Belongs to the event loop's thread."""

    def __init__(self, number: int, send: Callable[[str], Awaitable[None]]) -> None:
        self.number = number
        self.topics: set[str] = {EVERYBODY}
        self.series: tuple[str, str] | None = None  # the instrument's name and the period it looks at
        self.request = 0
        self.dropped = False
        self._send = send
        self._waiting: deque[str] = deque()
        self._bytes = 0
        self._held: list[Parcel] | None = None
        self._holds_everything = False
        self._more = asyncio.Event()

    def offer(self, text: str) -> None:
        """Queue a message; too many drop the page."""
        self._waiting.append(text)
        self._bytes += len(text)
        if len(self._waiting) > _MOST_WAITING or self._bytes > _MOST_BYTES:
            self.dropped = True
        self._more.set()

    def deliver(self, parcel: Parcel) -> None:
        """Queue a message of a topic, or keep it until the snapshot it continues has been queued."""
        if parcel.topic not in self.topics:
            return
        if self._held is not None and (self._holds_everything or parcel.topic != EVERYBODY):
            self._held.append(parcel)
        else:
            self.offer(parcel.text)

    def hold(self, topics: Iterable[str], *, everything: bool = True) -> None:
        """Want these topics from now on, and keep what comes of them (or everything) back until `release`."""
        self.topics = {EVERYBODY, *topics}
        self._held, self._holds_everything = [], everything

    def drop(self) -> None:
        """End the connection: the page connects again and starts anew."""
        self.dropped = True
        self._more.set()

    def release(self, first: str) -> None:
        """Queue the snapshot, then what was kept back."""
        self.offer(first)
        held, self._held = self._held or [], None
        for parcel in held:
            self.deliver(parcel)

    async def pump(self) -> None:
        """Send what is queued until the page is dropped."""
        while not self.dropped:
            await self._more.wait()
            self._more.clear()
            while self._waiting and not self.dropped:
                text = self._waiting.popleft()
                self._bytes -= len(text)
                await self._send(text)


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
