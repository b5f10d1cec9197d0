"""The contracts that a counter lists, asked for once at its trading front."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from gcg_quant.errors import CollectorError, InstrumentError, nearest
from gcg_quant.instruments import Instrument
from gcg_quant.openctp_front import Front
from gcg_quant.openctp_library import Library
from gcg_quant.openctp_terms import FUTURE, SPREAD, instrument_of
from gcg_quant.openctp_times import EXCHANGES
from gcg_quant.openctp_trader import CALLBACKS, Login, TraderSession
from gcg_quant.openctp_values import Fields, text

__all__ = ["Contracts"]


class Contracts:
    """The terms of futures and combinations by symbol; options are left out, they are charged by rules of their own."""

    def __init__(self, rows: Iterable[Fields]) -> None:
        """Args: `rows`: of CThostFtdcInstrumentField; those whose terms make no sense are passed over."""
        self.refused: dict[str, str] = {}
        self._terms: dict[str, Instrument] = {}
        for row in rows:
            if text(row["ExchangeID"]) not in EXCHANGES or text(row["ProductClass"]) not in (FUTURE, SPREAD):
                continue
            symbol = text(row["InstrumentID"])
            try:
                self._terms[symbol] = instrument_of(row)
            except InstrumentError as error:
                self.refused[symbol] = error.message

    @classmethod
    def ask(cls, library: Library, fronts: Sequence[str], folder: Path, login: Login, timeout_s: float, *, production: bool) -> Self:
        """Log in at a trading front, ask for the list and leave.

        Raises:
            GatewayError: it does not answer. CollectorError: it refuses.
        """
        front = Front(library, "trader", fronts, folder, CALLBACKS, production=production)
        try:
            front.wait(timeout_s)
            session = TraderSession(front, login)
            session.log_in(timeout_s, confirm=False)
            return cls(session.rows("Instrument", max(timeout_s, 30.0)))
        finally:
            front.close()

    def get(self, symbol: str) -> Instrument | None:
        """Return a contract's terms, None if it is not listed."""
        return self._terms.get(symbol)

    def need(self, symbol: str) -> Instrument:
        """Return a contract's terms.

        Raises:
            CollectorError: it is not listed; the message has the nearest one.
        """
        found = self._terms.get(symbol)
        if found is None:
            why = self.refused.get(symbol, f"the counter lists no contract {symbol!r}.{nearest(symbol, self._terms)}")
            raise CollectorError(why, symbol=symbol)
        return found

    def symbols(self) -> list[str]:
        """Return the symbols, sorted."""
        return sorted(self._terms)
