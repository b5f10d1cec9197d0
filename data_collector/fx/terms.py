"""Instruments as a terminal states them: symbol_info ("Python Integration" of the MQL5 Reference; units in "Symbol Properties")."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gcg_quant.instruments import Instrument

from .symbol_names import FOREX

__all__ = ["instrument_of"]

# ENUM_SYMBOL_CALC_MODE -> kind; what is missing there has none (contracts for difference).
_KINDS = {**dict.fromkeys(FOREX, "fx"), 1: "future", 3: "index", 32: "stock", 33: "future", 34: "future", 38: "stock"}
_TRADE_MODES = ("no trading", "long only", "short only", "close only", "full access")
_SWAP_MODES = (
    "none",
    "points",
    "base currency",
    "margin currency",
    "deposit currency",
    "% of price",
    "% of open price",
    "points",
    "points",
)
_WORDS = 160  # bytes of the description: the table's row has room for 376 in all


def instrument_of(stated: Mapping[str, Any], symbol: str, venue: str, leverage: int) -> Instrument:
    """Return an instrument with the terms that the terminal states.

    Quantities are in units of the base currency (of the contract, if it is none): a lot of the terminal is `trade_contract_size` of them.
    The terminal's hours are not told by the Python API: the calendar is that of the currencies' week.

    Args:
        stated: values of symbol_info by their names.
        symbol: what it is called here.
        venue: whose symbol it is.
        leverage: of the account; 0 if it is not known.

    Raises:
        InstrumentError: the terms make no sense.
    """
    contract = _above_zero(stated["trade_contract_size"], 1.0)
    tick = _above_zero(stated["trade_tick_size"], _above_zero(stated["point"], 1e-8))
    mode = int(stated["trade_calc_mode"])
    forex = mode in FOREX
    return Instrument(
        symbol=symbol,
        venue=venue,
        kind=_KINDS.get(mode, ""),
        market="fx",
        currency=str(stated["currency_profit"]) or "USD",
        tick_size=tick,
        lot_size=_above_zero(stated["volume_step"], 0.01) * contract,
        min_quantity=_above_zero(stated["volume_min"], 0.0) * contract,
        margin_rate=1 / leverage if forex and mode != 5 and leverage > 1 else 1.0,
        calendar="FX",
        description=_description(stated, contract),
    )


def _description(stated: Mapping[str, Any], contract: float) -> str:
    trade, swap = int(stated["trade_mode"]), int(stated["swap_mode"])
    parts = [f"{stated['name']}: lot {contract:g}"]
    parts.append(_TRADE_MODES[trade] if 0 <= trade < len(_TRADE_MODES) else f"trade mode {trade}")
    if swap:
        unit = _SWAP_MODES[swap] if 0 < swap < len(_SWAP_MODES) else f"mode {swap}"
        parts.append(f"swap {stated['swap_long']:g}/{stated['swap_short']:g} {unit}")
    parts.append(f"tick {stated['trade_tick_value']:g}/lot, max {stated['volume_max']:g} lots, margin in {stated['currency_margin']}")
    return ", ".join(parts).encode()[:_WORDS].decode(errors="ignore")


def _above_zero(value: Any, default: float) -> float:
    number = float(value)
    return number if math.isfinite(number) and number > 0 else default
