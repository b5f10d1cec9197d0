"""The result as a table on the console."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table

from gcg_quant.clock import NS_PER_DAY, to_iso
from gcg_quant.periods import period_ns

from .making.rows import maker_columns, maker_rows, span_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .making.measures import MakerMeasures
    from .results.result import BacktestResult, Measures, TradeRow

__all__ = ["print_report", "report_tables", "show_result"]

FEWEST_DAYS = 5
LAST_TRADES = 10
MAKER_COLUMNS = 4


def print_report(result: BacktestResult, console: Console | None = None, *, trades: int = LAST_TRADES) -> None:
    """Print the result and its newest `trades` trades."""
    out = console or Console()
    for table in report_tables(result, trades):
        out.print(table)
    for note in result.notes:
        out.print(note, highlight=False, soft_wrap=True)
    if result.folder:
        out.print(f"Saved in {result.folder}", highlight=False, soft_wrap=True)


def show_result(result: BacktestResult, console: Console | None = None) -> None:
    """Show the report where the console is a notebook and the run saved one, else print the tables."""
    console = console or Console()
    page = result._repr_html_() if console.is_jupyter else None
    if page is None:
        print_report(result, console)
        return
    from IPython.display import display  # a notebook has it

    show: Any = display  # untyped
    show({"text/html": page, "text/plain": repr(result)}, raw=True)


def report_tables(result: BacktestResult, trades: int = LAST_TRADES) -> list[Table]:
    """Return the tables of a report: the measures, the market makers' measures and the newest `trades` trades if there are any."""
    spec = result.spec
    settings = ", ".join(f"{name}={value}" for name, value in result.parameters.items())
    named = f"{result.strategy}({settings})" if settings or not result.ticks else result.strategy
    title = f"{named} on {', '.join(spec.symbols)} {'ticks' if result.ticks else spec.period}"
    measures = Table(title=title, box=box.SIMPLE_HEAVY, show_header=False, title_justify="left", title_style="bold")
    measures.add_column(style="dim")
    measures.add_column(justify="right")
    measures.add_column(style="dim")
    for name, value, note in _rows(result):
        measures.add_row(name, value, note)
    tables = [measures]
    if result.making:
        tables.extend(_maker_tables(result.making))
    if result.trades and trades > 0:
        tables.append(_trade_table(result, result.trades[-trades:]))
    return tables


def _rows(result: BacktestResult) -> Iterable[tuple[str, str, str]]:
    m = result.measures
    brief = _is_brief(result)
    few = f"less than {FEWEST_DAYS} days of trading"
    yearly = few if brief else f"daily returns × √{m.periods_per_year:g}, risk-free 0 %"
    first, last = _moment(result.first_ns or m.start_ns, result), _moment(m.end_ns, result)
    range_ = f"{first} to {last[11:] if result.ticks and first[:10] == last[:10] else last}"
    bars = "samples" if result.ticks else "bars"
    yield ("Ticks", f"{result.ticks:,}", range_) if result.ticks else ("Bars", f"{m.bars:,}", range_)
    yield "Value", f"{m.end_value:,.2f}", f"from {m.start_value:,.2f} {result.currency}".rstrip()
    yield "Total return", _percent(m.total_return), ""
    yield "CAGR", _percent(_yearly(m, m.cagr)), "less than a month" if _is_short(m) else "calendar years"
    yield "Volatility", _percent(None if brief else m.volatility), few if brief else f"daily returns × √{m.periods_per_year:g}"
    yield "Sharpe", _number(None if brief else m.sharpe), yearly
    yield "Sharpe, yearly", _number(None if brief else m.sharpe_yearly), "yearly returns, risk-free 1 % (bt default)"
    yield "Sortino", _number(_yearly(m, m.sortino)), yearly
    yield "Calmar", _number(_yearly(m, m.calmar)), "CAGR / max drawdown"
    yield "Value at risk", _percent(None if brief else m.value_at_risk), "of a day, 95 %, normal distribution"
    yield "Max drawdown", _percent(m.max_drawdown), f"{m.max_drawdown_money:,.2f}"
    yield "Longest drawdown", f"{m.max_drawdown_days:,.1f} d", f"{m.max_drawdown_bars:,} {bars}"
    yield "Trades", f"{m.trades:,}", f"{m.won:,} won, {m.lost:,} lost, {m.open_trades:,} open"
    yield "Win rate", _percent(m.win_rate), ""
    yield "Profit factor", _number(m.profit_factor), "won / lost, net of commission"
    yield "Net profit", _minus(f"{m.net_profit:,.2f}"), f"closed trades, after {m.commission:,.2f} commission"
    yield "SQN", _number(m.sqn), "√trades × mean / deviation of net profits"
    yield "Exposure", _percent(m.exposure), f"{bars} with a position"
    turnover = _yearly(m, m.turnover)
    yield "Turnover", "n/a" if turnover is None else f"{turnover:,.2f} ×", "traded value a year / mean value"
    if result.fast_reason:
        yield "Speed", "slow", result.fast_reason


