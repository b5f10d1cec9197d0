"""Events and cursor in one transaction: every event once, no two different ones in one row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, DatabaseHistory, Ledger
from gcg_quant.data_storage.writing.store import Store
from gcg_quant.errors import StorageError
from gcg_quant.events import (
    AccountEvent,
    AlertEvent,
    BacktestRequestEvent,
    BacktestResultEvent,
    Bar,
    BarOrigin,
    CorporateAction,
    Fill,
    Funding,
    GapEvent,
    InstrumentEvent,
    LogEvent,
    MetricEvent,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    PositionEvent,
    RiskVerdict,
    Side,
    SignalEvent,
    StrategyStatusEvent,
    Tick,
    TradeTick,
)
from gcg_quant.instruments import Instrument


def tick(event_ns: int, price: float, **fields: Any) -> Tick:
    """Return a tick of one symbol."""
    return Tick(symbol="A", venue="V", event_ns=event_ns, last_price=price, **fields)


def bar(start: int, close: float, **fields: Any) -> Bar:
    """Return a one-minute bar of one symbol; `start` counts minutes."""
    ns = start * 60_000_000_000
    return Bar(symbol="A", venue="V", start_ns=ns, end_ns=ns + 60_000_000_000, period="1m", close=close, **fields)


def prices(database: Database) -> list[float]:
    """Return the stored prices in order."""
    found: list[float] = DatabaseHistory(database).ticks("A")["last_price"].tolist()
    return found


def closes(database: Database) -> list[float]:
    """Return the closes of the stored one-minute bars."""
    found: list[float] = DatabaseHistory(database).bars("A", "1m")["close"].tolist()
    return found


def test_event_delivered_twice_is_stored_once(bus: EventBus, database: Database, store_bus: Any) -> None:
    """The same events again change no row and are counted as stored already."""
    for event in (
        tick(1, 10.0),
        bar(0, 10.0),
        Fill(symbol="A", venue="V", quantity=1.0),
        LogEvent(level="info", component="c", message="m"),
    ):
        bus.publish(event)
    assert store_bus(bus, database).rows == {"ticks": 1, "bars": 1, "fills": 1, "logs": 1}
    again = store_bus(bus, database, again=True)
    assert again.rows == again.replaced == {}
    assert again.already == {"ticks": 1, "bars": 1, "fills": 1, "logs": 1}
    assert database.counts() == {"ticks": 1, "bars": 1, "fills": 1, "logs": 1}


def test_live_ticks_of_one_time_are_all_kept(bus: EventBus, database: Database, store_bus: Any) -> None:
    """Different and identical live ticks with the same time and ordinal are different rows, in the order of the bus."""
    for price in (10.0, 11.0, 11.0):
        bus.publish(tick(5, price))
    bus.publish(tick(5, 12.0, ordinal=1))
    assert store_bus(bus, database).rows == {"ticks": 4}
    assert prices(database) == [10.0, 11.0, 11.0, 12.0]
    assert store_bus(bus, database, again=True).already == {"ticks": 4}


def test_two_buses_with_the_same_tick_keep_both(bus: EventBus, make_bus: Any, database: Database, store_bus: Any) -> None:
    """A second collector's tick of the same time is a row of its own."""
    other = make_bus("other")
    for one in (bus, other):
        one.publish(tick(5, 10.0))
        store_bus(one, database)
    assert prices(database) == [10.0, 10.0]
    assert store_bus(other, database, again=True).already == {"ticks": 1}


def test_history_filled_in_twice_is_stored_once(bus: EventBus, database: Database, store_bus: Any) -> None:
    """A refill after a reconnect adds only what was missing or differs."""
    bus.publish(tick(1, 10.0))
    bus.publish(tick(2, 11.0, recv_ns=7), backfill=True)
    store_bus(bus, database)
    for event in (tick(1, 10.0), tick(2, 11.0, recv_ns=9), tick(2, 12.0), tick(3, 13.0)):
        bus.publish(event, backfill=True)
    stored = store_bus(bus, database)
    assert (stored.rows, stored.already) == ({"ticks": 2}, {"ticks": 2})
    assert prices(database) == [10.0, 11.0, 12.0, 13.0]


