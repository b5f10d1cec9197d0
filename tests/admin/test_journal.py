"""The journal's tools as a user calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.events import Tick

from .conftest import Console


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a closed bus: 1,000 ticks on pages of 16 KB."""
    with EventBus(tmp_path / "bus", source="test", page_mb=1 / 64, sync="none") as bus:
        ticks = [Tick(symbol="A", venue="SIM", event_ns=number, last_price=float(number)) for number in range(1000)]
        for first in range(0, 1000, 20):
            bus.publish_many(ticks[first : first + 20])
    return tmp_path / "bus"


def test_prune_says_what_goes_and_then_removes_it(console: Console, folder: Path) -> None:
    """`prune --dry-run` says what would go; without it the pages are gone and the rest is whole."""
    pages = len(list((folder / "market").glob("*.page")))
    asked = console("journal", "--bus", str(folder), "prune", "--keep", "200KB", "--dry-run")
    assert asked.returncode == 0, asked.stderr
    assert "would be removed" in asked.stdout
    assert len(list((folder / "market").glob("*.page"))) == pages
    done = console("journal", "--bus", str(folder), "prune", "--keep", "200KB")
    assert "pages" in done.stdout
    assert "market" in done.stdout
    assert sum(path.stat().st_size for path in folder.glob("*/*.page")) <= 200_000
    assert "no damage" in console("journal", "--bus", str(folder), "verify").stdout
    young = console("journal", "--bus", str(folder), "prune", "--before", "7d")
    assert "No page was removed." in young.stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "--before WHEN, --keep SIZE"),
        (("--before", "soon"), "neither a time such as"),
        (("--keep", "much"), "not a size such as"),
    ],
)
def test_prune_without_sense_is_one_sentence(console: Console, folder: Path, words: tuple[str, ...], sentence: str) -> None:
    """Wrong limits are errors of usage, and nothing is removed."""
    result = console("journal", "--bus", str(folder), "prune", *words)
    assert result.returncode == 2
    assert sentence in result.stderr
    assert (folder / "market" / "0000000001.page").exists()
