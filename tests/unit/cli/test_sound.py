"""The sound of one clip onto another, from the command line."""

import json
from pathlib import Path
from typing import Any

import av
import pytest

pytestmark = pytest.mark.usefixtures("_keyless")


@pytest.fixture
def silent(cli: Any, clip: Path, tmp_path: Path) -> Path:
    """A clip of 2 s without a sound."""
    assert cli("convert", clip, "-o", "silent.mp4", "--sound", "drop").exit_code == 0
    return tmp_path / "silent.mp4"


def has_sound(path: Path) -> bool:
    with av.open(str(path)) as film:
        return bool(film.streams.audio)


def test_add_sound(cli: Any, silent: Path, clip: Path, tmp_path: Path) -> None:
    assert not has_sound(silent)
    done = cli("add-sound", silent, clip, "-o", "loud.mp4", "--start", "0.5")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "wrote loud.mp4\n", "")
    assert has_sound(tmp_path / "loud.mp4")


def test_onto_the_clip_itself(cli: Any, silent: Path, clip: Path) -> None:
    done = cli("add-sound", silent, clip, "-o", silent)
    assert done.exit_code == 2
    assert "exists" in done.stderr
    assert not has_sound(silent)
    done = cli("add-sound", silent, clip, "-o", silent, "--force", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["path"] == str(silent)
    assert has_sound(silent)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["{silent}", "{clip}"], "Missing option", id="no output"),
        pytest.param(["{silent}", "{silent}", "-o", "x.mp4"], "silent", id="a silent source"),
        pytest.param(["{silent}", "none.mp4", "-o", "x.mp4"], "none.mp4", id="a missing source"),
        pytest.param(["http://h/a.mp4", "{clip}", "-o", "x.mp4"], "Download it", id="a URL"),
        pytest.param(
            ["{silent}", "{clip}", "-o", "{clip}", "--force"], "is to be read", id="over the source"
        ),
        pytest.param(["{silent}", "{clip}", "-o", "x.avi"], ".mp4 or .mov", id="a suffix"),
    ],
)
def test_usage(
    cli: Any, silent: Path, clip: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    done = cli("add-sound", *(word.format(silent=silent, clip=clip) for word in words))
    assert done.exit_code == 2
    assert said in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["silent.mp4"]
