"""Instruments of ccxt's market table."""

from __future__ import annotations

from typing import Any

import pytest

from gcg_quant.data_collector.crypto.markets import instrument_of

TICKS, DECIMALS, SIGNIFICANT = 4, 2, 3
SPOT: dict[str, Any] = {
    "symbol": "BTC/USDT",
    "base": "BTC",
    "quote": "USDT",
    "type": "spot",
    "contract": False,
    "maker": 0.001,
    "taker": 0.001,
    "precision": {"price": 0.01, "amount": 1e-05},
    "limits": {"amount": {"min": 1e-05}, "leverage": {"max": 10}},
}
SWAP: dict[str, Any] = {
    "symbol": "BTC/USDT:USDT",
    "base": "BTC",
    "quote": "USDT",
    "settle": "USDT",
    "type": "swap",
    "contract": True,
    "linear": True,
    "precision": {"price": 0.1, "amount": 0.01},
    "limits": {"amount": {"min": 0.01}, "leverage": {"max": 100}},
    "contractSize": 0.01,
    "maker": 0.0002,
    "taker": 0.0005,
    "inverse": False,
}
INVERSE = {**SWAP, "symbol": "BTC/USD:BTC", "quote": "USD", "settle": "BTC", "linear": False, "inverse": True, "contractSize": 100}


def test_spot() -> None:
    """A spot market's tick, lot, least quantity and fees; nothing of it is on margin."""
    found = instrument_of(SPOT, "binance", TICKS)
    assert (found.tick_size, found.lot_size, found.min_quantity) == (0.01, 1e-05, 1e-05)
    assert (found.maker_fee, found.taker_fee, found.margin_rate, found.multiplier) == (0.001, 0.001, 1.0, 1.0)
    assert (found.kind, found.market, found.currency, found.description, found.calendar) == ("crypto", "crypto", "USDT", "spot", "24/7")


def test_linear_and_inverse_contracts() -> None:
    """A contract's multiplier is what it holds; which currency that is, and what it is paid in, is told."""
    found = instrument_of(SWAP, "okx", TICKS)
    assert (found.kind, found.multiplier, found.currency, found.margin_rate) == ("future", 0.01, "USDT", 0.01)
    assert found.description == "linear swap, contracts of 0.01 BTC"
    found = instrument_of(INVERSE, "okx", TICKS)
    assert (found.multiplier, found.currency) == (100.0, "BTC")
    assert found.description == "inverse swap, contracts of 100 USD"
    assert (found.inverse, found.multiplier, found.currency) == (True, 100.0, "BTC")


def test_decimals_and_what_is_not_told() -> None:
    """Precision may count decimals; what is absent has the defaults."""
    found = instrument_of({**SPOT, "precision": {"price": 2, "amount": 5}}, "v", DECIMALS)
    assert (found.tick_size, found.lot_size) == (0.01, 1e-05)
    found = instrument_of({"symbol": "A/B", "quote": "B", "precision": {"price": 5}}, "v", SIGNIFICANT)
    assert (found.tick_size, found.lot_size, found.min_quantity, found.currency) == (1e-8, 1e-8, 0.0, "B")


@pytest.mark.parametrize("wrong", [None, "x", float("nan"), float("inf"), -1])
def test_terms_that_make_no_sense_are_the_defaults(wrong: Any) -> None:
    """A venue that states rubbish gets an instrument that can be collected all the same."""
    found = instrument_of({**SWAP, "precision": {"price": wrong}, "contractSize": wrong, "limits": {"amount": {"min": wrong}}}, "v", TICKS)
    assert (found.tick_size, found.multiplier, found.min_quantity) == (1e-8, 1.0, 0.0)
