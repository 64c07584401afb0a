"""The official ``dashscope`` package, in virtual environments of its own.

They are kept in pytest's cache folder. Where no package registry can be reached, the tests that
need them are skipped.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(
    scope="session",
    params=[
        pytest.param("dashscope==1.26.2", id="the last of the first series"),
        pytest.param("dashscope", id="the newest"),
    ],
)
def official_python(request: pytest.FixtureRequest) -> Path:
    """A Python that has the official package, and nothing of ours."""
    assert request.config.cache is not None
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
