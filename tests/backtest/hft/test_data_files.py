"""Files as market data of the tick engine."""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gcg_quant.backtest.hft.data import load
from gcg_quant.backtest.hft.data.row_buffer import RowBuffer
from gcg_quant.bus import EventBus
from gcg_quant.clock import from_iso
from gcg_quant.data_collector import FileImporter, ImportOptions
from gcg_quant.errors import BacktestError, GcgQuantError, ImportFileError, InstrumentError
from gcg_quant.events import Bar, BarBasis, Tick, TradeTick, World

_TICKS = "time,bid,bid_size,ask,ask_size,last,day_volume\n"
_T0 = from_iso("2024-01-02T00:00:00")


def _line(second: int, bid: float = 10.0) -> str:
    return f"2024-01-02T00:00:{second:02d}.5,{bid},1,{bid + 1},2,{bid},7\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a file, packed if its name ends in .gz."""

    def to_file(text: str, name: str = "X.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return to_file


@pytest.mark.parametrize("name", ["ES.csv", "ES.csv.gz"])
def test_ticks_of_a_csv_file_are_an_array(write: Callable[..., Path], name: str) -> None:
    """One feed of the instrument that the file's name tells, with every row as a tick; what the file does not tell is at its default."""
    (feed,) = load(write(_TICKS + _line(1) + _line(2, 11.0), name), timezone="UTC")
    rows: Any = feed.rows  # type: ignore[attr-defined]
    assert (feed.places, rows.dtype) == ([("ES", "", None)], Tick.dtype)
    assert rows["event_ns"].tolist() == [_T0 + 1_500_000_000, _T0 + 2_500_000_000]
    assert rows["bid_price"].tolist() == [10.0, 11.0]
    assert rows["ask_size"].tolist() == [2.0, 2.0]
    assert np.isnan(rows["open"]).all()
    assert rows["venue_seq"].tolist() == [-1, -1]
    assert feed.span_ns() == (_T0 + 1_500_000_000, _T0 + 2_500_000_000)


def test_symbol_and_range_are_chosen(write: Callable[..., Path]) -> None:
    """A file without symbols is of the one that is named; `start` is in, `end` is not."""
    path = write(_TICKS + "".join(_line(second) for second in range(10)))
    (feed,) = load(path, "IF1311@CFFEX", timezone="Asia/Shanghai", start="2024-01-02T00:00:03.5", end="2024-01-02T00:00:05.5")
    assert feed.places == [("IF1311", "CFFEX", None)]
    assert feed.rows["event_ns"].tolist() == [_T0 - 8 * 3_600_000_000_000 + s * 500_000_000 for s in (7, 9)]  # type: ignore[attr-defined]


def test_file_of_several_symbols_is_taken_apart(write: Callable[..., Path]) -> None:
    """An array for each instrument, in the order in which they come; a symbol chooses one of them."""
    text = "time,symbol,venue,price,size\n"
    text += "".join(f"2024-01-02T00:00:{s:02d},{'AB'[s % 2]},V,{s + 1},1\n" for s in range(6))
    feeds = load(write(text), timezone="UTC")
    assert [feed.places[0][0] for feed in feeds] == ["A", "B"]
    assert [feed.rows["price"].tolist() for feed in feeds] == [[1, 3, 5], [2, 4, 6]]  # type: ignore[attr-defined]
    (only,) = load(write(text), "B@V", timezone="UTC")
    assert only.rows["price"].tolist() == [2, 4, 6]  # type: ignore[attr-defined]
    with pytest.raises(InstrumentError, match="has no 'C'; it has A, B"):
        load(write(text), "C", timezone="UTC")


def test_kind_says_what_columns_leave_open(write: Callable[..., Path]) -> None:
    """A last price with a volume may be a trade or a snapshot: the importer asks, and `kind` answers."""
    path = write("time,last,volume\n2024-01-02T00:00:00,5,2\n")
    with pytest.raises(ImportFileError, match="do not say what a row holds"):
        load(path, timezone="UTC")
    (feed,) = load(path, kind="trades", timezone="UTC")
    assert feed.rows["size"].tolist() == [2.0]  # type: ignore[attr-defined]


def test_quote_bars_are_bars_of_both_sides(write: Callable[..., Path]) -> None:
    """As the importer makes them, with its options."""
    text = "time,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close\n2024-01-02T00:00,1,2,1,2,2,3,2,3\n"
    (feed,) = load(write(text), timezone="UTC", stamp="start", period="1m")
    assert feed.record is Bar  # type: ignore[attr-defined]
    assert feed.rows["basis"].tolist() == [BarBasis.BID, BarBasis.ASK]  # type: ignore[attr-defined]


def test_refused_rows_are_left_out_with_a_warning(write: Callable[..., Path]) -> None:
    """By the importer's rules; the warning says which and why."""
    path = write("time,price,size\n2024-01-02T00:00:00,-1,1\n2024-01-02T00:00:01,5,1\nx,5,1\n")
    with pytest.warns(UserWarning, match=r"2 of 3 rows were refused: line 2: price is zero .*; line 4: the time cannot"):
        (feed,) = load(path, timezone="UTC")
    assert feed.rows["price"].tolist() == [5.0]  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(load(path, timezone="UTC", allow_nonpositive=True)[0].rows) == 2  # type: ignore[attr-defined]


def test_times_that_go_back_are_put_in_order_if_asked(write: Callable[..., Path]) -> None:
    """Without `sort` the line is named; with it rows of equal times keep the order of the file."""
    path = write(_TICKS + _line(2, 1.0) + _line(3, 2.0) + _line(2, 3.0))
    with pytest.raises(ImportFileError, match=r"X.csv, line 4: the time goes back .*; load it with sort=True"):
        load(path, timezone="UTC")
    (feed,) = load(path, timezone="UTC", sort=True)
    assert feed.rows["bid_price"].tolist() == [1.0, 3.0, 2.0]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        (_TICKS + _line(1), {}, "the option timezone is missing"),
        ("price,size\n1,2\n", {"timezone": "UTC"}, "time"),
        (_TICKS, {"timezone": "UTC"}, "all 0 rows were refused"),
        ("time,price\n2024-01-02T00:00:00Z,1\n2024-01-02T00:00:01,2\n", {"chunk_bytes": 36}, "line 3: the time states no zone.*timezone="),
        (_TICKS + _line(1), {"timezone": "UTC", "start": "2025-01-01"}, "no rows from 2025.*it has those from 2024-01-02"),
        (_TICKS + _line(1), {"timezone": "UTC", "kind": "bars"}, "Bar were asked for, and it holds Tick"),
        (_TICKS + _line(1), {"timezone": "UTC", "zone": "UTC"}, "no option 'zone'"),
        (_TICKS + _line(1), {"symbol": ["A", "B"], "timezone": "UTC"}, "no column of symbols.*A, B"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_a_sentence(write: Callable[..., Path], text: str, options: dict[str, Any], sentence: str) -> None:
    """The file, the place and the fix."""
    with pytest.raises(ImportFileError, match=sentence):
        load(write(text), **options)


def test_missing_unknown_and_damaged_files_are_refused(write: Callable[..., Path], tmp_path: Path) -> None:
    """Before anything else is said of them."""
    with pytest.raises(ImportFileError, match=r"none.csv does not exist"):
        load(tmp_path / "none.csv")
    with pytest.raises(ImportFileError, match=r"ends in .xlsx: expected .csv"):
        load(write("x", "book.xlsx"))
    with pytest.raises(ImportFileError, match="no journal .* holds no Parquet files"):
        load(tmp_path)
    packed = gzip.compress((_TICKS + _line(1) * 50_000).encode())
    (tmp_path / "half.csv.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(ImportFileError, match="half.csv.gz is damaged: its gzip data cannot be unpacked"):
        load(tmp_path / "half.csv.gz", "X", timezone="UTC", sort=True)
    with pytest.raises(BacktestError, match="no time between start"):
        load(tmp_path / "none.csv", start="2024-01-02", end="2024-01-01")
    with pytest.raises(BacktestError, match="kind must be one of ticks"):
        load(tmp_path / "none.csv", kind="tick")
    with pytest.raises(ImportFileError, match="not int"):
        load(5)


def test_loaded_rows_are_those_of_the_importer(write: Callable[..., Path], tmp_path: Path) -> None:
    """Byte for byte but for the instrument's number, over chunks of any size, with refused rows between."""
    lines = [_line(s % 60, 10 + s) if s % 7 else f"2024-01-02T00:00:{s % 60:02d}.5,,,,,,\n" for s in range(55)]
    path = write(_TICKS + "".join(lines))
    with EventBus(tmp_path / "bus", world=World.IMPORT, page_mb=4, sync="none") as bus:
        FileImporter(bus, ImportOptions(symbol="X", timezone="UTC")).run(path)
        with bus.reader(start="begin") as reader:
            expected = reader.read_array(Tick)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (feed,) = load(path, timezone="UTC", chunk_bytes=300)
    rows: Any = feed.rows  # type: ignore[attr-defined]
    assert len(rows) == len(expected)
    for name in Tick.dtype.names or ():
        np.testing.assert_array_equal(rows[name], expected[name])


def test_parquet_of_records_and_a_folder_of_it(tmp_path: Path) -> None:
    """As `export` writes them: every field of the record, with symbol and venue; a folder's files are feeds of their own."""
    import pyarrow as pa
    from pyarrow import parquet

    for day in range(2):
        rows = np.repeat(np.frombuffer(bytes(memoryview(TradeTick())), TradeTick.dtype), 3)
        rows["event_ns"], rows["price"], rows["size"] = _T0 + day * 1000 + np.arange(3), 5.0, 1.0
        names = [name for name in TradeTick.dtype.names or () if name not in ("instrument", "reserved")]
        columns = {name: rows[name].astype(str) if rows[name].dtype.kind == "S" else rows[name] for name in names}
        table = pa.table({**columns, "symbol": ["A", "B", "A"], "venue": ["V"] * 3})
        parquet.write_table(table, tmp_path / f"{day}.parquet")
    feeds = load(tmp_path, "A")
    assert [feed.rows["event_ns"].tolist() for feed in feeds] == [[_T0, _T0 + 2], [_T0 + 1000, _T0 + 1002]]  # type: ignore[attr-defined]
    (feed,) = load(tmp_path, "B@V", end=_T0 + 1000)
    assert feed.rows["price"].tolist() == [5.0]  # type: ignore[attr-defined]
    with pytest.raises(InstrumentError, match="has no 'C'"):
        load(tmp_path, "C")


def test_rows_grow_side_by_side() -> None:
    """Whatever was expected, all parts come back in one array, with every byte."""
    for expected in (0, 3, 100):
        buffer = RowBuffer(Tick, expected)
        parts = [np.frombuffer(bytes(memoryview(Tick(event_ns=n))), Tick.dtype) for n in range(1, 40)]
        for part in parts:
            buffer.append(part)
        assert buffer.take().tobytes() == b"".join(part.tobytes() for part in parts)
        assert len(buffer) == 0


@pytest.mark.parametrize(
    ("file", "options", "rows", "record"),
    [
        ("future/CFFEX_IF_tick_20210104.csv.gz", {}, 27_955, Tick),
        ("stock/IBM_tick_trade_20131008.csv.gz", {"timezone": "America/New_York"}, 33_381, TradeTick),
        ("fx/EURUSD_oanda_tick_20140501.csv.gz", {"timezone": "UTC"}, 24_179, Tick),
    ],
)
def test_shared_files_load(shared_data: Path, file: str, options: dict[str, Any], rows: int, record: type) -> None:
    """Every row of real files, in order of time."""
    (feed,) = load(shared_data / file, **options)
    assert (len(feed.rows), feed.record) == (rows, record)  # type: ignore[attr-defined]
    assert (np.diff(feed.rows["event_ns"]) >= 0).all()  # type: ignore[attr-defined]


def test_errors_are_of_the_house(tmp_path: Path) -> None:
    """Whoever catches GcgQuantError catches them all."""
    with pytest.raises(GcgQuantError):
        load(tmp_path / "none.csv")


def test_recording_of_streams_is_taken_apart_by_records(shared_data: Path, tmp_path: Path) -> None:
    """Changes of the book, quotes and trades, each in order of time; the one symbol may be named otherwise."""
    path = tmp_path / "BTCUSDT_binance.txt.gz"
    with gzip.open(shared_data / "crypto" / "BTCUSDT_binance_spot_raw_20240808.txt.gz", "rt") as source:
        path.write_bytes(gzip.compress("".join(source.readline() for _ in range(1_000)).encode()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what is older than the book that it belongs to
        feeds: list[Any] = load(path, "BTC/USDT")
        (deltas,) = load(path, kind="deltas")
    assert {feed.record.__name__ for feed in feeds} == {"BookDelta", "Tick", "TradeTick"}
    assert {feed.places[0][:2] for feed in feeds} == {("BTC/USDT", "BINANCE")}
    assert all((np.diff(feed.rows["event_ns"]) >= 0).all() and len(feed.rows) > 10 for feed in feeds)
    assert deltas.places[0][0] == "BTCUSDT"
