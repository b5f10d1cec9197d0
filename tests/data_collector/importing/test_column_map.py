"""Which column is which field."""

import pytest

from gcg_quant.data_collector.importing.column_map import detect_kind, map_columns, plain_name
from gcg_quant.errors import ImportFileError


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("time,open,high,low,close,volume", "bars"),
        ("Date,Open,High,Low,Close,Adj Close,Volume", "bars"),
        ("time,bid_open,bid_high,bid_low,bid_close,bid_size,ask_open,ask_high,ask_low,ask_close,ask_size", "quote_bars"),
        ("time,bid,ask", "quotes"),
        ("TimeStamp,BidPrice1,BidVolume1,AskPrice1,AskVolume1", "quotes"),
        ("time,last,bid1,ask1,total_volume", "ticks"),
        ("time,price,size", "trades"),
        ("time,open_interest", "open_interest"),
        ("time,last,volume", None),
        ("time,temperature", None),
    ],
)
def test_kind_is_told_by_the_column_names(header: str, kind: str | None) -> None:
    """Only names that leave no doubt decide: a last price with a volume may be a trade or a snapshot."""
    assert detect_kind(header.split(",")) == kind


def test_names_are_compared_without_case_and_punctuation() -> None:
    """Blanks, underscores and capitals do not matter."""
    assert plain_name("Bid Price_1") == "bidprice1"
    assert map_columns("bars", ["Date Time", "OPEN", "High ", "low", "Close.", "VOL"], {}).columns == {
        "time": "Date Time",
        "open": "OPEN",
        "high": "High ",
        "low": "low",
        "close": "Close.",
        "volume": "VOL",
    }


def test_plain_volume_beside_a_total_is_the_single_amount() -> None:
    """total_volume counts the day, and volume beside it what came with this tick."""
    found = map_columns("ticks", ["time", "last", "volume", "total_volume", "turnover", "total_turnover"], {})
    assert found.columns["volume"] == "total_volume"
    assert found.columns["single_volume"] == "volume"
    assert found.columns["single_turnover"] == "turnover"
    assert not found.plain_volume


def test_plain_volume_of_a_tick_is_reported_as_unclear() -> None:
    """Alone, a tick's volume may count the day or not."""
    assert map_columns("ticks", ["time", "last", "volume"], {}).plain_volume
    assert not map_columns("ticks", ["time", "last", "volume"], {"volume": "volume"}).plain_volume


def test_stated_columns_win() -> None:
    """What the user maps is taken before any name is compared."""
    found = map_columns("trades", ["time", "price", "p2", "size"], {"price": "p2"})
    assert found.columns["price"] == "p2"
    assert found.unused == ("price",)


def test_columns_without_a_field_are_listed() -> None:
    """Nothing is dropped without a word."""
    assert map_columns("bars", ["time", "open", "high", "low", "close", "Adj Close"], {}).unused == ("Adj Close",)


@pytest.mark.parametrize(
    ("kind", "header", "stated", "sentence"),
    [
        ("bars", ["time", "open", "open", "low", "close"], {}, "Two columns are called 'open'"),
        ("bars", ["time", "open", "high", "low"], {}, "No column for close among time, open, high, low"),
        ("bars", ["open", "high", "low", "close"], {}, "No column for time"),
        ("trades", ["time", "price", "last", "size"], {}, "'price' and 'last' could both be price: say which with columns="),
        ("trades", ["time", "x"], {"prize": "x"}, "field 'prize', which trades do not have. Did you mean 'price'"),
        ("trades", ["time", "price"], {"price": "prise"}, "column 'prise', which the file does not have. Did you mean 'price'"),
        ("trades", ["time", "a"], {"price": "a", "size": "a"}, "takes several fields from the column 'a'"),
    ],
)
def test_columns_that_cannot_be_mapped_are_refused_with_a_sentence(
    kind: str, header: list[str], stated: dict[str, str], sentence: str
) -> None:
    """The error names the columns and the way out."""
    with pytest.raises(ImportFileError, match=sentence.replace("(", r"\(")):
        map_columns(kind, header, stated)
