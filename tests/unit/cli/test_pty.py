"""Every command on a real terminal: its help, a success, a refusal, and Ctrl-C."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from select import select
from typing import Any

import av
import pytest
import typer.main

from dashscope_aa.cli import app
from dashscope_aa.emulator import AnswerLost, Emulator, SlowHeaders

pty = pytest.importorskip("pty", reason="there are no such terminals")

PATIENCE_S = 30.0
LONG_S = 600.0
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
WAN = "--engine wan-std"
BOOK = "--ledger jobs.sqlite"
NO_TASK = "0385dc79-5ff8-4d82-bcb6-000000000000"


@dataclass(frozen=True, kw_only=True)
class Case:
    """How a command is tried. Words in braces name what the tests have."""

    success: str
    says: str
    refusal: str
    code: int
    why: str
    stop_at: str | None = None
    """When Ctrl-C is pressed: a word on the screen, or ``@`` and a request that the service got.
    None for what is done before anybody could."""
    stopped: str = ""
    """What is run to be stopped, if not the same as for a success."""
    before: tuple[str, ...] = ()
    """What is run first."""
    serves: bool = False
    """True for what goes on until Ctrl-C, which is its proper end."""


def wan(kind: str) -> Case:
    return Case(
        success=f"{kind} {{portrait}} {{clip}} --mode wan-std",
        says="wrote result.mp4: 2 s for",
        refusal=f"{kind} none.jpg {{clip}} --mode wan-std",
        code=2,
        why="does not exist",
        stop_at=f"{kind} +(queued|running)",
    )


PAID = f"animate {{portrait}} {{clip}} {WAN} {BOOK}"
OPEN = f"move {{portrait}} {{clip}} --mode wan-std --no-wait {BOOK}"
CASES = {
    "animate": Case(
        success=PAID,
        says="wrote result.mp4: 2 s for 0.8 CNY",
        refusal="animate {portrait} none.mp4",
        code=2,
        why="'none.mp4' does not exist",
        stop_at="move +(queued|running)",
    ),
    "batch": Case(
        success="batch {jobs} --out out",
        says="1 of 1 rows done",
        refusal="batch none.csv --out out",
        code=2,
        why="No such file",
        stop_at="1 (queued|running)",
    ),
    "detect": Case(
        success="detect {portrait}",
        says="passed",
        refusal="detect {clip}",
        code=1,
        why="error: ",
        stop_at="@detect",
    ),
    "template": Case(
        success="template {clip}",
        says="AACT.",
        refusal="template none.mp4",
        code=2,
        why="does not exist",
        stop_at="template +(queued|running)",
    ),
    "synthesize": Case(
        success="synthesize {portrait} {template}",
        says="wrote result.mp4",
        refusal="synthesize {portrait} dance.mp4",
        code=2,
        why="error: ",
        stop_at="synthesis +(queued|running)",
    ),
    "move": wan("move"),
    "mix": wan("mix"),
    "upload": Case(
        success="upload {portrait} --model wan2.2-animate-move",
        says="oss://",
        refusal="upload none.jpg --model m",
        code=2,
        why="does not exist",
        stop_at="@policy",
    ),
    "download": Case(
        success="download {hosted} -o copy.mp4",
        says="wrote copy.mp4",
        refusal="download oss://bucket/key.mp4",
        code=2,
        why="only http and https",
        stop_at="@hosted",
    ),
    "check": Case(
        success="check {portrait} {clip} --for wan",
        says="Jane Doe.jpg",
        refusal="check none.jpg",
        code=2,
        why="none.jpg",
        stop_at="@hosted",
        stopped="check {hosted} --allow-private",
    ),
    "convert": Case(
        success="convert {clip} -o fit.mp4 --for wan",
        says="fit.mp4",
        refusal="convert none.mp4",
        code=2,
        why="none.mp4",
        stop_at="convert long.mp4",
        stopped="convert {long} -o fit.mp4 --trim 0-60",
    ),
    "add-sound": Case(
        success="add-sound {clip} {clip} -o loud.mp4",
        says="wrote loud.mp4",
        refusal="add-sound none.mp4 {clip} -o loud.mp4",
        code=2,
        why="none.mp4",
        stop_at="add-sound long.mp4",
        stopped="add-sound {long} {long} -o loud.mp4",
    ),
    "tasks list": Case(
        success="tasks list",
        says="wan2.2-animate-move",
        refusal="tasks list --limit 0",
        code=2,
        why="--limit",
        stop_at="@list",
        before=(OPEN,),
    ),
    "tasks show": Case(
        success="tasks show {task}",
        says="task_status",
        refusal="tasks show a/b",
        code=2,
        why="error: ",
        stop_at="@query",
        before=(OPEN,),
    ),
    "tasks wait": Case(
        success="tasks wait {task} -o waited.mp4",
        says="the id alone does not tell it",
        refusal=f"tasks wait {NO_TASK}",
        code=4,
        why="does not know the task",
        stop_at="@query",
        before=(OPEN,),
    ),
    "tasks cancel": Case(
        success="tasks cancel {task}",
        says="cancelled",
        refusal="tasks cancel {running}",
        code=3,
        why="not cancelled",
        stop_at="@cancel",
        before=("slow", OPEN, OPEN),
    ),
    "ledger list": Case(
        success=f"ledger {BOOK}",
        says="1 submit, estimated 0.8 CNY, billed 0.8 CNY",
        refusal="ledger list --ledger none.sqlite",
        code=2,
        why="there is no ledger",
        before=(PAID,),
    ),
    "ledger show": Case(
        success=f"ledger show 1 {BOOK}",
        says='"billed_cny": 0.8',
        refusal=f"ledger show 2 {BOOK}",
        code=2,
        why="no row 2",
        before=(PAID,),
    ),
    "ledger export": Case(
        success=f"ledger export {BOOK}",
        says='"billed_cny": 0.8',
        refusal="ledger export",
        code=2,
        why="no ledger is named",
        before=(PAID,),
    ),
    "ledger resume": Case(
        success=f"ledger resume {BOOK}",
        says="row 1: wrote move-",
        refusal=f"ledger resume --out jobs.sqlite {BOOK}",
        code=2,
        why="cannot be made",
        stop_at="@query",
        before=(OPEN,),
    ),
    "ledger adopt": Case(
        success=f"ledger adopt 1 {{task}} {BOOK}",
        says="row 1 is task",
        refusal=f"ledger adopt 7 {{task}} {BOOK}",
        code=2,
        why="no row 7",
        stop_at="@query",
        before=("lost",),
    ),
    "ledger write-off": Case(
        success=f"ledger write-off 1 {BOOK}",
        says="row 1 may be sent again",
        refusal=f"ledger write-off 7 {BOOK}",
        code=2,
        why="no row 7",
        before=("lost",),
    ),
    "doctor": Case(
        success="doctor",
        says="takes the key",
        refusal="doctor --region mars",
        code=2,
        why="there is no region",
        stop_at="@list",
    ),
    "emulator": Case(
        success="emulator --port 0",
        says="Listening on",
        refusal="emulator --port 70000",
        code=2,
        why="--port",
        stop_at="Ctrl-C ends it",
        serves=True,
    ),
}


# ── the terminal ─────────────────────────────────────────────────────────────────────────


class Terminal:
    """Runs commands, each on a terminal of its own, all forked from one that has loaded them."""

    def __init__(self) -> None:
        self._link, theirs = socket.socketpair()
        with theirs:
            program = [sys.executable, "-W", "error", str(Path(__file__).with_name("forker.py"))]
            self._forker = subprocess.Popen(
                [*program, str(theirs.fileno())], pass_fds=[theirs.fileno()]
            )
        self._link.settimeout(PATIENCE_S)

    def run(
        self, words: list[str], *, press_at: Callable[[str], bool] | None = None
    ) -> tuple[int, str]:
        """Run a command, pressing Ctrl-C once; give its exit code and all that was seen."""
        ours, theirs = pty.openpty()
        environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "200"}
        job = {"words": words, "environment": environment, "folder": str(Path.cwd())}
        try:
            socket.send_fds(self._link, [json.dumps(job).encode()], [theirs])
        finally:
            os.close(theirs)
        child = int(self._link.recv(64))
        try:
            seen = _watched(ours, press_at)
        except BaseException:
            os.kill(child, 9)
            raise
        finally:
            os.close(ours)
        return int(self._link.recv(64)), seen

    def close(self) -> None:
        """Let the one that forks them go."""
        self._link.close()
        self._forker.wait(PATIENCE_S)


def _watched(terminal: int, press_at: Callable[[str], bool] | None) -> str:
    """Read all that is written to a terminal until nobody has it any more."""
    raw = b""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        readable, _, _ = select([terminal], [], [], 0.05)
        if readable:
            try:
                piece = os.read(terminal, 65536)
            except OSError:  # how Linux says that the other end is closed
                piece = b""
            if not piece:
                return ESCAPES.sub("", raw.decode())
            raw += piece
        if press_at and press_at(ESCAPES.sub("", raw.decode(errors="replace"))):
            os.write(terminal, b"\x03")
            press_at = None
    pytest.fail(f"it did not end, and said: {raw.decode()}")


@pytest.fixture(scope="module")
def terminal() -> Iterator[Terminal]:
    with closing(Terminal()) as terminal:
        yield terminal


@pytest.fixture(scope="module")
def long_clip(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip that takes seconds to work on: one after itself, again and again."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    with av.open(str(clip)) as given, av.open(str(path), "w") as made:
        copies = [made.add_stream_from_template(stream) for stream in given.streams]
        for turn in range(400):
            given.seek(0)
            for packet in given.demux():
                if packet.pts is not None and packet.dts is not None:  # else it is the end
                    later = round(turn * 2.2 / packet.time_base)
                    packet.pts, packet.dts = packet.pts + later, packet.dts + later
                    packet.stream = copies[packet.stream.index]
                    made.mux(packet)
    return path


@pytest.fixture
def prepared(
    cli: Any,
    emulator: Emulator,
    portrait: Path,
    clip: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Callable[..., list[list[str]]]:
    """Runs what comes before, and gives command lines with the things they name."""

    def prepare(case: Case, *lines: str) -> list[list[str]]:
        things: dict[str, str] = {"portrait": str(portrait), "clip": str(clip)}
        things["hosted"] = emulator.host_file(clip)
        things["jobs"] = str(tmp_path / "jobs.csv")
        (tmp_path / "jobs.csv").write_text(f"image,motion,engine\n{portrait},{clip},wan-std\n")
        if any("{long}" in line for line in lines):
            things["long"] = str(request.getfixturevalue("long_clip"))
        if any("{template}" in line for line in lines):
            things["template"] = cli("template", clip, "-q").stdout.strip()
        for before in case.before:
            if before == "slow":
                emulator.run_s = LONG_S
                continue
            if before == "lost":
                emulator.faults.add(AnswerLost(on="move"))
            line = PAID if before == "lost" else before
            words = [word.format(**things) for word in line.split(" ")]
            assert cli(*words).exit_code == (5 if before == "lost" else 0)
        if case.before:
            things["task"] = emulator.tasks[-1].id
            things["running"] = emulator.tasks[-2].id
        return [[word.format(**things) for word in line.split(" ")] for line in lines]

    return prepare


def commands(group: Any = None, prefix: str = "") -> Iterator[str]:
    """Give the full name of every command."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} ")
        else:
            yield f"{prefix}{name}"


