"""The counter: who may log in, what it lists, what it pushes, and what becomes of orders. Its state is open to the test."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

from .api import FakeApi, FakeLibrary
from .trading import Trading

DBL_MAX = 1.7976931348623157e308
USER = {"broker": "9999", "user": "100001", "password": "s3cret-word", "app_id": "client_gcg_1.0", "auth_code": "0000000000000000"}


class Counter:
    """A counter on loopback. Connections are real ones to its `port`; what is said on them goes through memory.

    Attributes:
        trading_day: YYYYMMDD, of all logins.
        errors: by request name ("UserLogin"): the (number, text) of the error that it is answered with, as often as there are any.
        returns: by request name: return codes that come before it is accepted.
        silent: request names that are not answered.
        slow_s: how long every answer and report takes.
        query_s: shortest time between two queries; one that comes earlier is refused by return code, as one beside another is.
        refused: how many queries came too early.
        requests: all requests: (name, fields).
        contracts: fields of CThostFtdcInstrumentField.
    """

    def __init__(self, trading_day: str = "20210104") -> None:
        self.trading_day = trading_day
        self.library: FakeLibrary | None = None
        self.errors: dict[str, list[tuple[int, str]]] = {}
        self.returns: dict[str, list[int]] = {}
        self.silent: set[str] = set()
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.contracts: list[dict[str, Any]] = []
        self.unknown: set[str] = set()  # symbols that cannot be subscribed
        self.sessions = 0
        self.slow_s = 0.0
        self.halved = False
        self.query_s = 0.0
        self.refused = 0
        self._asked_s = 0.0
        self.trading = Trading(self)
        self._lock = threading.RLock()
        self._server: socket.socket | None = None
        self._connections: list[socket.socket] = []
        self.port = 0
        self.start()

    # ---- its life

    @property
    def address(self) -> str:
        """The front's address."""
        return f"tcp://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, on the same port as before."""
        self._server = socket.create_server(("127.0.0.1", self.port))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._server,), daemon=True).start()

    def stop(self) -> None:
        """Be gone: all connections end, and no new one is accepted."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown(socket.SHUT_RDWR)
            server.close()
        self.drop()

    def drop(self) -> None:
        """End all connections."""
        connections, self._connections = self._connections, []
        for one in connections:
            one.close()

    def half_open(self, wanted: bool) -> None:
        """Say nothing on the connections that stand and on new ones, or on later ones again; those that were half-open stay so."""
        self.halved = wanted
        for api in self.library.apis if self.library is not None and wanted else ():
            api.dead = True

    def apis(self, role: str) -> list[FakeApi]:
        """Return the API objects of a role that are logged in."""
        assert self.library is not None
        return [api for api in self.library.apis if api.role == role and api.logged_in]

    # ---- what it is asked

    def request(self, api: FakeApi, name: str, fields: dict[str, Any], number: int) -> int:
        """Take a request; return the library's return code."""
        with self._lock:
            if not api.connected:
                return -1
            self.requests.append((name, fields))
            if codes := self.returns.get(name):
                return codes.pop(0)
            if name.startswith("Qry") and self.query_s:
                now_s = time.monotonic()
                if now_s < self._asked_s + self.query_s:
                    self.refused += 1
                    return -3
                self._asked_s = now_s
            if name in self.silent:
                return 0
            error = self.errors[name].pop(0) if self.errors.get(name) else None
            answer = getattr(self, f"_{name}", None) or getattr(self.trading, name)
            answer(api, fields, number, self.info(api, *(error or (0, ""))))
            return 0

    def subscribe(self, api: FakeApi, symbols: list[str]) -> int:
        """Take a subscription."""
        if not api.logged_in:
            return -1
        self.requests.append(("SubscribeMarketData", {"symbols": symbols}))
        for symbol in symbols:
            specific = self.struct(api, "CThostFtdcSpecificInstrumentField", InstrumentID=symbol)
            if symbol in self.unknown:
                api.call("OnRspSubMarketData", specific, self.info(api, 16, "no such contract"), 0, True)
            else:
                api.symbols.add(symbol)
                api.call("OnRspSubMarketData", specific, self.info(api), 0, True)
        return 0

    def push(self, **fields: Any) -> None:
        """Push a depth message to whoever subscribed its contract."""
        for api in self.apis("market"):
            if fields["InstrumentID"] in api.symbols:
                api.call("OnRtnDepthMarketData", self.struct(api, "CThostFtdcDepthMarketDataField", **fields))

    # ---- inside

    def _Authenticate(self, api: FakeApi, fields: dict[str, Any], number: int, info: Any) -> None:  # noqa: N802
        if not info.ErrorID and (fields["AppID"], fields["AuthCode"]) != (USER["app_id"], USER["auth_code"]):
            info = self.info(api, 63, "CTP: wrong auth code")
        api.call("OnRspAuthenticate", self.struct(api, "CThostFtdcRspAuthenticateField"), info, number, True)

    def _UserLogin(self, api: FakeApi, fields: dict[str, Any], number: int, info: Any) -> None:  # noqa: N802
        if not info.ErrorID and (fields["UserID"], fields["Password"]) != (USER["user"], USER["password"]):
            info = self.info(api, 3, "CTP: wrong password")
        api.logged_in = not info.ErrorID
        self.sessions += 1
        api.session = self.sessions
        answer = self.struct(
            api,
            "CThostFtdcRspUserLoginField",
            TradingDay=self.trading_day,
            FrontID=7,
            SessionID=api.session,
            MaxOrderRef="12",
        )
        api.call("OnRspUserLogin", answer, info, number, True)

    def _SettlementInfoConfirm(self, api: FakeApi, fields: dict[str, Any], number: int, info: Any) -> None:  # noqa: N802
        api.call("OnRspSettlementInfoConfirm", self.struct(api, "CThostFtdcSettlementInfoConfirmField"), info, number, True)

    def _QryInstrument(self, api: FakeApi, fields: dict[str, Any], number: int, info: Any) -> None:  # noqa: N802
        self.answer(api, "OnRspQryInstrument", "CThostFtdcInstrumentField", self.contracts, number, info)

    def answer(self, api: FakeApi, name: str, struct: str, rows: list[dict[str, Any]], number: int, info: Any) -> None:
        """Answer a query with rows, the last one marked; with none if there are none."""
        if not rows:
            api.call(name, None, info, number, True)
        error, words = info.ErrorID, info.ErrorMsg  # each callback has a struct of its own: they are spoilt
        for place, row in enumerate(rows, 1):
            api.call(name, self.struct(api, struct, **row), self.info(api, error, words), number, place == len(rows))

    def struct(self, api: FakeApi, name: str, **fields: Any) -> Any:
        """Return one of the library's structs."""
        made = getattr(api.library.module(api.role), name)()
        for field, value in fields.items():
            setattr(made, field, value)
        return made

    def info(self, api: FakeApi, error: int = 0, words: str = "") -> Any:
        """Return an answer's error."""
        return self.struct(api, "CThostFtdcRspInfoField", ErrorID=error, ErrorMsg=words)

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            self._connections.append(connection)
