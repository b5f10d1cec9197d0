"""Symbols as Interactive Brokers' contracts, and what it states of a contract as an instrument's terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gcg_quant.errors import CollectorError, InstrumentError
from gcg_quant.instruments import Instrument, preset
from gcg_quant.market_terms import market_of

if TYPE_CHECKING:
    from ib_async.contract import Contract, ContractDetails

__all__ = ["HK", "US", "chosen", "contract_of", "market_rule_of", "terms_from", "tick_at", "venue_of_symbol"]

HK, US = "HKEX", "US"
_KINDS = {"ETF": "etf", "COMMON": "stock", "ADR": "stock", "REIT": "stock"}


def venue_of_symbol(symbol: str) -> str:
    """Return "HKEX" for five digits, else "US"."""
    return HK if market_of(symbol) == "hk" else US


def contract_of(symbol: str, contract_id: int = 0) -> Contract:
    """Return the contract to look up: "00700" is 700 at SEHK in HKD, "AAPL" is routed by SMART in USD; a number settles everything.

    Class shares are written with a dot here and with a blank at IB ("BRK.B").

    Raises:
        CollectorError: it is no share of Hong Kong or the USA.
    """
    from ib_async.contract import Contract

    market = market_of(symbol)
    if contract_id:
        return Contract(conId=contract_id, exchange="SEHK" if market == "hk" else "SMART")
    if market == "hk":
        return Contract(secType="STK", symbol=symbol.lstrip("0"), exchange="SEHK", currency="HKD")
    if market != "us" or not symbol:
        raise CollectorError(
            f"{symbol!r} is no share of Hong Kong or the USA: write five digits ('00700') or letters ('AAPL').", symbol=symbol
        )
    return Contract(secType="STK", symbol=symbol.replace(".", " "), exchange="SMART", currency="USD")


def chosen(symbol: str, found: Sequence[ContractDetails]) -> ContractDetails:
    """Return the one contract that a look-up found.

    Raises:
        CollectorError: it found none, or several; the sentence says how to choose.
    """
    if not found:
        raise CollectorError(f"Interactive Brokers has no share {symbol!r}.", symbol=symbol)
    by_number = {details.contract.conId: details for details in found if details.contract is not None}
    if len(by_number) > 1:
        names = ", ".join(
            f"{number} ({details.longName or details.contract.symbol}, {details.contract.primaryExchange}, {details.contract.currency})"
            for number, details in sorted(by_number.items())
            if details.contract is not None
        )
        raise CollectorError(
            f"{symbol!r} is ambiguous at Interactive Brokers: {names}. Choose one: options.contract_ids = {{ {symbol!r} = NUMBER }}.",
            symbol=symbol,
        )
    return next(iter(by_number.values()))


def market_rule_of(details: ContractDetails) -> int | None:
    """Return the number of the rule that states a contract's price steps at the exchange it is traded at; None if there is none."""
    exchanges, rules = details.validExchanges.split(","), [rule for rule in details.marketRuleIds.split(",") if rule]
    assert details.contract is not None
    if not rules:
        return None
    place = exchanges.index(details.contract.exchange) if details.contract.exchange in exchanges else 0
    return int(rules[min(place, len(rules) - 1)])


def tick_at(price: float | None, steps: Sequence[Any], smallest: float) -> float:
    """Return the price step at a price; without one the smallest of all, so that nothing valid is refused.

    Args:
        price: about what the instrument costs.
        steps: the market rule: items with `lowEdge` and `increment`.
        smallest: the contract's own smallest step.
    """
    increments = [(float(step.lowEdge), float(step.increment)) for step in steps if step.increment > 0]
    if not increments:
        return smallest if smallest > 0 else 0.01
    if price is None:
        return min(increment for _, increment in increments)
    return max(((edge, increment) for edge, increment in increments if edge <= price), default=min(increments))[1]


def terms_from(symbol: str, details: ContractDetails, steps: Sequence[Any], price: float | None = None) -> Instrument:
    """Return an instrument's terms: price step, lot, currency, name and kind as IB states them, the rest as is usual in the market.

    Raises:
        CollectorError: what IB states makes no sense.
    """
    contract = details.contract
    assert contract is not None
    market = "hk" if contract.currency == "HKD" else "us"
    lot = _lot(details) if market == "hk" else 1.0  # parts of US shares are for accounts that are allowed to
    own: dict[str, Any] = {
        "currency": contract.currency or ("HKD" if market == "hk" else "USD"),
        "tick_size": tick_at(price, steps, details.minTick),
        "kind": _KINDS.get(details.stockType, "stock"),
        "description": details.longName[:60],
    }
    if lot is not None:
        own |= {"lot_size": lot, "min_quantity": lot}
    try:
        return preset(market, symbol, HK if market == "hk" else US, price=price, **own)
    except InstrumentError as error:
        raise CollectorError(
            f"Interactive Brokers states terms of {symbol!r} that make no sense: {error.message}", symbol=symbol
        ) from error


def routed(details: ContractDetails) -> Contract:
    """Return the contract that data is asked for with: by its number, at the exchange that it was looked up for."""
    assert details.contract is not None
    return replace(details.contract)


def _lot(details: ContractDetails) -> float | None:
    return next((size for size in (details.sizeIncrement, details.minSize, details.suggestedSizeIncrement) if 1 <= size < 1e9), None)
