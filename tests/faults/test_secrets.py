"""The key goes to the service and nowhere else, whatever goes wrong on the way."""

import logging
import os
import pickle
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from tests.faults.plan import CALLS, ROWS, Row
from tests.faults.world import ENGINES

import dashscope_aa
from dashscope_aa import AnimateAnyone, Animation, Client, Engine, Schedule, WanAnimate
from dashscope_aa._schedule import Retries
from dashscope_aa.emulator import AnswerLost, Emulator, Operation, ServerFault
from dashscope_aa.errors import DashScopeError, ServiceError, SubmitOutcomeUnknownError

pytestmark = pytest.mark.anyio

KEY = "sk-0123456789abcdef-never-to-be-seen"
OURS = str(Path(dashscope_aa.__file__).parent)
QUICK = Schedule(first_s=0.001, cap_s=0.01, settle_s=0.01, unreachable_s=1.0)
FAULTS = [row for row in ROWS if row.kind not in {"outage", "stalls", "unknown"}]
FREE: Final = frozenset[Operation]({"policy", "upload", "query", "download"})
WAYS: Final[dict[str, tuple[Engine, frozenset[Operation]]]] = {
    "asyncio": (AnimateAnyone(), FREE | {"detect", "template", "synthesis"}),
    "trio": (WanAnimate(mode="wan-std"), FREE | {"move"}),
}


class Sweep:
    """Everything that a user, a log or a disk may get to see."""

    def __init__(self) -> None:
        self.seen: list[str | bytes] = []

    def add(self, *things: Any) -> None:
        """Look at things as a debugger, a log or another process would."""
        for thing in things:
            self.seen += [repr(thing), str(thing), pickle.dumps(thing)]

    def add_shown(self, thing: Any) -> None:
        """Look at what cannot be pickled."""
        self.seen += [repr(thing), str(thing)]

    def add_error(self, error: BaseException | None) -> None:
        """Look at an error, at those behind it, and at the variables of our frames below it."""
        if error is None:
            return
        self.add(error) if isinstance(error, DashScopeError) else self.add_shown(error)
        self.seen += getattr(error, "__notes__", [])
        self.seen += traceback.format_exception(error)
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename.startswith(OURS):
                self.seen += [repr(value) for value in frame.f_locals.values()]
        for behind in (error.__cause__, error.__context__):
            self.add_error(behind)

    def add_folder(self, folder: Path) -> None:
        """Look at every byte on disk."""
        self.seen += [file.read_bytes() for file in folder.rglob("*") if file.is_file()]

    def check(self) -> None:
        """See that nowhere is the key."""
        assert len(self.seen) > 10
        for thing in self.seen:
            found = KEY in thing if isinstance(thing, str) else KEY.encode() in thing
            assert not found, thing[:2000]


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is sent again be sent at once."""
    decide = Retries.pause_s

    def pause_s(self: Retries, *args: Any, **facts: Any) -> float | None:
        return None if decide(self, *args, **facts) is None else 0.0

    monkeypatch.setattr(Retries, "pause_s", pause_s)


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: str(row.name))
async def test_nothing_shows_the_key(
    *,
    row: Row,
    anyio_backend: str,
    emulator: Emulator,
    picture: Path,
    clip: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    sweep = Sweep()
    folder = tmp_path / "run"
    folder.mkdir()
    # One family on each loop: the tests of the library try both on both.
    engine, steps = WAYS[anyio_backend]
    for step in sorted(steps & row.at):
        emulator.faults.clear()
        emulator.faults.add(row.make(step))
        async with Client(
            KEY, base_url=emulator.base_url, ledger=folder / f"{step}.sqlite", schedule=QUICK
        ) as client:
            await job(client, sweep, picture, clip, target=folder / f"{step}.mp4", engine=engine)
            sweep.add_shown(client)
            for task in await client.unfinished():
                sweep.add(task.token, task.response)
                sweep.add_shown(task)
            sweep.add_folder(folder)  # with the side files of an open ledger
    sweep.add_folder(folder)
    sweep.seen += [record.getMessage() for record in caplog.records]
    sweep.seen += [repr(record.args) for record in caplog.records]
    sweep.seen.append(caplog.text)
    sweep.check()
    assert emulator.leaks == []


async def job(
    client: Client, sweep: Sweep, image: Path, clip: Path, *, target: Path, engine: Engine
) -> None:
    """Make a video and bring it home, and look at all there is to see."""
    try:
        made = await client.animate(image, clip, engine=engine, preflight="off", on_event=sweep.add)
        assert isinstance(made, Animation)
        sweep.add(made)
        await client.download(made, target)
    except DashScopeError as error:
        sweep.add_error(error)


@pytest.mark.parametrize("step", sorted(CALLS - {"cancel"}))
async def test_key_is_not_shown_when_the_service_says_it_back(
    step: Operation, emulator: Emulator, picture: Path, clip: Path
) -> None:
    said = f"Incorrect API key provided: {KEY}."
    emulator.faults.add(ServerFault(on=step, status=401, code="InvalidApiKey", message=said))
    sweep = Sweep()
    async with Client(KEY, base_url=emulator.base_url, schedule=QUICK) as client:
        engine = ENGINES.get(step, AnimateAnyone())
        with pytest.raises(ServiceError) as raised:
            await (
                anext(aiter(client.list_tasks()))
                if step == "list"
                else client.animate(picture, clip, engine=engine, preflight="off")
            )
    sweep.add_error(raised.value)
    sweep.check()


# ── redirects ────────────────────────────────────────────────────────────────────────────


class Elsewhere(ThreadingHTTPServer):
    """A host that sends everybody on to itself, and keeps what they brought."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Sender)
        self.brought: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Sender(BaseHTTPRequestHandler):
    server: Elsewhere

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.brought.append(f"{self.path} {self.headers}")
        here = f"http://localhost:{self.server.server_port}/there"
        there = self.path.startswith("/there")
        self.send_response(200 if there else 307)
        if not there:
            self.send_header("Location", here)
        self.send_header("Content-Length", "2" if there else "0")
        self.end_headers()
        self.wfile.write(b"{}" if there else b"")

    def do_POST(self) -> None:
        self.do_GET()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with Elsewhere() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def test_service_that_sends_us_elsewhere_is_not_followed(elsewhere: Elsewhere) -> None:
    async with Client(KEY, base_url=elsewhere.url, schedule=QUICK) as client:
        with pytest.raises(DashScopeError):
            await client.get_task("t")
        with pytest.raises(DashScopeError):
            await client.animate_move("http://h/a.jpg", "http://h/a.mp4", mode="wan-std")
    assert {told.split()[0].split("?")[0] for told in elsewhere.brought} == {
        "/api/v1/tasks/t",
        "/api/v1/services/aigc/image2video/video-synthesis",
    }


