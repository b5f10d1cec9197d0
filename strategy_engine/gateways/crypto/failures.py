"""What the errors of ccxt mean for an order: refused for certain, or nobody knows."""

from __future__ import annotations

import re
from enum import Enum

from gcg_quant.redaction import hidden

from .rate_limit import TooBusyError

__all__ = ["Outcome", "outcome_of", "said"]

# Of an order whose client id is in use: "-2010 Duplicate order sent." (Binance spot), -4116 (USD-M), 51016 (OKX).
_DUPLICATE = re.compile(r"Duplicate order sent|\b-4116\b|\b51016\b|DuplicateOrderId|clOrdId.{0,20}(duplicate|exists)", re.IGNORECASE)
_TEXTS = (re.compile(r'"sMsg"\s*:\s*"([^"]+)"'), re.compile(r'"msg"\s*:\s*"([^"]+)"'))  # OKX says in the former what went wrong
_PREFIX = re.compile(r"^(binance|binanceusdm|okx) ")
_QUERY = re.compile(r"\?\S*=\S*")  # of a request that failed: its signature is nobody's business
_CODE = re.compile(r'"(?:sCode|code)"\s*:\s*"?(-?\d+)')


class Outcome(Enum):
    """What became of a request."""

    REFUSED = "refused"  # the venue has said no: nothing has happened
    DUPLICATE = "duplicate"  # the venue has an order of this client id already
    MISSING = "missing"  # the venue does not know such an order, or not as an open one
    BUSY = "busy"  # too many requests: nothing has happened, and it may be asked again later
    CLOCK = "clock"  # our clock is too far from the venue's: nothing has happened
    KEY = "key"  # the key is wrong or lacks a permission: nothing has happened
    UNKNOWN = "unknown"  # no answer, or none that says whether it happened


def outcome_of(error: BaseException) -> Outcome:
    """Return what an error says of the request that it ended. Whatever is not clearly an answer of the venue is UNKNOWN."""
    import ccxt

    text = str(error)
    if isinstance(error, TooBusyError):
        return Outcome.BUSY
    if isinstance(error, ccxt.DDoSProtection | ccxt.RateLimitExceeded):
        # ccxt takes -2015 of a key that has worked before for a ban; it is a key that was deleted, or an address that is not allowed.
        return Outcome.KEY if '"code":-2015' in text.replace(" ", "") else Outcome.BUSY
    if isinstance(error, ccxt.AuthenticationError):
        return Outcome.KEY
    if isinstance(error, ccxt.InvalidNonce):
        return Outcome.CLOCK
    if isinstance(error, ccxt.DuplicateOrderId) or (isinstance(error, ccxt.ExchangeError) and _DUPLICATE.search(text)):
        return Outcome.DUPLICATE
    if isinstance(error, ccxt.OrderNotFound):
        return Outcome.MISSING
    if type(error) is ccxt.ExchangeError and (error.__cause__ is not None or not _CODE.search(text)):
        return Outcome.UNKNOWN  # a connection that broke in the middle of an answer is an ExchangeError, too
    return Outcome.REFUSED if isinstance(error, ccxt.ExchangeError) else Outcome.UNKNOWN


def said(error: BaseException) -> str:
    """Return what the venue said, without the wrapping: "insufficient balance (-2010)"; no secret is in it."""
    text = str(error)
    words, codes = [found for one in _TEXTS for found in one.findall(text)], _CODE.findall(text)
    told = words[0] if words else _PREFIX.sub("", _QUERY.sub("", text.splitlines()[0]))[:160] if text else type(error).__name__
    code = next((one for one in reversed(codes) if one not in ("0", "1", "2")), "")
    return hidden(f"{told.rstrip('. ')} ({code})" if code else told)
