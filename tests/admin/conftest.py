"""A running system in processes of its own, and the console as a user calls it."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from gcg_quant.admin.console import main

ROOT = Path(__file__).resolve().parents[2]
Console = Callable[..., subprocess.CompletedProcess[str]]


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which the console works on `home` and on a free port."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GCG_QUANT_")}
    return {
        **own,
        "GCG_QUANT_SYSTEM__HOME": str(home),
        "GCG_QUANT_WEB__PORT": "0",
        "GCG_QUANT_WEB__OPEN_BROWSER": "false",
        "COLUMNS": "160",
    }


def call(home: Path, *words: str, cwd: Path = ROOT, say: str = "y\n", timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run one console command to its end, with what `say` answers it: `run` as a process, any other in this one.

    That spares each of a hundred calls the start of Python; test_readme.py calls every command as a process once.
    """
    if words[0] == "run":
        command = [sys.executable, "-m", "gcg_quant", *words]
        return subprocess.run(command, cwd=cwd, env=environment(home), capture_output=True, text=True, timeout=timeout_s, check=False)
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        wanted = environment(home)
        for name in set(os.environ) - set(wanted):
            patch.delenv(name)
        for name, value in wanted.items():
            patch.setenv(name, value)
        patch.setattr(sys, "stdin", io.StringIO(say))
        patch.chdir(cwd)
        with pytest.raises(SystemExit) as end:
            main(list(words))
    return subprocess.CompletedProcess(words, int(end.value.code or 0), out.getvalue(), err.getvalue())


def rewrite(path: Path, text: str) -> None:
    """Give a file that is watched another text, all of it at once as an editor does: whoever looks in between finds the old one."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(text)
    new.replace(path)


@pytest.fixture
def console(tmp_path: Path) -> Console:
    """Return a function that runs a console command on a fresh home."""
    return lambda *words, **options: call(tmp_path / "home", *words, **options)


class System:
    """A running system; what it prints is collected."""

    def __init__(self, home: Path, *words: str, cwd: Path = ROOT, variables: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.lines: list[str] = []
        command = [sys.executable, "-u", "-m", "gcg_quant", "run", *words]
        self.process = subprocess.Popen(
            command, cwd=cwd, env={**environment(home), **(variables or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()
        try:
            self.wait_for_line("home: ", 90)  # it gives up by itself 30 s after it has begun to start its groups, and says why
        except BaseException:
            self.close()
            raise
        self.url = next((line.split(": ", 1)[1].strip() for line in self.lines if line.startswith("chart page: ")), "")

    def _collect(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return "".join(self.lines)

    def wait_for_line(self, text: str, timeout_s: float = 60) -> None:
        """Wait until a printed line contains the text, or fail."""
        deadline = time.monotonic() + timeout_s
        while not any(text in line for line in list(self.lines)):
            assert time.monotonic() < deadline, f"no line with {text!r} in:\n{self.output}"
            assert self.process.poll() is None or self._thread.is_alive(), f"the system ended:\n{self.output}"
            time.sleep(0.01)

    def stop(self, signal_number: int, timeout_s: float = 60) -> tuple[int, float, str]:
        """Send a signal; return (exit code, seconds until the end, what it printed)."""
        begin = time.monotonic()
        self.process.send_signal(signal_number)
        self.process.wait(timeout_s)
        seconds = time.monotonic() - begin
        self._thread.join(timeout_s)
        return self.process.returncode, seconds, self.output

    def close(self) -> None:
        """End it, whatever it does; its groups end with it."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._thread.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[System]:
    """Return a running demo, shared by a module's tests; its processes are one where the module says `RUN = ("--one-process",)`."""
    running = System(tmp_path_factory.mktemp("system") / "home", *getattr(request.module, "RUN", ()))
    try:
        yield running
    finally:
        running.close()
