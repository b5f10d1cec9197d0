"""Stock parity for whatever sequence of orders: sequences that hypothesis makes up, in the modes of a run and under several brokers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import backtrader as bt
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from parity.bars import coarse_bars
from parity.setups.accounts import calls
from parity.sides import Setup, Side, deviations, our_sides, run, stock_side
from parity.watching import Plain, Watching, note
from torture import examples

KINDS = [getattr(bt.Order, name) for name in ("Market", "Close", "Limit", "Stop", "StopLimit", "StopTrail", "StopTrailLimit")]
ACTIONS = ["buy", "sell", "close", "cancel", "oco", "bracket", "target", "cash"]
ORDERS = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.sampled_from(ACTIONS),
        st.sampled_from(KINDS),
        st.integers(-6, 6),
        st.integers(1, 5),
        st.sampled_from([None, timedelta(hours=2), timedelta(hours=11), bt.Order.DAY]),
        st.integers(0, 1),
    ),
    min_size=1,
    max_size=14,
)
BROKERS = st.sampled_from(
    [
        {},
        {"setcommission": {"commission": 0.001}},
        {"setcommission": {"commission": 1.5, "margin": 50.0, "mult": 4.0}},
        {"setcommission": {"interest": 0.2}, "set_cash": 400.0},
        {"set_slippage_fixed": {"fixed": 0.25, "slip_limit": False}},
        {"set_coc": True},
        {"set_filler": bt.broker.filler.FixedSize(size=2)},
    ]
)
# What the fast path leaves otherwise with several feeds, and no number depends on: the last mark of a closed position, which nobody reads
# again, and the order of the entries of `d_credit`, which are only ever asked for one by one.
LEFTOVERS = r"Position\(size=-?0(\.0)?, price=[^,]*, adjbase=[^,]*|^d_credit = .*"
OPTIONS = st.sampled_from([(), (("stdstats", False),), (("runonce", False),), (("preload", False),), (("exactbars", 1),)])


def scripted(base: type, sequence: list[tuple[Any, ...]]) -> type:
    """Return a class that gives these orders at these bars."""

    class Scripted(base):  # type: ignore[misc, valid-type]
        def act(self, bar: int) -> None:
            for at, action, kind, shift, size, valid, which in sequence:
                if at == bar:
                    self.give(self.datas[which], action, kind, self.datas[which].close[0] + shift * 0.25, size, valid)

        def give(self, data: Any, action: str, kind: int, price: float, size: int, valid: Any) -> None:
            terms = {"exectype": kind, "price": price, "plimit": price + 0.25, "valid": valid, "trailamount": 0.5}
            working = self.broker.get_orders_open()
            if action in ("buy", "sell"):
                getattr(self, action)(data, size=size, **terms)
            elif action == "oco" and working:
                self.sell(data, size=size, oco=working[-1], **terms)
            elif action == "bracket":
                self.buy_bracket(data, size=size, exectype=kind, price=price, plimit=price, stopprice=price - 1.0, limitprice=price + 1.0)
            elif action == "target":
                self.order_target_size(data, target=size - 3)
            elif action == "cash":
                self.broker.add_cash(10.0 * size)
            elif action == "cancel":
                note("cancelled", [self.broker.cancel(order) for order in working[:2]])
            else:
                self.close(data)

    return Scripted


# An example is small already, and making it smaller takes minutes.
@settings(max_examples=examples(24), deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(ORDERS, BROKERS, OPTIONS, st.sampled_from([Plain, Watching]))
def test_any_sequence_of_orders_equals_stock(sequence: Any, broker: dict[str, Any], options: Any, base: type) -> None:
    """Whatever orders are given at whatever bars of two feeds, all that the run tells and leaves is stock's."""
    strategy = scripted(base, sequence)

    def build(side: Side) -> Any:
        cerebro = side.cerebro()
        for number in (0, 1):
            cerebro.adddata(side.feed(coarse_bars(44, seed=number)[number * 3 :: number + 1], f"F{number}"))
        calls(**broker)(cerebro)
        cerebro.addstrategy(strategy)
        return cerebro

    setup = Setup("a sequence", build, options=options)
    stock = run(setup, stock_side())
    for side in our_sides(setup):
        ours = run(setup, side)
        found = deviations(stock, ours, side, LEFTOVERS)
        assert not found, f"{side}: " + "\n".join(found)
