"""Limits, refusals and the kill switch, as REST shows and takes them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from .model import Model, Ns, StrategyName, SymbolName
from .trading_models import Account

__all__ = [
    "KillSwitch",
    "KillSwitchChange",
    "KillSwitchDone",
    "LimitChange",
    "LimitsDone",
    "RiskReport",
]


class KillSwitch(Model):
    """The kill switch."""

    on: bool = Field(description="of every account")
    since_ns: Ns = Field(description="0: never switched")
    origin: str = Field(description="who switched it")
    accounts: list[str] = Field(description="for which alone it is on")


class LimitRow(Model):
    """A limit in force, and what is used of it."""

    limit: str
    value: JsonValue = Field(description="a number, true or false; null: off")
    used: float | None = Field(description="null where the limit is one of each single order")
    where: str = Field(description="the instrument that uses the most")


class RefusalRow(Model):
    """A refused order."""

    time_ns: Ns
    account: str
    strategy: str
    client_id: str
    symbol: str
    venue: str
    reasons: list[str]
    message: str


class RiskReport(Model):
    """The limits in force, and what was refused lately."""

    kill_switch: KillSwitch
    currency: str
    profit_today: float | None = Field(description="of all accounts, in `currency`")
    limits: list[LimitRow]
    overrides: list[dict[str, JsonValue]] = Field(description="for an account, a strategy or a symbol, instead")
    refusals: list[RefusalRow] = Field(description="oldest first")


class LimitChange(Model):
    """Limits to put in force, for all orders or for an account, a strategy or a symbol."""

    limits: dict[Annotated[str, Field(max_length=40)], bool | float | Annotated[str, Field(max_length=40)]] = Field(
        min_length=1, max_length=32, description='by name: a number or "off"; for a strategy or symbol "default" takes the limit back'
    )
    strategy: StrategyName = ""
    symbol: SymbolName = ""
    account: Account = ""


class LimitsDone(Model):
    """The limits are in force."""

    limits: dict[str, bool | float | str]
    strategy: str
    symbol: str
    account: str
    applied: int = Field(description="from this event of the market lane on")


class KillSwitchChange(Model, strict=True):
    """The kill switch to be on (all orders are cancelled, new ones refused) or off."""

    on: bool
    account: Account = Field("", description="of this one alone; all if empty")


class KillSwitchDone(Model):
    """The kill switch is on or off."""

    on: bool
    account: str
    applied: int = Field(description="from this event of the market lane on")
