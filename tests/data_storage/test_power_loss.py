"""Power losses, again and again: the database may be ahead of the journal or behind it, and nothing is skipped or stored twice."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_storage.reading.history import DatabaseHistory
from gcg_quant.data_storage.sql.database import Database
from gcg_quant.data_storage.writing.recorder import Recorder
from gcg_quant.events import LogEvent, Tick

LosePower = Callable[[EventBus, Path, int], EventBus]

FIRST_NS = 1_000_000_000_000_000
ROUNDS = 8
TORTURE_S = float(os.environ.get("GCG_TORTURE_S", "0"))


class Life:
    """A bus and its database between power losses, and what must be found in them."""

    def __init__(self, folder: Path, lose_power: LosePower, seed: int) -> None:
        self.folder = folder
        self.lose_power = lose_power
        self.chance = random.Random(seed)
        self.bus = EventBus(folder / "bus-0", source="test", sync="none", page_mb=1)
        self.home = folder / "home"
        self.published = 0  # ticks in all; each has a number of its own
        self.logs = 0
        self.journal: list[int] = []  # the numbers of the ticks that the journal holds
        self.synced = 0  # so many of them are on the disk for certain
        self.stored: set[int] = set()  # the numbers of the ticks that the database holds
        self.copies: list[tuple[Path, set[int]]] = []  # what may be left of the database after a power loss

    def publish(self) -> None:
        """Publish some ticks and a log entry."""
        first, self.published = self.published, self.published + self.chance.randrange(1, 60)
        numbers = range(first, self.published)
        self.bus.publish_many([Tick(symbol="A", venue="V", event_ns=FIRST_NS + at, last_price=float(at)) for at in numbers])
        self.bus.publish(LogEvent(level="info", component="c", message=str(first)))
        self.journal += numbers
        self.logs += 1

    def record(self) -> None:
        """Store what the journal holds; what the database holds besides are ticks that the journal has lost."""
        with Database(home=self.home) as database:
            recorder = Recorder(database, flush_ms=1, batch_rows=self.chance.choice((7, 100, 5000)))
            recorder.start(self.bus)
            assert recorder.stop()
            assert recorder.state == "stopped"
            self.stored |= set(self.journal)
            prices = DatabaseHistory(database).ticks("A")["last_price"].tolist()
            assert prices == sorted(self.stored)
            assert database.counts() == {"ticks": len(self.stored), "logs": self.logs}

    def sync(self) -> None:
        """Bring the journal to the disk."""
        self.bus.sync()
        self.synced = len(self.journal)

    def copy_database(self) -> None:
        """Keep the database as it is now: a power loss may bring it back to this."""
        if self.home.exists():
            copy = self.folder / f"home-{len(self.copies)}-{self.bus.epoch}-{self.published}"
            shutil.copytree(self.home, copy, dirs_exist_ok=True)
            self.copies.append((copy, set(self.stored)))

    def lose(self) -> None:
        """Lose the end of the journal, the end of the database, both or neither."""
        left = self.chance.randrange(self.synced, len(self.journal) + 1)
        lost = FIRST_NS + (self.journal[left] if left < len(self.journal) else -1)
        with self.bus as before:
            epoch = before.epoch
            self.bus = self.lose_power(before, self.folder / f"bus-{epoch}", lost)
        assert self.bus.epoch == epoch + 1
        del self.journal[left:]
        self.synced = left
        if self.copies and self.chance.random() < 0.6:
            copy, stored = self.chance.choice(self.copies[-4:])
            shutil.rmtree(self.home)
            shutil.copytree(copy, self.home)
            self.stored = set(stored)


def live(folder: Path, lose_power: LosePower, seed: int, rounds: int) -> None:
    """Lose power several times; check the database after each recording."""
    folder.mkdir()
    life = Life(folder, lose_power, seed)
    for _ in range(rounds):
        for _ in range(life.chance.randrange(1, 6)):
            life.publish()
            life.chance.choice((life.record, life.sync, life.copy_database, life.publish))()
        life.record()
        life.copy_database()
        life.publish()
        life.lose()
    life.record()
    life.bus.close()


@pytest.mark.slow
@pytest.mark.timeout(int(240 + TORTURE_S))
def test_database_ahead_or_behind_gets_every_event_once(tmp_path: Path, lose_power: LosePower) -> None:
    """Whatever a power loss left of journal and database, each event that either of them kept is stored exactly once."""
    seeds = [1, 2, 3] if TORTURE_S else [1, 2]
    deadline = time.monotonic() + TORTURE_S
    while seeds or time.monotonic() < deadline:
        seed = seeds.pop() if seeds else random.SystemRandom().randrange(1 << 30)
        print("seed", seed)
        live(tmp_path / "life", lose_power, seed, ROUNDS)
        shutil.rmtree(tmp_path / "life")
