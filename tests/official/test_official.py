"""The emulator convinces a client that nobody here wrote: the official ``dashscope`` package.

Each version lives in a virtual environment of its own, which is kept in pytest's cache folder.
Where no package registry can be reached, these tests are skipped.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dashscope_aa.emulator import Emulator

pytestmark = pytest.mark.official

SCRIPT = Path(__file__).with_name("wan_by_official_sdk.py")
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("dashscope==1.26.2", id="the last of the first series"),
        pytest.param("dashscope", id="the newest"),
    ],
)
def official_python(request: pytest.FixtureRequest) -> Path:
    """A Python that has the official package, and nothing of ours."""
    folder = request.config.cache.mkdir(f"official-{request.param.replace('==', '-')}")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        install = [python, "-m", "pip", "install", "--quiet", request.param]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{request.param} cannot be installed here: {done.stderr[-300:]}")
        (folder / "ready").touch()
    return Path(python)


def test_it_uploads_submits_waits_lists_and_cancels(official_python: Path) -> None:
    with Emulator(queue_s=0.5) as emulator:
        done = subprocess.run(
            [official_python, SCRIPT, EXAMPLES / "portrait.jpg", EXAMPLES / "dance.mp4"],
            env={
                **os.environ,
                "DASHSCOPE_HTTP_BASE_URL": emulator.base_url,
                "DASHSCOPE_API_KEY": "sk-official",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        seen = json.loads(done.stdout.splitlines()[-1])
        assert emulator.paid_submits(model="wan2.2-animate-move") == 2

    first, second = seen["submitted"]
    assert seen["image_url"].startswith("oss://")
    assert seen["image_url"].endswith("/portrait.jpg")
    assert seen["status"] == "SUCCEEDED"
    assert seen["video_url"].startswith("http://127.0.0.1:")
    assert seen["duration"] == pytest.approx(6, abs=0.1)
    assert seen["cancelled"] == 200
    assert seen["cancel_of_done"] == [400, "UnsupportedOperation"]
    assert seen["listed"] == {first: "SUCCEEDED", second: "CANCELED"}
