"""The sections of `gcg_quant.toml`: every key with its type, default, unit and meaning, written once, here (some in files beside it).

`Settings.table()` reads this table, and the README, the docs and the error messages are made from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from gcg_quant.errors import nearest
from gcg_quant.instruments import usual_terms
from gcg_quant.section import (
    ChartPeriod,
    CountLimit,
    Limit,
    Name,
    Period,
    Section,
    Url,
    check_period,
    is_live,
    is_secret,
    redact,
    setting,
)

__all__ = [
    "PARTS",
    "BacktestSettings",
    "BusSettings",
    "ChartSettings",
    "DatabaseSettings",
    "InstrumentEntry",
    "InstrumentsSettings",
    "Period",
    "ReplayEntry",
    "ReplaySettings",
    "RiskOverrideEntry",
    "RiskSettings",
    "Section",
    "SimulatedSettings",
    "StrategiesSettings",
    "StrategyEntry",
    "SystemSettings",
    "is_live",
    "is_secret",
    "redact",
    "setting",
]

PARTS = ("collectors", "bars", "trading", "strategies", "storage", "web", "backtest", "bridge")  # what a process group may be made of


class SystemSettings(Section):
    """[system]."""

    home: Path = setting(Path("gcg_home"), "folder for all that a run writes: bus, database, logs, reports")
    world: Literal["paper", "live"] = setting(
        "paper", 'what a run is for: with "live" the orders of a real gateway go to its venue, and a home stays what it was made as'
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "error", "least level of the log lines that `run` shows in its terminal; alerts count as lines", live=True
    )
    hang_s: float = setting(
        20.0, "a callback or component that has not come back for so long has its process killed and started again, s", ge=5, le=3600
    )
    groups: dict[Name, tuple[str, ...]] = setting(
        {"market": ("collectors", "bars", "trading"), "strategies": ("strategies",), "services": ("storage", "web", "backtest", "bridge")},
        f"process groups: name = [parts]; the parts are {', '.join(PARTS)}; a part that is left out does not run",
    )

    @field_validator("groups")
    @classmethod
    def _known_parts(cls, groups: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        seen: dict[str, str] = {}
        for group, parts in groups.items():
            for part in parts:
                if part not in PARTS:
                    raise ValueError(f"group {group!r} names the unknown part {part!r}.{nearest(part, PARTS)}")
                if part in seen:
                    raise ValueError(f"part {part!r} is in the groups {seen[part]!r} and {group!r}; it can run in one only")
                seen[part] = group
        return groups


class BusSettings(Section):
    """[bus]."""

    sync: Literal["none", "interval", "always"] = setting(
        "interval", "when written pages go to disk: never asked, every 100 ms, each event"
    )
    page_mb: int = setting(16, "size of a journal page, MB, when the bus is created", ge=1, le=1024)
    keep_days: float = setting(7.0, "age at which journal pages go that nobody needs, days", ge=0, allow_inf_nan=False)
    keep_gb: float = setting(20.0, "size of the journal above which the oldest of those pages go, GB", gt=0, allow_inf_nan=False)


class DatabaseSettings(Section):
    """[database]."""

    url: Url = setting("", "SQLAlchemy URL; empty = SQLite (WAL) in the home folder; one with a password goes into the environment")
    batch_rows: int = setting(5000, "most rows stored in one transaction, and how many are not waited for longer", ge=1, le=1_000_000)
    flush_ms: int = setting(200, "longest wait before rows are stored, ms", ge=1, le=60_000)
    compress_after_days: float = setting(
        0.0,
        "market data older than this is compressed, by TimescaleDB alone; 0 = never",
        ge=0,
        le=100_000,
        allow_inf_nan=False,
    )


class SimulatedSettings(Section):
    """[simulated]: the simulated exchange (venue "SIM")."""

    enabled: bool = setting(False, "run the simulated exchange (on in the built-in demo)")
    seed: int = setting(1, "seed of all its prices: the same seed gives the same market", ge=0)
    ticks_per_second: float = setting(100.0, "ticks a second, all instruments together", live=True, gt=0, le=100_000, allow_inf_nan=False)
    symbols: tuple[str, ...] = setting(
        ("BTC/USDT", "ETH/USDT", "EUR/USD", "USD/JPY", "600519", "IF2412", "rb2501", "AAPL", "SPY", "00700"),
        "instruments it trades",
        min_length=1,
    )
    history_minutes: int = setting(480, "minutes of one-minute bars that it fills in before the start", ge=0, le=60 * 24 * 366)
    calendar: Literal["24/7", "real"] = setting("24/7", "trade around the clock, or in each market's real sessions")
    depth_every: int = setting(10, "ticks between two order book snapshots of an instrument; 0 = none", ge=0)
    trades: bool = setting(False, "publish single trades beside the ticks")


class ReplayEntry(Section):
    """Stored data to play: an item of `[[replay.data]]`."""

    symbol: str = Field(min_length=1, max_length=80, description="as it is stored")
    venue: str = Field(default="", max_length=32, description="where; empty = the only one it is stored for")
    period: str = Field(default="1m", description='of the bars, or "tick"')
    start: str = Field(default="", description="the first moment (UTC), such as 2021-01-04 or 2021-01-04T01:30; empty = the first stored")
    end: str = Field(default="", description="the last moment; empty = the last stored")

    @field_validator("period")
    @classmethod
    def _known_period(cls, period: str) -> str:
        return period if period == "tick" else check_period(period)


class ReplaySettings(Section):
    """[replay]: stored market data, played on paper as if it happened now; nothing is recorded in the database meanwhile."""

    data: tuple[ReplayEntry, ...] = setting((), "what is played: a list of tables with symbol, venue, period, start and end")
    pause_ms: float = setting(3.0, "time that strategies have for each bar, ms", ge=0, le=60_000, allow_inf_nan=False)


class InstrumentEntry(Section):
    """Other terms for a symbol: an item of `[[instruments.overrides]]`; what is left out stays as its market has it.

    The keys are the fields of `gcg_quant.instruments.Instrument`, which says what they mean.
    """

    symbol: str = Field(min_length=1, max_length=80, description="as the venue writes it")
    venue: str = Field(default="", max_length=32, description="where it trades; empty = everywhere")
    kind: str | None = None
    market: str | None = None
    currency: str | None = None
    tick_size: float | None = None
    lot_size: float | None = None
    min_quantity: float | None = None
    multiplier: float | None = None
    margin_rate: float | None = None
    maker_fee: float | None = None
    taker_fee: float | None = None
    fee_per_unit: float | None = None
    fee_per_order: float | None = None
    min_fee: float | None = None
    stamp_duty: float | None = None
    t_plus_one: bool | None = None
    price_limit: float | None = None
    calendar: str | None = None
    timezone: str | None = None
    description: str | None = None
    legs: bool | None = None
    today_apart: bool | None = None
    close_today_fee: float | None = None
    close_today_fee_per_unit: float | None = None
    larger_side: bool | None = None
    inverse: bool | None = None

    @property
    def terms(self) -> dict[str, Any]:
        """The terms that are set, by the names of Instrument's fields."""
        return self.model_dump(exclude={"symbol", "venue"}, exclude_none=True)

    @model_validator(mode="after")
    def _makes_sense(self) -> InstrumentEntry:
        usual_terms(self.symbol, self.venue, **self.terms)  # an InstrumentError is a ValueError, and names the field
        return self


