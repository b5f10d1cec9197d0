"""The docs cannot rot: every command on a page runs, those that ask a system beside a running one, the others alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from .conftest import ROOT, System
from .printed import run_as_printed, working_folder

pytestmark = pytest.mark.slow
BESIDE = (
    "alerts",
    "logs",
    "strategies",
    "journal",
    "orders",
    "positions",
    "accounts",
    "risk",
    "gateways",
    "components",
    "config",
    "collectors",
)  # commands that ask a running system
WALKED = {"models.md", "replay.md", "postgresql.md", "a_shares.md", "hk_us.md"}  # tests of their own walk through these
PAGES = [path for path in sorted((ROOT / "docs").glob("*.md")) if path.name not in WALKED]
# The examples' docstrings belong to them; what stands on several pages is run for the first one.
TEXTS = {path.name: path.read_text() for path in (*PAGES, *sorted((ROOT / "examples").rglob("*.py")))}


def _commands() -> dict[str, list[list[str]]]:
    seen: set[str] = set()
    found: dict[str, list[list[str]]] = {}
    for name, text in TEXTS.items():
        lines = [line.split("#")[0].strip() for line in text.splitlines()]
        new = [line for line in dict.fromkeys(lines) if line.startswith("python -m gcg_quant ") and line not in seen]
        seen.update(new)
        found[name] = [line.split()[3:] for line in new]
    return {name: commands for name, commands in found.items() if commands}


COMMANDS = _commands()


class Reader(NamedTuple):
    """Where a reader of the docs is: beside a running system, and in a folder with a home of its own."""

    system: System
    alone: Path
    folder: Path


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[Reader]:
    """Start the system, and import what other commands ask for."""
    place = tmp_path_factory.mktemp("docs")
    folder = working_folder(place / "work", shared_data)
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/strategies.md").read_text(), re.DOTALL | re.MULTILINE)
    (folder / "strategies" / "dip.py").write_text(next(text for text in blocks if "class " in text))
    system = System(place / "home", "--one-process", cwd=folder)
    try:
        for words in (words for commands in COMMANDS.values() for words in commands if words[0] == "import"):
            run_as_printed(words, place / "alone", folder)
        yield Reader(system, place / "alone", folder)
    finally:
        system.close()


@pytest.mark.parametrize("page", COMMANDS)
def test_every_command_of_a_page_runs(page: str, reader: Reader) -> None:
    """Each console command of a page or an example works."""
    for words in COMMANDS[page]:
        if words[0] not in ("run", "import"):
            beside = words[0] in BESIDE and "--truncate" not in words  # which runs on stored data
            run_as_printed(words, reader.system.home if beside else reader.alone, reader.folder)


def test_pages_have_commands() -> None:
    """The commands are found."""
    assert sum(map(len, COMMANDS.values())) >= 5