def test_corrected_bar_replaces_the_first_one(bus: EventBus, database: Database, store_bus: Any) -> None:
    """Of one source's bars with the same start the newest of the highest revision is kept."""
    bus.publish(bar(0, 10.0))
    bus.publish(bar(0, 11.0, revision=1))
    stored = store_bus(bus, database)
    assert (stored.rows, stored.replaced) == ({"bars": 1}, {"bars": 1})
    bus.publish(bar(0, 12.0))
    assert store_bus(bus, database).already == {"bars": 1}
    assert closes(database) == [11.0]


def test_venue_bar_wins_over_our_own(bus: EventBus, database: Database, store_bus: Any) -> None:
    """Bars of several sources are all stored, and a query gives the venue's."""
    bus.publish(bar(0, 10.0, origin=BarOrigin.VENUE), source="venue")
    bus.publish(bar(0, 11.0, origin=BarOrigin.AGGREGATED), source="bars")
    bus.publish(bar(1, 12.0, origin=BarOrigin.AGGREGATED), source="bars")
    bus.publish(bar(1, 13.0, origin=BarOrigin.AGGREGATED), source="other")
    assert store_bus(bus, database).rows == {"bars": 4}
    assert closes(database) == [10.0, 13.0]
    assert DatabaseHistory(database).bars("A", "1m", limit=1)["close"].tolist() == [13.0]


def test_import_adds_only_what_is_not_there(bus: EventBus, make_bus: Any, database: Database, store_bus: Any) -> None:
    """Rows of an overlapping file are stored already when identical and kept beside the others when different."""
    bus.publish(tick(1, 10.0))
    bus.publish(bar(0, 10.0), source="file")
    store_bus(bus, database)
    first = make_bus("first")
    rows = [tick(1, 10.0), tick(1, 11.0), tick(2, 12.0), tick(2, 12.0, ordinal=1), bar(0, 10.5)]
    for row in rows:
        first.publish(row, source="file")
    stored = store_bus(first, database, import_number=1)
    assert (stored.rows, stored.already) == ({"ticks": 3, "bars": 1}, {"ticks": 1})
    second = make_bus("second")
    for row in [*rows, tick(2, 12.0, ordinal=2)]:
        second.publish(row, source="file")
    stored = store_bus(second, database, import_number=2)
    assert (stored.rows, stored.already) == ({"ticks": 1}, {"ticks": 4, "bars": 1})
    assert prices(database) == [10.0, 11.0, 12.0, 12.0, 12.0]


def test_identical_rows_of_one_import_are_all_kept(make_bus: Any, database: Database, store_bus: Any) -> None:
    """A file with unnumbered equal rows loses none of them."""
    source = make_bus("file")
    source.publish_many([tick(1, 10.0)] * 3)
    assert store_bus(source, database, import_number=1).rows == {"ticks": 3}


def test_two_recorders_of_one_bus_are_refused(bus: EventBus, database: Database) -> None:
    """The second one finds a cursor that it did not write, and nothing is stored twice."""
    bus.publish(tick(1, 10.0))
    stores = [Store(database, bus, "recorder") for _ in range(2)]
    for store in stores:
        store.load_cursor()
    with bus.reader(start="begin") as reader:
        tables, cold = reader.read_tables()
        stores[0].write(tables, cold, reader.cursor)
        with pytest.raises(StorageError, match="Another recorder called 'recorder' stores the same bus") as caught:
            stores[1].write(tables, cold, reader.cursor)
    assert caught.value.context["retry"] is False
    assert database.counts() == {"ticks": 1}


def test_failed_transaction_stores_nothing_and_moves_nothing(bus: EventBus, database: Database, store_bus: Any) -> None:
    """After a failure in the middle the same events are stored whole."""
    bus.publish(tick(1, 10.0))
    bus.publish(LogEvent(level="info", component="c", message="m"))
    store = Store(database, bus, "recorder")
    assert store.load_cursor() is None
    with database.writing() as connection:
        connection.execute(text("ALTER TABLE logs RENAME TO elsewhere"))
    with bus.reader(start="begin") as reader:
        tables, cold = reader.read_tables()
        with pytest.raises(StorageError, match="refused a statement"):
            store.write(tables, cold, reader.cursor)
        assert database.counts() == {}
        assert DatabaseHistory(database).symbols() == []
        with database.writing() as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO logs"))
        assert store.write(tables, cold, reader.cursor).rows == {"ticks": 1, "logs": 1}
    assert store_bus(bus, database).rows == {}


