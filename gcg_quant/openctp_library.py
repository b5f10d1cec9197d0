"""The library of China's futures counters: openctp-ctp (CTP) or openctp-tts (TTS), never both in one process.

What was found out about them, and is kept to here:

- Without the locale zh_CN.GB18030 the import aborts the process, and nothing can catch that: see `openctp_locale`. So an import is tried
  in a process of its own first.
- Their types collide: the second one is refused with a sentence.
- TTS's `Release` crashes the process while it connects, and leaves a thread behind otherwise: its objects are muted and kept instead, and
  used again for the same fronts. CTP's `Release` waits for a callback that is running.
- A callback that comes while the interpreter ends crashes it, too: all objects are muted before that.
"""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import os
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import Any, Literal

from gcg_quant.errors import ComponentError
from gcg_quant.openctp_locale import ensure_locale

__all__ = ["KINDS", "Library", "Role", "load_library"]

Role = Literal["market", "trader"]
KINDS = ("ctp", "tts")
_PROBE_S = 60.0
_lock = threading.Lock()
_loaded: dict[str, Library] = {}
_refused: dict[str, ComponentError] = {}
_living: dict[int, Any] = {}  # API objects that have a callback object, by identity
_kept: list[Any] = []  # callback objects: the library may be inside one whenever it is let go


class Library:
    """The modules of one kind, and how their API objects are made and let go.

    Attributes:
        kind: "ctp" or "tts".
        market: the module with CThostFtdcMdApi and its structs.
        trader: the module with CThostFtdcTraderApi and its structs.
    """

    def __init__(self, kind: str, market: Any, trader: Any) -> None:
        self.kind = kind
        self.market = market
        self.trader = trader
        self._idle: dict[tuple[str, ...], Any] = {}

    def module(self, role: Role) -> Any:
        """Return the module with a role's structs."""
        return self.market if role == "market" else self.trader

    def spi(self, role: Role) -> Any:
        """Return the class that callback objects derive from."""
        return self.market.CThostFtdcMdSpi if role == "market" else self.trader.CThostFtdcTraderSpi

    def api(self, role: Role, folder: Path, fronts: tuple[str, ...], *, production: bool = True) -> tuple[Any, bool]:
        """Return an API object, and whether it is one that is connecting already: then its fronts are known and `Init` was called."""
        idle = self._idle.pop((role, str(folder), *fronts), None)
        if idle is not None:
            return idle, True
        flow = f"{folder}{os.sep}"
        if self.kind == "tts":
            made = self.market.CThostFtdcMdApi.CreateFtdcMdApi(flow) if role == "market" else self._trader_api(flow)
        elif role == "market":
            made = self.market.CThostFtdcMdApi.CreateFtdcMdApi(flow, False, False, production)
        else:
            made = self._trader_api(flow, production)
        return made, False

    def listen(self, api: Any, spi: Any) -> None:
        """Let an API object call a callback object."""
        _living[id(api)] = api
        _kept.append(spi)
        api.RegisterSpi(spi)

    def let_go(self, api: Any, role: Role, folder: Path, fronts: tuple[str, ...]) -> None:
        """End an API object as far as that is safe; no callback comes any more."""
        api.RegisterSpi(None)
        _living.pop(id(api), None)
        if self.kind == "tts":
            self._idle[role, str(folder), *fronts] = api
        else:
            api.Release()

    def _trader_api(self, *arguments: Any) -> Any:
        return self.trader.CThostFtdcTraderApi.CreateFtdcTraderApi(*arguments)


def load_library(kind: str, home: Path) -> Library:
    """Return the library of a kind; `home` is where its locale may be made.

    Raises:
        ComponentError: it is not installed, its locale cannot be made, the other one is loaded in this process, or it cannot be imported.
    """
    with _lock:
        if kind in _loaded:
            return _loaded[kind]
        if kind in _refused:
            raise _refused[kind]
        try:
            found = _loaded[kind] = _load(kind, home)
        except ComponentError as error:
            _refused[kind] = error
            raise
        return found


def _load(kind: str, home: Path) -> Library:
    package = f"openctp_{kind}"
    for other in KINDS:
        if other != kind and f"openctp_{other}" in sys.modules:
            text = f"{other} and {kind} cannot run in one process, their libraries collide: set process = true for the collector of either."
            raise ComponentError(text, kind=kind)
    if importlib.util.find_spec(package) is None:
        raise ComponentError(f"{package.replace('_', '-')} is not installed: pip install 'gcg_quant[china]'.", kind=kind)
    ensure_locale(home / "locale")
    _try_import(package)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of SWIG's types, which name no module
        module = importlib.import_module(package)
    if not _loaded:
        atexit.register(_mute)
    return Library(kind, module.mdapi, module.tdapi)


def _try_import(package: str) -> None:
    # In a process of its own: what goes wrong there is an abort, not an exception.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"import {package}"], capture_output=True, text=True, timeout=_PROBE_S, check=False
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1].strip()
        raise ComponentError(f"{package} cannot be imported on this machine ({said}): reinstall it, pip install 'gcg_quant[china]'.")


def _mute() -> None:
    for api in _living.values():
        api.RegisterSpi(None)
