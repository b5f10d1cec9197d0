"""docs/hk_us.md: its settings are taken, its tables name every option, and its commands run beside a system, fake TWS and Yahoo."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.process import FakeVenue

from gcg_quant.collector_sections import CollectorEntry, CollectorsSettings
from gcg_quant.data_collector.live.kinds import make_collectors
from gcg_quant.data_collector.stocks.ib_options import IbOptions
from gcg_quant.data_collector.stocks.yahoo import YahooOptions
from gcg_quant.data_storage import Database, DatabaseHistory
from gcg_quant.errors import InstrumentError

from .conftest import ROOT, System
from .printed import run_as_printed

TEXT = (ROOT / "docs" / "hk_us.md").read_text()
COMMANDS = [line.split()[3:] for line in TEXT.splitlines() if line.startswith("python -m gcg_quant ")]
SETTINGS = next(found for found in re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL))


def test_the_settings_of_the_page_make_its_collectors() -> None:
    """As they stand there."""
    entries = tuple(CollectorEntry.model_validate(entry) for entry in tomllib.loads(SETTINGS)["collectors"]["run"])
    ib, yahoo = make_collectors(CollectorsSettings(run=entries))
    assert [ib.venue_of(symbol) for symbol in ib.configured] == ["HKEX", "US"]
    assert (yahoo.configured, yahoo.history_kinds) == (("00700", "AAPL", "SPY"), ("1d",))


def test_every_option_is_on_the_page() -> None:
    """And none that there is not."""
    _, ib, yahoo = re.split(r"^## (?:Interactive Brokers|Yahoo)$", TEXT, flags=re.MULTILINE)
    for text, model in ((ib, IbOptions), (yahoo, YahooOptions)):
        table = next(found for found in re.findall(r"\| option \|.*?\n\n", text, re.DOTALL))
        names = {name for cells in re.findall(r"^\| (`[^|]*`) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", cells)}
        assert names == set(model.model_fields)


@pytest.fixture
def system(tmp_path: Path, shared_data: Path) -> Iterator[System]:
    """A running system with the page's collectors, whose servers are ours."""
    with FakeVenue("tws") as tws, FakeVenue("yahoo", "--stock", str(shared_data / "stock")) as yahoo:
        (tmp_path / "gcg_quant.toml").write_text(
            f'[collectors]\nurls = {{ ib = "tws://127.0.0.1:{tws.port}", yahoo = "http://127.0.0.1:{yahoo.port}" }}\n'
            f'{SETTINGS}\n[system.groups]\nmarket = ["collectors"]\nservices = ["storage"]\n'
        )
        running = System(tmp_path / "home", "--one-process", cwd=tmp_path)
        yield running
        running.close()


@pytest.mark.slow
def test_the_commands_of_the_page_run(system: System, tmp_path: Path) -> None:
    """A year of bars as they were traded is in the database, with splits and dividends."""
    assert [words[1] for words in COMMANDS] == ["list", "backfill"]
    for words in COMMANDS:
        run_as_printed(words, system.home, tmp_path)
    with Database(f"sqlite:///{system.home / 'gcg_quant.db'}") as database:
        history = DatabaseHistory(database)
        deadline = time.monotonic() + 60
        while not _is_there(history):
            assert time.monotonic() < deadline, system.output
            time.sleep(0.05)


def _is_there(history: DatabaseHistory) -> bool:
    try:
        told = {(action.kind, action.ex_day) for action in history.actions("AAPL", "US")}
        return (
            len(history.bars("AAPL", "1d", venue="US")) == 253 and len(told) == 9
        )  # a day of New York's more: it ends in the new year of UTC
    except InstrumentError:  # not even the name yet
        return False
