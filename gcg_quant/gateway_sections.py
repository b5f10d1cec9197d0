"""The section of `gcg_quant.toml` for the way to a real venue; see `sections.py` and `strategy_engine/gateways/kinds.py`."""

from __future__ import annotations

from typing import Any

from gcg_quant.section import Section, Url, setting

__all__ = ["GatewaySettings", "why_not"]


class GatewaySettings(Section):
    """[gateway]: the way to a real venue, if `[trading] gateway` is not "paper". See docs/crypto.md and docs/china_futures.md."""

    exchange: str = setting(
        "", 'which venue or broker, such as "binance" or "okx" (ccxt); it names the instruments\' venue', pattern=r"^[A-Za-z0-9_.-]{0,32}$"
    )
    url: Url = setting("", "base address instead of the venue's own: a test net or a proxy; empty = the venue's own")
    credentials: str = setting(
        "",
        "name of the credentials, which stand in the environment alone (GCG_QUANT_CREDENTIALS__NAME__KEY); empty = as `exchange`",
        pattern=r"^[A-Za-z0-9_.-]{0,32}$",
    )
    connect_s: float = setting(10.0, "longest wait for a connection and its login, s", gt=0, le=300, allow_inf_nan=False)
    patience_s: float = setting(5.0, "how long a question to the venue may stay unanswered, s", gt=0, le=300, allow_inf_nan=False)
    cash_tolerance: float = setting(
        0.01, "how far the venue's cash may be from ours before the account is halted, in its currency", ge=0, allow_inf_nan=False
    )
    options: dict[str, Any] = setting({}, "the kind's own: a table; see the page of its market")


def why_not(kind: str, world: str, *, simulated: bool, replays: bool, place: str = "[trading] gateway") -> str:
    """Return why a run with a gateway of this kind in this world must not start; empty if it may; `place` is where the kind stands.

    Real orders need two settings that agree, so that neither a slip nor one environment variable can send them.
    """
    if world == "live" and replays:
        return '[system] world is "live", and [replay] plays stored data: it runs on paper alone'
    if kind == "paper":
        return ""
    if world != "live":
        return (
            f'{place} = "{kind}" sends real orders, and [system] world is "{world}": if you mean it, set world = "live" as well '
            'and give the run a home of its own, else set gateway = "paper"'
        )
    if simulated:
        return f'{place} = "{kind}" sends real orders, and [simulated] is enabled: nobody trades real money on invented prices'
    return ""
