"""The collectors by their settings."""

from __future__ import annotations

from typing import Any

import pytest

from gcg_quant.collector_sections import CollectorEntry, CollectorsSettings
from gcg_quant.data_collector.china_futures import CtpCollector, TtsCollector
from gcg_quant.data_collector.live.kinds import make_collector, own_process
from gcg_quant.errors import SettingsError


@pytest.mark.parametrize(("kind", "made"), [("ctp", CtpCollector), ("tts", TtsCollector)])
def test_a_kind_makes_its_collector_in_a_process_of_its_own(kind: str, made: type) -> None:
    """It deals in all six exchanges, and nothing is loaded until it connects."""
    entry = CollectorEntry(name="market", kind=kind, symbols=("rb2501",), options={"fronts": ["tcp://127.0.0.1:1"]})
    assert own_process(entry)
    collector = make_collector(entry, CollectorsSettings(run=(entry,)))
    assert type(collector) is made
    assert [venue for venue in ("SHFE", "INE", "DCE", "CZCE", "CFFEX", "GFEX", "binance") if collector.deals_in(venue)][-1] == "GFEX"
    assert collector.venue_of("m2501") == "DCE"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fronts": ["tcp://nowhere"]}, "options.fronts: a front must be \"tcp://host:port\", found 'tcp://nowhere'"),
        ({"block": 0}, "options.block"),
        ({"trader_front": []}, "options.trader_front: there is no such key. Did you mean 'trader_fronts'?"),
    ],
)
def test_options_that_make_no_sense_name_their_key(options: dict[str, Any], words: str) -> None:
    """One sentence with the entry and the key."""
    entry = CollectorEntry(name="market", kind="ctp", options=options)
    with pytest.raises(SettingsError) as caught:
        make_collector(entry, CollectorsSettings(run=(entry,)))
    assert words in str(caught.value)