def test_orders_hold_the_newest_state(bus: EventBus, database: Database, store_bus: Any) -> None:
    """A request makes an order, each report changes it, and an older report no longer does."""
    terms: dict[str, Any] = {"symbol": "A", "venue": "V", "account": "x", "strategy": "s", "client_id": "c", "quantity": 2.0}
    request = bus.publish(OrderRequest(**terms, side=Side.BUY, price=9.5))
    store_bus(bus, database)
    ledger = Ledger(database)
    (order,) = ledger.orders(only_open=True)
    assert (order.request, order.status, order.price, order.side, order.filled_quantity) == (request, OrderStatus.NEW, 9.5, Side.BUY, 0.0)
    bus.publish(RiskVerdict(**{name: terms[name] for name in ("symbol", "venue", "account")}, request=request, passed=1))
    for status, filled in ((OrderStatus.ACCEPTED, 0.0), (OrderStatus.PARTLY_FILLED, 1.0), (OrderStatus.FILLED, 2.0)):
        bus.publish(OrderEvent(**terms, request=request, status=status, filled_quantity=filled))
    bus.publish(OrderEvent(symbol="A", venue="V", status=OrderStatus.ACCEPTED))
    store_bus(bus, database)
    assert [(one.status, one.filled_quantity) for one in ledger.orders()] == [(OrderStatus.FILLED, 2.0)]
    assert ledger.orders(only_open=True) == []
    assert len(ledger.order_events(request)) == 3
    store_bus(bus, database, again=True)
    assert [one.status for one in ledger.orders()] == [OrderStatus.FILLED]


def test_positions_accounts_and_strategies_hold_the_newest_state(bus: EventBus, database: Database, store_bus: Any) -> None:
    """Each has one row; the accounts' history is kept."""
    for quantity in (1.0, 3.0):
        bus.publish(PositionEvent(symbol="A", venue="V", account="x", strategy="s", quantity=quantity))
        bus.publish(AccountEvent(account="x", currency="USD", cash=quantity))
        bus.publish(StrategyStatusEvent(strategy="s", state="running" if quantity > 1 else "loaded", symbols=["A"], parameters={"n": 1}))
    store_bus(bus, database)
    ledger = Ledger(database)
    assert [one.quantity for one in ledger.positions(account="x")] == [3.0]
    assert ledger.positions(account="y") == []
    assert [one.cash for one in ledger.accounts()] == [3.0]
    assert [one.cash for one in ledger.account_history("x")] == [1.0, 3.0]
    (strategy,) = ledger.strategies()
    assert (strategy.state, strategy.symbols, strategy.parameters, strategy.source) == ("running", ["A"], {"n": 1}, "test")


def test_cold_events_come_back_as_published(bus: EventBus, database: Database, store_bus: Any) -> None:
    """Signals, gaps, corporate actions, funding, alerts and logs are equal to what a reader of the bus gets."""
    events = [
        SignalEvent(symbol="A", venue="V", strategy="s", name="cross", event_ns=5, direction=Side.SELL, price=1.5, data={"k": [1, 2]}),
        GapEvent(symbol="A", venue="V", kind="ticks", start_ns=1, end_ns=2, missing=7),
        CorporateAction(symbol="A", venue="V", kind="split", ex_day=20200831, ratio=4.0),
        Funding(symbol="A", venue="V", event_ns=5, rate=-0.0001),
        AlertEvent(level="warning", component="c", name="n", message="m"),
        LogEvent(level="info", component="c", message="多", about=7),
    ]
    for event in (*events, LogEvent(level="debug", component="c", message="m"), MetricEvent(component="c", name="n", value=1.0)):
        bus.publish(event, cause=3)
    stored = store_bus(bus, database)
    assert sum(stored.rows.values()) == len(events)
    ledger = Ledger(database)
    found = [*ledger.signals("A"), *ledger.gaps(), *ledger.corporate_actions("A"), *ledger.funding(), *ledger.alerts(), *ledger.logs()]
    with bus.reader(start="begin", events=[type(event) for event in events]) as reader:
        published = {event.id: event for event in reader if getattr(event, "level", "") != "debug"}
    assert {event.id: event for event in found} == published


