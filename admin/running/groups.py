"""Which process groups a run has: those of the settings, and one for each collector or account that has a process of its own."""

from __future__ import annotations

from gcg_quant.settings import Settings

__all__ = ["COLLECTOR_PART", "TRADING_PART", "account_of", "collector_of", "groups_of", "is_own_group"]

COLLECTOR_PART = "collectors:"  # and the collector's name: the part that is this collector alone
TRADING_PART = "trading:"  # and the account's name: the part that is this account's engine alone


def groups_of(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return {group: parts}; what has a process of its own is in the group "collector-NAME" or "account-NAME"."""
    groups = dict(settings.system.groups)
    running = {part for parts in groups.values() for part in parts}
    if settings.collectors.run and "collectors" in running:
        from ...data_collector.live.kinds import own_process

        for entry in settings.collectors.run:
            if own_process(entry):
                groups[f"collector-{entry.name}"] = (f"{COLLECTOR_PART}{entry.name}",)
    if "trading" in running:
        for account in settings.trading.accounts:
            if account.own_process:
                groups[f"account-{account.name}"] = (f"{TRADING_PART}{account.name}",)
    return groups


def collector_of(part: str) -> str:
    """Return the collector that a part is made of alone, "" if it is another part."""
    return part.removeprefix(COLLECTOR_PART) if part.startswith(COLLECTOR_PART) else ""


def account_of(part: str) -> str:
    """Return the account whose engine alone a part is made of, "" if it is another part."""
    return part.removeprefix(TRADING_PART) if part.startswith(TRADING_PART) else ""


def is_own_group(parts: tuple[str, ...]) -> bool:
    """Return whether a group is one collector's or one account's own."""
    return len(parts) == 1 and bool(collector_of(parts[0]) or account_of(parts[0]))
