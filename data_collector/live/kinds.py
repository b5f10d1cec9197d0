"""The kinds of collectors that [[collectors.run]] may name, and what makes a collector of an entry."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, NamedTuple

from gcg_quant.collector_sections import CollectorEntry, CollectorsSettings
from gcg_quant.credentials import credentials_of
from gcg_quant.errors import GcgQuantError, SettingsError, nearest

if TYPE_CHECKING:
    from .collector import ExchangeCollector

__all__ = ["KINDS", "PLUGINS", "Kind", "collector_class", "kind_names", "make_collector", "make_collectors", "own_process"]

PLUGINS = "gcg_quant.collectors"  # the entry point group


class Kind(NamedTuple):
    """Where the class of a kind is, and whether it runs in a process of its own unless the entry says otherwise."""

    place: str  # "module:Class"; a module that begins with a dot is one of this room
    process: bool = False


KINDS: Mapping[str, Kind] = {
    "akshare": Kind(".stocks.akshare:AkshareCollector"),
    "baostock": Kind(".stocks.baostock:BaostockCollector"),
    "ccxt": Kind(".crypto.collector:CcxtCollector"),
    "ctp": Kind(".china_futures.collector:CtpCollector", process=True),
    "folder": Kind(".folder.collector:FolderCollector"),
    "ib": Kind(".stocks.ib:IbCollector"),
    "mt5": Kind(".fx.collector:Mt5Collector", process=True),
    "tts": Kind(".china_futures.collector:TtsCollector", process=True),
    "yfinance": Kind(".stocks.yahoo:YahooCollector"),
}


def kind_names() -> list[str]:
    """Return the kinds that are there: ours and those of plug-ins."""
    return sorted({*KINDS, *(found.name for found in entry_points(group=PLUGINS))})


def own_process(entry: CollectorEntry) -> bool:
    """Return whether an entry's collector runs in a process of its own."""
    if entry.process is not None:
        return entry.process
    kind = KINDS.get(entry.kind)
    return kind is not None and kind.process


def collector_class(entry: CollectorEntry) -> type[ExchangeCollector]:
    """Return the class of an entry's kind.

    Raises:
        SettingsError: there is no such kind, or it cannot be loaded; the message says what to install.
    """
    from .collector import ExchangeCollector

    place = f"[[collectors.run]] {entry.name}: kind {entry.kind!r}"
    kind = KINDS.get(entry.kind)
    plugin = next((one for one in entry_points(group=PLUGINS) if one.name == entry.kind), None)
    if kind is None and plugin is None and ":" not in entry.kind:
        raise SettingsError(f"{place}: there is no such kind.{nearest(entry.kind, kind_names())}", name=entry.name, kind=entry.kind)
    where = kind.place if kind is not None else plugin.value if plugin is not None else entry.kind
    module, _, name = where.partition(":")
    try:
        found = getattr(importlib.import_module(module, __package__.rpartition(".")[0] if module.startswith(".") else None), name)
    except Exception as error:  # a plug-in's module may raise anything
        why = f"{error}" if isinstance(error, (ImportError, AttributeError)) else f"{type(error).__name__}: {error}"
        raise SettingsError(f"{place} cannot be loaded from {where}: {why}.", name=entry.name, kind=entry.kind) from error
    if not (isinstance(found, type) and issubclass(found, ExchangeCollector)):
        raise SettingsError(f"{place}: {where} is no ExchangeCollector.", name=entry.name, kind=entry.kind)
    return found


def make_collector(entry: CollectorEntry, settings: CollectorsSettings) -> ExchangeCollector:
    """Return the collector of an entry. For a plug-in that cannot be loaded or made it is one that says so, and stops nothing else.

    Raises:
        SettingsError: its kind or options make no sense.
    """
    url = settings.urls.get(entry.name, "")
    plugin = entry.kind not in KINDS and any(one.name == entry.kind for one in entry_points(group=PLUGINS))
    try:
        found = collector_class(entry)
    except SettingsError as error:
        if not plugin:
            raise
        return _broken(entry, error.message)
    try:
        return found.from_entry(entry, url=url, credentials=credentials_of(entry.name))
    except GcgQuantError:
        raise
    except Exception as error:
        if not plugin:
            raise
        return _broken(entry, f"[[collectors.run]] {entry.name}: {found.__name__} cannot be made: {type(error).__name__}: {error}.")


def _broken(entry: CollectorEntry, why: str) -> ExchangeCollector:
    from .broken import BrokenCollector

    return BrokenCollector.of(entry, why)


def make_collectors(settings: CollectorsSettings) -> list[ExchangeCollector]:
    """Return the collectors of all entries. Raises SettingsError, see `make_collector`."""
    return [make_collector(entry, settings) for entry in settings.run]
