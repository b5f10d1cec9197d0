"""An order book that follows a venue's changes: native, of the venue's own numbers, with OKX's checksum over what the venue wrote."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from struct import Struct
from typing import Any, TypeAlias
from zlib import crc32

from gcg_quant import _native

__all__ = ["LEVELS", "OrderBook", "Text", "packed", "unpacked"]

LEVELS = 10
Text: TypeAlias = tuple[str, str, Any, int]  # a level as it came: price and size first
_CHECKED = 25  # levels of each side that OKX's checksum covers
_ALL = 1 << 40
_LEVEL = Struct("=ddq")  # price, size, orders


def packed(levels: Iterable[tuple[float, float, int]]) -> bytes:
    """Return levels - price, size, number of orders - as the bytes that an `OrderBook` takes fastest."""
    return b"".join([_LEVEL.pack(*level) for level in levels])


def unpacked(levels: bytes) -> list[tuple[float, float, int]]:
    """Return the levels that `packed` was given."""
    return list(_LEVEL.iter_unpack(levels))


class OrderBook(_native.LevelBook):
    """Both sides of one symbol's book.

    `replace(bids, asks)` takes a snapshot, `change(bids, asks)` new sizes of prices, 0: the level is gone. Levels are bytes of `packed`, or
    sequences whose first two values are price and size; one that cannot be is a ValueError, and nothing is changed. `moved()` brings
    `shown` (prices and sizes of the best ten bids, then asks, as doubles in bytes; NaN where there is none) and `depth` (their number) up
    to date and returns whether they are others than at the last call. `best(n)` returns the best levels of the bids and of the asks, best
    first. `crossed`: the best bid is at or above the best ask, so changes were lost.
    """

    def __init__(self) -> None:
        self._texts: tuple[dict[float, Text], dict[float, Text]] = ({}, {})  # of bids and asks, how the venue wrote them
        self._most_texts = [1000, 1000]

    @property
    def top(self) -> tuple[list[float], list[float]]:
        """The best ten prices of the bids and of the asks, best first."""
        bids, asks = self.best(LEVELS)
        return [price for price, _ in bids], [price for price, _ in asks]

    def write(self, bids: Iterable[Text], asks: Iterable[Text]) -> None:
        """Keep how the venue wrote levels that have changed."""
        for side, written in enumerate((bids, asks)):
            texts = self._texts[side]
            texts.update((float(text[0]), text) for text in written)
            if len(texts) > self._most_texts[side]:  # of levels that are long gone
                prices = {price for price, _ in self.best(_ALL)[side]}
                for price in texts.keys() - prices:
                    del texts[price]
                self._most_texts[side] = 4 * len(texts) + 1000

    def checksum(self) -> int:
        """Return the CRC32 of the best 25 levels, bid and ask in turn, as a signed number.

        After OKX's API guide, "Order book channel: checksum"; the levels count as the venue wrote them: as plain decimals, without zeros at
        the end, but where `write` has told otherwise.
        """
        bids, asks = ([_text(texts, *level) for level in levels] for texts, levels in zip(self._texts, self.best(_CHECKED), strict=True))
        both = min(len(bids), len(asks))
        parts = [level for pair in zip(bids[:both], asks[:both], strict=True) for level in pair] + bids[both:] + asks[both:]
        unsigned = crc32(":".join(parts).encode())
        return unsigned - (1 << 32) if unsigned >= 1 << 31 else unsigned


def _text(texts: dict[float, Text], price: float, size: float) -> str:
    written = texts.get(price)
    return f"{written[0]}:{written[1]}" if written is not None else f"{_plain(price)}:{_plain(size)}"


def _plain(value: float) -> str:
    text = repr(value)
    return text.removesuffix(".0") if "e" not in text else format(Decimal(text), "f")
