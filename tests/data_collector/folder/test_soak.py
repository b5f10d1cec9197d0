"""Files that grow, are rotated, cut and moved at random, while their reader is stopped or killed: each row comes once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ledger import CAME, Ledger
from soak import Fault, Soak, soaking

from gcg_quant.backoff import Backoff
from gcg_quant.bus import EventBus
from gcg_quant.clock import NS_PER_MILLISECOND, from_iso
from gcg_quant.data_collector.folder import FolderCollector
from gcg_quant.data_collector.folder.options import FolderOptions
from gcg_quant.events import GapEvent, TradeTick

pytestmark = soaking
HERE = Path(__file__).parent
BEGIN_NS = from_iso("2024-01-02T10:00", "UTC")
HEADER = "time,symbol,price,size,trade_id\n"
SYMBOLS = ("A", "B")


def time_ms(number: int) -> int:
    """Return the time of a row in ms behind the first: three have the same."""
    return number // 3


def row(symbol: str, number: int) -> str:
    """Return a row of a trade."""
    at_ms = time_ms(number)
    clock = f"{10 + at_ms // 3_600_000:02d}:{at_ms // 60_000 % 60:02d}:{at_ms // 1000 % 60:02d}.{at_ms % 1000:03d}"
    return f"2024-01-02T{clock},{symbol},10.5,1,{number}\n"


class FolderSoak(Soak):
    """Two files; `restart` ends the reader in some way, and lets another go on."""

    def __init__(self, folder: Path, *given: Any) -> None:
        super().__init__(*given)
        self.folder = folder
        self.ledger = Ledger()
        self.turns = dict.fromkeys(SYMBOLS, 0)
        self.begun = dict.fromkeys(SYMBOLS, 0)  # the first row of the file of now
        self.most = 12  # rows at once
        for symbol in SYMBOLS:
            self.path(symbol).write_text(HEADER)

    def path(self, symbol: str) -> Path:
        """Return a symbol's file."""
        return self.folder / f"{symbol}.csv"

    def send(self) -> None:
        """Append some rows, in pieces that end anywhere."""
        for symbol in SYMBOLS if self.folder.is_dir() else ():
            text = ""
            for _ in range(self.chance.randrange(self.most)):
                number = self.ledger.next(symbol)
                self.ledger.send(symbol, BEGIN_NS + time_ms(number) * NS_PER_MILLISECOND)
                text += row(symbol, number)
            cut = self.chance.randrange(len(text) + 1)
            for piece in (text[:cut], text[cut:]):
                with self.path(symbol).open("a") as file:
                    file.write(piece)

    def take(self, event: Any) -> None:
        """Find its number."""
        if isinstance(event, TradeTick):
            self.ledger.take(int(event.trade_id), event, backfill=False)
        assert not isinstance(event, GapEvent), event

    def check(self) -> None:
        """No row is left out, not even for a while."""
        silent = self.ledger.silent()
        assert not silent, f"{len(silent)} rows are missing: {silent[:5]}"

    def flows(self) -> bool:
        """The last rows but few have come."""
        return all(0 <= self.ledger.newest(symbol) >= self.ledger.next(symbol) - 200 for symbol in SYMBOLS)

    def settled(self) -> bool:
        """All rows have come."""
        return self.all_read()

    def all_read(self) -> bool:
        """Return whether nothing is under way; nothing is written meanwhile."""
        self.look()
        return all(self.ledger.newest(symbol) == self.ledger.next(symbol) - 1 for symbol in SYMBOLS)

    def state(self) -> str:
        """Return the figures."""
        return f"{self.ledger.sent} rows, {self.ledger.count(CAME)} came, {sum(self.turns.values())} files before"

    def rotate(self) -> None:
        """Give a file another name, and begin one anew, whether it was read to its end or not."""
        symbol = self.chance.choice(SYMBOLS)
        # Of a file that came and went between two looks, and whose later name the pattern does not fit, nobody knows.
        self.until(lambda: self.ledger.newest(symbol) >= self.begun[symbol], "the last file was seen")
        self.finish_time(symbol)
        self.begun[symbol] = self.ledger.next(symbol)
        self.turns[symbol] += 1
        kept = self.folder / f"{symbol}.csv.{self.turns[symbol]}"
        self.path(symbol).rename(kept)
        self.path(symbol).write_text(HEADER)
        old = self.folder / f"{symbol}.csv.{self.turns[symbol] - 3}"
        old.unlink(missing_ok=True)

    def begin_anew(self, how: str) -> None:
        """Truncate, replace or delete a file whose rows have all come."""
        symbol = self.chance.choice(SYMBOLS)
        self.finish_time(symbol)
        self.quiet()
        self.begun[symbol] = self.ledger.next(symbol)
        path = self.path(symbol)
        if how == "truncate":
            path.write_text(HEADER)
        elif how == "replace":
            fresh = self.folder / "fresh.tmp"
            fresh.write_text(HEADER)
            fresh.replace(path)
        else:
            path.unlink()
            path.write_text(HEADER)

    def finish_time(self, symbol: str) -> None:
        """Append the rest of the rows of a time: a new file counts equal times from 0 on."""
        with self.path(symbol).open("a") as file:
            while (number := self.ledger.next(symbol)) % 3:
                file.write(row(symbol, self.ledger.send(symbol, BEGIN_NS + time_ms(number) * NS_PER_MILLISECOND)))

    def quiet(self) -> None:
        """Wait until all rows have come."""
        send, self.send = self.send, lambda: None  # type: ignore[method-assign]
        try:
            self.until(self.all_read, "all rows are read")
        finally:
            self.send = send  # type: ignore[method-assign]

    def away(self) -> None:
        """Move the folder."""
        self.folder.rename(self.folder.with_name("away"))

    def back(self) -> None:
        """Move it back."""
        self.folder.with_name("away").rename(self.folder)

    def common(self) -> dict[str, Fault]:
        """Return what happens to files."""
        return {
            "rotate": Fault(self.rotate),
            "truncate": Fault(lambda: self.begin_anew("truncate")),
            "replace": Fault(lambda: self.begin_anew("replace")),
            "delete": Fault(lambda: self.begin_anew("delete")),
            "away": Fault(self.away, self.back),
        }


