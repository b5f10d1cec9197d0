"""hftbacktest's side of `hft_book`: its events, and the strategy as a compiled loop over its interface."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    DEPTH_SNAPSHOT_EVENT,
    GTX,
    LIMIT,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
    event_dtype,
)
from hftbacktest.data import correct_event_order
from numba import njit

__all__ = ["events_of", "run"]

_SNAPSHOT, _BUY = 3, 1  # BookAction, Side
_END_OF_DATA = 1


def events_of(deltas: Any, trades: Any) -> Any:
    """Return deltas and trades as its event array, in order by both clocks."""
    count = len(deltas)
    events = np.zeros(count + len(trades), event_dtype)
    for part, rows in ((events[:count], deltas), (events[count:], trades)):
        part["exch_ts"], part["local_ts"], part["px"], part["qty"] = (rows[name] for name in ("event_ns", "recv_ns", "price", "size"))
    depth = np.where(deltas["action"] == _SNAPSHOT, DEPTH_SNAPSHOT_EVENT, DEPTH_EVENT)
    events["ev"][:count] = depth | np.where(deltas["side"] == _BUY, BUY_EVENT, SELL_EVENT)
    events["ev"][count:] = TRADE_EVENT | np.where(trades["aggressor"] == _BUY, BUY_EVENT, SELL_EVENT)
    by_venue = np.argsort(events["exch_ts"], kind="stable")
    return correct_event_order(events, by_venue, np.argsort(events["local_ts"], kind="stable"))


def run(events: Any, terms: Any, looks: tuple[Any, Any, Any], order_dtype: Any) -> tuple[Any, float]:
    """Return the orders as rows of `order_dtype`, and the seconds of a second run, when everything is compiled."""
    for _ in range(2):
        orders = np.zeros(2 * len(looks[0]), order_dtype)
        backtest = HashMapMarketDepthBacktest([_asset(events, terms)])
        began = time.perf_counter()
        sent, code = _quote(backtest, looks[0], terms.distance, terms.lots, 1e-5, orders)
        seconds = time.perf_counter() - began
        backtest.close()
        if code not in (0, _END_OF_DATA):
            raise RuntimeError(f"hftbacktest stopped with the error code {code} after {sent} orders.")
    return orders[:sent], seconds


def _asset(events: Any, terms: Any) -> Any:
    asset = BacktestAsset().data(events).linear_asset(1.0).constant_order_latency(terms.entry_ns, terms.response_ns)
    queues = {
        "risk_averse": asset.risk_adverse_queue_model,
        "proportional": lambda: asset.power_prob_queue_model(1.0),
        "power": lambda: asset.power_prob_queue_model(terms.power),
        "logarithmic": asset.log_prob_queue_model,
    }
    asset = queues[terms.queue]()
    return asset.partial_fill_exchange().trading_value_fee_model(0, 0).tick_size(0.01).lot_size(1e-5).last_trades_capacity(0)


@njit  # type: ignore[untyped-decorator]
def _look_at(backtest: Any, orders: Any, lots: int, lot: float) -> None:
    # What the strategy knows of its orders now. Statuses: 1 new, 2 expired, 3 filled, 4 cancelled, 5 partially filled.
    values = backtest.orders(0).values()
    while values.has_next():
        order = values.get()
        row = orders[order.order_id]
        row["filled"] = lots - round(order.leaves_qty / lot)
        if order.status == 3 or (order.status == 5 and order.exec_qty > 0):
            row["fill_ns"], row["fill_ticks"] = order.exch_timestamp, order.exec_price_tick
        if order.status == 3:
            row["end"] = 1
        elif order.status == 4:
            row["end"] = 2
        elif order.status == 2 or order.status == 6:
            row["end"] = 3


@njit  # type: ignore[untyped-decorator]
def _quote(backtest: Any, looks: Any, distance: int, lots: int, lot: float, orders: Any) -> tuple[int, int]:
    sent = code = 0
    live = np.full(2, -1)
    backtest.elapse(0)  # to the first event
    for now_ns in looks:
        code = backtest.elapse(now_ns - backtest.current_timestamp)
        if code != 0:
            break
        _look_at(backtest, orders, lots, lot)
        backtest.clear_inactive_orders(0)
        depth = backtest.depth(0)
        for side in range(2):
            ticks = depth.best_bid_tick - distance if side == 0 else depth.best_ask_tick + distance
            if live[side] >= 0 and orders[live[side]]["end"] == 0:
                if orders[live[side]]["ticks"] == ticks:
                    continue
                backtest.cancel(0, live[side], False)
            live[side] = sent
            row = orders[sent]
            row["sent_ns"], row["side"], row["ticks"] = now_ns, side + 1, ticks
            if side == 0:
                backtest.submit_buy_order(0, sent, ticks * 0.01, lots * lot, GTX, LIMIT, False)
            else:
                backtest.submit_sell_order(0, sent, ticks * 0.01, lots * lot, GTX, LIMIT, False)
            sent += 1
    if code == 0:
        code = backtest.elapse(1_000_000_000_000)
    _look_at(backtest, orders, lots, lot)
    return sent, code
