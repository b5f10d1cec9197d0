"""The system and its journal, as REST shows them."""

from __future__ import annotations

from pydantic import Field, JsonValue

from .model import Model, Ns
from .risk_models import KillSwitch
from .trading_models import HaltRow

__all__ = ["JournalCheck", "LaneRow", "SystemStatus"]


class ReaderRow(Model):
    """A reader of the bus."""

    name: str
    alive: bool
    durable: bool = Field(description="goes on where it was after a restart")
    pid: int
    lag: int = Field(description="events that it has not read yet")


class Books(Model):
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


class ProblemRow(Model):
    """A warning, an error or an alert."""

    time_ns: Ns
    level: str
    component: str
    message: str


class SystemStatus(Model):
    """What runs, and how it does."""

    world: str = Field(description="live, paper ...")
    bus_id: str
    epoch: int = Field(description="counts the runs on this bus")
    uptime_s: float = Field(ge=0)
    events: dict[str, int] = Field(description="how many each lane holds")
    groups: dict[str, dict[str, JsonValue]] = Field(description="the processes by name: state, since_ns, detail, and what they told")
    components: dict[str, dict[str, float | None]] = Field(description="the metrics of the last 10 s by component")
    readers: list[ReaderRow]
    strategies: dict[str, str] = Field(description="the state of each")
    open_orders: int
    fills: int
    kill_switch: KillSwitch
    halts: list[HaltRow]
    accounts: list[Books]
    problems: list[ProblemRow] = Field(description="the newest, oldest first")


class LaneRow(Model):
    """A lane of the journal at a glance."""

    lane: str = Field(description="control, market or log")
    pages: int
    file_bytes: int
    used_bytes: int
    first_seq: int = Field(description="0: it is empty")
    end_seq: int = Field(description="the next event's number")
    first_ns: int
    last_ns: int
    recent: int = Field(description="events of the last `recent_s` seconds")
    recent_bytes: int
    recent_s: float
    epochs: list[dict[str, JsonValue]]
    damage: list[str] = Field(description="page headers that are not whole")


class JournalCheck(Model):
    """Whether the journal is whole."""

    pages: int
    events: int
    damage: list[str] = Field(description="what is not whole")
    lost: list[JsonValue] = Field(description="what a copy could not save")
