"""What [[collectors.run]] may say, and what it says when that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tiny import TinyCollector, TinyOptions

from gcg_quant.collector_sections import CollectorEntry, CollectorsSettings
from gcg_quant.credentials import credentials_of
from gcg_quant.data_collector.live import kinds
from gcg_quant.data_collector.live.kinds import kind_names, make_collector, own_process
from gcg_quant.errors import SettingsError
from gcg_quant.redaction import hidden
from gcg_quant.settings import Settings


def entry(**facts: Any) -> CollectorEntry:
    """Return an entry of the tiny kind."""
    return CollectorEntry(**{"name": "tiny", "kind": "tiny:TinyCollector", **facts})


def test_an_entry_becomes_its_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its address, options, limits and credentials."""
    monkeypatch.setenv("GCG_QUANT_CREDENTIALS__TINY__KEY", "very-secret-key")
    one = entry(symbols=("A",), silence_s=3.0, history="2d", options={"speed": 2})
    made = make_collector(one, CollectorsSettings(run=(one,), urls={"tiny": "tiny://host:1"}))
    assert isinstance(made, TinyCollector)
    assert (made.name, made.venue, made.url, made.silence_s) == ("tiny", "tiny", "tiny://host:1", 3.0)
    assert made.options == TinyOptions(speed=2)
    assert made.history_ns == 2 * 86_400 * 10**9
    assert made.credentials.need("key") == "very-secret-key"
    assert "very-secret" not in repr(made.credentials) + hidden("it said very-secret-key")


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"kind": "cxxt"}, "kind 'cxxt': there is no such kind. Did you mean 'ccxt'?"),
        ({"kind": "nowhere:Class"}, "cannot be loaded from nowhere:Class: No module named 'nowhere'"),
        ({"kind": "tiny:TinyVenue"}, "tiny:TinyVenue is no ExchangeCollector"),
        ({"options": {"sped": 1}}, "tiny: options.sped: there is no such key. Did you mean 'speed'?"),
        ({"options": {"speed": 0}}, "tiny: options.speed: input should be greater than or equal to 1"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(facts: dict[str, Any], message: str) -> None:
    """It names the entry, the key and the nearest that there is."""
    with pytest.raises(SettingsError) as raised:
        make_collector(entry(**facts), CollectorsSettings())
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"run": [{"name": "a", "kind": "x", "histroy": "2d"}]}, "there is no such key. Did you mean 'history'?"),
        ({"run": [{"name": "a", "kind": "x", "history": "two days"}]}, "such as '2d', found 'two days'"),
        ({"run": [{"name": "a", "kind": "x"}, {"name": "a", "kind": "y"}]}, "two collectors are called 'a'"),
        ({"run": [{"name": "a", "kind": "x", "options": {"api_key": "K"}}]}, "set GCG_QUANT_CREDENTIALS__NAME__API_KEY"),
        ({"run": [{"name": "ab", "kind": "x"}], "urls": {"ba": "http://h"}}, "no collector of [[collectors.run]] is called so"),
        ({"run": [{"name": "a", "kind": "x"}], "urls": {"a": "http://u:p4ssw0rd@h"}}, "holds a password"),
    ],
)
def test_settings_that_make_no_sense_are_refused(document: dict[str, Any], message: str) -> None:
    """No secret is repeated."""
    with pytest.raises(SettingsError) as raised:
        Settings.of({"collectors": document}, "file.toml", environ={})
    assert message in str(raised.value)
    assert "p4ssw0rd" not in str(raised.value)


def test_credentials_are_no_unknown_setting_and_missing_ones_are_named() -> None:
    """They come from the environment alone; the sentence says which variable to set."""
    environ = {"GCG_QUANT_CREDENTIALS__MY_BINANCE__API_KEY": "abcdef"}
    Settings.of({}, "file.toml", environ=environ)
    found = credentials_of("my-binance", environ)
    assert dict(found) == {"api_key": "abcdef"}
    with pytest.raises(SettingsError, match="set GCG_QUANT_CREDENTIALS__MY_BINANCE__SECRET in the environment"):
        found.need("secret")


def test_a_kind_says_whether_it_needs_a_process() -> None:
    """Libraries that may take their process with them have one of their own, unless the entry says otherwise."""
    assert own_process(entry(kind="ctp"))
    assert not own_process(entry(kind="ctp", process=False))
    assert own_process(entry(process=True))
    assert not own_process(entry())
    assert "ccxt" in kind_names()


def test_plug_ins_are_found_by_their_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that names a class under gcg_quant.collectors adds a kind."""
    from importlib.metadata import EntryPoint

    def found(group: str) -> list[EntryPoint]:
        return [EntryPoint("mine", "tiny:TinyCollector", group)]

    finder: Callable[..., Any] = found
    monkeypatch.setattr(kinds, "entry_points", finder)
    assert "mine" in kind_names()
    assert isinstance(make_collector(entry(kind="mine"), CollectorsSettings()), TinyCollector)
