"""An order's terms as the exchange is told them: exact, or refused with a sentence before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from gcg_quant.errors import OrderError
from gcg_quant.events import Offset, OrderCommand, OrderFlag, OrderType, PositionSide, Side, TimeInForce
from gcg_quant.strategy_engine.gateways.crypto.binance import Binance
from gcg_quant.strategy_engine.gateways.crypto.okx import Okx
from gcg_quant.strategy_engine.gateways.crypto.options import CryptoOptions
from gcg_quant.strategy_engine.gateways.crypto.terms import check_market, check_numbers, order_arguments
from gcg_quant.strategy_engine.gateways.crypto.venue import Venue

MARKET: dict[str, Any] = {
    "symbol": "BTC/USDT",
    "spot": True,
    "precision": {"amount": 1e-05, "price": 0.01},
    "limits": {"amount": {"min": 1e-05, "max": 100.0}, "price": {"min": 0.01, "max": None}, "cost": {"min": 5.0}},
}
SPOT, SWAP, HEDGE = CryptoOptions(), CryptoOptions(market="swap"), CryptoOptions(market="swap", hedge=True)


def arguments(venue: Venue, **terms: Any) -> tuple[Any, ...]:
    """Return what ccxt is told of a limit order to buy 0.3 at 100, with these terms."""
    usual = {"symbol": "BTC/USDT", "order_type": OrderType.LIMIT, "side": Side.BUY, "quantity": 0.3, "price": 100.0}
    return order_arguments(OrderCommand(**{**usual, **terms}), venue, MARKET, "g1")


def test_kinds_and_times_are_each_venues_own() -> None:
    """Types, times in force, post-only, client id; a market order has no price and no time."""
    binance, okx = Binance(SPOT), Okx(SPOT)
    assert arguments(binance) == ("BTC/USDT", "limit", "buy", 0.3, 100.0, {"newClientOrderId": "g1", "timeInForce": "GTC"})
    assert arguments(binance, time_in_force=TimeInForce.FOK)[-1]["timeInForce"] == "FOK"
    assert arguments(binance, order_flags=OrderFlag.POST_ONLY)[-1] == {"newClientOrderId": "g1", "postOnly": True}
    sold = arguments(okx, order_type=OrderType.MARKET, side=Side.SELL)
    assert sold == ("BTC/USDT", "market", "sell", 0.3, None, {"clientOrderId": "g1", "tgtCcy": "base_ccy"})
    assert arguments(okx, time_in_force=TimeInForce.IOC)[-1]["timeInForce"] == "IOC"


def test_contracts_say_what_they_close_and_whose_side() -> None:
    """One-way mode tells reduce-only; hedge mode the side, by offset or by the side itself."""
    assert arguments(Binance(SWAP), order_flags=OrderFlag.REDUCE_ONLY)[-1]["reduceOnly"] is True
    assert arguments(Okx(SWAP), offset=Offset.CLOSE)[-1] == {
        "clientOrderId": "g1",
        "timeInForce": "GTC",
        "tdMode": "cross",
        "reduceOnly": True,
    }
    assert arguments(Binance(HEDGE), offset=Offset.OPEN)[-1]["positionSide"] == "LONG"
    assert arguments(Okx(HEDGE), offset=Offset.CLOSE)[-1]["positionSide"] == "short"
    assert arguments(Okx(HEDGE), position_side=PositionSide.LONG, side=Side.SELL)[-1]["positionSide"] == "long"
    with pytest.raises(OrderError, match="set legs = true"):
        arguments(Binance(HEDGE))


@pytest.mark.parametrize(
    ("quantity", "price", "text"),
    [
        (0.000011, 100.0, "quantity 1.1e-05 of BTC/USDT is no multiple of 1e-05"),
        (0.3, 100.001, "price 100.001 of BTC/USDT is no multiple of 0.01"),
        (101.0, 100.0, "above its venue's most, 100"),
        (0.01, 100.0, "worth 1, and its venue takes none below 5"),
        (0.0, 100.0, "must be above 0"),
        (float("nan"), 100.0, "must be above 0"),
    ],
)
def test_what_the_venue_would_cut_or_refuse_is_refused_here(quantity: float, price: float, text: str) -> None:
    """The sentence names the symbol, the value and what it would have to be."""
    with pytest.raises(OrderError, match=text):
        check_numbers(MARKET, quantity, price)


def test_what_floats_leave_behind_is_no_fault() -> None:
    """0.1 + 0.2 is three tenths."""
    assert check_numbers(MARKET, 0.1 + 0.2, 0.07 * 100 + 93) == (0.3, 100.0)
    assert check_numbers(MARKET, 0.3, None) == (0.3, None)


def test_only_markets_of_the_kind_that_is_traded() -> None:
    """A symbol that the venue does not have, or has as something else, is refused."""
    assert check_market("BTC/USDT", {"BTC/USDT": MARKET}, Binance(SPOT)) is MARKET
    for options, symbol in ((SPOT, "BTCUSDT"), (SWAP, "BTC/USDT")):
        with pytest.raises(OrderError, match="There is no"):
            check_market(symbol, {"BTC/USDT": MARKET}, Binance(options))
    coins = {**MARKET, "inverse": True, "swap": True}
    with pytest.raises(OrderError, match="BTC/USD:BTC is an inverse contract, which the gateway does not trade at binance"):
        check_market("BTC/USD:BTC", {"BTC/USD:BTC": coins}, Binance(SWAP))
    assert check_market("BTC/USD:BTC", {"BTC/USD:BTC": coins}, Okx(SWAP)) is coins
