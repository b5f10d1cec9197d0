"""Interactive Brokers' numbered notices and errors, in plain sentences (TWS API, "Message Codes")."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .ib_contract import HK, US

__all__ = ["DOWN", "NO_BOOK", "NO_SINGLE_TRADES", "RESET_BOOK", "RESTORED", "RESTORED_ANEW", "UP", "concerned", "sentence"]

LOST, RESTORED_ANEW, RESTORED = 1100, 1101, 1102
BROKEN = 2110  # between TWS and the server; TWS tries by itself
DOWN = (LOST, BROKEN, 2103)  # nothing comes until a notice says so
UP = (2104, 2106, 2107, 2108, 2158)  # a farm is connected, or not needed now
RESET_BOOK = 317
NO_BOOK = (200, 309, 316, 354, 420)
NO_SINGLE_TRADES = (200, 354, 420)
_FARMS = {"hfarm": HK, "hkfarm": HK, "usfarm": US}

_SENTENCES = {
    101: "the market data lines of the account are used up: fewer symbols, or a larger options.lines if the account has more",
    309: "the account's books are used up",
    354: 'not subscribed to its market data: subscribe in the Client Portal, or set options.market_data = "delayed"',
    420: "asked too often",
    1100: "TWS has lost its server; no data until it is back",
    1101: "TWS has its server back, and has lost the subscriptions: they are made anew",
    1102: "TWS has its server back, and kept the subscriptions",
    2103: "a market data farm is down",
    2105: "a farm for history is down",
    2110: "TWS has lost its server and is trying to get it back; no data until then",
    10_089: 'its market data needs a subscription for programs: subscribe in the Client Portal, or set options.market_data = "delayed"',
    10_168: 'not subscribed, and delayed data is not asked for: set options.market_data = "delayed"',
    10_186: 'not subscribed, and delayed data is not there: set options.market_data = "delayed"',
    10_190: "the account's single trades are used up",
    10_197: "another session of the same user receives the market data: log out there",
}


def sentence(code: int, text: str) -> str:
    """Return what a notice means, with IB's own words and its number."""
    own = _SENTENCES.get(code)
    head = text.replace("\n", " ")[:200]
    return f"{own} ({code}: {head})" if own else f"{head} ({code})"


def concerned(text: str, symbols: Sequence[str], venue_of: Callable[[str], str]) -> list[str]:
    """Return the symbols that a notice about a farm concerns: those of its market, all if it names none that is known."""
    farm = text.rpartition(":")[2].strip().lower() if ":" in text else ""
    venue = next((venue for head, venue in _FARMS.items() if farm.startswith(head)), None)
    return [symbol for symbol in symbols if venue is None or venue_of(symbol) == venue]
