"""What the simulated exchange trades: how each instrument of the six markets starts and behaves.

Volatilities are about twice those of real markets, so that a demonstration shows something within seconds.
"""

from __future__ import annotations

import msgspec

from gcg_quant.instruments import Instrument, preset
from gcg_quant.market_terms import market_of

__all__ = ["PROFILES", "MarketProfile", "profile_of"]


class MarketProfile(msgspec.Struct, frozen=True, kw_only=True):
    """How one instrument behaves. Sizes are medians in lots."""

    symbol: str
    market: str
    price: float  # where it starts, and where it is drawn back to within days
    volatility: float  # of the wandering price, as a fraction per square root of a second
    swing: float = 0.0005  # standard deviation of the quick swings around it, as a fraction
    swing_s: float = 20.0  # how long such a swing lasts, seconds
    spread_ticks: float = 1.0  # mean of what the spread exceeds one tick by, in ticks
    quote_lots: float = 20.0
    trade_lots: float = 3.0
    activity: float = 1.0  # share of all ticks, relative to the other instruments
    open_interest: float = 0.0  # contracts at the start; 0 for what has none
    price_limit: float | None = None  # replaces the market's usual one

    def instrument(self, venue: str, *, around_the_clock: bool) -> Instrument:
        """Return the terms it trades on: its market's usual ones; around the clock, or in its market's sessions."""
        overrides: dict[str, object] = {"calendar": "24/7"} if around_the_clock else {}
        if self.price_limit is not None:
            overrides["price_limit"] = self.price_limit
        if self.market == "crypto":
            # A low-fee venue: at the usual entry tier's 0.1 % strategies that trade every few seconds would show fees and little else.
            overrides |= {"maker_fee": 0.0, "taker_fee": 0.0002}
        return preset(self.market, self.symbol, venue, price=self.price, **overrides)


PROFILES: dict[str, MarketProfile] = {
    profile.symbol: profile
    for profile in (
        MarketProfile(
            symbol="BTC/USDT",
            market="crypto",
            price=64_000.0,
            volatility=1.3e-4,
            swing=0.00056,
            spread_ticks=80.0,
            quote_lots=30_000.0,
            trade_lots=900.0,
            activity=4.0,
        ),
        MarketProfile(
            symbol="ETH/USDT",
            market="crypto",
            price=3_200.0,
            volatility=1.6e-4,
            swing=0.00064,
            spread_ticks=4.0,
            quote_lots=40_000.0,
            trade_lots=1_500.0,
            activity=3.0,
        ),
        MarketProfile(
            symbol="EUR/USD",
            market="fx",
            price=1.085,
            volatility=3.3e-5,
            swing=0.00012,
            spread_ticks=4.0,
            quote_lots=1_000.0,
            trade_lots=100.0,
            activity=2.0,
        ),
        MarketProfile(
            symbol="USD/JPY",
            market="fx",
            price=152.4,
            volatility=3.9e-5,
            swing=0.00013,
            spread_ticks=4.0,
            quote_lots=1_000.0,
            trade_lots=100.0,
            activity=2.0,
        ),
        MarketProfile(
            symbol="600519", market="cn_stock", price=1_680.0, volatility=6.5e-5, swing=0.00024, spread_ticks=20.0, trade_lots=1.0
        ),
        MarketProfile(
            symbol="IF2412",
            market="cn_future",
            price=3_900.0,
            volatility=6.5e-5,
            swing=0.00024,
            spread_ticks=0.8,
            quote_lots=6.0,
            trade_lots=0.8,
            activity=1.5,
            open_interest=90_000.0,
        ),
        MarketProfile(
            symbol="rb2501",
            market="cn_future",
            price=3_300.0,
            volatility=7.8e-5,
            swing=0.00032,
            spread_ticks=0.15,
            quote_lots=400.0,
            trade_lots=25.0,
            activity=1.5,
            open_interest=1_800_000.0,
            price_limit=0.07,
        ),
        MarketProfile(
            symbol="AAPL", market="us", price=228.0, volatility=9.1e-5, swing=0.00032, spread_ticks=0.6, quote_lots=300.0, trade_lots=100.0
        ),
        MarketProfile(
            symbol="SPY", market="us", price=585.0, volatility=5.2e-5, swing=0.0002, spread_ticks=0.4, quote_lots=600.0, trade_lots=150.0
        ),
        MarketProfile(
            symbol="00700", market="hk", price=402.0, volatility=7.8e-5, swing=0.00032, spread_ticks=0.3, quote_lots=150.0, trade_lots=1.0
        ),
    )
}

_BY_MARKET = {
    "crypto": (100.0, 1.3e-4),
    "fx": (1.25, 3.3e-5),
    "cn_stock": (25.0, 6.5e-5),
    "cn_future": (4_000.0, 6.5e-5),
    "us": (100.0, 9.1e-5),
    "hk": (50.0, 7.8e-5),
}


def profile_of(symbol: str) -> MarketProfile:
    """Return the profile of a symbol: of the table, or for others a plain one of the market that it looks like."""
    if symbol in PROFILES:
        return PROFILES[symbol]
    market = market_of(symbol)
    price, volatility = _BY_MARKET[market]
    return MarketProfile(
        symbol=symbol, market=market, price=price, volatility=volatility, open_interest=50_000.0 if market == "cn_future" else 0.0
    )
