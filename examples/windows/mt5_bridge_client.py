"""Sends a MetaTrader 5 terminal's ticks over Redis to a host of gcg_quant, from a Windows machine that has no gcg_quant.

Copied beside this file: client.py and client_buffer.py of data_storage/bridge, terminal.py, tick_cursor.py and server_time.py of
data_collector/fx. Installed: pip install MetaTrader5 redis tzdata (Python 3.9 or later; NumPy comes with MetaTrader5).

    set GCG_QUANT_CREDENTIALS__MT5__PASSWORD=...
    python mt5_bridge_client.py --account 5012345 --server Broker-Demo --redis redis://127.0.0.1:6379/0 --symbols EUR/USD=EURUSD.r

Each tick arrives once, whatever is killed and started again: what was sent is in files of --folder, and the terminal is asked for the rest.
docs/fx.md has it on a page.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

try:
    from client import RECORDS, BridgeClient  # type: ignore[import-not-found]
    from client_buffer import HEADER  # type: ignore[import-not-found]
    from server_time import AUTO, ClockWatch  # type: ignore[import-not-found]
    from terminal import BACK, FIRST, MORE, NEVER, STATED, Terminal  # type: ignore[import-not-found]
    from tick_cursor import TickCursor, tick_rows  # type: ignore[import-not-found]
except ImportError:  # not copied, but beside the package
    from gcg_quant.data_collector.fx.server_time import AUTO, ClockWatch
    from gcg_quant.data_collector.fx.terminal import BACK, FIRST, MORE, NEVER, STATED, Terminal
    from gcg_quant.data_collector.fx.tick_cursor import TickCursor, tick_rows
    from gcg_quant.data_storage.bridge.client import RECORDS, BridgeClient
    from gcg_quant.data_storage.bridge.client_buffer import HEADER

_BATCH = 10_000


class Reader:
    """One symbol: what the receivers and the terminal call it, and how far it is read."""

    def __init__(self, symbol: str, name: str) -> None:
        self.symbol, self.name = symbol, name
        self.cursor = TickCursor(FIRST)
        self.event_ns, self.count = -1, 0  # the newest time, and how many ticks have it

    def ordinal(self, event_ns: int) -> int:
        """Return the number of one more tick of this time."""
        self.count = self.count + 1 if event_ns == self.event_ns else 1
        self.event_ns = event_ns
        return self.count - 1


class Feed:
    """Reads a terminal and publishes what is new.

    Args:
        mt5: the module MetaTrader5.
        client: which sends.
        folder: of the client.
        readers: of the symbols.
        venue: what the ticks carry.
        server_time: the broker's clock, see docs/fx.md.
    """

    def __init__(self, mt5: Any, client: Any, folder: Path, readers: list[Reader], venue: str, server_time: str) -> None:
        self._terminal, self._client, self._venue, self._readers = Terminal(mt5), client, venue, readers
        self._rule = folder / "server_time.txt"  # measured once: the times of what was sent are read by it after a restart
        known = server_time == AUTO and self._rule.exists()
        self.clock = ClockWatch(server_time)
        if known:
            self.clock.see_rule(self._rule.read_text("utf-8").strip())
        restore(folder, readers, self.clock, venue)
        self._looks = 0
        self._written = ""

    def open(self, path: str, account: int, password: str, server: str) -> str:
        """Log in and tell the symbols' terms; return what is wrong, or ""."""
        state = self._terminal.open(path, account, password, server, 30_000, False)
        if state[0] != 1:
            return f"MetaTrader 5 says {state[0]}: {state[1]}"
        if not state[3] or not state[2]:
            return (
                "the terminal has no connection to the broker" if state[3] else "the terminal is not logged in: give --account and --server"
            )
        names = tuple(reader.name for reader in self._readers)
        for reader, values in zip(self._readers, self._terminal.infos(names)):
            if values is None:
                raise SystemExit(f"The broker has no symbol {reader.name!r}: write it as Market Watch has it, such as EUR/USD=EURUSD.r")
            stated = dict(zip(STATED, values))
            lot, forex = stated["trade_contract_size"], stated["trade_calc_mode"] in (0, 5)
            terms = {"lot_size": stated["volume_step"] * lot, "min_quantity": stated["volume_min"] * lot, "calendar": "FX"}
            terms.update(kind="fx" if forex else "", market="fx", currency=stated["currency_profit"], tick_size=stated["point"])
            self._client.instrument(reader.symbol, self._venue, **terms)
        failed = self._terminal.watch(names)
        self._looks = 0
        return f"{failed[0][0]} cannot be taken into Market Watch: {failed[0][2]}" if failed else ""

    def look(self) -> tuple[bool, str]:
        """Publish what is new; return whether there is more at once, and what is wrong."""
        known = struct.pack(f"<{len(self._readers)}q", *(reader.cursor.newest_ms for reader in self._readers))
        linked, account, failures, found = self._terminal.poll(known, _BATCH)
        if not account or not linked:
            return False, "the terminal has no connection to the broker" if account else "the terminal is closed, or not logged in"
        now_ms = time.time_ns() // 1_000_000
        fresh = [
            (self._readers[at], rows) for at, flags, data in found for rows in [self._new(self._readers[at], flags, data)] if len(rows)
        ]
        if fresh and not any(flags & MORE for _, flags, _ in found) and (self._looks or not self.clock.known):
            if self.clock.see(max(int(rows["time_msc"][-1]) for _, rows in fresh), now_ms):
                print(self.clock.problem or f"the broker's clock: {self.clock.time.rule}", file=sys.stderr, flush=True)
            if self.clock.time.rule != self._written:
                self._written = self.clock.time.rule
                self._rule.write_text(self._written, "utf-8")
        for reader, rows in fresh:
            self._publish(reader, rows, now_ms)
        self._looks += 1
        return any(flags & MORE for _, flags, _ in found), str(failures[0][2]) if failures else ""

    def _new(self, reader: Reader, flags: int, data: bytes) -> Any:
        rows = tick_rows(data)
        cursor = reader.cursor
        if flags & BACK:
            cursor.newest_ms = int(rows["time_msc"][0]) - 1
        elif cursor.newest_ms == FIRST:
            cursor.begin(rows)
            if not len(rows):
                cursor.newest_ms = NEVER
            return rows[:0]
        return cursor.new(rows)

    def _publish(self, reader: Reader, rows: Any, now_ms: int) -> None:
        for row, utc_ms in zip(rows, self.clock.time.utc_ms(rows["time_msc"], now_ms).tolist()):
            event_ns = utc_ms * 1_000_000
            fields: dict[str, Any] = {"event_ns": event_ns, "ordinal": reader.ordinal(event_ns)}
            fields.update(bid_price=float(row["bid"]) or None, ask_price=float(row["ask"]) or None, last_price=float(row["last"]) or None)
            if row["last"] and row["volume_real"] > 0:
                fields.update(last_size=float(row["volume_real"]), volume=float(row["volume_real"]), volume_kind="SINGLE")
            self._client.publish("Tick", symbol=reader.symbol, venue=self._venue, **fields)


