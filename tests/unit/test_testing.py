"""The pytest plugin, as a project that tests with it meets it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import pytest_dashscope_aa
from dashscope_aa import AnimateAnyone, Client, Engine, Schedule, WanAnimate, _testing
from dashscope_aa._schedule import Retries
from dashscope_aa._testing import Loopback, is_loopback
from dashscope_aa.emulator import Emulator, Fault, Faults
from dashscope_aa.errors import ConfigurationError, NotSentError
from dashscope_aa.media import preflight

EXAMPLE = Path(__file__).parents[2] / "examples" / "testing"
FAR = "http://203.0.113.5"  # an address for documentation, where nobody is
ENGINES = [
    pytest.param(WanAnimate(mode="wan-std"), id="wan"),
    pytest.param(AnimateAnyone(), id="animate-anyone"),
]


# ── the surroundings of a test ───────────────────────────────────────────────────────────


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine of someone who uses the service in earnest."""
    key_file = Path.home() / ".dashscope" / "api_key"
    key_file.parent.mkdir()
    key_file.write_text("sk-real")
    for name in ("DASHSCOPE_API_KEY", "DASHSCOPE_API_KEY_FILE_PATH", "ALIBABA_CLOUD_PROFILE"):
        monkeypatch.setenv(name, "sk-real")
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", FAR)
    monkeypatch.setenv("DASHSCOPE_AA_ENGINE", "wan-pro")
    monkeypatch.setenv("HTTP_PROXY", FAR)


@pytest.mark.anyio
@pytest.mark.usefixtures("machine")
async def test_client_of_the_program_finds_the_emulator(request: pytest.FixtureRequest) -> None:
    emulator: Emulator = request.getfixturevalue("dashscope_emulator")
    async with Client() as client:
        assert [page async for page in client.list_tasks()]
        assert client.base_url == emulator.base_url
    assert [it.operation for it in emulator.requests] == ["list"]
    assert os.environ["DASHSCOPE_API_KEY"] == _testing.KEY
    assert "ALIBABA_CLOUD_PROFILE" not in os.environ


