"""The settings of a run of the tick engine: every key with its default, unit and meaning, written once, here.

They are keywords of `hft.Engine(...)` and the keys of a JSON or TOML file alike:

    cash = 1_000_000
    currency = "CNY"
    start = "2013-10-07"
    queue = "risk_averse"
    data = ["IF1311.csv"]

    [latency]
    order_ms = 2.5
    feed_ms = "recorded"

    [risk]
    max_position_quantity = 10
"""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gcg_quant.clock import NS_PER_MILLISECOND, NS_PER_SECOND
from gcg_quant.errors import GcgQuantError

from ...strategy_engine.risk.limits import RiskRules
from ..inputs.presets import check_preset
from .moments import moment_ns

__all__ = ["QUEUES", "Fees", "HftConfig", "Latency", "nanoseconds"]

QUEUES = ("back", "risk_averse", "proportional", "power", "logarithmic")  # by the numbers of QueueModel in native/include/gcg/matching.h

Milliseconds = Annotated[float, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]


class Latency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long things are on their way, in milliseconds of event time; by default no time at all."""

    order_ms: Milliseconds = 0.0  # from the strategy to the venue
    cancel_ms: Milliseconds | None = None  # the same of a cancellation; None: as an order
    response_ms: Milliseconds = 0.0  # from the venue back to the strategy
    feed_ms: Milliseconds | Literal["recorded"] = 0.0  # of market data; "recorded": as each record's recv_ns says
    jitter_ms: Milliseconds = 0.0  # up to so much is added to an order's and a cancellation's way
    seed: int = 0  # of the jitter

    @property
    def feed_ns(self) -> int:
        """The feed's latency as the native engine has it: -1 is as recorded."""
        return -1 if isinstance(self.feed_ms, str) else nanoseconds(self.feed_ms)

    @property
    def cancel_ns(self) -> int:
        """A cancellation's latency as the native engine has it: -1 is as an order's."""
        return -1 if self.cancel_ms is None else nanoseconds(self.cancel_ms)


class Fees(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fees of every instrument of the run, in the fields of `Instrument`; what is None is the instrument's own."""

    maker_fee: float | None = None  # fraction of the value, negative for a rebate
    taker_fee: float | None = None  # fraction of the value
    fee_per_unit: float | None = None  # currency a unit
    fee_per_order: float | None = None  # currency, once
    min_fee: float | None = None  # currency an order
    stamp_duty: float | None = None  # fraction of the value of a sale
    close_today_fee: float | None = None  # fraction of the value of what closes lots opened on the same day
    close_today_fee_per_unit: float | None = None  # currency a unit, likewise

    def given(self) -> dict[str, float]:
        """Return those that are set."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}


class HftConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of a run."""

    data: list[str | dict[str, Any]] = []  # files and journals; a table has `path` and what else `add_data` takes
    symbols: list[str] = []  # of the data, those that take part; empty: all
    start: Any = None  # the first event time that counts: ISO text, date, datetime or nanoseconds
    end: Any = None  # the first one that counts no more
    timezone: str = "UTC"  # of `start` and `end`, where they do not say

    cash: Annotated[float, Meta(ge=0)] = 1_000_000.0  # at the start, in the account's currency
    currency: str = ""  # the account's; empty: that of the first instrument
    rates: dict[str, float] = {}  # what one unit of another currency is worth in the account's
    account: str = "hft"  # the account's name in orders and fills

    preset: str = "auto"  # where terms come from: "auto", or the market whose usual ones all instruments have
    instruments: dict[str, dict[str, Any]] = {}  # other terms by symbol, in the fields of `Instrument`
    fees: Fees = Fees()
    latency: Latency = Latency()
    queue: Literal["back", "risk_averse", "proportional", "power", "logarithmic"] = "back"  # where resting orders stand at their price
    queue_power: Annotated[float, Meta(ge=0.5, le=8, multiple_of=0.5)] = 2.0  # of the queue "power"
    slippage_ticks: Annotated[int, Meta(ge=0)] = 0  # what takes liquidity is filled so much worse
    sessions: bool = False  # whether nothing is matched while the instrument's market is closed
    risk: dict[str, Any] = {}  # limits by the names of [risk]

    sample_seconds: Seconds = 60.0  # of event time between two rows of the equity; 0: the last one only
    horizons_seconds: tuple[Annotated[float, Meta(gt=0)], ...] = (1.0, 10.0, 60.0)  # after each fill, when the mid is noted
    batch_rows: Annotated[int, Meta(ge=1)] = 4096  # most rows that `on_ticks` and its like get at once
    report: str = ""  # the HTML file that run() writes at the end; empty: none

    def __post_init__(self) -> None:
        """Refuse what makes no sense, with a ValueError that names the key."""
        if not isfinite(self.cash):
            raise ValueError(f"cash must be a number, found {self.cash!r}")
        for currency, rate in self.rates.items():
            if not (isfinite(rate) and rate > 0):
                raise ValueError(f"rates: the rate of {currency} must be above 0, found {rate!r}")
        try:
            check_preset(self.preset)
            self.rules()
            start, end = self.start_ns, self.end_ns
        except GcgQuantError as error:
            raise ValueError(error.message.rstrip(".")) from error
        if end <= start:
            raise ValueError(f"end must be later than start, found {self.start!r} to {self.end!r}")

    def rules(self) -> RiskRules:
        """Return the limits."""
        return RiskRules().changed(self.risk)

    @property
    def start_ns(self) -> int:
        """The first event time that counts."""
        return -(2**63) if self.start is None else moment_ns(self.start, self.timezone)

    @property
    def end_ns(self) -> int:
        """The first event time that counts no more."""
        return 2**63 - 1 if self.end is None else moment_ns(self.end, self.timezone)

    @property
    def sample_ns(self) -> int:
        """The event time between two samples of the equity."""
        return round(self.sample_seconds * NS_PER_SECOND)

    @property
    def horizons_ns(self) -> tuple[int, ...]:
        """How long after each fill the mid is noted."""
        return tuple(round(one * NS_PER_SECOND) for one in self.horizons_seconds)


def nanoseconds(milliseconds: float) -> int:
    """Return milliseconds as whole nanoseconds."""
    return round(milliseconds * NS_PER_MILLISECOND)
