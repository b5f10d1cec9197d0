"""The seconds at both ends of a hole, of which some trades came live and others are in the history alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from gcg_quant.events import TradeTick

from ..blank import RecordArray, picked

__all__ = ["SplitSeconds"]

_KEPT = 32  # seconds of a symbol

_Key = tuple[float, float, bytes, bytes]


class _Place(NamedTuple):
    ordinal: int
    live: bool  # whether it came so; else it was filled in


class _Second:
    # The trades of a second, by what tells them apart.
    def __init__(self, event_ns: int) -> None:
        self.event_ns = event_ns
        self.places: dict[_Key, list[_Place]] = {}
        self.next = 0
        self.filled = False

    def put(self, key: _Key, place: _Place) -> None:
        self.places.setdefault(key, []).append(place)
        self.next = max(self.next, place.ordinal + 1)


class SplitSeconds:
    """Gives the trades of a second the same ordinals, whether they come live or from the history.

    Interactive Brokers stamps trades to a second and numbers none. Live ones are numbered as they come: behind a hole in the middle of a
    second they would have the numbers of those that were missed. Hold `lock` from looking for a place to taking it.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._now: dict[str, _Second] = {}  # the newest second of each symbol
        self._kept: dict[str, dict[int, _Second]] = {}
        self._opening: set[str] = set()  # symbols of which the next second is kept, too

    def split(self, symbol: str) -> None:
        """Keep the newest second of a symbol, and the one of its next trade: there is a hole between them."""
        self._opening.add(symbol)
        if (now := self._now.get(symbol)) is not None:
            self._keep(symbol, now)

    def placed(self, trade: TradeTick) -> TradeTick:
        """Return a trade that comes live with the ordinal that it has, if its second was filled in before."""
        second = self._kept.get(trade.symbol, {}).get(trade.event_ns)
        if second is None or not second.filled:
            return trade
        places = second.places.get(_key(trade), [])
        known = next((at for at, place in enumerate(places) if not place.live), None)
        ordinal = places.pop(known).ordinal if known is not None else second.next
        return trade.replace(ordinal=ordinal)

    def add(self, trade: TradeTick) -> None:
        """Take note of a trade that was published live."""
        symbol, now = trade.symbol, self._now.get(trade.symbol)
        if now is None or now.event_ns != trade.event_ns:
            kept = self._kept.get(symbol, {}).get(trade.event_ns)
            now = self._now[symbol] = kept if kept is not None else _Second(trade.event_ns)
            if symbol in self._opening:
                self._opening.discard(symbol)
                self._keep(symbol, now)
        now.put(_key(trade), _Place(trade.ordinal, live=True))

    def number(self, symbol: str, rows: RecordArray) -> RecordArray:
        """Return trades of the history, whole seconds of them, with the ordinals that they have or would have had live."""
        kept = self._kept.get(symbol, {})
        for event_ns in np.unique(rows["event_ns"]).tolist() if kept else ():
            second = kept.get(event_ns)
            if second is not None:
                second.filled = True
                mine = np.flatnonzero(rows["event_ns"] == event_ns)
                rows["ordinal"][mine] = list(_ordinals(second, [_key_of(rows[at]) for at in mine.tolist()]))
        return picked(rows, np.lexsort((rows["ordinal"], rows["event_ns"])))

    def _keep(self, symbol: str, second: _Second) -> None:
        kept = self._kept.setdefault(symbol, {})
        kept[second.event_ns] = second
        while len(kept) > _KEPT:
            del kept[min(kept)]


def _ordinals(second: _Second, keys: list[_Key]) -> Iterator[int]:
    # Those that are known come first to their numbers; the others get the ones behind.
    left = {key: sorted(place.ordinal for place in places) for key, places in second.places.items()}
    for key in keys:
        if known := left.get(key):
            yield known.pop(0)
        else:
            ordinal = second.next
            second.put(key, _Place(ordinal, live=False))
            yield ordinal


def _key(trade: TradeTick) -> _Key:
    return trade.price, trade.size, trade.exchange.encode(), trade.condition.encode()


def _key_of(row: np.void) -> _Key:
    return float(row["price"]), float(row["size"]), bytes(row["exchange"]), bytes(row["condition"])
