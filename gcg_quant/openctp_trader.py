"""A session at a counter's trading front: authenticate, log in, confirm the settlement, and ask within its flow control."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from gcg_quant.errors import CollectorError, GatewayError
from gcg_quant.openctp_callbacks import Message
from gcg_quant.openctp_errors import CREDENTIAL_ERRORS
from gcg_quant.openctp_front import Front
from gcg_quant.openctp_values import Fields, text

__all__ = ["CALLBACKS", "Login", "LoginGuard", "QueryPace", "TraderSession", "log_in_market"]

CALLBACKS = (
    "OnRspAuthenticate",
    "OnRspUserLogin",
    "OnRspUserLogout",
    "OnRspSettlementInfoConfirm",
    "OnRspQryInstrument",
    "OnRspQryOrder",
    "OnRspQryTrade",
    "OnRspQryInvestorPosition",
    "OnRspQryTradingAccount",
)
_QUERY_S = 1.0  # a counter answers one query a second and user
_THROWN_OUT_S = 10.0  # a login that does not last so long was somebody else's


class Login(NamedTuple):
    """Who logs in, and the session that came of it."""

    broker: str
    user: str
    password: str
    app_id: str = ""
    auth_code: str = ""

    def __repr__(self) -> str:
        return f"Login({self.broker!r}, {self.user!r})"


class LoginGuard:
    """Keeps from what would make a bad login worse: wrong credentials are not sent again, and a fight over a login is not fought.

    Args:
        clock: seconds that never decrease.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._refused: dict[Login, CollectorError] = {}
        self._since_s: float | None = None
        self._short = 0

    def check(self, login: Login) -> None:
        """Raise CollectorError if these credentials were refused, or the last two logins were thrown out at once (then only this time)."""
        if login in self._refused:
            raise self._refused[login]
        if self._short >= 2:
            self._short = 0
            raise CollectorError(
                f"the front threw {login.user!r} out within {_THROWN_OUT_S:g} s, twice: another program is logged in with it, "
                "or too many are; end that one"
            )

    def refused(self, login: Login, error: CollectorError) -> CollectorError:
        """Return the error, and remember it if the credentials are to blame."""
        if login not in self._refused and error.context.get("error") in CREDENTIAL_ERRORS:
            words = f"{error.message}; it is not tried again with the same credentials before a restart"
            self._refused[login] = error = CollectorError(words, **error.context)
        return error

    def logged_in(self) -> None:
        """Take note of a login."""
        self._since_s = self._clock()

    def ended(self) -> None:
        """Take note that the connection has ended."""
        if self._since_s is not None:
            self._short = self._short + 1 if self._clock() - self._since_s < _THROWN_OUT_S else 0
            self._since_s = None


class QueryPace:
    """Lets queries out one by one, `query_s` seconds after the end of the one before; for any threads."""

    def __init__(self, query_s: float = _QUERY_S) -> None:
        self._query_s = query_s
        self._lock = threading.Lock()
        self._asked_s = -query_s

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn, and have it."""
        with self._lock:
            wait_s = self._asked_s + self._query_s - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            try:
                yield
            finally:
                self._asked_s = time.monotonic()


class TraderSession:
    """The session on a trading front. `log_in` is for the thread that receives; `query` and `send` are for any.

    Attributes:
        front_id, session_id: what the counter calls this session; orders are known by them.
        trading_day: of the counter, YYYYMMDD.
        order_ref: the largest order reference that it knows of this session.

    Args:
        front: the connection.
        login: who logs in.
        pace: of the user's queries, of the sessions before, too: a counter counts them, not the connections.
    """

    def __init__(self, front: Front, login: Login, pace: QueryPace | None = None) -> None:
        self.front = front
        self.login = login
        self.front_id = 0
        self.session_id = 0
        self.trading_day = ""
        self.order_ref = 0
        self._pace = pace or QueryPace()

    def log_in(self, timeout_s: float, *, confirm: bool, others: Callable[[Message], None] = lambda message: None) -> None:
        """Authenticate (if there is an app_id), log in, and confirm the settlement if asked to; within `timeout_s` for each step.

        Raises:
            GatewayError: no answer, or no connection. CollectorError: the counter refuses.
        """
        login, front = self.login, self.front
        whose = {"BrokerID": login.broker, "UserID": login.user}
        if login.app_id:
            struct = front.struct("CThostFtdcReqAuthenticateField", **whose, AppID=login.app_id, AuthCode=login.auth_code)
            front.expect("OnRspAuthenticate", front.send("ReqAuthenticate", struct), timeout_s, others)
        struct = front.struct("CThostFtdcReqUserLoginField", **whose, Password=login.password, UserProductInfo="gcg_quant")
        rows = front.expect("OnRspUserLogin", front.send("ReqUserLogin", struct), timeout_s, others)
        if not rows:
            raise GatewayError("the counter answered the login with nothing")
        self.front_id, self.session_id = int(rows[0]["FrontID"]), int(rows[0]["SessionID"])
        self.trading_day = text(rows[0]["TradingDay"])
        reference = text(rows[0]["MaxOrderRef"])
        self.order_ref = int(reference) if reference.isdigit() else 0
        if confirm:
            struct = front.struct("CThostFtdcSettlementInfoConfirmField", BrokerID=login.broker, InvestorID=login.user)
            front.expect("OnRspSettlementInfoConfirm", front.send("ReqSettlementInfoConfirm", struct), timeout_s, others)

    def query(self, what: str, patience_s: float, *, number: int = 0, **filters: str) -> int:
        """Send a query such as "Order" or "InvestorPosition", a second after the one before, and return its number.

        Raises:
            GatewayError: it was not sent.
        """
        with self._pace.turn():
            whose = {"BrokerID": self.login.broker} if what != "Instrument" else {}
            if what not in ("Instrument",):
                whose["InvestorID"] = self.login.user
            struct = self.front.struct(f"CThostFtdcQry{what}Field", **whose, **filters)
            return self.front.send(f"ReqQry{what}", struct, patience_s=patience_s, number=number)

    def rows(self, what: str, timeout_s: float, others: Callable[[Message], None] = lambda message: None) -> list[Fields]:
        """Ask, wait for the whole answer and return it; for the thread that receives. Raises GatewayError or CollectorError."""
        return self.front.expect(f"OnRspQry{what}", self.query(what, timeout_s), timeout_s, others)


def log_in_market(front: Front, login: Login, timeout_s: float) -> str:
    """Log in at a market data front and return the trading day YYYYMMDD. CTP's ask for no password, TTS's may.

    Raises:
        GatewayError: no answer, or no connection. CollectorError: the front refuses.
    """
    struct = front.struct("CThostFtdcReqUserLoginField", BrokerID=login.broker, UserID=login.user, Password=login.password)
    rows: Sequence[Fields] = front.expect("OnRspUserLogin", front.send("ReqUserLogin", struct), timeout_s)
    return text(rows[0]["TradingDay"]) if rows else ""
