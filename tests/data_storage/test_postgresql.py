"""What PostgreSQL does otherwise than SQLite: connections that die, faults as sentences, partitions, and every kind of value."""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np
import psycopg
import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import make_url, text

from gcg_quant.bus import EventBus
from gcg_quant.data_storage import Database, DatabaseHistory, Ledger
from gcg_quant.data_storage.schema.models import RECORD_TABLES
from gcg_quant.data_storage.sql.partitions import bounds
from gcg_quant.data_storage.sql.postgresql_errors import sentence
from gcg_quant.data_storage.sql.selection import Selection
from gcg_quant.data_storage.writing.store import STORED_EVENTS, Store
from gcg_quant.errors import StorageError
from gcg_quant.events import Bar, LogEvent, OrderEvent, OrderStatus, SignalEvent, Tick, TradeTick

YEAR_2024, YEAR_2025 = 1_704_067_200_000_000_000, 1_735_689_600_000_000_000


@pytest.fixture
def opened(postgresql_url: str) -> Any:
    """Return an open database of a real server."""
    with Database(postgresql_url) as database:
        yield database


def partitions_of(database: Database, table: str) -> list[str]:
    """Return the names of a table's partitions."""
    with database.reading() as connection:
        query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(:name)"
        return sorted(connection.scalars(text(query), {"name": table}))


def look(database: Database) -> None:
    """Read for a long time."""
    with database.reading() as connection:
        connection.execute(text("SELECT pg_sleep(5)"))


def test_url_without_a_driver_means_psycopg_and_shows_no_password() -> None:
    """`postgresql://` and `postgres://` are understood; neither name nor repr has the password."""
    for head in ("postgresql", "postgres", "postgresql+psycopg"):
        with pytest.raises(StorageError) as caught:
            Database(f"{head}://me:hush@127.0.0.1:1/gcg")
        assert "The database 'gcg' on 127.0.0.1:1 cannot be reached: " in str(caught.value)
        assert "hush" not in f"{caught.value} {caught.value.context}"
        assert caught.value.context["retry"] is True


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+psycopg2://me:hush@h/gcg", "driver 'postgresql+psycopg2' is not supported; write postgresql+psycopg://"),
        ("postgresql://me:hush@h", "names no database: write postgresql+psycopg://USER@HOST/DATABASE"),
        ("postgresql://me:hush@127.0.0.1:1/gcg?nonsense=1", "nonsense"),
    ],
)
def test_url_that_cannot_be_used_is_a_sentence(url: str, said: str) -> None:
    """What is wrong is said; the password is not."""
    with pytest.raises(StorageError) as caught:
        Database(url)
    assert said in str(caught.value)
    assert "hush" not in str(caught.value)


def test_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg the sentence says what to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StorageError, match=r"pip install 'gcg_quant\[postgresql\]'"):
        Database("postgresql://me@127.0.0.1:1/gcg")


def test_server_that_refuses_is_a_sentence_without_secrets(postgresql: Any) -> None:
    """A wrong password, an unknown user or database, no permission, no room for connections: each says what to do."""
    for statement in (
        "CREATE ROLE guarded LOGIN PASSWORD 'right'",
        "CREATE ROLE guest LOGIN",
        "CREATE ROLE crowded LOGIN CONNECTION LIMIT 0",
        "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0",
    ):
        postgresql.sql(statement)
    empty, latin = postgresql.new_database(), postgresql.url("latin")
    for url, said, retry in (
        (empty.replace("postgres:", "guarded:hush"), "refuses the user or the password", False),
        (empty.replace("postgres:", "nobody:hush"), "refuses the user or the password", False),
        (empty.replace("postgres:", "crowded:hush"), "too many connections", True),
        (empty.replace("postgres:", "guest:hush"), "does not allow this to its user", False),
        (postgresql.url("nowhere"), "There is no database 'nowhere' on ", False),
        (latin, "has the encoding LATIN1", False),
    ):
        with pytest.raises(StorageError) as caught:
            Database(url)
        assert said in str(caught.value)
        assert "hush" not in f"{caught.value} {caught.value.context}"
        assert caught.value.context.get("retry", False) is retry, url
    Database(empty.replace("postgres:", "postgres:hush")).close()


@pytest.mark.parametrize(
    ("state", "said", "retry"),
    [
        ("53100", "free some disk space", True),
        ("57P01", "cannot be reached", True),
        ("57P03", "cannot be reached", True),
        ("40P01", "locked by another program", True),
        ("25006", "takes no rows now", True),
        ("22001", "refused a statement", False),
    ],
)
def test_fault_of_the_server_says_whether_to_wait(state: str, said: str, retry: bool) -> None:
    """What passes by itself is worth another try, the rest is not."""
    error = sentence(psycopg.errors.lookup(state)("could not do it: pass hush"), "'d' on h", "hush")
    assert said in str(error)
    assert "hush" not in str(error)
    assert error.context["retry"] is retry


