"""The README cannot rot: every command in it runs, every example works, every console command is in it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from gcg_quant.admin.console import cli

from .conftest import ROOT, System
from .printed import BLOCKS, run_as_printed, working_folder

README = (ROOT / "README.md").read_text()


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


@pytest.mark.slow
def test_every_readme_command_runs(tmp_path: Path, shared_data: Path) -> None:
    """Each console command of the README does what it says beside a running system, in the README's order.

    The first use of each command is a process, as a reader starts it.
    """
    work = working_folder(tmp_path / "work", shared_data)
    system = System(tmp_path / "home", "--one-process", cwd=work)
    try:
        started = {"run"}  # it is running; test_runtime.py looks at `run --for`
        for words in _commands():
            if words[0] != "run":
                run_as_printed(words, system.home, work, alone=words[0] not in started)
                started.add(words[0])
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