@pytest.mark.usefixtures("machine")
def test_key_of_the_machine_is_out_of_reach(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Client().base_url.startswith(FAR)
    request.getfixturevalue("dashscope_emulator")
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    with pytest.raises(ConfigurationError, match="no API key"):
        Client()


@pytest.mark.usefixtures("machine")
def test_everything_is_put_back() -> None:
    before = dict(os.environ)
    pauses = Schedule.pause_s, Retries.pause_s
    with _testing.emulated(speed=100):
        assert dict(os.environ) != before
    assert dict(os.environ) == before
    assert (Schedule.pause_s, Retries.pause_s) == pauses
    assert Client().base_url.startswith(FAR)


@pytest.mark.anyio
async def test_no_call_leaves_the_machine(dashscope_emulator: Emulator) -> None:
    async with Client(base_url=FAR) as client:
        with pytest.raises(RuntimeError, match=r"beyond this machine.*'203\.0\.113\.5'"):
            await client.get_task("1")
        with pytest.raises(RuntimeError, match="beyond this machine"):
            await client.download(f"{FAR}/result.mp4", "result.mp4")


@pytest.mark.anyio
async def test_no_preflight_leaves_the_machine(dashscope_emulator: Emulator) -> None:
    far = "http://8.8.8.8"  # preflight itself refuses addresses that are on no public network
    with pytest.raises(RuntimeError, match="beyond this machine"):
        await preflight(f"{far}/portrait.jpg", f"{far}/dance.mp4", engine=AnimateAnyone())


@pytest.mark.anyio
async def test_transport_of_the_test_is_kept(dashscope_emulator: Emulator) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return httpx.Response(200, json={"data": [], "total_page": 0})

    async with Client(base_url=FAR, transport=httpx.MockTransport(answer)) as client:
        assert [page.data async for page in client.list_tasks()] == [()]
    assert seen == ["203.0.113.5"]


@pytest.mark.anyio
async def test_nothing_is_left_open(dashscope_emulator: Emulator) -> None:
    transport = Loopback()
    async with httpx.AsyncClient(transport=transport) as client:
        await client.get(f"{dashscope_emulator.base_url}/tasks")
        assert transport._network._pool.connections == []


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        pytest.param("127.0.0.1", True, id="the usual address"),
        pytest.param("127.8.8.8", True, id="any of the block"),
        pytest.param("::1", True, id="of the sixth version"),
        pytest.param("localhost", True, id="the usual name"),
        pytest.param("203.0.113.5", False, id="an address elsewhere"),
        pytest.param("dashscope.aliyuncs.com", False, id="the service"),
        pytest.param("localhost.example.com", False, id="a name that begins the same"),
        pytest.param("", False, id="none"),
    ],
)
def test_is_loopback(host: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_loopback(host) is expected


# ── pauses ───────────────────────────────────────────────────────────────────────────────


def test_pauses_are_shorter(dashscope_emulator: Emulator) -> None:
    retries = Retries(attempts=2, first_s=10)
    error = NotSentError("nobody is there")
    assert Schedule(first_s=10).pause_s(0) == pytest.approx(0.1)
    assert retries.pause_s(1, error, safe=True, jitter=1) == pytest.approx(0.1)
    assert retries.pause_s(2, error, safe=True, jitter=1) is None  # as often as ever, no more


class TestInEarnest:
    @pytest.fixture
    def dashscope_speed(self) -> float:
        return 1

    def test_pauses_are_as_ever(self, dashscope_emulator: Emulator) -> None:
        assert Schedule(first_s=10).pause_s(0) == pytest.approx(10)


@pytest.mark.parametrize("speed", [pytest.param(0, id="none"), pytest.param(-1, id="backwards")])
def test_speed_that_makes_no_sense(speed: float) -> None:
    with (
        pytest.raises(ValueError, match="dashscope_speed must be more than 0"),
        _testing.emulated(speed=speed),
    ):
        pass


# ── the fixtures ─────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_outlives_every_trouble(
    dashscope_client: Client,
    dashscope_trouble: Fault,
    dashscope_faults: Faults,
    dashscope_portrait: Path,
    dashscope_clip: Path,
    tmp_path: Path,
) -> None:
    engine = WanAnimate(mode="wan-std")
    animation = await dashscope_client.animate(dashscope_portrait, dashscope_clip, engine=engine)
    await dashscope_client.download(animation, tmp_path / "result.mp4")
    assert dashscope_faults.hits(dashscope_trouble)


def test_troubles_are_those_of_the_kit() -> None:
    assert tuple(_testing.TROUBLES) == pytest_dashscope_aa.TROUBLES


@pytest.mark.anyio
@pytest.mark.parametrize("engine", ENGINES)
async def test_sample_files_need_no_mending(
    dashscope_portrait: Path, dashscope_clip: Path, engine: Engine
) -> None:
    report = await preflight(dashscope_portrait, dashscope_clip, engine=engine)
    assert report.ok
    assert [it.code for it in report.findings if it.severity != "advice"] == []


def test_sample_files_are_the_tests_own(dashscope_portrait: Path, dashscope_clip: Path) -> None:
    assert _testing.MEDIA not in {dashscope_portrait.parent, dashscope_clip.parent}
    assert max(path.stat().st_size for path in (dashscope_portrait, dashscope_clip)) < 50_000
    dashscope_portrait.write_bytes(b"")


# ── the plugin in other projects ─────────────────────────────────────────────────────────


def run(code: str, *arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run Python in a folder, with everything that can be warned of an error."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code, *arguments]
    return subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True, timeout=300
    )


