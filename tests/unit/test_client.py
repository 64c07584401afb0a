"""The client as a whole: made, used, put away, and silent about its key."""

import logging
import pickle
import subprocess
import sys
import textwrap
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from dashscope_aa import Client, WanAnimate
from dashscope_aa.emulator import Emulator, RequestLost, ServerFault, TaskFails
from dashscope_aa.errors import ConfigurationError, DashScopeError, InputError, RegionError
from dashscope_aa.models import VideoOutput

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_retries")]

KEY = "sk-0123456789abcdef0123456789abcdef"
WAN = WanAnimate(mode="wan-std")
ID = "0b0b0b0b-0000-0000-0000-000000000000"


# ── made ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        pytest.param({"api_key": None}, ConfigurationError, "DASHSCOPE_API_KEY", id="no key"),
        pytest.param({"api_key": ""}, ConfigurationError, "empty", id="empty key"),
        pytest.param({"api_key": "sk-a b"}, ConfigurationError, "no key has", id="spaces in it"),
        pytest.param({"api_key": "sk-ä"}, ConfigurationError, "no key has", id="letters in it"),
        pytest.param({"region": "atlantis"}, RegionError, "cn-beijing", id="region"),
        pytest.param({"base_url": "host"}, ConfigurationError, "https://", id="no base URL"),
        pytest.param({"base_url": "ftp://host"}, ConfigurationError, "https://", id="scheme"),
        pytest.param({"workspace": "a/b"}, ConfigurationError, "workspace", id="workspace"),
        pytest.param({"engine": "wan-std"}, InputError, "WanAnimate", id="name of an engine"),
        pytest.param(
            {"base_url": "https://dashscope-intl.aliyuncs.com", "region": "us-east-1"},
            RegionError,
            "does not fit",
            id="region and host that differ",
        ),
    ],
)
async def test_setting_that_cannot_be(
    options: dict[str, Any], error: type[DashScopeError], said: str
) -> None:
    with pytest.raises(error) as raised:
        Client(**{"api_key": KEY, **options})
    assert said in str(raised.value)
    assert KEY not in str(raised.value)


async def test_proxy_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "nonsense://user:secret@proxy.example")
    with pytest.raises(ConfigurationError, match="proxy") as raised:
        Client(KEY)
    assert "secret" not in "".join(traceback.format_exception(raised.value))


async def test_surroundings_are_looked_at(
    monkeypatch: pytest.MonkeyPatch, emulator: Emulator
) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", KEY)
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", emulator.base_url)
    async with Client() as client:
        assert client.base_url == emulator.base_url
        assert (client.region, client.workspace) == ("cn-beijing", None)
        await client.get_task(ID)
    assert emulator.requests[0].headers["authorization"] == "Bearer ***"
    assert emulator.requests[0].headers["user-agent"].startswith("dashscope-aa/")


# ── put away ─────────────────────────────────────────────────────────────────────────────


class Transport(httpx.AsyncBaseTransport):
    """Counts how often it was closed."""

    def __init__(self) -> None:
        self.closed = 0
        self.hosts: set[str] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.hosts.add(request.url.host)
        return httpx.Response(200, json={"output": {"task_id": ID, "task_status": "RUNNING"}})

    async def aclose(self) -> None:
        self.closed += 1


async def test_transport_of_the_users_carries_everything_and_is_closed(portrait: Path) -> None:
    transport = Transport()
    async with Client(KEY, transport=transport) as client:
        await client.get_task(ID)
        await client.create_template("https://files.example/a.mp4")
        assert transport.closed == 0
    assert transport.closed == 1
    assert transport.hosts == {"dashscope.aliyuncs.com"}


async def test_closed_twice() -> None:
    client = Client(KEY)
    await client.aclose()
    await client.aclose()


async def test_closed_while_the_block_is_left_by_an_error(emulator: Emulator) -> None:
    transport = Transport()
    with pytest.raises(KeyError):
        async with Client(KEY, transport=transport):
            raise KeyError
    assert transport.closed == 1


PROGRAM = """
import sys
import anyio
from dashscope_aa import Client, Schedule, WanAnimate

async def main():
    image, clip, base_url, result = sys.argv[2:]
    schedule = Schedule(first_s=0.02, cap_s=0.1)
    async with Client("sk-any", base_url=base_url, schedule=schedule) as client:
        with open(image, "rb") as file:
            animation = await client.animate(file, clip, engine=WanAnimate(mode="wan-std"))
        with anyio.move_on_after(0.01):
            await client.animate(image, clip, engine=WanAnimate(mode="wan-pro"))
        task = client.resume(animation.task_ids["move"], output=type(animation.output))
        async for state in task.states():
            break
        await client.download(animation, result)

anyio.run(main, backend=sys.argv[1])
import threading
for thread in threading.enumerate():
    if thread is not threading.main_thread() and not thread.daemon:
        thread.join(10)
        assert not thread.is_alive(), thread
"""


