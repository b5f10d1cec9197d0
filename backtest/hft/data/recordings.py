"""Recordings of a venue's streams as market data: the changes of the book, quotes and trades of each symbol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gcg_quant.events import HOT_RECORDS, Record

from ....data_collector import FileInstruments, ImportReport
from ....data_collector.importing.binance_file import BinanceFile
from ....data_collector.importing.recording import Recording
from ..market import RowsFeed
from .files import import_options
from .order import in_order
from .row_buffer import RowBuffer
from .wanted import Wanted, split_name

__all__ = ["load_recording"]


def load_recording(path: Path, wanted: Wanted, *, sort: bool = False, **options: Any) -> tuple[list[RowsFeed], ImportReport]:
    """Return the market data of a recording of Binance's streams, and the account of its lines.

    A recording of one symbol is of what `wanted` names, if it names one; else the symbols are those of the messages.

    Raises:
        ImportFileError: it cannot be read, or its times go back. InstrumentError: it has no such symbol.
    """
    source = BinanceFile(path)
    told: dict[str, Any] = {}
    if len(source.symbols) == 1 and len(wanted.names) == 1:
        symbol, venue = split_name(wanted.names[0])
        told = {"symbol": symbol} | ({"venue": venue} if venue else {})
    instruments, report = FileInstruments(), ImportReport(file=str(path), sha256=source.sha256, kind="messages")
    by_dtype = {cls.dtype: cls for cls in HOT_RECORDS}
    buffers: dict[tuple[int, type[Record]], RowBuffer] = {}
    for _, arrays in Recording(source, import_options({**options, **told})).convert(instruments, report):
        for rows in arrays:
            for number in sorted(set(rows["instrument"].tolist())):
                own = rows.view(f"V{rows.dtype.itemsize}")[rows["instrument"] == number]
                buffers.setdefault((number, by_dtype[rows.dtype]), RowBuffer(by_dtype[rows.dtype])).append(own)
    wanted.check_names(instruments.places, str(path))
    feeds = []
    for (number, record), buffer in buffers.items():
        symbol, venue = instruments.places[number - 1]
        if wanted.has(symbol, venue) and (not wanted.records or record in wanted.records):
            name = f"{path}, {symbol}"
            rows = wanted.part(in_order(buffer.take(), name, sort=sort), name)
            feeds.append(RowsFeed(symbol, venue, record, rows, instruments.terms.get(number)))
    return feeds, report
