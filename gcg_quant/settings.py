"""Settings: `gcg_quant.toml`, every key also as an environment variable, checked once and frozen.

`GCG_QUANT_DATABASE__URL` is `url` under `[database]`; the environment wins over the file. Secrets come from the environment only
and never appear in a repr, an error or a dump. Without a file the built-in demo is used (`demo.toml`, in this package).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError

from gcg_quant.bar_sections import BarsSettings
from gcg_quant.bridge_sections import BridgeSettings
from gcg_quant.calendar_sections import CalendarsSettings
from gcg_quant.china_hours import own_tables, use_tables
from gcg_quant.collector_sections import CollectorsSettings
from gcg_quant.errors import SettingsError, nearest
from gcg_quant.gateway_sections import GatewaySettings, why_not
from gcg_quant.keeping_sections import BackupSettings, RetentionSettings
from gcg_quant.model_sections import ModelsSettings
from gcg_quant.monitoring_sections import LogsSettings, MonitoringSettings
from gcg_quant.redis_sections import RedisSettings
from gcg_quant.sections import (
    BacktestSettings,
    BusSettings,
    ChartSettings,
    DatabaseSettings,
    InstrumentsSettings,
    ReplaySettings,
    RiskSettings,
    Section,
    SimulatedSettings,
    StrategiesSettings,
    SystemSettings,
    is_live,
    is_secret,
    redact,
)
from gcg_quant.settings_source import DEMO, Variable, check_document, explain, read_demo, read_environment, read_file, variable_name
from gcg_quant.trading_sections import TradingSettings
from gcg_quant.web_sections import WebSettings

__all__ = ["FILE_NAME", "SettingRow", "Settings", "diff", "markdown", "needs_restart", "variable_name"]

FILE_NAME = "gcg_quant.toml"
MASK = "***"


class SettingRow(NamedTuple):
    """One key of the settings table, as texts for docs and pages."""

    section: str
    key: str
    type: str
    default: str  # JSON
    help: str
    change: str  # "live" or "restart"
    secret: bool


class Settings(Section):
    """All settings, one frozen section each. `Settings()` holds the defaults; `Settings.load` reads file and environment."""

    system: SystemSettings = SystemSettings()
    bus: BusSettings = BusSettings()
    web: WebSettings = WebSettings()
    database: DatabaseSettings = DatabaseSettings()
    retention: RetentionSettings = RetentionSettings()
    backup: BackupSettings = BackupSettings()
    redis: RedisSettings = RedisSettings()
    bridge: BridgeSettings = BridgeSettings()
    simulated: SimulatedSettings = SimulatedSettings()
    collectors: CollectorsSettings = CollectorsSettings()
    bars: BarsSettings = BarsSettings()
    replay: ReplaySettings = ReplaySettings()
    instruments: InstrumentsSettings = InstrumentsSettings()
    calendars: CalendarsSettings = CalendarsSettings()
    trading: TradingSettings = TradingSettings()
    gateway: GatewaySettings = GatewaySettings()
    risk: RiskSettings = RiskSettings()
    strategies: StrategiesSettings = StrategiesSettings()
    models: ModelsSettings = ModelsSettings()
    backtest: BacktestSettings = BacktestSettings()
    chart: ChartSettings = ChartSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    logs: LogsSettings = LogsSettings()

    @classmethod
    def load(cls, path: str | Path | None = None, home: str | Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
        """Return the settings of a file with the environment on top.

        Args:
            path: the TOML file; None takes `gcg_quant.toml` of the working folder, or the built-in demo if there is none.
            home: overrides `[system] home`.
            environ: the environment variables.

        Raises:
            SettingsError: naming the file (or variable), section, key and what was expected; or a calendar file and its line.
        """
        if path is None and Path(FILE_NAME).is_file():
            path = FILE_NAME
        document = read_demo() if path is None else read_file(Path(path))
        origin = DEMO if path is None else str(path)
        return cls.of(document, origin, home, environ)._with_calendars()

    @classmethod
    def of(
        cls, document: Mapping[str, Any], origin: str, home: str | Path | None = None, environ: Mapping[str, str] = os.environ
    ) -> Settings:
        """Return the settings of a file's document with the environment on top.

        Args:
            document: {section: {key: value}}; it stays as it is.
            origin: what errors call it.
            home: overrides `[system] home`.
            environ: the environment variables.

        Raises:
            SettingsError: naming the origin (or variable), section, key and what was expected.
        """
        check_document(document, cls.sections(), origin)
        own = {section: dict(values) for section, values in document.items()}
        settings = cls._validate(own, origin, read_environment(environ, cls.sections()), home)
        settings._check_accounts(origin)
        return settings

    @classmethod
    def restore(cls, dump: Mapping[str, Mapping[str, Any]], environ: Mapping[str, str] = os.environ) -> Settings:
        """Return the settings of a `dump()` that has travelled, its masked secrets filled in from the environment."""
        document = {
            section: {key: value for key, value in values.items() if not (isinstance(value, str) and MASK in value)}
            for section, values in dump.items()
        }
        check_document(document, cls.sections(), "settings received")
        return cls._validate(document, "settings received", read_environment(environ, cls.sections()), None)._with_calendars()

    def _with_calendars(self) -> Settings:
        # Calendars are asked by name from everywhere: the user's tables hold for the process that runs with these settings.
        use_tables(own_tables(self.home, self.calendars.files))
        return self

    @classmethod
    def _validate(
        cls, document: dict[str, Any], origin: str, variables: Mapping[tuple[str, str], Variable], home: str | Path | None
    ) -> Settings:
        for (section, key), variable in variables.items():
            document.setdefault(section, {})[key] = variable.value
        if home is not None:
            document.setdefault("system", {})["home"] = str(home)
        try:
            settings = cls.model_validate(document)
        except ValidationError as error:
            raise explain(error, cls.sections(), document, origin, variables) from None
        world = settings.system.world
        kinds = {"[trading] gateway": settings.trading.gateway}
        kinds |= {f"[[trading.accounts]] {entry.name!r}: gateway": entry.gateway for entry in settings.trading.accounts}
        for place, kind in kinds.items():
            if reason := why_not(kind, world, simulated=settings.simulated.enabled, replays=bool(settings.replay.data), place=place):
                raise SettingsError(f"{origin}: {reason}.", path=origin, gateway=kind, world=world)
        return settings

    def _check_accounts(self, origin: str) -> None:
        known, ways = self.trading.names, dict[tuple[str, ...], str]()
        for name in known:
            own = self.of_account(name)
            if own.trading.gateway == "paper":
                continue
            # One login serves one account: of two engines behind it each would see orders that are not its own.
            way = (own.trading.gateway, own.gateway.exchange, own.gateway.url, own.gateway.credentials or own.gateway.exchange)
            if ways.setdefault(way, name) != name:
                text = f"the accounts {ways[way]!r} and {name!r} of [trading] log in as the same one: give each `credentials` of its own"
                raise SettingsError(f"{origin}: {text}.", path=origin, account=name)
        named = [("[[strategies.load]]", one.id or Path(one.file).stem, one.account) for one in self.strategies.load]
        named += [("[[risk.overrides]]", f"item {number}", one.account) for number, one in enumerate(self.risk.overrides, start=1)]
        for place, who, account in named:
            if account and account not in known:
                text = f"{origin}: {place} {who}: there is no account {account!r} in [trading].{nearest(account, known)}"
                raise SettingsError(text, path=origin, account=account)

    def of_account(self, name: str) -> Settings:
        """Return these settings as they are for one account: [trading] and [gateway] are its own.

        Raises:
            SettingsError: there is no such account.
        """
        trading = self.trading
        if name == trading.account:
            return self
        entry = next((one for one in trading.accounts if one.name == name), None)
        if entry is None:
            raise SettingsError(f"There is no account {name!r} in [trading].{nearest(name, trading.names)}", account=name)
        own: dict[str, Any] = {"account": name, "currency": entry.currency or trading.currency, "gateway": entry.gateway, "accounts": ()}
        own["cash"] = trading.cash if entry.cash is None else entry.cash
        return self.model_copy(update={"trading": trading.model_copy(update=own), "gateway": entry.way})

    @property
    def home(self) -> Path:
        """The home folder, absolute."""
        return self.system.home.expanduser().absolute()

    @property
    def uploads(self) -> Path:
        """The folder in which uploaded strategy files lie; it is allowed always."""
        return self.home / "strategies"

    @property
    def model_folder(self) -> Path:
        """The folder in which trained models lie."""
        return self.home / "models"

    @property
    def strategy_folders(self) -> tuple[Path, ...]:
        """The folders, besides the shipped one, that strategy files may be loaded from."""
        return (*self.strategies.folders, self.uploads)

    @property
    def bus_path(self) -> Path:
        """The folder of the bus."""
        return self.home / "bus"

    @property
    def database_url(self) -> str:
        """The database's URL; SQLite in the home folder unless another is set."""
        return self.database.url or f"sqlite:///{self.home / 'gcg_quant.db'}"

    @property
    def real_trading(self) -> str:
        """Where orders go that are real, in a sentence an account for whoever starts the run; empty on paper."""
        words = [self.of_account(name)._real_trading() for name in self.trading.names]
        return "\n".join(one for one in words if one)

    def _real_trading(self) -> str:
        if self.trading.gateway == "paper":
            return ""
        to = self.gateway.exchange or "the broker"
        place = redact(self.gateway.url) if self.gateway.url else "its own address"
        return (
            f"LIVE: account {self.trading.account} trades for real: orders go to {to} ({place}) through the {self.trading.gateway} "
            "gateway. `python -m gcg_quant risk kill` cancels all and refuses new ones."
        )

    @classmethod
    def sections(cls) -> dict[str, type[Section]]:
        """Return {name: model} of the sections, in the order of the docs."""
        return {name: type(field.default) for name, field in cls.model_fields.items()}

    @classmethod
    def table(cls) -> list[SettingRow]:
        """Return every key with its type, default, meaning and whether it changes live: the one source of the docs."""
        return [
            SettingRow(
                section,
                key,
                _type_text(field.annotation),
                json.dumps("off" if field.default is None else _plain(key, field.default), ensure_ascii=False),
                field.description or "",
                "live" if is_live(model, key) else "restart",
                is_secret(model, key),
            )
            for section, model in cls.sections().items()
            for key, field in model.model_fields.items()
        ]

    def dump(self) -> dict[str, dict[str, Any]]:
        """Return all values as JSON-ready types, secrets and passwords masked."""
        return {
            section: {key: _plain(key, getattr(getattr(self, section), key)) for key in model.model_fields}
            for section, model in self.sections().items()
        }


