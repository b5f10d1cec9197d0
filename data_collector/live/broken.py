"""What runs in place of a plug-in that cannot be loaded: it says so, and all others run."""

from __future__ import annotations

from typing import Self

from gcg_quant.collector_sections import CollectorEntry
from gcg_quant.errors import CollectorError

from .collector import ExchangeCollector

__all__ = ["BrokenCollector"]


class BrokenCollector(ExchangeCollector):
    """A collector that never connects: its state is "refused", and its reason the sentence about the plug-in."""

    why = ""

    @classmethod
    def of(cls, entry: CollectorEntry, why: str) -> Self:
        """Return the stand-in of an entry, and why there is one."""
        made = cls(entry.name, entry.venue, symbols=entry.symbols, connect_s=entry.connect_s, silence_s=entry.silence_s)
        made.kind, made.why = entry.kind, why
        return made

    def dial(self) -> None:
        """Say why there is no connection."""
        raise CollectorError(self.why)

    def serve(self) -> None:
        """Nothing is ever served."""

    def hang_up(self) -> None:
        """Nothing is open."""
