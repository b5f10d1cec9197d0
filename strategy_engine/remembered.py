"""A bounded memory of what was seen: the newest entries are known, the oldest are forgotten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Generic, TypeVar

__all__ = ["Remembered"]

_TRIES = 64  # needed keys that are passed over at once; the next key goes on with the others
Key = TypeVar("Key", bound=Hashable)


class Remembered(Generic[Key]):
    """A set that holds at most `limit` keys and drops the oldest one for a new one.

    Args:
        limit: the most keys.
        needed: says of a key that must not be dropped; such keys become the newest when it is their turn, and more than `limit` of them
            are all kept.

    Attributes:
        seen: the keys, oldest first; to look at.
    """

    def __init__(self, limit: int, needed: Callable[[Key], bool] | None = None) -> None:
        self._limit = limit
        self._needed = needed
        self.seen: OrderedDict[Key, None] = OrderedDict()  # of a plain dict the oldest key is found ever more slowly

    def add(self, key: Key) -> bool:
        """Remember a key; return whether it is new."""
        if key in self.seen:
            return False
        self.seen[key] = None
        if len(self.seen) > self._limit:
            self._drop_oldest()
        return True

    def _drop_oldest(self) -> None:
        for _ in range(_TRIES):
            oldest = next(iter(self.seen))
            if self._needed is None or not self._needed(oldest):
                del self.seen[oldest]
                return
            self.seen.move_to_end(oldest)

    def update(self, keys: Iterable[Key]) -> None:
        """Remember keys, oldest first."""
        for key in keys:
            self.add(key)

    def __iter__(self) -> Iterator[Key]:
        return iter(self.seen)

    def __contains__(self, key: object) -> bool:
        return key in self.seen

    def __len__(self) -> int:
        return len(self.seen)
