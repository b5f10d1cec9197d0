"""What a counter reports, in any order and as often as it likes, as reports on our orders. On the gateway's thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from gcg_quant.clock import now_ns
from gcg_quant.errors import GatewayError
from gcg_quant.openctp_callbacks import Message
from gcg_quant.openctp_trader import TraderSession
from gcg_quant.openctp_values import Fields, text

from ..base import GatewayReport, ReportKind
from .answers import fill_of, order_reports
from .identities import Identities, Sent

__all__ = ["Hearing", "Waiting"]

Waiting: TypeAlias = dict[tuple[str, str, str], list[Fields]]


class Hearing:
    """Knows whose each message is. A trade names its order by the exchange's number alone: one that comes before the order waits for it.

    Args:
        identities: our orders.
        line: the session; answers to requests name an order by its reference alone, and are of this session.
        report: takes the reports.
        waiting: trades that waited on the connection before.
    """

    def __init__(
        self, identities: Identities, line: TraderSession, report: Callable[[GatewayReport], None], waiting: Waiting | None = None
    ) -> None:
        self.waiting: Waiting = {} if waiting is None else waiting
        self._identities = identities
        self._line = line
        self._report = report
        self._accepted: set[str] = set()
        self._acts: dict[str, Callable[[Message], None]] = {
            "OnRtnOrder": self._order,
            "OnRtnTrade": self._trade,
            "OnRspOrderInsert": self._insert_refused,
            "OnErrRtnOrderInsert": self._insert_refused,
            "OnRspOrderAction": self._cancel_refused,
            "OnErrRtnOrderAction": self._cancel_refused,
        }

    def hear(self, message: Message) -> None:
        """Report what a message says of our orders. Raises GatewayError if the counter has logged us out."""
        if message.name == "OnRspUserLogout":
            raise GatewayError("the counter logged us out")
        act = self._acts.get(message.name)
        if act is not None and message.fields is not None:
            act(message)

    def tell_again(self, sent: Sent, order: Fields, trades: Iterable[Fields]) -> None:
        """Report all of an order that the day's queries say: that it is there, its trades, its end."""
        self._learn(sent, order)
        told = order_reports(order, sent.client_id, now_ns())
        ends = [report for report in told if report.kind != ReportKind.ACCEPTED]
        for report in told:
            if report.kind == ReportKind.ACCEPTED:
                self._report(report)
        key = self._key(order)
        for trade in trades:
            if key[2] and self._key(trade) == key:
                self._report(fill_of(trade, sent.client_id, now_ns()))
        for report in ends:
            self._report(report)

    # ---- inside

    def _order(self, message: Message) -> None:
        fields = message.fields
        assert fields is not None
        sent = self._identities.of(self._line.trading_day, int(fields["FrontID"]), int(fields["SessionID"]), text(fields["OrderRef"]))
        if sent is None:
            self.waiting.pop(self._key(fields), None)  # somebody else's
            return
        for report in order_reports(fields, sent.client_id, now_ns()):
            if report.kind == ReportKind.ACCEPTED:
                if sent.client_id in self._accepted:
                    continue
                self._accepted.add(sent.client_id)
                self._report(report)
                self._learn(sent, fields)
            else:
                self._learn(sent, fields)
                self._report(report)
        self._learn(sent, fields)

    def _learn(self, sent: Sent, fields: Fields) -> None:
        if not text(fields["OrderSysID"]):
            return
        self._identities.learn_system_id(sent, text(fields["ExchangeID"]), fields["OrderSysID"])
        for trade in self.waiting.pop(self._key(fields), ()):
            self._report(fill_of(trade, sent.client_id, now_ns()))

    def _trade(self, message: Message) -> None:
        fields = message.fields
        assert fields is not None
        key = self._key(fields)
        sent = self._identities.of_system(*key)
        if sent is not None:
            self._report(fill_of(fields, sent.client_id, now_ns()))
        else:
            self.waiting.setdefault(key, []).append(fields)

    def _insert_refused(self, message: Message) -> None:
        # Both name the order by its reference: that of this session, if it is one of the contract.
        fields = message.fields
        assert fields is not None
        sent = self._of_reference(fields)
        if sent is not None and message.error:
            told = GatewayReport(kind=ReportKind.REJECTED, client_id=sent.client_id, event_ns=now_ns(), reason=message.words)
            self._report(told)

    def _cancel_refused(self, message: Message) -> None:
        fields = message.fields
        assert fields is not None
        if not message.error:
            return
        day = self._line.trading_day
        sent = self._identities.of(day, int(fields["FrontID"]), int(fields["SessionID"]), text(fields["OrderRef"]))
        if sent is None:
            sent = self._identities.of_system(day, text(fields["ExchangeID"]), text(fields["OrderSysID"]))
        if sent is not None:
            told = GatewayReport(kind=ReportKind.CANCEL_REFUSED, client_id=sent.client_id, event_ns=now_ns(), reason=message.words)
            self._report(told)

    def _key(self, fields: Fields) -> tuple[str, str, str]:
        # All messages are of the session's trading day; what a message itself says of it depends on the exchange.
        return self._line.trading_day, text(fields["ExchangeID"]), text(fields["OrderSysID"])

    def _of_reference(self, fields: Fields) -> Sent | None:
        line = self._line
        sent = self._identities.of(line.trading_day, line.front_id, line.session_id, text(fields["OrderRef"]))
        return sent if sent is not None and sent.symbol == text(fields["InstrumentID"]) else None
