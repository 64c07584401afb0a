"""The front door: what an import loads, what it shows, and what it keeps to itself."""

import json
import subprocess
import sys
from importlib import metadata, resources
from types import ModuleType

import pytest

import dashscope_aa

FRONT_DOOR_LINES = 80


def modules_after(statement: str) -> set[str]:
    """Run *statement* in a fresh interpreter, and give the modules it loaded."""
    code = f"{statement}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=True, capture_output=True, text=True
    )
    return set(json.loads(ran.stdout))


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    return modules_after("import dashscope_aa")


@pytest.mark.parametrize(
    "module",
    [
        pytest.param("av", id="codecs"),
        pytest.param("PIL", id="pictures"),
        pytest.param("sqlite3", id="database"),
        pytest.param("typer", id="command line"),
        pytest.param("starlette", id="emulator's framework"),
        pytest.param("uvicorn", id="emulator's server"),
        pytest.param("dashscope_aa.cli", id="our commands"),
        pytest.param("dashscope_aa.emulator", id="our emulator"),
    ],
)
def test_import_does_not_load(loaded: set[str], module: str) -> None:
    assert "dashscope_aa" in loaded
    assert module not in loaded


def test_all_is_true() -> None:
    names = dashscope_aa.__all__
    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(dashscope_aa, name)] == []


def test_nothing_leaks() -> None:
    shown = {
        name
        for name, value in vars(dashscope_aa).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert shown <= set(dashscope_aa.__all__)


def test_front_door_is_small() -> None:
    source = (resources.files(dashscope_aa) / "__init__.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) <= FRONT_DOOR_LINES


def test_version_is_told_once() -> None:
    assert dashscope_aa.__version__ == metadata.version("dashscope-aa")


def test_types_are_public() -> None:
    assert (resources.files(dashscope_aa) / "py.typed").is_file()


def test_import_leaves_locks_scopes_and_streams_of_anyio_alone(loaded: set[str]) -> None:
    """A name of anyio's in an annotation that is no string would load it, for some 4 ms."""
    unused = {"anyio.abc", "anyio._core._synchronization", "anyio._core._tasks"}
    assert not (unused | {"anyio.streams.memory"}) & loaded


LOOK = """
import sys, threading
from dashscope_aa import _prepare
import anyio, anyio.to_thread

class Finder:
    def find_spec(self, name, *_):
        on_loop = threading.current_thread() is threading.main_thread()
        if name.partition(".")[0] in ("av", "PIL") or name.startswith("dashscope_aa."):
            assert not on_loop, f"{name} is imported on the event loop"

async def main():
    await anyio.to_thread.run_sync(int)  # what anyio imports for it is none of our business
    sys.meta_path.insert(0, Finder())
    await {call}

anyio.run(main)
"""


@pytest.mark.parametrize(
    "call",
    [
        pytest.param('_prepare.look({}, engine=None, mode="fix")', id="before all is looked at"),
        pytest.param('_prepare.clip_length_s(_prepare.Url("oss://a/b"))', id="for an estimate"),
    ],
)
def test_media_is_imported_beside_the_event_loop(call: str) -> None:
    assert "dashscope_aa.media._convert" in modules_after(LOOK.replace("{call}", call))
