"""The options of the kinds "ctp" and "tts" of [[collectors.run]]."""

from __future__ import annotations

from typing import Literal

from pydantic import field_validator

from gcg_quant.openctp_front import front_addresses
from gcg_quant.sections import Section, setting

__all__ = ["CtpOptions"]


class CtpOptions(Section):
    """Where the fronts are; broker, user and password are credentials."""

    fronts: tuple[str, ...] = setting((), 'market data fronts, "tcp://host:port"; the library goes from one to the next')
    trader_fronts: tuple[str, ...] = setting((), "trading fronts, to list the contracts and their terms; empty = the usual terms")
    block: int = setting(200, "symbols in one subscription", ge=1, le=2000)
    production: bool = setting(True, "false: a certification system of CTP (penetration testing), whose handshake differs")
    outside: Literal["", "drop", "keep"] = setting(
        "", 'what comes outside of the market\'s hours; empty = "drop" for ctp, "keep" for tts, which replays days round the clock'
    )

    @field_validator("fronts", "trader_fronts")
    @classmethod
    def _are_addresses(cls, fronts: tuple[str, ...]) -> tuple[str, ...]:
        return front_addresses(fronts, "a front") if fronts else ()
