"""The pytest plugin of dashscope-aa: the service on this machine, for tests of your program.

pytest imports this module in every run of every project that has dashscope-aa installed, before
coverage is measured. So nothing but pytest is imported here until a fixture is asked for.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

    from dashscope_aa import Client
    from dashscope_aa.emulator import Emulator, Fault, Faults

EXTRA = frozenset({"python_multipart", "starlette", "uvicorn"})
"""What the extra brings in."""
TROUBLES = (
    "throttled",
    "down while waiting",
    "answer lost while waiting",
    "upload cut off",
    "download cut off",
    "result expired",
    "slow",
)
"""The names of the troubles, which are wanted before the library is loaded."""


def _kit() -> ModuleType:
    try:
        from dashscope_aa import _testing  # noqa: PLC0415 - not before a test asks for it
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in EXTRA:
            raise
    else:
        return _testing
    hint = "pip install 'dashscope-aa[testing]'"
    pytest.fail(f"the emulator needs {missing}, which is not installed: {hint}", pytrace=False)


@pytest.fixture
def dashscope_speed() -> float:
    """How many times shorter the library's pauses are; override it with 1 for real ones."""
    return 100.0


@pytest.fixture
def dashscope_emulator(dashscope_speed: float) -> Iterator[Emulator]:
    """The service, new for this test, and nothing else within reach of dashscope-aa.

    ``Client()`` points to it. No key or setting of the machine is seen, and no request of the
    library leaves the machine.
    """
    with _kit().emulated(speed=dashscope_speed) as emulator:
        yield emulator


@pytest.fixture
def dashscope_client(dashscope_emulator: Emulator) -> Client:
    """A client of the emulator. It keeps no connection, so nobody has to close it."""
    from dashscope_aa import Client  # noqa: PLC0415 - not before a test asks for it

    return Client(base_url=dashscope_emulator.base_url)


@pytest.fixture
def dashscope_faults(dashscope_emulator: Emulator) -> Faults:
    """What is going to go wrong: ``dashscope_faults.add(Throttle(on="query", times=3))``."""
    return dashscope_emulator.faults


@pytest.fixture(params=TROUBLES)
def dashscope_trouble(request: pytest.FixtureRequest, dashscope_faults: Faults) -> Fault:
    """Run the test once with each trouble that the library outlives; this is the one of now."""
    fault: Fault = _kit().TROUBLES[request.param]
    dashscope_faults.add(fault)
    return fault


@pytest.fixture
def dashscope_portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of a person that every model takes, in a folder of its own."""
    return _copy("portrait.jpg", tmp_path_factory)


@pytest.fixture
def dashscope_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 2.2 s with sound that every model takes, in a folder of its own."""
    return _copy("clip.mp4", tmp_path_factory)


def _copy(name: str, folders: pytest.TempPathFactory) -> Path:
    """Give a test a file that it may spoil."""
    return shutil.copyfile(_kit().MEDIA / name, folders.mktemp("dashscope") / name)
