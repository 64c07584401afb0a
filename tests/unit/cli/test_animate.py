"""The main job from the command line, in each of its voices, and how it fails."""

import json
import os
from pathlib import Path
from typing import Any

import av
import pytest

from dashscope_aa import Client
from dashscope_aa._diary import Diary
from dashscope_aa._engines import ENGINE_NAMES
from dashscope_aa.cli._options import EngineName
from dashscope_aa.emulator import (
    AnswerLost,
    Emulator,
    ImageRejected,
    Retired,
    TaskFails,
    TaskStalls,
    Truncated,
)

MOST_LINES = 10


@pytest.fixture
def pair(portrait: Path, clip: Path) -> tuple[Path, Path]:
    """What the command is given."""
    return portrait, clip


def is_film(path: Path) -> bool:
    with av.open(str(path)) as film:
        return film.streams.video[0].codec.name == "h264"


def test_animate_anyone_in_plain_lines(cli: Any, pair: tuple[Path, Path], tmp_path: Path) -> None:
    done = cli("animate", *pair, "-o", "out.mp4")
    assert done.exit_code == 0
    assert is_film(tmp_path / "out.mp4")
    assert done.stdout.startswith("wrote out.mp4: 2 s for 0.324 CNY by 127.0.0.1:")
    assert "detect: passed" in done.stderr
    assert "template: queued, task " in done.stderr
    assert "template: AACT." in done.stderr
    assert "synthesis: queued, task " in done.stderr
    assert len(done.output.splitlines()) <= MOST_LINES
    assert "\x1b" not in done.output


def test_wan_as_json(cli: Any, pair: tuple[Path, Path], tmp_path: Path) -> None:
    done = cli("animate", *pair, "--engine", "wan-pro", "--kind", "mix", "--json")
    assert done.exit_code == 0
    assert done.stderr == ""
    *events, result = [json.loads(line) for line in done.stdout.splitlines()]
    names = [event["event"] for event in events]
    assert names[0] == "working"
    assert names[1] == "preflighted"
    assert events[1]["report"]["ok"] is True
    assert sorted(names[2:4]) == ["uploaded", "uploaded"]
    assert names[4] == "submitted"
    assert names[-2:] == ["finished", "working"]
    assert result["event"] == "result"
    assert result["path"] == "result.mp4"
    assert is_film(tmp_path / "result.mp4")
    assert result["cost_cny"] == 1.8
    assert result["usage"] == {"video_duration": 2.0, "video_ratio": "pro"}
    assert result["task_ids"] == {"mix": events[4]["task_id"]}
    assert result["engine"]["family"] == "wan"
    assert result["video_url"].startswith("http")


def test_quiet_says_the_path_alone(cli: Any, pair: tuple[Path, Path]) -> None:
    done = cli("animate", *pair, "-o", "out.mp4", "--engine", "wan-std", "--quiet")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "out.mp4\n", "")


def test_json_and_quiet_give_the_result_alone(cli: Any, pair: tuple[Path, Path]) -> None:
    done = cli("animate", *pair, "--engine", "wan-std", "--json", "--quiet")
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["event"] == "result"


