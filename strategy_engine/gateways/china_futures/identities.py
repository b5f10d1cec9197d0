"""Which of our orders is which at the counter: kept in a file, so that a restart in the middle of the day still knows."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

__all__ = ["Identities", "Sent"]

_DAYS_KEPT = 7  # trading days that the file still has orders of


class Sent(NamedTuple):
    """An order as it was sent. `front`, `session` and `reference` are how the counter knows it, on `day` (YYYYMMDD) alone."""

    day: str
    front: int
    session: int
    reference: str
    client_id: str
    symbol: str
    exchange: str

    @property
    def key(self) -> tuple[int, int, str]:
        """What the counter's messages name it by."""
        return (self.front, self.session, self.reference)


class Identities:
    """The orders that were sent, by what the counter and we call them. A line is in the file before its order goes out; any thread.

    Args:
        path: the file, a JSON line an order; one that was cut off by a kill was never sent.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._by_key: dict[tuple[str, int, int, str], Sent] = {}
        self._by_client: dict[str, Sent] = {}
        self._by_system: dict[tuple[str, str, str], Sent] = {}
        self._systems: dict[str, str] = {}
        kept = list(_newest(_read(path)))
        for sent in kept:
            self._note(sent)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(b"".join(msgspec.json.encode(sent) + b"\n" for sent in kept))
        fresh.chmod(0o600)
        fresh.replace(path)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND)

    def add(self, sent: Sent) -> None:
        """Write down an order that is about to be sent."""
        with self._lock:
            os.write(self._file, msgspec.json.encode(sent) + b"\n")
            self._note(sent)

    def find(self, client_id: str) -> Sent | None:
        """Return an order as it was sent last."""
        return self._by_client.get(client_id)

    def of(self, day: str, front: int, session: int, reference: str) -> Sent | None:
        """Return the order that the counter names so on a trading day; None if it is not ours."""
        return self._by_key.get((day, front, session, reference.strip()))

    def learn_system_id(self, sent: Sent, exchange: str, system_id: str) -> None:
        """Take note of how an exchange calls an order: trades and refused cancellations name nothing else."""
        with self._lock:
            self._by_system[sent.day, exchange, system_id.strip()] = sent
            self._systems[sent.client_id] = system_id

    def of_system(self, day: str, exchange: str, system_id: str) -> Sent | None:
        """Return the order that an exchange calls so."""
        return self._by_system.get((day, exchange, system_id.strip()))

    def system_id(self, client_id: str) -> str:
        """Return what the exchange calls an order, with the spaces that it writes; empty while nobody knows."""
        return self._systems.get(client_id, "")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    def _note(self, sent: Sent) -> None:
        self._by_key[sent.day, *sent.key] = sent
        self._by_client[sent.client_id] = sent
        self._systems.pop(sent.client_id, None)


def _read(path: Path) -> Iterator[Sent]:
    if not path.exists():
        return
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            yield msgspec.json.decode(line, type=Sent)
        except msgspec.DecodeError:  # a line of a disk that was full
            continue


def _newest(every: Iterator[Sent]) -> Iterator[Sent]:
    found = list(every)
    days = sorted({sent.day for sent in found})[-_DAYS_KEPT:]
    yield from (sent for sent in found if sent.day in days)