def begun(bus: EventBus, folder: Path) -> FolderCollector:
    """Return a collector that runs."""
    options = FolderOptions(folder=folder, start="begin", file={"timezone": "UTC"})
    one = FolderCollector("files", "V", options=options, backoff=Backoff(0.01, 0.05))
    one.start(bus)
    return one


@pytest.fixture
def stopped(bus: EventBus, tmp_path: Path) -> Iterator[FolderSoak]:
    """Return the soak of a collector that is stopped and started."""
    folder = tmp_path / "files"
    folder.mkdir()
    made = FolderSoak(folder, bus, begun(bus, folder), {})

    def start() -> None:
        made.collector = begun(bus, folder)

    made.faults |= made.common() | {"stop": Fault(lambda: made.collector.stop(), start)}
    yield made
    made.collector.stop()


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[FolderSoak]:
    """Return the soak of a collector in a process that is killed."""
    home, folder = tmp_path / "home", tmp_path / "files"
    home.mkdir()
    folder.mkdir()
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        running.append(subprocess.Popen([sys.executable, str(HERE / "watching.py"), str(home), str(folder), "86400"]))

    def kill() -> None:
        process = running.pop()
        process.kill()
        process.wait()

    nothing: Callable[[], dict[str, int]] = dict
    stands_for = SimpleNamespace(
        connection=SimpleNamespace(sessions=0, state="", reason=""), faults=SimpleNamespace(counts=nothing), manners=SimpleNamespace()
    )
    with EventBus(home / "bus", source="test", page_mb=1) as bus:
        made = FolderSoak(folder, bus, stands_for, {})
        made.most = 3  # that one takes its time
        made.faults |= made.common() | {"kill": Fault(kill, start), "kill again": Fault(kill, start)}
        start()
        yield made
        kill()


@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_each_row_comes_once(end: str, request: pytest.FixtureRequest) -> None:
    """In order, whatever happens to the files and to their reader."""
    made: FolderSoak = request.getfixturevalue(end)
    made.run()
