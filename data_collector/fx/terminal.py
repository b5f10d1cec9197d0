"""What is done beside a MetaTrader 5 terminal: many symbols a call, and answers of plain bytes, numbers and texts.

The file runs as it is in three places: imported where the terminal is, sent as text over rpyc to the machine that has it, and copied there
for the bridge client. So it needs nothing but the package MetaTrader5 (whose functions return NumPy arrays) and Python 3.8, and what its
methods take and return crosses rpyc by value: an array that were returned itself would cross once for each of its elements.

Functions and arrays as in "Python Integration" of the MQL5 Reference (initialize, login, last_error, copy_ticks_from, ...).
"""

from __future__ import annotations

import struct
from typing import Any

__all__ = ["BACK", "FIRST", "MORE", "NEVER", "STATED", "Terminal"]

FIRST, NEVER = -1, -2  # instead of the newest known tick's time: nothing is known yet; the symbol had no tick at all at the last look
MORE, BACK = 1, 2  # of an answer: there is more to ask for; the server's clock stepped back

# Of symbol_info; sessions are not among them: the Python API does not tell them.
STATED = (
    *("name", "digits", "point", "trade_tick_size", "trade_tick_value", "trade_contract_size", "volume_min", "volume_max", "volume_step"),
    *("currency_base", "currency_profit", "currency_margin", "swap_long", "swap_short", "swap_mode", "trade_mode", "trade_calc_mode"),
    *("chart_mode", "description"),
)
_STEP_BACK_MS = 60_000
_FIRST_MS = 60_000  # before the first tick of a symbol that had none at the last look
_MOST_TICKS = 4_000_000


class Terminal:
    """A terminal as the collector sees it. One thread; one account.

    Args:
        mt5: the module MetaTrader5.
    """

    def __init__(self, mt5: Any) -> None:
        self._mt5 = mt5
        self._names: tuple[str, ...] = ()
        self._newest: dict[str, Any] = {}

    def open(self, path: str, account: int, password: str, server: str, timeout_ms: int, portable: bool) -> tuple[Any, ...]:
        """Start the terminal if it does not run, log in if an account is given, and return `state()`."""
        terms: dict[str, Any] = {"timeout": timeout_ms, "portable": portable}
        login: dict[str, Any] = {"password": password, "server": server} if password else {}
        if account:
            terms.update(login, login=account)
        if not (self._mt5.initialize(path, **terms) if path else self._mt5.initialize(**terms)):
            return self._failed()
        found = self._mt5.account_info()
        if account and (found is None or found.login != account) and not self._mt5.login(account, timeout=timeout_ms, **login):
            return self._failed()
        return self.state()

    def state(self) -> tuple[Any, ...]:
        """Return (1, "", linked to the broker, account or 0, leverage, server, build of the terminal), or the code and text of a fault."""
        terminal = self._mt5.terminal_info()
        if terminal is None:
            return self._failed()
        account = self._mt5.account_info()
        known = (account.login, account.leverage, account.server) if account is not None else (0, 0, "")
        return (1, "", bool(terminal.connected), int(known[0]), int(known[1]), str(known[2]), int(terminal.build))

    def symbols(self) -> tuple[tuple[str, int, str, str], ...]:
        """Return name, calculation mode and the two currencies of each symbol that the broker has."""
        found = self._mt5.symbols_get() or ()
        return tuple((str(one.name), int(one.trade_calc_mode), str(one.currency_base), str(one.currency_profit)) for one in found)

    def infos(self, names: tuple[str, ...]) -> tuple[Any, ...]:
        """Return the values of `STATED` of each symbol, None of one that there is not."""
        found = [self._mt5.symbol_info(name) for name in names]
        return tuple(None if one is None else tuple(_plain(getattr(one, field)) for field in STATED) for one in found)

    def watch(self, names: tuple[str, ...]) -> tuple[tuple[str, int, str], ...]:
        """Take symbols into Market Watch; `poll` is about them from now on, in this order. Return name, code and text of the failed."""
        failed = [(name, *self._failed()) for name in names if not self._mt5.symbol_select(name, True)]
        self._names = tuple(names)
        return tuple(failed)

    def poll(self, known: bytes, most: int) -> tuple[Any, ...]:
        """Return what is new of the watched symbols.

        Args:
            known: for each one the time of the newest tick that is known, ms by the server's clock, or FIRST or NEVER; int64.
            most: ticks of a symbol to read at once.

        Returns:
            (linked to the broker, account or 0, failures, found): a failure is (position, code, text), what is found is (position, MORE or
            BACK or 0, ticks as bytes), ticks from the time of the newest known one on, so that those of equal times are there again.
        """
        terminal, account = self._mt5.terminal_info(), self._mt5.account_info()
        found, failures = [], []
        for at, (newest,) in enumerate(struct.iter_unpack("<q", known)):
            name = self._names[at]
            tick = self._mt5.symbol_info_tick(name)
            if tick is None or not tick.time_msc:
                if newest == FIRST:
                    found.append((at, 0, b""))
                continue
            look = (tick.time_msc, tick.bid, tick.ask, tick.last, tick.volume)
            if newest >= 0 and self._newest.get(name) == look:
                continue
            back = newest - tick.time_msc > _STEP_BACK_MS
            since = newest if newest >= 0 and not back else tick.time_msc - (_FIRST_MS if newest == NEVER else 0)
            rows, more = self._from(name, max(since, 0), most)
            if rows is None:
                failures.append((at, *self._failed()))
                continue
            if not more and len(rows) and rows["time_msc"][-1] >= tick.time_msc:
                self._newest[name] = look
            found.append((at, MORE * more | BACK * back, rows.tobytes()))
        return (terminal is not None and bool(terminal.connected), int(account.login) if account else 0, tuple(failures), tuple(found))

    def ticks(self, name: str, start_s: int, end_s: int) -> tuple[int, str, bytes]:
        """Return code, text and the ticks of a stretch of the server's time, s."""
        return self._answer(self._mt5.copy_ticks_range(name, start_s, end_s, self._mt5.COPY_TICKS_ALL))

    def rates(self, name: str, timeframe: int, start_s: int, end_s: int) -> tuple[int, str, bytes]:
        """Return code, text and the bars that begin in a stretch of the server's time, s."""
        return self._answer(self._mt5.copy_rates_range(name, timeframe, start_s, end_s))

    def _from(self, name: str, since_ms: int, most: int) -> tuple[Any, bool]:
        # Dates are whole seconds: what is older than `since_ms` comes, too, and may be all that there is room for.
        while True:
            rows = self._mt5.copy_ticks_from(name, since_ms // 1000, most, self._mt5.COPY_TICKS_ALL)
            if rows is None:
                return None, False
            more = len(rows) >= most
            if not more or rows["time_msc"][-1] > since_ms or most >= _MOST_TICKS:
                return rows[rows["time_msc"] >= since_ms], more
            most *= 4

    def _answer(self, rows: Any) -> tuple[int, str, bytes]:
        return (*self._failed(), b"") if rows is None else (1, "", rows.tobytes())

    def _failed(self) -> tuple[int, str]:
        code, text = self._mt5.last_error()
        return (int(code) if code != 1 else -1), str(text)


def _plain(value: Any) -> Any:
    # Exactly these types cross by value; a subclass, such as NumPy's float64, would not.
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return str(value)
