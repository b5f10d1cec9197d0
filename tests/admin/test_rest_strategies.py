"""Strategies over REST on a running system: files, upload, load, figures, log, and what is refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gcg_quant.admin.strategy_files import MOST_SOURCE_BYTES, StrategyFiles
from gcg_quant.errors import StrategyError
from gcg_quant.settings import Settings

from .conftest import System, call

RUN = ("--one-process",)  # starts in half the work
TALKER = """from gcg_quant.strategy_engine import Parameter, Strategy


class Talker(Strategy):
    '''Says hello and buys once.'''

    symbols = ("BTC/USDT",)
    size = Parameter(0.01, low=0.001, high=1, doc="how much")
    mood = Parameter("calm", choices=("calm", "loud"))

    def on_start(self):
        self.log(f"hello, {self.mood}")
        self.bought = False

    def on_tick(self, tick):
        if not self.bought:
            self.bought = True
            self.buy(self.size)
"""


@pytest.fixture(scope="module")
def rest(system: System) -> Iterator[httpx.Client]:
    """Return a client of the running system's REST interface."""
    with httpx.Client(base_url=f"{system.url}/api/v1", timeout=20) as client:
        yield client


def eventually(look: Callable[[], Any], timeout_s: float = 60.0) -> Any:
    """Return the first answer of `look` that is not empty, or fail."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"nothing within {timeout_s} s"
        time.sleep(0.05)
    return found


def refused(answer: httpx.Response, status: int, text: str) -> None:
    """Check that a request was answered by a problem document."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert text in answer.json()["detail"]


def test_an_uploaded_strategy_lives_and_is_removed(system: System, rest: httpx.Client) -> None:
    """Upload, load with parameters, watch it trade and talk, change, stop, unload, remove; nothing is run by uploading it."""
    row = rest.put("/strategies/files/talker.py", content=TALKER).json()
    assert (row["origin"], row["short"], row["error"]) == ("uploaded", "talker", "")
    (found,) = row["classes"]
    assert (found["class_name"], found["doc"], found["symbols"]) == ("Talker", "Says hello and buys once.", ["BTC/USDT"])
    assert [(one["name"], one["type"], one["default"]) for one in found["parameters"]] == [
        ("size", "float", 0.01),
        ("mood", "choice", "calm"),
    ]
    assert row in rest.get("/strategies/files").json()
    assert "Talker" in call(system.home, "strategies", "list").stdout
    refused(rest.put("/strategies/files/talker.py", content=TALKER), 409, "replace=true")
    assert rest.put("/strategies/files/talker.py?replace=true", content=TALKER).status_code == 200

    loaded = rest.post("/strategies", json={"file": row["file"], "strategy": "talker", "parameters": {"mood": "loud"}})
    assert (loaded.status_code, loaded.json()) == (201, {"strategy": "talker", "state": "running"})
    log = eventually(lambda: rest.get("/strategies/talker/log").json())
    assert log[0]["text"] == "hello, loud"
    shown = eventually(lambda: next((one for one in [rest.get("/strategies/talker").json()] if one["position"]), None))
    assert (shown["position"], shown["fills"], shown["currency"]) == (0.01, 1, "USDT")
    assert (shown["holdings"][0]["symbol"], shown["holdings"][0]["quantity"]) == ("BTC/USDT", 0.01)
    assert shown["fees"] > 0
    assert [one["name"] for one in shown["declared"]] == ["size", "mood"]

    assert rest.patch("/strategies/talker", json={"size": 0.5}).json() == {"strategy": "talker", "done": "set_parameters"}
    assert rest.get("/strategies/talker").json()["parameters"] == {"size": 0.5, "mood": "loud"}
    refused(rest.patch("/strategies/talker", json={"size": 5}), 409, "must be a number from 0.001 to 1")
    assert rest.post("/strategies/talker/stop").json()["done"] == "stop"
    assert rest.get("/strategies/talker").json()["state"] == "stopped"
    refused(rest.delete("/strategies/files/talker.py"), 409, "unload that first")
    assert rest.delete("/strategies/talker").status_code == 200
    refused(rest.get("/strategies/talker"), 404, "There is no strategy 'talker'.")
    assert rest.delete("/strategies/files/talker.py").json() == {"removed": "talker.py"}
    refused(rest.delete("/strategies/files/talker.py"), 404, "no uploaded file")


