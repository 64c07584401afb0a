"""The program for the official package that the guide to moving begins with does what it says."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from dashscope_aa.emulator import Emulator

pytestmark = pytest.mark.official

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guides" / "moving.md").read_text(encoding="utf-8")


def test_the_program_before_moving_makes_the_same_video(
    official_python: Path, tmp_path: Path
) -> None:
    (program,) = re.findall(
        r"<!-- run: official_before.py -->\n```python\n(.*?)```\n", PAGE, re.DOTALL
    )
    for name in ("portrait.jpg", "dance.mp4"):
        (tmp_path / name).symlink_to(ROOT / "examples" / name)
    with Emulator() as emulator:
        done = subprocess.run(
            [official_python, "-c", program],
            cwd=tmp_path,
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
        assert emulator.paid_submits(model="wan2.2-animate-move") == 1
    assert b"ftyp" in (tmp_path / "result.mp4").read_bytes()[:16]
