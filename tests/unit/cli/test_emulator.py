"""``dashscope-aa emulator``: one line when it is ready, and a clean end."""

import signal
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest

from dashscope_aa.cli import emulator as command
from dashscope_aa.emulator import RetiredAnswer as Known


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_it_is_told_to_stop(shell: Any, portrait: Path, number: int) -> None:
    process = shell.start(
        "emulator", "--port", "0", "--run-seconds", "0", "--retired", "AccessDenied"
    )
    line = process.stdout.readline()
    base_url = line.removeprefix("Listening on ").removesuffix("\n")
    assert line == f"Listening on {base_url}\n"
    assert base_url.startswith("http://127.0.0.1:")
    assert base_url.endswith("/api/v1")
    refused = shell.run("detect", portrait, "--base-url", base_url)
    assert refused.returncode == 3
    assert "AccessDenied" in refused.stderr
    assert shell.interrupt(process, number) == ("", "")
    assert process.returncode == 0


def test_stops_when_started_in_the_background(shell: Any) -> None:
    """A shell without job control has its background jobs ignore Ctrl-C, not SIGTERM."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = shell.start("emulator")
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stdout.readline().startswith("Listening on ")
    process.send_signal(signal.SIGINT)
    shell.interrupt(process, signal.SIGTERM)
    assert process.returncode == 0


def test_says_how_to_use_it_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def sleep(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("dashscope_aa.cli.emulator.time", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    command.emulator()
    said = capsys.readouterr()
    base_url = said.out.removeprefix("Listening on ").rstrip()
    assert f"export DASHSCOPE_HTTP_BASE_URL={base_url} DASHSCOPE_API_KEY=sk-" in said.err
    assert f"let things go wrong: {base_url.removesuffix('api/v1')}\n" in said.err


def test_a_port_that_is_taken(cli: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = cli("emulator", "--port", port)
    assert done.exit_code == 2
    assert f"cannot listen on 127.0.0.1, port {port}: " in done.stderr


def test_without_its_extra(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("dashscope_aa.emulator")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "starlette", None)
    monkeypatch.setitem(sys.modules, "starlette.types", None)
    done = cli("emulator")
    assert done.exit_code == 2
    assert "pip install 'dashscope-aa[emulator]'" in done.stderr


def test_words_are_those_of_the_emulator() -> None:
    assert get_args(command.RetiredAnswer) == get_args(Known)
