"""The beginning and the end of a command that makes something: check, wait, bring home, tell."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from dashscope_aa._download import check_target
from dashscope_aa._prices import cost_cny
from dashscope_aa._protocol import read_output
from dashscope_aa._task import Task, TaskState
from dashscope_aa.cli._run import Session
from dashscope_aa.cli._show import Working
from dashscope_aa.events import Animation, Progressed, Step, Submitted
from dashscope_aa.models import TaskOutput, TaskUsage, TemplateOutput, VideoOutput


def begin(session: Session, *, output: Path | None = None) -> None:
    """Check that the video can be written, before anything is sent, and say that work begins."""
    session.trail.began = True
    if output is not None:
        check_target(output)
        session.trail.output = output
    session.tell(Working(step="upload"))


async def finish(
    session: Session,
    task: Task[Any],
    *,
    output: Path | None = None,
    timeout_s: float | None = None,
    wait: bool = True,
) -> None:
    """Tell of a task that was submitted; unless told not to, wait for it and bring it home."""
    step = cast("Step", task.operation)
    session.tell(Submitted(step=step, task_id=task.id, token=task.token, model=task.model))
    if wait:
        await bring_home(session, task, output=output, timeout_s=timeout_s)
    else:
        facts = {"task_id": task.id, "token": task.token, "model": task.model}
        session.show.result(task.token, summary=session.trail.way_on(), facts=facts)


async def bring_home(
    session: Session, task: Task[Any], *, output: Path | None, timeout_s: float | None
) -> None:
    """Wait for a task, write its video to *output* if there is both, and tell."""
    made = _as_what_it_is(
        task, await task.result(timeout_s=timeout_s, on_state=partial(_progressed, session, task))
    )
    usage = task.usage
    cost = cost_cny(task.model, usage.video_ratio, usage.video_duration) if usage else None
    told = bill(session, usage, cost)
    facts = {"task_id": task.id, "token": task.token, "usage": usage, "cost_cny": cost}
    if isinstance(made, TemplateOutput):
        template = made.template_id
        facts["template_id"] = template
        session.show.result(template, summary=f"{template}{told}", facts=facts)
    else:
        facts["video_url"] = made.video_url
        await bring_video(session, made, output, summary=told, facts=facts)


def _as_what_it_is(task: Task[Any], made: TaskOutput) -> TemplateOutput | VideoOutput:
    """Read the output of a task that was taken up by its id, without knowing what it makes."""
    if isinstance(made, TemplateOutput | VideoOutput):
        return made
    response = task.history[-1].response
    if "template_id" in (made.model_extra or {}):
        return read_output(response, TemplateOutput)
    return read_output(response, VideoOutput)


async def bring_video(
    session: Session,
    source: Animation | VideoOutput | str,
    output: Path | None,
    *,
    facts: Mapping[str, object],
    summary: str = "",
) -> None:
    """Write a video and tell of it; without a file to write it to, only tell."""
    if output is None:
        url = str(facts["video_url"])
        session.show.result(url, summary=f"{url}{summary}", facts=facts)
        return
    session.tell(Working(step="download"))
    path = str(await session.client.download(source, output))
    session.show.result(path, summary=f"wrote {path}{summary}", facts={**facts, "path": path})


def bill(session: Session, usage: TaskUsage | None, cost: float | None) -> str:
    """Say in one breath how long, how dear, by whom and how fast, as far as it is known."""
    duration_s = usage and usage.video_duration
    said = "" if duration_s is None else f" {duration_s:g} s"
    said += "" if cost is None else f" for {cost:g} CNY"
    host = urlsplit(session.client.base_url).netloc
    return f":{said} by {host} ({session.elapsed_s:.0f} s)"


async def _progressed(session: Session, task: Task[Any], state: TaskState) -> None:
    step = cast("Step", task.operation)  # or "video" or "any", if all there was is an id
    session.tell(Progressed(step=step, task_id=task.id, status=state.status))
