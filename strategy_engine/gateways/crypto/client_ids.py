"""Client ids as a crypto exchange takes them, made of ours."""

from __future__ import annotations

import hashlib

__all__ = ["own_part", "venue_client_id"]

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH = 26


def venue_client_id(bus_id: str, client_id: str, replacement: int = 0) -> str:
    """Return the id under which an order is known at the venue: the same for ever, and another one for each order of each bus.

    Binance takes 36 characters of [.A-Z:/a-z0-9_-] ("New Order" of its spot and USD-M REST APIs), OKX 32 letters and digits (`clOrdId` of
    "Place order"). So it is a letter and 25 digits of base 36 of a hash, whatever ours is; a replacement's number follows.
    """
    number = int.from_bytes(hashlib.blake2b(f"{bus_id}\n{client_id}".encode(), digest_size=16).digest(), "big")
    digits = ""
    for _ in range(_LENGTH - 1):
        number, digit = divmod(number, 36)
        digits += _DIGITS[digit]
    return f"g{digits}{f'Q{replacement}' if replacement else ''}"


def own_part(venue_id: str) -> tuple[str, int]:
    """Return a venue's client id without the number of a replacement, and that number, 0 for the first order."""
    own, mark, number = venue_id.partition("Q")
    return (own, int(number)) if mark and number.isdecimal() else (venue_id, 0)
