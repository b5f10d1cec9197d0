"""What baostock's tables say, as our records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.data_collector.stocks.baostock_rows import DAILY, dividends_of, parse_bars
from gcg_quant.data_collector.stocks.baostock_session import Table
from gcg_quant.data_collector.stocks.corporate_actions import Action

FIELDS = tuple(DAILY.split(","))
CELL = st.one_of(st.text(max_size=6), st.floats().map(str), st.sampled_from(["", "0", "1", "2025-12-31", "10.5"]))


@given(st.lists(st.lists(CELL, min_size=len(FIELDS), max_size=len(FIELDS)), max_size=4))
def test_any_table_is_bars_or_a_value_error(rows: list[list[str]]) -> None:
    """Nothing but ValueError says that a row is none, and every bar holds its own prices."""
    try:
        found = parse_bars(Table(FIELDS, rows), "1d", 1)
    except ValueError:
        return
    assert (found.bars["low"] > 0).all()
    assert (found.bars["high"] >= found.bars["open"]).all()


def test_what_a_dividend_row_says() -> None:
    """Cash and both kinds of new shares; an absent number is none; a plan without an ex-day is no action."""
    names = ("code", "dividOperateDate", "dividCashPsBeforeTax", "dividStocksPs", "dividReserveToStockPs")
    rows = [
        ["sh.600000", "2016-06-23", "0.515", "0.000000", "0.100000"],
        ["sh.600000", "2015-06-23", "0.757", "0.000000", ""],
        ["sh.600000", "", "0.2", "", ""],
    ]
    assert [action[:4] for action in dividends_of(Table(names, rows))] == [
        ("dividend", 20160623, None, 0.515),
        ("split", 20160623, 1.1, None),
        ("dividend", 20150623, None, 0.757),
    ]
    assert isinstance(dividends_of(Table(names, rows))[0], Action)
    with pytest.raises(ValueError, match="no column 'open'"):
        parse_bars(Table(("date", "close"), [["2025-12-31", "1"]]), "1d", 1)
