"""Weeks of candles go past a page in seconds, and it keeps no more of them than it may."""

from __future__ import annotations

from typing import Any

import pytest

from gcg_quant.clock import NS_PER_MINUTE, NS_PER_SECOND
from gcg_quant.visualization.server import AppServer

from .heap import Heap, Held
from .watched import Open, spacing

pytestmark = [pytest.mark.browser, pytest.mark.slow]
KEPT, PAGE = 20_000, 1_000  # bars that a pane keeps, and how many more it takes before it drops the oldest
# As if the page had been open for two weeks already.
FILL = f"""(() => {{
  const {{ view }} = document.querySelector(".pane");
  const [oldest] = view.bars[0];
  const older = Array.from({{ length: {KEPT} }}, (_, back) => [oldest - ({KEPT} - back) * 60, 100, 101, 99, 100, 5]);
  view.prepended(view.feed.series.prepend(older, []));
  for (let at = 0; at < 1900; at += 1) {{
    const marker = {{ key: `old ${{at}}`, kind: "fill", side: "buy", event: "#1", price: 100, quantity: 1 }};
    view.feed.markers.set(marker.key, {{ ...marker, time_ms: (oldest - at * 60) * 1000 }});
  }}
}})()"""
BATCH = 500  # minutes at once: the server has the newest 600 in memory


def test_old_candles_leave_the_page(market: Any, server: AppServer, open_page: Open) -> None:
    """Beyond 20,000 bars and 2,000 fills the oldest leave, none is missing, and the heap grows no further; the view stays where it was."""
    market.past(30)
    market.tick(100.0)
    page = open_page(server)
    page.page.evaluate(FILL)
    heap = Heap(page.page)
    full: list[Held] = []
    minute = 0

    def go_on() -> int:
        nonlocal minute
        for _ in range(BATCH):
            minute += 1
            market.tick(100.0 + minute % 17, at_ns=market.minute_ns + minute * NS_PER_MINUTE)
            if minute % 10 == 0:
                market.fill(100.0 + minute % 17)
        return int(market.minute_ns + minute * NS_PER_MINUTE) // NS_PER_SECOND

    for batch in range(9):
        page.wait_pane(f"view.bars.at(-1)[0] === {go_on()}")
        if batch >= 3:
            full.append(heap.measure())
    page.wait_pane("view.chart.live")  # it has followed, although so many came at once
    bars = page.bars()
    assert spacing(bars) == {60}
    assert KEPT <= len(bars) <= KEPT + PAGE + BATCH
    assert page.pane("view.feed.markers.size") == 2_000
    # 1,500 minutes more would be 1.5 MB, as are the bars between two cuts.
    assert min(one.heap for one in full[3:]) < min(one.heap for one in full[:3]) + 400_000, full  # a measure may come just before a cut
    assert max(one.heap for one in full) < min(one.heap for one in full) + 16_000_000
    assert {one.listeners for one in full} == {full[0].listeners}
    assert max(one.nodes for one in full) - min(one.nodes for one in full) < 30

    page.page.evaluate("document.querySelector('.pane').view.plots.show({ from: 0, to: 200 })")
    for _ in range(3):
        go_on()
        page.page.wait_for_timeout(300)
    page.wait_pane("!view.feed.live")  # the newest have left
    bars = page.bars()
    assert spacing(bars) == {60}
    assert len(bars) == KEPT
    assert page.pane("view.chart.visible.from") <= bars[200][0]
    page.page.click(".to-live")
    page.wait_pane(f"view.feed.live && view.chart.live && view.bars.at(-1)[0] === {go_on()}")
