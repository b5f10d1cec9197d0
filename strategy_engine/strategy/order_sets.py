"""Orders that belong together, as a strategy asks for them: brackets, and groups of which one counts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from gcg_quant.errors import OrderError
from gcg_quant.events import OrderFlag, OrderType, Side

from .session import OrderTerms

if TYPE_CHECKING:
    from .session import Session

__all__ = ["Bracket", "OrderSets"]


class Bracket(NamedTuple):
    """The client ids of a bracket's orders; "" for a way out that was not asked for."""

    parent: str
    take_profit: str
    stop_loss: str


class OrderSets:
    """What `Strategy` can do with more than one order at once."""

    @property
    def _session(self) -> Session:
        raise NotImplementedError

    def oco(self) -> dict[str, Any]:
        """Return the keywords that make orders legs of one new group: the fill or the end of one cancels the others.

        legs = self.oco()
        self.sell(1.0, 110.0, **legs)
        self.sell(1.0, stop_price=95.0, **legs)
        """
        return {"group": self._session.new_group(), "flags": OrderFlag.OCO}

    def bracket(
        self,
        quantity: float,
        price: float | None = None,
        *,
        side: Side = Side.BUY,
        take_profit: float | None = None,
        stop_loss: float | None = None,
        trail_amount: float | None = None,
        trail_percent: float | None = None,
        symbol: str | None = None,
        tag: str = "",
    ) -> Bracket:
        """Ask for a way in with its ways out, and return the client ids at once.

        The ways out are held until the way in is filled, have the quantity that was filled, and cancel each other.

        Args:
            quantity: of the way in.
            price: the limit of the way in; at the market without one.
            side: BUY, or SELL to go short.
            take_profit: the limit price of one way out.
            stop_loss: the stop price of the other.
            trail_amount: makes the stop loss a trailing one, this far (in the price's currency) from the best price.
            trail_percent: the same as a fraction of the price: 0.02 is 2 %.
            symbol: by default the first symbol.
            tag: goes with all three.

        Raises:
            OrderError: no way out, or they lie on the wrong sides of each other. Otherwise as `buy`.
        """
        trails = trail_amount is not None or trail_percent is not None
        if take_profit is None and stop_loss is None and not trails:
            raise OrderError("A bracket needs a way out: take_profit, stop_loss, trail_amount or trail_percent.")
        if take_profit is not None and stop_loss is not None and (take_profit > stop_loss) != (side == Side.BUY):
            raise OrderError(
                f"A bracket that begins with {side.name} cannot take profit at {take_profit:g} and stop its loss at {stop_loss:g}."
            )
        session, out = self._session, Side.SELL if side == Side.BUY else Side.BUY
        ways = [OrderTerms(price=take_profit, tag=tag)] if take_profit is not None else []
        if stop_loss is not None or trails:
            kind = OrderType.TRAILING_STOP if trails else OrderType.STOP
            ways.append(OrderTerms(stop_price=stop_loss, order_type=kind, trail_amount=trail_amount, trail_percent=trail_percent, tag=tag))
        for way in ways:  # before anything is sent
            session.check(quantity, way)
        parent = session.order(side, quantity, symbol, OrderTerms(price=price, tag=tag))
        sent = [session.order(out, quantity, symbol, replace(way, parent=parent)) for way in ways]
        return Bracket(parent, sent[0] if take_profit is not None else "", sent[-1] if stop_loss is not None or trails else "")
