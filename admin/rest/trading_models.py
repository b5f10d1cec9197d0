"""Orders, fills, positions, accounts and gateways, as REST shows and takes them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .model import Model, Ns, StrategyName, SymbolName

__all__ = [
    "AccountRow",
    "CancelAll",
    "CancelRow",
    "ClosePositions",
    "ClosingRow",
    "FillRow",
    "FundingRow",
    "GatewayRow",
    "HaltRow",
    "OrderPatch",
    "OrderRow",
    "PositionRow",
    "PositionTotal",
    "ProfitRow",
    "ResumeAccount",
    "ResumeDone",
]

Leg = Literal["net", "long", "short"]
Account = Annotated[str, Field(max_length=40)]
Amount = Annotated[float, Field(gt=0, le=1e15)]


class OrderRow(Model):
    """An order as its newest event left it; absent prices are null. Prices are per unit, quantities in units."""

    time_ns: Ns
    request: int = Field(description="id of the event that asked for it")
    account: str
    strategy: str
    client_id: str = Field(description="by which it is cancelled and changed")
    gateway: str
    venue_order_id: str
    symbol: str
    venue: str
    side: str = Field(description="buy or sell")
    type: str = Field(description="market, limit, stop, stop_limit ...")
    status: str = Field(description="new, accepted, partly_filled, filled, cancelled, rejected ...")
    quantity: float
    filled_quantity: float
    price: float | None
    stop_price: float | None
    average_price: float | None = Field(description="of its fills")
    reason: str = Field(description='why it was refused, changed or cancelled; "" if there is none')


class OrderPatch(Model):
    """New terms of an order that works; what is left out stays. The risk check judges them like a new order's."""

    quantity: Amount | None = Field(None, description="the whole quantity, what is filled of it included")
    price: Annotated[float, Field(ge=-1e15, le=1e15)] | None = Field(None, description="of a limit order; on a tick")
    stop: Annotated[float, Field(ge=-1e15, le=1e15)] | None = Field(None, description="of a stop order; on a tick")

    @model_validator(mode="after")
    def _something(self) -> OrderPatch:
        if self.quantity is None and self.price is None and self.stop is None:
            raise ValueError("name at least one of quantity, price and stop")
        return self


class CancelAll(Model):
    """Which open orders to cancel; without a strategy, a symbol and an account all of them."""

    strategy: StrategyName = ""
    symbol: SymbolName = Field("", description="BTC/USDT, BTC/USDT@SIM or a pattern")
    account: Account = ""


class CancelRow(Model):
    """What became of a request to cancel."""

    client_id: str
    status: Literal["cancelled", "cancelling", "refused"] = Field(description="cancelling: the venue has not said yet")
    detail: str


class FillRow(Model):
    """A fill. Prices are per unit, quantities in units."""

    time_ns: Ns
    event_ns: Ns = Field(description="the venue's time")
    account: str
    strategy: str
    client_id: str
    symbol: str
    venue: str
    side: str = Field(description="buy or sell")
    quantity: float
    price: float
    fee: float | None = Field(description="money paid, in `fee_currency`; negative: received")
    fee_currency: str
    liquidity: str = Field(description="maker, taker or none")
    trade_id: str


class PositionSums(Model):
    """What positions have in common. Quantities are in units, money in `currency`."""

    account: str
    symbol: str
    venue: str
    side: Leg = Field(description="net where long and short are one")
    quantity: float = Field(description="negative: short, of a net position")
    today: float = Field(description="of it, opened on this trading day")
    yesterday: float = Field(description="of it, opened before")
    frozen: float = Field(description="of it, what open orders would close")
    realised_pnl: float | None
    unrealised_pnl: float | None
    fees: float | None
    margin: float | None
    currency: str


class PositionRow(PositionSums):
    """A strategy's position."""

    time_ns: Ns
    strategy: str
    average_price: float | None
    last_price: float | None


class PositionTotal(PositionSums):
    """The positions of several strategies together."""

    strategies: int = Field(description="how many hold it", ge=1)


class ClosePositions(Model):
    """Which positions to close at the market: each that fits all that is named; nothing named means every one."""

    account: Account = ""
    strategy: StrategyName | None = Field(None, description='null: of every strategy; "" is what belongs to none')
    symbol: SymbolName = Field("", description="BTC/USDT, BTC/USDT@SIM or a pattern")
    venue: Annotated[str, Field(max_length=32)] = ""


class ClosingRow(Model):
    """What became of closing a position. Quantities are in units."""

    account: str
    strategy: str
    symbol: str
    venue: str
    side: Leg
    client_id: str = Field(description="of the order that closes it")
    quantity: float = Field(description="what was held")
    status: Literal["closed", "working", "refused"] = Field(description="working: the order is not filled yet")
    filled_quantity: float
    average_price: float | None
    detail: str = Field(description="why it was refused")


class AccountRow(Model):
    """An account in one currency; all are money in it."""

    time_ns: Ns
    account: str
    currency: str
    cash: float | None
    equity: float | None
    margin: float | None
    available: float | None
    realised_pnl: float | None
    unrealised_pnl: float | None
    fees: float | None
    profit_today: float | None = Field(description="since the UTC day began")


class FundingRow(Model):
    """What one position has paid or was paid for funding of a perpetual contract."""

    time_ns: Ns
    due_ns: Ns
    account: str
    strategy: str
    symbol: str
    venue: str
    side: str
    quantity: float = Field(description="signed, when it was due")
    amount: float = Field(description="below 0: paid")
    currency: str
    rate: float | None = Field(description="null where the venue tells the amount alone")
    price: float | None
    payment_id: str = Field(description="the venue's own; empty on paper")


class ProfitRow(Model):
    """What a strategy has made in one currency since its first fill."""

    account: str
    strategy: str
    currency: str
    realised_pnl: float | None
    unrealised_pnl: float | None
    fees: float | None
    profit: float | None = Field(description="realised and unrealised, less fees")


class GatewayRow(Model):
    """A gateway to a venue."""

    gateway: str
    account: str
    status: str = Field(description="connected, disconnected, halted, down ...")
    since_ns: Ns
    detail: str
    working_orders: int = Field(ge=0)
    answers: int = Field(description="so many orders the latencies are of", ge=0)
    latency_p50_ms: float | None
    latency_p99_ms: float | None


class HaltRow(Model):
    """An account that is halted because its venue says otherwise."""

    account: str
    gateway: str
    since_ns: Ns
    detail: str
    differences: dict[str, float] = Field(description="by how much the venue's figures are above ours")


class ResumeAccount(Model):
    """What is accepted of a halted account: the differences as GET /accounts/halts shows them."""

    differences: dict[Annotated[str, Field(max_length=112)], float] = Field(max_length=1000)


class ResumeDone(Model):
    """The account trades again."""

    account: str
    accepted: str
    applied: int = Field(description="from this event of the market lane on")
