"""The market makers' measures as they are read, on the console and in the report: groups of rows, a column a symbol."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from gcg_quant.clock import NS_PER_MICROSECOND, NS_PER_MILLISECOND, NS_PER_MINUTE, NS_PER_SECOND

from .measures import MakerHorizon, MakerMeasures

__all__ = ["maker_columns", "maker_rows", "span_text"]

ABSENT = "–"
_UNITS = (("min", NS_PER_MINUTE), ("s", NS_PER_SECOND), ("ms", NS_PER_MILLISECOND), ("µs", NS_PER_MICROSECOND), ("ns", 1))

Cell = Callable[[MakerMeasures], str]


def maker_columns(making: Sequence[MakerMeasures]) -> list[MakerMeasures]:
    """Return what gets a column: the total and each symbol, or the only symbol alone."""
    return list(making[1:] if len(making) == 2 else making)


def maker_rows(making: Sequence[MakerMeasures]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield (group, name, a text for each of `maker_columns`)."""
    columns = maker_columns(making)
    for group, rows in _GROUPS.items():
        for name, cell in rows:
            yield group, name, [cell(one) for one in columns]
        if group == "Spread":
            for at, horizon in enumerate(columns[0].horizons if columns else ()):
                after = span_text(horizon.horizon_ns)
                yield group, f"Realised after {after} (ticks / bps)", [_edge(one.horizons[at], "realised") for one in columns]
                yield group, f"Adverse after {after} (ticks / bps)", [_edge(one.horizons[at], "adverse") for one in columns]


def span_text(span_ns: float | None) -> str:
    """Return a span of time as it is read: "35 ms", "1.2 s"."""
    if span_ns is None:
        return ABSENT
    unit, length = next(((unit, length) for unit, length in _UNITS if span_ns >= length), _UNITS[-1])
    return f"{span_ns / length:.3g} {unit}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _share(value: float | None) -> str:
    return ABSENT if value is None else f"{value * 100:,.1f} %"


def _money(value: float | None) -> str:
    return _number(value, ",.2f")


def _quantity(value: float | None) -> str:
    return _number(value, ",.10g" if value is not None and abs(value) >= 1000 else ",.4g")


def _number(value: float | None, how: str) -> str:
    if value is None:
        return ABSENT
    text = format(value, how).replace("-", "−")
    return text if any(one in text for one in "123456789") else text.removeprefix("−")


def _pair(one: str, other: str) -> str:
    return ABSENT if one == other == ABSENT else f"{one} / {other}"


def _edge(measures: MakerMeasures | MakerHorizon, name: str) -> str:
    ticks, bps = getattr(measures, f"{name}_ticks"), getattr(measures, f"{name}_bps")
    return _pair(_number(ticks, ",.2f"), _number(bps, ",.3g"))


_GROUPS: dict[str, list[tuple[str, Cell]]] = {
    "Orders": [
        ("Sent", lambda m: _count(m.sent)),
        ("Filled / partly", lambda m: _pair(_count(m.filled), _count(m.partly))),
        ("Cancelled / rejected / working", lambda m: f"{_count(m.cancelled)} / {_count(m.rejected)} / {_count(m.working)}"),
        ("Fill ratio, orders", lambda m: _share(m.fill_ratio)),
        ("Fill ratio, quantity", lambda m: _share(m.quantity_fill_ratio)),
        ("Fill ratio, buys / sells", lambda m: _pair(_share(m.buy_fill_ratio), _share(m.sell_fill_ratio))),
        ("Orders a fill", lambda m: _number(m.order_to_trade, ",.2f")),
    ],
    "Trading": [
        ("Fills / of resting orders", lambda m: _pair(_count(m.fills), _count(m.maker_fills))),
        ("Maker share of the value", lambda m: _share(m.maker_share)),
        ("Buys / sells", lambda m: _pair(_count(m.buy_fills), _count(m.sell_fills))),
        ("Bought / sold", lambda m: _pair(_quantity(m.bought), _quantity(m.sold))),
        ("Turnover", lambda m: _money(m.turnover)),
        ("Turnover, times the capital", lambda m: _number(m.turnover_times, ",.2f")),
        ("Turnover a day", lambda m: _money(m.turnover_a_day)),
    ],
    "Queue": [
        ("Queue time, filled (p50 / p90)", lambda m: _pair(span_text(m.queue_filled_ns), span_text(m.queue_filled_p90_ns))),
        ("Queue time, cancelled (p50 / p90)", lambda m: _pair(span_text(m.queue_cancelled_ns), span_text(m.queue_cancelled_p90_ns))),
        ("Time to fill (p50 / p90)", lambda m: _pair(span_text(m.time_to_fill_ns), span_text(m.time_to_fill_p90_ns))),
        ("Size ahead, filled / not (p50)", lambda m: _pair(_quantity(m.ahead_filled), _quantity(m.ahead_unfilled))),
    ],
    "Spread": [("Half-spread (ticks / bps)", lambda m: _edge(m, "effective"))],
    "Inventory": [
        ("Mean / mean of its size", lambda m: _pair(_quantity(m.mean_position), _quantity(m.mean_position_size))),
        ("Largest / at the end", lambda m: _pair(_quantity(m.largest_position), _quantity(m.end_position))),
    ],
    "Profit": [
        ("From the spread", lambda m: _money(m.spread_profit)),
        ("From the inventory", lambda m: _money(m.inventory_profit)),
        ("Fees", lambda m: _money(m.fees)),
        ("Net", lambda m: _money(m.net_profit)),
    ],
}
