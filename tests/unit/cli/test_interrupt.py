"""Ctrl-C and SIGTERM: quick, and nothing that is paid for is lost."""

import json
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest

from dashscope_aa import Client
from dashscope_aa.emulator import Emulator, SlowHeaders

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")

LONG_S = 600.0


def test_a_video_under_way_is_gone_on_with(
    shell: Any, portrait: Path, clip: Path, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.run_s = LONG_S
    process = shell.start("animate", portrait, clip, "--engine", "wan-std", "-o", "my out.mp4")
    shell.read_until(process.stderr, "move: queued")
    out, err = shell.interrupt(process)
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []

    emulator.clock.advance(LONG_S)
    (line,) = [line for line in err.splitlines() if line.startswith("go on with: ")]
    program, *way_on = shlex.split(line.removeprefix("go on with: "))
    assert program == "dashscope-aa"
    done = shell.run(*way_on)
    assert done.returncode == 0
    assert done.stdout.startswith("wrote my out.mp4: 2 s for 0.8 CNY")
    assert [path.name for path in tmp_path.iterdir()] == ["my out.mp4"]
    assert emulator.paid_submits() == 1


def test_terminated_while_it_runs(
    cli: Any, portrait: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def animate(*_given: object, **_options: object) -> None:
        signal.raise_signal(signal.SIGTERM)
        await anyio.sleep_forever()

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(Client, "animate", animate)
    done = cli("animate", portrait, clip)
    assert done.exit_code == 130
    assert done.stderr.startswith("interrupted\nif a task was just being submitted")
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_template_under_way_as_json(
    shell: Any, portrait: Path, clip: Path, emulator: Emulator
) -> None:
    emulator.run_s = LONG_S
    process = shell.start("animate", portrait, clip, "--json")
    shell.read_until(process.stdout, '"submitted"')
    _, err = shell.interrupt(process)
    assert process.returncode == 130
    facts = json.loads(err)
    assert facts["event"] == "interrupted"
    assert json.loads(facts["token"])["operation"] == "template"
    assert facts["way_on"] == "go on with: " + shlex.join(
        ["dashscope-aa", "tasks", "wait", facts["token"]]
    )


def test_a_submit_under_way_may_have_been_accepted(
    shell: Any, portrait: Path, clip: Path, emulator: Emulator
) -> None:
    before = len(emulator.tasks)
    emulator.faults.add(SlowHeaders(on="move", delay_s=2.0))
    process = shell.start("move", portrait, clip, "--mode", "wan-std")
    while len(emulator.tasks) == before:
        assert process.poll() is None
    _, err = shell.interrupt(process)
    assert process.returncode == 130
    assert "if a task was just being submitted, it is among these: dashscope-aa tasks list" in err
    listed = shell.run("tasks", "list")
    assert "wan2.2-animate-move" in listed.stdout


def test_terminated_and_never_said_the_key(
    shell: Any, portrait: Path, clip: Path, emulator: Emulator, key: str
) -> None:
    emulator.run_s = LONG_S
    process = shell.start("animate", portrait, clip, "--engine", "wan-pro", "--json")
    said = shell.read_until(process.stdout, '"submitted"')
    said += "".join(shell.interrupt(process, signal.SIGTERM))
    assert process.returncode == 130
    assert '"interrupted"' in said
    assert key not in said