async def test_result_that_lies_elsewhere_is_fetched_without_the_key(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    async with Client(KEY, base_url="http://127.0.0.1:9", schedule=QUICK) as client:
        await client.download(f"{elsewhere.url}/film.mp4", tmp_path / "film.mp4")
    assert [told.split()[0] for told in elsewhere.brought] == ["/film.mp4", "/there"]
    assert KEY not in "".join(elsewhere.brought)


# ── files ────────────────────────────────────────────────────────────────────────────────


async def test_files_that_hold_tokens_are_their_owners_alone(
    emulator: Emulator, picture: Path, clip: Path, tmp_path: Path
) -> None:
    mask = os.umask(0)
    try:
        async with Client(
            KEY, base_url=emulator.base_url, ledger=tmp_path / "ledger.sqlite", schedule=QUICK
        ) as client:
            made = await client.animate(
                picture, clip, engine=ENGINES["move"], preflight="off", timeout_s=30
            )
            files = [file for file in tmp_path.rglob("*") if file.is_file()]
            holding = [file for file in files if made.output.task_id.encode() in file.read_bytes()]
            assert holding
            assert {file.stat().st_mode & 0o077 for file in holding} == {0}
            reachable = [file for file in files if file.parent == tmp_path]
            assert {file.stat().st_mode & 0o077 for file in reachable} == {0}
            turns = tmp_path / "ledger.sqlite-turns"
            assert turns.stat().st_mode & 0o077 == 0
    finally:
        os.umask(mask)


async def test_lost_submit_shows_what_was_sent_and_not_the_key(
    emulator: Emulator, picture: Path, clip: Path
) -> None:
    emulator.faults.add(AnswerLost(on="move"))
    async with Client(KEY, base_url=emulator.base_url, schedule=QUICK) as client:
        with pytest.raises(SubmitOutcomeUnknownError) as raised:
            await client.animate(picture, clip, engine=ENGINES["move"], preflight="off")
    sweep = Sweep()
    sweep.add_error(raised.value)
    sweep.add(*raised.value.candidates)
    sweep.check()
