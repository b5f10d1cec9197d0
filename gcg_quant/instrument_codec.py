"""Instruments' terms as the rows of the bus's instrument table have them: numbered fields that only grow at their end."""

from __future__ import annotations

from typing import Any

import msgspec

from gcg_quant.errors import InstrumentError
from gcg_quant.instruments import Instrument

__all__ = ["MAX_TERMS_BYTES", "decode_terms", "encode_terms"]

MAX_TERMS_BYTES = 376  # the room for the terms in a row of the table

# Numbers of the terms' fields in the instrument table: never reused, new ones only at the end.
_NUMBERS = {
    name: number
    for number, name in enumerate(
        (
            "kind",
            "market",
            "currency",
            "tick_size",
            "lot_size",
            "min_quantity",
            "multiplier",
            "margin_rate",
            "maker_fee",
            "taker_fee",
            "fee_per_unit",
            "fee_per_order",
            "min_fee",
            "stamp_duty",
            "t_plus_one",
            "price_limit",
            "calendar",
            "timezone",
            "description",
            "legs",
            "today_apart",
            "close_today_fee",
            "close_today_fee_per_unit",
            "larger_side",
            "inverse",
        ),
        start=1,
    )
}
_NAMES = {number: name for name, number in _NUMBERS.items()}
_DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Instrument) if field.name in _NUMBERS}


def encode_terms(instrument: Instrument) -> bytes:
    """Return the terms (all fields but symbol and venue) as msgpack of at most MAX_TERMS_BYTES bytes; defaults are left out."""
    terms = {_NUMBERS[name]: getattr(instrument, name) for name, default in _DEFAULTS.items() if getattr(instrument, name) != default}
    packed = msgspec.msgpack.encode(terms)
    if len(packed) > MAX_TERMS_BYTES:
        raise InstrumentError(
            f"The terms of {instrument.name} take {len(packed)} bytes and {MAX_TERMS_BYTES} is the limit; shorten its texts.",
            symbol=instrument.symbol,
            bytes=len(packed),
        )
    return packed


def decode_terms(symbol: str, venue: str, terms: bytes) -> Instrument:
    """Return the instrument of a row of the bus's table; no terms are the defaults, fields of a later version are skipped."""
    try:
        numbered = msgspec.msgpack.decode(terms, type=dict[int, Any]) if terms else {}
        fields = {_NAMES[number]: value for number, value in numbered.items() if number in _NAMES}
        return msgspec.convert({"symbol": symbol, "venue": venue, **fields}, Instrument)
    except msgspec.MsgspecError as error:
        raise InstrumentError(f"The terms of {symbol}@{venue} in the instrument table cannot be read: {error}.", symbol=symbol) from error