def test_database_of_another_program_is_left_alone(postgresql: Any) -> None:
    """Tables that are not ours are a reason to refuse; an empty database is not filled by a reader."""
    url = postgresql.new_database()
    with pytest.raises(StorageError, match="is empty: run the system"):
        Database(url, read_only=True)
    postgresql.sql("CREATE TABLE meta (x int)", str(make_url(url).database))
    with pytest.raises(StorageError, match="not one of gcg_quant"):
        Database(url)


def test_connections_that_died_are_replaced(opened: Database, postgresql: Any) -> None:
    """A statement whose connection is ended is worth another try, which finds a new one; idle ones are not even noticed."""
    kill = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{opened.url.database}'"
    postgresql.sql(kill)
    assert opened.counts() == {}

    def write() -> None:
        with opened.writing() as connection:
            connection.execute(text("INSERT INTO row_counts VALUES ('ticks', 1)"))
            postgresql.sql(kill)
            connection.execute(text("INSERT INTO row_counts VALUES ('bars', 1)"))

    with pytest.raises(StorageError) as caught:
        write()
    assert caught.value.context["retry"] is True
    assert opened.counts() == {}


def test_locked_table_and_slow_statement_are_worth_another_try(postgresql_url: str) -> None:
    """Patience ends with a sentence that says to try again; so does a server that ends a statement."""
    with Database(postgresql_url, busy_timeout_s=0.05) as database, Database(postgresql_url) as other:
        with other.reading() as holder:
            holder.rollback()
            holder.execute(text("SET TRANSACTION READ WRITE"))
            holder.execute(text("LOCK TABLE row_counts IN ACCESS EXCLUSIVE MODE"))
            with pytest.raises(StorageError, match="locked by another program") as caught:
                database.counts()
            assert caught.value.context["retry"] is True
        with database.engine.connect() as connection:
            connection.execute(text("ALTER ROLE CURRENT_USER IN DATABASE " + str(database.url.database) + " SET statement_timeout = 50"))
            connection.commit()
        with Database(postgresql_url) as impatient, pytest.raises(StorageError, match="ended a statement") as caught:
            look(impatient)
        assert caught.value.context["retry"] is True


def test_reader_cannot_write(opened: Database) -> None:
    """Reading transactions are read-only for the server, too."""
    with pytest.raises(StorageError, match="takes no rows"), opened.reading() as connection:
        connection.execute(text("INSERT INTO row_counts VALUES ('ticks', 1)"))


def test_every_kind_of_value_comes_back(bus: EventBus, opened: Database, store_bus: Any) -> None:
    """Negative zero, infinities, NaN, 64 bits without a sign, NUL characters and texts of any language."""
    extremes = [-0.0, 0.0, float("inf"), float("-inf"), float("nan"), 5e-324, 1.7976931348623157e308]
    ticks = np.zeros(len(extremes), Tick.dtype)
    ticks["event_ns"] = np.arange(len(extremes))
    ticks["last_price"], ticks["bid_price"] = extremes, extremes[::-1]
    ticks["venue_seq"], ticks["instrument"] = 2**63 - 1, bus.instruments.number("汉\\字'\"%s", "V")
    ticks["exchange"] = b"a\0b"
    bus.publish_batch(ticks)
    bus.publish(OrderEvent(symbol="A", venue="V", account="x", request=2**64 - 1, status=OrderStatus.FILLED, tag="网格 %s {x}"))
    bus.publish(LogEvent(level="info", component="c", message="one\0two \U0001f600"))
    bus.publish(SignalEvent(symbol="A", venue="V", strategy="s", name="n", event_ns=1, price=float("inf"), data={"x": float("nan")}))
    store_bus(bus, opened)
    back = DatabaseHistory(opened).ticks("汉\\字'\"%s")
    for name in ("last_price", "bid_price", "venue_seq"):
        assert back[name].tobytes() == ticks[name].tobytes(), name
    assert set(back["exchange"].tolist()) == {b"a\\x00b"}
    with opened.reading() as connection:
        (order,) = Selection(opened, RECORD_TABLES[OrderEvent], everything=True).rows(connection, ("seq",))
    assert (int(order["request"]), order["tag"].decode()) == (2**64 - 1, "网格 %s {x}")
    assert [one.message for one in Ledger(opened).logs()] == ["one\\x00two \U0001f600"]
    (signal,) = Ledger(opened).signals()
    assert (signal.price, signal.data) == (float("inf"), {"x": None})


