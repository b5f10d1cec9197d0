"""Codes of the three exchanges, price limits by board and day, names of shares under special treatment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.data_collector.stocks.share_code import share_of
from gcg_quant.data_collector.stocks.share_limits import is_st, price_limit_of
from gcg_quant.data_collector.stocks.share_terms import share_instrument
from gcg_quant.errors import InstrumentError


@pytest.mark.parametrize(
    ("texts", "name", "dotted", "board"),
    [
        (("600519", "600519@SSE", "sh.600519", "SH600519", "600519.SH", "600519.XSHG"), "600519@SSE", "sh.600519", "main"),
        (("000001", "sz000001", "000001.XSHE"), "000001@SZSE", "sz.000001", "main"),
        (("000001@SSE", "sh.000001"), "000001@SSE", "sh.000001", "index"),
        (("688981",), "688981@SSE", "sh.688981", "star"),
        (("300750", "302132"), None, None, "chinext"),
        (("920002", "835185", "bj.430047"), None, None, "beijing"),
        (("510300", "159915@SZSE"), None, None, "fund"),
        (("399001",), "399001@SZSE", "sz.399001", "index"),
    ],
)
def test_every_way_of_writing_a_code(texts: tuple[str, ...], name: str | None, dotted: str | None, board: str) -> None:
    """The exchange follows from the number unless it is said."""
    for text in texts:
        share = share_of(text)
        assert share.board == board
        assert name in (None, share.name)
        assert dotted in (None, share.dotted)
    assert share_of("000001", "SSE").board == "index"


@pytest.mark.parametrize("text", ["", "60051", "AAPL", "sh.600519.SH", "600519@NYSE", "900901", "110059", "600519@SZSE", "６００５１９"])
def test_what_is_no_code_is_refused(text: str) -> None:
    """B shares and bonds, too."""
    with pytest.raises(InstrumentError, match="is no"):
        share_of(text)


@given(st.text(max_size=12))
def test_any_text_is_a_share_or_an_instrument_error(text: str) -> None:
    """And a share's own names lead back to it."""
    try:
        share = share_of(text)
    except InstrumentError:
        return
    assert share_of(share.name) == share_of(share.dotted) == share


@pytest.mark.parametrize(
    ("code", "day", "st_share", "session", "limit"),
    [
        ("600519", 20251231, False, None, 0.1),
        ("600519", 20251231, True, None, 0.05),
        ("600519", 19960101, False, None, None),
        ("600519", 20251231, False, 5, None),
        ("600519", 20251231, False, 6, 0.1),
        ("600519", 20150105, False, 1, None),
        ("600519", 20150106, False, 2, 0.1),
        ("300750", 20251231, True, None, 0.2),
        ("300750", 20200821, False, None, 0.1),
        ("300750", 20200821, True, None, 0.05),
        ("688981", 20251231, True, None, 0.2),
        ("688981", 20200716, False, 1, None),
        ("920002", 20251231, False, None, 0.3),
        ("920002", 20251231, False, 1, None),
        ("920002", 20251231, False, 2, 0.3),
        ("510300", 20251231, False, 1, 0.1),
        ("588000", 20251231, False, None, 0.2),
        ("000001@SSE", 20251231, False, None, None),
    ],
)
def test_price_limits(code: str, day: int, st_share: bool, session: int | None, limit: float | None) -> None:
    """By board, day, treatment and days since the listing."""
    assert price_limit_of(share_of(code), day, st=st_share, session=session) == limit
    assert price_limit_of(share_of("600519"), 20261127, st=True, st_limit=0.1) == 0.1


@pytest.mark.parametrize(("name", "expected"), [("*ST美尚", True), ("ST星源", True), ("XDST天成", True), ("贵州茅台", False)])
def test_names_under_special_treatment(name: str, expected: bool) -> None:
    """They begin with it; what stands before for a day does not hide it."""
    assert is_st(name) is expected


def test_terms_count_trading_days_since_the_listing() -> None:
    """Listed on a Friday: the next Thursday is the fifth day, without a limit; the day after has one."""
    share = share_of("001386")
    assert share_instrument(share, 20251218, name="N新股", listed=20251212).price_limit is None
    assert share_instrument(share, 20251219, name="新股", listed=20251212).price_limit == 0.1
    assert share_instrument(share, 20251219, name="*ST新股", listed=20251212).price_limit == 0.05