@pytest.mark.parametrize(
    ("name", "source", "status", "text"),
    [
        ("broken.py", "def f(:", 422, "broken.py:1: this is not valid Python"),
        ("empty.py", "x = 1\n", 422, "has no strategy class"),
        ("Upper.py", TALKER, 422, "small letters"),
        ("_hidden.py", TALKER, 422, "small letters"),
        ("import.py", TALKER, 422, "small letters"),
        ("mine.txt", TALKER, 422, "small letters"),
        ("..%2Fout.py", TALKER, 404, "There is nothing at"),
        ("large.py", TALKER + "#" * MOST_SOURCE_BYTES, 413, "bytes at most"),
        ("bytes.py", b"\xff\xfe\x00", 422, "bytes.py"),
    ],
)
def test_what_is_no_strategy_is_not_kept(
    system: System, rest: httpx.Client, name: str, source: str | bytes, status: int, text: str
) -> None:
    """Bad names, bad text, no class, too much of it: a sentence each, and no file."""
    refused(rest.put(f"/strategies/files/{name}", content=source), status, text)
    folder = system.home / "strategies"
    assert not folder.exists() or list(folder.iterdir()) == []


def test_unknown_strategies_and_pages(rest: httpx.Client) -> None:
    """What is not there is named with what is near; long lists come in pages that link to the next."""
    eventually(lambda: rest.get("/strategies").json())
    refused(rest.get("/strategies/grid-btd"), 404, "Did you mean 'grid-btc'?")
    for answer in (rest.post("/strategies/nobody/start"), rest.patch("/strategies/nobody", json={}), rest.delete("/strategies/nobody")):
        refused(answer, 404, "There is no strategy 'nobody'.")
    refused(rest.post("/strategies/grid-btc/dance"), 422, "action")
    refused(rest.post("/strategies", json={"file": "gird"}), 409, "Did you mean 'grid'?")
    total = int(rest.get("/strategies/files").headers["x-total-count"])
    first = rest.get("/strategies/files?limit=1")
    assert (len(first.json()), first.headers["x-total-count"]) == (1, str(total))
    assert first.headers["link"] == '</api/v1/strategies/files?limit=1&offset=1>; rel="next"'
    second = rest.get(first.headers["link"].split(">")[0].removeprefix("</api/v1"))
    assert second.json() != first.json()
    assert "link" not in rest.get(f"/strategies/files?limit=1&offset={total - 1}").headers


def test_a_file_is_checked_in_a_process_of_its_own(rest: httpx.Client) -> None:
    """What `strategies test` says, or why the file cannot be checked."""
    rows = rest.post("/strategies/check", json={"file": "grid", "seconds": 5, "parameters": {"levels": 2}}, timeout=90).json()
    assert {row["check"]: row["result"] for row in rows}["imports"] == "ok"
    rows = rest.post("/strategies/check", json={"file": "grid", "seconds": 5, "parameters": {"levels": "x"}}, timeout=90).json()
    assert [row["result"] for row in rows if row["check"] == "parameters"] == ["FAILED"]
    refused(rest.post("/strategies/check", json={"file": "gird"}), 422, "Did you mean 'grid'?")
    refused(rest.post("/strategies/check", json={"file": "/etc/passwd"}), 422, "There is no strategy file")


def test_links_are_not_written_through(tmp_path: Path) -> None:
    """Neither a link in the place of the file nor one in the place of the folder."""
    settings = Settings.model_validate({"system": {"home": str(tmp_path / "home")}})
    files, outside = StrategyFiles(settings), tmp_path / "outside"
    files.put("mine.py", TALKER.encode())
    (settings.uploads / "link.py").symlink_to(outside)
    with pytest.raises(StrategyError, match="nothing is written through it"):
        files.put("link.py", TALKER.encode(), replace=True)
    settings.uploads.rename(tmp_path / "moved")
    settings.uploads.symlink_to(tmp_path / "moved")
    with pytest.raises(StrategyError, match="is a link"):
        files.put("other.py", TALKER.encode())
    assert not outside.exists()
    assert sorted(path.name for path in (tmp_path / "moved").iterdir()) == ["link.py", "mine.py"]
