"""The sections of `gcg_quant.toml` about watching the system: thresholds of alerts, the webhook that hears of them, log files."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator

from gcg_quant.section import CountLimit, Limit, Section, setting

__all__ = ["LogsSettings", "MonitoringSettings"]


def _none_if_off(value: object) -> object:
    return None if isinstance(value, str) and value.strip().lower() in ("", "off", "none") else value


Minutes = Annotated[Annotated[float, Field(ge=0.1, le=100_000, allow_inf_nan=False)] | None, BeforeValidator(_none_if_off)]


class MonitoringSettings(Section):
    """[monitoring]: from when on an AlertEvent tells of something; "off" watches it no longer."""

    tick_to_order_ms: Limit = setting(10.0, "time from a tick to the order that it led to, p95 of the last minute, ms", live=True)
    order_to_ack_ms: Limit = setting(
        10.0,
        "time from an order to the venue's first answer, p95 of the last minute, ms; the paper gateway's own latency is left out",
        live=True,
    )
    lag_events: CountLimit = setting(100_000, "events that a reader of the journal is behind", live=True)
    lag_s: Limit = setting(30.0, "age of the oldest event that a reader has not read, s", live=True)
    database_s: Limit = setting(30.0, "age of the oldest event that the database does not have, s", live=True)
    process_mb: Limit = setting(2_000.0, "memory of one process (its proportional share), MB", live=True)
    memory_mb: Limit = setting(4_000.0, "memory of all processes together, MB", live=True)
    disk_mb: Limit = setting(1_000.0, "free space of the home folder's disk below which to warn, MB", live=True)
    silence_s: Limit = setting(60.0, "time without market data of a venue while one of its markets is open, s", live=True)
    symbol_silence_s: Limit = setting(None, "time without market data of one instrument while its market is open, s", live=True)
    handler_errors: CountLimit = setting(1, "exceptions of a component's handlers within a minute", live=True)
    gateway_s: Limit = setting(10.0, "time that a gateway may be disconnected, s", live=True)
    collector_s: Limit = setting(60.0, "time that a collector may be disconnected while one of its markets is open, s", live=True)
    clock_ms: Limit = setting(500.0, "step of the machine's clock, ms", live=True)
    repeat_min: Minutes = setting(15.0, "how often an alert is told again while its cause lasts, minutes; off = once", live=True)
    webhook_url: SecretStr = setting(SecretStr(""), "http(s) address that gets every alert as JSON; empty = none", secret=True)
    webhook_level: Literal["info", "warning", "critical"] = setting("warning", "least level that the webhook gets", live=True)
    webhook_timeout_s: float = setting(5.0, "longest wait for the webhook's answer, s", ge=0.1, le=60, allow_inf_nan=False)

    @field_validator("webhook_url")
    @classmethod
    def _an_address(cls, url: SecretStr) -> SecretStr:
        text = url.get_secret_value()
        try:
            parts = urlsplit(text)
            good = not text or (parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0)
        except ValueError:
            good = False
        if not good:
            raise ValueError("expected an address such as 'https://host/path'")
        return url


class LogsSettings(Section):
    """[logs]: the files in the folder `logs` of the home, a new one every UTC day."""

    level: Literal["debug", "info", "warning", "error"] = setting("info", "least level written into the log files")
    format: Literal["text", "json"] = setting("text", "lines for people, or one JSON object a line")
    keep_days: int = setting(30, "how long the files of past days stay, days", ge=1, le=10_000)