class InstrumentsSettings(Section):
    """[instruments]."""

    overrides: tuple[InstrumentEntry, ...] = setting(
        (), "other terms than a market's usual ones: a list of tables with symbol, venue and fields of Instrument"
    )


class RiskOverrideEntry(Section):
    """Other limits for one account, strategy or symbol: an item of `[[risk.overrides]]`; what is left out stays as in [risk]."""

    account: str = Field(default="", description="name of the account; empty = all")
    strategy: str = Field(default="", description="id of the strategy; empty = all")
    symbol: str = Field(default="", description="symbol, or SYMBOL@VENUE; empty = all")
    max_order_quantity: float | str | None = Field(default=None, description="units")
    max_order_value: float | str | None = Field(default=None, description="in the instrument's currency")
    max_position_quantity: float | str | None = Field(default=None, description="units")
    max_position_value: float | str | None = Field(default=None, description="in the instrument's currency")
    max_orders_per_second: float | str | None = Field(default=None, description="orders a second")
    max_open_orders: float | str | None = Field(default=None, description="orders")
    price_band: float | str | None = Field(default=None, description="fraction of the last price")
    max_concentration: float | str | None = Field(default=None, description="share of the equity")
    max_daily_loss: float | str | None = Field(default=None, description="of an account alone, in its currency")
    self_trade: bool | None = Field(default=None, description="on or off")
    session: bool | None = Field(default=None, description="on or off")
    t_plus_one: bool | None = Field(default=None, description="on or off")
    price_limit: bool | None = Field(default=None, description="on or off")


