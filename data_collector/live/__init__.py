"""Live market data: what collectors of real venues have in common. See docs/collectors.md."""

from .asynchronous import AsyncExchangeCollector
from .collector import ExchangeCollector
from .kinds import kind_names, make_collector, make_collectors
from .options import NoOptions
from .rate_limit import RateLimiter

__all__ = [
    "AsyncExchangeCollector",
    "ExchangeCollector",
    "NoOptions",
    "RateLimiter",
    "kind_names",
    "make_collector",
    "make_collectors",
]
