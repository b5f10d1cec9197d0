"""What it means that a component stands still: said before it is stopped, and again when it is."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["consequence"]

_BY_CAPABILITY = {
    "recorder": "nothing is stored until it starts again; the journal keeps what comes meanwhile, and it is stored then",
    "keeper": "old rows stay and no backup is made until it starts again",
    "cache": "Redis is not brought up to date until it starts again",
    "collector": "no market data comes from it until it starts again",
    "bars": "no bars are made until it starts again",
    "strategies": "strategies hear nothing and send no orders until it starts again; their open orders stay at the venue",
    "models": "trained models give no signals until it starts again",
    "backtest": "backtests that run are broken off, and none is begun until it starts again",
    "charts": "charts stand still until it starts again",
    "monitor": "REST and the admin page cannot answer until it starts again",
    "alerts": "no threshold is watched, and neither page nor webhook hears of trouble, until it starts again",
    "web": "no page and no REST call is answered until it starts again: `python -m gcg_quant components start web`",
    "bridge": "no events are exchanged with other hosts through it until it starts again",
}


def consequence(capabilities: Iterable[str], open_orders: int = 0) -> str:
    """Return what follows from stopping a component with these capabilities, as half a sentence; "" if nothing is known.

    Args:
        open_orders: how many orders work, which matters to a trading engine.
    """
    capabilities = set(capabilities)
    if "trading" in capabilities:
        orders = f"{open_orders} open orders stay at the venue unattended, and " if open_orders else ""
        if open_orders == 1:
            orders = f"{open_orders} open order stays at the venue unattended, and "
        return f"{orders}no order is sent, filled or cancelled until it starts again"
    return next((text for word, text in _BY_CAPABILITY.items() if word in capabilities), "")
