"""A fake of the package MetaTrader5: the functions that a collector calls, as "Python Integration" of the MQL5 Reference has them.

The EUR/USD ticks of a real day lie in its history; how many of them have happened so far is what a test says by `play`.
"""

from __future__ import annotations

import gzip
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

COPY_TICKS_ALL = -1
TICK = np.dtype(
    [
        ("time", "<i8"),
        ("bid", "<f8"),
        ("ask", "<f8"),
        ("last", "<f8"),
        ("volume", "<u8"),
        ("time_msc", "<i8"),
        ("flags", "<u4"),
        ("volume_real", "<f8"),
    ]
)
RATE = np.dtype(
    [
        ("time", "<i8"),
        ("open", "<f8"),
        ("high", "<f8"),
        ("low", "<f8"),
        ("close", "<f8"),
        ("tick_volume", "<u8"),
        ("spread", "<i4"),
        ("real_volume", "<u8"),
    ]
)
TerminalInfo = namedtuple("TerminalInfo", "connected trade_allowed build maxbars name path")
AccountInfo = namedtuple("AccountInfo", "login leverage server currency trade_mode company")
Tick = namedtuple("Tick", "time bid ask last volume time_msc flags volume_real")
SymbolInfo = namedtuple(
    "SymbolInfo",
    "name select visible digits point trade_tick_size trade_tick_value trade_contract_size volume_min volume_max volume_step currency_base "
    "currency_profit currency_margin swap_long swap_short swap_mode trade_mode trade_calc_mode chart_mode description bid ask",
)
SECONDS = {**{minutes: 60 * minutes for minutes in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)}, 24 | 0x4000: 86_400}
SECONDS.update({hours | 0x4000: 3600 * hours for hours in (1, 2, 3, 4, 6, 8, 12)})
ACCOUNT, PASSWORD, SERVER = 5012345, "right horse", "Fake-Demo"


