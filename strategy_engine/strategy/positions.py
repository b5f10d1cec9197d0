"""The positions of a strategy by symbol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from .portfolio import PositionView

if TYPE_CHECKING:
    from .session import Session

__all__ = ["Positions"]


class Positions(Mapping[str, PositionView]):
    """A strategy's positions by symbol ("BTC/USDT" or "BTC/USDT@SIM"); an instrument never traded reads as a flat position."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __getitem__(self, symbol: str) -> PositionView:
        return self._session.position(symbol)

    def __iter__(self) -> Iterator[str]:
        return (f"{symbol}@{venue}" for symbol, venue in list(self._session.portfolio.positions))

    def __len__(self) -> int:
        return len(self._session.portfolio.positions)
