"""What PostgreSQL and its driver complain about, as one sentence each, and whether waiting may help."""

from __future__ import annotations

import re
from typing import NamedTuple

from gcg_quant.errors import StorageError

__all__ = ["sentence"]


class _Fault(NamedTuple):
    text: str  # with {name} and {error}
    retry: bool
    locked: bool = False


_LOCKED = _Fault("The database {name} is locked by another program.", True, locked=True)
_AWAY = _Fault("The database {name} cannot be reached: {error}.", True)
_FULL = _Fault("The database {name} cannot be written: {error}; free some disk space of its server.", True)
_CROWDED = _Fault("The database {name} has too many connections already: close some, or raise max_connections of its server.", True)
_STOPPED = _Fault("The database {name} ended a statement or transaction: {error}.", True)
_READ_ONLY = _Fault("The database {name} takes no rows now: its server is a standby, or only to be read.", True)
_REFUSED_USER = _Fault("The database {name} refuses the user or the password: {error}.", False)
_UNKNOWN = _Fault("There is no database {name}: make it with createdb, or choose another one.", False)
_FORBIDDEN = _Fault("The database {name} does not allow this to its user: {error}; GRANT it.", False)
_NO_SCHEMA = _Fault("The database {name} has no schema to make tables in: CREATE SCHEMA, or set the search_path of its user.", False)
_NO_ROOM = _Fault("The database {name} had no partition for a row: it was removed while rows came; they are stored again.", True)
_OTHER = _Fault("The database {name} refused a statement: {error}.", False)

# What libpq puts before and behind what it has to say.
_HINTS = re.compile(r"^connection (is bad|failed): | Is the server running .*$")
# The most special first: a whole SQLSTATE, then its class (the first two characters).
_BY_STATE = {
    "55P03": _LOCKED,
    "40001": _LOCKED,
    "40P01": _LOCKED,
    "53300": _CROWDED,
    "53400": _CROWDED,
    "57014": _STOPPED,
    "25P02": _OTHER,
    "25P03": _STOPPED,
    "25P04": _STOPPED,
    "25006": _READ_ONLY,
    "28000": _REFUSED_USER,
    "28P01": _REFUSED_USER,
    "3D000": _UNKNOWN,
    "3F000": _NO_SCHEMA,
    "42501": _FORBIDDEN,
    "53100": _FULL,
    "58030": _FULL,
    "08": _AWAY,
    "53": _STOPPED,
    "57": _AWAY,
}
# A connection that was never made has no SQLSTATE. Words of a server in another language are taken for one that is away.
_BY_WORDS = {
    "password authentication failed": _REFUSED_USER,
    "no password supplied": _REFUSED_USER,
    "no pg_hba.conf entry": _REFUSED_USER,
    "authentication failed": _REFUSED_USER,
    "permission denied for database": _FORBIDDEN,
    "too many clients": _CROWDED,
    "remaining connection slots": _CROWDED,
    "too many connections": _CROWDED,
}


def sentence(error: BaseException, name: str, password: str) -> StorageError:
    """Return an error of psycopg as a StorageError; `context` has `retry` and `locked`."""
    words = _HINTS.sub("", " ".join(str(error).split())).rstrip(".")
    if password:
        words = words.replace(password, "***")
    state = str(getattr(error, "sqlstate", None) or "")
    fault = _BY_STATE.get(state) or _BY_STATE.get(state[:2]) or (_of_words(words, type(error).__name__) if not state else _OTHER)
    if state == "23514" and "no partition of relation" in words:
        fault = _NO_ROOM
    text = fault.text.format(name=name, error=words)
    return StorageError(text, database=name, retry=fault.retry, locked=fault.locked, state=state)


def _of_words(words: str, kind: str) -> _Fault:
    if kind not in ("OperationalError", "InterfaceError", "ConnectionTimeout"):
        return _OTHER
    if re.search(r'database ".*" does not exist', words):
        return _UNKNOWN
    if re.search(r'role ".*" does not exist', words):
        return _REFUSED_USER
    return next((fault for part, fault in _BY_WORDS.items() if part in words), _AWAY)
