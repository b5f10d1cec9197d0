"""docs/redis.md tells the truth: its commands and examples run on a real cache and print what stands there."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from gcg_quant.bus import EventBus
from gcg_quant.data_storage.cache.cache_reader import CacheReader
from gcg_quant.data_storage.cache.changes import Changes
from gcg_quant.data_storage.cache.layout import Layout
from gcg_quant.data_storage.cache.link import CacheLink
from gcg_quant.data_storage.cache.picture import Picture
from gcg_quant.data_storage.cache.redis_manager import RedisManager
from gcg_quant.events import AccountEvent, Bar, PositionEvent, StrategyStatusEvent, Tick, World
from gcg_quant.redis_sections import CacheKind, RedisSettings

from .redis_server import RedisServer

DOCS = (Path(__file__).resolve().parents[2] / "docs/redis.md").read_text(encoding="utf-8")
URL = "redis://localhost:6379/0"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Return a Redis with the cache that the page speaks of, kept up to date."""
    folder = tmp_path_factory.mktemp("redis")
    with RedisServer(folder) as running, EventBus(folder / "bus", world=World.PAPER, source="test", page_mb=1, sync="none") as bus:
        symbol = {"symbol": "BTC/USDT", "venue": "SIM"}
        bus.publish(Tick(**symbol, event_ns=1, last_price=64000.5, bid_price=64000.25))
        for at, close in enumerate((63000.0, 63990.0, 64000.5)):
            start_ns = (1_699_999_980 + 60 * at) * 1_000_000_000
            bus.publish(Bar(**symbol, period="1m", start_ns=start_ns, event_ns=start_ns + 60_000_000_000, close=close))
        bus.publish(StrategyStatusEvent(strategy="grid", state="running"))
        bus.publish(AccountEvent(account="paper", currency="USDT", equity=100012.625))
        bus.publish(PositionEvent(account="paper", strategy="grid", **symbol, quantity=0.25, average_price=63950.125))
        manager = RedisManager(RedisSettings(url=running.url, prefix="gcg:gcg_home", flush_ms=5))
        manager.start(bus)
        with running.client(decode_responses=True) as client:
            while client.hget("gcg:gcg_home:paper:alive", "state") != "live":
                assert manager.state in ("starting", "running")
        yield running
        assert manager.stop()


def test_every_command_prints_what_the_page_shows(server: RedisServer) -> None:
    """The lines behind `$` are run by redis-cli; what follows them is its answer."""
    program = shutil.which("redis-cli")
    if program is None:
        pytest.skip("redis-cli is not on the PATH: apt-get install redis-tools")
    found = re.findall(r"^    \$ redis-cli (.+)\n((?:    [^$\s].*\n)+)", DOCS, re.MULTILINE)
    assert len(found) >= 4
    for words, shown in found:
        done = subprocess.run([program, "-s", server.socket, *shlex.split(words)], capture_output=True, text=True, timeout=10, check=True)
        assert done.stdout.split() == shown.split(), words


def test_every_example_prints_what_its_comments_say(server: RedisServer) -> None:
    """The Python blocks run as they are, but for the URL."""
    blocks = re.findall(r"^```python\n(.*?)^```", DOCS, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    for block in blocks:
        assert URL in block
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            space: dict[str, object] = {}
            exec(block.replace(URL, server.url), space)
        if "r" in space:
            space["r"].close()  # type: ignore[attr-defined]
        assert out.getvalue().splitlines() == re.findall(r"print\(.*  # (.+)", block)


def test_every_kind_has_a_key_on_the_page() -> None:
    """What [redis] kinds may name stands in the table of keys."""
    for kind in get_args(CacheKind):
        assert re.search(rf"^\| `{kind}:", DOCS, re.MULTILINE), kind


def test_the_rights_on_the_page_are_enough(server: RedisServer) -> None:
    """A user who may do only what the page lists writes the cache, and another one reads it."""
    writing, reading = (text.lower().split() for text in re.findall(r"`(AUTH SELECT [A-Z ]+)`", DOCS))
    layout = Layout("gcg:rights", "paper")
    with server.client() as client:
        for name, commands in (("writer", writing), ("reader", reading)):
            rights = [f"+{command}" for command in commands]
            client.acl_setuser(name, enabled=True, passwords=["+pw"], commands=rights, keys=["gcg:rights:*"])
    link = CacheLink(server.url.replace("unix://", "unix://writer:pw@"), layout, {"bus": "b"})
    picture = Picture(10)
    picture.take("tick", Tick(symbol="A", venue="V", last_price=1.5))
    picture.take_bar(Bar(symbol="A", venue="V", period="1m", start_ns=60_000_000_000, close=2.5))
    changes = Changes(picture, layout, RedisSettings())
    assert link.connect() == ""
    link.renew([("DEL", layout.index("tick"))], {"state": "filling", "lag": "0"}, last=False)
    link.renew(changes.commands, {"state": "live", "lag": "0"}, last=True)
    assert link.write([("SREM", layout.index("tick"), "X@V")], {"state": "live", "lag": "0"})
    assert len(link.stored_keys()) == 5
    with CacheReader(server.url.replace("unix://", "unix://reader:pw@"), "gcg:rights") as cache:
        assert cache.latest_tick("A").last_price == 1.5  # type: ignore[union-attr]
        assert cache.recent_bars("A", "1m")["close"].tolist() == [2.5]
        assert (cache.symbols(), cache.positions(), cache.freshness().state) == (["A@V"], [], "live")
    link.leave({"state": "stopped", "lag": "0"})
    link.close()
