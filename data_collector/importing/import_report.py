"""The account of one import: every source row is stored or refused, and every refused one has its line and reason."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["ImportReport", "Refusal"]

KEPT_REFUSALS = 1_000


class Refusal(msgspec.Struct, frozen=True):
    """A refused row: its line in the file (1 is the first line; in Parquet the row number), why, and the cells concerned."""

    line: int
    reason: str
    detail: str = ""

    def __str__(self) -> str:
        """Return the sentence that a console prints after the file's name."""
        return f"line {self.line}: {self.reason}" + (f" ({self.detail})" if self.detail else "")


class ImportReport(msgspec.Struct, kw_only=True):
    """What an import did. `rows == stored_rows + refused_rows` always; `records` counts what went onto the bus.

    `settings` are the options in force, `inferred` says where those came from that nobody stated, `notes` counts what was read
    differently from how it stands in the file (each a sentence), `unused_columns` are columns that no record has a field for.
    """

    file: str
    sha256: str
    kind: str = ""
    rows: int = 0
    stored_rows: int = 0
    refused_rows: int = 0
    refusals: list[Refusal] = []
    reasons: dict[str, int] = {}
    records: dict[str, int] = {}
    instruments: list[str] = []
    notes: dict[str, int] = {}
    settings: dict[str, Any] = {}
    inferred: dict[str, str] = {}
    unused_columns: list[str] = []
    first_ns: int | None = None
    last_ns: int | None = None
    seconds: float = 0.0

    def refuse(self, line: int, reason: str, detail: str = "") -> None:
        """Count one refused row; the first 1,000 are kept with line and detail."""
        self.refused_rows += 1
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        if len(self.refusals) < KEPT_REFUSALS:
            self.refusals.append(Refusal(line, reason, detail))

    def note(self, sentence: str, count: int) -> None:
        """Add to the count of a note; a count of 0 leaves no trace."""
        if count:
            self.notes[sentence] = self.notes.get(sentence, 0) + count

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def lines(self) -> list[str]:
        """Return the report as lines of text for a console."""
        text = [f"{self.file}: {self.rows} rows = {self.stored_rows} stored + {self.refused_rows} refused"]
        text += [f"  {count} {name} records" for name, count in sorted(self.records.items())]
        text += [f"  {name} = {self.settings[name]!r}: {why}" for name, why in self.inferred.items()]
        text += [f"  {count} rows: {sentence}" for sentence, count in self.notes.items()]
        text += [f"  {count} refused: {reason}" for reason, count in sorted(self.reasons.items(), key=lambda pair: -pair[1])]
        text += [f"  {refusal}" for refusal in self.refusals[:20]]
        if self.unused_columns:
            text.append(f"  columns without a field: {', '.join(self.unused_columns)}")
        return text
