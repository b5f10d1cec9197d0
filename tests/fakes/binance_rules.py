"""Binance's exchangeInfo: what is listed and by which filters; checked against its page "Exchange information" (spot and USD-M)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fakes.binance_shapes import venue_symbol
from fakes.terms import Terms

ORDER_TYPES = ["LIMIT", "LIMIT_MAKER", "MARKET"]
MOST = Decimal(1_000_000)


def text(value: Decimal, swap: bool) -> str:
    """Return a limit as the venue writes it."""
    return f"{value.normalize():f}" if swap else f"{value:.8f}"


def rate_limits(swap: bool, weight_limit: int) -> list[dict[str, Any]]:
    """Return the limits that a client has to keep."""
    weight = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": weight_limit}
    orders = {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300 if swap else 100}
    rest = (
        {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200}
        if swap
        else {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000}
    )
    return [weight, orders, rest]


def filters(terms: Terms) -> list[dict[str, Any]]:
    """Return the filters of an instrument."""
    swap = terms.swap
    lot: dict[str, Any] = {"minQty": text(terms.lot, swap), "maxQty": text(MOST, swap), "stepSize": text(terms.lot, swap)}
    prices: dict[str, Any] = {"minPrice": text(terms.tick, swap), "maxPrice": text(MOST, swap), "tickSize": text(terms.tick, swap)}
    found: list[dict[str, Any]] = [{"filterType": "PRICE_FILTER", **prices}]
    found += [{"filterType": name, **lot} for name in ("LOT_SIZE", "MARKET_LOT_SIZE")]
    if swap:
        found.append({"filterType": "MAX_NUM_ORDERS", "limit": 200})
        found.append({"filterType": "MIN_NOTIONAL", "notional": text(terms.min_notional, swap)})
        return found
    notional: dict[str, Any] = {"minNotional": text(terms.min_notional, swap), "applyMinToMarket": True, "maxNotional": "9000000.00000000"}
    found.append({"filterType": "NOTIONAL", **notional, "applyMaxToMarket": False, "avgPriceMins": 5})
    found.append({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200})
    return found


def spot_symbol(terms: Terms) -> dict[str, Any]:
    """Return a spot pair's entry."""
    return {
        "symbol": venue_symbol(terms),
        "status": "TRADING",
        "baseAsset": terms.base,
        "baseAssetPrecision": 8,
        "quoteAsset": terms.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ORDER_TYPES,
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(terms),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_MAKER"],
    }


def swap_symbol(terms: Terms) -> dict[str, Any]:
    """Return a perpetual's entry."""
    return {
        "symbol": venue_symbol(terms),
        "pair": venue_symbol(terms),
        "contractType": "PERPETUAL",
        "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": terms.base,
        "quoteAsset": terms.quote,
        "marginAsset": terms.quote,
        "pricePrecision": places(terms.tick),
        "quantityPrecision": places(terms.lot),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "filters": filters(terms),
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }


def places(step: Decimal) -> int:
    """Return how many decimals a step has."""
    exponent = step.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
