"""How long the main thread of a page works for each frame, from a trace of Chromium.

A frame is counted from one beginning of an `AnimationFrame` to the next; its work is the time of all tasks of the renderer's main thread
that lie in between: messages that came in, scripts, style, layout and paint. What other threads and processes do (decoding, compositing,
drawing the pixels) is not in it, and neither is waiting. On a machine that has other work the thread is often pushed aside while it works:
the time on the processor says what the page costs, the time on the clock what its reader sees then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import numpy as np

__all__ = ["CHROMIUM", "FrameTimes", "frame_times", "opened", "traced"]

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
_CATEGORIES = "toplevel,devtools.timeline,disabled-by-default-devtools.timeline,blink.user_timing,__metadata"
_FRAMES = {("AnimationFrame", "b"), ("BeginMainThreadFrame", "I")}  # of newer and of older Chromium
_TASKS = {"RunTask", "ThreadControllerImpl::RunTask"}


class FrameTimes(NamedTuple):
    """Milliseconds of main-thread work a frame: median, 95th percentile, most; how many frames; the share of the time at work."""

    p50: float
    p95: float
    most: float
    frames: int
    busy: float


@contextmanager
def opened(url: str, *, width: int = 1440, height: int = 900, executable: str = CHROMIUM) -> Iterator[Any]:
    """Open a page in a Chromium of its own and close both at the end. Raises what Playwright raises if there is no Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        try:
            page = browser.new_context(viewport={"width": width, "height": height}).new_page()
            page.goto(url)
            yield page
        finally:
            browser.close()


def traced(page: Any, seconds: float, during: Callable[[], None] | None = None) -> list[dict[str, Any]]:
    """Return the events of a trace of `seconds` of a page; `during` is called once the trace runs."""
    session = page.context.new_cdp_session(page)
    events: list[dict[str, Any]] = []
    done: list[bool] = []
    session.on("Tracing.dataCollected", lambda part: events.extend(part["value"]))
    session.on("Tracing.tracingComplete", lambda _: done.append(True))
    config = {"includedCategories": _CATEGORIES.split(","), "recordMode": "recordContinuously"}
    session.send("Tracing.start", {"traceConfig": config, "transferMode": "ReportEvents"})
    if during is not None:
        during()
    page.wait_for_timeout(seconds * 1_000)
    session.send("Tracing.end")
    while not done:
        page.wait_for_timeout(50)
    session.detach()
    return events


def frame_times(events: list[dict[str, Any]], clock: Literal["processor", "wall"] = "processor") -> FrameTimes:
    """Return what a trace says of the frames of its busiest renderer, in time on the processor or on the clock.

    Raises:
        ValueError: the trace has no two frames.
    """
    thread = _main_thread(events)
    own = [one for one in events if (one["pid"], one["tid"]) == thread]
    starts = np.array(sorted(one["ts"] for one in own if (one["name"], one["ph"]) in _FRAMES), dtype=np.float64)
    if len(starts) < 2:
        raise ValueError("The trace has no two frames of a page: it was too short, or the page stood still.")
    tasks = [one for one in own if one["name"] in _TASKS and "dur" in one]
    spans = _outermost(
        [(one["ts"], one["ts"] + one["dur"], one.get("tdur", one["dur"]) if clock == "processor" else one["dur"]) for one in tasks]
    )
    work = np.zeros(len(starts) - 1)
    for begin, end, spent in spans:
        share = min(1.0, spent / (end - begin)) if end > begin else 0.0
        first = max(int(np.searchsorted(starts, begin, "right")) - 1, 0)
        for at in range(first, len(work)):
            if starts[at] >= end:
                break
            work[at] += share * max(0.0, min(end, starts[at + 1]) - max(begin, starts[at]))
    milliseconds = work / 1_000
    busy = float(work.sum() / (starts[-1] - starts[0]))
    median, high, most = (float(np.percentile(milliseconds, rank)) for rank in (50, 95, 100))
    return FrameTimes(median, high, most, len(milliseconds), busy)


def _main_thread(events: list[dict[str, Any]]) -> tuple[int, int]:
    # Of several renderers (a spare one is always there) that with most frames.
    frames: dict[tuple[int, int], int] = {}
    for one in events:
        if (one["name"], one["ph"]) in _FRAMES:
            key = one["pid"], one["tid"]
            frames[key] = frames.get(key, 0) + 1
    if not frames:
        raise ValueError("The trace has no frames: no page was drawn while it ran.")
    return max(frames, key=lambda key: frames[key])


def _outermost(spans: list[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    # Begin, end and time spent of tasks. A task may run others within itself; only the outer one counts.
    outer: list[tuple[float, float, float]] = []
    for span in sorted(spans, key=lambda one: (one[0], -one[1])):
        if not outer or span[0] >= outer[-1][1]:
            outer.append(span)
    return outer
