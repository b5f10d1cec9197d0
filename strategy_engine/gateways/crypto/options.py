"""What `[gateway] options` may say for the kind "ccxt"."""

from __future__ import annotations

from typing import Literal

from gcg_quant.sections import Section, setting

__all__ = ["CryptoOptions"]


class CryptoOptions(Section):
    """[gateway] options of a crypto exchange."""

    market: Literal["spot", "swap"] = setting("spot", "what is traded: spot, or perpetual contracts (at Binance USD-M alone)")
    venue: str = setting("", "venue of the instruments that it trades; empty = as `exchange`", max_length=32)
    hedge: bool = setting(False, "long and short positions are held apart at the venue (hedge mode); the instruments need legs = true")
    margin_mode: Literal["cross", "isolated"] = setting("cross", "margin of contracts, as far as the venue is told with each order (OKX)")
    compare_cash: bool | None = setting(
        None, "compare the cash with the venue's; left out: for spot only, as more than trades and funding may change the cash of contracts"
    )
    recv_window_ms: int = setting(
        5000,
        "how long an order may take to the venue before the venue refuses it, ms: so long an unanswered one is in doubt",
        ge=100,
        le=30_000,
    )
    poll_s: float = setting(10.0, "how often open orders are asked for by REST, in case a message was lost, s", ge=0.1, le=600)
    heartbeat_s: float = setting(5.0, "how often the streams are pinged; two misses end the connection, s", ge=0.1, le=60)
    orders_per_s: float | None = setting(None, "orders, changes and cancels sent a second at most; left out: what the venue grants", gt=0)

    @property
    def cash_counts(self) -> bool:
        """Whether the venue's cash is compared with ours."""
        return self.market == "spot" if self.compare_cash is None else self.compare_cash
