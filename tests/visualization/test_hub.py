"""The hub: queues of pages, topics, held messages, pages that are too slow."""

from __future__ import annotations

import asyncio
import threading

from gcg_quant.visualization.hub import EVERYBODY, Hub, Page, Parcel


def run(test: object) -> None:
    """Run a coroutine function to its end."""
    asyncio.run(test())  # type: ignore[operator]


def collecting(hub: Hub) -> tuple[Page, list[str]]:
    """Return a page and the list of what is sent to it."""
    sent: list[str] = []

    async def send(text: str) -> None:
        sent.append(text)

    return hub.add(send), sent


async def settle(page: Page, count: int, sent: list[str]) -> None:
    """Let the page send until `count` messages have arrived."""
    pump = asyncio.create_task(page.pump())
    for _ in range(200):
        if len(sent) >= count:
            break
        await asyncio.sleep(0.005)
    pump.cancel()


def test_pages_get_the_topics_they_want() -> None:
    """A message goes to everybody, or only to pages that want its topic."""

    async def scenario() -> None:
        hub = Hub()
        hub.attach()
        (first, got_first), (second, got_second) = collecting(hub), collecting(hub)
        first.hold(["X"])
        first.release("hello")
        hub.post([Parcel(EVERYBODY, "all"), Parcel("X", "x")])
        await settle(first, 3, got_first)
        await settle(second, 1, got_second)
        assert got_first == ["hello", "all", "x"]
        assert got_second == ["all"]

    run(scenario)


def test_snapshot_comes_before_what_happened_meanwhile() -> None:
    """What comes of a topic while its snapshot is made is sent after the snapshot, nothing of it lost."""

    async def scenario() -> None:
        hub = Hub()
        hub.attach()
        page, sent = collecting(hub)
        page.hold(["X"], everything=False)
        hub._deliver([Parcel("X", "update"), Parcel(EVERYBODY, "quote")])
        page.release("snapshot")
        await settle(page, 3, sent)
        assert sent == ["quote", "snapshot", "update"]

    run(scenario)


def test_new_page_misses_nothing_while_it_is_greeted() -> None:
    """All that happens during the greeting follows it."""

    async def scenario() -> None:
        hub = Hub()
        page, sent = collecting(hub)
        page.hold(())
        hub._deliver([Parcel(EVERYBODY, "row")])
        page.release("hello")
        await settle(page, 2, sent)
        assert sent == ["hello", "row"]

    run(scenario)


def test_slow_page_is_dropped_and_others_go_on() -> None:
    """A page that takes nothing is dropped when its queue is too long; another one gets everything."""

    async def scenario() -> None:
        hub = Hub()
        hub.attach()
        slow = hub.add(lambda text: asyncio.sleep(3600))
        quick, sent = collecting(hub)
        for at in range(2_500):
            hub._deliver([Parcel(EVERYBODY, str(at))])
            if at % 100 == 0:
                await settle(quick, at + 1, sent)
        assert slow.dropped
        await asyncio.wait_for(slow.pump(), 1)
        assert not quick.dropped

    run(scenario)


def test_posting_from_another_thread_and_after_the_end_is_safe() -> None:
    """The bridge's thread posts without knowing whether the loop still runs."""
    hub = Hub()

    async def scenario() -> None:
        hub.attach()
        page, sent = collecting(hub)
        poster = threading.Thread(target=lambda: hub.post([Parcel(EVERYBODY, "late")]))
        poster.start()
        await settle(page, 1, sent)
        poster.join()
        hub.post_to(page.number, "you")
        hub.post_to(99, "nobody")
        await settle(page, 2, sent)
        assert sent == ["late", "you"]
        hub.drop_all()
        await asyncio.wait_for(page.pump(), 1)

    asyncio.run(scenario())
    hub.post([Parcel(EVERYBODY, "nobody hears this")])
    hub.detach()
    hub.post([Parcel(EVERYBODY, "nor this")])
