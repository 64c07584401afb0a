"""The beginning and the end of a command that makes something: check, wait, bring home, tell."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from dashscope_aa._book import Memo
from dashscope_aa._download import check_target
from dashscope_aa._prices import Estimate, check_cost, cost_cny
from dashscope_aa._protocol import read_output
from dashscope_aa._task import Task, TaskState
from dashscope_aa.cli._place import check_apart
from dashscope_aa.cli._run import Session
from dashscope_aa.cli._show import Transferring, Working
from dashscope_aa.events import Animation, Progressed, Step, Submitted
from dashscope_aa.models import TaskOutput, TaskUsage, TemplateOutput, VideoOutput


def begin(session: Session, *, output: Path | None = None, sources: Sequence[str] = ()) -> None:
    """Check that the video can be written, before anything is sent, and say that work begins."""
    session.trail.began = True
    if output is not None:
        check_target(output)
        check_apart([output], sources)
        session.trail.output = output
    session.tell(Working(step="upload"))


async def memo_within(
    session: Session, max_cost_cny: float | None, expected: Callable[[], Awaitable[Estimate]]
) -> Memo:
    """Refuse what would cost too much; give what a ledger is to hold of the cost.

    Raises:
        CostLimitError: it would cost more than *max_cost_cny*, or nobody can say.
    """
    if max_cost_cny is None and session.options.ledger is None:
        return Memo()
    estimate = await expected()
    check_cost(estimate, max_cost_cny)
    return Memo(estimate_cny=estimate.cny)


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
    told = bill(session, usage, cost, model=task.model)
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
    path = str(await downloaded(session, source, output))
    session.show.result(path, summary=f"wrote {path}{summary}", facts={**facts, "path": path})


async def downloaded(session: Session, source: Animation | VideoOutput | str, output: Path) -> Path:
    """Write a video, telling how far it is."""

    def so_far(done: int, total: int | None) -> None:
        session.tell(
            Transferring(step="download", file=str(output), done_bytes=done, total_bytes=total)
        )

    return await session.client.download(source, output, on_bytes=so_far)


def bill(
    session: Session, usage: TaskUsage | None, cost: float | None, *, model: str | None = None
) -> str:
    """Say in one breath how long, how dear, by whom and how fast, as far as it is known.

    An empty *model* is one that nobody knows, because all there was is a task's id.
    """
    duration_s = usage and usage.video_duration
    said = "" if duration_s is None else f" {duration_s:g} s"
    if cost is not None:
        said += f" for {cost:g} CNY"
    elif duration_s is not None:
        told = "cost not known" + (": the id alone does not tell it" if model == "" else "")
        said += f" ({told})"
    host = urlsplit(session.client.base_url).netloc
    return f":{said} by {host} ({session.elapsed_s:.0f} s)"


async def _progressed(session: Session, task: Task[Any], state: TaskState) -> None:
    step = cast("Step", task.operation)  # or "video" or "any", if all there was is an id
    session.tell(Progressed(step=step, task_id=task.id, status=state.status))
