"""The pages of Eastmoney by akshare's functions, with what those lack: timeouts, a rate, connections that stay open, and the raw answer.

akshare (1.19) asks with `requests.get`, mostly without a timeout, and drops what the page says beside prices: when they were made, and the
share's name. In the modules that are used here its name `requests` leads to ours, for as long as one of our calls runs on the thread;
whoever else uses akshare in this process gets what it always did.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from gcg_quant.clock import NS_PER_SECOND, from_datetime
from gcg_quant.errors import CollectorError

if TYPE_CHECKING:
    from requests import Response

__all__ = ["AksharePages", "Answer", "EmptyPage", "MalformedPage", "RefusedPage"]

_MODULES = (
    "akshare.stock.stock_ask_bid_em",
    "akshare.stock_feature.stock_hist_em",
    "akshare.stock_feature.stock_tfp_em",
    "akshare.stock_feature.stock_fhps_em",
    "akshare.utils.func",
    "akshare.utils.request",
)
_MOST_BYTES = 64 << 20
_TOO_OFTEN = (403, 418, 429, 456)  # what pages answer to who asks too much
_PAUSE_S = 30.0


class MalformedPage(OSError):
    """A page that is not what akshare's function expects of it; `head` is its beginning."""

    def __init__(self, text: str, head: str = "") -> None:
        super().__init__(text)
        self.head = head


class EmptyPage(OSError):
    """The page says that it has nothing of the kind, which akshare's functions stumble over."""


class RefusedPage(OSError):
    """The page does not want to be asked so often."""


class Answer(NamedTuple):
    """What a function returned, and the JSON of the pages behind it."""

    value: Any
    pages: list[Any]


