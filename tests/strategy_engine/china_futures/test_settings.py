"""The gateways by their settings."""

from __future__ import annotations

from typing import Any

import pytest

from gcg_quant.errors import ComponentError, SettingsError
from gcg_quant.settings import Settings
from gcg_quant.strategy_engine.gateways.china_futures import CtpGateway, TtsGateway
from gcg_quant.strategy_engine.gateways.kinds import make_gateway

FRONT = "tcp://127.0.0.1:1"


def settings(kind: str = "ctp", **options: Any) -> Settings:
    """Return settings with a gateway of a kind."""
    return Settings.model_validate({"trading": {"gateway": kind}, "gateway": {"credentials": "demo", "options": options}})


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put credentials into the environment."""
    for key, value in {"BROKER": "9999", "USER": "100001", "PASSWORD": "s3cret-word"}.items():
        monkeypatch.setenv(f"GCG_QUANT_CREDENTIALS__DEMO__{key}", value)


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(("kind", "made"), [("ctp", CtpGateway), ("tts", TtsGateway)])
def test_a_kind_makes_its_gateway_which_refuses_paper(kind: str, made: type, bus: Any) -> None:
    """Nothing is loaded or sent until it is opened, and it opens on a live bus alone."""
    gateway = make_gateway(settings(kind, fronts=[FRONT], hedge="hedge"))
    assert type(gateway) is made
    assert gateway.name == kind
    if bus.world.name != "LIVE":
        with pytest.raises(ComponentError, match="reaches a real venue"):
            gateway.open(bus, lambda report: None)


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "options.fronts must name a trading front"),
        ({"fronts": ["127.0.0.1:1"]}, "a front must be \"tcp://host:port\", found '127.0.0.1:1'"),
        ({"front": [FRONT]}, "there is no key 'front'. Did you mean 'fronts'?"),
    ],
)
def test_what_makes_no_sense_names_its_key(options: dict[str, Any], words: str) -> None:
    """One sentence with the key."""
    with pytest.raises(SettingsError) as caught:
        make_gateway(settings(**options))
    assert words in str(caught.value)


def test_missing_credentials_name_their_variable() -> None:
    """Who logs in stands in the environment alone."""
    with pytest.raises(SettingsError, match="GCG_QUANT_CREDENTIALS__DEMO__BROKER"):
        make_gateway(settings(fronts=[FRONT]))
