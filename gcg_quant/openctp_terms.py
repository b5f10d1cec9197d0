"""The contracts of China's futures exchanges: which exchange a symbol belongs to, and its terms as the counter states them."""

from __future__ import annotations

import re
from typing import Any

from gcg_quant.errors import InstrumentError, nearest
from gcg_quant.instruments import Instrument
from gcg_quant.market_terms import terms_of
from gcg_quant.openctp_values import Fields, number, price, text

__all__ = ["FUTURE", "SPREAD", "exchange_of", "instrument_of", "is_spread", "product_of", "usual_future"]

FUTURE, SPREAD = "1", "3"  # ProductClass of CThostFtdcInstrumentField

# What each exchange lists, futures and the options that have a name of their own; from the exchanges' product pages, 2026.
_PRODUCTS = {
    "SHFE": "cu al zn pb ni sn ss ao ad au ag rb wr hc fu bu ru sp br op",
    "INE": "sc lu nr bc ec",
    "DCE": "a b m y p c cs jd lh l v pp j jm i eg eb pg rr fb bb lg bz",
    "CZCE": "WH PM CF SR OI RI MA FG RS RM JR LR SF SM ZC CY AP CJ UR SA PF PK PX SH PR PL TA",
    "CFFEX": "IF IH IC IM TS TF T TL IO HO MO",
    "GFEX": "si lc ps pt pd",
}
# Tick and multiplier of those that market_terms does not know, written down by hand: used only until the counter has stated its own
# (instrument_of), which are the ones that count.
_MORE = {
    **dict.fromkeys(("pb", "ss", "br", "l", "v", "pp", "PF", "SF", "SM", "CY", "si", "CJ"), (5.0, 5.0)),
    **dict.fromkeys(("lu", "a", "b", "cs", "rr", "eg", "OI", "RS", "wr"), (1.0, 10.0)),
    **dict.fromkeys(("ao", "pg", "UR", "WH", "RI", "LR", "JR", "PL"), (1.0, 20.0)),
    **dict.fromkeys(("PK", "PX"), (2.0, 5.0)),
    **dict.fromkeys(("pt", "pd"), (0.05, 1000.0)),
    "sn": (10.0, 1.0),
    "ad": (5.0, 10.0),
    "op": (2.0, 40.0),
    "nr": (5.0, 10.0),
    "bc": (10.0, 5.0),
    "ec": (0.1, 50.0),
    "lh": (5.0, 16.0),
    "eb": (1.0, 5.0),
    "fb": (0.5, 10.0),
    "bb": (0.05, 500.0),
    "lg": (0.5, 90.0),
    "bz": (1.0, 30.0),
    "SH": (1.0, 30.0),
    "PR": (2.0, 15.0),
    "PM": (1.0, 50.0),
    "ZC": (0.2, 100.0),
    "lc": (20.0, 1.0),
    "ps": (5.0, 3.0),
}
_EXCHANGES = {product: exchange for exchange, products in _PRODUCTS.items() for product in products.split()}
_SYMBOL = re.compile(r"(?:[A-Z]{2,4} )?([A-Za-z]{1,2})\d")


def product_of(symbol: str) -> str:
    """Return the product of a contract, "rb" of "rb2501" and of "SP rb2501&rb2505"; "" if there is none in its name."""
    match = _SYMBOL.match(symbol)
    return match[1] if match else ""


def is_spread(symbol: str) -> bool:
    """Return whether a symbol is an exchange's combination of contracts, whose price may be 0 or less."""
    return "&" in symbol


def exchange_of(symbol: str) -> str:
    """Return the exchange that lists a contract.

    Raises:
        InstrumentError: its product is not known; the message has the nearest one.
    """
    product = product_of(symbol)
    exchange = _EXCHANGES.get(product)
    if exchange is None:
        near = nearest(product, _EXCHANGES) if product else ""
        same = next((name for name in _EXCHANGES if name.lower() == product.lower()), "")
        hint = f" Did you mean {symbol.replace(product, same, 1)!r}?" if same else near
        raise InstrumentError(f"{symbol!r} is no contract of China's futures exchanges that is known here.{hint}", symbol=symbol)
    return exchange


def usual_future(symbol: str) -> Instrument | None:
    """Return the usual terms of a contract, None if they are not known here; of some products no margin and no fees are.

    Raises:
        InstrumentError: no exchange lists its product.
    """
    exchange, product = exchange_of(symbol), product_of(symbol)
    terms = _known_terms(symbol, exchange)
    if "tick_size" not in terms:
        if product not in _MORE:
            return None
        terms |= {"tick_size": _MORE[product][0], "multiplier": _MORE[product][1], "calendar": f"{exchange}.{product}"}
        terms |= {"margin_rate": 0.15, "description": "fees are not known"}
    terms |= {"kind": "spread" if is_spread(symbol) else "future", "lot_size": 1.0, "min_quantity": 1.0}
    return Instrument(symbol=symbol, venue=exchange, **terms)


def instrument_of(fields: Fields) -> Instrument:
    """Return a contract's terms as a CThostFtdcInstrumentField states them: tick, multiplier, smallest order, margin of the broker.

    Fees are the usual ones of its product, which the counter states elsewhere; of a product that is not known here they are 0.

    Raises:
        InstrumentError: tick or multiplier are missing or make no sense.
    """
    symbol, exchange = text(fields["InstrumentID"]), text(fields["ExchangeID"])
    product = text(fields["ProductID"]) or product_of(symbol)
    terms = _known_terms(symbol, exchange)
    margins = [found for side in ("Long", "Short") if 0 < (found := number(fields[f"{side}MarginRatio"])) <= 1]
    smallest = number(fields["MinLimitOrderVolume"])
    terms |= {
        "kind": "spread" if text(fields["ProductClass"]) == SPREAD or is_spread(symbol) else "future",
        "tick_size": price(fields["PriceTick"]),
        "multiplier": price(fields["VolumeMultiple"]),
        "lot_size": 1.0,
        "min_quantity": smallest if smallest > 0 else 1.0,
        "calendar": f"{exchange}.{product}",
        "description": text(fields["InstrumentName"]),
    }
    if margins:
        terms["margin_rate"] = max(margins)
    return Instrument(symbol=symbol, venue=exchange, **terms)


def _known_terms(symbol: str, exchange: str) -> dict[str, Any]:
    try:
        return terms_of("cn_future", symbol, None, None)
    except InstrumentError:
        apart = exchange in ("SHFE", "INE")
        terms: dict[str, Any] = {"market": "cn_future", "currency": "CNY", "timezone": "Asia/Shanghai", "legs": True}
        return {**terms, "today_apart": apart, "larger_side": apart or exchange in ("CFFEX", "GFEX")}
