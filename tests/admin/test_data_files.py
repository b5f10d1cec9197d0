"""Exported folders through the console: out of one database and into another one, whole, once, and nothing foreign."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, DatabaseHistory
from gcg_quant.data_storage.writing.store import STORED_EVENTS, Store
from gcg_quant.events import Bar, BarBasis, Depth, Tick, TradeTick, World

from .conftest import Console, call

DAY = 86_400_000_000_000
KINDS = (Tick, TradeTick, Depth, Bar)


def publish(bus: EventBus, kind: Any, symbol: str, venue: str) -> None:
    """Publish some records over three days, a few of one time, with something in every number."""
    chance = np.random.default_rng(7)
    rows = np.zeros(60, kind.dtype)
    for name in kind.dtype.names:
        form = rows.dtype[name].base
        if form.kind == "f":
            rows[name] = np.where(chance.random(rows[name].shape) < 0.3, np.nan, 1.0 + chance.random(rows[name].shape))
        elif form.kind == "i":
            rows[name] = chance.integers(1, 100, rows[name].shape)
    rows["event_ns"] = np.sort(chance.integers(0, 30, 60)) * (DAY // 10) + DAY
    rows["ordinal"] = np.arange(60)
    if kind is Bar:
        rows["start_ns"] = np.repeat(np.arange(30), 2) * (DAY // 10) + DAY
        rows["event_ns"], rows["period"] = rows["start_ns"] + 60_000_000_000, b"1m"
        rows["basis"] = np.tile([int(BarBasis.BID), int(BarBasis.ASK)], 30)
    rows["instrument"] = bus.instruments.number(symbol, venue)
    bus.publish_batch(rows)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of a database with all kinds of market data of two symbols."""
    home = tmp_path_factory.mktemp("source") / "home"
    with Database(home=home) as database, EventBus(home / "bus", world=World.PAPER, source="test", sync="none") as bus:
        for kind in KINDS:
            publish(bus, kind, "BTC/USDT", "SIM")
        publish(bus, Tick, "碎股", "")
        store = Store(database, bus, "recorder")
        store.load_cursor()
        with bus.reader(start="begin", events=STORED_EVENTS) as reader:
            tables, cold = reader.read_tables(10_000)
            store.write(tables, cold, reader.cursor)
    return home


def arrays(home: Path) -> dict[str, bytes]:
    """Return all that a database holds, as bytes by symbol and kind."""
    found = {}
    with Database(home=home, read_only=True) as database:
        history = DatabaseHistory(database)
        for symbol, venue in history.symbols():
            rows = {"ticks": history.ticks(symbol), "trades": history.trades(symbol), "depth": history.depth(symbol)}
            rows |= {f"bars {basis.name}": history.bars(symbol, "1m", basis=basis) for basis in BarBasis}
            found |= {f"{symbol} {venue} {kind}": one.tobytes() for kind, one in rows.items()}
    return found


@pytest.mark.parametrize("words", [(), ("--partition", "day"), ("--partition", "year")])
def test_folder_comes_back_to_the_byte(source: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Single files and folders by day bring every record into another database, once."""
    out = str(tmp_path / "out")
    assert call(source, "data", "export", out, *words).returncode == 0
    first = call(tmp_path / "home", "data", "import", out)
    assert first.returncode == 0, first.stderr
    assert "stored: 120 ticks" in first.stdout
    assert arrays(tmp_path / "home") == arrays(source)
    again = call(tmp_path / "home", "data", "import", out)
    assert ("of them imported before, 0 rows" in again.stdout, again.returncode) == (True, 0)
    one = next((tmp_path / "out").rglob("*.parquet"))
    told = call(tmp_path / "home", "import", str(one)).stdout
    assert "imported before" in told
    (number,) = re.findall(r"data delete --import (\d+)\n", told)
    gone = call(tmp_path / "home", "data", "delete", "--import", number, "--yes")
    assert gone.returncode == 0, gone.stderr
    assert "stored: " in call(tmp_path / "home", "import", str(one)).stdout


def test_new_days_are_added_to_a_folder_and_imported(source: Path, tmp_path: Path) -> None:
    """`--new` writes what is missing, and the lines say how much of what."""
    out = str(tmp_path / "out")
    words = ("export", out, "--partition", "day", "--kind", "ticks", "--symbol", "BTC/USDT")
    first = call(source, *words, "--to", "1970-01-03")
    assert first.stdout == f"{out}/ticks/symbol=BTC%2FUSDT/venue=SIM: 20 rows in 1 files\n"
    assert "rows in 3 files" in call(source, *words, "--new").stdout
    assert "Nothing is stored of that" in call(source, *words, "--from", "2020-01-01").stdout


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda out: (out / "notes.txt").write_text("x"), "is no folder of exported files: it holds notes.txt"),
        (lambda out: (out / "ticks" / "x.parquet").write_text("x"), "x.parquet cannot be read as Parquet"),
        (lambda out: [path.unlink() for path in out.rglob("*.parquet")], "holds no exported market data"),
    ],
)
def test_folder_with_anything_else_is_one_line(source: Path, tmp_path: Path, break_it: Any, message: str) -> None:
    """Foreign and damaged files are named before anything is imported."""
    out = tmp_path / "out"
    call(source, "export", str(out), "--partition", "year")
    break_it(out)
    result = call(tmp_path / "home", "data", "import", str(out))
    assert result.returncode == 1
    assert message in result.stderr
    with Database(home=tmp_path / "home") as database:
        assert database.counts() == {}


def test_file_that_is_damaged_within_leaves_nothing_of_itself(source: Path, tmp_path: Path) -> None:
    """What its end does not tell is found while it is read; the files before it stay, and it can be mended and imported."""
    out = tmp_path / "out"
    call(source, "export", str(out), "--partition", "year", "--kind", "ticks", "--symbol", "BTC/USDT")
    (path,) = out.rglob("*.parquet")
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(200) + whole[204:])
    result = call(tmp_path / "home", "data", "import", str(out))
    assert (result.returncode, "is damaged after row 0" in result.stderr) == (1, True)
    path.write_bytes(whole)
    assert "stored: 60 ticks" in call(tmp_path / "home", "data", "import", str(out)).stdout


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--partition", "week"), 1, "Files are split by day, month, year"),
        (("--new",), 2, "--new needs --partition"),
        (("--kind", "tick"), 1, "Did you mean 'ticks'"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), 1, "is not after the start"),
        (("--symbol", "BTC/USD"), 1, "Did you mean 'BTC/USDT'"),
    ],
)
def test_export_of_what_makes_no_sense_is_one_line(source: Path, tmp_path: Path, words: tuple[str, ...], code: int, message: str) -> None:
    """One sentence, and no file."""
    result = call(source, "data", "export", str(tmp_path / "out"), *words)
    assert (result.returncode, message in result.stderr) == (code, True), result.stderr
    assert not (tmp_path / "out").exists()


def test_folder_that_is_not_there_is_one_line(console: Console) -> None:
    """A path that names nothing is named."""
    assert "does not exist" in console("data", "import", "no/such/folder").stderr
