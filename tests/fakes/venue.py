"""`run`: a fake venue's process, from its command line on."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from fakes.account import Account
from fakes.exchange import Exchange
from fakes.front import Front
from fakes.market import Market
from fakes.memory import Memory
from fakes.recording import Recording, Replay
from fakes.store import Store
from fakes.terms import Terms, many

KEY, SECRET, PASSPHRASE = "fake-key", "fake-secret", "fake-passphrase"
BALANCES = ("USDT=100000", "BTC=1", "ETH=10")


def play(exchange: Exchange, recording: Recording, speed: float) -> None:
    """Let the recorded symbols live as recorded; all have the recorded steps."""
    for symbol, steps in recording.steps.items():
        recorded, listed = recording.terms(symbol), exchange.markets.get(symbol)
        if listed is not None:
            recorded = replace(listed.terms, tick=recorded.tick, lot=recorded.lot, start=recorded.start)
        market = exchange.markets[symbol] = Market(recorded, exchange.seed, exchange.founded_ms)
        market.crowd = Replay(steps, market, speed)


def run(name: str, listed: list[Terms], front: Callable[[Exchange, int, int], Front], arguments: list[str] | None = None) -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog=name, description=f"A fake {name} on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--parent", type=int, default=0, help="the process with which this one ends, whatever ends that")
    parser.add_argument("--state", type=Path, help="file that keeps orders, balances and trades over a restart")
    parser.add_argument("--seed", default="1", help="the same seed, the same walk")
    parser.add_argument("--step-ms", type=int, default=100, help="how often the crowd acts; 0: only when told so")
    parser.add_argument("--moves", type=int, default=2, help="acts a step and market")
    parser.add_argument("--symbols", type=int, default=0, help="so many more spot pairs")
    parser.add_argument("--recording", type=Path, help="play this file of recorded messages, in place of the crowd of its symbols")
    parser.add_argument("--futures", action="store_true", help="the recording is of perpetuals")
    parser.add_argument("--speed", type=float, default=1.0, help="of the recording")
    parser.add_argument("--strict", action="store_true", help="hang up on who sends more messages on a websocket than allowed")
    parser.add_argument("--checksums", action="store_true", help="OKX: the CRC32 in `books`, as until June 2026")
    parser.add_argument("--account", action="append", help="KEY:SECRET[:PASSPHRASE], again for more")
    parser.add_argument("--balance", action="append", help="CURRENCY=AMOUNT for each account, again for more")
    chosen = parser.parse_args(arguments)
    exchange = Exchange([*listed, *many(chosen.symbols)], chosen.seed)
    if chosen.recording is not None:
        play(exchange, Recording(chosen.recording, chosen.futures), chosen.speed)
    for text in chosen.account or [f"{KEY}:{SECRET}:{PASSPHRASE}"]:
        key, secret, *rest = text.split(":")
        pairs = [one.partition("=") for one in chosen.balance or BALANCES]
        account = Account(key, secret, rest[0] if rest else "", {currency: Decimal(amount) for currency, _, amount in pairs})
        exchange.accounts[key] = account
    serving = front(exchange, chosen.step_ms, chosen.moves)
    serving.strict = chosen.strict
    serving.parent = chosen.parent
    if chosen.checksums:
        serving.checksums = True  # type: ignore[attr-defined]
    if chosen.state is not None:
        Memory(exchange, Store(chosen.state)).recall(chosen.step_ms, chosen.moves)
    serving.serve(chosen.port)