# ── what is tried ────────────────────────────────────────────────────────────────────────


def test_every_command_is_tried() -> None:
    assert sorted(CASES) == sorted(commands())


def cases(wanted: Callable[[Case], object] = bool) -> pytest.MarkDecorator:
    chosen = [pytest.param(name, id=name) for name, case in CASES.items() if wanted(case)]
    return pytest.mark.parametrize("name", chosen)


@cases()
def test_help(terminal: Terminal, cli: Any, name: str) -> None:
    code, seen = terminal.run([*name.split(), "--help"])
    assert code == 0
    assert f"Usage: dashscope-aa {name}" in seen
    assert f"Example: dashscope-aa {name}" in seen
    assert "<bool>" not in seen  # flags take no value


@cases(lambda case: not case.serves)
def test_success(terminal: Terminal, prepared: Any, name: str, key: str) -> None:
    case = CASES[name]
    (words,) = prepared(case, case.success)
    code, seen = terminal.run(words)
    assert code == 0, seen
    assert case.says in seen
    assert key not in seen


@cases()
def test_refusal(terminal: Terminal, prepared: Any, name: str, key: str) -> None:
    case = CASES[name]
    (words,) = prepared(case, case.refusal)
    code, seen = terminal.run(words)
    assert code == case.code, seen
    assert case.why in seen
    assert "Traceback" not in seen
    assert key not in seen


@cases(lambda case: case.stop_at)
def test_ctrl_c(terminal: Terminal, prepared: Any, name: str, emulator: Emulator) -> None:
    case = CASES[name]
    (words,) = prepared(case, case.stopped or case.success)
    stop_at = case.stop_at or ""
    emulator.run_s = LONG_S
    emulator.requests.clear()
    operation: Any = stop_at.removeprefix("@")
    if operation != stop_at:
        emulator.faults.add(SlowHeaders(on=operation, delay_s=PATIENCE_S))

    def is_time(seen: str) -> bool:
        if operation != stop_at:
            return bool(emulator.requests.of(operation))
        return re.search(stop_at, seen) is not None

    code, seen = terminal.run(words, press_at=is_time)
    assert code == (0 if case.serves else 130), seen
    assert "Traceback" not in seen
    if not case.serves:
        assert "interrupted" in seen
        assert not list(Path().glob("*.mp4*"))  # half a file is none
    if BOOK in case.success and name == "animate":
        assert "run the same again to go on: jobs.sqlite" in seen
