"""An instrument's terms as a Backtrader commission scheme, so that a strategy's own arithmetic of values and margins is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backtrader as bt

if TYPE_CHECKING:
    from gcg_quant.instruments import Instrument

__all__ = ["comminfo_of"]


def comminfo_of(instrument: Instrument) -> Any:
    """Return the `bt.CommInfoBase` of an instrument: futures are margined, everything else is paid for in full."""
    futures = instrument.kind == "future"
    return bt.CommInfoBase(
        commission=instrument.taker_fee,
        percabs=True,
        commtype=bt.CommInfoBase.COMM_PERC,
        mult=instrument.multiplier,
        stocklike=not futures,
        margin=1.0 if futures else None,
        automargin=instrument.multiplier * instrument.margin_rate if futures else False,
    )
