"""A folder of files that grow: each row once and in order, whatever happens to the files and to the collector."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gcg_quant.backoff import Backoff
from gcg_quant.bus import EventBus
from gcg_quant.collector_sections import CollectorEntry, CollectorsSettings
from gcg_quant.data_collector.folder import FolderCollector
from gcg_quant.data_collector.folder.options import FolderOptions
from gcg_quant.data_collector.folder.positions import Positions
from gcg_quant.data_collector.live import make_collector
from gcg_quant.errors import SettingsError
from gcg_quant.events import BookDelta, GapEvent, LogEvent, TradeTick
from gcg_quant.events import Tick as Quote

HERE = Path(__file__).parent
FULL = "GCG_TORTURE_S" in os.environ
HEADER = "time,symbol,price,size,trade_id\n"


def row(number: int, symbol: str = "A") -> str:
    """Return a row of a trade; three have the same time."""
    at_ms = number // 3
    return f"2024-01-02T10:{at_ms // 60_000:02d}:{at_ms // 1000 % 60:02d}.{at_ms % 1000:03d},{symbol},10.5,1,{number}\n"


def wait(condition: Callable[[], Any], timeout_s: float = 60.0) -> Any:
    """Wait for a condition, and return its value."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "the condition did not come about in time"
        time.sleep(0.01)
    return found


def append(path: Path, text: str) -> None:
    """Write to the end of a file."""
    with path.open("a") as file:
        file.write(text)


class Place:
    """A folder and its collector."""

    def __init__(self, bus: EventBus, folder: Path) -> None:
        self.bus, self.folder = bus, folder
        self.one: FolderCollector | None = None
        self._counter, self._counted = bus.reader(start="begin", events=[TradeTick]), 0
        folder.mkdir()

    def start(self, **options: Any) -> FolderCollector:
        """Start the collector."""
        chosen = FolderOptions(**{"folder": self.folder, "start": "begin", "file": {"timezone": "UTC"}, **options})
        self.one = FolderCollector("files", "V", options=chosen, backoff=Backoff(0.01, 0.05))
        self.one.start(self.bus)
        return self.one

    def stop(self) -> None:
        """Stop it."""
        if self.one is not None:
            assert self.one.stop()
            self.one = None

    def close(self) -> None:
        """End."""
        self.stop()
        self._counter.close()

    def ids(self, symbol: str = "A") -> list[int]:
        """Return the ids of the trades on the bus."""
        return [int(one.trade_id) for one in self.read(TradeTick) if one.symbol == symbol]

    def read(self, kind: Any) -> list[Any]:
        """Return all events of a kind."""
        with self.bus.reader(start="begin", events=[kind]) as reader:
            return list(reader)

    def count(self) -> int:
        """Return how many trades are on the bus."""
        while found := len(self._counter.read_many(50_000)):
            self._counted += found
        return self._counted

    def faults(self) -> dict[str, int]:
        """Return the faults by kind."""
        assert self.one is not None
        return self.one.faults.counts()

    def said(self, text: str) -> bool:
        """Return whether the log has a text."""
        return any(text in one.message for one in self.read(LogEvent))


@pytest.fixture
def place(bus: EventBus, tmp_path: Path) -> Iterator[Place]:
    """Return a folder without a collector yet."""
    found = Place(bus, tmp_path / "files")
    yield found
    found.close()


