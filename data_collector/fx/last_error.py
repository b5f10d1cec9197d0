"""What `last_error` of MetaTrader 5 means, and what helps. Codes as in "Python Integration", last_error, of the MQL5 Reference."""

from __future__ import annotations

from gcg_quant.errors import CollectorError

__all__ = ["AUTH_FAILED", "failure", "meaning"]

AUTH_FAILED = -6
_INVALID, _VERSION = -2, -5
# What will not pass by itself: it is said once, and tried again late.
_LASTING = (_INVALID, _VERSION, AUTH_FAILED, -7)
_MEANINGS = {
    -1: "the terminal refused without a reason",
    _INVALID: "an argument is not what the terminal expects: look at account, server and path",
    -3: "the terminal has no memory left",
    -4: "the terminal has nothing of it",
    _VERSION: "the terminal and the package MetaTrader5 do not fit: update both",
    AUTH_FAILED: "the broker refuses the login: look at account, password and server",
    -7: "the terminal does not know this call: update it",
    -8: "the terminal does not allow programs to trade; market data does not need that",
    -10000: "the terminal does not answer: is it running?",
    -10001: "the terminal cannot be reached: was it closed?",
    -10002: "the terminal does not answer any more: was it closed?",
    -10003: "the terminal cannot be started: is it installed, for this user, and is `path` right?",
    -10004: "there is no connection to the terminal: it was closed, or has not been opened",
    -10005: "the terminal did not answer in time: it starts, updates itself, or shows a window that waits for an answer",
}


def meaning(code: int, text: str = "") -> str:
    """Return a code of last_error as words, with what the terminal itself said."""
    known = _MEANINGS.get(code, "the terminal failed")
    return f"{known} (MetaTrader 5 says {code}{': ' + text if text else ''})"


def failure(what: str, code: int, text: str = "") -> OSError | CollectorError:
    """Return what to raise: a CollectorError if it takes a person to mend it, else an OSError, for it is worth trying again."""
    said = f"{what}: {meaning(code, text)}."
    return CollectorError(said, code=code) if code in _LASTING else OSError(said)