def diff(old: Settings, new: Settings) -> dict[str, Any]:
    """Return what changed as {"section.key": new value}, JSON-ready, secrets and passwords masked."""
    dumped = new.dump()
    return {
        f"{section}.{key}": dumped[section][key]
        for section, model in Settings.sections().items()
        for key in model.model_fields
        if getattr(getattr(old, section), key) != getattr(getattr(new, section), key)
    }


def markdown() -> str:
    """Return the settings table as the page docs/settings.md (`make docs` writes it)."""
    lines = [
        "# Settings",
        "",
        f"`{FILE_NAME}` in the working folder, or `--config FILE`; without one the built-in demo runs (`gcg_quant/demo.toml`).",
        f"Every key is also an environment variable: `{variable_name('database', 'url')}` is `url` under `[database]`, and wins over the",
        "file. Lists and tables are written as JSON there. A *live* key takes effect at once when the file changes, the others at the",
        "next start. Secrets are taken from the environment only. This page is made from `gcg_quant/sections.py`: `make docs`.",
    ]
    section = ""
    for row in Settings.table():
        if row.section != section:
            section = row.section
            lines += ["", f"## [{section}]", "", "| key | type | default | change | meaning |", "|---|---|---|---|---|"]
        kind, default = (text.replace("|", "\\|") for text in (row.type, row.default))
        meaning = f"{row.help} (secret)" if row.secret else row.help
        lines.append(f"| `{row.key}` | {kind} | `{default}` | {row.change} | {meaning} |")
    return "\n".join(lines) + "\n"


def needs_restart(changes: Mapping[str, Any]) -> list[str]:
    """Return those keys of a `diff` that take effect only after a restart."""
    live = {f"{row.section}.{row.key}" for row in Settings.table() if row.change == "live"}
    return [key for key in changes if key not in live]


def _type_text(kind: Any) -> str:
    # What a user may write, in words.
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _type_text(arguments[0])
    if origin is Literal:
        return " | ".join(json.dumps(one) for one in arguments)
    if origin is Union or type(None) in arguments:
        return " | ".join('"off"' if one is type(None) else _type_text(one) for one in arguments)
    if origin is tuple:
        return f"list of {_type_text(arguments[0])}"
    if origin is dict:
        return "table"
    names = {str: "text", SecretStr: "text", Path: "path", bool: "true | false", int: "integer", float: "number"}
    return names.get(kind, "table")


def _plain(key: str, value: Any) -> Any:
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else ""
    if isinstance(value, BaseModel):
        return {name: _plain(name, getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {name: _plain("", item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain("", item) for item in value]
    if isinstance(value, Path):
        return value.as_posix()
    return redact(value) if key == "url" else value
