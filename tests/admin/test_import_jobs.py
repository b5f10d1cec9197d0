"""Imports, stored data and collectors over REST: progress, several files, cancelling, a killed process, gaps, deleting, subscribing."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gcg_quant.admin.import_jobs import ImportJobs
from gcg_quant.bus import EventBus
from gcg_quant.data_collector import ImportOptions
from gcg_quant.data_storage.sql.database import Database
from gcg_quant.errors import ComponentError
from gcg_quant.events import Tick
from gcg_quant.settings import Settings

from .conftest import System, call, environment
from .test_runtime import wait_for

HEAD = "time,open,high,low,close,volume\n"
OPTIONS = {"symbol": "BIG", "venue": "FILE", "timezone": "UTC", "stamp": "start", "period": "1m"}


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file whose import takes some seconds."""
    path = tmp_path_factory.mktemp("big") / "BIG_1m.csv"
    begin = datetime(2020, 1, 1)
    with path.open("w") as file:
        file.write(HEAD)
        file.writelines(f"{(begin + timedelta(minutes=at)).isoformat()},1.5,2.5,0.5,1.25,{at}\n" for at in range(300_000))
    return path


def settings_of(home: Path) -> Settings:
    """Return settings for a home."""
    return Settings.of({"system": {"home": str(home)}}, "test", environ={})


def bars_stored(home: Path) -> int:
    """Return how many bars of files the database holds."""
    with contextlib.closing(Database("", home=home, read_only=True)) as database:
        return database.counts().get("bars", 0)


def add(jobs: ImportJobs, file: Path, name: str = "BIG_1m.csv") -> str:
    """Put a file in its place and let it be imported; return the job's id."""
    job_id, path = jobs.place(name)
    shutil.copy(file, path)
    jobs.add(job_id, path, ImportOptions(**OPTIONS))  # type: ignore[arg-type]
    return job_id