def pytest_in(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run pytest on what is in a folder."""
    code = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
    (folder / "pytest.ini").touch()
    always = ("-W", "error", "-p", "no:cacheprovider", "-p", "no:schemathesis", "--tb=short")
    return run(code, *always, *arguments, folder=folder)


def test_plugin_costs_nothing_until_it_is_used(tmp_path: Path) -> None:
    code = "import sys, pytest\nbefore = set(sys.modules)\nimport pytest_dashscope_aa\n"
    code += "print(*set(sys.modules) - before)"
    ran = run(code, folder=tmp_path)
    assert ran.stdout.split() == ["pytest_dashscope_aa"], ran.stderr


def test_every_fixture_is_shown_with_its_sentence(tmp_path: Path) -> None:
    shown = pytest_in(tmp_path, "-p", "no:asyncio", "--fixtures").stdout
    names = [name for name in vars(pytest_dashscope_aa) if name.startswith("dashscope_")]
    assert len(names) == 7
    for name in names:
        assert f"\n{name} -- " in shown
    assert "no docstring available" not in shown.partition("dashscope_speed")[2].partition("---")[0]


BODY = """
import gc
from pathlib import Path
import pytest
from dashscope_aa import Client, WanAnimate

{mark}

async def test_client(dashscope_client, dashscope_portrait):
    assert (await dashscope_client.detect(dashscope_portrait)).check_pass

async def test_client_that_is_closed(dashscope_client):
    async with dashscope_client as client:
        assert [page async for page in client.list_tasks()]

async def test_client_that_nobody_closes(dashscope_emulator, dashscope_portrait):
    assert (await Client().detect(dashscope_portrait)).check_pass
    gc.collect()

async def test_broken_off(dashscope_client, dashscope_faults):
    from dashscope_aa.emulator import RequestLost
    from dashscope_aa.errors import TransportError
    dashscope_faults.add(RequestLost(on="query", for_s=1000))
    with pytest.raises(TransportError):
        await dashscope_client.get_task("1")
    gc.collect()
"""
ANYIO = """
pytestmark = pytest.mark.anyio

@pytest.fixture(scope="module", params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param
"""


@pytest.mark.parametrize(
    ("mark", "arguments", "passed"),
    [
        pytest.param(ANYIO, ["-p", "no:asyncio"], 8, id="anyio"),
        pytest.param(
            "pytestmark = pytest.mark.asyncio",
            ["-o", "asyncio_mode=strict", "-o", "asyncio_default_fixture_loop_scope=function"],
            4,
            id="pytest-asyncio, strict",
        ),
        pytest.param(
            "pytestmark = pytest.mark.asyncio(loop_scope='module')",
            ["-o", "asyncio_mode=strict", "-o", "asyncio_default_fixture_loop_scope=module"],
            4,
            id="pytest-asyncio, one loop a module",
        ),
        pytest.param(
            "",
            ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"],
            4,
            id="pytest-asyncio, auto",
        ),
    ],
)
def test_runs_under(mark: str, arguments: list[str], passed: int, tmp_path: Path) -> None:
    (tmp_path / "test_any.py").write_text(BODY.format(mark=mark))
    ran = pytest_in(tmp_path, *arguments)
    assert f"{passed} passed" in ran.stdout, ran.stdout + ran.stderr
    assert ran.returncode == 0


def test_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import sys\nsys.modules['starlette'] = None\n")
    (tmp_path / "test_any.py").write_text("def test_any(dashscope_client): ...\n")
    ran = pytest_in(tmp_path, "-p", "no:asyncio")
    assert (
        "the emulator needs starlette, which is not installed:"
        " pip install 'dashscope-aa[testing]'" in ran.stdout
    )
    assert "Traceback" not in ran.stdout
    assert ran.returncode == 1


def test_passes_on_what_is_broken_otherwise(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("import sys\nsys.modules['anyio'] = None\n")
    (tmp_path / "test_any.py").write_text("def test_any(dashscope_client): ...\n")
    ran = pytest_in(tmp_path, "-p", "no:asyncio", "-p", "no:anyio")
    assert "ModuleNotFoundError" in ran.stdout
    assert "pip install" not in ran.stdout


def test_example(tmp_path: Path) -> None:
    for file in EXAMPLE.glob("*.py"):
        shutil.copy(file, tmp_path)
    # On one event loop and without the troubles, for time's sake: scripts/build runs it whole.
    ran = pytest_in(tmp_path, "-p", "no:asyncio", "-k", "asyncio and not trouble")
    assert "6 passed" in ran.stdout, ran.stdout + ran.stderr
