"""What Eastmoney's pages say, as our records."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.data_collector.stocks.akshare_rows import page_note, parse_listed, parse_past, parse_quote, shares_of
from gcg_quant.data_collector.stocks.share_code import share_of

NAMES = [
    *(f"{side}_{level}{end}" for side in ("buy", "sell") for level in range(1, 6) for end in ("", "_vol")),
    *("最新", "均价", "涨幅", "涨跌", "总手", "金额", "换手", "量比", "最高", "最低", "今开", "昨收", "涨停", "跌停", "外盘", "内盘"),
]
CELLS = st.one_of(
    st.none(), st.just("-"), st.just("-" * 100), st.floats(), st.integers(-(10**20), 10**20), st.text(max_size=5), st.booleans()
)
SHARE = share_of("600519")


@pytest.mark.parametrize(
    ("volume", "turnover", "expected"),
    [
        (1000.0, 1_050_000.0, 100_000.0),  # lots, at 10.5 a share
        (100_000.0, 1_050_000.0, 100_000.0),  # shares already
        (0.0, 0.0, 0.0),
        (1000.0, math.nan, 100_000.0),  # nothing to tell it by: lots, as documented
    ],
)
def test_volume_is_in_shares(volume: float, turnover: float, expected: float) -> None:
    """The mean price of the day says whether it was in lots."""
    assert shares_of(volume, turnover, 10.0, 11.0) == expected


@given(st.fixed_dictionaries(dict.fromkeys(NAMES, CELLS)))
def test_any_quote_is_a_tick_or_none(items: dict[str, Any]) -> None:
    """Whatever stands in the cells, an absent number is NaN and nothing is raised but ValueError."""
    try:
        found = parse_quote(items, SHARE, 1, 2, 20251231)
    except (ValueError, OverflowError):
        return
    if found is not None:
        tick, depth = found
        assert (tick.symbol, tick.venue, tick.event_ns, tick.recv_ns) == ("600519", "SSE", 1, 2)
        assert not tick.bid_price <= 0
        assert depth is None or depth.levels == 5


@given(
    st.recursive(CELLS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["data", "f86", "f58", "f189"]), inner))
)
def test_any_page_has_a_note(page: Any) -> None:
    """What is no time, name or day is none."""
    note = page_note(page, 1_767_000_000_000_000_000)
    assert note.made_ns >= 0
    assert isinstance(note.name, str)


def test_a_page_made_tomorrow_has_no_time() -> None:
    """Nor one made last year: whoever reads it uses our clock."""
    now = 1_767_000_000_000_000_000
    for seconds, expected in ((1_767_000_000 - 3, now - 3_000_000_000), (1_767_100_000, 0), (1_700_000_000, 0), ("-", 0)):
        assert page_note({"data": {"f86": seconds, "f58": "*ST", "f189": 20200101}}, now) == (expected, "*ST", 20200101)


def test_a_share_without_a_trade_has_no_last_price() -> None:
    """Before the opening there are bids and asks alone."""
    items = dict.fromkeys(NAMES, "-") | {"buy_1": 9.9, "buy_1_vol": 300.0, "昨收": 10.0}
    found = parse_quote(items, SHARE, 1, 2, 20251231)
    assert found is not None
    tick, depth = found
    assert math.isnan(tick.last_price)
    assert (tick.bid_price, tick.bid_size, tick.prev_close) == (9.9, 300.0, 10.0)
    assert depth is not None
    assert math.isnan(depth.ask_prices[0])
    assert parse_quote(dict.fromkeys(NAMES, "-") | {"昨收": 10.0}, SHARE, 1, 2, 20251231) is None
    assert parse_listed(dict.fromkeys(("最新价", "成交量", "成交额", "最高", "最低", "今开", "昨收"), "-"), SHARE, 2, 3) is None


def test_bars_whose_rows_are_none_are_refused_and_the_rest_is_kept() -> None:
    """An opening price of 0, as the first minutes have it, a high below the low, a text; of two rows with one time the later counts."""
    rows = [
        ("2025-12-31 09:31:00", 0.0, 11.0, 12.0, 9.0),
        ("2025-12-31 09:33:00", 10.0, 11.0, 12.0, 9.0),
        ("2025-12-31 09:32:00", 10.0, 11.0, 12.0, 9.0),
        ("2025-12-31 09:33:00", 10.0, 10.5, 12.0, 9.0),
        ("2025-12-31 09:34:00", 10.0, 11.0, 8.0, 9.0),
        ("2025-12-31 09:35:00", "-", 11.0, 12.0, 9.0),
    ]
    frame = pd.DataFrame(rows, columns=["时间", "开盘", "收盘", "最高", "最低"]).assign(成交量=[100] * 6, 成交额=[105_000.0] * 6)
    found = parse_past(frame, "1m", 7)
    assert found.refused == 3
    assert found.bars["close"].tolist() == [11.0, 10.5]
    assert found.bars["volume"].tolist() == [10_000.0, 10_000.0]
    with pytest.raises(KeyError):
        parse_past(frame, "1d", 7)
