"""Yahoo's pages, as yfinance reads them: what goes wrong becomes an OSError (try again) or a CollectorError (it is so)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from gcg_quant.clock import NS_PER_SECOND
from gcg_quant.errors import CollectorError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["INSTALL", "YahooPages"]

INSTALL = "The kind 'yfinance' needs yfinance: pip install 'gcg_quant[stocks]'."
_CHART = "https://query2.finance.yahoo.com/v8/finance/chart/"
_NO_ROWS = ("data doesn't exist", "no price data found", "no data found for this date range")
_T = TypeVar("_T")


class YahooPages:
    """One session at Yahoo; yfinance keeps one for a whole process. Any thread, one call at a time.

    Args:
        url: where to ask instead of Yahoo's hosts (a mirror, a fake); empty = Yahoo's own.
        folder: for yfinance's caches of cookies and time zones: not in the user's own folder.
        timeout_s: longest time for one answer.
    """

    def __init__(self, url: str, folder: Path, timeout_s: float) -> None:
        """Raise CollectorError if yfinance is not installed."""
        try:
            import yfinance
            from yfinance import cache
            from yfinance.data import YfData
        except ImportError as error:
            raise CollectorError(INSTALL) from error
        folder.mkdir(parents=True, exist_ok=True)
        yfinance.set_tz_cache_location(str(folder))
        cache._TzCacheManager._tz_cache = cache._CookieCacheManager._Cookie_cache = None  # else they keep the files of a folder before
        yfinance.config.debug.hide_exceptions = False  # or a page that cannot be read looks like one without rows
        logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # what it says, the collector says
        self._yfinance = yfinance
        self._session = _session(url, timeout_s)
        self._data: Any = YfData(session=self._session)
        self._timeout_s = timeout_s

    def meta(self, name: str) -> dict[str, Any]:
        """Return what Yahoo says of a symbol: currency, exchange, time zone, kind, names. Raises OSError, CollectorError."""

        def read() -> dict[str, Any]:
            answer = self._data.get(f"{_CHART}{name}", params={"range": "1d", "interval": "1d"}, timeout=self._timeout_s)
            chart = answer.json()["chart"]
            if chart["error"]:
                raise CollectorError(f"Yahoo has no {name!r}: {chart['error']['description']}.", symbol=name)
            found: dict[str, Any] = chart["result"][0]["meta"]
            return found

        return self._asked(name, read)

    def table(self, name: str, interval: str, start_s: int, end_s: int, prepost: bool) -> pd.DataFrame | None:
        """Return the rows of a stretch, without adjustment for dividends; None if there are none. Raises OSError, CollectorError."""
        import pandas as pd

        start, end = (pd.Timestamp(second, unit="s", tz="UTC") for second in (start_s, end_s))

        def read() -> pd.DataFrame:
            found: pd.DataFrame = self._ticker(name).history(
                start=start, end=end, interval=interval, prepost=prepost, auto_adjust=False, timeout=self._timeout_s
            )
            return found

        found = self._asked(name, read)
        return found if found is not None and len(found) else None

    def actions(self, name: str) -> tuple[pd.Series[float], pd.Series[float]]:
        """Return all dividends and all splits by their days. Raises OSError, CollectorError."""

        def read() -> tuple[pd.Series[float], pd.Series[float]]:
            table = self._ticker(name).history(period="max", interval="1d", auto_adjust=False, timeout=self._timeout_s)
            return table["Dividends"], table["Stock Splits"]

        found = self._asked(name, read)
        if found is None:
            raise CollectorError(f"Yahoo has no history of {name!r}.", symbol=name)
        return found

    def clock_ns(self) -> int | None:
        """Return the time of an answer's head, whole seconds: the middle of that second. Raises OSError."""

        def read() -> int | None:
            answer = self._data.get(f"{_CHART}SPY", params={"range": "1d", "interval": "1d"}, timeout=self._timeout_s)
            date = answer.headers.get("date")
            return int(parsedate_to_datetime(date).timestamp()) * NS_PER_SECOND + NS_PER_SECOND // 2 if date else None

        return self._asked("SPY", read)

    # ---- inside

    def _ticker(self, name: str) -> Any:
        return self._yfinance.Ticker(name, session=self._session)

    def _asked(self, name: str, read: Callable[[], _T]) -> _T:
        from yfinance import exceptions

        try:
            return read()
        except exceptions.YFRateLimitError:
            raise YahooBusy("Yahoo says that it was asked too often (429)") from None
        except exceptions.YFPricesMissingError as error:
            if not _is_chart(self._session.answer):  # to yfinance an answer of nothing is one without rows
                self._data.cache_get.cache_clear()
                raise YahooRubbish(f"{name}: an answer that is no chart") from None
            if any(text in str(error).lower() for text in _NO_ROWS):
                return None  # type: ignore[return-value]
            raise CollectorError(f"Yahoo: {error}.", symbol=name) from None
        except (exceptions.YFTzMissingError, exceptions.YFInvalidPeriodError) as error:
            raise CollectorError(f"Yahoo has no {name!r}: {error}.", symbol=name) from None
        except (CollectorError, OSError):
            self._data.cache_get.cache_clear()
            raise
        except Exception as error:  # curl_cffi's, JSON's, pandas': an answer that is none
            self._data.cache_get.cache_clear()  # yfinance would give the same bad answer again
            raise YahooRubbish(f"{name}: {type(error).__name__}: {error}") from error


class YahooBusy(OSError):
    """Asked too often: wait longer than usual."""


class YahooRubbish(OSError):
    """An answer that cannot be read."""


def _is_chart(answer: Any) -> bool:
    # Whether a page tells rows, or of a stretch without any, or why there are none.
    try:
        chart = answer.json()["chart"]
        return bool(chart["error"] or chart["result"])
    except (AttributeError, ValueError, LookupError, TypeError):
        return False


def _session(base: str, timeout_s: float) -> Any:
    # yfinance's own session with a limit for all pages (it gives its cookies half a minute), and, if another server is to be asked, with
    # that one's address in place of Yahoo's hosts: it is told which host was meant.
    from curl_cffi import requests

    place = urlsplit(base)

    class Session(requests.Session):  # type: ignore[type-arg]
        answer: Any = None  # the last one

        def request(self, method: Any, url: str, *args: Any, **named: Any) -> Any:
            named["timeout"] = timeout_s
            if base:
                parts = urlsplit(url)
                named["headers"] = {**(named.get("headers") or {}), "X-Forwarded-Host": parts.netloc}
                url = parts._replace(scheme=place.scheme, netloc=place.netloc).geturl()
            self.answer = super().request(method, url, *args, **named)
            return self.answer

    return Session(impersonate="chrome")
