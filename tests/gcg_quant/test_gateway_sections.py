"""Real orders need two settings that agree, a home of their own, and are announced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gcg_quant.errors import SettingsError
from gcg_quant.settings import Settings


def settings_of(document: dict[str, Any], environ: dict[str, str] | None = None) -> Settings:
    """Return the settings of a document."""
    return Settings.of(document, "my.toml", None, environ or {})


def test_a_real_gateway_needs_the_live_world_as_well() -> None:
    """Neither the gateway alone, nor one environment variable, lets real orders out; the sentence says what to set."""
    with pytest.raises(SettingsError, match=r'my.toml: \[trading\] gateway = "ccxt" sends real orders.*set world = "live"'):
        settings_of({"trading": {"gateway": "ccxt"}})
    with pytest.raises(SettingsError, match="sends real orders"):
        settings_of({}, {"GCG_QUANT_TRADING__GATEWAY": "ctp"})
    assert settings_of({"system": {"world": "live"}}).real_trading == ""


def test_a_live_run_plays_no_stored_or_invented_data() -> None:
    """Stored data plays on paper alone, and nobody trades real money on the simulated exchange's prices."""
    with pytest.raises(SettingsError, match=r"\[replay\] plays stored data"):
        settings_of({"system": {"world": "live"}, "replay": {"data": [{"symbol": "BTC/USDT"}]}})
    with pytest.raises(SettingsError, match="invented prices"):
        settings_of({"system": {"world": "live"}, "trading": {"gateway": "ccxt"}, "simulated": {"enabled": True}})


def test_the_start_of_a_live_run_says_so() -> None:
    """The sentence names account, venue, address and the way out, and shows no password of the address."""
    live = {"system": {"world": "live"}, "trading": {"gateway": "ccxt", "account": "a1"}}
    address = {"GCG_QUANT_GATEWAY__URL": "http://me:hush@127.0.0.1:9"}
    words = settings_of({**live, "gateway": {"exchange": "okx"}}, address).real_trading
    assert words.startswith("LIVE: account a1 trades for real: orders go to okx (http://me:***@127.0.0.1:9) through the ccxt gateway.")
    assert "risk kill" in words


def test_settings_travel_to_the_groups(tmp_path: Path) -> None:
    """What the supervisor publishes is read again by a process group, options included."""
    live = {"system": {"world": "live"}, "trading": {"gateway": "ccxt"}, "gateway": {"exchange": "binance", "options": {"market": "swap"}}}
    settings = settings_of(live)
    assert Settings.restore(settings.dump(), {}).gateway == settings.gateway
