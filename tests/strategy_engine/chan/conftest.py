"""The real bars that the reference lists of Chan elements are about, and the lists."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from .plain_chan import Bar

ROOT = Path(__file__).resolve().parents[3]
# Per list: its file in ../shared/data, the prefix of the columns, the first time and the first after.
FILES = {
    "spy": ("stock/SPY_daily.csv.gz", "", "0", "9"),
    "eurusd": ("fx/EURUSD_oanda_hour.csv.gz", "bid_", "2014-01-01", "2016-01-01"),
}


@pytest.fixture(scope="session")
def real_bars(shared_data: Path) -> dict[str, list[Bar]]:
    """Return the bars of each list."""
    found = {}
    for name, (file, side, begin, end) in FILES.items():
        with gzip.open(shared_data / file, "rt", encoding="utf-8") as rows:
            found[name] = [
                Bar(time_ns(row["time"]), *(float(row[side + column]) for column in ("high", "low", "close")))
                for row in csv.DictReader(rows)
                if begin <= row["time"] < end
            ]
    return found


def time_ns(text: str) -> int:
    """Return a time of the files as nanoseconds since the epoch."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000_000


@pytest.fixture(scope="session")
def lists() -> dict[str, dict[str, Any]]:
    """Return the reference lists, or skip."""
    folder = ROOT.parent / "shared" / "chan"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/chan with the reference lists is not here")
    found = {}
    for name in FILES:
        with gzip.open(folder / f"{name}.spec.json.gz", "rt", encoding="utf-8") as file:
            found[name] = json.load(file)
    return found
