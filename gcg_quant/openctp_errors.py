"""What a futures counter says when it refuses or goes away, in words: why it disconnects, the commonest errors, return codes."""

from __future__ import annotations

from gcg_quant.openctp_values import Fields, text

__all__ = ["CREDENTIAL_ERRORS", "disconnect_words", "error_of", "return_words"]

# OnFrontDisconnected(nReason), from the comment in ThostFtdcTraderApi.h. TTS says 0.
_REASONS = {
    0x1001: "reading from the network failed",
    0x1002: "writing to the network failed",
    0x2001: "no heartbeat came from it",
    0x2002: "no heartbeat could be sent to it",
    0x2003: "it sent a wrong message",
}
# ReqXxx(), likewise.
_RETURNS = {-1: "there is no connection", -2: "too many requests are waiting", -3: "too many requests within a second"}
# RspInfo.ErrorID of the exchanges' counter, as its error list has them; only those that have a meaning of their own here.
_ERRORS = {
    3: "user or password is wrong",
    7: "the counter is not ready yet",
    44: "the settlement has not been confirmed",
    60: "the user has too many sessions: another program is logged in",
    63: "the authentication of the program was refused: check app_id and auth_code",
    64: "the program has not authenticated itself: set app_id and auth_code",
    75: "the user is locked after too many failed logins",
    90: "the counter is not ready for queries yet",
    131: "the password must be changed first",
    140: "the password must be changed at the first login",
}
# What is not tried again with the same credentials: some counters lock a user after five failures.
CREDENTIAL_ERRORS = frozenset({3, 63, 64, 75, 131, 140})


def disconnect_words(reason: int) -> str:
    """Return why a connection ended, with the library's number."""
    code = reason & 0xFFFF
    return f"{_REASONS.get(code, 'the front closed the connection')} (reason 0x{code:04x})"


def return_words(code: int) -> str:
    """Return what the library means by the return code of a request."""
    return f"{_RETURNS.get(code, 'the request was not sent')} (code {code})"


def error_of(info: Fields | None) -> tuple[int, str]:
    """Return an answer's error number and words, (0, "") if there is none."""
    number = 0 if info is None else int(info["ErrorID"])
    if not number or info is None:
        return 0, ""
    said = text(info["ErrorMsg"])
    ours = _ERRORS.get(number, "")
    return number, f"{'; '.join(part for part in (ours, said) if part) or 'no reason given'} (error {number})"
