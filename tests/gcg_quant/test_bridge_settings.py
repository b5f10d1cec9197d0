"""[bridge] of the settings: what is wrong is one sentence, and no password is in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcg_quant.crossing import CROSSING, USUAL, crossing_types
from gcg_quant.errors import EventError, SettingsError
from gcg_quant.events import Bar, Lane, OrderCommand, SubscribeEvent, Tick
from gcg_quant.settings import Settings


def load(folder: Path, text: str, **environ: str) -> Settings:
    """Return the settings of a file with this text."""
    path = folder / "gcg_quant.toml"
    path.write_text(text, encoding="utf-8")
    return Settings.load(path, environ=environ)


def test_bridges_are_read(tmp_path: Path) -> None:
    """Lists of tables; the password comes from the environment, and a dump does not show it."""
    settings = load(
        tmp_path,
        '[bridge]\nurl = "redis://r/0"\n[[bridge.send]]\nname = "a"\ntypes = ["Tick", "Bar"]\nsymbols = ["BTC/*"]\nlanes = ["market"]\n'
        '[[bridge.receive]]\nname = "b"\nurl = "rediss://other:6380/1"\nstart = "begin"\nworlds = ["live"]\n',
        GCG_QUANT_BRIDGE__PASSWORD="s3cret",
    )
    assert settings.bridge.send[0].types == ("Tick", "Bar")
    assert settings.bridge.receive[0].start == "begin"
    assert settings.bridge.password.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings) + str(settings.dump())
    environ = {"GCG_QUANT_BRIDGE__PASSWORD": "s3cret"}
    assert Settings.restore(settings.dump(), environ).bridge == settings.bridge


SEND = '[bridge]\nurl = "redis://r/0"\n[[bridge.send]]\nname = "a"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SEND + 'types = ["Tik"]\n', "'Tik' is no event that may cross to another host. Did you mean 'Tick'?"),
        (SEND + 'types = ["OrderCommand"]\n', "'OrderCommand' is no event that may cross"),
        (SEND + 'lanes = ["markt"]\n', "'market'"),
        (SEND + 'symbls = ["A"]\n', "there is no such key. Did you mean 'symbols'?"),
        (SEND + '[[bridge.send]]\nname = "a"\n', "two bridges are called 'a'"),
        (SEND + '[[bridge.receive]]\nname = "a"\n', "'a' is sent and received"),
        (SEND + "stream_mb = 0\n", "greater than 0.01, found 0"),
        (SEND + 'url = "redis://:s3cret@r/0"\n', "the URL holds a password; take it out and set GCG_QUANT_BRIDGE__PASSWORD"),
        (SEND + 'url = "localhost"\n', "expected a URL"),
        (SEND + 'url = "http://r/0"\n', "expected redis://host:port/db, rediss:// or unix:///path, found http://"),
        (SEND + 'url = "redis://r/0?password=s3cret"\n', "a password stands before the host"),
        ('[bridge]\nurl = "redis://r/name"\n', "the number of a database ends the URL"),
        ('[bridge]\nurl = "redis://:s3cret@r/0"\n', "holds a secret; take it out of the file and set GCG_QUANT_BRIDGE__URL"),
        ('[bridge]\npassword = "s3cret"\n', "holds a secret; take it out of the file and set GCG_QUANT_BRIDGE__PASSWORD"),
        ('[[bridge.send]]\nname = "a"\n', "bridge 'a' has no url"),
        ('[[bridge.send]]\nname = "a b"\nurl = "redis://r/0"\n', "send.0.name"),
        ('[[bridge.receive]]\nname = "a"\nurl = "redis://r/0"\nstart = "end"\n', "'new' or 'begin'"),
    ],
)
def test_a_fault_is_one_sentence(tmp_path: Path, text: str, message: str) -> None:
    """It names the place and what is right, and shows no password."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_types_are_chosen_by_name_and_lane() -> None:
    """None are market data and what belongs to it; lanes narrow them; orders and commands cannot be named at all."""
    assert crossing_types() == USUAL
    assert crossing_types(["Tick", "SubscribeEvent", "Tick"]) == (Tick, SubscribeEvent)
    assert crossing_types(["Bar", "SubscribeEvent"], ["market"]) == (Bar,)
    with pytest.raises(EventError, match="None of the types travels in the lanes log"):
        crossing_types(["Bar"], ["log"])
    with pytest.raises(EventError, match="'OrderCommand' is no event that may cross"):
        crossing_types([OrderCommand.__name__])
    steering = ("Order", "Cancel", "Modify", "Fill", "Position", "Account", "Strategy", "System", "Config", "Risk")
    assert not [cls for cls in CROSSING if cls.__name__.startswith(steering)]
    assert {cls.LANE for cls in CROSSING} == set(Lane)
