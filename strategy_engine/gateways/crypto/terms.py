"""An order's terms as ccxt is told them, exact: what the venue would round or cut is refused here."""

from __future__ import annotations

from decimal import Decimal
from math import isnan
from typing import Any

from gcg_quant.errors import OrderError
from gcg_quant.events import Offset, OrderCommand, OrderFlag, OrderType, PositionSide, Side, TimeInForce

from .options import CryptoOptions
from .venue import Row, Venue

__all__ = ["check_market", "check_numbers", "order_arguments"]

_FORCES = {TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}


def order_arguments(command: OrderCommand, venue: Venue, market: Row, client_id: str) -> tuple[Any, ...]:
    """Return the arguments of ccxt's create_order for a command.

    Raises:
        OrderError: the venue would not take it as it is meant.
    """
    limit = command.order_type == OrderType.LIMIT
    price = command.price if limit else None
    quantity, price = check_numbers(market, command.quantity, price)
    if not limit and (command.order_flags & OrderFlag.POST_ONLY or command.time_in_force == TimeInForce.FOK):
        raise OrderError(f"A market order of {command.symbol} cannot be post-only or fill-or-kill: send a limit order.")
    side = _position_side(command, venue.options)
    own = {
        "client_id": client_id,
        "force": _FORCES.get(command.time_in_force, "GTC") if limit else "",
        "post_only": limit and bool(command.order_flags & OrderFlag.POST_ONLY),
        "reduce": venue.swap and (bool(command.order_flags & OrderFlag.REDUCE_ONLY) or command.offset not in (Offset.NONE, Offset.OPEN)),
        "side": side,
    }
    words = ("limit" if limit else "market", "buy" if command.side == Side.BUY else "sell")
    return (market["symbol"], *words, quantity, price, venue.order_params(own))


def check_market(symbol: str, markets: Row | None, venue: Venue) -> Row:
    """Return the venue's market of a symbol.

    Raises:
        OrderError: it has none of that kind.
    """
    market = (markets or {}).get(symbol)
    if market is not None and market.get("inverse") and not venue.takes(market):
        text = f"{symbol} is an inverse contract, which the gateway does not trade at {venue.name}: nothing was sent."
        raise OrderError(text, symbol=symbol)
    if market is None or not venue.takes(market):
        raise OrderError(f"There is no {venue.options.market} market {symbol} that the gateway trades: nothing was sent.", symbol=symbol)
    found: Row = market
    return found


def check_numbers(market: Row, quantity: float, price: float | None) -> tuple[float, float | None]:
    """Return a quantity and price as the market takes them, without what arithmetic on floats leaves behind.

    Raises:
        OrderError: they are none that the market takes: ccxt would cut them without a word.
    """
    symbol, limits = market["symbol"], market.get("limits") or {}
    amount = _exact("quantity", quantity, market["precision"]["amount"], limits.get("amount"), symbol)
    exact_price = None if price is None else _exact("price", price, market["precision"]["price"], limits.get("price"), symbol)
    least = (limits.get("cost") or {}).get("min")
    value = amount * float(market.get("contractSize") or 1.0) * (1.0 if market.get("inverse") else exact_price or 0.0)
    if exact_price and least and value < least:
        raise OrderError(f"An order of {symbol} is worth {value:.10g}, and its venue takes none below {least:.10g}.", symbol=symbol)
    return amount, exact_price


def _exact(what: str, value: float, step: float | None, bounds: Row | None, symbol: str) -> float:
    if isnan(value) or value <= 0:
        raise OrderError(f"The {what} of an order of {symbol} must be above 0, found {value:g}.", symbol=symbol)
    if step:
        unit, found = Decimal(repr(float(step))), Decimal(repr(value))
        count = (found / unit).to_integral_value()
        if abs(found - count * unit) > unit / 1_000_000:
            raise OrderError(f"The {what} {value:.12g} of {symbol} is no multiple of {step:.10g}, as its venue wants it.", symbol=symbol)
        value = float(count * unit)
    least, most = (bounds or {}).get("min"), (bounds or {}).get("max")
    if least and value < least:
        raise OrderError(f"The {what} {value:.12g} of {symbol} is below its venue's least, {least:.10g}.", symbol=symbol)
    if most and value > most:
        raise OrderError(f"The {what} {value:.12g} of {symbol} is above its venue's most, {most:.10g}.", symbol=symbol)
    return value


def _position_side(command: OrderCommand, options: CryptoOptions) -> str:
    # In hedge mode each order says whose side it is: a buy opens the long one and closes the short one.
    if not options.hedge or options.market != "swap":
        return ""
    if command.position_side in (PositionSide.LONG, PositionSide.SHORT):
        return command.position_side.name.lower()
    if command.offset == Offset.NONE:
        raise OrderError(
            f"In hedge mode an order of {command.symbol} opens or closes a side: set legs = true for it in [[instruments.overrides]].",
            symbol=command.symbol,
        )
    opens = command.offset == Offset.OPEN
    return "long" if opens == (command.side == Side.BUY) else "short"
