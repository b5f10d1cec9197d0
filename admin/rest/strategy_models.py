"""Strategies and their files, as REST shows and takes them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from .model import Model, Ns, Parameters, StrategyName, SymbolName

__all__ = [
    "ClassRow",
    "FileRow",
    "Holding",
    "LoadRequest",
    "LogRow",
    "ParameterRow",
    "StrategyAction",
    "StrategyDetail",
    "StrategyDone",
    "StrategyLoaded",
    "StrategyRow",
]

Plain = bool | int | float | str


class StrategyAction(StrEnum):
    """What can be done with a loaded strategy."""

    START = "start"
    STOP = "stop"
    RELOAD = "reload"


class ParameterRow(Model):
    """A parameter as a strategy's class declares it: what a form needs."""

    name: str
    type: Literal["int", "float", "bool", "str", "choice"] = Field(description="choice: one of `choices`")
    default: Plain | None = Field(description="null if the file computes it")
    low: float | None = Field(description="least value, included")
    high: float | None = Field(description="greatest value, included")
    choices: list[Plain]
    help: str


class ClassRow(Model):
    """A strategy class of a file."""

    class_name: str
    kind: str = Field(description="the framework: gcg_quant, backtrader, kungfu, hft, hft_backtest")
    doc: str = Field(description="the first line of its docstring")
    symbols: list[str] = Field(description="what it wants to see unless it is told others")
    parameters: list[ParameterRow]


class FileRow(Model):
    """A strategy file of an allowed folder."""

    file: str = Field(description="the path, by which it can be loaded")
    short: str = Field(description="the shortest name by which it can be loaded")
    origin: Literal["shipped", "own", "uploaded"]
    classes: list[ClassRow]
    error: str = Field(description='why it cannot be read as Python; "" if it can')


class Holding(Model):
    """What a strategy holds of an instrument."""

    symbol: str
    venue: str
    side: Literal["net", "long", "short"] = Field(description="the leg; net where long and short are one")
    quantity: float = Field(description="units; negative: short, of a net position")
    average_price: float | None
    last_price: float | None
    open_pnl: float | None = Field(description="in the currency of the instrument")


class StrategyRow(Model):
    """A loaded strategy, what it holds, and what it has made since its first fill."""

    strategy: str
    state: str = Field(description="loaded, running, stopped or failed")
    kind: str
    file: str
    class_name: str
    symbols: list[str]
    parameters: dict[str, JsonValue]
    account: str
    error: str = Field(description='why it failed; "" if it did not')
    position: float | None = Field(description="units of the one instrument that it holds; null if it holds several")
    holdings: list[Holding]
    open_pnl: float | None = Field(description="money, in `currency`; null if it trades in several currencies")
    realised_pnl: float | None = Field(description="money, before fees")
    fees: float | None = Field(description="money paid")
    fills: int = Field(description="how many", ge=0)
    currency: str


class StrategyDetail(StrategyRow):
    """The same, and the parameters that its class declares."""

    declared: list[ParameterRow]


class LogRow(Model):
    """A log line."""

    time_ns: Ns
    level: str = Field(description="debug, info, warning, error or critical")
    text: str


class LoadRequest(Model):
    """A strategy to load."""

    file: Annotated[str, Field(min_length=1, max_length=400)] = Field(description="path or short name of a file in an allowed folder")
    strategy: StrategyName = Field("", description="its name; made from the file's if empty")
    class_name: Annotated[str, Field(max_length=80)] = Field("", description="which class, if the file holds several")
    symbols: Annotated[list[SymbolName], Field(max_length=200)] = Field([], description="instead of its own")
    parameters: Parameters = Field({}, description="instead of the defaults")
    account: Annotated[str, Field(max_length=40)] = Field("", description="on which it trades; the default account if empty")
    start: bool = True


class StrategyLoaded(Model):
    """What was loaded."""

    strategy: str
    state: Literal["loaded", "running"]


class StrategyDone(Model):
    """What was done with a strategy."""

    strategy: str
    done: str
