"""Texts on their way to PostgreSQL, which takes every character but one."""

from __future__ import annotations

from psycopg.abc import Buffer
from psycopg.types.string import StrDumperUnknown

__all__ = ["TextDumper", "without_nul"]


class TextDumper(StrDumperUnknown):
    """Writes a NUL character, which PostgreSQL has no place for, as the four characters of its escape."""

    def dump(self, obj: str) -> Buffer | None:
        """Return the UTF-8 bytes of a text."""
        return super().dump(without_nul(obj))


def without_nul(text: str) -> str:
    """Return a text with its NUL characters escaped."""
    return text.replace("\0", "\\x00") if "\0" in text else text
