"""What the tests of faults share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.faults.world import make_clip, make_picture, service

from dashscope_aa.emulator import Emulator


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """The service, which makes no films."""
    with service(run_s=0.0) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_picture(tmp_path_factory.mktemp("media") / "picture.png")


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("media") / "clip.mp4")