class AksharePages:
    """Calls akshare's functions. Any thread; several may call at once.

    Args:
        base: address instead of the pages' own ("http://127.0.0.1:9001"): paths and parameters stay as they are.
        connect_s, answer_s: how long connecting, and a whole answer, may take.
        pause: called before each request, to keep the rate.
        hold: called with the seconds for which a page wants to be left alone.
        connections: kept open at once.
        wall: our clock.
    """

    def __init__(
        self,
        base: str = "",
        *,
        connect_s: float = 10.0,
        answer_s: float = 20.0,
        pause: Callable[[], object] = lambda: None,
        hold: Callable[[float], object] = lambda seconds: None,
        connections: int = 4,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self._base = base.rstrip("/")
        self._connect_s, self._answer_s = connect_s, answer_s
        self._pause, self._hold, self._wall = pause, hold, wall
        self._connections = connections
        self._session: Any = None
        self._lock = threading.Lock()
        self._under_way: dict[int, float] = {}  # requests: when they began
        self.requests = 0
        self.clock_offset_ns: int | None = None  # the page's clock less ours, to half a second

    def load(self) -> None:
        """Import akshare: seconds, the first time. Raises CollectorError if it is missing, or another one than was expected."""
        _functions()

    def call(self, name: str, **words: Any) -> Answer:
        """Return what akshare's function `name` returns.

        Raises:
            OSError: no connection, no whole answer in time; EmptyPage: there is nothing of the kind; MalformedPage: rubbish; RefusedPage:
                asked too often. CollectorError: akshare is missing or another one.
        """
        functions = _functions()
        call = _Call(self)
        token = _CALL.set(call)
        try:
            return Answer(functions[name](**words), call.pages)
        except (OSError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:  # requests' own errors are OSErrors
            if call.refused:
                raise RefusedPage(f"{name}: the page answers {call.refused}: it is asked too often") from error
            if isinstance(error, OSError) and not isinstance(error, ValueError):  # an answer that is no JSON is both
                raise ConnectionError(f"{name}: {_short(error)}") from error
            if _says_nothing(call.pages):
                raise EmptyPage(f"{name}: there is nothing for {', '.join(map(str, words.values()))}") from error
            raise MalformedPage(f"{name}: {type(error).__name__}: {error}", call.head) from error
        finally:
            _CALL.reset(token)

    def close(self) -> None:
        """Close what is open; what waits ends within its time."""
        with self._lock:
            session, self._session = self._session, None
            self._under_way = {}
        if session is not None:
            _shut(session)

    def longest_s(self) -> float:
        """Return how long the oldest request of now has been under way: the pages' head has no time limit of its own."""
        began = list(self._under_way.values())
        return time.monotonic() - min(began) if began else 0.0

    # ---- inside: what akshare's functions get for `requests`

    def get(self, call: _Call, url: str, **words: Any) -> Response:
        """Return the response to a request of akshare's."""
        self._pause()
        under_way, begin = self._under_way, time.monotonic()
        under_way[id(call)] = begin
        try:
            response = self._got(call, url, begin + self._answer_s, **words)
        finally:
            under_way.pop(id(call), None)
        self._note_clock(response)
        with contextlib.suppress(ValueError):
            call.pages.append(json.loads(response.content))
        return response

    def _got(self, call: _Call, url: str, end: float, **words: Any) -> Response:
        self.requests += 1
        asked = {**words, "timeout": (self._connect_s, self._answer_s), "stream": True}
        session = self._open()
        try:
            response: Response = session.get(self._at(url), **asked)
            try:
                response._content = _body(response, end, self._answer_s)
                response._content_consumed = True
            finally:
                response.close()
        finally:
            if session is not self._session:  # closed in the meantime: what it has opened since is closed, too
                _shut(session)
        call.head = response.text[:200]
        if response.status_code in _TOO_OFTEN:
            call.refused = response.status_code
            self._hold(_PAUSE_S)
        if response.status_code >= 400:
            raise ConnectionError(f"the page answers {response.status_code} {response.reason}")
        return response

    def _at(self, url: str) -> str:
        if not self._base:
            return url
        parts = urlsplit(url)
        return self._base + parts.path + (f"?{parts.query}" if parts.query else "")

    def _open(self) -> Any:
        import requests
        from requests.adapters import HTTPAdapter

        with self._lock:
            if self._session is None:
                self._session = requests.Session()
                for scheme in ("http://", "https://"):
                    self._session.mount(scheme, HTTPAdapter(pool_connections=8, pool_maxsize=self._connections))
            return self._session

    def _note_clock(self, response: Response) -> None:
        # HTTP's clock has whole seconds: on average the moment was half a second later.
        with contextlib.suppress(ValueError, TypeError, KeyError):
            shown = from_datetime(parsedate_to_datetime(response.headers["Date"]))
            self.clock_offset_ns = shown + NS_PER_SECOND // 2 - self._wall()


class _Call:
    # One call of one of akshare's functions.
    def __init__(self, client: AksharePages) -> None:
        self.client = client
        self.pages: list[Any] = []
        self.head = ""
        self.refused = 0


_CALL: ContextVar[_Call | None] = ContextVar("gcg_quant_akshare", default=None)


class _Requests(ModuleType):
    # What `requests` means in akshare's modules: ours during our calls, else the real one.
    def __init__(self, real: ModuleType) -> None:
        super().__init__(real.__name__)
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def get(self, url: str, **words: Any) -> Any:
        call = _CALL.get()
        return self._real.get(url, **words) if call is None else call.client.get(call, url, **words)

    def Session(self) -> Any:  # noqa: N802 - as requests calls it
        call = _CALL.get()
        return self._real.Session() if call is None else _Session(call)


class _Session:
    # A session of akshare's `request_with_retry`; the connections are ours.
    def __init__(self, call: _Call) -> None:
        self._call = call

    def __enter__(self) -> _Session:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def mount(self, *_: object) -> None:
        pass

    def get(self, url: str, **words: Any) -> Any:
        return self._call.client.get(self._call, url, **words)


_loading = threading.Lock()


def _functions() -> dict[str, Any]:
    names = {
        "stock_bid_ask_em": _MODULES[0],
        "stock_zh_a_spot_em": _MODULES[1],
        "stock_zh_a_hist": _MODULES[1],
        "stock_zh_a_hist_min_em": _MODULES[1],
        "stock_tfp_em": _MODULES[2],
        "stock_fhps_detail_em": _MODULES[3],
    }
    with _loading:
        try:
            for name in _MODULES:
                importlib.import_module(name)
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] == "akshare":
                here = "akshare" in sys.modules
                text = f"akshare has no module {error.name} any more" if here else "akshare is not installed"
                raise CollectorError(f"{text}: pip install 'gcg_quant[a_shares]'.") from error
            raise
        for name in _MODULES:
            module: Any = sys.modules[name]
            if hasattr(module, "requests") and not isinstance(module.requests, _Requests):
                module.requests = _Requests(module.requests)
            if hasattr(module, "get_tqdm"):
                module.get_tqdm = _quiet(module.get_tqdm)
        try:
            return {name: getattr(sys.modules[module], name) for name, module in names.items()}
        except AttributeError as error:
            raise CollectorError(f"This akshare is another one than was expected ({error}): pip install 'gcg_quant[a_shares]'.") from error


def _quiet(get_tqdm: Any) -> Any:
    # No progress bars on the terminal while we ask.
    if getattr(get_tqdm, "gcg_quant", False):
        return get_tqdm

    def chosen(enable: bool = True) -> Any:
        return get_tqdm(enable and _CALL.get() is None)

    chosen.gcg_quant = True  # type: ignore[attr-defined]
    return chosen


def _shut(session: Any) -> None:
    # urllib3 2 forgets its pools, and leaves their connections open until they are garbage that is collected.
    for adapter in session.adapters.values():
        pools = adapter.poolmanager.pools
        for key in pools.keys():  # noqa: SIM118  it cannot be iterated
            with contextlib.suppress(KeyError):
                pools[key].close()
    session.close()


def _body(response: Response, end: float, answer_s: float) -> bytes:
    taken = bytearray()
    for part in _parts(response):
        taken += part
        if time.monotonic() > end:
            raise TimeoutError(f"no whole answer within {answer_s:g} s")
        if len(taken) > _MOST_BYTES:
            raise ConnectionError(f"an answer of more than {_MOST_BYTES >> 20} MB")
    return bytes(taken)


def _parts(response: Response) -> Iterator[bytes]:
    # Whatever has come, so that an answer that drips is noticed.
    from urllib3.exceptions import HTTPError

    try:
        while part := response.raw.read1(1 << 16, decode_content=True):
            yield part
    except HTTPError as error:  # requests would turn it into one of its own
        raise ConnectionError(str(error)) from error


def _says_nothing(pages: list[Any]) -> bool:
    last = pages[-1] if pages else None
    return isinstance(last, dict) and any(name in last and last[name] is None for name in ("data", "result"))


def _short(error: BaseException) -> str:
    text = re.sub(r" with url: \S+", "", str(error)) or type(error).__name__  # as long as it is useless
    return text if len(text) <= 300 else text[:300] + "..."
