"""[trading] of the settings: the default account, further ones, and the way that orders of each go. See docs/trading.md."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from gcg_quant.gateway_sections import GatewaySettings
from gcg_quant.section import Delay, Name, Section, redact, setting

__all__ = ["AccountEntry", "GatewayKind", "TradingSettings"]

GatewayKind = Literal["paper", "ccxt", "ctp", "tts"]
_ALONE = ("ctp", "tts")  # their library holds one login a process


class AccountEntry(GatewaySettings):
    """A further account: an item of `[[trading.accounts]]`; beside its own keys it has those of [gateway], for its own gateway."""

    name: Name = Field(description="of the account")
    currency: str = Field(default="", pattern=r"^([A-Z]{3,5})?$", description="of the account; empty = as [trading]")
    cash: float | None = Field(default=None, gt=0, allow_inf_nan=False, description="of a new account; left out = as [trading]")
    gateway: GatewayKind = Field(default="paper", description="where its orders go")
    process: bool | None = Field(default=None, description="run in a process of its own; left out = as the gateway needs it")

    @property
    def own_process(self) -> bool:
        """Whether it runs in a process of its own."""
        return self.gateway in _ALONE if self.process is None else self.process

    @field_validator("url")
    @classmethod
    def _holds_no_password(cls, url: str) -> str:
        if redact(url) != url:
            raise ValueError("the URL holds a password; take it out and set GCG_QUANT_CREDENTIALS__NAME__PASSWORD in the environment")
        return url

    @property
    def way(self) -> GatewaySettings:
        """Its gateway, as [gateway] would describe it."""
        return GatewaySettings(**{name: getattr(self, name) for name in GatewaySettings.model_fields})


class TradingSettings(Section):
    """[trading]: the account and its gateway; further accounts beside it."""

    account: Name = setting("paper", "name of the account")
    currency: str = setting("USD", "currency of the account", pattern=r"^[A-Z]{3,5}$")
    cash: float = setting(1_000_000.0, "cash of a new account, in its currency", gt=0, allow_inf_nan=False)
    gateway: GatewayKind = setting("paper", "where orders go: simulated on paper, or through a real gateway, which [gateway] describes")
    latency_ms: float = setting(5.0, "time that the paper gateway needs for an order, ms", ge=0, le=60_000, allow_inf_nan=False)
    cancel_latency_ms: Delay = setting(None, "... and for a cancel or a change, ms; off = as for an order")
    jitter_ms: float = setting(0.0, "most that either takes longer, drawn anew for each, ms", ge=0, le=60_000, allow_inf_nan=False)
    slippage_ticks: int = setting(0, "ticks by which the paper gateway's market orders fill worse", ge=0, le=1000)
    queue: Literal["back", "risk_averse", "proportional", "power", "logarithmic"] = setting(
        "back", "what is ahead of the paper gateway's resting orders: all others, or a queue that trades shorten, or cancels as well"
    )
    queue_power: float = setting(2.0, "power of the queue `power`: a multiple of 0.5", ge=0.5, le=8, multiple_of=0.5)
    sessions: Literal["auto", "on", "off"] = setting(
        "auto", "match on paper only while a market is open; auto = unless the simulated exchange trades around the clock"
    )
    hold_s: float = setting(
        0.0,
        "time that new orders wait while the gateway to a real venue is down, s; 0 refuses them at once",
        ge=0,
        le=86_400,
        allow_inf_nan=False,
    )
    accounts: tuple[AccountEntry, ...] = setting(
        (), "further accounts: a list of tables with name, currency, cash, gateway, process and the keys of [gateway]"
    )

    @model_validator(mode="after")
    def _unique_names(self) -> TradingSettings:
        names = [self.account]
        for entry in self.accounts:
            if entry.name in names:
                raise ValueError(f"two accounts are called {entry.name!r}; give each a name of its own")
            names.append(entry.name)
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all accounts, the default one first."""
        return self.account, *(entry.name for entry in self.accounts)
