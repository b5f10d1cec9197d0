"""What the terminal states, and how a broker's symbols, addresses and faults are read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from fakes.mt5_terminal import FakeTerminal

from gcg_quant.collector_sections import CollectorEntry, CollectorsSettings
from gcg_quant.data_collector.fx.collector import Mt5Collector
from gcg_quant.data_collector.fx.last_error import failure, meaning
from gcg_quant.data_collector.fx.link import link_to
from gcg_quant.data_collector.fx.options import Mt5Options
from gcg_quant.data_collector.fx.symbol_names import SymbolNames
from gcg_quant.data_collector.fx.terminal import STATED, Terminal
from gcg_quant.data_collector.fx.terms import instrument_of
from gcg_quant.data_collector.live import make_collectors
from gcg_quant.errors import CollectorError, SettingsError
from gcg_quant.instrument_codec import encode_terms

ROOT = Path(__file__).resolve().parents[3]
PAIRS = [("EURUSD.r", 0, "EUR", "USD"), ("USDJPY.r", 0, "USD", "JPY"), ("XAUUSD", 2, "XAU", "USD"), ("EURGBP", 0, "EUR", "GBP")]


def names(*more: tuple[str, int, str, str], **terms: Any) -> SymbolNames:
    """Return the names of a broker."""
    found = SymbolNames(**terms)
    found.learn([*PAIRS, *more])
    return found


def test_pairs_are_found_with_and_without_a_suffix() -> None:
    """A pair by its currencies, anything else by the broker's own name or by the option names."""
    broker = names()
    assert [broker.theirs(one) for one in ("EUR/USD", "EUR/GBP", "XAUUSD", "EURGBP")] == ["EURUSD.r", "EURGBP", "XAUUSD", "EURGBP"]
    assert broker.all_ours() == ["EUR/GBP", "EUR/USD", "USD/JPY", "XAUUSD"]
    assert names(suffix=".r").theirs("USD/JPY") == "USDJPY.r"
    assert names(suffix=".r").ours("USDJPY.r") == "USD/JPY"
    gold = names(names={"XAU/USD": "XAUUSD"})
    assert (gold.theirs("XAU/USD"), gold.ours("XAUUSD")) == ("XAU/USD".replace("/", ""), "XAU/USD")


@pytest.mark.parametrize(
    ("symbol", "sentence"),
    [
        ("EUR/USD", "The broker has 'EUR/USD' as EURUSD.ecn, EURUSD.r: choose one by the option suffix, prefix or names."),
        ("USD/JPX", "The broker has no symbol 'USD/JPX' (looked for 'USDJPX'). Did you mean 'USDJPY.r'?"),
        ("XAUUSDT", "The broker has no symbol 'XAUUSDT'. Did you mean 'XAUUSD'?"),
    ],
)
def test_a_symbol_that_is_unclear_is_one_sentence(symbol: str, sentence: str) -> None:
    """It names what there is."""
    with pytest.raises(CollectorError) as caught:
        names(("EURUSD.ecn", 0, "EUR", "USD")).theirs(symbol)
    assert caught.value.message == sentence


def test_terms_are_in_units_of_the_base_currency(tmp_path: Any) -> None:
    """A lot of the terminal is 100,000 of them; swap, trade mode and the lot stand in the description, which has room in the table."""
    (tmp_path / "ticks.csv").write_text("time,bid,ask\n2014-05-01T00:00:00.000,1.0,1.1\n")
    terminal = FakeTerminal(tmp_path / "ticks.csv")
    assert terminal.initialize()
    (stated,) = Terminal(terminal).infos(("EURUSD",))
    terms = instrument_of(dict(zip(STATED, stated, strict=True)), "EUR/USD", "B" * 32, 30)
    assert (terms.tick_size, terms.lot_size, terms.min_quantity, terms.currency, terms.kind) == (1e-5, 1000.0, 1000.0, "USD", "fx")
    assert terms.margin_rate == 1 / 30
    assert terms.calendar == "FX"
    assert terms.description == "EURUSD: lot 100000, full access, swap -6.5/1.2 points, tick 1/lot, max 500 lots, margin in EUR"
    assert encode_terms(terms)


def test_codes_are_sentences() -> None:
    """What a person must mend is refused, the rest is tried again."""
    assert isinstance(failure("X", -6), CollectorError)
    assert isinstance(failure("X", -10005), OSError)
    assert str(failure("The terminal cannot be used", -10003, "IPC")).startswith(
        "The terminal cannot be used: the terminal cannot be started"
    )
    assert meaning(-99, "odd") == "the terminal failed (MetaTrader 5 says -99: odd)"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://127.0.0.1:1", "A terminal's address is such as 'rpyc://127.0.0.1:18812', found 'http://127.0.0.1:1'."),
        ("rpyc://127.0.0.1:99999", "A terminal's address is such as"),
        ("rpyc://10.0.0.5:18812", "Lay a tunnel (ssh -N -L 18812:127.0.0.1:18812 10.0.0.5)"),
    ],
)
def test_an_address_that_will_not_do_is_one_sentence(url: str, sentence: str) -> None:
    """An rpyc server that others can reach runs what they send: it takes an option to go there."""
    with pytest.raises(CollectorError) as caught:
        link_to(url)
    assert sentence in caught.value.message
    link_to("rpyc://10.0.0.5:18812", trust_network=True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"sufix": ".r"}, "[[collectors.run]] fx: options.sufix: there is no such key. Did you mean 'suffix'?"),
        (
            {"server_time": "Athens"},
            "server_time: expected 'new_york+7', a time zone such as 'Europe/Athens', or '+3', found 'Athens'.",
        ),
    ],
)
def test_options_that_make_no_sense_are_one_sentence(options: dict[str, Any], sentence: str) -> None:
    """It names the entry and the key."""
    with pytest.raises(SettingsError) as caught:
        Mt5Collector.from_entry(CollectorEntry(name="fx", kind="mt5", options=options))
    assert sentence in str(caught.value)


def test_the_entry_of_the_docs_makes_a_collector() -> None:
    """docs/fx.md has it as pasted, names each option with its default, and all files to copy are there."""
    page = (ROOT / "docs/fx.md").read_text()
    block = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[0]
    (collector,) = make_collectors(CollectorsSettings(**tomllib.loads(block)["collectors"]))
    assert isinstance(collector, Mt5Collector)
    assert (collector.settings.suffix, collector.url) == (".r", "rpyc://127.0.0.1:18812")
    table = page[page.index("| option |") : page.index("A pair is")]
    for name, field in Mt5Options.model_fields.items():
        assert re.search(rf"^\| .*\b{name}\b.* \|.*{re.escape(str(field.default).lower().removesuffix('.0'))}", table, re.MULTILINE), name
