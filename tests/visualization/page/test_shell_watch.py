"""The watch list, the search and the depth, in a real browser."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_SECOND, now_ns
from gcg_quant.events import Applied, Depth, StrategyStatusEvent, SubscribeEvent, Tick
from gcg_quant.visualization.server import AppServer

from .watched import Open, Watched

pytestmark = pytest.mark.browser
NAMES = "[...document.querySelectorAll('#watch-rows li')].map((row) => row.dataset.name).join(' ')"


def row(name: str) -> str:
    """Return the selector of a row of the watch list."""
    return f"#watch-rows li[data-name='{name}']"


def add(page: Watched, typed: str) -> None:
    """Add a symbol as a reader does: the list's +, its name, Enter."""
    page.page.click("#watch-add")
    page.page.keyboard.type(typed)
    page.page.keyboard.press("Enter")


def wait_known(page: Watched, symbol: str) -> None:
    """Wait until the search knows a symbol as an instrument, and close it."""
    deadline = time.monotonic() + 30
    while page.page.evaluate("document.querySelector('#search-results li .muted')?.textContent") != "SIM":
        assert time.monotonic() < deadline, f"the search does not know {symbol}"
        page.page.fill("#search-box", "")
        page.page.fill("#search-box", symbol)
        page.page.wait_for_timeout(50)
    page.page.keyboard.press("Escape")


def test_symbols_are_added_removed_and_ordered(market: Any, bus: EventBus, server: AppServer, open_page: Open) -> None:
    """A new symbol is asked of the collectors and shown when it is there; a refusal stands in its row; the order is kept, on every page."""
    for symbol, price in (("BTC/USDT", 100.0), ("ETH/USDT", 50.0), ("EUR/USD", 1.1)):
        market.tick(price, symbol=symbol)
    page, other = open_page(server), open_page(server)
    with bus.reader(events=[SubscribeEvent]) as reader:
        add(page, "SOL/USDT")
        page.wait_text(row("SOL/USDT@SIM"), "asking the collectors")
        asked = reader.read(30.0)
        assert isinstance(asked, SubscribeEvent)
        assert (asked.symbol, asked.venue, asked.subscribe) == ("SOL/USDT", "SIM", True)
        for price in (20.0, 20.5):
            bus.publish(Tick(symbol="SOL/USDT", venue="SIM", event_ns=now_ns(), last_price=price))
        bus.publish(Applied(control=asked.id, component="simulated", ok=True, detail="SOL/USDT is traded from now on"))
        page.wait_text(row("SOL/USDT@SIM"), "20.50")
        page.wait_text(".legend h2", "SOL/USDT")
        add(page, "NOPE@SIM")
        refused = reader.read(30.0)
        assert isinstance(refused, SubscribeEvent)
        wait_known(page, "NOPE")  # the question has given it a number, but that is no reason to show it
        assert "SOL/USDT" in page.page.text_content(".legend h2")
        bus.publish(Applied(control=refused.id, component="simulated", ok=False, detail="SIM has no symbol NOPE."))
        page.wait_text(row("NOPE@SIM"), "SIM has no symbol NOPE.")
        other.wait_text(row("NOPE@SIM"), "no data yet")
        page.page.focus(row("SOL/USDT@SIM"))
        page.page.keyboard.press("Alt+ArrowUp")
        page.page.hover(row("NOPE@SIM"))
        page.page.click(f"{row('NOPE@SIM')} .remove")
        given_up = reader.read(30.0)
    assert isinstance(given_up, SubscribeEvent)
    assert (given_up.symbol, given_up.subscribe) == ("NOPE", False)
    wanted = "BTC/USDT@SIM ETH/USDT@SIM SOL/USDT@SIM EUR/USD@SIM"
    page.wait(f"{NAMES} === '{wanted}'")
    other.wait(f"{NAMES} === '{wanted}'")
    page.page.drag_and_drop(row("EUR/USD@SIM"), row("BTC/USDT@SIM"))
    page.page.reload()
    page.wait(f"{NAMES} === 'EUR/USD@SIM BTC/USDT@SIM ETH/USDT@SIM SOL/USDT@SIM'")
    page.wait_text(".legend h2", "SOL/USDT")