# What a few days come to in a year says nothing, nor what minutes on two sides of midnight tell of days; report_page/measures.js leaves
# the same ones out.
def _is_brief(result: BacktestResult) -> bool:
    return bool(result.ticks) and len({time_ns // NS_PER_DAY for time_ns, _ in result.values}) < FEWEST_DAYS


def _is_short(m: Measures) -> bool:
    return m.end_ns - m.start_ns < 30 * NS_PER_DAY


def _yearly(m: Measures, value: float | None) -> float | None:
    return None if _is_short(m) else value


# Two symbols stand beside each other in 80 characters.
def _maker_tables(making: list[MakerMeasures]) -> Iterator[Table]:
    columns = maker_columns(making)
    shown = columns[:MAKER_COLUMNS]
    rows = list(maker_rows(making))
    for at in range(0, len(shown), 2):
        more = f", {len(shown) - 1} of {len(columns) - 1} symbols" if len(shown) < len(columns) else ""
        title = "" if at else f"Market making{more}"
        table = Table(title=title, box=box.SIMPLE, padding=(0, 1, 0, 0), title_justify="left", title_style="bold")
        table.add_column(no_wrap=True)
        for one in shown[at : at + 2]:
            table.add_column(one.symbol or "total", justify="right", no_wrap=True)
        before = rows[0][0]
        for group, name, cells in rows:
            if group != before:
                table.add_section()
            before = group
            table.add_row(name, *cells[at : at + 2])
        yield table


def _trade_table(result: BacktestResult, trades: list[TradeRow]) -> Table:
    total = len(result.trades)
    shown = f"The last {len(trades)} of {total:,} trades" if len(trades) < total else "Trades"
    # In a day over ticks, which the title names, there is room for the decimals of small trades.
    days = {_moment(row.entry_ns, result)[:10] for row in trades} if result.ticks else set()
    one_day = len(days) == 1
    shown = f"{shown}, {min(days)}" if one_day else shown
    table = Table(title=shown, box=box.SIMPLE, padding=(0, 1, 0, 0), title_justify="left", title_style="bold")
    for name in ("symbol", "entry", "exit"):
        table.add_column(name, no_wrap=True)
    held = "held" if result.ticks else "bars"
    numbers = ("size", "price", held, "fees", "net")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    # Eight columns go into 80 characters, of which the time of day takes twelve.
    most = 1e5 if period_ns(result.spec.period) >= NS_PER_DAY else 1e3
    decimals = 2 if max(abs(row.net_profit) for row in trades) < most else 0
    cents, of_fees = (
        4 if one_day and _are_small(amounts) else decimals
        for amounts in ([row.net_profit for row in trades], [row.commission for row in trades])
    )
    for row in trades:
        cells = {
            "size": _size(row.size),
            "price": f"{row.entry_price:,.6g}",
            held: span_text(row.exit_ns - row.entry_ns) if result.ticks else f"{row.bars:,}",
            "fees": f"{row.commission:,.{of_fees}f}",
            "net": f"[{'green' if row.net_profit > 0 else 'red'}]{_minus(f'{row.net_profit:,.{cents}f}')}[/]",
        }
        entry, leave = (_moment(time_ns, result, short=True) for time_ns in (row.entry_ns, row.exit_ns))
        entry = entry[6:] if one_day else entry
        leave = leave[6:] if result.ticks else leave  # the day is clear from how long it was held
        table.add_row(row.symbol, entry, leave, *(cells[name] for name in numbers))
    return table


# Amounts of which two decimals would leave little; report_page/trades.js has the same rule.
def _are_small(amounts: Iterable[float]) -> bool:
    sizes = [round(abs(one), 8) for one in amounts]
    return max(sizes) < 100 and any(0 < one < 0.1 for one in sizes)


def _size(value: float) -> str:
    return _minus(f"{value:,.10g}" if abs(value) >= 1 else f"{value:.8f}".rstrip("0").rstrip("."))


# Two decimals, and below 0.1 % two digits that say something.
def _percent(value: float | None) -> str:
    if value is None:
        return "n/a"
    size = abs(value * 100)
    return _minus(f"{value * 100:,.{1 - math.floor(math.log10(size)) if 5e-8 <= size < 0.1 else 2}f} %")


def _number(value: float | None) -> str:
    return "n/a" if value is None else _minus(f"{value:,.4f}")


# With a true minus sign, and none for what is shown as 0.
def _minus(text: str) -> str:
    return text.replace("-", "−") if any(one in text for one in "123456789") else text.removeprefix("-")


# Days for bars of a day or more, minutes below, on the clock of the first symbol's venue.
def _moment(time_ns: int, result: BacktestResult, *, short: bool = False) -> str:
    if not time_ns:
        return "n/a"
    if result.ticks:  # a second may see several fills, and no run over ticks takes years
        return to_iso(time_ns, result.timezone)[5 if short else 0 : 19].replace("T", " ")
    whole_days = period_ns(result.spec.period) >= NS_PER_DAY
    text = to_iso(time_ns, result.timezone)[: 10 if whole_days else 16].replace("T", " ")
    return text[2:] if short and not whole_days else text  # nine columns go into 80 characters
