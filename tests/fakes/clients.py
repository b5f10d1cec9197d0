"""ccxt's own clients, pointed at a fake venue: what the fakes' tests drive them with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fakes.addresses import binance_urls, okx_urls
from fakes.venue import KEY, PASSPHRASE, SECRET

T = TypeVar("T")


@asynccontextmanager
async def client(name: str, port: int, **config: Any) -> AsyncIterator[Any]:
    """Yield a ccxt.pro exchange that speaks to `port` with the fake's usual key; it is closed at the end."""
    import ccxt.pro

    exchange = getattr(ccxt.pro, name)({"apiKey": KEY, "secret": SECRET, "password": PASSPHRASE, "enableRateLimit": False, **config})
    exchange.urls["api"].update((okx_urls if name == "okx" else binance_urls)(port))
    try:
        yield exchange
    finally:
        await exchange.close()


def drive(name: str, port: int, steps: Callable[[Any], Awaitable[T]], **config: Any) -> T:
    """Run a coroutine with a client, two minutes at most, and return what it returns."""

    async def go() -> T:
        async with client(name, port, **config) as exchange, asyncio.timeout(120):
            return await steps(exchange)

    return asyncio.run(go())
