"""A host of a desk that writes down what it is told."""

from __future__ import annotations

from typing import Any

from gcg_quant.events import Funding


class Notebook:
    """Keeps everything."""

    venue = "binance"

    def __init__(self) -> None:
        self.faults: dict[str, int] = {}
        self.holes: list[tuple[str, str, int, int, str, int | None]] = []
        self.asked: list[str] = []
        self.between: list[tuple[str, int, int]] = []
        self.told: list[Funding] = []

    def fault(self, kind: str, why: str, payload: Any = None) -> None:
        """Count a fault."""
        self.faults[kind] = self.faults.get(kind, 0) + 1

    def hole(self, symbol: str, what: str, start_ns: int, end_ns: int, detail: str, missing: int | None) -> None:
        """Keep a hole."""
        self.holes.append((symbol, what, start_ns, end_ns, detail, missing))

    def missed(self, symbol: str, start_ns: int, end_ns: int) -> None:
        """Keep what lies between two connections."""
        self.between.append((symbol, start_ns, end_ns))

    def resync(self, symbol: str) -> None:
        """Keep whose book is asked for."""
        self.asked.append(symbol)

    def tell(self, event: Funding) -> None:
        """Keep an event."""
        self.told.append(event)
