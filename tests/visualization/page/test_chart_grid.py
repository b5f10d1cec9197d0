"""One to four charts in a real browser: shapes, the active one, linked pointer and time, kept layouts."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gcg_quant.visualization.server import AppServer

from .watched import Open, Watched

pytestmark = pytest.mark.browser

READY = "document.querySelectorAll('.pane[data-state=ready]').length"


def shape(page: Watched, name: str) -> None:
    """Choose a shape of the grid."""
    page.page.click("#layout-open")
    page.page.click(f".layout-picker [data-value='{name}']")
    page.page.keyboard.press("Escape")


def time_in_view(page: Watched, number: int) -> list[float]:
    """Return the seconds from and to which a pane shows."""
    time: list[float] = page.pane("(t => [t.from, t.to])(view.view.time)", number)
    return time


def test_grid_of_charts_with_one_active(market: Any, long_server: AppServer, open_page: Open) -> None:
    """A shape adds charts of other instruments; click, Alt and digit, and focus make one active; watch list and depth follow it."""
    page = open_page(long_server)
    for name, count in (("2h", 2), ("3", 3), ("4", 4), ("2v", 2)):
        shape(page, name)
        assert page.page.locator(".pane").count() == count
        page.wait(f"{READY} >= 2")
    assert page.text(".pane >> nth=1 >> h2") == "ETH/USDT"
    assert page.page.locator(".pane.active").get_attribute("data-pane") == "0"
    page.page.keyboard.press("Alt+2")
    page.wait("document.querySelector('.pane.active').dataset.pane === '1'")
    assert page.page.get_attribute("#watch-rows li[data-name='ETH/USDT@SIM']", "aria-selected") == "true"
    market.tick(55.5, symbol="ETH/USDT")
    page.wait_text("#middle-price", "55.5")
    page.page.click("#periods button:text-is('5m')")
    page.wait_pane("view.drawn === '5m' && view.bars.length > 100 && view.bars.every(bar => bar[0] % 300 === 0)", 1)
    assert page.pane("view.period") == "1m"
    page.page.locator(".plot.main").first.click(position={"x": 80, "y": 60})
    page.wait("document.querySelector('.pane.active').dataset.pane === '0'")
    page.page.keyboard.press("Alt+2")
    shape(page, "1")
    assert page.page.locator(".pane").count() == 1
    page.wait_text(".legend h2", "ETH/USDT")  # the active one stays


def test_linked_charts_share_pointer_and_time(long_server: AppServer, open_page: Open) -> None:
    """Where one chart is zoomed and scrolled the other follows by time, whatever its period; unlinked it stays."""
    page = open_page(long_server)
    shape(page, "2h")
    page.wait(f"{READY} === 2")
    page.page.keyboard.press("Alt+2")
    page.page.click("#periods button:text-is('5m')")
    page.wait_pane("view.drawn === '5m' && node.dataset.state === 'ready'", 1)
    box = page.page.locator(".plot.main").first.bounding_box()
    page.page.mouse.move(box["x"] + 120, box["y"] + 100)
    for _ in range(5):
        page.page.mouse.wheel(0, 500)
    page.page.mouse.wheel(-300, 0)
    close = (
        "(a => (b => Math.abs(a.from - b.from) < 60 && Math.abs(a.to - b.to) < 60)(document.querySelectorAll('.pane')[1].view.view.time))"
    )
    page.wait_pane(f"{close}(view.view.time) && view.view.time.to < view.bars.at(-1)[0] + 400")
    page.page.mouse.move(box["x"] + 140, box["y"] + 110)
    legend = page.page.locator(".pane >> nth=1 >> .legend .ohlc >> nth=3")
    page.wait("document.querySelectorAll('.pane')[1].view.studies.at >= 0")
    at = page.pane("view.studies.at", 1)
    assert legend.inner_text().split()[-1] == f"{page.pane(f'view.bars[{at}][4]', 1):.1f}"
    page.page.click("#layout-open")
    page.page.click(".layout-picker .tick input")
    page.page.keyboard.press("Escape")
    before = time_in_view(page, 1)
    page.page.mouse.move(box["x"] + 120, box["y"] + 100)
    page.page.mouse.wheel(-300, 0)
    page.wait_pane(f"view.view.time.from < {before[0] - 300}")
    assert time_in_view(page, 1) == before


def test_layout_is_kept_by_name_and_by_the_server(long_server: AppServer, open_page: Open, until: Any) -> None:
    """A named layout is saved, opened and deleted after one question; a page that comes later shows the same charts."""
    page = open_page(long_server)
    shape(page, "2v")
    page.page.click("#layout-open")
    page.page.fill(".layout-picker input[type=text]", "two")
    page.page.click(".layout-picker .save")
    page.page.click(".layout-picker [data-value='1']")
    assert page.page.locator(".pane").count() == 1
    page.page.click(".layout-picker .open:text-is('two')")
    assert page.page.locator(".pane").count() == 2
    page.wait(f"{READY} === 2")
    until(lambda: httpx.get(f"{long_server.url}/api/v1/charts/config").json()["layout"]["grid"] == "2v", "the layout being kept")
    later = open_page(long_server)
    later.wait("document.querySelectorAll('.pane').length === 2")
    later.page.click("#layout-open")
    later.page.click("[aria-label='Delete the layout two']")
    assert "Delete the layout two?" in later.text(".layout-picker")
    later.page.click(".layout-picker .yes")
    later.wait_text(".layout-picker", "None yet")
    page.page.click("#layout-open")
    page.wait_text(".layout-picker", "None yet")  # on the other page, too
