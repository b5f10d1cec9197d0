"""The buffer of `client.py`, beside which this file is to be copied: events on disk until every receiver has got them."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import threading
import uuid
import zlib
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["HEADER", "Buffer"]

HEADER = struct.Struct("<IIQqQIHHHHI")  # length, crc, seq, time_ns, cause, instrument, type, source, flags, schema, count


class Buffer:
    """The client's journal: files of frames, the oldest of which go when there are too many; what is torn at the end is cut off."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._most = folder, max(most_bytes, 1 << 20)
        self._guard = _only_one(folder / "lock")
        self._mutex = threading.Lock()
        state = json.loads((folder / "names.json").read_text("utf-8")) if (folder / "names.json").exists() else {}
        self.identity: str = state.get("bus") or uuid.uuid4().hex
        self.names: list[dict[str, Any]] = state.get("instruments", [])
        self._numbers = {(one["symbol"], one["venue"]): at + 1 for at, one in enumerate(self.names)}
        self._save_names()
        self._size = self._reading = self._at = self._next = 0
        self._files = sorted(int(path.stem) for path in folder.glob("*.frames"))
        self.last = self._files[-1] - 1 if self._files else 0
        self._file = self._open(self._files[-1] if self._files else 1)
        cursor = folder / "sent"
        self._cursor: BinaryIO = open(cursor, "r+b" if cursor.exists() else "w+b", buffering=0)  # noqa: SIM115
        self.sent = min(int(self._cursor.read(20) or b"0"), self.last)
        self.go_back(self.sent)

    def number(self, terms: dict[str, Any], change: bool = False) -> int:
        """Return an instrument's number, which is on the disk before any event that has it."""
        key = terms["symbol"], terms["venue"]
        number = self._numbers.get(key)
        if number is None:
            if not all(isinstance(text, str) for text in key) or not 1 <= len(key[0].encode()) <= 80 or len(key[1].encode()) > 32:
                raise ValueError(f"A symbol has 1 to 80 bytes and a venue up to 32, found {key}.")
            self.names.append(terms)
            number = self._numbers[key] = len(self.names)
            self._save_names()
        elif change and self.names[number - 1] != terms:
            self.names[number - 1] = terms
            self._save_names()
        return number

    def append(self, kind: int, instrument: int, now_ns: int, payload: bytes) -> int:
        """Write one record and return its number."""
        seq = self.last + 1
        rest = HEADER.pack(HEADER.size + len(payload), 0, seq, now_ns, 0, instrument, kind, 1, 0, 1, 1)
        crc = zlib.crc32(payload, zlib.crc32(rest[8:]))
        self._file.write(rest[:4] + struct.pack("<I", crc) + rest[8:] + payload)
        with self._mutex:
            self._size += len(rest) + len(payload)
            self.last = seq
        if self._size > self._most // 8:
            self._file.close()
            self._file = self._open(seq + 1)
        return seq

    def read(self, most: int) -> tuple[bytes, int, int]:
        """Return frames behind the last one that was read, and the numbers of the first and the last."""
        if self._reading not in self._files:  # never sent, and gone: the caller sees that it goes on behind a hole
            self._reading, self._at, self._next = self._files[0], 0, self._files[0]
        first = self._next
        while True:
            with self._mutex:
                until = self._size if self._reading == self._files[-1] else None
            with open(self._path(self._reading), "rb") as file:
                file.seek(self._at)
                data = file.read(most if until is None else max(0, min(most, until - self._at)))
            whole = 0
            while len(data) - whole >= HEADER.size:
                length = int.from_bytes(data[whole : whole + 4], "little")
                if len(data) - whole < length:
                    break
                whole += length
                self._next += 1
            self._at += whole
            if whole or until is not None:
                return data[:whole], first, self._next - 1
            self._reading = next(number for number in self._files if number > self._reading)
            self._at = 0

    def sent_up_to(self, seq: int) -> None:
        """Remember what Redis has got."""
        self.sent = seq
        self._cursor.seek(0)
        self._cursor.write(b"%020d" % seq)

    def go_back(self, seq: int) -> int:
        """Read again from behind `seq` on, or from the oldest that is there; return the number of the first."""
        with self._mutex:
            start = max((number for number in self._files if number <= seq + 1), default=self._files[0])
        self._reading, self._at, self._next = start, 0, start
        with open(self._path(start), "rb") as file:
            while self._next <= min(seq, self.last):
                length = int.from_bytes(file.read(4), "little")
                file.seek(self._at + length)
                self._at += length
                self._next += 1
        self.sent = self._next - 1
        return self._next

    def close(self) -> None:
        """Give the folder free."""
        for file in (self._file, self._cursor, self._guard):
            file.close()

    def _open(self, first: int) -> BinaryIO:
        # The newest file, of which a killed client may have left a part of a frame.
        path = self._path(first)
        whole = 0
        if path.exists():
            data = path.read_bytes()
            while len(data) - whole >= HEADER.size:
                length, crc, seq = HEADER.unpack_from(data, whole)[:3]
                frame = data[whole : whole + length]
                if (
                    length < HEADER.size
                    or len(frame) < length
                    or zlib.crc32(frame[HEADER.size :], zlib.crc32(frame[8 : HEADER.size])) != crc
                ):
                    break
                whole += length
                self.last = seq
            os.truncate(path, whole)
        file: BinaryIO = open(path, "ab", buffering=0)  # noqa: SIM115
        with self._mutex:
            self._size = whole
            if first not in self._files:
                self._files.append(first)
            gone = self._files[:-9]
            self._files = self._files[-9:]
        for number in gone:
            with contextlib.suppress(OSError):  # Windows: it is being read; the next start finds it
                self._path(number).unlink()
        return file

    def _save_names(self) -> None:
        temporary = self._folder / "names.new"
        temporary.write_text(json.dumps({"bus": self.identity, "instruments": self.names}), "utf-8")
        os.replace(temporary, self._folder / "names.json")

    def _path(self, first: int) -> Path:
        return self._folder / f"{first:016d}.frames"


def _only_one(path: Path) -> BinaryIO:
    # The system drops the lock when the process ends, however it does.
    file: BinaryIO = open(path, "a+b")  # noqa: SIM115
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise OSError(f"Another client uses the folder {path.parent}: give each one a folder of its own.") from error
    return file
