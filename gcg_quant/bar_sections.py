"""The section `[bars]` of `gcg_quant.toml`: which bars the bar builder makes, and what it does with late events."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gcg_quant.section import Period, Section, setting

__all__ = ["BarsEntry", "BarsSettings"]


class BarsEntry(Section):
    """Further periods for some symbols: an item of `[[bars.symbols]]`."""

    symbol: str = Field(min_length=1, max_length=113, description='symbol, SYMBOL@VENUE or a pattern such as "IF*" or "*@CFFEX"')
    periods: tuple[Period, ...] = Field(min_length=1, description="periods of bars that are made of it besides the common ones")


class BarsSettings(Section):
    """[bars]: the bars that are made of ticks and trades while running."""

    periods: tuple[Period, ...] = setting(("1s", "1m"), "periods of the bars that are made of every symbol", live=True, min_length=1)
    symbols: tuple[BarsEntry, ...] = setting((), "further periods for some symbols: a list of tables with symbol and periods", live=True)
    grace_ms: int = setting(200, "how long after its end a bar waits for late events if no later one comes, ms", live=True, ge=0, le=60_000)
    late: Literal["drop", "revise"] = setting(
        "drop", "an event of the bar that was finished last is dropped, or the bar is published again with it, with the next revision"
    )
