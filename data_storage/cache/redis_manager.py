"""The RedisManager: keeps in Redis what the system looks like now. docs/redis.md describes the keys.

The bus is read into a picture in memory, whether Redis is there or not. Every `flush_ms` what has changed in it goes out, in one
transaction: of a thousand ticks of a symbol the newest one. When Redis was away, or has lost what it held, it is filled again from the
picture; after a start the picture is made from the journal. Nothing of ours reads the cache back: no decision rests on it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING, ClassVar

import msgspec
from pydantic import ValidationError

from gcg_quant.clock import NS_PER_HOUR, now_ns
from gcg_quant.component import event_handler
from gcg_quant.errors import JournalError, StorageError
from gcg_quant.events import AlertEvent, Applied, Bar, ConfigChangeEvent, Depth, MetricEvent, Tick, TradeTick
from gcg_quant.sections import is_live
from gcg_quant.stateful import Stateful

from .changes import Changes
from .layout import Layout
from .link import OWNER_S, CacheLink, open_client
from .picture import Picture, StateBook

if TYPE_CHECKING:
    from gcg_quant.redis_sections import RedisSettings
    from gcg_quant.settings import Settings

__all__ = ["RedisManager"]

_KINDS = {Tick: "tick", Depth: "depth", TradeTick: "trade"}
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_ALIVE_EVERY_S = 1.0
_METRICS_EVERY_S = 10.0
_LONGEST_WAIT_S = 0.2
_LONGEST_READ_S = 0.5
_LONGEST_SEND_S = 0.5
_FILL_EVERY_S = 1.0
_LOOK_AGAIN_S = 1.0
_LATE_S = 5.0  # a backlog is read to its end first, but for no longer than this


class RedisManager(Stateful[StateBook]):
    """Keeps in Redis the newest tick, depth, trade and bar of every instrument, recent bars, positions, accounts, strategies, open orders.

    What it holds in memory for that is one event a key, and at most `bars` bars an instrument and period.

    Args:
        settings: the section [redis], with a URL and a prefix; what is marked live changes while it runs.
        world: what the keys say after the prefix; empty: the world of the bus.
        name: the component's name. One bus has one: a second one is refused by the reader of that name.
    """

    capabilities: ClassVar[tuple[str, ...]] = ("cache",)
    follows_always: ClassVar[bool] = True
    snapshot_every: ClassVar[int] = 1_000_000  # the market data that is passed over in between takes a fraction of a second

    def __init__(self, settings: RedisSettings, *, world: str = "", name: str = "redis") -> None:
        super().__init__(name, wait="sleep", batch=100_000)
        self.policy = settings
        self.picture = Picture(settings.bars)
        self._world = world
        self._link: CacheLink | None = None
        self._caught_up = False
        self._flush_at = self._alive_at = self._retry_at = self._late_at = self._metrics_at = self._fill_at = 0.0
        self._pause_s = 0.0
        self.fills = 0  # how often the cache was written as a whole
        self._filling = False
        self._taken_since = 0.0  # since when another system has been the owner; 0: none is
        self._said = ""  # what the last alert was about: "down", "taken"; nothing once that is over
        self._counted = (0, 0.0)  # commands written, and when
        self.subscribe(Tick | Depth | TradeTick, self._on_newest, latest=True)
        self.subscribe(Bar, self._on_bars, batch=10_000, backfill=True)

    @classmethod
    def from_settings(cls, settings: Settings) -> RedisManager:
        """Return the manager of a run. Where recorded data is played, its keys say so instead of naming the bus's world.

        Raises:
            StorageError: the URL is none of Redis.
        """
        chosen = settings.redis
        if not chosen.prefix:
            chosen = chosen.model_copy(update={"prefix": f"gcg:{settings.home.name}"})
        open_client(chosen.url).close()  # it connects to nothing, and says now what is wrong with the URL
        return cls(chosen, world="replay" if settings.replay.data else "")

    # ---- the bus

    def new_fold(self) -> StateBook:
        """Return an empty book of positions, accounts, strategies and orders."""
        return StateBook()

    def on_start(self) -> None:
        """Make the picture: positions and so on from the newest snapshot, market data from the last hours of the journal."""
        self.picture = Picture(self.policy.bars)
        self.recover()
        end = self.reader.cursor
        self.reader.seek_time(now_ns() - int(self.policy.refill_hours * NS_PER_HOUR))
        self.reader.seek(msgspec.structs.replace(self.reader.cursor, control=end.control, log=end.log))  # old settings are no news
        facts = {
            "world": self._world or self.bus.world.name.lower(),
            "bus": self.bus.bus_id,
            "host": socket.gethostname(),
            "pid": str(os.getpid()),
        }
        self._link = CacheLink(self.policy.url, Layout(self.policy.prefix, facts["world"]), facts)
        self._caught_up = False
        self._late_at = time.monotonic() + _LATE_S

    def read_batch(self) -> int:
        """Take in what is on the bus, send what has changed if it is time, and return how many events were read."""
        count = self._read()
        now = time.monotonic()
        if now >= self._flush_at and (self._caught_up or now >= self._late_at):
            self._flush_at = now + self.policy.flush_ms / 1000
            self._late_at = now + _LATE_S
            self._flush(now)
        wait_s = min(self._flush_at - time.monotonic(), _LONGEST_WAIT_S)
        if self._caught_up and wait_s > 0:
            self._stopping.wait(wait_s)
        return count

    def on_rest(self, idle: bool) -> None:
        """Let the book of positions be put down; here no event is ever half handled."""
        super().on_rest(True)

    def on_batch(self) -> None:
        """Publish the counts now and then."""
        self._publish_counts()

    def on_idle(self) -> None:
        """Publish the counts now and then."""
        self._publish_counts()

    def on_stop(self) -> None:
        """Send what has changed, and say that the cache grows old from now on."""
        link = self._link
        if link is None:
            return
        with contextlib.suppress(StorageError):  # there is nothing to be done about it any more
            if link.connected:
                self._read()
                self._send(link, time.monotonic())
                link.leave(self._alive("stopped"))
        link.close()

    @event_handler(ConfigChangeEvent)
    def on_config(self, event: ConfigChangeEvent) -> None:
        """Take over a changed policy, and write the cache anew if other kinds or bars are kept."""
        changes = {key.partition(".")[2]: value for key, value in event.changes.items() if key.startswith("redis.")}
        if not changes or event.revision == 1:
            return
        try:
            live = {key: value for key, value in changes.items() if is_live(type(self.policy), key)}
            new = type(self.policy).model_validate({**self.policy.model_dump(), **live})
        except ValidationError as error:
            self.publish(Applied(control=event.id, component=self.name, ok=False, detail=str(error.errors()[0]["msg"])))
            return
        before, self.policy = self.policy, new
        self.picture.shorten(new.bars)
        if self._link is not None and (before.kinds, before.bars, before.ttl_s) != (new.kinds, new.bars, new.ttl_s):
            self._link.known, self._filling, self._fill_at = 0, False, 0.0
        self.publish(Applied(control=event.id, component=self.name, detail=", ".join(live)))

    def _on_newest(self, event: Tick | Depth | TradeTick) -> None:
        self.picture.take(_KINDS[type(event)], event)

    def _on_bars(self, bars: list[Bar]) -> None:
        for bar in bars:
            self.picture.take_bar(bar)

    def _read(self) -> int:
        until = time.monotonic() + _LONGEST_READ_S
        count = 0
        while True:
            taken = self.handle_waiting(0.0)
            count += taken
            self._caught_up = not taken
            if not taken or self.stopping or time.monotonic() >= until:
                break
        follower = self._follower
        if follower is not None:
            while follower.follow():
                pass
            follower.fold.tell(self.picture)
        return count

    # ---- Redis

    def _flush(self, now: float) -> None:
        link = self._link
        if link is None or (not link.connected and (now < self._retry_at or not self._connect(link, now))):
            return
        try:
            if self._send(link, now):
                self._say_recovered(link)
        except StorageError as error:
            self._fail(error, now)

    def _connect(self, link: CacheLink, now: float) -> bool:
        self._filling = False
        try:
            other = link.connect()
            if not other and not link.holds():
                link.known = 0
        except StorageError as error:
            self._fail(error, now)
            return False
        if other:
            self._wait_for(other, now)
            return False
        self._alive_at = 0.0
        return True

    def _say_recovered(self, link: CacheLink) -> None:
        # A server may take the connection and refuse the writes: only what was written counts.
        self._pause_s = self._taken_since = 0.0
        if self._said:
            self._said = ""
            self._alert("info", f"Redis at {link.name} takes the cache {link.layout.root} again.")

    def _send(self, link: CacheLink, now: float) -> bool:
        # What has changed, in transactions of some thousand commands; a fill goes on at the next flush, so that the bus is read meanwhile.
        picture = self.picture
        if link.known and not picture.dirty and not picture.new_bars and now < self._alive_at:
            return False
        self._alive_at = now + _ALIVE_EVERY_S
        while True:
            if not link.known and not self._filling and not self._begin_to_fill(link):
                return False
            changes = Changes(picture, link.layout, self.policy)
            if self._filling:
                link.renew(changes.commands, self._alive("live" if changes.last else "filling"), last=changes.last)
                self._filling = not changes.last
            elif not link.write(changes.commands, self._alive("live")):
                link.known = 0
                continue
            changes.sent()
            if changes.last or time.monotonic() - now > _LONGEST_SEND_S:
                return True

    def _begin_to_fill(self, link: CacheLink) -> bool:
        # Where other programs push our keys out, this must not become all that Redis does.
        if time.monotonic() < self._fill_at:
            return False
        self._fill_at = time.monotonic() + _FILL_EVERY_S
        picture, layout = self.picture, link.layout
        picture.forget_sent()
        kinds = self.policy.kinds
        wanted = {layout.hash(*key) for key in picture.entries if key[0] in kinds}
        if "bar" in kinds and self.policy.bars:
            wanted |= {layout.stream(name) for name in picture.series}
        stale = [key for key in link.stored_keys() if key not in wanted]
        link.renew([("DEL", *stale[at : at + 1000]) for at in range(0, len(stale), 1000)], self._alive("filling"), last=False)
        self._filling = True
        self.fills += 1
        return True

    def _alive(self, state: str) -> dict[str, str]:
        if state == "live" and not self._caught_up:  # what is written is of the past
            state = "filling"
        return {"state": state, "lag": str(self.reader.lag)}

    def _fail(self, error: StorageError, now: float) -> None:
        self._filling = False
        if "owner" in error.context:
            self._wait_for(str(error.context["owner"]), now)
            return
        self._pause_s = min(max(_FIRST_PAUSE_S, 2 * self._pause_s), _LONGEST_PAUSE_S)
        self._retry_at = time.monotonic() + self._pause_s
        if self._said != "down":
            self._said = "down"
            self._alert("warning", f"{error} The system runs on without its cache, and tries again at least every {_LONGEST_PAUSE_S:g} s.")

    def _wait_for(self, owner: str, now: float) -> None:
        # A run before this one that was killed is the owner for some seconds more.
        self._taken_since = self._taken_since or now
        self._retry_at = now + _LOOK_AGAIN_S
        if now - self._taken_since > OWNER_S + _LOOK_AGAIN_S and self._said != "taken" and self._link is not None:
            self._said = "taken"
            root, name = self._link.layout.root, self._link.name
            self._alert(
                "warning", f"The cache {root} at {name} is kept by another system ({owner}): give one of the two another [redis] prefix."
            )

    def _alert(self, level: str, message: str) -> None:
        with contextlib.suppress(JournalError):
            self.publish(AlertEvent(level=level, component=self.name, name="redis", message=message), cause=0)

    def _publish_counts(self) -> None:
        now, link = time.monotonic(), self._link
        if now < self._metrics_at or link is None:
            return
        self._metrics_at = now + _METRICS_EVERY_S
        written, since = self._counted
        self._counted = (link.written, now)
        values = {
            "redis_connected": float(link.connected),
            "redis_keys": float(len(self.picture.stored) + len(self.picture.series)),
            "redis_writes_s": (link.written - written) / (now - since) if since else 0.0,
            "redis_unsent": float(len(self.picture.dirty)),
        }
        with contextlib.suppress(JournalError):
            for name, value in values.items():
                self.publish(MetricEvent(component=self.name, name=name, value=value), cause=0)