def restore(folder: Path, readers: list[Reader], clock: Any, venue: str) -> None:
    """Set each reader behind the last of its ticks in the client's files, so that none is sent again and none is left out."""
    import json

    names = json.loads((folder / "names.json").read_text("utf-8"))["instruments"]
    wanted = {(reader.symbol, venue): reader for reader in readers}
    numbers = {at + 1: wanted[one["symbol"], one["venue"]] for at, one in enumerate(names) if (one["symbol"], one["venue"]) in wanted}
    kind, layout, fields = RECORDS["Tick"]
    place = {name: at for at, name in enumerate(fields)}
    for path in sorted(folder.glob("*.frames"), reverse=True):
        if not numbers:
            return
        newest: dict[int, list[tuple[Any, ...]]] = {}
        data = path.read_bytes()
        at = 0
        while len(data) - at >= HEADER.size:
            length, _, _, _, _, number, record = HEADER.unpack_from(data, at)[:7]
            if record == kind and number in numbers:
                values = layout.unpack_from(data, at + HEADER.size)
                if number in newest and newest[number][0][place["event_ns"]] == values[place["event_ns"]]:
                    newest[number].append(values)
                else:
                    newest[number] = [values]
            at += length
        for number, ticks in newest.items():
            reader = numbers.pop(number)
            event_ns = ticks[0][place["event_ns"]]
            keys = [tuple(_zero(one[place[name]]) for name in ("bid_price", "ask_price", "last_price", "last_size")) for one in ticks]
            reader.cursor = TickCursor(clock.time.server_ms(event_ns // 1_000_000), Counter(keys).elements())
            reader.event_ns, reader.count = event_ns, max(one[place["ordinal"]] for one in ticks) + 1


def _zero(value: float) -> float:
    return value if value == value else 0.0  # what a record leaves out is 0 in a terminal


def main() -> None:
    """Run until stopped."""
    parser = argparse.ArgumentParser(description="Sends a MetaTrader 5 terminal's ticks over Redis to a host of gcg_quant.")
    parser.add_argument("--redis", required=True, help="redis://host:port/db; its password: GCG_QUANT_BRIDGE__PASSWORD in the environment")
    parser.add_argument("--account", type=int, default=0, help="0 = the one that the terminal is logged in to")
    parser.add_argument("--server", default="", help="the broker's server; the password: GCG_QUANT_CREDENTIALS__MT5__PASSWORD")
    parser.add_argument("--symbols", default="EUR/USD=EURUSD", help="OURS=THEIRS,... or only the terminal's names")
    parser.add_argument("--name", default="mt5", help="of the bridge; [[bridge.receive]] has the same")
    parser.add_argument("--venue", default="MT5", help="what the ticks carry")
    parser.add_argument("--folder", default="bridge_mt5", help="for what is on its way; keep it")
    parser.add_argument("--buffer-mb", type=float, default=256.0, help="most room of that")
    parser.add_argument("--path", default="", help="of terminal64.exe")
    parser.add_argument("--server-time", default=AUTO, help="the broker's clock: auto, new_york+7, Europe/Athens, +3")
    parser.add_argument("--world", default="live", choices=["live", "paper"])
    parser.add_argument("--poll-ms", type=float, default=20.0)
    arguments = parser.parse_args()
    try:
        import MetaTrader5  # type: ignore[import-not-found]
    except ImportError:
        raise SystemExit("There is no package MetaTrader5: pip install MetaTrader5 (Windows).") from None
    pairs = [part.partition("=") for part in arguments.symbols.split(",") if part]
    readers = [Reader(ours, theirs or ours) for ours, _, theirs in pairs]
    options = {"world": arguments.world, "source": "mt5", "buffer_mb": arguments.buffer_mb}
    with BridgeClient(arguments.name, arguments.redis, arguments.folder, **options) as client:
        feed = Feed(MetaTrader5, client, Path(arguments.folder), readers, arguments.venue, arguments.server_time)
        run(feed, client, arguments)


def run(feed: Feed, client: Any, arguments: argparse.Namespace) -> None:
    """Read and send; what goes wrong is said once, and tried again."""
    password = os.environ.get("GCG_QUANT_CREDENTIALS__MT5__PASSWORD", "")
    said, opened = "nothing yet", False
    while True:
        more, looked = False, opened
        if opened:
            more, problem = feed.look()
        else:
            problem = feed.open(arguments.path, arguments.account, password, arguments.server)
        opened = not problem
        if opened and client.problem:
            problem = f"Redis: {client.problem}; {client.waiting} ticks wait in the folder"
        head = problem.partition(";")[0]
        if head != said and (looked or problem):
            said = head
            print(problem or f"sends {arguments.symbols}", file=sys.stderr, flush=True)
        if not more:
            time.sleep(arguments.poll_ms / 1000 if opened else 1.0)


if __name__ == "__main__":
    main()
