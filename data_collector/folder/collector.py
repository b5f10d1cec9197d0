"""A folder of files that grow, as a venue: what is appended goes onto the bus as live data, each row once.

Whole lines alone are read; a half-written one waits. A file is told by its first bytes and those before the position, so that a rotated,
truncated or replaced one begins anew (and is said to), and a renamed one goes on. What a file has once is never missed: there are no gaps.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from gcg_quant.clock import now_ns
from gcg_quant.errors import ImportFileError
from gcg_quant.events import Bar, BookDelta, Depth, Tick, TradeTick

from ..blank import RecordArray, picked
from ..importing.import_options import ImportOptions
from ..live.collector import ExchangeCollector
from ..live.plausible import plausible_rows
from .bookmarks import Bookmark, Bookmarks
from .growing import Growing, opened
from .options import FolderOptions
from .positions import Pending, Position, Positions, fingerprint

__all__ = ["FolderCollector"]

_BLOCK = 1_000_000  # bytes of text that are worked on at once
_LOOK_MS = 1_000  # a look at all files at least so often: not every change is told
_RECORDS = (Tick, Depth, BookDelta, TradeTick, Bar)


class FolderCollector(ExchangeCollector):
    """Publishes what is appended to the files of a folder. Its symbols are those that the files name."""

    Options = FolderOptions
    packages = ("watchfiles",)

    def __init__(self, name: str, venue: str = "", **options: Any) -> None:
        super().__init__(name, venue, **options)
        assert isinstance(self.options, FolderOptions)
        chosen = dict(self.options.file)
        if venue:
            chosen.setdefault("venue", venue)
        self._import = ImportOptions(**chosen)  # type: ignore[arg-type]
        self._folder = self.options.folder.expanduser()
        self._ended = threading.Event()
        self._readers: dict[str, Growing] = {}
        self._known: set[str] = set()  # files that are still the same since the last start, and have grown no further
        self._bookmarks: Bookmarks | None = None
        self._chosen = msgspec.json.encode(self._import).decode()
        self._given_up: dict[str, tuple[int, int, str]] = {}  # inode, bytes and reason of files that cannot be read as they are
        self._gone: set[str] = set()
        self._positions: Positions | None = None

    # ---- the connection

    def dial(self) -> None:
        """Look for the folder, and find out what of the last batch is on the bus."""
        self._ended.clear()
        if not self._folder.is_dir():
            raise OSError(f"there is no folder {self._folder}")
        if self._positions is None:
            self._positions = Positions(self.bus.path.parent / "folder" / f"{self.name}.json")
            self._settle(self._positions)
            self._bookmarks = Bookmarks(self.bus.path.parent / "folder" / f"{self.name}.bookmarks.json")

    def serve(self) -> None:
        """Read what is there, then whatever is appended."""
        import watchfiles

        positions = self._positions
        assert isinstance(self.options, FolderOptions)
        assert positions is not None
        if positions.fresh and self.options.start == "end":
            self._skip_all(positions)
        positions.save()
        if not self._look(positions):
            return
        for _ in watchfiles.watch(
            self._folder,
            stop_event=self._ended,
            recursive="/" in self.options.pattern,
            debounce=50,
            step=20,
            rust_timeout=_LOOK_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
            watch_filter=None,
        ):
            if not self._look(positions):
                return
        if not self._ended.is_set():
            raise OSError(f"{self._folder} cannot be watched any more")

    def hang_up(self) -> None:
        """End watching."""
        self._ended.set()

    def on_stop(self) -> None:
        """End, and leave a bookmark in each file, so that the next start reads no line twice."""
        super().on_stop()
        if self._positions is not None and not self.connection.connected:
            self._leave_bookmarks(self._positions, list(self._readers), 1)

    def lost(self, symbol: str, what: str, start_ns: int, end_ns: int, why: str, *, detail: str = "", missing: int | None = None) -> None:
        """Tell of nothing: what a file has is read later, and none of it is lost."""

    # ---- files

    def _paths(self) -> Iterator[tuple[str, Path]]:
        assert isinstance(self.options, FolderOptions)
        for path in sorted(self._folder.glob(self.options.pattern)):
            if path.is_file():
                yield path.relative_to(self._folder).as_posix(), path

    def _skip_all(self, positions: Positions) -> None:
        for name, path in self._paths():
            with path.open("rb") as file:
                offset = lines = 0
                while block := _whole_lines(file, offset):
                    offset, lines = offset + len(block), lines + block.count(b"\n")
                positions.of[name] = Position(offset, lines, path.stat().st_ino, fingerprint(file, offset))

    def _look(self, positions: Positions) -> bool:
        # Returns whether to go on.
        if not self._folder.is_dir():
            raise OSError(f"there is no folder {self._folder} any more")
        there = dict(self._paths())
        for name in self._left_first([name for name in positions.of if name not in there and name not in self._gone]):
            self._gone.add(name)
            if not self._renamed(name, there, positions):
                self._finish_rotated(name, positions)
                self._left_is_gone(name)
                self.log(f"{name} was deleted", level="warning")
            self._readers.pop(name, None)
        for name in self._left_first(list(there)):
            path = there[name]
            self._gone.discard(name)
            if self._ended.is_set():
                return False
            self.watchdog.data_s = self.clock()  # a file that nobody writes to is no fault
            try:
                self._follow(name, path, positions)
            except ImportFileError as error:
                found = path.stat()
                if self._given_up.get(name, (0, 0, ""))[2] != error.message:
                    self.fault("file", error.message)
                self._given_up[name] = (found.st_ino, found.st_size, error.message)
                self._readers.pop(name, None)
            except FileNotFoundError:
                continue  # deleted just now: the next look says so
        self.watchdog.data_s = self.clock()
        return True

    def _left_first(self, names: list[str]) -> list[str]:
        # Whatever was published of a batch that was cut short is known of the one batch alone: it comes before all others.
        left = self._left
        return sorted(names, key=lambda name: left is not None and name != left[0])

    def _left_is_gone(self, name: str) -> None:
        if self._left is not None and self._left[0] == name:
            self._left = None

    def _follow(self, name: str, path: Path, positions: Positions) -> None:
        found = path.stat()
        given_up = self._given_up.get(name)
        if given_up is not None and given_up[:2] == (found.st_ino, found.st_size):
            return
        at = positions.of.get(name)
        read = at is not None and at.offset == found.st_size
        if read and at is not None and at.inode == found.st_ino and (name in self._readers or name in self._known):
            return
        with path.open("rb") as file:
            if at is not None:
                why = "shorter than what was read: it was truncated" if found.st_size < at.offset else ""
                if not why and fingerprint(file, at.offset) != at.mark:
                    why = "another file now: it was replaced"
                if why:
                    if at.inode != found.st_ino:
                        self._finish_rotated(name, positions)
                    self.log(f"{name} is {why}; it begins anew", level="warning")
                    self._left_is_gone(name)
                    self._readers.pop(name, None)
                    at = None
            if at is None:
                at = positions.of[name] = Position(inode=found.st_ino)
            at.inode = found.st_ino
            if read and at.offset:
                self._known.add(name)  # it is opened when it grows
                return
            self._read_on(name, path, file, at, positions)

    def _read_on(self, name: str, path: Path, file: Any, at: Position, positions: Positions) -> None:
        reader = self._readers.get(name) or self._open_reader(name, path, file, at)
        if reader is None:
            return
        while not self._ended.is_set() and (block := self._next_block(name, file, at)):
            self._readers.pop(name, None)  # if what follows fails, it knows of lines that are not published
            arrays, bad = reader.read(_without_header(block, at), at.lines + 1)
            then = Position(at.offset + len(block), at.lines + block.count(b"\n"), at.inode)
            then.mark = fingerprint(file, then.offset)
            self._publish_once(positions, Pending(name, then, now_ns()), arrays)
            for line, reason in bad:
                self.fault("row", f"{name}:{line}: {reason}", block.split(b"\n")[line - at.lines - 1])
            at = positions.of[name]
            self._readers[name] = reader
        positions.save()
        self._leave_bookmarks(positions, [name], _BLOCK)

    def _next_block(self, name: str, file: Any, at: Position) -> bytes:
        left = self._left
        if left is not None and left[0] == name and left[1] > at.offset:  # the same block as before the kill
            file.seek(at.offset)
            return bytes(file.read(left[1] - at.offset))
        return _whole_lines(file, at.offset)

    def _open_reader(self, name: str, path: Path, file: Any, at: Position) -> Growing | None:
        # What was read before, behind the last bookmark, is read again, so that counts of equal times, and books, go on where they were.
        reader = opened(path, _whole_lines(file, 0), self._import, self.bus.instruments, self.recv_ns)
        if reader is None:
            return None
        offset = lines = 0
        bookmark = self._bookmarks.find(name, file, at.offset, self._chosen) if self._bookmarks is not None else None
        if bookmark is not None:
            reader.restore(bookmark.states)
            offset, lines = bookmark.offset, bookmark.lines
        while offset < at.offset and (block := _whole_lines(file, offset, at.offset - offset)):
            reader.read(_without_header(block, Position(offset)), lines + 1)
            offset, lines = offset + len(block), lines + block.count(b"\n")
        self._readers[name] = reader
        self._given_up.pop(name, None)
        return reader

    def _leave_bookmarks(self, positions: Positions, names: list[str], behind: int) -> None:
        # In those of these files that were read at least so many bytes further.
        bookmarks = self._bookmarks
        if bookmarks is None:
            return
        there = [name for name in names if name in positions.of]
        due = [name for name in there if abs(positions.of[name].offset - bookmarks.offset(name)) >= behind]
        left = False
        for name in due:
            at, states = positions.of[name], self._readers[name].save()
            if states is not None:
                bookmarks.put(name, Bookmark(at.offset, at.lines, at.mark, self._chosen, states))
                left = True
        if left:
            bookmarks.save(set(positions.of))

    def _renamed(self, name: str, there: dict[str, Path], positions: Positions) -> bool:
        # A file that goes on under another name that we watch, too.
        at = positions.of[name]
        for other, path in there.items():
            if other not in positions.of and path.stat().st_ino == at.inode:
                with path.open("rb") as file:
                    if fingerprint(file, at.offset) == at.mark:
                        positions.of[other] = positions.of.pop(name)
                        if self._left is not None and self._left[0] == name:
                            self._left = (other, *self._left[1:])
                        if self._bookmarks is not None:
                            self._bookmarks.move(name, other)
                        self._gone.discard(name)
                        self.log(f"{name} is called {other} now, and goes on")
                        return True
        return False

    def _finish_rotated(self, name: str, positions: Positions) -> None:
        # The rows that were appended just before a rotation stand in a file that the pattern may not name.
        at = positions.of[name]
        folder = (self._folder / name).parent
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.is_file() and path.stat().st_ino == at.inode and path != self._folder / name:
                with path.open("rb") as file:
                    if fingerprint(file, at.offset) != at.mark:
                        continue
                    other = path.relative_to(self._folder).as_posix()
                    self._read_on(name, path, file, at, positions)
                    if other in dict(self._paths()):
                        positions.of[other] = msgspec.structs.replace(positions.of[name])
                return

    # ---- each row once

    def _publish_once(self, positions: Positions, pending: Pending, arrays: list[RecordArray]) -> None:
        skip = 0
        left = self._left
        if left is not None and left[0] == pending.file:
            self._left = None
            if left[1] == pending.then.offset:
                skip = left[2]
        good = [rows for rows in (_plausible(self, array) for array in arrays) if len(rows)]
        if good:
            if skip:
                pending.since_ns = left[3] if left is not None else pending.since_ns
            positions.intend(pending)
        for rows in good:
            known, skip = min(skip, len(rows)), max(0, skip - len(rows))
            if known < len(rows):
                self.take_array(picked(rows, slice(known, None)))
        positions.done(pending)

    _left: tuple[str, int, int, int] | None = None  # file, offset, records on the bus, since: of a batch that was cut short

    def _settle(self, positions: Positions) -> None:
        # After a restart: the records that this collector has published since the batch was announced are of it, and of nothing else.
        pending = positions.pending
        if pending is None:
            return
        with self.bus.reader(start="begin", events=list(_RECORDS), sources=[self.name], backfill=False) as reader:
            reader.seek_time(pending.since_ns)
            count = sum(1 for _ in reader)
        self._left = (pending.file, pending.then.offset, count, pending.since_ns)


def _plausible(collector: FolderCollector, array: RecordArray) -> RecordArray:
    # Counted here: what is published must be known before.
    good, refused = plausible_rows(array)
    for kind, count in refused.items():
        collector.faults.add(kind, "rows of a file", times=count)
    rows = array if good is None else picked(array, good)
    rows["recv_ns"][rows["recv_ns"] <= 0] = collector.recv_ns()
    return rows


def _whole_lines(file: Any, offset: int, most: int = _BLOCK) -> bytes:
    # The next whole lines; a line that is longer than a block is read as a whole.
    size = min(most, _BLOCK)
    while True:
        file.seek(offset)
        block: bytes = file.read(size)
        cut = block.rfind(b"\n") + 1
        if cut or len(block) < size:
            return block[:cut]
        size *= 2


def _without_header(block: bytes, at: Position) -> bytes:
    return block[3:] if at.offset == 0 and block.startswith(b"\xef\xbb\xbf") else block
