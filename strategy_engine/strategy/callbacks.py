"""What a strategy is told: the callbacks that it may define."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeAlias

from gcg_quant.events import Bar, BookDelta, Depth, Fill, GapEvent, GatewayStatus, OrderEvent, SignalEvent, Tick, TimerEvent, TradeTick

__all__ = ["CALLBACKS", "Callbacks", "Outcome"]

Outcome: TypeAlias = Awaitable[None] | None

CALLBACKS = (
    "on_start",
    "on_tick",
    "on_bar",
    "on_depth",
    "on_delta",
    "on_trade",
    "on_order",
    "on_fill",
    "on_timer",
    "on_signal",
    "on_gap",
    "on_disconnect",
    "on_stop",
)


class Callbacks:
    """The callbacks of `Strategy`, each of which does nothing; only those that a class defines are called."""

    def on_start(self) -> Outcome:
        """Begin: called once before anything else; positions and open orders are those the journal tells."""
        return None

    def on_tick(self, tick: Tick) -> Outcome:
        """Handle a quote or last price of one of the symbols."""
        return None

    def on_bar(self, bar: Bar) -> Outcome:
        """Handle a closed bar of one of the periods."""
        return None

    def on_depth(self, depth: Depth) -> Outcome:
        """Handle a book snapshot."""
        return None

    def on_delta(self, delta: BookDelta) -> Outcome:
        """Handle a change of the order book."""
        return None

    def on_trade(self, trade: TradeTick) -> Outcome:
        """Handle a trade of the market (not one of yours: that is `on_fill`)."""
        return None

    def on_order(self, order: OrderEvent) -> Outcome:
        """Handle a change of one of your orders."""
        return None

    def on_fill(self, fill: Fill) -> Outcome:
        """Handle a fill of one of your orders; `position` holds it already."""
        return None

    def on_timer(self, timer: TimerEvent) -> Outcome:
        """Handle a timer that `set_timer` has set."""
        return None

    def on_signal(self, signal: SignalEvent) -> Outcome:
        """Handle another strategy's signal on one of the symbols."""
        return None

    def on_gap(self, gap: GapEvent) -> Outcome:
        """Handle the news that market data is missing."""
        return None

    def on_disconnect(self, event: GatewayStatus | GapEvent) -> Outcome:
        """Handle the loss of a connection: the account's gateway is down (GatewayStatus), or a feed was (GapEvent, after `on_gap`)."""
        return None

    def on_stop(self) -> Outcome:
        """End: called once. Orders may still be sent if the strategy alone is stopped, not if the whole system is (`may_trade`).

        Open orders are cancelled afterwards when the strategy is stopped or unloaded, and stay when the system goes down.
        """
        return None
