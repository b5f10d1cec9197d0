"""Every error of gcg_quant.

    GcgQuantError
    ├── JournalError (OSError)             the bus folder, its lanes and pages
    │   ├── JournalFullError               no room on the disk; nothing was written
    │   ├── JournalBusyError               a living writer holds the lock for too long
    │   ├── JournalCorruptError            a damaged page, a gap in seq, a wrong checksum
    │   ├── JournalVersionError            another frame format version
    │   └── CursorError                    a cursor beyond the end, or of another bus
    ├── EventError (ValueError)            a record or event that cannot be published
    ├── InstrumentError (ValueError)       an unknown symbol, or terms that make no sense
    ├── SettingsError (ValueError)         gcg_quant.toml or its environment variables
    ├── ImportFileError (ValueError)       a data file that cannot be read or mapped
    ├── StorageError (RuntimeError)        the database
    ├── StrategyError (RuntimeError)       a strategy file, class, parameter or its exception
    ├── OrderError (ValueError)            an order that makes no sense or an impossible transition
    ├── AuditError (ValueError)            a journal whose orders, positions or cash do not add up
    ├── GatewayError (ConnectionError)     a venue that cannot be reached or does not answer
    ├── CollectorError (RuntimeError)      a venue that refuses, or does not have, what a collector asks for
    ├── ModelError (ValueError)            a trained model, its features, or data that it cannot be trained on
    ├── ComponentError (RuntimeError)      a component that cannot start, stop or be found
    ├── BacktestError (RuntimeError)       a backtest that cannot be run
    └── NotRunningError (RuntimeError)     a command that needs a running system, and there is none

The text is one sentence: what was expected, what was found, how to fix it. The offending values are attributes
(`context`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "AuditError",
    "BacktestError",
    "CollectorError",
    "ComponentError",
    "CursorError",
    "EventError",
    "GatewayError",
    "GcgQuantError",
    "ImportFileError",
    "InstrumentError",
    "JournalBusyError",
    "JournalCorruptError",
    "JournalError",
    "JournalFullError",
    "JournalVersionError",
    "ModelError",
    "NotRunningError",
    "OrderError",
    "SettingsError",
    "StorageError",
    "StrategyError",
    "nearest",
]


class GcgQuantError(Exception):
    """The root of all errors that gcg_quant raises on purpose; `context` holds the offending values."""

    def __init__(self, message: str, **context: object) -> None:
        super().__init__(message)
        self.message = message
        self.context = context

    def __str__(self) -> str:
        """Return the sentence alone, also where a builtin base would add its own decoration."""
        return self.message


class JournalError(GcgQuantError, OSError):
    """A fault of the bus folder, its lanes or its pages."""


class JournalFullError(JournalError):
    """The disk has no room for the next page; nothing of the event was written."""


class JournalBusyError(JournalError):
    """A living writer has held a lane's lock for longer than 100 ms; the message names it."""


class JournalCorruptError(JournalError):
    """A page, frame or table does not hold what the format promises; the message names page and offset."""


class JournalVersionError(JournalError):
    """The journal was written in a frame format that this version does not read; both versions are named."""


class CursorError(JournalError):
    """A cursor points beyond the end of its lane or belongs to another bus or epoch."""


class EventError(GcgQuantError, ValueError):
    """A record or event that cannot be published as it is."""


class InstrumentError(GcgQuantError, ValueError):
    """An unknown symbol, or instrument terms that make no sense."""


class SettingsError(GcgQuantError, ValueError):
    """A settings file or environment variable that cannot be used; the message names the key."""


class ImportFileError(GcgQuantError, ValueError):
    """A data file that cannot be read, or whose columns cannot be mapped."""


class StorageError(GcgQuantError, RuntimeError):
    """The database cannot be opened, migrated, read or written."""


class StrategyError(GcgQuantError, RuntimeError):
    """A strategy file, class or parameter that cannot be used, or an exception inside a strategy."""


class OrderError(GcgQuantError, ValueError):
    """An order that makes no sense, or an order state transition that is impossible."""


class AuditError(GcgQuantError, ValueError):
    """A journal tells an order, a position or cash that its fills do not add up to; the message names event, field and both values."""


class GatewayError(GcgQuantError, ConnectionError):
    """A venue that cannot be reached, or that does not answer."""


class CollectorError(GcgQuantError, RuntimeError):
    """A venue refuses what a collector asks for, and will next time: wrong credentials, an unknown symbol, a missing package."""


class ModelError(GcgQuantError, ValueError):
    """A trained model that cannot be served, a feature that is none, or data that no model can be trained on."""


class ComponentError(GcgQuantError, RuntimeError):
    """A component that cannot start, stop or be found."""


class BacktestError(GcgQuantError, RuntimeError):
    """A backtest that cannot be run."""


class NotRunningError(GcgQuantError, RuntimeError):
    """A command that needs a running system, and none runs on this home folder."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the known word nearest to `word`, or "" if none is near."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.55)
    return f" Did you mean {matches[0]!r}?" if matches else ""