async def test_nothing_is_left_open_at_the_end(
    anyio_backend: str, emulator: Emulator, portrait: Path, clip: Path, tmp_path: Path
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(PROGRAM))
    files = [str(portrait), str(clip), emulator.base_url, str(tmp_path / "film.mp4")]
    ran = subprocess.run(  # noqa: ASYNC221 - nothing else is to run meanwhile
        [sys.executable, "-W", "error", str(program), anyio_backend, *files],
        capture_output=True,
        text=True,
        env={"TMPDIR": str(temporary)},
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert list(temporary.iterdir()) == []
    assert (tmp_path / "film.mp4").stat().st_size


# ── in process ───────────────────────────────────────────────────────────────────────────


async def test_whole_way_in_process(
    make_client: Callable[..., Client],
    emulator: Emulator,
    portrait: Path,
    clip: Path,
    tmp_path: Path,
) -> None:
    client = make_client(transport=emulator.transport())
    animation = await client.animate(portrait, clip, engine=WAN)
    film = await client.download(animation, tmp_path / "film.mp4")
    assert film.read_bytes()[4:8] == b"ftyp"


# ── silent ───────────────────────────────────────────────────────────────────────────────


async def test_key_shows_in_no_repr(make_client: Callable[..., Client]) -> None:
    client = make_client(api_key=KEY)
    task = client.resume(ID, output=VideoOutput)
    for thing in (client, client._settings, client._settings.api_key, task, task.token):
        assert KEY not in repr(thing) + str(thing) + f"{thing}"


@pytest.mark.parametrize(
    "taken",
    [
        pytest.param(lambda client: client, id="client"),
        pytest.param(lambda client: client._settings, id="settings"),
        pytest.param(lambda client: client._settings.api_key, id="key"),
        pytest.param(lambda client: client.animate, id="method"),
    ],
)
async def test_what_holds_the_key_is_never_pickled(
    taken: Callable[[Client], Any], client: Client
) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(taken(client))


async def test_no_error_and_no_log_tells_the_key(
    make_client: Callable[..., Client],
    emulator: Emulator,
    portrait: Path,
    clip: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    client = make_client(api_key=KEY)
    told: list[str] = []
    for fault in (
        RequestLost(on="policy", times=99),
        ServerFault(on="policy", status=401, code="InvalidApiKey", message=f"{KEY} is bad"),
        RequestLost(on="upload", times=99),
        ServerFault(on="move", status=500, message=f"Bearer {KEY}"),
        TaskFails(on="move", message=f"who is {KEY}?"),
        ServerFault(on="query", status=403, code="AccessDenied", message=KEY),
    ):
        emulator.faults.clear()
        emulator.faults.add(fault)
        with pytest.raises(DashScopeError) as raised:
            await client.animate(portrait, clip, engine=WAN)
        error = raised.value
        told += ["".join(traceback.format_exception(error)), repr(error), repr(vars(error))]
        told.append(repr(pickle.loads(pickle.dumps(error))))  # noqa: S301 - our own bytes
    ours = [record.getMessage() for record in caplog.records if "emulator" not in record.name]
    assert ours
    assert KEY not in "".join(told + ours)


async def test_the_key_lives_in_no_frame_of_an_error(
    make_client: Callable[..., Client], emulator: Emulator
) -> None:
    client = make_client(api_key=KEY)
    emulator.faults.add(RequestLost(on="query", times=99))
    with pytest.raises(DashScopeError) as raised:
        await client.get_task(ID)
    shown = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    assert KEY not in "".join(shown.format())


async def test_closed_client_says_so(make_client: Callable[..., Client], portrait: Path) -> None:
    client = make_client()
    await client.aclose()
    for use in (client.get_task("an-id"), client.upload(portrait, model="any")):
        with pytest.raises(InputError, match="is closed"):
            await use
    with pytest.raises(InputError, match="is closed"):
        await client.download("http://127.0.0.1:9/a.mp4", portrait.with_suffix(".mp4"))


def test_client_of_another_event_loop_says_so(emulator: Emulator, key: str) -> None:
    client = Client(key, transport=emulator.transport())
    anyio.run(client.get_task, "an-id")
    with pytest.raises(InputError, match="event loop"):
        anyio.run(client.get_task, "an-id")
    anyio.run(client.aclose)
