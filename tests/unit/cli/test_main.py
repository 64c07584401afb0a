"""Where the command line begins, with and without the packages of its extra."""

import subprocess
import sys

import pytest

WITHOUT = """
import sys
sys.modules[{missing!r}] = None
from dashscope_aa.__main__ import main
main()
"""


@pytest.mark.parametrize("missing", ["typer", "rich.console"])
def test_without_its_extra(missing: str) -> None:
    code = WITHOUT.format(missing=missing)
    ran = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert ran.returncode == 2
    assert ran.stderr == "The command line needs: pip install 'dashscope-aa[cli]'\n"


def test_another_missing_package_is_a_fault() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(missing="anyio")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert "Traceback" in ran.stderr


def test_runs_as_a_module() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "dashscope_aa", "--version"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout[:13]) == (0, "dashscope-aa ")


def test_says_nothing_that_cannot_be_printed() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "dashscope_aa", "detect", "b\udcffd.jpg"],
        check=False,
        capture_output=True,
        env={"DASHSCOPE_API_KEY": "sk-x", "PYTHONIOENCODING": "ascii"},
    )
    assert ran.returncode == 2
    assert b"does not exist" in ran.stderr