def test_rows_make_the_partitions_that_they_need(bus: EventBus, opened: Database, store_bus: Any) -> None:
    """Months for ticks, years for bars, in the transaction that stores the rows; the same months serve later ones."""
    for at in (YEAR_2025 - 1, YEAR_2025, -1, 0):
        bus.publish(Tick(symbol="A", venue="V", event_ns=at, last_price=1.0))
        bus.publish(Bar(symbol="A", venue="V", start_ns=at, end_ns=at + 1, period="1s", close=1.0))
    store_bus(bus, opened)
    assert partitions_of(opened, "ticks") == ["ticks_1969_12", "ticks_1970_01", "ticks_2024_12", "ticks_2025_01"]
    assert partitions_of(opened, "bars") == ["bars_1969", "bars_1970", "bars_2024", "bars_2025"]
    with Database(opened.url.render_as_string(hide_password=False)) as other:  # which has to look for them
        bus.publish(Tick(symbol="A", venue="V", event_ns=YEAR_2025 + 1, last_price=1.0))
        store_bus(bus, other)
        assert DatabaseHistory(other).ticks("A")["event_ns"].tolist() == [-1, 0, YEAR_2025 - 1, YEAR_2025, YEAR_2025 + 1]
        assert len(partitions_of(other, "ticks")) == 4


def test_partition_of_a_rolled_back_transaction_is_made_again(bus: EventBus, opened: Database, store_bus: Any) -> None:
    """What is remembered of a transaction that failed would be wrong; so is what somebody has dropped since."""
    bus.publish(Tick(symbol="A", venue="V", event_ns=YEAR_2024, last_price=1.0))
    fail = [True]

    def commit(_connection: Any) -> None:
        if fail.pop():
            raise KeyError

    sql_event.listen(opened.engine, "commit", commit)
    with pytest.raises(KeyError):
        store_bus(bus, opened)
    sql_event.remove(opened.engine, "commit", commit)
    assert store_bus(bus, opened).rows == {"ticks": 1}
    with opened.writing() as connection:
        connection.execute(text("DROP TABLE ticks_2024_01"))
    bus.publish(Tick(symbol="A", venue="V", event_ns=YEAR_2024 + 1, last_price=1.0))
    with pytest.raises(StorageError, match="no partition for a row") as caught:
        store_bus(bus, opened)
    assert caught.value.context["retry"] is True
    store_bus(bus, opened)
    assert DatabaseHistory(opened).ticks("A")["event_ns"].tolist() == [YEAR_2024 + 1]


def test_readers_do_not_keep_a_new_partition_waiting(bus: EventBus, opened: Database, store_bus: Any) -> None:
    """A chart that is in the middle of a query does not stop the recorder at the turn of the month."""
    bus.publish(TradeTick(symbol="A", venue="V", event_ns=YEAR_2024, price=1.0))
    store_bus(bus, opened)
    with opened.reading() as reader:
        assert reader.scalar(text("SELECT count(*) FROM trade_ticks")) == 1
        bus.publish(TradeTick(symbol="A", venue="V", event_ns=YEAR_2025, price=1.0))
        thread = threading.Thread(target=store_bus, args=(bus, opened))
        thread.start()
        thread.join(120)
        assert partitions_of(opened, "trade_ticks") == ["trade_ticks_2024_01", "trade_ticks_2025_01"]
        assert reader.scalar(text("SELECT count(*) FROM trade_ticks")) == 1
    assert len(DatabaseHistory(opened).trades("A")) == 2


def test_partitions_reach_to_the_ends_of_time() -> None:
    """The first and the last month of 64-bit nanoseconds are open."""
    assert bounds(648, "M") == (str(YEAR_2024), "1706745600000000000")
    assert bounds(54, "Y") == (str(YEAR_2024), str(YEAR_2025))
    assert bounds(-3508, "M")[0] == "MINVALUE"
    assert bounds(3507, "M")[1] == "MAXVALUE"


def test_commit_that_nobody_confirmed_is_not_stored_twice(bus: EventBus, opened: Database) -> None:
    """The server commits and goes away before it can say so: the same batch again finds that it is stored."""
    bus.publish(Tick(symbol="A", venue="V", event_ns=1, last_price=1.0))
    store = Store(opened, bus, "recorder")
    assert store.load_cursor() is None

    def commit(connection: Any) -> None:
        connection.connection.driver_connection.commit()
        connection.connection.driver_connection.close()

    with bus.reader(start="begin", events=STORED_EVENTS) as reader:
        tables, cold = reader.read_tables(100)
        sql_event.listen(opened.engine, "commit", commit)
        with pytest.raises(StorageError) as caught:
            store.write(tables, cold, reader.cursor)
        sql_event.remove(opened.engine, "commit", commit)
        assert caught.value.context["retry"] is True
        assert store.write(tables, cold, reader.cursor).rows == {"ticks": 1}
        bus.publish(Tick(symbol="A", venue="V", event_ns=2, last_price=2.0))
        tables, cold = reader.read_tables(100)
        assert store.write(tables, cold, reader.cursor).rows == {"ticks": 1}
    assert DatabaseHistory(opened).ticks("A")["event_ns"].tolist() == [1, 2]
    assert opened.counts() == {"ticks": 2}