def test_what_is_appended_comes_live_and_once(place: Place) -> None:
    """Rows of many files and folders, ordinals of equal times, half a line later; not as BACKFILL, and without a gap."""
    (place.folder / "below").mkdir()
    append(place.folder / "a.csv", HEADER + row(0) + row(1) + row(2)[:9])
    append(place.folder / "below" / "b.csv", HEADER + row(7, "B"))
    place.start(pattern="**/*.csv")
    wait(lambda: place.ids() == [0, 1] and place.ids("B") == [7])
    append(place.folder / "a.csv", row(2)[9:] + row(3))
    append(place.folder / "c.csv", HEADER + row(5, "C"))
    wait(lambda: place.ids() == [0, 1, 2, 3] and place.ids("C") == [5])
    with place.bus.reader(start="begin", events=[TradeTick], backfill=False) as reader:
        trades = [one for one in reader if isinstance(one, TradeTick) and one.symbol == "A"]
    assert [one.ordinal for one in trades] == [0, 1, 2, 0]
    assert {one.venue for one in trades} == {"V"}
    assert all(one.recv_ns > one.event_ns for one in trades)
    place.stop()
    append(place.folder / "a.csv", row(4))
    place.start(pattern="**/*.csv")
    wait(lambda: place.ids() == [0, 1, 2, 3, 4])
    append(place.folder / "a.csv", row(5))
    wait(lambda: place.ids() == [0, 1, 2, 3, 4, 5])
    assert [one.ordinal for one in place.read(TradeTick) if one.symbol == "A"] == [0, 1, 2, 0, 1, 2]
    assert place.read(GapEvent) == []


def bytes_read() -> int:
    """Return how many bytes this process has read from files so far."""
    return int(Path("/proc/self/io").read_text().split("rchar: ")[1].split()[0])


def test_a_start_reads_on_from_where_it_was(place: Place) -> None:
    """Not the megabytes before: of a file that has not grown next to nothing, of one that has grown its beginning and what is new."""
    path = place.folder / "a.csv"
    append(path, HEADER + "".join(row(number) for number in range(150_000)))
    place.start()
    wait(lambda: place.count() == 150_000)
    place.stop()
    before = bytes_read()
    place.start()
    wait(lambda: place.one is not None and "a.csv" in place.one._known)
    assert bytes_read() - before < 1_000_000
    append(path, row(150_000))
    wait(lambda: place.count() == 150_001)
    assert bytes_read() - before < 4_000_000 < path.stat().st_size
    assert [one.ordinal for one in place.read(TradeTick)[-4:]] == [0, 1, 2, 0]


def test_bookmarks_that_are_of_no_use_are_passed_over(place: Place) -> None:
    """Damaged ones, those of another file, and those that were made with other options: all is read again, and goes on as it was."""
    path = place.folder / "a.csv"
    append(path, HEADER + row(0) + row(1))
    place.start()
    wait(lambda: place.ids() == [0, 1])
    place.stop()
    kept = place.bus.path.parent / "folder" / "files.bookmarks.json"
    found = json.loads(kept.read_text())
    assert found["a.csv"]["offset"] == path.stat().st_size
    for number, damaged in enumerate(
        ("rubbish", {**found["a.csv"], "mark": "other"}, {**found["a.csv"], "options": "{}"}, {**found["a.csv"], "offset": 1 << 40}), 2
    ):
        kept.write_text(damaged if isinstance(damaged, str) else json.dumps({"a.csv": damaged}))
        append(path, row(number))
        place.start()
        wait(lambda number=number: place.ids() == [*range(number + 1)])
        place.stop()
    assert [one.ordinal for one in place.read(TradeTick)] == [0, 1, 2, 0, 1, 2]


def test_a_burst_comes_whole_and_in_order(place: Place) -> None:
    """Many rows at once in several files, while they are written in pieces that end anywhere."""
    texts = {name: (HEADER + "".join(row(number, name) for number in range(20_000))).encode() for name in "ABC"}
    place.start()
    for begin in range(0, len(texts["A"]), 250_007):
        for name, text in texts.items():
            with (place.folder / f"{name}.csv").open("ab") as file:
                file.write(text[begin : begin + 250_007])
    wait(lambda: place.count() == 60_000)
    for name in texts:
        assert place.ids(name) == list(range(20_000))
    assert place.faults() == {}


