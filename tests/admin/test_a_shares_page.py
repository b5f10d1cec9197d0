"""docs/a_shares.md: its settings are taken, its table names every option, and its commands run beside a system and a fake server."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.share_data import dashed, share
from fakes.share_process import FakeProcess

from gcg_quant.calendar import Calendar
from gcg_quant.collector_sections import CollectorEntry, CollectorsSettings
from gcg_quant.data_collector.live.kinds import make_collectors
from gcg_quant.data_collector.stocks.akshare import AkshareOptions
from gcg_quant.data_collector.stocks.baostock import BaostockOptions
from gcg_quant.data_storage import Database, DatabaseHistory
from gcg_quant.errors import InstrumentError

from .conftest import ROOT, System
from .printed import run_as_printed

TEXT = (ROOT / "docs" / "a_shares.md").read_text()
COMMANDS = [line.split()[3:] for line in TEXT.splitlines() if line.startswith("python -m gcg_quant ")]
DAYS = [int(day) for day in Calendar("XSHG").day_starts()[1] if 20160104 <= day <= 20251231]
ACTIONS = {DAYS[400]: (0.5, 0.0, 0.0), DAYS[1200]: (1.2, 0.0, 0.5)}


def entries() -> list[CollectorEntry]:
    """Return the collectors of the page's settings."""
    block = next(found for found in re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL))
    return [CollectorEntry.model_validate(entry) for entry in tomllib.loads(block)["collectors"]["run"]]


def test_the_settings_of_the_page_make_its_collectors() -> None:
    """As they stand there."""
    shares, days = make_collectors(CollectorsSettings(run=tuple(entries())))
    assert (shares.name, sorted(shares.configured)) == ("shares", ["000001", "300750", "600519"])
    assert [days.venue_of(symbol) for symbol in ("000001", "000300")] == ["SZSE", "SSE"]


def test_every_option_is_on_the_page() -> None:
    """And none that there is not."""
    rows = re.findall(r"^\| (`[a-z_`, ]+`) \| (both|akshare|baostock) \|", TEXT, re.MULTILINE)
    told = {(name, kind) for names, kind in rows for name in re.findall(r"`(\w+)`", names)}
    both = set(AkshareOptions.model_fields) & set(BaostockOptions.model_fields)
    expected = {(name, "both") for name in both}
    expected |= {(name, "akshare") for name in set(AkshareOptions.model_fields) - both}
    assert told == expected | {(name, "baostock") for name in set(BaostockOptions.model_fields) - both}


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A running system with the page's collector of history, whose server is ours."""
    one = share("sh.600519", "贵州茅台", DAYS, price=200.0, actions=ACTIONS)
    process = FakeProcess("baostock", {"shares": {"sh.600519": one}, "trade_dates": [dashed(day) for day in DAYS]}, tmp_path)
    (tmp_path / "gcg_quant.toml").write_text(
        f'[collectors]\nurls = {{ days = "tcp://127.0.0.1:{process.port}" }}\n\n'
        '[[collectors.run]]\nname = "days"\nkind = "baostock"\nsymbols = ["600519"]\noptions = { requests_per_s = 50 }\n\n'
        '[system.groups]\nmarket = ["collectors"]\nservices = ["storage"]\n'
    )
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    try:
        running = System(tmp_path / "home", "--one-process", cwd=tmp_path)
        yield running
        running.close()
    finally:
        process.kill()


def all_there(history: DatabaseHistory) -> bool:
    """Return whether the recorder has stored all of it."""
    try:
        return len(history.bars("600519", "1d", venue="SSE")) == len(DAYS) and len(history.actions("600519", "SSE")) >= 3
    except InstrumentError:  # not even the name yet
        return False


@pytest.mark.slow
def test_ten_years_are_filled_in_and_adjusted(system: System, tmp_path: Path) -> None:
    """The page's commands: all bars are stored, the backtest runs on adjusted ones, and what was adjusted fits at each ex-day."""
    assert [words[:2] for words in COMMANDS] == [["collectors", "backfill"], ["backtest", "examples/strategies/sma_cross.py"]]
    run_as_printed(COMMANDS[0], system.home, tmp_path)
    with Database(f"sqlite:///{system.home / 'gcg_quant.db'}") as database:
        history = DatabaseHistory(database)
        end = time.monotonic() + 60
        while not all_there(history):
            assert time.monotonic() < end
            time.sleep(0.05)
        assert len(history.bars("600519", "1d", venue="SSE")) == len(DAYS)
        raw, forward = (history("600519@SSE", "1d", form="numpy", adjust=how)["close"] for how in ("raw", "forward"))
        assert raw[-1] == forward[-1]
        script = next(found for found in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
        told: dict[str, Any] = {}
        exec(script.replace("gcg_home", str(system.home)), told)
        assert told["bars"]["close"].tolist() == forward.tolist()
        assert forward[1199] == pytest.approx((raw[1199] - 1.2) / 1.5, abs=0.01)
    run_as_printed(COMMANDS[1], system.home, tmp_path)
