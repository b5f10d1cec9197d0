"""One connection to TWS or IB Gateway: ib_async's client and decoder, with a reader of our own that keeps the venue's times.

ib_async's `IB` class loads accounts and orders at each login, and puts its own clock on single trades; a collector wants neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC
from typing import TYPE_CHECKING, Any, Protocol

from gcg_quant.errors import CollectorError

if TYPE_CHECKING:
    from ib_async.contract import Contract

__all__ = ["INSTALL", "ClientIdInUse", "IbFeedback", "IbRefusal", "IbSession"]

INSTALL = "The kind 'ib' needs ib_async: pip install 'gcg_quant[stocks]'."
_CLIENT_ID_IN_USE = 326
_MOST_WAITING_BYTES = 4_000_000  # no message is as long: what claims to be is rubbish


class IbRefusal(Exception):
    """Interactive Brokers' answer to a request: an error with its number (TWS API, "Message Codes")."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{text} ({code})")
        self.code = code
        self.text = text


class ClientIdInUse(CollectorError):
    """Another client of the same TWS has the number."""


class IbFeedback(Protocol):
    """What takes the messages that are no answers; all on the connection's loop."""

    def price(self, request: int, kind: int, price: float, size: float) -> None:
        """A price of a subscription, with a size where it has one."""

    def size(self, request: int, kind: int, size: float) -> None:
        """A size, or the day's volume."""

    def text(self, request: int, kind: int, text: str) -> None:
        """A text: a time, a trade, dividends."""

    def number(self, request: int, kind: int, value: float) -> None:
        """A number: whether trading is halted."""

    def data_type(self, request: int, kind: int) -> None:
        """Whether a subscription is live (1), frozen (2), delayed (3) or both (4)."""

    def trade(self, request: int, time_s: int, price: float, size: float, odd: bool, exchange: str, condition: str) -> None:
        """A single trade."""

    def level(self, request: int, position: int, operation: int, side: int, price: float, size: float) -> None:
        """A change of a book's level: 0 insert, 1 update, 2 delete; side 0 ask, 1 bid."""

    def refused(self, request: int, code: int, text: str) -> bool:
        """An error of a subscription; False if it is none of ours."""

    def notice(self, code: int, text: str) -> None:
        """What concerns the connection as a whole."""

    def packet(self) -> None:
        """All messages of a packet have been handed over."""

    def fault(self, kind: str, why: str, payload: Any = None) -> None:
        """A message that could not be read."""


class _Complaints:
    # What ib_async's decoder says to its log of a message that it cannot read.
    def __init__(self, fault: Callable[..., None]) -> None:
        self._fault = fault

    def exception(self, text: str, *_: Any) -> None:
        self._fault("malformed", "a message that ib_async cannot read", text)

    error = exception


