"""The collector of a futures counter: logs in at a market data front, subscribes, and publishes what its callbacks bring."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

from gcg_quant.errors import CollectorError, GatewayError, GcgQuantError, InstrumentError
from gcg_quant.instruments import Instrument
from gcg_quant.openctp_callbacks import Message
from gcg_quant.openctp_front import Front, flow_folder, front_addresses
from gcg_quant.openctp_library import Library, load_library
from gcg_quant.openctp_terms import exchange_of, usual_future
from gcg_quant.openctp_times import EXCHANGES
from gcg_quant.openctp_trader import Login, LoginGuard, log_in_market
from gcg_quant.sections import Section

from ..live import ExchangeCollector
from .contracts import Contracts
from .depth import DepthReader, OutsideError
from .options import CtpOptions

__all__ = ["CtpCollector", "TtsCollector"]

_CALLBACKS = ("OnRspUserLogin", "OnRspUserLogout", "OnRspSubMarketData", "OnRspUnSubMarketData", "OnHeartBeatWarning")
_LIST_AGAIN_S = 600.0  # between two attempts to have the contracts listed


class CtpCollector(ExchangeCollector):
    """Market data of SHFE, INE, DCE, CZCE, CFFEX and GFEX from CTP. Its events carry the exchange as their venue.

    Credentials: `user`, `password`, `broker`; with trading fronts also `app_id` and `auth_code`. Set `process = true` (the default of its
    kind): CTP's and TTS's libraries cannot be in one process.
    """

    Options: ClassVar[type[Section]] = CtpOptions
    needs: ClassVar[str] = "china"
    library_kind: ClassVar[str] = "ctp"
    keeps_outside: ClassVar[bool] = False

    def __init__(self, name: str, venue: str = "", **arguments: Any) -> None:
        super().__init__(name, venue, **arguments)
        options = cast(CtpOptions, self.options)
        self._settings = options
        self._front: Front | None = None
        self._guard = LoginGuard(self.clock)
        self._contracts: Contracts | None = None
        self._list_again_s = float("-inf")
        keep = options.outside == "keep" or (not options.outside and self.keeps_outside)
        self._depths = DepthReader(self.terms_of, keep=keep)

    # ---- the connection

    def dial(self) -> None:
        """Wait for a front and log in."""
        login = self._login()
        self._guard.check(login)
        if self._contracts is None and self._settings.trader_fronts and self.clock() >= self._list_again_s:
            self._list_contracts(login)
        front = self._front
        if front is None or front.ended:
            front = self._front = self._make_front()
        front.wait(self.connect_s)
        with self._as_collector_errors():
            try:
                log_in_market(front, login, self.connect_s)
            except CollectorError as error:
                raise self._guard.refused(login, error) from error
        self._guard.logged_in()

    def serve(self) -> None:
        """Hear what is no market data, until the connection ends."""
        front = self._front
        assert front is not None
        try:
            while message := front.receive():
                self._hear(message)
        finally:
            self._guard.ended()

    def hang_up(self) -> None:
        """Cut the connection; a collector that is stopped lets its library's object go."""
        front = self._front
        if front is None:
            return
        front.cut()
        if self.connection.closing:
            self._front = None
            front.close()

    def ask(self, symbols: Sequence[str]) -> None:
        """Subscribe in blocks."""
        self._send("SubscribeMarketData", symbols)

    def drop(self, symbols: Sequence[str]) -> None:
        """Unsubscribe in blocks."""
        self._send("UnSubscribeMarketData", symbols)

    # ---- what it deals in

    def deals_in(self, venue: str) -> bool:
        """Return whether a venue is one of the six exchanges, or the collector's own name for them."""
        return super().deals_in(venue) or venue in EXCHANGES

    def venue_of(self, symbol: str) -> str:
        """Return the exchange of a contract."""
        stated = None if self._contracts is None else self._contracts.get(symbol)
        if stated is not None:
            return stated.venue
        try:
            return exchange_of(symbol)
        except InstrumentError:
            return super().venue_of(symbol)

    def instrument(self, symbol: str) -> Instrument | None:
        """Return a contract's terms: the counter's if it was asked for them, else the usual ones."""
        if self._contracts is not None:
            return self._contracts.need(symbol)
        try:
            return usual_future(symbol)
        except InstrumentError as error:
            raise CollectorError(error.message, symbol=symbol) from error

    def discover(self) -> list[str]:
        """Return the contracts that the counter lists; none without a trading front."""
        return [] if self._contracts is None else self._contracts.symbols()

    # ---- inside

    def library(self) -> Library:
        """Return the library. Raises ComponentError, see `load_library`."""
        return load_library(self.library_kind, self._home)

    @property
    def _home(self) -> Path:
        return self.bus.path.resolve().parent

    def _login(self) -> Login:
        needed = {key: self.credentials.need(key) for key in ("broker", "user", "password")}
        return Login(**needed, app_id=self.credentials.get("app_id", ""), auth_code=self.credentials.get("auth_code", ""))

    def _make_front(self) -> Front:
        try:
            addresses = front_addresses((self.url,) if self.url else self._settings.fronts, f"{self.name}: options.fronts")
        except ValueError as error:
            raise CollectorError(f"{error}.") from error
        return Front(
            self.library(),
            "market",
            addresses,
            flow_folder(self._home, self.library_kind, self.name, "market"),
            _CALLBACKS,
            hot={"OnRtnDepthMarketData": self._take_depth},
            production=self._settings.production,
            failed=lambda name, error: self.fault("malformed", f"{name}: {type(error).__name__}: {error}"),
        )

    def _list_contracts(self, login: Login) -> None:
        # Without its list the collector still works, with the usual terms; so it may take a part of the time only, and not each time.
        self._list_again_s = self.clock() + _LIST_AGAIN_S
        folder = flow_folder(self._home, self.library_kind, self.name, "trader")
        try:
            self._contracts = Contracts.ask(
                self.library(), self._settings.trader_fronts, folder, login, self.connect_s / 3, production=self._settings.production
            )
            self.log(f"the counter lists {len(self._contracts.symbols())} contracts")
        except (OSError, GcgQuantError) as error:
            self.fault("contracts", f"the counter's list of contracts could not be had: {error}")

    def _send(self, method: str, symbols: Sequence[str]) -> None:
        front = self._front
        if front is None:
            raise GatewayError("there is no connection")
        for begin in range(0, len(symbols), self._settings.block):
            front.subscribe(method, symbols[begin : begin + self._settings.block])

    def _take_depth(self, struct: Any) -> None:
        # On the library's thread, while the struct lives.
        recv_ns = self.recv_ns()
        try:
            tick, book = self._depths.read(struct, recv_ns)
        except OutsideError as error:
            self.alive()
            self.fault("outside", str(error))
        except (ValueError, GcgQuantError) as error:
            self.fault("malformed", f"depth of {struct.InstrumentID!r}: {error}")
        else:
            self.take(tick)
            if book is not None:
                self.take(book)

    def _hear(self, message: Message) -> None:
        if message.name in ("OnRspSubMarketData", "OnRspUnSubMarketData") and message.error:
            symbol = (message.fields or {}).get("InstrumentID", "")
            self.fault("symbol", f"{symbol}: {message.words}")
        elif message.name == "OnHeartBeatWarning":
            self.fault("heartbeat", f"nothing came from the front for {message.request} s")
        elif message.name == "OnRspUserLogout":
            raise GatewayError("the front logged us out")
        elif message.name == "OnRspError":
            self.fault("refused", message.words)

    @contextlib.contextmanager
    def _as_collector_errors(self) -> Iterator[None]:
        # What the front refuses because it is not ready passes by itself.
        try:
            yield
        except CollectorError as error:
            if error.context.get("error") in (7, 90):
                raise GatewayError(error.message) from error
            raise


class TtsCollector(CtpCollector):
    """The same from TTS, openctp's simulated counter, which also replays days round the clock."""

    library_kind: ClassVar[str] = "tts"
    keeps_outside: ClassVar[bool] = True
