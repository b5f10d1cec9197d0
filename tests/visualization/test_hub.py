"""The hub: queues of pages, topics, held messages, pages that cannot keep up."""

from __future__ import annotations

import asyncio
import threading

from gcg_quant.visualization.pages.hub import EVERYBODY, Hub, Page, Parcel


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
    async with asyncio.timeout(60):
        while len(sent) < count:
            await asyncio.sleep(0.005)
    pump.cancel()


def test_pages_get_the_topics_they_want() -> None:
    """A message goes to everybody, or only to pages that want its topic."""

    async def scenario() -> None:
        hub = Hub()
        hub.attach()
        (first, got_first), (second, got_second) = collecting(hub), collecting(hub)
        first.hold(["X"])
        first.release("hello", wants=["X"])
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
        page.hold(["X"])
        hub._deliver([Parcel("X", "update"), Parcel(EVERYBODY, "quote")])
        page.release("snapshot", wants=["X"])
        await settle(page, 3, sent)
        assert sent == ["quote", "snapshot", "update"]

    run(scenario)


def test_new_page_misses_nothing_while_it_is_greeted() -> None:
    """All that happens during the greeting follows it."""

    async def scenario() -> None:
        hub = Hub()
        page, sent = collecting(hub)
        page.hold([EVERYBODY])
        hub._deliver([Parcel(EVERYBODY, "row")])
        page.release("hello")
        await settle(page, 2, sent)
        assert sent == ["hello", "row"]

    run(scenario)


def test_what_is_shown_elsewhere_goes_there_meanwhile() -> None:
    """A topic that another pane shows goes on while it is held for a new one, and comes again after the snapshot."""

    async def scenario() -> None:
        hub = Hub()
        page, sent = collecting(hub)
        page.release("first", wants=["X"])
        page.hold(["X", "Y"], elsewhere=["X"])
        hub._deliver([Parcel("X", "x"), Parcel("Y", "y")])
        page.release("second", wants=["X", "Y"])
        await settle(page, 5, sent)
        assert sent == ["first", "x", "second", "x", "y"]

    run(scenario)


def test_page_that_takes_nothing_gets_the_newest_state_and_others_go_on() -> None:
    """What waits for it is forgotten; once its line takes something it is told to ask anew, and another page gets everything."""

    async def scenario() -> None:
        hub = Hub()
        hub.attach()
        gate, got = asyncio.Event(), list[str]()

        async def send(text: str) -> None:
            await gate.wait()
            got.append(text)

        slow, asked = hub.add(send), list[bool]()
        slow.taken = lambda: asked.append(slow.behind)
        pump = asyncio.create_task(slow.pump())
        quick, sent = collecting(hub)
        for at in range(2_500):
            hub._deliver([Parcel(EVERYBODY, str(at))])
            if at % 100 == 0:
                await settle(quick, at + 1, sent)
        assert len(sent) > 2_000
        assert not quick.behind
        assert slow.behind
        gate.set()
        await settle(quick, 2_500, sent)
        while not asked:
            await asyncio.sleep(0)
        assert got == ["0", '{"type":"resync"}']  # the first was on its way already
        slow.caught_up()
        slow.release("newest")
        hub._deliver([Parcel(EVERYBODY, "after")])
        while len(got) < 4:
            await asyncio.sleep(0)
        assert got[2:] == ["newest", "after"]
        pump.cancel()

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
        await asyncio.wait_for(page.pump(), 60)

    asyncio.run(scenario())
    hub.post([Parcel(EVERYBODY, "nobody hears this")])
    hub.detach()
    hub.post([Parcel(EVERYBODY, "nor this")])