class IbSession:
    """A login at TWS. Made and used on one event loop.

    Args:
        feedback: takes what was subscribed.
        messages_per_s: most messages sent in a second.
    """

    defaultTimezone = UTC  # noqa: N815  ib_async's decoder asks for it

    def __init__(self, feedback: IbFeedback, messages_per_s: int) -> None:
        """Raise CollectorError if ib_async is not installed."""
        try:
            from ib_async import client as library
        except ImportError as error:
            raise CollectorError(INSTALL) from error
        self._feedback = feedback
        made: Any = library.Client
        self.client: Any = made(self)
        self.client.MaxRequests, self.client.RequestsInterval = messages_per_s, 1
        self.client.decoder.logger = _Complaints(feedback.fault)
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.client.apiError += self._failed
        self._answers: dict[Any, tuple[asyncio.Future[list[Any]], list[Any]]] = {}
        self._in_use = False

    # ---- the connection

    async def connect(self, host: str, port: int, client_id: int, timeout_s: float) -> None:
        """Log in.

        Raises:
            OSError: nobody answers. CollectorError: the client id is in use.
        """
        import logging

        logging.getLogger("ib_async.client").setLevel(logging.CRITICAL)  # what it says, the collector says
        task = asyncio.ensure_future(self.client.connectAsync(host, port, client_id, timeout_s))
        try:
            await asyncio.wait([task, self.ended], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not task.done():
                task.cancel()
            await asyncio.wait([task])
        error = None if task.cancelled() else task.exception()
        if self._in_use:
            raise ClientIdInUse(
                f"Client id {client_id} is in use at TWS {host}:{port}: give this collector another number (options.client_id).",
                client_id=client_id,
            )
        if isinstance(error, OSError) and not isinstance(error, TimeoutError):
            raise error
        if error is not None or task.cancelled() or not self.client.isReady():
            raise OSError(
                f"TWS at {host}:{port} did not log us in within {timeout_s:g} s; is the API switched on there, and this computer trusted?"
            )

    def close(self) -> None:
        """Close the connection."""
        if self.client.conn.transport is not None and not self.client.conn.transport.is_closing():
            self.client.disconnect()
        self._end("it was closed")

    async def answer(self, send: Callable[[int], None], timeout_s: float, key: Any = None) -> list[Any]:
        """Send a request and return what comes until its end.

        Args:
            send: sends it under the number that it gets.
            timeout_s: longest time for the whole answer.
            key: what the answer is known by if it has no number.

        Raises:
            OSError: no answer, or the connection ended. IbRefusal: an error came.
        """
        number = self.number()
        key = number if key is None else key
        waiting = self._answers.get(key)
        if waiting is None:
            waiting = self._answers[key] = (asyncio.get_running_loop().create_future(), [])
            send(number)
        try:
            return await asyncio.wait_for(asyncio.shield(waiting[0]), timeout_s)
        except TimeoutError:
            raise OSError(f"TWS did not answer within {timeout_s:g} s") from None
        finally:
            if self._answers.get(key) is waiting:
                del self._answers[key]

    def number(self) -> int:
        """Return the number of a new request. Raises OSError: there is no connection."""
        found: int = self.client.getReqId()
        return found

    def follow(self, feedback: IbFeedback) -> None:
        """Hand what comes to another one from now on."""
        self._feedback = feedback

    # ---- requests that are answered

    async def details(self, contract: Contract, timeout_s: float) -> list[Any]:
        """Return all contracts that fit, as ib_async's ContractDetails."""
        return await self.answer(lambda number: self.client.reqContractDetails(number, contract), timeout_s)

    async def price_steps(self, rule: int, timeout_s: float) -> list[Any]:
        """Return a market rule's price steps."""
        return await self.answer(lambda number: self.client.reqMarketRule(rule), timeout_s, ("rule", rule))

    async def clock_s(self, timeout_s: float) -> int:
        """Return the server's time in whole seconds since 1970."""
        return int((await self.answer(lambda number: self.client.reqCurrentTime(), timeout_s, "clock"))[0])

    async def bars(self, contract: Contract, end: str, duration: str, size: str, regular: bool, timeout_s: float) -> list[Any]:
        """Return historical bars of trades, as ib_async's BarData with the dates as they came."""

        def send(number: int) -> None:
            self.client.reqHistoricalData(number, contract, end, duration, size, "TRADES", regular, 2, False, [])

        return await self.answer(send, timeout_s)

    async def trades(self, contract: Contract, start: str, count: int, regular: bool, timeout_s: float) -> list[Any]:
        """Return historical trades, as ib_async's HistoricalTickLast."""

        def send(number: int) -> None:
            self.client.reqHistoricalTicks(number, contract, start, "", count, "TRADES", regular, False, [])

        return await self.answer(send, timeout_s)

    # ---- what ib_async's decoder and client call: their names are not ours

    def connectAck(self) -> None:  # noqa: N802, D102
        pass

    def setEventsDone(self) -> None:  # noqa: N802, D102
        self._end("TWS closed the connection")

    def connectionClosed(self) -> None:  # noqa: N802, D102
        self._end("TWS closed the connection")

    def tcpDataArrived(self) -> None:  # noqa: N802, D102
        if len(self.client._data) > _MOST_WAITING_BYTES:
            self._feedback.fault("malformed", "a message without an end", self.client._data[:64])
            self._end("TWS sent a message without an end")

    def tcpDataProcessed(self) -> None:  # noqa: N802, D102
        self._feedback.packet()

    def error(self, request: int, code: int, text: str, _: str = "") -> None:  # noqa: D102
        if code == _CLIENT_ID_IN_USE:
            self._in_use = True
            self._end(text)
            return
        warning = 2100 <= code < 2200
        waiting = self._answers.get(request) if request != -1 else None
        if waiting is not None and not warning:
            if not waiting[0].done():
                waiting[0].set_exception(IbRefusal(code, text))
        elif request == -1 or not self._feedback.refused(request, code, text):
            self._feedback.notice(code, text)

    def contractDetails(self, request: int, details: Any) -> None:  # noqa: N802, D102
        self._add(request, details)

    bondContractDetails = contractDetails  # noqa: N815

    def contractDetailsEnd(self, request: int) -> None:  # noqa: N802, D102
        self._finish(request)

    def marketRule(self, rule: int, steps: list[Any]) -> None:  # noqa: N802, D102
        self._finish(("rule", rule), steps)

    def currentTime(self, time_s: int) -> None:  # noqa: N802, D102
        self._finish("clock", [time_s])

    def historicalData(self, request: int, bar: Any) -> None:  # noqa: N802, D102
        self._add(request, bar)

    def historicalDataEnd(self, request: int, _start: str, _end: str) -> None:  # noqa: N802, D102
        self._finish(request)

    def historicalTicksLast(self, request: int, ticks: list[Any], done: bool) -> None:  # noqa: N802, D102
        for tick in ticks:
            self._add(request, tick)
        if done:
            self._finish(request)

    def marketDataType(self, request: int, kind: int) -> None:  # noqa: N802, D102
        self._feedback.data_type(request, kind)

    def priceSizeTick(self, request: int, kind: int, price: float, size: float) -> None:  # noqa: N802, D102
        self._feedback.price(request, kind, price, size)

    def tickSize(self, request: int, kind: int, size: float) -> None:  # noqa: N802, D102
        self._feedback.size(request, kind, size)

    def tickString(self, request: int, kind: int, text: str) -> None:  # noqa: N802, D102
        self._feedback.text(request, kind, text)

    def tickGeneric(self, request: int, kind: int, value: float) -> None:  # noqa: N802, D102
        self._feedback.number(request, kind, value)

    def tickByTickAllLast(  # noqa: N802, D102
        self, request: int, _kind: int, time_s: int, price: float, size: float, marks: Any, exchange: str, condition: str
    ) -> None:
        self._feedback.trade(request, time_s, price, size, marks.pastLimit or marks.unreported, exchange, condition)

    def updateMktDepth(self, request: int, position: int, operation: int, side: int, price: float, size: float) -> None:  # noqa: N802, D102
        self._feedback.level(request, position, operation, side, price, size)

    def updateMktDepthL2(  # noqa: N802, D102
        self, request: int, position: int, _maker: str, operation: int, side: int, price: float, size: float, _smart: bool = False
    ) -> None:
        self._feedback.level(request, position, operation, side, price, size)

    # ---- inside

    def _add(self, request: int, item: Any) -> None:
        waiting = self._answers.get(request)
        if waiting is not None:
            waiting[1].append(item)

    def _finish(self, key: Any, items: list[Any] | None = None) -> None:
        waiting = self._answers.get(key)
        if waiting is not None and not waiting[0].done():
            waiting[0].set_result(waiting[1] if items is None else items)

    def _failed(self, text: str) -> None:
        if not self.client.isReady():
            self._end(text)

    def _end(self, why: str) -> None:
        if not self.ended.done():
            self.ended.set_result(why)
        for waiting, _ in list(self._answers.values()):
            if not waiting.done():
                waiting.set_exception(OSError(why))
