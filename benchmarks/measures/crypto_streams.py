"""Streams of crypto exchanges: parsing, and the whole way from a websocket to the bus, each way in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import json
import multiprocessing
import random
import statistics
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from measures.crypto_sender import serve
from measures.rows import Plan, Row, at_least, bus_folder, per_second, times

_SPOT = "crypto/BTCUSDT_binance_spot_raw_20240808.txt.gz"
_OKX = "raw/OKX.ws.1.0.txt.gz"
_OKX_NAMES = ("BTC-USDT", "BTC-USD-220527", "UNI-USD-SWAP")
_TARGET = 50_000
_RUNS = 3


def recorded(data: Path) -> bool:
    """Return whether the recordings are there."""
    return (data / _SPOT).exists() and (data / _OKX).exists()


def parsing(plan: Plan, data: Path) -> Iterator[Row]:
    """Desks alone: what a message costs before it is published."""
    spot, snapshot = _binance_messages(data, plan.count(40_000))
    ours = _parsed_binance(spot, snapshot)
    yield at_least("Binance", ours, _TARGET)
    theirs = _parsed_by_cryptofeed(spot, snapshot) if plan.peers else None
    if theirs is not None:
        yield Row("cryptofeed's handler, whose callbacks do nothing, on the same messages", per_second(theirs))
        yield times("ours beside cryptofeed", ours, theirs, 1)
    okx = _okx_messages(data, plan.count(20_000))
    small = [message for message in okx if b'"books"' not in message]
    yield at_least("OKX, trades and tickers", _parsed_okx(small), _TARGET)
    yield at_least("OKX, with books of 28 changes a message on average", _parsed_okx(okx), _TARGET)


def binance(plan: Plan, data: Path) -> Iterator[Row]:
    """Ours beside ccxt.pro on the same messages."""
    messages, snapshot = _binance_messages(data, plan.count(40_000))
    runs = 1 if plan.quick else _RUNS
    ours = statistics.median(_run("binance", True, messages, snapshot) for _ in range(runs))
    yield at_least("ours", ours, _TARGET)
    plain = [json.dumps(json.loads(one).get("data")).encode() for one in messages]
    theirs = statistics.median(_run("binance", False, plain, snapshot) for _ in range(runs))
    yield Row("ccxt.pro alone: its dictionaries, nothing published", per_second(theirs))
    yield times("ours beside ccxt.pro", ours, theirs, 2)


def okx(plan: Plan, data: Path) -> Iterator[Row]:
    """Ours beside ccxt.pro on the same messages."""
    messages = _okx_messages(data, plan.count(20_000))
    runs = 1 if plan.quick else _RUNS
    ours = statistics.median(_run("okx", True, messages, b"") for _ in range(runs))
    yield at_least("ours", ours, _TARGET)
    theirs = statistics.median(_run("okx", False, messages[: plan.count(8_000)], b"") for _ in range(runs))
    yield Row("ccxt.pro alone: its dictionaries, nothing published", per_second(theirs))
    yield times("ours beside ccxt.pro, which checks no checksums here", ours, theirs, 1)


# ---- messages


def _binance_messages(data: Path, count: int) -> tuple[list[bytes], bytes]:
    # Messages of one symbol from a snapshot of its book on, numbered on where they are repeated.
    if not recorded(data):
        return _made_up(count)
    with gzip.open(data / _SPOT) as file:
        lines = [line.rstrip().partition(b" ")[2] for line in file]
    at = next(index for index, line in enumerate(lines) if b"lastUpdateId" in line)
    return (lines[:at] + lines[at + 1 :])[:count], lines[at]


def _made_up(count: int) -> tuple[list[bytes], bytes]:
    chance, messages, update = random.Random(1), [], 1000
    for number in range(count):
        price = f"{60_000 + chance.randrange(-500, 500) / 100:.8f}"
        size, now = f"{chance.random():.8f}", 1_700_000_000_000 + number
        if number % 12 == 0:
            levels = [[f"{59_900 - level:.8f}", f"{chance.random():.8f}"] for level in chance.sample(range(500), 30)]
            data: dict[str, Any] = {"e": "depthUpdate", "E": now, "s": "BTCUSDT", "U": update + 1, "u": update + 30, "b": levels, "a": []}
            update, stream = update + 30, "depth@100ms"
        elif number % 4 == 0:
            data = {
                "e": "trade",
                "E": now,
                "s": "BTCUSDT",
                "t": number,
                "p": price,
                "q": size,
                "T": now,
                "m": chance.random() < 0.5,
                "M": True,
            }
            stream = "trade"
        else:
            data = {"u": update + number, "s": "BTCUSDT", "b": "59994.00", "B": size, "a": "60006.00", "A": size}
            stream = "bookTicker"
        messages.append(json.dumps({"stream": f"btcusdt@{stream}", "data": data}, separators=(",", ":")).encode())
    asks = [[f"{60_010 + level:.8f}", "1.00000000"] for level in range(500)]
    bids = [[f"{59_990 - level:.8f}", "1.00000000"] for level in range(90)]
    return messages, json.dumps({"lastUpdateId": 1000, "bids": bids, "asks": asks}).encode()


def _okx_messages(data: Path, count: int) -> list[bytes]:
    if recorded(data):
        with gzip.open(data / _OKX) as file:
            lines = [line.rstrip().partition(b": ")[2] for line in file if not line.startswith(b"wss:") and line.strip()]
        lines = [line for line in lines if b'"event"' not in line[:12]]
    else:
        lines = [
            b'{"arg":{"channel":"trades","instId":"%s"},"data":[{"instId":"%s","tradeId":"%d","px":"60000.1","sz":"0.5","side":"buy","ts":"%d"}]}'
            % (name.encode(), name.encode(), number, 1_700_000_000_000 + number)
            for number in range(200)
            for name in _OKX_NAMES
        ]
    rounds = (_later(line, number) for number in range(count // len(lines) + 1) for line in lines)  # each begins with snapshots
    return list(itertools.islice(rounds, count))


def _later(line: bytes, number: int) -> bytes:
    # The same message some hours later, with other numbers of trades: what comes again would be passed over.
    message = json.loads(line)
    for row in message["data"]:
        row["ts"] = str(int(row["ts"]) + number * 3_600_000)
        if "tradeId" in row:
            row["tradeId"] = str(int(row["tradeId"]) + number * 10_000_000)
    return json.dumps(message, separators=(",", ":")).encode()


# ---- parsing


class _Host:
    venue = "venue"

    def fault(self, kind: str, why: str, payload: Any = None) -> None: ...

    def hole(self, *told: Any) -> None: ...

    def missed(self, *told: Any) -> None: ...

    def resync(self, symbol: str) -> None: ...

    def tell(self, event: Any) -> None: ...


def _timed(desk: Any, messages: list[bytes]) -> float:
    begin = time.process_time()
    for number, message in enumerate(messages, 1):
        desk.take(message, time.time_ns())
        if number % 250 == 0:
            desk.rows.arrays()
    return len(messages) / (time.process_time() - begin)


def _parsed_binance(messages: list[bytes], snapshot: bytes) -> float:
    from gcg_quant.data_collector.crypto.binance_desk import BinanceDesk

    desk = BinanceDesk(_Host(), ("trades", "quotes", "depth"), [])
    desk.add("BTC/USDT", "BTCUSDT", 1)
    desk.snapshot("BTCUSDT", snapshot, 1)
    return _timed(desk, messages)


def _parsed_okx(messages: list[bytes]) -> float:
    from gcg_quant.data_collector.crypto.okx_desk import OkxDesk

    desk = OkxDesk(_Host(), ("trades", "tickers", "depth"), [])
    for number, name in enumerate(_OKX_NAMES, 1):
        desk.add(name, name, number)
    return _timed(desk, messages)


def _parsed_by_cryptofeed(messages: list[bytes], snapshot: bytes) -> float | None:
    # None if it is not installed. It knows aggTrade only, which a trade is taken for.
    try:
        from cryptofeed.defines import L2_BOOK, TICKER, TRADES
        from cryptofeed.exchanges import Binance
        from cryptofeed.symbols import Symbols
        from cryptofeed.types import OrderBook
    except ImportError:
        return None

    async def nothing(*told: Any) -> None: ...

    async def go() -> float:
        begin = time.process_time()
        for text in texts:
            await feed.message_handler(text, None, time.time())
        return len(texts) / (time.process_time() - begin)

    name, channels = "BTC-USDT", (TRADES, TICKER, L2_BOOK)
    Symbols.set("BINANCE", {name: "BTCUSDT"}, {"instrument_type": {name: "spot"}, "tick_size": {name: "0.01"}})
    feed = Binance(symbols=[name], channels=list(channels), callbacks=dict.fromkeys(channels, nothing))
    book = json.loads(snapshot)
    bids, asks = ({Decimal(price): Decimal(size) for price, size in book[side]} for side in ("bids", "asks"))
    feed._l2_book[name] = OrderBook("BINANCE", name, bids=bids, asks=asks)
    feed.last_update_id[name] = book["lastUpdateId"]
    texts = []
    for message in map(json.loads, messages):
        data = message["data"]
        if data.get("e") == "trade":
            message["data"] = {**data, "e": "aggTrade", "a": data["t"]}
        texts.append(json.dumps(message, separators=(",", ":")))
    return asyncio.run(go())


# ---- from a websocket


def _run(exchange: str, ours: bool, messages: list[bytes], snapshot: bytes) -> float:
    context = multiprocessing.get_context("spawn")
    ports, results = context.Queue(), context.Queue()
    sender = context.Process(target=serve, args=(ports, messages, snapshot), daemon=True)
    sender.start()
    reader: Callable[..., None] = _ours if ours else _theirs
    process = context.Process(target=reader, args=(exchange, ports.get(timeout=60), len(messages), results), daemon=True)
    process.start()
    try:
        rate: float = results.get(timeout=120)
    finally:
        process.join(5)
        for one in (sender, process):
            one.kill()
    return rate


def _ours(exchange: str, port: int, count: int, results: Any) -> None:
    from gcg_quant.bus import EventBus
    from gcg_quant.data_collector.crypto import CcxtCollector, CcxtOptions
    from gcg_quant.data_collector.crypto.fast import FastStreams
    from measures.crypto_sender import TableRest

    class Reader(CcxtCollector):
        async def open(self) -> None:
            self._rest = TableRest(exchange, port)  # type: ignore[assignment]
            self._streams = FastStreams(self)
            self.taken, self.begin_s, self.take_one = 0, 0.0, self._streams.desk.take
            self._streams.desk.take = self.counted
            await self._streams.open()

        def counted(self, payload: bytes, recv_ns: int) -> None:
            if not self.taken:
                self.begin_s = time.process_time()
            self.taken += 1
            self.take_one(payload, recv_ns)

        def instrument(self, symbol: str) -> None:
            return None

        async def run(self) -> None:
            try:
                await super().run()
            finally:
                results.put(self.taken / (time.process_time() - self.begin_s))

    with bus_folder() as folder, EventBus(folder / "bus", sync="none") as bus:
        symbols = ["BTC/USDT"] if exchange == "binance" else list(_OKX_NAMES)
        streams = ("trades", "quotes", "depth")
        collector = Reader(
            exchange, symbols=symbols, options=CcxtOptions(exchange=exchange, streams=streams), url=f"http://127.0.0.1:{port}"
        )
        collector.start(bus)
        while collector.connection.sessions < 1 or collector.connection.connected:
            time.sleep(0.05)
        collector.stop()


def _theirs(exchange: str, port: int, count: int, results: Any) -> None:
    import ccxt.pro

    from measures.crypto_sender import market

    async def go() -> float:
        client = getattr(ccxt.pro, exchange)({"newUpdates": True})
        names = ["BTCUSDT"] if exchange == "binance" else list(_OKX_NAMES)
        base = f"ws://127.0.0.1:{port}"
        ws: Any = {"spot": f"{base}/stream/ws"} if exchange == "binance" else f"{base}/ws/v5"
        client.urls["api"] = {**client.urls["api"], "ws": ws, "public": f"http://127.0.0.1:{port}/api/v3"}
        client.set_markets([market(name, exchange) for name in names])
        client.options["checksum"] = False
        handle, taken = client.handle_message, 0

        def counted(connection: Any, message: Any) -> None:
            nonlocal taken
            taken += 1
            handle(connection, message)

        client.handle_message = counted

        async def follow(ask: Callable[[str], Any], symbol: str) -> None:
            while True:
                with contextlib.suppress(ccxt.ChecksumError, ccxt.InvalidNonce):
                    await ask(symbol)

        kinds = (client.watch_trades, client.watch_bids_asks if exchange == "binance" else client.watch_ticker, client.watch_order_book)
        begin = time.process_time()
        symbols = list(client.markets)
        asks: list[Any] = [follow(kind, [symbol] if kind == client.watch_bids_asks else symbol) for symbol in symbols for kind in kinds]
        tasks = [asyncio.ensure_future(one) for one in asks]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION, timeout=100)
            return taken / (time.process_time() - begin)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await client.close()

    results.put(asyncio.run(go()))
