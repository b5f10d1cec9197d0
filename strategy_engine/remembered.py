"""A bounded memory of what was seen: the newest entries are known, the oldest are forgotten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator
from typing import Generic, TypeVar

__all__ = ["Remembered"]

Key = TypeVar("Key", bound=Hashable)


class Remembered(Generic[Key]):
    """A set that holds at most `limit` keys and drops the oldest one for a new one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._keys: OrderedDict[Key, None] = OrderedDict()  # of a plain dict the oldest key is found ever more slowly

    def add(self, key: Key) -> bool:
        """Remember a key; return whether it is new."""
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > self._limit:
            self._keys.popitem(last=False)
        return True

    def update(self, keys: Iterable[Key]) -> None:
        """Remember keys, oldest first."""
        for key in keys:
            self.add(key)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __len__(self) -> int:
        return len(self._keys)
