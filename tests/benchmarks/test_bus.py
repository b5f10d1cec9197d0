"""The bus's benchmark works: every figure is printed, and a peer that cannot be measured does not stop it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    "append of 96 bytes, page prepared by the keeper",
    "append over ten new pages, a million events a second",
    "new pages beside a prepared page",
    "append over new pages at full speed: per event, beside a prepared page",
    "two producer processes together",
    "a reader process over a backlog",
    "a reader process beside a running writer (the writer)",
    "one way between two spinning processes, p50",
    "one way between two spinning processes, p99 / p99.9",
    *(
        f"append, sync policy {policy} on {{disk}}: {what}"
        for policy in ("none", "interval", "always")
        for what in ("mean / p50", "p99 / p99.9 / max")
    ),
    "opening of a journal of 0.2 GB whose writer was killed",
    "seek by seq in a journal of 0.05 / 0.1 / 0.2 GB",
    "seek by time in a journal of 0.05 / 0.1 / 0.2 GB",
    "append to a journal of 0.05 / 0.1 / 0.2 GB",
    "reading the end of a journal of 0.05 / 0.1 / 0.2 GB",
    "publish(record), a ready record",
    "publish(TradeTick(...)), built from keywords",
    "publish_batch(array), records, pages prepared by the keeper",
    "publish_batch(array) over new pages at full speed",
    "journal -> bus -> a component's handler that reads two attributes",
    "for event in reader, reading two attributes",
    "a plain dict of lists, called directly",
    "an event filtered out in C++, by symbol",
    "NumPy views, price x size summed",
    "the same with reading them: each CRC checked",
    "gcg_quant bus, spinning reader",
    "gcg_quant bus, blocking reader",
    "the bus, process to process",
    "the bus, spinning, one way p50",
    "8 reader processes at 50,000 events/s: largest lag of any",
    "8 reader processes at 50,000 events/s: published / the last read after",
    "an idle process with a blocking reader",
    "an idle process with a blocking component",
    "a control event while 50,000 market events wait: p50 / p99 / max",
]

FULL = "GCG_TORTURE_S" in os.environ
PARTS = ["append", "publishing", "handling", "filtering"]  # the others keep readers and processes busy for long


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the benchmark to its end."""
    command = [sys.executable, "benchmarks/bus.py", *words]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.slow
def test_every_figure_is_printed() -> None:
    """A quick run without peers prints each row once, with a figure, as lines of a table."""
    parts = [] if FULL else [word for part in PARTS for word in ("--only", part)]
    result = run("--quick", "--no-peers", "--markdown", *parts)
    assert result.returncode == 0, result.stderr
    cells = [line.strip("|").split("|") for line in result.stdout.splitlines() if re.match(r"\| [^*|]", line)]
    printed = {re.sub(r"(sync policy \w+ on) [^:]+", r"\1 {disk}", name.strip()): figure for name, figure, _ in cells}
    assert list(printed) == (ROWS if FULL else [row for row in ROWS if row in printed])
    assert len(cells) == len(printed) >= 10
    assert [name for name, figure in printed.items() if not re.search(r"\d", figure)] == []


def test_a_peer_that_cannot_be_imported_is_named(tmp_path: Path) -> None:
    """The reason stands where its figure would, and the rest goes on."""
    for name in ("vnpy", "nautilus_trader"):
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('{name} is broken')\n")
    result = run("--quick", "--only", "handling", PYTHONPATH=str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert re.search(r"vnpy EventEngine.* not measured: ImportError: vnpy is broken", result.stdout)
    assert re.search(r"nautilus_trader MessageBus.* not measured: ImportError: nautilus_trader is broken", result.stdout)
    assert re.search(r"a plain dict of lists, called directly +\d", result.stdout)


def test_an_unknown_part_is_refused() -> None:
    """The message names the parts that there are."""
    result = run("--only", "nonsense")
    assert result.returncode == 2
    assert "invalid choice: 'nonsense'" in result.stderr
    assert "filtering" in result.stderr


def test_the_readme_shows_every_row() -> None:
    """The README's table has each row of the bus, whatever the sizes it was measured with."""

    def shape(name: str) -> str:
        return re.sub(r"[\d.,]+", "#", re.sub(r"(sync policy \w+ on) [^:]+", r"\1 {disk}", name.strip()))

    section = (ROOT / "README.md").read_text().split("## The bus beside others")[1].split("\n## ")[0]
    shown = {shape(line.split("|")[1]) for line in section.splitlines() if line.startswith("| ")}
    assert {shape(name) for name in ROWS} - shown == set()
