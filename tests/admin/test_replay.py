"""The walk through docs/replay.md: three strategies on recorded data, on paper and as backtests, and every difference explained."""

from __future__ import annotations

import gzip
import json
import re
import shlex
from pathlib import Path

import pytest

from gcg_quant.admin.console import main
from gcg_quant.bus import EventBus
from gcg_quant.events import Fill, LogEvent

from .conftest import ROOT, System

PAGE = (ROOT / "docs/replay.md").read_text()
FILES = {  # and what of them is needed: the rest would be imported for nothing
    "stock/SPY_daily.csv.gz": r"2016-",
    "fx/EURUSD_oanda_hour.csv.gz": r"2016-01-",
    "future/CFFEX_IF_tick_20210104.csv.gz": r"CFFEX,\w+,\d+,\d+,09:",
}


def commands() -> list[list[str]]:
    """Return the command lines of the page, in order."""
    return [shlex.split(line)[3:] for line in PAGE.splitlines() if line.startswith("python -m gcg_quant ")]


def cut(source: Path, target: Path, wanted: str) -> None:
    """Copy the head line of a file and the lines that begin so."""
    with gzip.open(source, "rt") as lines, gzip.open(target, "wt") as kept:
        kept.writelines(line for number, line in enumerate(lines) if not number or re.match(wanted, line))


def call(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command in this process, which must succeed, and return what it prints."""
    with pytest.raises(SystemExit) as end:
        main(words)
    told = capsys.readouterr()
    assert not end.value.code, f"{' '.join(words)}: {told.out}{told.err}"
    return told.out


def session(words: list[str], work: Path) -> None:
    """Run the system until the replay has ended."""
    home = work / words[words.index("--home") + 1] if "--home" in words else work / "gcg_home"
    config = words[words.index("--config") + 1]
    system = System(home, "--one-process", "--config", config, cwd=work)
    try:
        with EventBus(home / "bus", create=False, read_only=True) as bus, bus.reader(start="begin", events=[LogEvent]) as reader:
            for event in reader.follow(60.0):
                assert event.level != "error", event.message  # type: ignore[attr-defined]
                if "replay has ended" in event.message:  # type: ignore[attr-defined]
                    return
        pytest.fail("the replay did not end: " + "\n".join(system.lines))
    finally:
        system.close()


@pytest.mark.slow
def test_walk_through(tmp_path: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As the page says: SPY's and the future's orders are the same on paper as in the backtest, EURUSD's differences are explained."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for name, wanted in FILES.items():
        cut(shared_data / name, tmp_path / Path(name).name, wanted)
    tables = re.findall(r"`(\w+\.toml)`.*?^```toml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert [name for name, _ in tables] == ["dollars.toml", "yuan.toml"]
    (strategy,) = re.findall(r"`(\w+\.py)`:\s+^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    for name, text in (*tables, strategy):
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    found = {}
    for words in commands():
        if "run" in words:
            session(words, tmp_path)
            continue
        call(words, capsys)
        if "parity" in words:
            plain = [word for word in words if word != "--all"]
            found[words[words.index("parity") + 1]] = json.loads(call([*plain, "--json"], capsys))
    assert set(found) == {"spy", "eurusd", "future"}
    for values in found.values():
        assert values["unexplained"] == 0
        assert len(values["orders"]) >= 2
    assert found["spy"]["same"] == len(found["spy"]["orders"])
    assert found["future"]["same"] == len(found["future"]["orders"])
    assert found["eurusd"]["same"] > 10
    with EventBus(tmp_path / "yuan/bus", create=False, read_only=True) as bus, bus.reader(start="begin", events=[Fill]) as reader:
        assert all(isinstance(fill, Fill) and fill.fee_currency == "CNY" for fill in reader)
