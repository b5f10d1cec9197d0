"""What Binance's signed calls name: a market and an order of it, the same for spot and for futures."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from fakes.account import Account
from fakes.binance_rest import BadCall
from fakes.market import Market
from fakes.orders import Order, Refused

if TYPE_CHECKING:
    from fakes.binance_front import BinanceFront

Params = dict[str, str]


class NamedCalls:
    """Finds what parameters name, or answers with Binance's code."""

    swaps: ClassVar[bool] = False  # whether its markets are USD-M futures

    def __init__(self, front: BinanceFront) -> None:
        self._front = front

    def _market(self, params: Params) -> Market:
        name = params.get("symbol")
        if not name:
            raise BadCall(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        market = self._front.market_of(name, self.swaps)
        if market is None:
            raise BadCall(-1121, "Invalid symbol.")
        self._front.wake(market)
        return market

    def _find(self, account: Account, params: Params, code: int, message: str) -> Order:
        if "orderId" not in params and "origClientOrderId" not in params:
            raise BadCall(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
        number = int(params["orderId"]) if "orderId" in params else None
        try:
            return self._front.exchange.find(account, number, params.get("origClientOrderId", ""))
        except Refused:
            raise BadCall(code, message) from None
