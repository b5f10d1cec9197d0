"""`collectors test` and `collectors backfill`: trying a collector out, and filling in a venue's own history."""

from __future__ import annotations

import contextlib

import click

from gcg_quant.clock import now_ns, to_iso
from gcg_quant.errors import CollectorError
from gcg_quant.moments import first_ns, last_ns
from gcg_quant.stretches import Stretch

from ...data_collector.live import ExchangeCollector, make_collector
from ...data_collector.live.backfill import Piece, pieces, stored
from ..checks.collector_check import check_collector, entry_named
from ..client import Client
from .context import home_of, settings_of
from .options import example, json_option, tell

__all__ = ["backfill", "try_out"]


@click.command("test", epilog=example("collectors test binance", "collectors test binance --wait 60"))
@click.argument("name")
@click.option(
    "--wait", "wait_s", default=30.0, show_default=True, type=click.FloatRange(min=0.1), help="Longest wait for the first event, s."
)
@json_option
@click.pass_context
def try_out(ctx: click.Context, name: str, wait_s: float, as_json: bool) -> None:
    """Connect the collector NAME of the settings beside the running system, and say step by step what works."""
    steps = []
    for step in check_collector(settings_of(ctx), name, wait_s=wait_s):
        steps.append(step._asdict())
        if not as_json:
            took = "" if step.seconds is None else f" ({step.seconds * 1000:.0f} ms)"
            click.echo(f"ok   {step.step}: {step.detail}{took}")
    if as_json:
        tell("", steps, as_json=True)


@click.command(
    epilog=example(
        "collectors backfill binance BTC/USDT --from 2026-11-20",
        "collectors backfill binance BTC/USDT --from 2026-01-01 --to 2026-02-01 --period 1h",
    )
)
@click.argument("name")
@click.argument("symbol")
@click.option("--from", "begin", required=True, help="First moment (UTC), such as 2026-11-20.")
@click.option("--to", "end", default="", help="Last moment; else now.")
@click.option("--period", default="1m", show_default=True, help='Of the bars; or "trade".')
@click.option("--again", is_flag=True, help="Also what is stored already.")
@json_option
@click.pass_context
def backfill(ctx: click.Context, name: str, symbol: str, begin: str, end: str, period: str, again: bool, as_json: bool) -> None:
    """Fill in SYMBOL from the own history of the venue of the collector NAME, through the running system, which stores it."""
    settings = settings_of(ctx)
    entry = entry_named(settings, name)
    home_of(ctx).require_running()
    start_ns, end_ns = first_ns(begin), min(last_ns(end) if end else now_ns(), now_ns())
    collector = make_collector(entry, settings.collectors)
    if missing := collector.missing_packages():
        raise CollectorError(f"{name}: {missing}", name=name)
    from ..running.stored_history import StoredHistory

    rows = 0
    with Client(home_of(ctx)) as client, contextlib.closing(StoredHistory(settings)) as history:
        bus = client.bus
        collector.attach(bus)
        collector.ask_terms(symbol)
        venue = collector.venue_of(symbol)

        def there(symbol: str, what: str) -> list[Stretch]:
            return [] if again else stored(history, symbol, venue, what, start_ns, end_ns)

        def traded(symbol: str, start: int, end: int) -> bool:
            return collector.terms.traded(symbol, start, end, bus.instruments)

        todo = list(pieces([symbol], [period], start_ns, end_ns, known=there, traded=traded))
        for number, piece in enumerate(todo, 1):
            rows += _fill(collector, piece)
            if not as_json:
                click.echo(f"{number} of {len(todo)}: {to_iso(piece.start_ns)[:19]}, {rows} rows")
    facts = {"collector": name, "symbol": symbol, "venue": venue, "period": period, "pieces": len(todo), "rows": rows}
    tell(
        f"{rows} rows of {symbol}@{venue} were filled in." if todo else f"All of {symbol}@{venue} is there already.", facts, as_json=as_json
    )


def _fill(collector: ExchangeCollector, piece: Piece) -> int:
    try:
        count = collector.refill(*piece)
    except OSError as error:
        raise CollectorError(f"The history of {collector.name} does not answer: {error}. The same command goes on from here.") from error
    if count is None:
        raise CollectorError(f"The venue of {collector.name} keeps no history of {piece.what!r}.", what=piece.what)
    return count
