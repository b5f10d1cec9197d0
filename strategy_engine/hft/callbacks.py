"""What a tick strategy is told: the callbacks that it may define."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from gcg_quant.events import Bar, BookDelta, Depth, Fill, OrderEvent, Tick, TradeTick

    Rows = np.ndarray[Any, Any]

__all__ = ["CALLBACKS", "Callbacks"]

CALLBACKS = (
    "on_tick",
    "on_trade",
    "on_depth",
    "on_delta",
    "on_bar",
    "on_ticks",
    "on_trades",
    "on_depths",
    "on_deltas",
    "on_order",
    "on_fill",
    "on_timer",
)


class Callbacks:
    """The callbacks of `hft.Strategy`, each of which does nothing; only those that a class defines are called."""

    def init(self) -> None:
        """Begin: called once, before the first event."""

    def on_tick(self, tick: Tick) -> None:
        """Handle a quote or last price."""

    def on_trade(self, trade: TradeTick) -> None:
        """Handle a trade of the market (your own are `on_fill`)."""

    def on_depth(self, depth: Depth) -> None:
        """Handle a snapshot of the order book."""

    def on_delta(self, delta: BookDelta) -> None:
        """Handle a change of the order book."""

    def on_bar(self, bar: Bar) -> None:
        """Handle a closed bar of one of `periods`."""

    def on_ticks(self, ticks: Rows) -> None:
        """Handle a run of ticks of one instrument at once: a structured array of `Tick.dtype`, oldest first, without copying."""

    def on_trades(self, trades: Rows) -> None:
        """Handle a run of the market's trades at once, as `on_ticks`."""

    def on_depths(self, depths: Rows) -> None:
        """Handle a run of book snapshots at once, as `on_ticks`."""

    def on_deltas(self, deltas: Rows) -> None:
        """Handle a run of book changes at once, as `on_ticks`."""

    def on_order(self, order: OrderEvent) -> None:
        """Handle a change of one of your orders; `order.client_id` is the id that `send_order` returned."""

    def on_fill(self, fill: Fill) -> None:
        """Handle a fill of one of your orders; `position` holds it already."""

    def on_timer(self, name: str) -> None:
        """Handle a timer that `set_timer` has set."""

    def finish(self) -> None:
        """End: called once, after the last event. By default it calls `on_stop`, as hft_backtest names it."""
        self.on_stop()

    def on_stop(self) -> None:
        """End, under hft_backtest's name; `finish` is ours."""
