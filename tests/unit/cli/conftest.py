"""Commands as users run them: in this process (quick), as a process, or on a terminal."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import pytest
from typer.testing import CliRunner, Result

from dashscope_aa import Client, Schedule
from dashscope_aa.cli import app
from dashscope_aa.emulator import Emulator

Cli = Callable[..., Result]
PATIENCE_S = 120.0


@pytest.fixture
def _settings(
    emulator: Emulator, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user who has set everything up, in a directory of their own, far from any terminal."""
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", emulator.base_url)
    monkeypatch.setenv("DASHSCOPE_API_KEY", key)
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("FORCE_COLOR", "GITHUB_ACTIONS", "NO_COLOR", "PY_COLORS", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def _keyless(_settings: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who has no account yet, and has told nothing."""
    monkeypatch.delenv("DASHSCOPE_HTTP_BASE_URL")
    monkeypatch.delenv("DASHSCOPE_API_KEY")


@pytest.fixture
def cli(_settings: None, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs a command in this process, with a client that asks often."""
    quick = Schedule(first_s=0.02, cap_s=0.1)
    monkeypatch.setattr("dashscope_aa.cli._run.Client", partial(Client, schedule=quick))

    def run(*words: object, catch_exceptions: bool = False) -> Result:
        return CliRunner().invoke(
            app, [str(word) for word in words], catch_exceptions=catch_exceptions
        )

    return run


class Shell:
    """Runs commands as processes of their own; none outlives the test."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *words: object, **options: Any) -> subprocess.Popen[str]:
        """Start a command; its output is piped unless told otherwise."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "dashscope_aa", *map(str, words)],
            **(pipes | options),
        )
        self.started.append(process)
        return process

    def run(self, *words: object, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        process = self.start(*words, **options)
        out, err = process.communicate(timeout=PATIENCE_S)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    @staticmethod
    def read_until(stream: IO[str], word: str) -> str:
        """Read lines up to the one that holds *word*, and give them."""
        said = ""
        for line in stream:
            said += line
            if word in line:
                return said
        pytest.fail(f"{word!r} was never said, only: {said}")

    @staticmethod
    def interrupt(process: subprocess.Popen[str], number: int = signal.SIGINT) -> tuple[str, str]:
        """Send a signal as Ctrl-C does, and give what is said from then on."""
        process.send_signal(number)
        return process.communicate(timeout=PATIENCE_S)

    def close(self) -> None:
        """End what is still running, and let go of its output."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


@pytest.fixture
def shell(_settings: None) -> Iterator[Shell]:
    shell = Shell()
    yield shell
    shell.close()


@pytest.fixture
def screen() -> Iterator[Any]:
    """Runs commands on a terminal of their own, where there are such things."""
    pty = pytest.importorskip("pty")
    opened: list[int] = []

    def run(shell: Shell, *words: object, **variables: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        opened.append(ours)
        environment = os.environ | {"TERM": "xterm-256color", **variables}
        process = shell.start(
            *words, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, text=False
        )
        os.close(theirs)
        seen = _drain(ours)
        return process.wait(PATIENCE_S), seen

    yield run
    for descriptor in opened:
        os.close(descriptor)


def _drain(descriptor: int) -> str:
    """Read all that is written to a terminal until nobody writes any more."""
    seen = b""
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # how Linux says that the other end is closed
            break
        if not piece:
            break
        seen += piece
    return seen.decode()