def test_backtests_are_stored_with_request_and_result(bus: EventBus, database: Database, store_bus: Any) -> None:
    """A request makes a row, its result completes it."""
    bus.publish(BacktestRequestEvent(run="r1", file="sma.py", symbols=["SPY"]))
    bus.publish(BacktestRequestEvent(run="r2", file="grid.py"))
    store_bus(bus, database)
    bus.publish(BacktestResultEvent(run="r1", ok=True, results={"sharpe": 1.5}, inputs={"data": [{"bars": 3}]}))
    bus.publish(BacktestResultEvent(run="r0", ok=False, error="no file"))
    store_bus(bus, database)
    runs = {row.run: row for row in Ledger(database).backtests()}
    assert runs["r1"].request["symbols"] == ["SPY"]
    assert (runs["r1"].ok, runs["r1"].results, runs["r1"].inputs) == (True, {"sharpe": 1.5}, {"data": [{"bars": 3}]})
    assert (runs["r2"].ok, runs["r2"].finished_ns) == (None, 0)
    assert (runs["r0"].ok, runs["r0"].error, runs["r0"].requested_ns) == (False, "no file", None)


def test_terms_follow_the_bus_and_instrument_events(bus: EventBus, make_bus: Any, database: Database, store_bus: Any) -> None:
    """Terms are stored with the first row, changed by an InstrumentEvent, and not overwritten by an import."""
    history = DatabaseHistory(database)
    bus.instruments.add(Instrument(symbol="A", venue="V", tick_size=0.01, currency="CNY"))
    bus.publish(tick(1, 10.0))
    store_bus(bus, database)
    assert (history.instrument("A").tick_size, history.instrument("A").currency) == (0.01, "CNY")
    bus.publish(InstrumentEvent(symbol="A", venue="V", terms={"tick_size": 0.05}))
    store_bus(bus, database)
    assert (history.instrument("A").tick_size, history.instrument("A").currency) == (0.05, "CNY")
    other = make_bus("import")
    other.instruments.add(Instrument(symbol="A", venue="V", tick_size=1.0))
    other.publish(tick(2, 10.0))
    store_bus(other, database, import_number=1)
    assert history.instrument("A").tick_size == 0.05


def test_rows_name_their_event(bus: EventBus, make_bus: Any, database: Database, store_bus: Any) -> None:
    """Bus, epoch, seq, time, cause, source and flags of a row are those of its event."""
    make_bus("earlier").publish(tick(9, 1.0))
    bus.publish(tick(1, 10.0), cause=77, source="feed", backfill=True)
    store_bus(bus, database)
    with bus.reader(start="begin") as reader:
        row = reader.read_array(Tick)[0]
    with database.reading() as connection:
        found = connection.execute(
            text(
                "SELECT b.bus_id, b.world, t.epoch, t.seq, t.time_ns, t.cause, s.name, t.flags FROM ticks t "
                "JOIN buses b ON b.number = t.bus JOIN sources s ON s.number = t.source"
            )
        ).one()
    assert found == (bus.bus_id, "paper", bus.epoch, int(row["id"]) & ((1 << 60) - 1), int(row["time_ns"]), 77, "feed", 1)


def test_many_rows_of_many_instruments_are_all_there(bus: EventBus, database: Database, store_bus: Any) -> None:
    """Batches beyond one statement's size store every row, each under its instrument."""
    numbers = [bus.instruments.number(f"S{index}", "V") for index in range(7)]
    rows = np.zeros(3_001, TradeTick.dtype)
    rows["event_ns"] = np.arange(len(rows)) // 3
    rows["ordinal"] = np.arange(len(rows)) % 3
    rows["instrument"] = np.resize(numbers, len(rows))
    rows["price"] = np.arange(len(rows))
    bus.publish_batch(rows)
    assert store_bus(bus, database).rows == {"trade_ticks": 3_001}
    history = DatabaseHistory(database)
    found = np.sort(np.concatenate([history.trades(symbol)["price"] for symbol, _ in history.symbols()]))
    assert (found == np.arange(3_001)).all()
    assert history.trades("S3", limit=2)["price"].tolist() == [2_992.0, 2_999.0]