def test_a_cancelled_import_leaves_nothing_and_others_go_on(tmp_path: Path, big: Path) -> None:
    """One that is being stored and one that waits are broken off; the next is done; what is over cannot be cancelled."""
    small = tmp_path / "small.csv"
    small.write_text(HEAD + "2024-01-02T09:30:00,1,2,0.5,1.5,10\nrubbish,1,2,1,1,1\n")
    jobs = ImportJobs(settings_of(tmp_path))
    running, waiting, last = add(jobs, big), add(jobs, big, "again.csv"), add(jobs, small, "small.csv")
    wait_for(lambda: jobs.find(running).progress > 0.75, 60)
    assert (jobs.find(running).state, jobs.find(waiting).state) == ("reading", "waiting")
    jobs.cancel(running)
    wait_for(lambda: jobs.find(running).over, 60)
    with contextlib.suppress(ComponentError):  # it may be done by now
        jobs.cancel(waiting, timeout_s=0)
    wait_for(lambda: jobs.find(last).over, 60)
    assert jobs.find(running).state == "cancelled"
    assert jobs.find(waiting).state == "cancelled"
    done = jobs.find(last)
    assert (done.state, done.stored, done.refused, done.refusals[0]["line"]) == ("done", 1, 1, 3)
    assert bars_stored(tmp_path) == 1
    with pytest.raises(ComponentError, match=f"Import {last} is done: its rows go with `data delete --import {done.number}`."):
        jobs.cancel(last)
    with pytest.raises(ComponentError, match="There is no import 'nothing'"):
        jobs.cancel("nothing")
    jobs.close()
    assert [(job.id, job.stored) for job in ImportJobs(settings_of(tmp_path)).rows()] == [(str(done.number), 1)]
    assert list((tmp_path / "imports" / "uploads").iterdir()) == []


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Run a small system that takes files of at most 20 MB."""
    place = tmp_path_factory.mktemp("system")
    config = place / "gcg_quant.toml"
    config.write_text("[web]\nmax_upload_mb = 20\n[simulated]\nenabled = true\nhistory_minutes = 5\nsymbols = ['BTC/USDT']\n")
    running = System(place / "home", "--config", str(config))
    yield running
    running.close()


def test_files_over_rest_and_a_killed_process_that_leaves_nothing_half(system: System, big: Path) -> None:
    """Files are taken with progress; too large, ill-named and unknown options are refused; kill -9 midway stores nothing of the file."""
    rest = httpx.Client(base_url=system.url + "/api/v1", timeout=60)

    def put(name: str, content: bytes, **options: str) -> tuple[int, Any]:
        answer = rest.put(f"/imports/{name}", content=content, params=options)
        return answer.status_code, answer.json()

    def ended(job: str) -> Any:
        wait_for(lambda: rest.get(f"/imports/{job}").json()["finished_ns"], 60)
        return rest.get(f"/imports/{job}").json()

    rows = (HEAD + "2024-01-02T09:30:00,1,2,0.5,1.5,10\n2024-01-02T10:30:00,1,2,0.5,1.5,10\n").encode()
    assert put("a.csv", rows, symbl="X")[1]["detail"] == "There is no import option 'symbl'. Did you mean 'symbol'?"
    assert put("..%2Fa.csv", rows)[0] in (404, 422)
    assert put(".hidden", rows)[1]["detail"].startswith("A file name is made of letters")
    code, problem = put("a.csv", b"x" * 20_000_001)
    assert (code, "may have 20,000,000 bytes at most" in problem["detail"]) == (413, True)
    unsized = rest.put("/imports/a.csv", content=iter([b"x" * 1_000_000] * 21))
    assert unsized.status_code == 413
    assert list((system.home / "imports" / "uploads").iterdir()) == []
    code, problem = put("a.csv", rows, stamp="middle")
    assert (code, "Option stamp must be one of start, end" in problem["detail"]) == (422, True)
    jobs = [put(f"S{at}_1m.csv", rows, **{**OPTIONS, "symbol": f"S{at}"})[1]["import"] for at in range(3)]
    # The content of the second and third is that of the first: a file is stored once.
    assert [(ended(job)["stored"], bool(ended(job)["earlier"])) for job in jobs] == [(2, False), (0, True), (0, True)]
    broken = put("b.csv.gz", b"\x1f\x8bnothing", **OPTIONS)[1]["import"]
    assert ended(broken)["state"] == "failed"
    assert str(system.home) not in ended(broken)["error"]
    # Gaps and deleting.
    found = rest.get("/data/symbols", params={"pattern": "S0"}).json()
    assert [(row["symbol"], row["venue"], row["kind"], row["period"], row["rows"]) for row in found] == [("S0", "FILE", "bars", "1m", 2)]
    gaps = rest.get("/data/gaps", params={"symbol": "S0", "venue": "FILE", "period": "1m"}).json()
    assert len(gaps) == 1, gaps
    (gap,) = gaps
    assert (gap["missing"], gap["reason"]) == (59, "silent")
    assert rest.get("/data/gaps", params={"symbol": "NO"}).status_code == 404
    assert rest.get("/data/gaps", params={"symbol": "S0", "period": "soon"}).status_code == 422
    assert rest.delete("/data").status_code == 422
    dry = rest.delete("/data", params={"symbol": "S0", "venue": "FILE", "dry_run": "true"}).json()
    assert (dry["rows"], dry["deleted"]) == (2, False)
    gone = rest.delete("/data", params={"symbol": "S0", "venue": "FILE", "kind": "bars", "period": "1m"}).json()
    assert (gone["rows"], gone["deleted"]) == (2, True)
    # A process that is killed in the middle of storing.
    stored = bars_of_file(system.home)
    with EventBus(system.home / "bus", create=False, read_only=True) as bus:
        groups = {row["group"]: row for row in rest.get("/groups").json()}
        job = put("BIG_1m.csv", big.read_bytes(), **OPTIONS)[1]["import"]
        wait_for(lambda: rest.get(f"/imports/{job}").json()["progress"] > 0.75, 60)
        os.kill(groups["services"]["pid"], signal.SIGKILL)
        rest.close()
        restarted = lambda: json.loads(call(system.home, "components", "--json").stdout)["groups"]  # noqa: E731
        wait_for(lambda: any(row["group"] == "services" and row["restarts"] == 1 and row["state"] == "running" for row in restarted()), 60)
        assert bus.reader(start="begin").count()[Tick] > 0
    wait_for(lambda: bars_of_file(system.home) == stored, 60)
    again = ImportJobs(settings_of(system.home))
    assert [one.state for one in again.rows() if one.file == "BIG_1m.csv"] == []  # the process that was revived has told of it


def bars_of_file(home: Path) -> int:
    """Return how many bars of the imported instruments are stored."""
    with contextlib.closing(Database("", home=home, read_only=True)) as database:
        from gcg_quant.data_storage.reading.holdings import Holdings

        return sum(row.rows for row in Holdings(database).every() if row.venue == "FILE")


def test_what_a_killed_process_left_is_shown_and_removed(tmp_path: Path) -> None:
    """Its upload is gone, and the import is a failed one with a sentence."""
    jobs = ImportJobs(settings_of(tmp_path))
    job_id, path = jobs.place("X_1m.csv")
    path.write_text(HEAD)
    (left,) = ImportJobs(settings_of(tmp_path)).rows()
    assert (left.id, left.file, left.state) == (job_id, "X_1m.csv", "failed")
    assert "nothing of it is stored, import it again" in left.error
    assert not path.parent.exists()


def test_collectors_take_and_leave_symbols_while_they_run(system: System) -> None:
    """A new symbol ticks and is listed; one that is given up, a wrong venue and an unknown symbol are sentences."""
    assert environment(system.home)
    with httpx.Client(base_url=system.url + "/api/v1", timeout=30) as rest:

        def subscribe(symbol: str, **more: object) -> tuple[int, Any]:
            answer = rest.post("/collectors/subscribe", json={"symbol": symbol, **more})
            return answer.status_code, answer.json()

        assert subscribe("SOL/USDT", venue="SIM")[1]["detail"] == "SOL/USDT is traded from now on"
        wait_for(lambda: rest.get("/collectors").json()[0]["symbols"] == ["BTC/USDT", "SOL/USDT"], 60)
        (row,) = rest.get("/collectors").json()
        assert (row["collector"], row["venue"], row["state"], row["gaps"]) == ("simulated", "SIM", "running", 0)
        wait_for(lambda: rest.get("/collectors").json()[0]["counts"].get("Tick", 0) > 0, 60)
        assert (
            call(system.home, "collectors", "unsubscribe", "SOL/USDT@SIM", "--yes").stdout == "simulated: SOL/USDT is no longer traded.\n"
        )
        wait_for(lambda: json.loads(call(system.home, "collectors", "--json").stdout)[0]["symbols"] == ["BTC/USDT"], 60)
        refused = subscribe("DOGE", venue="SIM", subscribe=False)
        assert (refused[0], refused[1]["detail"]) == (409, "simulated does not trade 'DOGE'.")
        assert subscribe("")[0] == 422
