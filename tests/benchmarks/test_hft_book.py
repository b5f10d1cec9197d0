"""The comparison with hftbacktest over a recorded book: it is repeatable, and every difference has a reason."""

from __future__ import annotations

import gzip
import itertools
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = "crypto/BTCUSDT_binance_spot_raw_20240808.txt.gz"


@pytest.fixture(scope="module")
def measures() -> Any:
    """Return the two modules."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path, str(ROOT / ".venv/peers")])
        from measures import hft_book, hft_differences  # type: ignore[import-not-found]

        yield hft_book, hft_differences


@pytest.fixture
def market(measures: Any, shared_data: Path, tmp_path: Path) -> Any:
    """Return the first minute and a half of the real recording."""
    path = tmp_path / "part.txt"
    with gzip.open(shared_data / NAME, "rb") as file:
        path.write_bytes(b"".join(itertools.islice(file, 10_000)))
    return measures[0].load(path)


def test_our_run_is_repeatable_and_within_its_terms(measures: Any, market: Any) -> None:
    """Orders are filled at their price, by no more than their size, and not before they arrive."""
    book, _ = measures
    terms = book.Terms(queue="proportional", lots=50)
    orders, again = (book.ours(market, terms).orders for _ in range(2))
    assert orders.tolist() == again.tolist()
    filled = orders[orders["filled"] > 0]
    assert len(filled) > 20
    assert (filled["fill_ticks"] == filled["ticks"]).all()
    assert filled["filled"].max() == 50
    assert (filled["fill_ns"] >= filled["sent_ns"] + terms.entry_ns).all()
    assert ((orders["filled"] == 50) == (orders["end"] == book.FILLED)).all()


def test_orders_and_fills_are_theirs_or_the_reason_is_known(measures: Any, market: Any) -> None:
    """With orders of one lot at most one in twenty ends differently, each for a reason that the module names."""
    pytest.importorskip("hftbacktest", reason="hftbacktest is not installed: make bench installs it")
    book, differences = measures
    for queue in ("risk_averse", "logarithmic"):
        terms = book.Terms(queue=queue, lots=1)
        found = differences.compare(market, terms, book.ours(market, terms), book.theirs(market, terms))
        assert found.same >= 0.95 * found.both > 50
        assert differences.UNEXPLAINED not in found.reasons
        assert sum(found.reasons.values()) == found.both - found.same