def test_it_begins_at_the_present_end_if_told_to(place: Place) -> None:
    """What is there at the very first start is passed over; a file that comes later is not."""
    append(place.folder / "a.csv", HEADER + row(0) + row(1))
    place.start(start="end")
    wait(lambda: (place.bus.path.parent / "folder" / "files.json").exists())
    append(place.folder / "a.csv", row(2))
    append(place.folder / "b.csv", HEADER + row(3, "B"))
    wait(lambda: place.ids() == [2] and place.ids("B") == [3])


def test_a_bad_row_is_a_fault_with_its_line(place: Place) -> None:
    """The good ones around it come."""
    append(place.folder / "a.csv", HEADER + row(0) + "nonsense\n" + row(1).replace("10.5", "-3") + row(2))
    place.start()
    wait(lambda: place.ids() == [0, 2])
    wait(lambda: place.faults().get("row") == 2)
    wait(lambda: place.said("a.csv:3: wrong number of cells"))


def test_truncated_replaced_and_deleted_files_begin_anew(place: Place) -> None:
    """Each is said."""
    path = place.folder / "a.csv"
    append(path, HEADER + row(0) + row(1) + row(2))
    place.start()
    wait(lambda: place.ids() == [0, 1, 2])
    path.write_text(HEADER + row(10))
    wait(lambda: place.ids() == [0, 1, 2, 10])
    assert place.said("it was truncated")
    fresh = place.folder / "fresh.tmp"
    fresh.write_text(HEADER + row(20) + row(21) + row(22))
    fresh.replace(path)
    wait(lambda: place.ids()[4:] == [20, 21, 22])
    assert place.said("it was replaced")
    path.unlink()
    wait(lambda: place.said("a.csv was deleted"))
    append(path, HEADER + row(30))
    wait(lambda: place.ids()[7:] == [30])


@pytest.mark.parametrize("pattern", ["*.csv", "*.csv*"])
def test_a_rotated_file_is_read_to_its_end_first(place: Place, pattern: str) -> None:
    """Rows added just before it was renamed come, once, and those of the new file after them."""
    path = place.folder / "a.csv"
    append(path, HEADER + row(0) + row(1))
    place.start(pattern=pattern)
    wait(lambda: place.ids() == [0, 1])
    place.stop()
    append(path, row(2))
    path.rename(place.folder / "a.csv.1")
    append(path, HEADER + row(3))
    place.start(pattern=pattern)
    wait(lambda: 3 in place.ids() and 2 in place.ids())
    append(path, row(4))
    wait(lambda: 4 in place.ids())
    assert sorted(place.ids()) == [0, 1, 2, 3, 4]


def test_packed_files_and_missing_options_are_a_sentence(place: Place) -> None:
    """The others go on."""
    (place.folder / "packed.csv").write_bytes(gzip.compress(b"x" * 100 + b"\n" * 100))
    append(place.folder / "local.csv", "time,price,size\n2024-01-02 10:00:00,1,1\n")
    append(place.folder / "z.csv", HEADER + row(0))
    place.start(file={})
    wait(lambda: place.faults().get("file", 0) >= 2)
    wait(lambda: place.said("packed; such a file does not grow") or place.said("the option"))
    assert place.one is not None
    assert place.one.connection.connected


def test_a_missing_folder_is_waited_for(place: Place) -> None:
    """As a venue that cannot be reached."""
    place.folder.rmdir()
    one = place.start()
    wait(lambda: "there is no folder" in one.connection.reason)
    place.folder.mkdir()
    append(place.folder / "a.csv", HEADER + row(0))
    wait(lambda: place.ids() == [0])


def test_recordings_and_lines_of_messages_are_read(place: Place) -> None:
    """A receive time and a message, or messages alone; a line that is none is a fault."""
    trade = {"e": "trade", "E": 1700000000001, "s": "BTCUSDT", "t": 1, "p": "10", "q": "2", "T": 1700000000000, "m": True}
    lines = [f"{1_700_000_000_000_000_000 + n} " + json.dumps({**trade, "t": n}) + "\n" for n in (1, 2)]
    append(place.folder / "a.jsonl", lines[0] + "rubbish\n")
    append(place.folder / "b.jsonl", json.dumps({**trade, "s": "ETHUSDT"}) + "\n")
    place.start(pattern="*.jsonl", file={})
    wait(lambda: place.ids("BTCUSDT") == [1] and place.ids("ETHUSDT") == [1])
    append(place.folder / "a.jsonl", lines[1])
    wait(lambda: place.ids("BTCUSDT") == [1, 2])
    assert place.faults()["row"] == 1
    assert place.read(BookDelta) == place.read(Quote) == []


