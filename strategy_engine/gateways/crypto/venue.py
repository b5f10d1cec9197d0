"""What an exchange is to the gateway: names, limits, and raw figures that ccxt does not unify."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urlsplit

from gcg_quant.credentials import Credentials
from gcg_quant.errors import GatewayError

from .options import CryptoOptions

__all__ = ["Ask", "Row", "Venue"]

Row = dict[str, Any]
Ask = Callable[..., Awaitable[Any]]


class Venue:
    """One exchange's ways. What ccxt has in common for all is used as it is; this is the rest."""

    name: ClassVar[str] = ""
    orders: ClassVar[tuple[float, float]] = (5.0, 20.0)  # a second, at once
    questions: ClassVar[tuple[float, float]] = (5.0, 20.0)
    costs: ClassVar[Mapping[str, float]] = {}  # of methods that count for more than one question
    needs: ClassVar[tuple[str, ...]] = ("api_key", "secret")
    forgets_s: ClassVar[float] = 3600.0  # after which cancelled orders without fills are forgotten there
    trades_inverse: ClassVar[bool] = False  # contracts that are paid in coins
    trades_page: ClassVar[int] = 500
    payments_page: ClassVar[int] = 100
    payments_polls: ClassVar[int] = 3  # how many times more seldom they are asked for than open orders

    def __init__(self, options: CryptoOptions) -> None:
        self.options = options
        self.swap = options.market == "swap"

    def make(self, credentials: Credentials, url: str, timeout_s: float) -> Any:
        """Return the ccxt client of this account.

        Raises:
            GatewayError: ccxt is not installed. SettingsError: a credential is not set.
        """
        try:
            import ccxt.pro as ccxt_pro
        except ImportError:
            raise GatewayError("The gateway to a crypto exchange needs ccxt: pip install 'gcg_quant[crypto]'.") from None
        keys = [credentials.need(key) for key in self.needs]
        config: Row = {"apiKey": keys[0], "secret": keys[1], "timeout": round(timeout_s * 1000), "enableRateLimit": False}
        if len(keys) > 2:
            config["password"] = keys[2]
        exchange = getattr(ccxt_pro, self.client_name)(config)
        exchange.has["fetchCurrencies"] = False  # needs permissions that a trading key should not have
        exchange.options["maxRetriesOnFailure"] = 0
        exchange.streaming["keepAlive"] = round(self.options.heartbeat_s * 1000)
        if url:
            exchange.urls["api"] = _moved(exchange.urls["api"], url)
        self.prepare(exchange)
        return exchange

    @property
    def client_name(self) -> str:
        """The name of the class in ccxt.pro."""
        return self.name

    @property
    def can_change(self) -> bool:
        """Whether a working order can be changed and stay the same order."""
        return True

    @property
    def open_params(self) -> Row:
        """The venue's own fields when open orders are asked for."""
        return {}

    def prepare(self, exchange: Any) -> None:
        """Set what this exchange's client needs besides."""

    def takes(self, market: Row) -> bool:
        """Return whether orders can be sent for a market of ccxt's."""
        return bool(market.get(self.options.market)) and (self.trades_inverse or not market.get("inverse"))

    def order_params(self, order: Row) -> Row:
        """Return the venue's own fields of an order; `order` has client_id, force, post_only, reduce, side ("" or "long", "short")."""
        raise NotImplementedError

    def trade_params(self, order_id: str) -> Row:
        """Return the fields that ask for the trades of one order."""
        raise NotImplementedError

    async def trades(self, exchange: Any, symbol: str, order_id: str) -> list[Row]:
        """Return all trades of one order, oldest first."""
        rows: list[Row] = await exchange.fetch_my_trades(symbol, None, self.trades_page, self.trade_params(order_id))
        return sorted(rows, key=lambda row: (row["timestamp"] or 0, len(row["id"]), row["id"]))

    def fee(self, trade: Row) -> tuple[float, str]:
        """Return what a trade cost and in which currency; a rebate is negative."""
        fee = trade.get("fee") or {}
        return float(fee.get("cost") or 0.0), str(fee.get("currency") or "")

    def client_id(self, row: Row) -> str:
        """Return the client id of an order's or a trade's row, "" if it does not say."""
        return str(row.get("clientOrderId") or "")

    def cash(self, balance: Row) -> dict[str, Decimal]:
        """Return what the account holds by currency, open orders' share included and unrealised profit left out."""
        raise NotImplementedError

    async def permissions(self, exchange: Any, balance: Row) -> tuple[list[str] | None, bool | None]:
        """Return what the key may do, in the venue's words, and whether it may trade; None where it does not say."""
        return None, None

    def retry_after_s(self, headers: Mapping[str, str] | None) -> float:
        """Return how long the venue asks to wait after too many requests, s."""
        found = {name.lower(): value for name, value in (headers or {}).items()}.get("retry-after", "")
        return float(found) if found.replace(".", "", 1).isdecimal() else 1.0

    async def payments(self, ask: Ask, since_ms: int) -> list[Row]:
        """Return all payments for funding since a time, as ccxt's funding history has them; `ask` calls a method of ccxt."""
        raise NotImplementedError

    def is_payment(self, message: Any) -> bool:
        """Return whether a message of the private stream says that funding was paid."""
        return False

    def is_expired(self, message: Any) -> bool:
        """Return whether a message of the private stream says that the stream has ended, though the socket is open."""
        return False


def _moved(address: Any, url: str) -> Any:
    # All addresses of an exchange, moved to another server: their paths stay, and a socket's scheme follows.
    if isinstance(address, dict):
        return {name: _moved(one, url) for name, one in address.items()}
    old, new = urlsplit(address), urlsplit(url)
    place = f"{new.netloc}{new.path.rstrip('/')}"
    if not old.scheme.startswith("ws"):
        return f"{new.scheme}://{place}{old.path}"
    host = old.netloc.partition(".")[0]
    kind = f"/{host}" if host.endswith("stream") else ""  # Binance's streams: by this word ccxt, too, tells spot from futures
    return f"{'wss' if new.scheme in ('https', 'wss') else 'ws'}://{place}{kind}{old.path}"
