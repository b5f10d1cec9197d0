"""The gateway to a futures counter: orders out, reports in, and what became of orders while nobody listened."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from gcg_quant.backoff import Backoff
from gcg_quant.clock import now_ns
from gcg_quant.credentials import Credentials, credentials_of
from gcg_quant.errors import CollectorError, GatewayError, InstrumentError, OrderError, SettingsError
from gcg_quant.events import CancelCommand, OrderCommand, OrderType, TimeInForce
from gcg_quant.openctp_callbacks import Message
from gcg_quant.openctp_front import Front, flow_folder
from gcg_quant.openctp_library import Library, load_library
from gcg_quant.openctp_terms import exchange_of
from gcg_quant.openctp_times import EXCHANGES
from gcg_quant.openctp_trader import CALLBACKS, Login, LoginGuard, QueryPace, TraderSession
from gcg_quant.openctp_values import Fields, text

from ..base import Change, GatewayReport, ReportKind, VenueOrder
from ..kinds import gateway_options
from ..session import SessionGateway
from .answers import cash_of, is_open, positions_of, system_name, venue_order
from .hearing import Hearing
from .identities import Identities, Sent
from .options import CtpGatewayOptions
from .requests import HEDGES, action_fields, insert_fields

if TYPE_CHECKING:
    from gcg_quant.settings import Settings

    from ...orders.order import Order

__all__ = ["CtpGateway", "TtsGateway"]

_REPORTS = ("OnRtnOrder", "OnRtnTrade", "OnRspOrderInsert", "OnErrRtnOrderInsert", "OnRspOrderAction", "OnErrRtnOrderAction")


class CtpGateway(SessionGateway):
    """Trades at a counter of CTP. One account; run it in a process in which no TTS is.

    Orders work until their trading day ends, whatever their time in force says beyond that (DAY and GTC; both are GFD there), and those of
    an earlier day are reported as expired. A counter changes no orders: a change is refused, cancel and send anew.

    Args:
        fronts: trading fronts, "tcp://host:port".
        login: who logs in.
        options: see `CtpGatewayOptions`.
        connect_s: longest wait for a front and for each step of the login.
        patience_s: how long a question may stay unanswered.
        backoff: how long to wait between two attempts.
        name: how commands and events name it; its files carry it, too.
    """

    kind: ClassVar[str] = "ctp"
    order_types: ClassVar[frozenset[OrderType]] = frozenset({OrderType.MARKET, OrderType.LIMIT})
    times_in_force: ClassVar[frozenset[TimeInForce]] = frozenset({TimeInForce.GTC, TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK})

    def __init__(
        self,
        fronts: Sequence[str],
        login: Login,
        *,
        options: CtpGatewayOptions | None = None,
        connect_s: float = 10.0,
        patience_s: float = 5.0,
        backoff: Backoff | None = None,
        name: str = "",
    ) -> None:
        super().__init__(name or self.kind, backoff=backoff, patience_s=patience_s)
        self._fronts = tuple(fronts)
        self._account = login
        self._options = options or CtpGatewayOptions()
        self._connect_s = connect_s
        self._front: Front | None = None
        self._line: TraderSession | None = None
        self._guard = LoginGuard()
        self._pace = QueryPace(self._options.query_s)
        self._identities: Identities | None = None
        self._hearing: Hearing | None = None
        self._rows: dict[int, list[Fields]] = {}
        self._sending = threading.Lock()

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Return the gateway that `[gateway]` describes. Raises SettingsError."""
        chosen = settings.gateway
        options = gateway_options(CtpGatewayOptions, chosen.options)
        fronts = (chosen.url,) if chosen.url else options.fronts
        if not fronts:
            raise SettingsError('[gateway] options.fronts must name a trading front, such as "tcp://180.168.146.187:10201".')
        login = login_of(credentials_of(chosen.credentials or chosen.exchange or cls.kind))
        return cls(fronts, login, options=options, connect_s=chosen.connect_s, patience_s=chosen.patience_s)

    # ---- the connection

    def dial(self) -> None:
        """Wait for a front, log in and confirm the settlement."""
        try:
            self._guard.check(self._account)
            front = self._front
            if front is None or front.ended:
                front = self._front = self._make_front()
            front.wait(self._connect_s)
            line = TraderSession(front, self._account, self._pace)
            hearing = self._heard_by(line)
            line.log_in(self._connect_s, confirm=True, others=hearing.hear)
        except CollectorError as error:
            raise GatewayError(self._guard.refused(self._account, error).message) from error
        self._rows.clear()
        self._line = line
        self._guard.logged_in()

    def serve(self) -> None:
        """Hear reports and answers."""
        front, hearing = self._front, self._hearing
        assert front is not None
        assert hearing is not None
        try:
            while message := front.receive():
                if message.name.startswith("OnRspQry"):
                    self._collect(message)
                else:
                    hearing.hear(message)
        finally:
            self._guard.ended()

    def hang_up(self) -> None:
        """Cut the connection; a gateway that is closed lets its library's object go."""
        front = self._front
        if front is None:
            return
        front.cut()
        if self._closing.is_set():
            self._front = None
            front.close()

    def close(self) -> None:
        """Disconnect."""
        super().close()
        identities, self._identities = self._identities, None
        if identities is not None:
            identities.close()

    # ---- commands

    def submit(self, command: OrderCommand) -> None:
        """Send an order; who it is at the counter is written down before."""
        self.check_open()
        front, line, identities = self._front, self._line, self._identities
        if front is None or line is None or identities is None:
            raise OrderError(f"Gateway {self.name!r} is not connected: nothing was sent.", gateway=self.name)
        exchange = self._exchange(command)
        fields = insert_fields(command, exchange, self._lots(command), HEDGES[self._options.hedge])
        with self._sending:
            line.order_ref += 1
            reference = str(line.order_ref)
            sent = Sent(line.trading_day, line.front_id, line.session_id, reference, command.client_id, command.symbol, exchange)
            whose = {"BrokerID": self._account.broker, "InvestorID": self._account.user, "UserID": self._account.user}
            try:
                request = front.struct("CThostFtdcInputOrderField", **whose, **fields, OrderRef=reference)
            except SettingsError as error:
                raise OrderError(f"{error.message} Nothing was sent.", client_id=command.client_id) from error
            identities.add(sent)
            try:
                front.send("ReqOrderInsert", request, patience_s=1.0)
            except GatewayError as error:
                raise OrderError(f"Gateway {self.name!r}: {error.message}; nothing was sent.", gateway=self.name) from error

    def cancel(self, command: CancelCommand) -> None:
        """Ask for a cancellation."""
        front, identities = self._front, self._identities
        sent = None if identities is None else identities.find(command.client_id)
        if front is None or identities is None or sent is None:
            return
        fields = action_fields(*sent.key, sent.symbol, sent.exchange, identities.system_id(sent.client_id))
        whose = {"BrokerID": self._account.broker, "InvestorID": self._account.user, "UserID": self._account.user}
        with contextlib.suppress(GatewayError):  # it is asked again after the next connection
            front.send("ReqOrderAction", front.struct("CThostFtdcInputOrderActionField", **whose, **fields), patience_s=1.0)

    def modify(self, change: Change, event_ns: int) -> None:
        """Refuse: a counter changes no orders."""
        reason = "the counter changes no orders: cancel this one and send another"
        self.report(GatewayReport(kind=ReportKind.MODIFY_REFUSED, client_id=change.client_id, event_ns=event_ns, reason=reason))

    # ---- questions

    def restore(self, orders: Sequence[Order]) -> None:
        """Look up orders and their trades of the day; those of an earlier day have expired."""
        if not orders:
            return
        rows, trades = self._ask("Order"), self._ask("Trade")
        identities, hearing, line = self._identities, self._hearing, self._line
        if identities is None or hearing is None or line is None:
            raise GatewayError(f"Gateway {self.name!r} was closed.")
        by_key = {(int(row["FrontID"]), int(row["SessionID"]), text(row["OrderRef"])): row for row in rows}
        for order in orders:
            sent = identities.find(order.client_id)
            found = None if sent is None or sent.day != line.trading_day else by_key.get(sent.key)
            if sent is not None and found is not None:
                hearing.tell_again(sent, found, trades)
            elif sent is not None and sent.day < line.trading_day:
                reason = f"its trading day {sent.day} is over"
                event_ns = max(now_ns(), order.report.event_ns)
                self.report(GatewayReport(kind=ReportKind.EXPIRED, client_id=order.client_id, event_ns=event_ns, reason=reason))
            else:
                event_ns = order.report.event_ns
                self.report(GatewayReport(kind=ReportKind.UNKNOWN, client_id=order.client_id, event_ns=event_ns))

    def query_orders(self) -> list[VenueOrder]:
        """Return the open orders; one that is not ours goes by the exchange's name for it."""
        identities, line = self._identities, self._line
        found = []
        for row in self._ask("Order"):
            if not is_open(row) or identities is None or line is None:
                continue
            reference = text(row["OrderRef"])
            sent = identities.of(line.trading_day, int(row["FrontID"]), int(row["SessionID"]), reference)
            foreign = system_name(row) or f"{row['FrontID']}/{row['SessionID']}/{reference}"
            found.append(venue_order(row, foreign if sent is None else sent.client_id))
        return found

    def query_positions(self) -> dict[tuple[str, str], float]:
        """Return the net positions, in lots."""
        return positions_of(self._ask("InvestorPosition"))

    def query_account(self) -> dict[str, float] | None:
        """Return the cash if it is to be compared; see the option `cash`."""
        if not self._options.cash:
            return None
        return cash_of(self._ask("TradingAccount"), self._ask("InvestorPosition"))

    # ---- inside

    def library(self) -> Library:
        """Return the library. Raises ComponentError, see `load_library`."""
        return load_library(self.kind, self._home)

    @property
    def _home(self) -> Path:
        assert self._bus is not None
        return self._bus.path.resolve().parent

    def _make_front(self) -> Front:
        folder = flow_folder(self._home, self.kind, f"gateway-{self.name}", "trader")
        if self._identities is None:
            self._identities = Identities(folder / "orders.jsonl")
        return Front(self.library(), "trader", self._fronts, folder, (*CALLBACKS, *_REPORTS), production=self._options.production)

    def _heard_by(self, line: TraderSession) -> Hearing:
        assert self._identities is not None
        before = None if self._hearing is None else self._hearing.waiting
        self._hearing = Hearing(self._identities, line, self.report, before)
        return self._hearing

    def _exchange(self, command: OrderCommand) -> str:
        if command.venue in EXCHANGES:
            return command.venue
        try:
            return exchange_of(command.symbol)
        except InstrumentError as error:
            raise OrderError(f"{error.message} Nothing was sent.", client_id=command.client_id) from error

    def _lots(self, command: OrderCommand) -> int:
        assert self._bus is not None
        instruments = self._bus.instruments
        return instruments[instruments.number(command.symbol, command.venue)].lots(command.quantity)

    def _ask(self, what: str) -> list[Fields]:
        line = self._line
        if line is None:
            raise GatewayError(f"Gateway {self.name!r} is not connected.")
        send: Callable[[int], object] = lambda number: line.query(what, self._patience_s, number=number)  # noqa: E731
        answer: Any = self.ask(lambda number: _call(send, number))
        if isinstance(answer, GatewayError):
            raise answer
        rows: list[Fields] = answer
        return rows

    def _collect(self, message: Message) -> None:
        rows = self._rows.setdefault(message.request, [])
        if message.fields is not None:
            rows.append(message.fields)
        if message.error:
            del self._rows[message.request]
            self.answer(message.request, GatewayError(f"{message.name.removeprefix('OnRspQry')}: {message.words}"))
        elif message.last:
            self.answer(message.request, self._rows.pop(message.request))


class TtsGateway(CtpGateway):
    """The same to TTS, openctp's simulated counter."""

    kind: ClassVar[str] = "tts"


def login_of(credentials: Credentials) -> Login:
    """Return who logs in. Raises SettingsError if something is missing."""
    needed = {key: credentials.need(key) for key in ("broker", "user", "password")}
    return Login(**needed, app_id=credentials.get("app_id", ""), auth_code=credentials.get("auth_code", ""))


def _call(send: Callable[[int], object], number: int) -> None:
    send(number)
