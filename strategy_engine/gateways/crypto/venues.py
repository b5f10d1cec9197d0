"""The exchanges that the gateway trades at, by name."""

from __future__ import annotations

from gcg_quant.errors import SettingsError, nearest

from .binance import Binance
from .okx import Okx
from .options import CryptoOptions
from .venue import Venue

__all__ = ["venue_of"]

_VENUES: dict[str, type[Venue]] = {"binance": Binance, "okx": Okx}


def venue_of(exchange: str, options: CryptoOptions) -> Venue:
    """Return an exchange's ways.

    Raises:
        SettingsError: orders cannot be sent to it.
    """
    if exchange not in _VENUES:
        raise SettingsError(
            f"[gateway] exchange: the ccxt gateway trades at {' and '.join(_VENUES)}, found {exchange!r}.{nearest(exchange, _VENUES)}",
            exchange=exchange,
        )
    return _VENUES[exchange](options)
