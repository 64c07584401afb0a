"""What a run tells, and what it leaves behind when it fails."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from dashscope_aa import AnimateAnyone, Client
from dashscope_aa._choices import Choices
from dashscope_aa._diary import Diary
from dashscope_aa.emulator import Emulator, TaskStalls
from dashscope_aa.errors import TaskTimeoutError
from dashscope_aa.events import Detected, Event
from dashscope_aa.models import Detection

pytestmark = pytest.mark.anyio

VERDICT = Detection(check_pass=True)
CLIP = "http://127.0.0.1:9/a.mp4"


def diary(**options: Any) -> Diary:
    return Diary(Choices(engine=AnimateAnyone(), **options))


async def test_functions_and_coroutines_are_told() -> None:
    told: list[Event] = []

    async def tell(event: Event) -> None:
        told.append(event)

    for on_event in (told.append, tell):
        await diary(on_event=on_event).detected(VERDICT, cost_cny=0.0)
    assert told == [Detected(detection=VERDICT)] * 2


async def test_receiver_that_fails_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Event) -> None:
        raise RuntimeError("no room on the screen")

    with caplog.at_level(logging.ERROR, "dashscope_aa"):
        await diary(on_event=fail).detected(VERDICT, cost_cny=0.0)
    assert "on_event failed for Detected" in caplog.text
    assert "no room on the screen" in caplog.text


async def test_tasks_that_go_on_are_noted_once(
    make_client: Callable[..., Client], emulator: Emulator
) -> None:
    emulator.faults.add(TaskStalls(on="template"))
    task = await make_client().create_template(CLIP)
    run = diary(timeout_s=0.05)
    with pytest.raises(TaskTimeoutError) as raised:
        await run.wait(task, "template", paid=True)
    for _ in range(2):
        run.note_open(raised.value)
    notes = "".join(raised.value.__notes__)
    assert notes.count(task.token) == 1


def test_template_that_is_there_is_noted() -> None:
    run, error = diary(), ValueError()
    run.template_id = "AACT.x"
    run.note_open(error)
    assert "give AACT.x in the clip's place" in error.__notes__[0]
