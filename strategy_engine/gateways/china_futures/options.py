"""The options of the gateway kinds "ctp" and "tts"."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from gcg_quant.openctp_front import front_addresses
from gcg_quant.sections import Section, setting

__all__ = ["CtpGatewayOptions"]


class CtpGatewayOptions(Section):
    """[gateway] options; broker, user, password, app_id and auth_code are credentials."""

    fronts: tuple[str, ...] = setting((), 'trading fronts, "tcp://host:port"; the library goes from one to the next')
    hedge: Literal["speculation", "arbitrage", "hedge"] = setting("speculation", "what the account trades for (CombHedgeFlag)")
    production: bool = setting(True, "false: a certification system of CTP (penetration testing), whose handshake differs")
    cash: bool = setting(
        False, "compare the cash as well: only where the fees of the instrument table are those of the broker to the last cent"
    )
    query_s: float = setting(1.0, "time between two queries, s: a counter answers one a second", ge=0, le=60)

    @field_validator("fronts")
    @classmethod
    def _are_addresses(cls, fronts: tuple[str, ...]) -> tuple[str, ...]:
        return front_addresses(fronts, "a front") if fronts else ()
