"""The single steps: detect, template, synthesize, move, mix, upload, download."""

import json
import shlex
from pathlib import Path
from typing import Any

import av
import pytest
from typer.testing import Result

from dashscope_aa.emulator import Emulator, ImageRejected


def last_object(done: Result) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return facts


def seconds(path: Path) -> float:
    with av.open(str(path)) as film:
        return (film.duration or 0) / av.time_base


def test_detect_passes(cli: Any, portrait: Path) -> None:
    done = cli("detect", portrait)
    assert done.exit_code == 0
    assert done.stdout.startswith("passed, ")
    assert done.stderr == ""
    assert cli("detect", portrait, "-q").stdout == "passed\n"
    assert last_object(cli("detect", portrait, "--json"))["check_pass"] is True


@pytest.mark.parametrize(
    "as_400", [pytest.param(False, id="by HTTP 200"), pytest.param(True, id="by HTTP 400")]
)
def test_detect_refuses(cli: Any, portrait: Path, emulator: Emulator, as_400: bool) -> None:  # noqa: FBT001 - pytest hands it over by name
    emulator.faults.add(ImageRejected(as_400=as_400))
    done = cli("detect", portrait)
    assert done.exit_code == 1
    assert done.stdout.startswith("refused, ")
    assert "no human body" in done.stdout


def test_template_then_synthesize(cli: Any, portrait: Path, clip: Path, tmp_path: Path) -> None:
    made = cli("template", clip, "--json")
    assert made.exit_code == 0
    facts = last_object(made)
    assert facts["cost_cny"] == 0.16
    done = cli("synthesize", portrait, facts["template_id"], "-o", "out.mp4", "--use-ref-img-bg")
    assert done.exit_code == 0
    assert done.stdout.startswith("wrote out.mp4: 2 s for 0.16 CNY by 127.0.0.1:")
    assert seconds(tmp_path / "out.mp4") == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("animate {0} {1} --engine wan-std -o {2}", id="animate"),
        pytest.param("move {0} {1} --mode wan-std -o {2}", id="move"),
        pytest.param("synthesize {2} AACT.1 -o {2}", id="synthesize"),
    ],
)
def test_no_file_is_replaced_that_is_read(
    cli: Any, portrait: Path, clip: Path, tmp_path: Path, emulator: Emulator, words: str
) -> None:
    precious = tmp_path / "dance.mp4"
    precious.write_bytes(clip.read_bytes())
    (tmp_path / "same.mp4").symlink_to(precious)
    filled = [word.format(portrait, "dance.mp4", "./same.mp4") for word in words.split()]
    done = cli(*filled)
    assert done.exit_code == 2
    assert "'same.mp4' would be replaced, but is to be read" in done.stderr
    assert precious.read_bytes() == clip.read_bytes()
    assert len(emulator.requests) == 0


def test_template_in_plain_lines(cli: Any, clip: Path) -> None:
    done = cli("template", clip)
    assert done.stderr.startswith("template: queued, task ")
    assert done.stdout.startswith("AACT.")
    assert ": 2 s for 0.16 CNY" in done.stdout


@pytest.mark.parametrize(
    ("kind", "mode", "cost"),
    [
        pytest.param("move", "wan-std", 0.8, id="move"),
        pytest.param("mix", "wan-pro", 1.8, id="mix"),
    ],
)
def test_wan(
    cli: Any, portrait: Path, clip: Path, tmp_path: Path, kind: str, mode: str, cost: float
) -> None:
    done = cli(kind, portrait, clip, "--mode", mode, "--watermark", "--json")
    assert done.exit_code == 0
    facts = last_object(done)
    assert (facts["path"], facts["cost_cny"]) == ("result.mp4", cost)
    assert seconds(tmp_path / "result.mp4") == pytest.approx(2, abs=0.1)


def test_mode_has_no_default(cli: Any, portrait: Path, clip: Path) -> None:
    done = cli("move", portrait, clip)
    assert done.exit_code == 2
    assert "--mode" in done.stderr


def test_no_wait_hands_over_the_token(cli: Any, portrait: Path, clip: Path, tmp_path: Path) -> None:
    words = ("move", portrait, clip, "--mode", "wan-std", "-o", "out.mp4", "--no-wait")
    told = cli(*words)
    assert told.exit_code == 0
    assert not (tmp_path / "out.mp4").exists()
    program, *way_on = shlex.split(told.stdout.removeprefix("go on with: "))
    assert program == "dashscope-aa"
    assert cli(*way_on).exit_code == 0
    assert (tmp_path / "out.mp4").exists()
    token = cli(*words, "-q").stdout.strip()
    assert json.loads(token)["operation"] == "move"
    assert last_object(cli(*words, "--json"))["token"].startswith("{")


def test_output_is_checked_before_anything_is_sent(
    cli: Any, portrait: Path, clip: Path, emulator: Emulator
) -> None:
    for words in (
        ("move", portrait, clip, "--mode", "wan-std"),
        ("mix", portrait, clip, "--mode", "wan-std"),
        ("synthesize", portrait, "AACT.1.2-3.4"),
        ("download", "http://127.0.0.1/x.mp4"),
        ("tasks", "wait", "0385dc79-5ff8-4d82-bcb6-000000000000"),
    ):
        assert cli(*words, "-o", "/").exit_code == 2
    assert len(emulator.requests) == 0


def test_upload(cli: Any, portrait: Path) -> None:
    done = cli("upload", portrait, "--model", "wan2.2-animate-move")
    assert done.exit_code == 0
    assert done.stdout.startswith("oss://")
    assert done.stdout.endswith(".jpg\n")
    facts = last_object(cli("upload", portrait, "--model", "animate-anyone-gen2", "--json"))
    assert (facts["model"], facts["url"][:6]) == ("animate-anyone-gen2", "oss://")


def test_download(cli: Any, clip: Path, emulator: Emulator, tmp_path: Path) -> None:
    done = cli("download", emulator.host_file(clip), "-o", "copy.mp4")
    assert (done.exit_code, done.stdout) == (0, "wrote copy.mp4\n")
    assert (tmp_path / "copy.mp4").read_bytes() == clip.read_bytes()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param("oss://bucket/key.mp4", 2, id="not for downloads"),
        pytest.param("{base}/results/none.mp4?Expires=1", 3, id="gone"),
    ],
)
def test_download_fails(cli: Any, emulator: Emulator, url: str, code: int) -> None:
    done = cli("download", url.format(base=emulator.root_url))
    assert done.exit_code == code
    assert done.stderr.startswith("error: ")
