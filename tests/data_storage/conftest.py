"""Fixtures of the storage tests: databases, buses of several kinds, example records of every market, and storing a bus."""

from __future__ import annotations

import shutil
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_storage.schema.models import imports
from gcg_quant.data_storage.sql.database import Database
from gcg_quant.data_storage.writing.store import STORED_EVENTS, Store, Stored
from gcg_quant.events import (
    Bar,
    BarBasis,
    BarOrigin,
    BookAction,
    BookDelta,
    Depth,
    Fill,
    Liquidity,
    Offset,
    OrderEvent,
    OrderStatus,
    OrderType,
    PositionSide,
    Quality,
    Record,
    Side,
    Tick,
    TimeInForce,
    TradeTick,
    VolumeKind,
    World,
)

StoreBus = Callable[..., Stored]
MakeBus = Callable[..., EventBus]
WaitFor = Callable[..., None]
LosePower = Callable[[EventBus, Path, int], EventBus]

BOOT_ID_AT, CLEAN_AT = 32, 80  # in bus.state


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a new database: each test that asks for it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'home' / 'gcg_quant.db'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Return a new database of either kind."""
    with Database(database_url) as opened:
        yield opened


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def fresh_url(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Return a function that names a new database for each example of a property test, in a folder if it is a file."""
    if request.param == "sqlite":
        return lambda folder: f"sqlite:///{folder}/gcg_quant.db"
    server, template = request.getfixturevalue("postgresql"), request.getfixturevalue("postgresql_template")
    return lambda _folder: str(server.new_database(template))


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """Return a new SQLite database, for what concerns its file or driver."""
    with Database(home=tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def make_bus(tmp_path: Path) -> Iterator[MakeBus]:
    """Return a function that opens further buses by name."""
    opened: list[EventBus] = []

    def make(name: str, world: World = World.PAPER) -> EventBus:
        opened.append(EventBus(tmp_path / name, world=world, source=name, page_mb=1, sync="none"))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


@pytest.fixture
def store_bus() -> StoreBus:
    """Return a function that stores all that a bus holds beyond its cursor in the database, and says what became of it."""

    def store(bus: EventBus, database: Database, *, import_number: int = 0, name: str = "recorder", again: bool = False) -> Stored:
        if import_number:
            with database.writing() as connection:
                values = {"number": import_number, "sha256": "", "path": "", "status": "done", "started_ns": 0, "report": "{}"}
                if connection.scalar(imports.select().where(imports.c.number == import_number)) is None:
                    connection.execute(imports.insert().values(**values))
        writer = Store(database, bus, name, import_number=import_number)
        cursor = writer.load_cursor()
        with bus.reader(start="begin" if again else cursor or "begin", events=STORED_EVENTS) as reader:
            tables, cold = reader.read_tables(1_000_000)
            return writer.write(tables, cold, reader.cursor)

    return store


@pytest.fixture
def wait_for() -> WaitFor:
    """Return a function that waits until a condition holds, or fails."""

    def wait(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "the condition did not hold in time"
            time.sleep(0.005)

    return wait


@pytest.fixture
def lose_power() -> LosePower:
    """Return a function that opens a copy of a bus as it is found after a reboot."""

    def lose(bus: EventBus, folder: Path, lost_from_ns: int) -> EventBus:
        """Return the bus in `folder`, without the market event of this `event_ns` and all later ones of its lane."""
        shutil.copytree(bus.path, folder, ignore=shutil.ignore_patterns("*.new-*"))  # pages that the keeper is just preparing
        state = bytearray((folder / "bus.state").read_bytes())
        state[BOOT_ID_AT : BOOT_ID_AT + 12] = b"another boot"
        state[CLEAN_AT : CLEAN_AT + 4] = bytes(4)
        (folder / "bus.state").write_bytes(state)
        wanted = struct.pack("<q", lost_from_ns)
        for path in sorted((folder / "market").glob("*.page")):
            page = path.read_bytes()
            at = page.find(wanted)
            if at >= 0:
                path.write_bytes(page[:at] + bytes([page[at] ^ 0xFF]) + page[at + 1 :])
                break
        return EventBus(folder, source="test", sync="none", page_mb=1)

    return lose


@pytest.fixture
def market_records() -> list[Record]:
    """Return an example of each of the six markets and of every kind of market data."""
    return [
        Tick(  # a CTP snapshot
            symbol="rb2501",
            venue="SHFE",
            event_ns=1_736_899_200_500_000_000,
            recv_ns=1_736_899_200_501_234_567,
            ordinal=1,
            last_price=3305.0,
            volume=1_250_311.0,
            turnover=41_293_455_820.0,
            open_interest=1_812_004.0,
            bid_price=3304.0,
            bid_size=312.0,
            ask_price=3305.0,
            ask_size=87.0,
            open=3290.0,
            high=3311.0,
            low=3284.0,
            prev_close=3288.0,
            prev_settlement=3291.0,
            prev_open_interest=1_799_120.0,
            average_price=3300.7,
            upper_limit=3521.0,
            lower_limit=3060.0,
            trading_day=20250115,
            volume_kind=VolumeKind.DAY,
            exchange="SHFE",
        ),
        Tick(  # an FX quote without a last price
            symbol="EUR/USD", venue="OANDA", event_ns=1_398_902_400_292_000_000, bid_price=1.38676, ask_price=1.38686
        ),
        Tick(  # a one-sided US quote
            symbol="IBM",
            venue="NYSE",
            event_ns=1_381_219_200_640_000_000,
            ask_price=182.62,
            ask_size=100.0,
            quality=Quality.SUSPICIOUS,
            exchange="P",
            condition="1",
        ),
        BookDelta(  # a crypto book delta with update ids beyond 32 bits
            symbol="BTC/USDT",
            venue="binance",
            event_ns=1_723_075_200_123_000_000,
            price=55_123.45,
            size=0.0,
            first_update_id=50_123_456_789,
            last_update_id=50_123_456_801,
            side=Side.BUY,
            action=BookAction.DELETE,
            is_last=0,
        ),
        Tick(  # an A-share snapshot with its limits
            symbol="600519",
            venue="SSE",
            event_ns=1_736_904_603_000_000_000,
            last_price=1_455.0,
            volume=1_234_500.0,
            turnover=1.8e9,
            prev_close=1_460.0,
            upper_limit=1_606.0,
            lower_limit=1_314.0,
            trading_day=20250115,
            volume_kind=VolumeKind.DAY,
        ),
        TradeTick(  # a Hong Kong trade; texts in Chinese
            symbol="00700",
            venue="HKEX",
            event_ns=1_736_906_400_000_000_001,
            price=372.4,
            size=100.0,
            turnover=37_240.0,
            venue_seq=9_007_199_254_740_993,
            trading_day=20250115,
            aggressor=Side.SELL,
            trade_id="T-20250115-0001",
            exchange="HK",
            condition="碎股",
        ),
        Depth(
            symbol="BTC/USDT",
            venue="binance",
            event_ns=1_723_075_200_100_000_000,
            bid_prices=(55_123.4, 55_123.3, 55_122.0),
            bid_sizes=(0.5, 1.25, 3.0),
            ask_prices=(55_123.5,),
            ask_sizes=(2.0,),
            bid_orders=(3, 1, 7),
            venue_seq=77,
            levels=3,
        ),
        Bar(  # a venue's daily bar
            symbol="SPY",
            venue="US",
            start_ns=1_381_118_400_000_000_000,
            end_ns=1_381_204_800_000_000_000,
            period="1d",
            open=167.41,
            high=168.46,
            low=167.25,
            close=167.43,
            volume=96_295_000.0,
            origin=BarOrigin.VENUE,
        ),
        Bar(  # one of the two bars of an FX bid/ask row
            symbol="EUR/USD",
            venue="OANDA",
            start_ns=1_398_902_400_000_000_000,
            end_ns=1_398_906_000_000_000_000,
            period="1h",
            basis=BarBasis.BID,
            open=1.38676,
            high=1.38702,
            low=1.3866,
            close=1.3869,
            quote_size=2e6,
            count=412,
            trading_day=20140501,
            revision=2,
            origin=BarOrigin.AGGREGATED,
        ),
    ]


@pytest.fixture
def order_records() -> list[Record]:
    """Return a report and a fill of one order."""
    terms = {
        "symbol": "rb2501",
        "venue": "SHFE",
        "request": (1 << 60) | 17,
        "account": "paper",
        "strategy": "grid",
        "client_id": "grid-17",
        "gateway": "paper",
        "venue_order_id": "V17",
        "side": Side.BUY,
        "offset": Offset.OPEN,
        "position_side": PositionSide.LONG,
    }
    return [
        OrderEvent(
            **terms,
            event_ns=1_736_899_201_000_000_000,
            quantity=3.0,
            filled_quantity=1.0,
            average_price=3305.0,
            price=3305.0,
            status=OrderStatus.PARTLY_FILLED,
            previous_status=OrderStatus.ACCEPTED,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.DAY,
            group="网格",
            tag="level 3",
            reason="",
        ),
        Fill(
            **terms,
            event_ns=1_736_899_201_000_000_000,
            trade_id="X1",
            price=3305.0,
            quantity=1.0,
            fee=3.305,
            fee_currency="CNY",
            trading_day=20250115,
            liquidity=Liquidity.MAKER,
        ),
    ]
