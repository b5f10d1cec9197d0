"""Buy and sell, as hft_backtest writes them."""

from __future__ import annotations

from enum import IntEnum

from gcg_quant.errors import StrategyError
from gcg_quant.events import Side

__all__ = ["Direction", "side_of"]


class Direction(IntEnum):
    """The side of an order: equal to `Side`, number for number, so that `fill.side == Direction.Buy` holds."""

    BUY = Side.BUY.value
    SELL = Side.SELL.value
    Buy = BUY
    Sell = SELL

    __hash__ = int.__hash__


_SIDES: dict[object, Side] = {Side.BUY: Side.BUY, Side.SELL: Side.SELL}


def side_of(direction: object) -> Side:
    """Return the side of a direction. Raises StrategyError for anything but buy or sell; plain numbers are no direction."""
    side = _SIDES.get(direction) if isinstance(direction, IntEnum) else None
    if side is None or not isinstance(direction, (Direction, Side)):
        raise StrategyError(f"send_order wants hft.Direction.Buy or hft.Direction.Sell, not {direction!r}.", direction=direction)
    return side
