"""The tick strategies: one class that runs in the native tick engine and on a session, paper or live.

The base class and what it trades through are here, below both worlds: `gcg_quant.backtest.hft` runs it in the engine, `guests.hft` in the
strategy manager.
"""

from .callbacks import CALLBACKS
from .desk import Desk, OpenOrder
from .direction import Direction
from .strategy import Strategy

__all__ = ["CALLBACKS", "Desk", "Direction", "OpenOrder", "Strategy"]
