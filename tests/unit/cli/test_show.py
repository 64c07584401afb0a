"""What is said of each event, in which voice, and that a closed pipe costs no job."""

import io
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from dashscope_aa import AnimateAnyone, WanAnimate
from dashscope_aa.cli._json import Json, facts_of
from dashscope_aa.cli._live import OnTerminal
from dashscope_aa.cli._show import Lines, Told, Transferring, Working, say, verdict, word
from dashscope_aa.events import (
    Detected,
    Progressed,
    Submitted,
    TemplateReady,
    Uploaded,
    Uploading,
)
from dashscope_aa.models import Detection


def uploaded(role: Any, model: str = "m") -> Uploaded:
    return Uploaded(role=role, model=model, url="oss://x")


def submitted(step: Any) -> Submitted:
    return Submitted(step=step, task_id="42", token="{}", model="m")


def progressed(step: Any, status: str) -> Progressed:
    return Progressed(step=step, task_id="42", status=status)


PASSED = Detected(detection=Detection(check_pass=True, bodystyle="full"))
WHOLE_WAY: list[Told] = [
    Working(step="upload"),
    uploaded("image", "detect"),
    uploaded("video"),
    PASSED,
    uploaded("image", "synthesis"),
    submitted("template"),
    progressed("template", "PENDING"),
    progressed("template", "RUNNING"),
    progressed("template", "SUCCEEDED"),
    TemplateReady(template_id="AACT.1", reused=False),
    submitted("synthesis"),
    progressed("synthesis", "PENDING"),
    progressed("synthesis", "PRE-PROCESSING"),
    progressed("synthesis", "RUNNING"),
    progressed("synthesis", "POST-PROCESSING"),
    progressed("synthesis", "SUCCEEDED"),
    Working(step="download"),
]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        pytest.param("PENDING", "queued", id="queued"),
        pytest.param("PRE-PROCESSING", "running", id="before"),
        pytest.param("POST-PROCESSING", "running", id="after"),
        pytest.param("SUCCEEDED", "done", id="done"),
        pytest.param("SUSPENDED", "SUSPENDED", id="nobody knows what it means"),
    ],
)
def test_words(status: str, said: str) -> None:
    assert word(status) == said


@pytest.mark.parametrize(
    ("detection", "said"),
    [
        pytest.param(Detection(check_pass=True, bodystyle="half"), "passed, half body", id="half"),
        pytest.param(Detection(check_pass=True), "passed", id="no body told"),
        pytest.param(Detection(check_pass=False, reason="two"), "refused, two", id="refused"),
        pytest.param(
            Detection(check_pass=False), "refused, no reason given", id="refused without a word"
        ),
    ],
)
def test_verdict(detection: Detection, said: str) -> None:
    assert verdict(detection) == said


def test_a_whole_run_in_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    for event in WHOLE_WAY:
        lines.event(event)
    assert capsys.readouterr().err.splitlines() == [
        "uploaded the image",
        "uploaded the video",
        "detect: passed, full body",
        "template: queued, task 42",
        "template: running after 0 s",
        "template: AACT.1 after 0 s",
        "synthesis: queued, task 42",
        "synthesis: running after 0 s",
    ]


def test_a_task_taken_up_again(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    for status in ("PENDING", "SUSPENDED", "RUNNING", "SUCCEEDED"):
        lines.event(progressed("video", status))
    assert capsys.readouterr().err.split("\n")[:3] == [
        "video: queued",
        "video: SUSPENDED",
        "video: running",
    ]


def test_json_names_events(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Json()
    for event in (PASSED, TemplateReady(template_id="AACT.1", reused=True)):
        shown.event(event)
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["event"], first["detection"]) == (
        "detected",
        {"check_pass": True, "bodystyle": "full"},
    )
    assert (second["event"], second["reused"]) == ("template_ready", True)


def test_json_is_told_on_one_line_when_interrupted(capsys: pytest.CaptureFixture[str]) -> None:
    Json().interrupted(way_on="this\nor that", token="{}")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["way_on"] == "this\nor that"


def test_engines_say_their_family() -> None:
    assert facts_of(AnimateAnyone())["family"] == "animate-anyone"
    assert facts_of(WanAnimate(mode="wan-pro"))["family"] == "wan"


def test_a_reader_that_has_gone_costs_no_job(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as stream:
        say("nobody reads this", file=stream)
        say("nor this", file=stream)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_a_full_disk_costs_no_job(capsys: pytest.CaptureFixture[str]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as stream:
        say("there is no room for this", file=stream)
        say("nor for this", file=stream)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: the output cannot be written, and is lost: ")


# ── on a terminal ────────────────────────────────────────────────────────────────────────


def terminal(**options: Any) -> tuple[OnTerminal, io.StringIO]:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, **options)
    return OnTerminal(console), screen


def plain_text(screen: io.StringIO) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())


def last_picture(screen: io.StringIO) -> list[list[str]]:
    """Give the last display, word by word."""
    return [line.split() for line in plain_text(screen).rsplit("upload", 1)[1].splitlines()]


def test_display_of_a_whole_run(capsys: pytest.CaptureFixture[str]) -> None:
    shown, screen = terminal(no_color=True)
    with shown:
        for event in WHOLE_WAY:
            shown.event(event)
        shown.result("out.mp4", summary="wrote out.mp4", facts={})
    picture = last_picture(screen)
    assert picture[0] == ["done", "0", "s", "image,", "video"]
    assert picture[1] == ["detect", "done", "0", "s", "passed,", "full", "body"]
    assert picture[2] == ["template", "done", "0", "s", "AACT.1"]
    assert picture[3] == ["synthesis", "done", "0", "s", "task", "42"]
    assert picture[4][:2] == ["download", "done"]
    assert capsys.readouterr().out == "wrote out.mp4\n"


def test_display_of_files_on_their_way() -> None:
    shown, screen = terminal(no_color=True)
    with shown:
        shown.event(Uploading(role="video", model="m", sent_bytes=1_000_000, size_bytes=3_000_000))
        assert "1.0 MB of 3.0 MB" in plain_text(screen)
        shown.event(uploaded("video"))
        shown.event(
            Transferring(step="download", file="x", done_bytes=2_000_000, total_bytes=8_000_000)
        )
        assert "2.0 MB of 8.0 MB" in plain_text(screen)
    assert last_picture(screen)[1][:2] == ["download", "done"]


def test_display_while_it_goes_and_when_it_breaks() -> None:
    shown, screen = terminal(no_color=True)
    shown.event(Working(step="upload"))
    shown.event(submitted("move"))
    shown.event(progressed("move", "RUNNING"))
    assert re.search(r"upload +done +0 s +\n. +move +running +0 s", plain_text(screen))
    with pytest.raises(KeyboardInterrupt), shown:
        raise KeyboardInterrupt
    assert last_picture(screen)[1][:2] == ["move", "stopped"]


def test_nothing_is_displayed_before_there_is_something_to_show() -> None:
    shown, screen = terminal()
    with shown:
        pass
    assert screen.getvalue() == ""
