"""baostock's own client library against a server that speaks its protocol: what it does not do itself is done."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fakes.proxy import FaultProxy
from fakes.share_data import DAILY, dashed, minutes, share
from fakes.share_process import FakeProcess
from patience import within

from gcg_quant.calendar import Calendar
from gcg_quant.data_collector.stocks.baostock_session import BaostockSession, MalformedAnswer
from gcg_quant.errors import CollectorError

DAYS = [int(day) for day in Calendar("XSHG").day_starts()[1] if 20140101 <= day <= 20251231]
CODE = "sh.600519"
WEEK = {"start_date": "2025-01-02", "end_date": "2025-01-10", "frequency": "d", "adjustflag": "3"}
EVER = {"start_date": "2014-01-01", "end_date": "2025-12-31", "frequency": "d", "adjustflag": "3"}


@pytest.fixture(scope="module")
def store() -> dict[str, Any]:
    """One share of twelve years, its 5-minute bars of three weeks."""
    one = share(CODE, "贵州茅台", DAYS)
    one["5"] = minutes(CODE, DAYS[-15:])
    return {"shares": {CODE: one}, "trade_dates": [dashed(day) for day in DAYS]}


@pytest.fixture(scope="module")
def server(store: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeProcess]:
    """baostock's server."""
    process = FakeProcess("baostock", store, tmp_path_factory.mktemp("baostock"))
    yield process
    process.kill()


def session(port: int, **options: Any) -> BaostockSession:
    """Return a session that is not logged in yet."""
    return BaostockSession(("127.0.0.1", port), **{"connect_s": 20.0, "answer_s": 20.0, **options})


