"""Every row of the page that names the skills' flags does what the page says."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dashscope_aa.emulator import Emulator

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "parity.md"
ROW = re.compile(r"^\| `([^`]+)` \| (?:`([^`]+)`|none) \|", re.MULTILINE)

FLAGS = {
    "animate_anyone.py": [
        *("--image-url", "--video-url", "--image", "--video", "--template-id"),
        *("--use-ref-img-bg", "--video-ratio", "--download", "--output", "--skip-detect"),
        *("DASHSCOPE_API_KEY", "DASHSCOPE_BASE_URL"),
        *("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
        *("OSS_BUCKET", "OSS_ENDPOINT", "OSS_SIGNED_URL_EXPIRES"),
    ],
    "generate_animate_move.py": [
        *("--image-url", "--video-url", "--mode", "--watermark", "--no-check-image", "--output"),
        *("DASHSCOPE_API_KEY", "DASHSCOPE_BASE_URL"),
    ],
}
"""What the two programs take (facts of section 9)."""


def tables() -> Iterator[tuple[str, str, str]]:
    """Give program, flag and what stands for it, of every row."""
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        program = section.partition("\n")[0]
        for row in ROW.finditer(section):
            yield program, row[1], row[2] or ""


ROWS = [pytest.param(*row, id=f"{row[0]} {row[1]}") for row in tables() if row[2]]


def sent(emulator: Emulator, operation: Any) -> Any:
    return emulator.requests.of(operation)[-1].body


def _parameters(name: str, value: object) -> Callable[[Emulator, str], bool]:
    def check(emulator: Emulator, step: str) -> bool:
        body = sent(emulator, step)
        return bool((body["input"] | body["parameters"])[name] == value)

    return check


EFFECTS: dict[str, Callable[[Emulator, str], bool]] = {
    "--use-ref-img-bg": _parameters("use_ref_img_bg", value=True),
    "--video-ratio": _parameters("video_ratio", value="3:4"),
    "--mode": _parameters("mode", value="wan-pro"),
    "--watermark": _parameters("watermark", value=True),
    "--no-check-image": _parameters("check_image", value=False),
    "--skip-detect": lambda emulator, _: not emulator.requests.of("detect"),
    "--template-id": lambda emulator, _: not emulator.requests.of("template"),
    "--image-url": lambda emulator, step: sent(emulator, step)["input"]["image_url"][:4] == "http",
    "--video-url": lambda emulator, _: any(
        (it.body or {}).get("input", {}).get("video_url", "").startswith("http")
        for it in (*emulator.requests.of("template"), *emulator.requests.of("move"))
    ),
}
"""What a flag does to what is sent; the others decide where the video is written."""


@pytest.mark.parametrize("program", FLAGS)
def test_every_flag_has_its_row(program: str) -> None:
    rows = [flag for name, flag, _ in tables() if name == program]
    assert sorted(rows) == sorted(FLAGS[program])


@pytest.mark.parametrize(("program", "flag", "here"), ROWS)
def test_a_row(
    cli: Any,
    portrait: Path,
    clip: Path,
    emulator: Emulator,
    tmp_path: Path,
    key: str,
    program: str,
    flag: str,
    here: str,
) -> None:
    words = here.split()
    things = {
        "PICTURE": portrait,
        "CLIP": clip,
        "PICTURE-URL": emulator.host_file(portrait),
        "CLIP-URL": emulator.host_file(clip),
    }
    if "TEMPLATE" in words:
        things["TEMPLATE"] = cli("template", clip, "-q").stdout.strip()
        emulator.requests.clear()
    done = cli(*(things.get(word, word) for word in words))
    assert done.exit_code == 0, done.stderr
    if words[0] == "doctor":
        assert "takes the key" in done.stdout
        return
    if flag in EFFECTS:
        assert EFFECTS[flag](emulator, "move" if "--engine" in words else "synthesis")
    written = "evidence/result.mp4" if "evidence" in words else "result.mp4"
    assert (tmp_path / ("out.mp4" if "out.mp4" in words else written)).is_file()
    if "evidence" in words:
        (task,) = [task.id for task in emulator.tasks[-1:]]
        assert json.loads((tmp_path / "evidence" / f"{task}.json").read_text())["task_id"] == task


@pytest.mark.parametrize("variable", ["DASHSCOPE_BASE_URL", "DASHSCOPE_HTTP_BASE_URL"])
def test_both_names_of_the_base_url(
    cli: Any, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv("DASHSCOPE_HTTP_BASE_URL")
    monkeypatch.setenv(variable, emulator.root_url)
    assert cli("doctor").exit_code == 0
