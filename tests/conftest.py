"""Fixtures for all rooms: a bus in a temporary folder, and the shared market data."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from gcg_quant.bus import EventBus
from gcg_quant.events import World

# How long an example takes says something about the machine's other work; speed is shown in benchmarks/.
settings.register_profile("gcg_quant", deadline=None)
settings.load_profile("gcg_quant")

ROOT = Path(__file__).resolve().parent.parent

# A shell starts what it puts into the background with Ctrl-C ignored, and children inherit that: ours are to be stopped by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[EventBus]:
    """Return an empty paper bus with small pages."""
    with EventBus(tmp_path / "bus", world=World.PAPER, source="test", page_mb=1, sync="none") as opened:
        yield opened


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real market data, or skip."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/data with real market data is not here")
    return folder


@pytest.fixture(scope="session")
def shared_seeds() -> Path:
    """Return the folder of the documents that the design comes from, or skip."""
    folder = ROOT.parent / "shared" / "seeds"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/seeds with the documents behind the design is not here")
    return folder
