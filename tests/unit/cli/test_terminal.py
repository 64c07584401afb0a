"""On a real terminal: steps that move, colours unless they are refused."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")

COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7]m")


def without_escapes(seen: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)


def test_steps_with_their_state_and_time(
    shell: Any, screen: Any, portrait: Path, clip: Path, tmp_path: Path
) -> None:
    code, seen = screen(shell, "animate", portrait, clip, "-o", "out.mp4")
    assert code == 0
    assert COLOUR.search(seen)
    text = without_escapes(seen)
    assert re.search(r"upload +running +\d+ s", text)
    assert re.search(r"template +queued +\d+ s +task [0-9a-f]", text)
    assert re.search(r"template +done +\d+ s +.*AACT\.", text)
    assert re.search(r"synthesis +done +\d+ s", text)
    assert "wrote out.mp4: 2 s for 0.324 CNY" in text
    assert (tmp_path / "out.mp4").is_file()


def test_no_color_is_respected(shell: Any, screen: Any, portrait: Path) -> None:
    code, seen = screen(shell, "upload", portrait, "--model", "animate-anyone-gen2", NO_COLOR="1")
    assert code == 0
    assert not COLOUR.search(seen)
    assert re.search(r"upload +done", without_escapes(seen))


def test_a_dumb_terminal_gets_plain_lines(shell: Any, screen: Any, clip: Path) -> None:
    code, seen = screen(shell, "template", clip, "--no-wait", TERM="dumb")
    assert code == 0
    assert "\x1b" not in seen
    assert "template: queued, task " in seen


def test_an_error_on_a_terminal(shell: Any, screen: Any, portrait: Path, clip: Path) -> None:
    code, seen = screen(shell, "detect", portrait, DASHSCOPE_API_KEY="wrong")
    assert code == 3
    assert "error: " in seen
    assert "Traceback" not in seen
    assert re.search(r"upload +stopped", without_escapes(seen))


def test_a_reader_that_leaves_costs_no_job(
    shell: Any, portrait: Path, clip: Path, tmp_path: Path
) -> None:
    process = shell.start("move", portrait, clip, "--mode", "wan-std", "--json")
    assert "working" in process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 0
    assert (tmp_path / "result.mp4").is_file()
