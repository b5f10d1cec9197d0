"""The venue's log: every input and every report, a JSON line each, appended before anybody hears of it; and what it proves."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from .book import Book, Message


class VenueLog:
    """The book on disk: opened again, it is where it was. A line that was cut off by a kill has never happened."""

    def __init__(self, path: Path) -> None:
        lines = path.read_bytes().split(b"\n") if path.exists() else [b""]
        self.book = Book()
        reports = [report for line in lines[:-1] if (row := msgspec.json.decode(line)).get("do") for report in self.book.apply(row)]
        written = sum("do" not in msgspec.json.decode(line) for line in lines[:-1])
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        if lines[-1]:
            os.ftruncate(self._file, path.stat().st_size - len(lines[-1]))
        self._write(reports[written:])

    def apply(self, message: Message) -> list[Message]:
        """Write down an input, apply it, write down what it led to, and return that."""
        self._write([message])
        reports = self.book.apply(message)
        self._write(reports)
        return reports

    def _write(self, rows: list[Message]) -> None:
        if rows:
            os.write(self._file, b"".join(msgspec.json.encode(row) + b"\n" for row in rows))


class VenueRecord:
    """What a venue's log says, read by a test after the end."""

    def __init__(self, path: Path) -> None:
        rows: list[dict[str, Any]] = [msgspec.json.decode(line) for line in path.read_bytes().split(b"\n")[:-1]]
        self.inputs = [row for row in rows if "do" in row]
        self.reports = [row for row in rows if "do" not in row]

    def submitted(self) -> Counter[str]:
        """Return how often each client id came in, others' orders left out."""
        return Counter(row["client_id"] for row in self.inputs if row["do"] == "submit" and not row.get("foreign"))

    def fills(self) -> list[dict[str, Any]]:
        """Return the fills, in order."""
        return [row for row in self.reports if row["kind"] == "FILLED"]
