"""What to set in a ccxt exchange so that it speaks to a fake venue on loopback."""

from __future__ import annotations

from typing import Any


def binance_urls(port: int, host: str = "127.0.0.1") -> dict[str, Any]:
    """Return `exchange.urls["api"]` for ccxt's binance.

    Spot's websocket address needs "/stream" in it: by that ccxt tells spot from futures, since both have a BTCUSDT.
    """
    rest, ws = f"http://{host}:{port}", f"ws://{host}:{port}"
    linear = {f"fapi{kind}{suffix}": f"{rest}/fapi/v{suffix[-1:] or 1}" for kind in ("Public", "Private") for suffix in ("", "V2", "V3")}
    return {
        "public": f"{rest}/api/v3",
        "private": f"{rest}/api/v3",
        "v1": f"{rest}/api/v1",
        **{f"sapi{suffix}": f"{rest}/sapi/v{suffix[-1:] or 1}" for suffix in ("", "V2", "V3", "V4")},
        **linear,
        "fapiData": f"{rest}/futures/data",
        "dapiPublic": f"{rest}/dapi/v1",
        "dapiPrivate": f"{rest}/dapi/v1",
        "ws": {
            "spot": f"{ws}/stream/ws",
            "margin": f"{ws}/stream/ws",
            "linear": f"{ws}/fstream/ws",
            "ws-api": {"spot": f"{ws}/ws-api/v3", "linear": f"{ws}/ws-fapi/v1"},
        },
    }


def okx_urls(port: int, host: str = "127.0.0.1") -> dict[str, Any]:
    """Return `exchange.urls["api"]` for ccxt's okx."""
    return {"rest": f"http://{host}:{port}", "ws": f"ws://{host}:{port}/ws/v5"}
