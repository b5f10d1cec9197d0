"""The gateway to crypto exchanges, over ccxt: Binance and OKX, spot and perpetual contracts."""

from .gateway import CryptoGateway
from .options import CryptoOptions

__all__ = ["CryptoGateway", "CryptoOptions"]
