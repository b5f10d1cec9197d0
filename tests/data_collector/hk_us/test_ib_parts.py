"""Parts of the collector of Interactive Brokers by themselves: pacing, price steps, pages, parsers."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gcg_quant.data_collector.stocks.ib_contract import contract_of, tick_at
from gcg_quant.data_collector.stocks.ib_feed import IbFeed
from gcg_quant.data_collector.stocks.ib_notices import concerned, sentence
from gcg_quant.data_collector.stocks.ib_options import IbOptions
from gcg_quant.data_collector.stocks.ib_pacing import HistoryPacing
from gcg_quant.data_collector.stocks.ib_past import pages
from gcg_quant.data_collector.stocks.ib_quote import Book, Quote, parse_dividend, parse_trade

SECOND, DAY = 1_000_000_000, 86_400_000_000_000


def test_history_is_asked_for_at_most_60_times_in_ten_minutes() -> None:
    """... fewer than six times in two seconds for a contract, and not the same within fifteen seconds."""
    now = 0.0
    pacing = HistoryPacing(lambda: now)
    sent: list[float] = []
    number = 0
    while now < 1800:
        wait_s = pacing.wait_s("AAPL", str(number))
        if wait_s:
            now += wait_s
            continue
        sent.append(now)
        number += 1
    for at in sent:
        assert sum(at <= other < at + 600 for other in sent) <= 60
        assert sum(at <= other < at + 2 for other in sent) <= 5
    assert len(sent) == 180
    fresh = HistoryPacing(lambda: now)
    assert fresh.wait_s("IBM", "a") == 0
    assert fresh.wait_s("IBM", "a") == 15
    fresh.pause()
    assert fresh.wait_s("SPY", "b") == 600


def test_price_steps_follow_the_price() -> None:
    """Without a price the smallest step, so that nothing valid is refused."""
    rule = [
        SimpleNamespace(lowEdge=0.0, increment=0.001),
        SimpleNamespace(lowEdge=0.25, increment=0.005),
        SimpleNamespace(lowEdge=10.0, increment=0.01),
    ]
    assert [tick_at(price, rule, 0.001) for price in (None, 0.1, 0.25, 9.99, 10.0, 500.0)] == [0.001, 0.001, 0.005, 0.005, 0.01, 0.01]
    assert tick_at(5.0, [], 0.05) == 0.05
    assert tick_at(None, [], 0.0) == 0.01


def test_symbols_become_contracts() -> None:
    """Five digits are Hong Kong's, without the zeros; a class is behind a blank."""
    tencent, berkshire = contract_of("00700"), contract_of("BRK.B")
    assert (tencent.symbol, tencent.exchange, tencent.currency) == ("700", "SEHK", "HKD")
    assert (berkshire.symbol, berkshire.exchange, berkshire.currency) == ("BRK B", "SMART", "USD")
    assert contract_of("TWIN", 902).conId == 902


@pytest.mark.parametrize("what", ["5s", "1m", "5m", "1h", "1d"])
@given(start=st.integers(0, 2_000_000_000), length=st.integers(1, 40 * 86_400))
def test_pages_cover_a_stretch(what: str, start: int, length: int) -> None:
    """Each page begins where the one before ended or earlier, and the last one reaches the end."""
    from datetime import datetime

    reached = None
    if what in ("5s", "1m"):
        length = min(length, 86_400 * 3)
    for page in pages(what, start * SECOND, (start + length) * SECOND):
        count, unit = page.duration.split()
        end = datetime.strptime(page.end, "%Y%m%d %H:%M:%S %Z").replace(tzinfo=None)
        end_s = (end - datetime(1970, 1, 1)).total_seconds()
        begin_s = end_s - int(count) * (1 if unit == "S" else 86_400)
        assert begin_s <= (start if reached is None else reached)
        reached = end_s
    assert reached is not None
    assert reached >= start + length


@given(st.text(max_size=60))
def test_parsers_take_any_text(text: str) -> None:
    """A value, None or a ValueError."""
    for parse in (parse_trade, parse_dividend):
        with contextlib.suppress(ValueError, OverflowError):
            parse(text, 0)


def test_absent_prices_are_nan_and_a_crossing_waits() -> None:
    """-1 is no price; a bid that crosses the ask waits for the other side, once."""
    quote = Quote("AAPL", "US", lot=100)
    quote.take_price(1, 10.0, 3)
    quote.take_price(2, -1.0, 0)
    tick = quote.tick(5)
    assert tick is not None
    assert (tick.bid_price, tick.bid_size, tick.event_ns) == (10.0, 300, 5)
    assert tick.ask_price != tick.ask_price
    assert quote.tick(6) is None  # nothing new
    quote.take_price(2, 9.9, 1)
    assert quote.tick(7) is None
    quote.take_price(1, 9.8, 1)
    tick = quote.tick(8)
    assert tick is not None
    assert (tick.bid_price, tick.ask_price) == (9.8, 9.9)
    quote.take_size(0, 0)
    tick = quote.tick(9)
    assert tick is not None
    assert tick.bid_price != tick.bid_price


@given(st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 3), st.integers(0, 1), st.floats(1, 2), st.floats(0, 9)), max_size=40))
def test_a_book_takes_any_change(changes: list[tuple[int, int, int, float, float]]) -> None:
    """Impossible ones are refused, and change nothing."""
    book = Book("AAPL", "US")
    for change in changes:
        before = (list(book.bids), list(book.asks))
        if not book.take(*change):
            assert before == (book.bids, book.asks)
        book.depth(1)


def test_notices_are_sentences() -> None:
    """Known numbers in our words, others in IB's; a farm concerns its market."""
    assert sentence(1100, "Connectivity\nlost") == "TWS has lost its server; no data until it is back (1100: Connectivity lost)"
    assert sentence(9, "what") == "what (9)"
    venue = {"AAPL": "US", "00700": "HKEX"}
    assert concerned("broken:usfarm.nj", list(venue), venue.__getitem__) == ["AAPL"]
    assert concerned("broken:hfarm", list(venue), venue.__getitem__) == ["00700"]
    assert concerned("lost", list(venue), venue.__getitem__) == ["AAPL", "00700"]


def test_what_came_in_one_packet_before_the_data_ended_is_published_before() -> None:
    """Else a quote from before the interruption would seem to be the first one after it."""
    heard: list[str] = []
    owner = SimpleNamespace(
        recv_ns=lambda: 7 * SECOND,
        emit=lambda event: heard.append(type(event).__name__),
        interrupted=lambda symbols, why: heard.append(f"interrupted {symbols}"),
        say=lambda text, warning=False: None,
    )
    feed = IbFeed(owner, IbOptions(streams=("quotes",)), lambda symbol: "US")  # type: ignore[arg-type]
    feed.add(SimpleNamespace(getReqId=lambda: 5, reqMktData=lambda *_: None), "AAPL", None)  # type: ignore[arg-type]
    feed.price(5, 1, 100.0, 1.0)
    feed.notice(1100, "Connectivity between IBKR and Trader Workstation has been lost.")
    feed.packet()
    assert heard == ["Tick", "interrupted ['AAPL']"]