def read_ticks(path: Path, zone: ZoneInfo, ahead: timedelta) -> Any:
    """Return the ticks of a file of time (UTC), bid, ask by a clock that is so far ahead of a zone's."""
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    lines = [line.split(",") for line in text.splitlines()[1:]]
    rows = np.zeros(len(lines), TICK)
    rows["time_msc"] = np.array([line[0] for line in lines], "datetime64[ms]").astype(np.int64)
    for hour in np.unique(rows["time_msc"] // 3_600_000).tolist():
        there = datetime.fromtimestamp(hour * 3600, UTC).astimezone(zone).replace(tzinfo=UTC) + ahead
        offset_ms = round(there.timestamp() * 1000) - hour * 3_600_000
        rows["time"][rows["time_msc"] // 3_600_000 == hour] = offset_ms
    rows["time_msc"] += rows["time"]
    rows["time"] = rows["time_msc"] // 1000
    rows["bid"], rows["ask"] = np.array([[float(line[1]), float(line[2])] for line in lines]).T
    rows["flags"] = 6
    return rows


class FakeTerminal:
    """The module: its methods are the package's functions, and below them those by which a test tells it what to do.

    Args:
        ticks: file with time (UTC), bid, ask.
        zone: the server's clock is this zone's, `ahead_h` hours ahead.
        more: so many more symbols, S0001 and on, which have a tick only when a test says so.
    """

    COPY_TICKS_ALL = COPY_TICKS_ALL

    def __init__(self, ticks: Path | str, zone: str = "America/New_York", ahead_h: int = 7, more: int = 0, suffix: str = "") -> None:
        rows = read_ticks(Path(ticks), ZoneInfo(zone), timedelta(hours=ahead_h))
        self.main = "EURUSD" + suffix
        self._day = {self.main: rows, **{f"S{number:04d}": np.zeros(0, TICK) for number in range(1, more + 1)}}
        self.reset()

    def reset(self) -> None:
        """Be as at the start."""
        self._rows = self._day.copy()
        self._played = dict.fromkeys(self._rows, 0)
        self._selected: set[str] = set()
        self._error = (1, "Success")
        self._faults: dict[str, tuple[int, str]] = {}
        self.account = 0
        self.open = False
        self.linked = True
        self.calls = 0

    # ---- the package

    def initialize(self, *path: str, timeout: int = 60_000, portable: bool = False, **login: Any) -> bool:
        """Connect to the terminal, and log in if an account is given."""
        if not self._passes("initialize"):
            return False
        self.open = True
        return self.login(login["login"], login.get("password", ""), login.get("server", "")) if "login" in login else True

    def login(self, login: int, password: str = "", server: str = "", timeout: int = 60_000) -> bool:
        """Log in."""
        if not self._passes("login"):
            return False
        if (login, password, server) != (ACCOUNT, PASSWORD, SERVER):
            return self._fail(-6, "Terminal: Authorization failed")
        self.account = login
        return True

    def last_error(self) -> tuple[int, str]:
        """Return code and text of the last call."""
        return self._error

    def terminal_info(self) -> TerminalInfo | None:
        """Return the terminal's state."""
        return TerminalInfo(self.linked, False, 4150, 100_000, "Fake", "C:\\Fake") if self._passes("terminal_info") else None

    def account_info(self) -> AccountInfo | None:
        """Return the account."""
        if not self._passes("account_info") or not self.account:
            return None
        return AccountInfo(self.account, 30, SERVER, "USD", 0, "Fake")

    def symbols_get(self, group: str = "*") -> tuple[SymbolInfo, ...] | None:
        """Return all symbols."""
        return tuple(self._info(name) for name in self._rows) if self._passes("symbols_get") else None

    def symbol_info(self, symbol: str) -> SymbolInfo | None:
        """Return a symbol."""
        if not self._passes("symbol_info"):
            return None
        return self._info(symbol) if symbol in self._rows else self._fail(-4, "Terminal: Not found") or None

    def symbol_select(self, symbol: str, enable: bool = True) -> bool:
        """Take a symbol into Market Watch."""
        if not self._passes("symbol_select"):
            return False
        if symbol not in self._rows:
            return self._fail(-4, "Terminal: Not found")
        self._selected.add(symbol)
        return True

    def symbol_info_tick(self, symbol: str) -> Tick | None:
        """Return the newest tick."""
        if not self._passes("symbol_info_tick") or symbol not in self._selected:
            return None
        played = self._past(symbol)
        return Tick(*played[-1].tolist()) if len(played) else Tick(0, 0.0, 0.0, 0.0, 0, 0, 0, 0.0)

    def copy_ticks_from(self, symbol: str, date_from: int, count: int, flags: int) -> Any:
        """Return the first `count` ticks from a second on."""
        if not self._passes("copy_ticks_from"):
            return None
        played = self._past(symbol)
        first = np.searchsorted(played["time_msc"], int(date_from) * 1000)
        return played[first : first + count].copy()

    def copy_ticks_range(self, symbol: str, date_from: int, date_to: int, flags: int) -> Any:
        """Return the ticks from one second to another."""
        if not self._passes("copy_ticks_range"):
            return None
        played = self._past(symbol)
        first, last = np.searchsorted(played["time_msc"], [int(date_from) * 1000, int(date_to) * 1000 + 1])
        return played[first:last].copy()

    def copy_rates_range(self, symbol: str, timeframe: int, date_from: int, date_to: int) -> Any:
        """Return the bars of the bid that begin from one second to another; the last one may be going on."""
        if not self._passes("copy_rates_range"):
            return None
        played = self._past(symbol)
        starts = played["time"] - played["time"] % SECONDS[timeframe]
        starts, firsts, counts = np.unique(starts, return_index=True, return_counts=True)
        rows = np.zeros(len(starts), RATE)
        rows["time"], rows["tick_volume"] = starts, counts
        if len(rows):
            bid = played["bid"]
            rows["open"], rows["close"] = bid[firsts], bid[firsts + counts - 1]
            rows["high"], rows["low"] = np.maximum.reduceat(bid, firsts), np.minimum.reduceat(bid, firsts)
        return rows[(starts >= int(date_from)) & (starts <= int(date_to))]

    # ---- what a test tells it

    def play(self, count: int, symbol: str = "") -> int:
        """Let so many of a symbol's ticks have happened; return the newest one's time by the server's clock, ms."""
        symbol = symbol or self.main
        self._played[symbol] = min(count, len(self._rows[symbol]))
        return int(self._past(symbol)[-1]["time_msc"]) if self._played[symbol] else 0

    def when(self, count: int) -> int:
        """Return the time of the newest of the first `count` ticks by the server's clock, ms."""
        return int(self._rows[self.main][min(count, len(self._rows[self.main])) - 1]["time_msc"])

    def add(self, symbol: str, ticks: tuple[tuple[int, float, float], ...]) -> None:
        """Append ticks: time by the server's clock (ms), bid, ask. They have happened at once."""
        rows = np.zeros(len(ticks), TICK)
        for at, (time_msc, bid, ask) in enumerate(ticks):
            rows[at] = (time_msc // 1000, bid, ask, 0, 0, time_msc, 6, 0)
        self._rows[symbol] = np.concatenate([self._past(symbol), rows])
        self._played[symbol] = len(self._rows[symbol])

    def replace(self, symbol: str, ticks: tuple[tuple[int, float, float], ...]) -> None:
        """Let a symbol have these ticks and no others, as after a step of the server's clock."""
        self._played[symbol] = 0
        self.add(symbol, ticks)

    def fail(self, function: str, code: int = 0, text: str = "") -> None:
        """Let a function fail with this code from now on; 0 = no more."""
        self._faults.pop(function, None)
        if code:
            self._faults[function] = (code, text)

    def set(self, name: str, value: Any) -> None:
        """Set `linked`, or `account`."""
        setattr(self, name, value)

    def get(self, name: str) -> Any:
        """Return `calls`, `account`, ..."""
        return getattr(self, name)

    # ---- inside

    def _past(self, symbol: str) -> Any:
        return self._rows[symbol][: self._played[symbol]]

    def _passes(self, function: str) -> bool:
        self.calls += 1
        if function in self._faults:
            self._error = self._faults[function]
            return False
        if not self.open and function != "initialize":
            self._error = (-10004, "No IPC connection")
            return False
        self._error = (1, "Success")
        return True

    def _fail(self, code: int, text: str) -> bool:
        self._error = (code, text)
        return False

    def _info(self, name: str) -> SymbolInfo:
        base, quote = ("EUR", "USD") if name == self.main else (name, "USD")
        mode = 0 if name == self.main else 2
        amounts = (0.01, 500.0, 0.01, base, quote, base)
        return SymbolInfo(
            name, True, True, 5, 1e-5, 1e-5, 1.0, 100_000.0, *amounts, -6.5, 1.2, 1, 4, mode, 0, f"{base} vs {quote}", 0.0, 0.0
        )
