"""A strategy file that is being run as a script: the engines that it makes, and what is set for them from outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine import Engine

__all__ = ["FileRun", "current_file", "running_file"]


@dataclass(slots=True)
class FileRun:
    """What the engines of a file begin with: `settings`, and `config`, the settings file that takes the place of any that it names."""

    config: Path | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    engines: list[Engine] = field(default_factory=list)


_current: ContextVar[FileRun | None] = ContextVar("file_run", default=None)


def current_file() -> FileRun | None:
    """Return the file that is being run here, None if none is."""
    return _current.get()


@contextmanager
def running_file(file: FileRun) -> Iterator[FileRun]:
    """Let engines that are made meanwhile belong to a file."""
    token = _current.set(file)
    try:
        yield file
    finally:
        _current.reset(token)