class RiskSettings(Section):
    """[risk]: limits that every order must pass; "off" switches one off."""

    max_order_quantity: Limit = setting(1_000_000.0, "largest order, units", live=True)
    max_order_value: Limit = setting(1_500_000.0, "largest order, in the instrument's currency", live=True)
    max_position_value: Limit = setting(3_000_000.0, "largest position in one instrument, in its currency", live=True)
    max_position_quantity: Limit = setting(None, "largest position in one instrument, units", live=True)
    max_orders_per_second: CountLimit = setting(50, "most orders of one strategy in a second", live=True)
    max_open_orders: CountLimit = setting(200, "most orders working at once, all strategies together", live=True)
    price_band: Limit = setting(0.1, "furthest limit price from the last price, as a fraction", live=True)
    max_concentration: Limit = setting(
        None, "largest value of the position in one instrument, open orders included, as a share of the account's equity", live=True
    )
    self_trade: bool = setting(True, "refuse what would trade with a resting order of the same account", live=True)
    session: bool = setting(False, "refuse orders while the instrument's market is closed by its calendar", live=True)
    t_plus_one: bool = setting(True, "of T+1 instruments, sell only what was bought before the trading day", live=True)
    price_limit: bool = setting(True, "refuse limit prices outside of the day's price limits", live=True)
    max_daily_loss: Limit = setting(
        100_000.0, "loss since the day's start after which only closing orders pass, in the account's currency", live=True
    )
    buying_power: bool = setting(True, "refuse what the account cannot pay or margin", live=True)
    kill_switch: bool = setting(False, "refuse every order and cancel the open ones", live=True)
    overrides: tuple[RiskOverrideEntry, ...] = setting(
        (), "other limits for an account, a strategy or a symbol: a list of tables", live=True
    )


class StrategyEntry(Section):
    """One strategy that is loaded at the start: an item of `[[strategies.load]]`."""

    file: str = Field(min_length=1, description="a shipped strategy's name such as 'grid', or a .py file inside an allowed folder")
    id: str = Field(default="", max_length=40, description="its name in orders and on screens; empty = the file's name")
    class_name: str = Field(default="", description="which class of the file; empty = the only one")
    symbols: tuple[str, ...] = Field(default=(), description="its instruments")
    account: str = Field(default="", description="on which it trades; empty = that of [trading]")
    parameters: dict[str, Any] = Field(default={}, description="its parameters, by name")
    start: bool = Field(default=True, description="start it after loading")


class StrategiesSettings(Section):
    """[strategies]."""

    folders: tuple[Path, ...] = setting(
        (Path("strategies"), Path("examples/strategies")), "folders, besides the shipped one, that strategy files may be loaded from"
    )
    reload_changed: bool = setting(False, "load a strategy anew when its file changes; one that cannot be loaded changes nothing")
    load: tuple[StrategyEntry, ...] = setting(
        (), "strategies loaded at the start: file, id, class_name, symbols, account, parameters, start"
    )

    @field_validator("load")
    @classmethod
    def _unique_ids(cls, entries: tuple[StrategyEntry, ...]) -> tuple[StrategyEntry, ...]:
        names = [entry.id or Path(entry.file).stem for entry in entries]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two strategies are called {name!r}; give each an id of its own")
        return entries


class BacktestSettings(Section):
    """[backtest]: what the command line does not say."""

    cash: float = setting(100_000.0, "cash at the start", gt=0, allow_inf_nan=False)
    commission: float = setting(0.0, "commission, as a fraction of the value", ge=0, lt=1, allow_inf_nan=False)
    periods_per_year: float = setting(252.0, "returns a year, to annualise the Sharpe ratio", gt=0, allow_inf_nan=False)


class ChartSettings(Section):
    """[chart]: what the page shows first."""

    symbol: str = setting("BTC/USDT", "instrument", live=True)
    period: ChartPeriod = setting("1m", "bar period; 1M is a calendar month", live=True)
    theme: Literal["dark", "light"] = setting("dark", "colours", live=True)
    language: Literal["en", "zh"] = setting("en", "language of the page", live=True)
    up_is_red: bool = setting(False, "show rising bars in red and falling ones in green, as in China", live=True)
