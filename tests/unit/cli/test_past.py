"""How long tasks took before, and what is shown of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from dashscope_aa import Entry
from dashscope_aa.cli._past import Past, spell
from dashscope_aa.cli._step import Step

BEGAN = datetime(2026, 11, 1, 12, tzinfo=UTC)


def row(*seen: tuple[str, float], length_s: float | None = None, model: str = "m") -> Entry:
    history = [[status, (BEGAN + timedelta(seconds=at)).isoformat()] for status, at in seen]
    output = {"task_id": "t", "task_status": seen[-1][0]}
    usage = {"video_duration": length_s, "video_ratio": "standard"}
    answer = {"output": output, **({"usage": usage} if length_s else {})}
    return Entry(
        account="a",
        operation="move",
        model=model,
        fingerprint="f",
        sent="{}",
        sent_at=BEGAN,
        status=seen[-1][0],
        history=json.dumps(history),
        response=json.dumps(answer),
    )


def ran(run_s: float, length_s: float | None = None, **facts: Any) -> Entry:
    seen = (("PENDING", 0.0), ("RUNNING", 50.0), ("SUCCEEDED", 50.0 + run_s))
    return row(*seen, length_s=length_s, **facts)


@pytest.mark.parametrize(
    ("rows", "length_s", "run_s"),
    [
        pytest.param([], 5, None, id="nothing to go by"),
        pytest.param([ran(30, model="other")], 5, None, id="another model"),
        pytest.param([ran(30), ran(50), ran(40)], 5, 40, id="lengths not known"),
        pytest.param([ran(30, 3), ran(80, 4)], 2, 30, id="by the length"),
        pytest.param([ran(30, 3)], None, 30, id="this one's length is not known"),
        pytest.param([row(("PENDING", 0.0), ("FAILED", 9.0))], 5, None, id="a failed one"),
        pytest.param([row(("SUCCEEDED", 9.0))], 5, None, id="only its end was seen"),
    ],
)
def test_how_long_it_is_going_to_run(
    rows: list[Entry], length_s: float | None, run_s: float | None
) -> None:
    assert Past.of(rows).run_s("m", length_s) == run_s


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        pytest.param(0.4, "0 s", id="nothing"),
        pytest.param(89, "89 s", id="seconds"),
        pytest.param(150, "2 min", id="minutes"),
        pytest.param(9000, "2.5 h", id="hours"),
    ],
)
def test_spell(seconds: float, said: str) -> None:
    assert spell(seconds) == said


def back(step: Step, seconds: float) -> None:
    """Let a step have begun its state that long ago."""
    step.since -= seconds


def test_queue_and_run_and_what_is_left() -> None:
    step = Step(run_s=100)
    step.turn("queued")
    back(step, 20)
    assert step.times == "will run about 2 min"
    step.turn("running")
    back(step, 30)
    assert step.times == "queued 20 s, about 70 s left"
    back(step, 500)
    assert step.times == "queued 20 s"
    step.end("done")
    assert step.times == "queued 20 s, ran 9 min"


def test_a_bar_while_files_go_through() -> None:
    step = Step()
    assert step.bar is None
    step.files["image"] = (1_000_000, 4_000_000)
    step.files["sound"] = (5, None)
    console = Console(width=80, record=True)
    console.print(step.bar)
    assert "1.0 MB of 4.0 MB" in console.export_text()
    step.end("done")
    assert step.bar is None
