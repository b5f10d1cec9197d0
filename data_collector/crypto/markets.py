"""Instruments of an exchange's market table, as ccxt gives it ("Market Structure" in ccxt's manual)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gcg_quant.instruments import Instrument

__all__ = ["instrument_of"]

_TICK_SIZE, _SIGNIFICANT = 4, 3  # ccxt's precision modes; 2 counts decimals
_DEFAULT = 1e-8


def instrument_of(market: Mapping[str, Any], venue: str, precision_mode: int) -> Instrument:
    """Return an instrument with the terms that the venue states; what it does not state has the defaults of Instrument.

    A contract's quantities are numbers of contracts, and its multiplier is what one of them holds: of the base currency, or of the quote
    currency if it is `inverse` (paid in the base currency).

    Raises:
        InstrumentError: the terms make no sense.
    """
    precision, limits = market.get("precision") or {}, market.get("limits") or {}
    contract, inverse = bool(market.get("contract")), bool(market.get("inverse"))
    currency = str(market.get("settle") or market.get("quote") or "USDT")
    least = _number((limits.get("amount") or {}).get("min"))
    leverage = _number((limits.get("leverage") or {}).get("max")) if contract else None
    return Instrument(
        symbol=str(market["symbol"]),
        venue=venue,
        kind="future" if contract else "crypto",
        market="crypto",
        currency=currency,
        tick_size=_step(precision.get("price"), precision_mode),
        lot_size=_step(precision.get("amount"), precision_mode),
        min_quantity=least if least is not None and least >= 0 else 0.0,
        multiplier=_above_zero(market.get("contractSize"), 1.0) if contract else 1.0,
        margin_rate=1 / leverage if leverage is not None and leverage > 1 else 1.0,
        inverse=contract and inverse,
        maker_fee=_number(market.get("maker")) or 0.0,
        taker_fee=max(0.0, _number(market.get("taker")) or 0.0),
        calendar="24/7",
        description=_description(market, contract=contract, inverse=inverse),
    )


def _description(market: Mapping[str, Any], *, contract: bool, inverse: bool) -> str:
    if not contract:
        return str(market.get("type") or "spot")
    words = "inverse " if inverse else "linear "
    expiry = str(market.get("expiryDatetime") or "")[:10]
    words += f"{market.get('type') or 'swap'}{f' of {expiry}' if expiry else ''}"
    unit = market.get("quote") if inverse else market.get("base")
    return f"{words}, contracts of {_above_zero(market.get('contractSize'), 1.0):g} {unit}"


def _step(precision: Any, mode: int) -> float:
    value = _number(precision)
    if value is None or mode == _SIGNIFICANT:
        return _DEFAULT
    step = value if mode == _TICK_SIZE else float(f"1e{-round(value)}")
    return step if step > 0 else _DEFAULT


def _above_zero(value: Any, default: float) -> float:
    number = _number(value)
    return number if number is not None and number > 0 else default


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
