"""The bridges that the settings name, as components."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gcg_quant.crossing import crossing_types
from gcg_quant.events import World

from .receiver import BridgeReceiver
from .redis_bridge import RedisBridge
from .sender import BridgeSender

if TYPE_CHECKING:
    from gcg_quant.bridge_sections import BridgeReceiveEntry, BridgeSendEntry, BridgeSettings
    from gcg_quant.component import Component

__all__ = ["bridges"]


def bridges(settings: BridgeSettings) -> list[Component]:
    """Return a component for each bridge of the settings: who receives first, so that he is there before anything is sent.

    Raises:
        SettingsError: a URL is none of Redis.
    """

    def link(entry: BridgeSendEntry | BridgeReceiveEntry) -> RedisBridge:
        return RedisBridge(entry.name, entry.url or settings.url, settings.password.get_secret_value())

    receivers: list[Component] = [
        BridgeReceiver(
            link(entry),
            types=crossing_types(entry.types, entry.lanes),
            symbols=entry.symbols or None,
            begin=entry.start == "begin",
            worlds=[World[world.upper()] for world in entry.worlds] or None,
        )
        for entry in settings.receive
    ]
    senders: list[Component] = [
        BridgeSender(
            link(entry),
            types=crossing_types(entry.types, entry.lanes),
            symbols=entry.symbols or None,
            relay=entry.relay,
            stream_mb=entry.stream_mb,
        )
        for entry in settings.send
    ]
    return receivers + senders
