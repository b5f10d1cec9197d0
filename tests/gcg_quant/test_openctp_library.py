"""The libraries themselves, each in a process of its own: locale, one kind a process, and TTS's handshake with a front on loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.proxy import FaultProxy

from gcg_quant.errors import SettingsError
from gcg_quant.openctp_front import front_addresses

ALONE = Path(__file__).with_name("openctp_alone.py")
pytestmark = pytest.mark.skipif(shutil.which("localedef") is None, reason="localedef is not installed")


def environment(path: str | None = None) -> dict[str, str]:
    """Return an environment without a locale of ours."""
    kept = {key: value for key, value in os.environ.items() if key != "LOCPATH"}
    return kept if path is None else {**kept, "PATH": path}


def run(kind: str, home: Path, step: str, path: str | None = None) -> tuple[int, str]:
    """Return how a step ended and what it said."""
    command = [sys.executable, str(ALONE), kind, str(home), step]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(path), check=False)
    return done.returncode, done.stdout.strip() or done.stderr[-300:]


@pytest.mark.parametrize("kind", ["ctp", "tts"])
def test_each_is_loaded_with_a_locale_made_for_it(kind: str, tmp_path: Path) -> None:
    """Where the system has no zh_CN.GB18030 the import would abort: the locale is made in the home, small and for its owner alone."""
    assert run(kind, tmp_path, "load") == (0, f"{kind} True True")
    made = tmp_path / "locale" / "zh_CN.GB18030"
    if made.exists():  # else the system has one
        assert stat.S_IMODE((tmp_path / "locale").stat().st_mode) == 0o700
        assert sum(one.stat().st_size for one in made.rglob("*") if one.is_file()) < 100_000


def test_without_localedef_a_sentence_says_what_to_install(tmp_path: Path) -> None:
    """No abort: the way out is named."""
    code, said = run("ctp", tmp_path, "load", path=str(tmp_path))
    if code == 0:
        pytest.skip("the system has the locale")
    assert (code, said) == (
        3,
        "ComponentError: The futures counters' library needs the locale zh_CN.GB18030, and there is no `localedef` to make it: install "
        "Debian's package `locales` and run `localedef -i zh_CN -f GB18030 zh_CN.GB18030` as root.",
    )


def test_both_in_one_process_are_refused(tmp_path: Path) -> None:
    """The second one is refused with what to set, before it is imported."""
    code, said = run("ctp", tmp_path, "both")
    assert code == 0
    assert said == ("ctp and tts cannot run in one process, their libraries collide: set process = true for the collector of either.")


class SilentFront:
    """Accepts connections on loopback and never says a word."""

    def __init__(self) -> None:
        self.port = 0
        self.received = b""
        self._open: list[socket.socket] = []
        self.start()

    def start(self) -> None:
        """Listen, on the same port as before."""
        self._server = socket.create_server(("127.0.0.1", self.port))
        self.port = self._server.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, args=(self._server,), daemon=True)
        self._accepting.start()

    def stop(self) -> None:
        """End all connections, and accept none."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._accepting.join()  # what it has just accepted is to be ended, too
        self._server.close()
        while self._open:
            connection = self._open.pop()
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # closing alone does not end it while a thread reads
            connection.close()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._read, args=(connection,), daemon=True).start()

    def _read(self, connection: socket.socket) -> None:
        try:
            while data := connection.recv(4096):
                self.received += data
        except OSError:
            return


class Alone:
    """A process with TTS's library that is told what to do."""

    def __init__(self, home: Path, port: int) -> None:
        command = [sys.executable, str(ALONE), "tts", str(home), "handshake", str(port)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment())

    def do(self, command: str) -> str:
        """Give a command and return its line."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self) -> int:
        """End it in good order and return its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture
def front() -> Iterator[SilentFront]:
    """Return a front."""
    made = SilentFront()
    yield made
    made.stop()


def through(proxy: FaultProxy) -> None:
    """Wait until the proxy has accepted what the library takes for connected: before that there is nothing that it could break."""
    deadline = time.monotonic() + 60
    while not proxy.alive:
        assert time.monotonic() < deadline, "nobody has connected through the proxy"
        time.sleep(0.01)


def heard(front: SilentFront) -> None:
    """Wait until what the library writes has come through."""
    deadline = time.monotonic() + 60
    while len(front.received) <= 50:
        assert time.monotonic() < deadline, "the front has heard nothing"
        time.sleep(0.01)


def test_the_real_library_of_tts_survives_what_a_network_does(front: SilentFront, tmp_path: Path) -> None:
    """Connected on an accept; a login without an answer; reset; refused and back; silent and cut; let go and used again; a clean end."""
    with FaultProxy(front.port) as proxy:
        alone = Alone(tmp_path, proxy.port)
        try:
            assert alone.do("wait") == "connected True"
            assert alone.do("login") == "the counter did not answer UserLogin within 0.2 s"
            heard(front)
            through(proxy)
            proxy.reset()
            assert alone.do("hear") == "ended: the front closed the connection (reason 0x0000)"
            assert alone.do("wait") == "connected True"
            through(proxy)
            proxy.refuse()
            assert alone.do("hear") == "ended: the front closed the connection (reason 0x0000)"
            assert alone.do("impatient").startswith(f"none: no front answers at tcp://127.0.0.1:{proxy.port}")
            proxy.open()
            assert alone.do("wait") == "connected True"
            through(proxy)
            proxy.half_open()
            assert alone.do("login").startswith("the counter did not answer")
            assert alone.do("cut") == "cut"
            proxy.open()
            assert alone.do("wait") == "connected True"
            assert alone.do("again").startswith("closed")
            assert alone.do("wait") == "connected True"
        finally:
            code = alone.end()
    assert code == 0
    assert stat.S_IMODE((tmp_path / "openctp/tts/alone/trader").stat().st_mode) == 0o700


def test_a_restarted_front_is_found_again(front: SilentFront, tmp_path: Path) -> None:
    """The front's process is gone for a while: the library connects again by itself."""
    alone = Alone(tmp_path, front.port)
    try:
        assert alone.do("wait") == "connected True"
        front.stop()
        assert alone.do("hear").startswith("ended")
        front.start()
        assert alone.do("wait") == "connected True"
    finally:
        assert alone.end() == 0


@pytest.mark.parametrize("address", ["127.0.0.1:1", "tcp://127.0.0.1", "tcp://:1", "tcp://host:99999", "http://host:1"])
def test_an_address_that_is_none_is_said(address: str) -> None:
    """A front's address has a scheme, a host and a port."""
    with pytest.raises(ValueError, match='must be "tcp://host:port", found'):
        front_addresses([address], "a front")
    with pytest.raises(ValueError, match="must name at least one front"):
        front_addresses([], "fronts")
    assert issubclass(SettingsError, ValueError)
