"""The README cannot rot: every command in it runs, every example works, every console command is in it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gcg_quant.admin.console import cli

from .conftest import ROOT, System, environment

README = (ROOT / "README.md").read_text()
BESIDE = ("strategies", "journal", "orders", "positions", "accounts", "risk", "gateways")  # commands that ask a running system
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def _lines() -> list[str]:
    return [line.split("#")[0].strip() for language, text in BLOCKS if not language for line in text.splitlines()]


def _commands() -> list[list[str]]:
    return [line.split()[3:] for line in _lines() if line.startswith("python -m gcg_quant ")]


def test_readme_names_only_known_make_targets() -> None:
    """Every `make` command of the README is a target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text()
    wanted = {line.split()[1] for line in _lines() if line.startswith("make ")}
    assert wanted >= {"run", "test"}
    for target in wanted:
        assert re.search(rf"^{target}\b.*:", makefile, re.MULTILINE), target


def test_readme_names_every_console_command() -> None:
    """A command that the README does not mention is not finished."""
    names = cli.list_commands(None)  # type: ignore[arg-type]
    missing = [name for name in names if not re.search(rf"gcg_quant {name}\b|`{name}`", README)]
    assert missing == []


def _docs_commands() -> list[list[str]]:
    # Every command line of the docs and of the examples' own docstrings.
    walked = {"replay.md", "postgresql.md"}  # tests of their own walk through these
    pages = [path for path in sorted((ROOT / "docs").glob("*.md")) if path.name not in walked]
    texts = [path.read_text() for path in (*pages, *sorted((ROOT / "examples").rglob("*.py")))]
    lines = [line.split("#")[0].strip() for text in texts for line in text.splitlines()]
    found = [tuple(line.split()[3:]) for line in lines if line.startswith("python -m gcg_quant ")]
    return [list(words) for words in dict.fromkeys(found)]


@pytest.fixture
def work(tmp_path: Path, shared_data: Path) -> Path:
    """Return a working folder like a user's: the examples, a data file, and a strategy of his own."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "examples").symlink_to(ROOT / "examples")
    shutil.copy(shared_data / "stock" / "SPY_daily.csv.gz", folder / "SPY_daily.csv.gz")
    strategies = folder / "strategies"
    strategies.mkdir()
    (strategies / "dip.py").write_text(next(text for language, text in BLOCKS if language == "python" and "class Dip" in text))
    return folder


def _check(words: list[str], home: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "gcg_quant", *words]
    result = subprocess.run(command, cwd=folder, env=environment(home), capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, f"{' '.join(words)}: {result.stdout}{result.stderr}"


@pytest.mark.slow
def test_every_readme_command_runs(tmp_path: Path, work: Path) -> None:
    """Each console command of the README does what it says beside a running system, in the README's order."""
    system = System(tmp_path / "home", cwd=work)
    try:
        for words in _commands():
            if words[0] != "run":  # it is running; test_runtime.py looks at `run --for`
                _check(words, system.home, work)
    finally:
        system.close()


@pytest.mark.slow
def test_every_command_of_the_docs_runs(tmp_path: Path, work: Path) -> None:
    """Each console command of the docs and examples works: those that ask a system beside a running one, the others alone."""
    commands = _docs_commands()
    assert len(commands) >= 5
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/strategies.md").read_text(), re.DOTALL | re.MULTILINE)
    (work / "strategies" / "dip.py").write_text(next(text for text in blocks if "class " in text))
    system = System(tmp_path / "home", cwd=work)
    try:
        for words in sorted(commands, key=lambda words: words[0] != "import"):  # data before what asks for it
            if words[0] != "run":
                _check(words, system.home if words[0] in BESIDE else tmp_path / "alone", work)
    finally:
        system.close()


def test_bus_example_runs_as_pasted(tmp_path: Path) -> None:
    """The example of the bus alone prints the tick."""
    text = next(text for language, text in BLOCKS if language == "python" and "EventBus" in text)
    result = subprocess.run([sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert "Tick(symbol='BTC/USDT'" in result.stdout


def test_example_of_the_bus_page_runs_as_pasted(tmp_path: Path) -> None:
    """The example of docs/bus.md reaches its handlers, its readers and the sum of its columns."""
    (text,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/bus.md").read_text(), re.DOTALL | re.MULTILINE)
    result = subprocess.run([sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert "BTC/USDT 0.1 at 64000.0" in result.stdout
    assert "1 ticks" in result.stdout
    assert "3114000.0" in result.stdout
