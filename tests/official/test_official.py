"""The emulator convinces a client that nobody here wrote: the official ``dashscope`` package."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from dashscope_aa.emulator import Emulator

pytestmark = pytest.mark.official

SCRIPT = Path(__file__).with_name("wan_by_official_sdk.py")
EXAMPLES = Path(__file__).parents[2] / "examples"


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