def test_every_row_comes_once_over_kills(tmp_path: Path) -> None:
    """Killed at moments that differ, between announcing and publishing and after it, while the file grows on."""
    home, folder = tmp_path / "home", tmp_path / "files"
    home.mkdir()
    folder.mkdir()
    with EventBus(home / "bus", source="test", page_mb=1) as bus:
        place = Place.__new__(Place)
        place.bus = bus
        written = 0
        append(folder / "a.csv", HEADER)
        for turn in range(8 if FULL else 2):
            append(folder / "a.csv", "".join(row(number) for number in range(written, written + 20)) + row(written + 20)[:10])
            before = len(place.ids())
            process = subprocess.Popen([sys.executable, str(HERE / "watching.py"), str(home), str(folder)], env={**os.environ})
            wait(lambda before=before: len(place.ids()) > before + 4)
            time.sleep(0.013 * turn)  # at another moment of a batch each time
            process.kill()
            process.wait()
            append(folder / "a.csv", row(written + 20)[10:])
            written += 21
        process = subprocess.Popen([sys.executable, str(HERE / "watching.py"), str(home), str(folder)])
        try:
            wait(lambda: len(place.ids()) >= written, 60)
        finally:
            process.kill()
            process.wait()
        assert place.ids() == list(range(written))


@pytest.mark.parametrize("gone", [False, True])
def test_a_batch_that_was_cut_short_is_gone_on_with_before_others(place: Place, monkeypatch: pytest.MonkeyPatch, gone: bool) -> None:
    """Killed behind a file's rows: another file that has grown meanwhile comes after it, and neither comes twice."""
    a, b = place.folder / "a.csv", place.folder / "b.csv"
    for path, symbol in ((a, "A"), (b, "B")):
        append(path, HEADER + row(0, symbol))
    place.start()
    wait(lambda: place.ids() == [0] and place.ids("B") == [0])
    kept, as_it_was = place.bus.path.parent / "folder" / "files.json", []
    monkeypatch.setattr(
        Positions, "done", lambda self, pending, done=Positions.done: (as_it_was.append(kept.read_bytes()), done(self, pending))
    )
    append(b, row(1, "B"))
    wait(lambda: place.ids("B") == [0, 1])
    place.stop()
    kept.write_bytes(as_it_was[-1])  # what a kill at this moment leaves
    append(a, row(1))
    if gone:
        b.write_text(HEADER + "".join(row(number, "B") for number in range(5, 30)))
    else:
        append(b, row(2, "B"))
    place.start()
    wait(lambda: place.ids() == [0, 1] and place.ids("B")[-1] == (29 if gone else 2))
    assert place.ids("B") == [0, 1, *(range(5, 30) if gone else [2])]
    assert place.faults() == {}


def test_options_that_make_no_sense_are_one_sentence(tmp_path: Path) -> None:
    """They name the entry and the key."""
    for options, says in (
        ({}, "options.folder: field required"),
        ({"folder": "x", "patern": "*"}, "Did you mean 'pattern'?"),
        ({"folder": "x", "pattern": "../*"}, "pattern must stay inside the folder"),
        ({"folder": "x", "file": {"zone": "UTC"}}, "'zone', which is no option of the import"),
        ({"folder": "x", "file": {"kind": "bras"}}, "Did you mean 'bars'?"),
    ):
        with pytest.raises(SettingsError) as raised:
            make_collector(CollectorEntry(name="files", kind="folder", options=options), CollectorsSettings())
        assert says in str(raised.value)