def test_a_symbol_in_use_is_still_collected(market: Any, bus: EventBus, server: AppServer, open_page: Open) -> None:
    """What a running strategy needs leaves the list, and the collectors are not asked to give it up."""
    market.tick(100.0)
    market.tick(50.0, symbol="ETH/USDT")
    bus.publish(StrategyStatusEvent(strategy="grid", state="running", symbols=["ETH/USDT"]))
    page = open_page(server)
    page.wait_text("#drawer", "grid")
    with bus.reader(events=[SubscribeEvent]) as reader:
        page.page.focus(row("ETH/USDT@SIM"))
        page.page.keyboard.press("Delete")
        page.wait(f"!{NAMES}.includes('ETH')")
        page.page.focus(row("EUR/USD@SIM"))
        page.page.keyboard.press("Delete")
        page.wait(f"!{NAMES}.includes('EUR')")
        asked = reader.read(30.0)
        assert isinstance(asked, SubscribeEvent)
        assert asked.symbol == "EUR/USD"


def test_every_action_is_a_command_of_the_search(market: Any, server: AppServer, open_page: Open) -> None:
    """The box finds periods, styles, tabs, themes and what opens dialogs; Enter does it, and the box is empty again."""
    market.past(5)
    market.tick(100.0)
    page = open_page(server)

    def command(typed: str) -> None:
        page.page.keyboard.press("/")
        page.page.keyboard.type(typed)
        page.page.wait_for_selector("#search-results [role=option][aria-selected=true]")
        page.page.keyboard.press("Enter")

    command("period 5m")
    page.wait("document.querySelector('#periods [aria-checked=true]').textContent === '5m'")
    command("style: line")
    page.wait_text("#chart-style", "Line")
    command("tables: fills")
    page.wait("document.getElementById('tab-fills').getAttribute('aria-selected') === 'true'")
    command("theme: light")
    page.wait("document.documentElement.dataset.theme === 'light'")
    command("settings of")
    page.wait("document.querySelector('dialog[open]')")
    page.page.keyboard.press("Escape")
    page.wait("!document.querySelector('dialog[open]')")
    command("kill switch")
    page.wait("document.getElementById('kill-question').contains(document.activeElement)")
    page.page.keyboard.press("Escape")
    assert page.page.input_value("#search-box") == ""


def test_depth_has_ten_levels_with_sums_and_grows_old(market: Any, bus: EventBus, server: AppServer, open_page: Open) -> None:
    """Ten levels a side, the best ones at the middle; the pointer adds them up; what is old is greyed and says its age."""
    steps = [0.5 * level for level in range(10)]
    book = {"bid_prices": tuple(99.5 - step for step in steps), "ask_prices": tuple(100.5 + step for step in steps)}
    sizes = {"bid_sizes": (1.0, *[2.0] * 9), "ask_sizes": (1.0, *[3.0] * 9)}
    market.past(3)
    market.tick(100.0, at_ns=now_ns())
    bus.publish(Depth(symbol="BTC/USDT", venue="SIM", event_ns=now_ns(), **book, **sizes))
    page = open_page(server, viewport={"width": 1440, "height": 900})
    page.wait("document.querySelectorAll('#asks .level:not([hidden])').length === 10")
    assert page.text("#asks .level:first-child").split() == ["100.50", "1.0000"]
    assert page.text("#bids .level:first-child").split() == ["99.50", "1.0000"]
    page.page.hover("#asks .level:nth-child(3)")
    page.wait_text("#tick-size", "Σ 7 @ 101.14")
    page.page.hover("#tape")
    page.wait_text("#spread", "spread 1.00")
    prices = [float(text) for text in page.page.locator("#asks .level span:nth-child(2)").all_inner_texts()]
    assert prices == sorted(prices)
    market.tick(50.0, symbol="ETH/USDT", at_ns=now_ns() - 60 * NS_PER_SECOND)
    page.page.click(row("ETH/USDT@SIM"))
    page.wait("document.getElementById('book').dataset.state === 'stale'")
    page.wait_text("#tick-size", "last tick")
