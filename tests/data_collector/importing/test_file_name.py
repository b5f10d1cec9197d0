"""What a file's name says."""

import pytest

from gcg_quant.data_collector.importing.file_name import FileHints, read_file_name


@pytest.mark.parametrize(
    ("name", "hints"),
    [
        ("SPY_daily.csv.gz", FileHints(symbol="SPY", period="1d")),
        ("EURUSD_oanda_hour.csv.gz", FileHints(symbol="EURUSD", venue="OANDA", market="fx", period="1h")),
        ("IBM_tick_trade_20131008.csv.gz", FileHints(symbol="IBM")),
        ("ES_201312_minute_quote_20131007-20131011.csv.gz", FileHints(symbol="ES201312", period="1m")),
        ("CFFEX_IF_tick_20210104.csv.gz", FileHints(symbol="IF", venue="CFFEX", market="cn_future")),
        ("BTCUSD_coinbase_daily.parquet", FileHints(symbol="BTCUSD", venue="COINBASE", market="crypto", period="1d")),
        ("my_own_data.csv", FileHints()),
        ("data.csv", FileHints()),
        ("BRK.B-5m.csv", FileHints(symbol="BRK.B", period="5m")),
        ("20131007.csv", FileHints()),
    ],
)
def test_hints_are_read_from_the_name(name: str, hints: FileHints) -> None:
    """Periods, venues and a symbol are recognised; of several possible symbols none is taken."""
    assert read_file_name(name) == hints
