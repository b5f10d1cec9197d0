"""The checks of a `PresetBroker` in a fast run, around the fast methods: it hears only of bars that may do something to orders."""

from __future__ import annotations

from typing import Any

from .native import FastAccount

__all__ = ["checks"]


def checks(stock: Any, account: FastAccount, fast: dict[str, Any]) -> dict[str, Any]:
    """Return the methods that the class of such a broker has in a fast run.

    Args:
        stock: its own class.
        account: while that is quiet, bars are passed over.
        fast: the fast methods of any broker by name.
    """
    match, execute = fast["next"], fast["_execute"]

    def following(self: Any) -> None:
        if account.quiet:
            self.pass_over(-1)
        self.before_matching()
        match(self)

    def transmit(self: Any, order: Any, check: bool = True) -> Any:
        if account.quiet:
            self.pass_over()
        return stock.transmit(self, order, check=check)

    def charged(
        self: Any, order: Any, ago: Any = None, price: Any = None, cash: Any = None, position: Any = None, dtcoc: Any = None
    ) -> Any:
        with self.charging(order, ago, position):
            return execute(self, order, ago=ago, price=price, cash=cash, position=position, dtcoc=dtcoc)

    return {"next": following, "transmit": transmit, "_execute": charged, "_try_exec": stock._try_exec}