def test_engine_from_the_environment(
    cli: Any, pair: tuple[Path, Path], emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DASHSCOPE_AA_ENGINE", "wan-std")
    assert cli("animate", *pair, "-q").exit_code == 0
    assert emulator.paid_submits("wan2.2-animate-move") == 1


def test_a_template_in_the_place_of_the_clip(
    cli: Any, pair: tuple[Path, Path], emulator: Emulator
) -> None:
    portrait, clip = pair
    template = cli("template", clip, "-q").stdout.strip()
    emulator.requests.clear()
    done = cli("animate", portrait, template, "--skip-detect")
    assert done.exit_code == 0
    assert f"template: {template} is used again" in done.stderr
    assert "detect:" not in done.stderr
    assert emulator.paid_submits() == 1


def test_options_reach_the_engine(
    cli: Any, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    async def animate(*_sources: object, **options: Any) -> None:
        seen.update(options)
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "animate", animate)
    words = ["--use-ref-img-bg", "--video-ratio", "3:4", "--skip-detect", "--timeout", "7.5"]
    assert cli("animate", *pair, *words).exit_code == 130
    assert (seen["engine"].use_ref_img_bg, seen["engine"].video_ratio) == (True, "3:4")
    assert (seen["detect"], seen["timeout_s"]) == (False, 7.5)
    words = ["--engine", "wan-std", "--kind", "mix", "--watermark", "--no-check-image"]
    assert cli("animate", *pair, *words).exit_code == 130
    engine = seen["engine"]
    assert (engine.mode, engine.kind) == ("wan-std", "mix")
    assert (engine.watermark, engine.check_image) == (True, False)


def test_engine_names_are_those_of_the_library() -> None:
    assert EngineName.__args__ == ENGINE_NAMES  # type: ignore[attr-defined] # a Literal has them


# ── refused before anything is sent ──────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(
            ["--engine", "wan-std", "--use-ref-img-bg"],
            "--use-ref-img-bg cannot be used with the engine wan-std",
            id="background with wan",
        ),
        pytest.param(
            ["--engine", "wan-pro", "--video-ratio", "3:4", "--skip-detect"],
            "--video-ratio, --skip-detect cannot be used with the engine wan-pro",
            id="ratio and detect with wan",
        ),
        pytest.param(
            ["--kind", "mix"],
            "--kind cannot be used with the engine animate-anyone",
            id="kind with AnimateAnyone",
        ),
        pytest.param(
            ["--watermark", "--no-check-image"],
            "--watermark, --no-check-image cannot be used with the engine animate-anyone",
            id="mark and check with AnimateAnyone",
        ),
        pytest.param(["--engine", "sora"], "Invalid value for '--engine'", id="unknown engine"),
        pytest.param(["--video-ratio", "1:1"], "Invalid value for '--video-ratio'", id="ratio"),
        pytest.param(["-o", "."], "it is a directory", id="a directory as output"),
        pytest.param(["-o", "no/such/out.mp4"], "is not a directory", id="no such directory"),
        pytest.param(["--region", "mars"], "there is no region 'mars'", id="unknown region"),
        pytest.param(["--workspace", "a/b"], "workspace id", id="malformed workspace"),
        pytest.param(["--base-url", "ftp://x"], "the base URL must look like", id="base URL"),
        pytest.param(["--nonsense"], "No such option", id="unknown option"),
        pytest.param(["--timeout", "-1"], "Invalid value for '--timeout'", id="negative timeout"),
        pytest.param(["--api-key", "sk-x"], "No such option", id="a key where all can read it"),
    ],
)
def test_usage(
    cli: Any, pair: tuple[Path, Path], emulator: Emulator, words: list[str], said: str
) -> None:
    done = cli("animate", *pair, *words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(emulator.requests) == 0


@pytest.mark.parametrize(
    ("image", "motion", "said"),
    [
        pytest.param("none.jpg", None, "'none.jpg' does not exist", id="missing picture"),
        pytest.param(".", None, "'.' is a directory", id="a directory as picture"),
        pytest.param(os.devnull, None, "is not a regular file", id="a device as picture"),
        pytest.param("none.jpg", "none.mp4", "'none.mp4' does not exist", id="both missing"),
        pytest.param("ftp://x/y.jpg", None, "ftp:// URL", id="a URL of another kind"),
        pytest.param("https://", None, "https", id="a URL without a host"),
    ],
)
def test_unusable_sources(
    cli: Any, clip: Path, emulator: Emulator, image: str, motion: str | None, said: str
) -> None:
    done = cli("animate", image, motion or clip)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.output
    assert len(emulator.requests) == 0


def test_template_id_with_wan(cli: Any, portrait: Path, emulator: Emulator) -> None:
    done = cli("animate", portrait, "AACT.1.2-3.4", "--engine", "wan-std")
    assert done.exit_code == 2
    assert "wan2.2-animate takes a clip" in done.stderr
    assert len(emulator.requests) == 0


def test_wrong_region(cli: Any, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASHSCOPE_HTTP_BASE_URL")
    done = cli("animate", *pair, "--region", "ap-southeast-1")
    assert done.exit_code == 2
    assert "AnimateAnyone is served in cn-beijing only" in done.stderr


def test_no_key(cli: Any, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DASHSCOPE_API_KEY")
    done = cli("animate", *pair)
    assert done.exit_code == 2
    assert "error: there is no API key" in done.stderr


# ── refused, failed, lost ────────────────────────────────────────────────────────────────


def test_bad_key(cli: Any, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "not-one-of-theirs")
    done = cli("animate", *pair, "--json")
    assert done.exit_code == 3
    error = json.loads(done.stderr)
    assert (error["event"], error["type"]) == ("error", "AuthenticationError")
    assert (error["code"], error["http_status"], error["exit_code"]) == ("InvalidApiKey", 401, 3)
    assert "not-one-of-theirs" not in done.output


def test_retired_model_names_the_way_on(
    cli: Any, pair: tuple[Path, Path], emulator: Emulator
) -> None:
    emulator.faults.add(Retired())
    done = cli("animate", *pair)
    assert done.exit_code == 3
    assert "wan2.2-animate-move" in done.stderr


def test_refused_picture(cli: Any, pair: tuple[Path, Path], emulator: Emulator) -> None:
    emulator.faults.add(ImageRejected())
    done = cli("animate", *pair)
    assert done.exit_code == 1
    assert "the image check refused the picture" in done.stderr
    assert emulator.paid_submits("animate-anyone-template-gen2") == 0


def test_failed_task(cli: Any, pair: tuple[Path, Path], emulator: Emulator) -> None:
    emulator.faults.add(TaskFails(on="move"))
    done = cli("animate", *pair, "--engine", "wan-std")
    assert done.exit_code == 4
    assert "the move task failed: Inference internal error." in done.stderr
    assert "go on with" not in done.stderr


def test_failed_synthesis_leaves_the_template(
    cli: Any, pair: tuple[Path, Path], emulator: Emulator
) -> None:
    emulator.faults.add(TaskFails(on="synthesis"))
    done = cli("animate", *pair)
    assert done.exit_code == 4
    assert "the template can be given in the place of the clip: AACT." in done.stderr


def test_outlasted_wait_can_be_taken_up(
    cli: Any, pair: tuple[Path, Path], emulator: Emulator
) -> None:
    emulator.faults.add(TaskStalls(on="move"))
    done = cli("animate", *pair, "--engine", "wan-std", "--timeout", "0.1")
    assert done.exit_code == 4
    assert "go on with: dashscope-aa tasks wait '{" in done.stderr
    assert " -o result.mp4" in done.stderr
    assert "client.resume" not in done.stderr


def test_lost_answer_of_a_paid_submit(
    cli: Any, pair: tuple[Path, Path], emulator: Emulator
) -> None:
    emulator.faults.add(AnswerLost(on="move"))
    done = cli("animate", *pair, "--engine", "wan-std", "-o", "out.mp4")
    assert done.exit_code == 5
    (task,) = [task for task in emulator.tasks if task.id in done.stderr]
    assert "Do not simply run it again" in done.stderr
    assert f"dashscope-aa tasks wait {task.id} -o out.mp4" in done.stderr
    assert emulator.paid_submits() == 1
    assert cli("tasks", "wait", task.id, "-o", "out.mp4").exit_code == 0


def test_lost_download_can_be_taken_up(
    cli: Any, pair: tuple[Path, Path], emulator: Emulator, quick_retries: None, tmp_path: Path
) -> None:
    emulator.faults.add(Truncated(after_bytes=0, times=50))
    done = cli("animate", *pair, "--engine", "wan-std", "-o", "out.mp4", "--json")
    assert done.exit_code == 3
    error = json.loads(done.stderr)
    assert error["type"] == "DownloadError"
    assert not (tmp_path / "out.mp4").exists()
    emulator.faults.clear()
    assert cli("tasks", "wait", error["token"], "-o", "out.mp4").exit_code == 0
    assert is_film(tmp_path / "out.mp4")


def test_a_fault_nobody_expected_is_let_through_but_gives_the_token(
    cli: Any, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Diary, "finished", None)
    done = cli("animate", *pair, "--engine", "wan-std", catch_exceptions=True)
    assert isinstance(done.exception, TypeError)
    assert "go on with: dashscope-aa tasks wait" in done.stderr
