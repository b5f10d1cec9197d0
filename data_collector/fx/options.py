"""The options of a collector of the kind "mt5"."""

from __future__ import annotations

from pydantic import Field, field_validator

from gcg_quant.sections import Section

from .server_time import AUTO, ServerTime

__all__ = ["Mt5Options"]


class Mt5Options(Section):
    """`options = {...}` of an item of [[collectors.run]] with kind = "mt5"."""

    path: str = Field(default="", max_length=500, description="of terminal64.exe on its machine; empty = the one that is installed or runs")
    portable: bool = Field(default=False, description="the terminal keeps its data in its own folder, as several on one machine should")
    prefix: str = Field(default="", max_length=16, description="what the broker writes before a symbol")
    suffix: str = Field(default="", max_length=16, description='what the broker writes behind a symbol, such as ".r"')
    names: dict[str, str] = Field(default={}, description='symbols that the broker writes otherwise: {"XAU/USD" = "GOLD"}')
    server_time: str = Field(default=AUTO, description='the broker\'s clock: "auto" = measured, "new_york+7", a time zone, or "+3"')
    poll_ms: int = Field(default=50, ge=1, le=60_000, description="pause between two looks for new ticks, ms")
    batch: int = Field(default=10_000, ge=100, le=1_000_000, description="ticks of a symbol that are read at once")
    call_s: float = Field(default=20.0, gt=0, le=600, description="longest time of a call of the terminal's, s")
    catch_up_s: float = Field(
        default=10.0, ge=0, le=3600, description="ticks missed for so long are still sent as new ones; for longer, they are filled in, s"
    )
    trust_network: bool = Field(default=False, description="allow an rpyc server on another machine without a tunnel: see docs/fx.md first")

    @field_validator("server_time")
    @classmethod
    def _is_a_clock(cls, server_time: str) -> str:
        if server_time != AUTO:
            ServerTime(server_time)
        return server_time
