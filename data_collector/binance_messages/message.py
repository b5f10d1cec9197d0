"""What Binance's streams say: trades, changes of the book, best quotes, summaries, and snapshots asked for beside them."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

__all__ = [
    "BestQuote",
    "BookUpdate",
    "Candle",
    "DayTicker",
    "FundingRate",
    "Id",
    "Level",
    "Message",
    "Milliseconds",
    "Snapshot",
    "StreamMessage",
    "Trade",
]

Level: TypeAlias = tuple[float, float]  # price, size
# What a record has room for; a number beyond it is no time and no id.
Milliseconds: TypeAlias = Annotated[int, msgspec.Meta(ge=-1, le=9_000_000_000_000)]
Id: TypeAlias = Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)]


class Trade(msgspec.Struct, frozen=True, gc=False):
    """One trade, or one order's trades at one price together; `buyer_rested`: the buyer's order was in the book, the seller took it."""

    line: int
    symbol: str
    local_ns: int
    event_ns: int
    number: int
    price: float
    size: float
    buyer_rested: bool


class BookUpdate(msgspec.Struct, frozen=True):
    """New sizes of price levels, 0: the level is gone; `first_id` to `last_id` are the changes that it sums up."""

    line: int
    symbol: str
    local_ns: int
    event_ns: int
    first_id: int
    last_id: int
    previous_id: int  # the last_id of the update before, if the stream tells it, else -1
    bids: list[Level]
    asks: list[Level]

    def follows(self, last_id: int) -> bool:
        """Return whether nothing is missing between a book as of `last_id` and this."""
        return self.previous_id == last_id or self.first_id <= last_id + 1


class BestQuote(msgspec.Struct, frozen=True, gc=False):
    """The best bid and ask; spot streams tell no time (-1)."""

    line: int
    symbol: str
    local_ns: int
    event_ns: int
    number: int
    bid: Level
    ask: Level


class Snapshot(msgspec.Struct, frozen=True):
    """The whole book as of `last_id`; it tells neither symbol nor time."""

    line: int
    local_ns: int
    last_id: int
    bids: list[Level]
    asks: list[Level]


class DayTicker(msgspec.Struct, frozen=True, gc=False):
    """A summary of the last 24 hours, of which `volume` and `turnover` are totals; futures tell no best quote (NaN)."""

    symbol: str
    local_ns: int
    event_ns: int
    last: float
    last_size: float
    bid: Level
    ask: Level
    open: float
    high: float
    low: float
    volume: float
    turnover: float


class Candle(msgspec.Struct, frozen=True, gc=False):
    """A bar that the venue makes; `finished` says whether it will change no more. `end_ns` is when the next one begins."""

    symbol: str
    local_ns: int
    period: str
    start_ns: int
    end_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float
    count: int
    finished: bool


class FundingRate(msgspec.Struct, frozen=True, gc=False):
    """The funding rate of a perpetual contract, when it is paid next, and the price at which it is (NaN where it is not told)."""

    symbol: str
    local_ns: int
    event_ns: int
    rate: float
    next_ns: int
    mark_price: float


Message: TypeAlias = Trade | BookUpdate | BestQuote | Snapshot
StreamMessage: TypeAlias = Message | DayTicker | Candle | FundingRate
