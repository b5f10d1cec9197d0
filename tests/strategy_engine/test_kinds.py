"""The settings choose the gateway; what they lack or misspell is one sentence."""

from __future__ import annotations

from typing import Any

import pytest

from gcg_quant.errors import ComponentError, GcgQuantError, SettingsError
from gcg_quant.settings import Settings
from gcg_quant.strategy_engine import PaperGateway, TradingEngine
from gcg_quant.strategy_engine.gateways.crypto import CryptoGateway
from gcg_quant.strategy_engine.gateways.kinds import gateway_class, make_gateway


def live(**gateway: Any) -> Settings:
    """Return settings of a live run through ccxt."""
    document = {"system": {"world": "live"}, "trading": {"gateway": "ccxt"}, "gateway": {"exchange": "binance", **gateway}}
    return Settings.of(document, "my.toml", None, {})


def keys(monkeypatch: pytest.MonkeyPatch, name: str = "BINANCE") -> None:
    """Put credentials into the environment."""
    for key in ("API_KEY", "SECRET"):
        monkeypatch.setenv(f"GCG_QUANT_CREDENTIALS__{name}__{key}", "something-long")


def test_paper_is_the_default_and_reaches_no_venue() -> None:
    """Without a setting orders are simulated, and there is nothing to try."""
    gateway = make_gateway(Settings())
    assert isinstance(gateway, PaperGateway)
    with pytest.raises(ComponentError, match="reaches no venue that could be tried"):
        gateway.trial()


def test_a_kind_is_made_with_its_own_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """[gateway] says exchange, options and credentials; the engine takes its gateway from there."""
    keys(monkeypatch, "SECOND")
    gateway = make_gateway(live(options={"market": "swap", "poll_s": 3}, credentials="second"))
    assert isinstance(gateway, CryptoGateway)
    assert (gateway.name, gateway.venue, gateway.options.market, gateway.options.poll_s) == ("binance", "binance", "swap", 3)
    assert "something-long" not in repr(vars(gateway))
    engine = TradingEngine.from_settings(live(cash_tolerance=0.5))
    assert engine.config.cash_tolerance == 0.5


@pytest.mark.parametrize(
    ("gateway", "text"),
    [
        ({"exchange": "binanse"}, r"trades at binance and okx, found 'binanse'. Did you mean 'binance'\?"),
        ({"exchange": ""}, "trades at binance and okx"),
        ({"options": {"markets": "spot"}}, r"\[gateway\] options: there is no key 'markets'. Did you mean 'market'\?"),
        ({"options": {"market": "margin"}}, r"\[gateway\] options.market: input should be 'spot' or 'swap'"),
        ({"options": {"recv_window_ms": 1}}, "options.recv_window_ms: input should be greater than or equal to 100"),
    ],
)
def test_what_is_wrong_is_said_with_the_nearest_word(gateway: dict[str, Any], text: str) -> None:
    """Exchange and options are checked before anything connects."""
    with pytest.raises(SettingsError, match=text):
        make_gateway(live(**gateway))


def test_an_unknown_kind_is_refused() -> None:
    """The sentence names the nearest kind."""
    with pytest.raises(GcgQuantError, match="Did you mean 'ccxt'"):
        gateway_class("cctx")