def test_all_pages_come_as_they_are_served(server: FakeProcess, store: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """Twelve years of days are two pages; minutes have columns of their own; the library says nothing on the screen."""
    asked = session(server.port)
    asked.login()
    assert asked.ask("query_history_k_data_plus", CODE, ",".join(DAILY), **EVER).rows == store["shares"][CODE]["daily"]
    fields = "date,time,code,open,high,low,close,volume,amount,adjustflag"
    five = asked.ask("query_history_k_data_plus", CODE, fields, **{**EVER, "frequency": "5"})
    assert five.rows == store["shares"][CODE]["5"]
    assert five.fields[:2] == ("date", "time")
    assert len(asked.ask("query_trade_dates", "2014-01-01", "2025-12-31").rows) == len(DAYS)
    assert asked.logins == 1
    assert capsys.readouterr().out == ""
    asked.hang_up()


def test_a_login_that_has_expired_is_made_anew(server: FakeProcess) -> None:
    """The server forgets who was logged in: one more login, and the answer comes."""
    asked = session(server.port)
    asked.login()
    server.do("expire")
    assert asked.ask("query_stock_basic", CODE).rows[0][1] == "贵州茅台"
    assert asked.logins == 2
    asked.hang_up()


@pytest.mark.parametrize("page", [1, 2])
@pytest.mark.parametrize("kind", ["rubbish", "json", "zlib", "short", "cut", "silent"])
def test_what_is_no_answer_is_an_error_and_the_next_one_is_right(server: FakeProcess, store: dict[str, Any], kind: str, page: int) -> None:
    """Also on the second page, where the library alone would take it for the end of the answer."""
    asked = session(server.port, answer_s=within(0.4, 4.0) if kind == "silent" else 20.0)
    asked.login()
    server.do("wrong", kinds=["", kind][2 - page :])
    with pytest.raises(OSError, match="baostock") as error:
        asked.ask("query_history_k_data_plus", CODE, ",".join(DAILY), **EVER)
    assert isinstance(error.value, MalformedAnswer) == (kind not in ("cut", "silent"))
    assert asked.ask("query_history_k_data_plus", CODE, ",".join(DAILY), **EVER).rows == store["shares"][CODE]["daily"]
    asked.hang_up()


def test_refusals_are_one_sentence(server: FakeProcess) -> None:
    """What the server refuses is no fault of the connection."""
    asked = session(server.port)
    with pytest.raises(CollectorError, match=r"baostock refuses query_adjust_factor.*no such code \(10004011\)"):
        asked.ask("query_adjust_factor", "sh.600000", "2020-01-01", "2021-01-01")
    with pytest.raises(CollectorError, match=r"refuses query_history_k_data_plus.*10004012"):
        asked.ask("query_history_k_data_plus", CODE, "date,moon", **WEEK)
    assert asked.logins == 1
    asked.hang_up()
    wrong_key = session(server.port, api_key="bs-short")
    with pytest.raises(CollectorError, match="the API key has a wrong format"):
        wrong_key.login()


def test_no_server_is_an_error_within_its_time() -> None:
    """Nothing listens, or somebody accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        begin = time.monotonic()
        with pytest.raises(OSError, match=r"timed out|no whole answer"):
            session(port, answer_s=0.3).login()
        assert time.monotonic() - begin < within(5.0, 15.0)
    with pytest.raises(OSError, match=f"baostock at 127.0.0.1:{port}"):
        session(port).login()


def test_a_reset_and_a_half_open_line_end_in_time(server: FakeProcess, store: dict[str, Any]) -> None:
    """The library has no timeout, and spins when the server has gone: here both end, and the next request connects again."""
    proxy = FaultProxy(server.port)
    try:
        asked = session(proxy.port, answer_s=within(0.5, 5.0))
        asked.login()
        proxy.reset(20_000)
        with pytest.raises(OSError, match="baostock"):
            asked.ask("query_history_k_data_plus", CODE, ",".join(DAILY), **EVER)
        proxy.open()
        assert len(asked.ask("query_history_k_data_plus", CODE, ",".join(DAILY), **WEEK).rows) == 7
        proxy.half_open()
        begin = time.monotonic()
        with pytest.raises(OSError, match="baostock"):
            asked.ask("query_stock_basic", CODE)
        assert time.monotonic() - begin < within(5.0, 15.0)
        proxy.open()
        assert asked.ask("query_stock_basic", CODE).rows == [store["shares"][CODE]["basic"]]
        asked.hang_up()
    finally:
        proxy.close()


def test_an_answer_that_drips_is_given_up(server: FakeProcess) -> None:
    """The time is that of the whole answer, not of its next byte."""
    proxy = FaultProxy(server.port)
    try:
        asked = session(proxy.port, answer_s=within(0.6, 5.0))
        asked.login()
        proxy.slow(2_000)
        begin = time.monotonic()
        with pytest.raises(OSError, match=r"no whole answer|timed out"):
            asked.ask("query_history_k_data_plus", CODE, ",".join(DAILY), **EVER)
        assert time.monotonic() - begin < within(5.0, 15.0)
    finally:
        proxy.close()


def test_hanging_up_wakes_who_waits(server: FakeProcess) -> None:
    """From another thread, in the middle of a wait."""
    asked = session(server.port, answer_s=60)
    asked.login()
    server.do("wrong", kinds=["silent"])
    before = server.do("seen")["requests"]
    failed: list[BaseException] = []

    def wait() -> None:
        try:
            asked.ask("query_stock_basic", CODE)
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while server.do("seen")["requests"] == before:
        time.sleep(0.005)
    asked.hang_up()
    thread.join(30)
    assert not thread.is_alive()
    assert "hung up" in str(failed[0])


def test_two_sessions_and_the_users_own_use_do_not_disturb_each_other(server: FakeProcess, capsys: pytest.CaptureFixture[str]) -> None:
    """The library has one connection for all: ours are lent to it for a call each."""
    one, other = session(server.port), session(server.port)
    one.login()
    other.login()
    import baostock

    constants: Any = sys.modules["baostock.common.contants"]
    kept = constants.BAOSTOCK_SERVER_IP, constants.BAOSTOCK_SERVER_PORT
    constants.BAOSTOCK_SERVER_IP, constants.BAOSTOCK_SERVER_PORT = "127.0.0.1", server.port
    try:
        assert baostock.login().error_code == "0"
        assert len(one.ask("query_stock_basic", CODE).rows) == 1
        answer = baostock.query_stock_basic(CODE)
        assert answer.error_code == "0"
        assert len(answer.data) == 1
        assert len(other.ask("query_stock_basic", CODE).rows) == 1
        baostock.logout()
    finally:
        constants.BAOSTOCK_SERVER_IP, constants.BAOSTOCK_SERVER_PORT = kept
    assert "login success!" in capsys.readouterr().out
    assert (one.logins, other.logins) == (1, 1)
    one.hang_up()
    other.hang_up()
