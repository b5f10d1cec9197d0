"""What a run is told of the paper venue that matches its orders, and of the limits that they must pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from gcg_quant.errors import BacktestError, SettingsError

from ...strategy_engine.gateways.paper import PaperGateway
from ...strategy_engine.risk.limits import RiskRules

if TYPE_CHECKING:
    from gcg_quant.settings import Settings

__all__ = ["PaperTerms"]

NO_LIMITS = RiskRules()


class PaperTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keywords of `PaperGateway`, and `risk`, keys of [risk] with their values. By default: no delay, and what the account can pay."""

    latency_ns: int = 0
    cancel_latency_ns: int | None = None
    jitter_ns: int = 0
    seed: int = 0
    slippage_ticks: int = 0
    queue: Literal["back", "risk_averse", "proportional", "power", "logarithmic"] = "back"
    queue_power: float = 2.0
    sessions: bool = False
    risk: dict[str, Any] = {}

    @classmethod
    def read(cls, values: Mapping[str, Any] | PaperTerms) -> PaperTerms:
        """Return the terms of a table of them; raise BacktestError naming the one that makes no sense."""
        if isinstance(values, PaperTerms):
            return values
        try:
            terms = msgspec.convert(dict(values), cls)
            terms.rules()
        except msgspec.ValidationError as error:
            known = ", ".join(cls.__struct_fields__)
            raise BacktestError(f"The option paper of a backtest cannot be read: {error} (known: {known}).") from error
        except SettingsError as error:
            raise BacktestError(f"The option paper of a backtest cannot be read: {error.message}") from error
        return terms

    @classmethod
    def of_settings(cls, settings: Settings) -> dict[str, Any]:
        """Return the terms with which `run` trades on paper under these settings, as a table."""
        return {**PaperGateway.keywords(settings), "risk": settings.risk.model_dump(mode="json")}

    def gateway(self) -> PaperGateway:
        """Return a paper gateway of these terms."""
        values = msgspec.structs.asdict(self)
        del values["risk"]
        return PaperGateway(**values)

    def rules(self) -> RiskRules:
        """Return the limits; raise SettingsError for a key or a value that makes no sense."""
        return NO_LIMITS.changed(self.risk)
