"""``dashscope-aa tasks``: what becomes of the tasks of an account."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from dashscope_aa._download import check_target
from dashscope_aa._task import Task
from dashscope_aa.cli._app import TASKS, Group, app, command
from dashscope_aa.cli._finish import bring_home
from dashscope_aa.cli._options import Timeout
from dashscope_aa.cli._run import REFUSED, Session
from dashscope_aa.models import TaskListItem, TaskOutput

_PAGE_SIZE: Final = 50

tasks = typer.Typer(cls=Group, help="List, show, wait for and cancel tasks.", no_args_is_help=True)
app.add_typer(tasks, name="tasks", rich_help_panel=TASKS)

Which = Annotated[
    str, typer.Argument(metavar="TASK", help="The token that was printed, or the id of a task.")
]


@command("tasks list --status RUNNING", group=tasks, name="list")
async def list_tasks(
    session: Session,
    *,
    model: Annotated[str | None, typer.Option(help="Only tasks of this model.")] = None,
    status: Annotated[
        str | None, typer.Option(help="Only tasks in this status, such as PENDING.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
) -> None:
    """List the tasks of the last 24 hours, one a line."""
    rows: list[TaskListItem] = []
    async for page in session.client.list_tasks(
        model_name=model, status=status, page_size=min(limit, _PAGE_SIZE)
    ):
        rows += page.data
        if len(rows) >= limit:
            break
    for row in rows[:limit]:
        facts = row.model_dump(mode="json", exclude_none=True)
        session.show.result(row.task_id, summary=_line(row), facts=facts)


@command("tasks show 0385dc79-5ff8-4d82-bcb6-1b2c3d4e5f60", group=tasks)
async def show(session: Session, task: Which) -> None:
    """Print what the service says about a task now."""
    answer = await _resumed(session, task).refresh()
    session.show.result(
        str(answer.output.task_status),
        summary=answer.model_dump_json(indent=2, exclude_unset=True),
        facts=answer.model_dump(mode="json", exclude_unset=True),
    )


@command("tasks wait 0385dc79-5ff8-4d82-bcb6-1b2c3d4e5f60 -o result.mp4", group=tasks)
async def wait(
    session: Session,
    task: Which,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write its video; else its URL is printed."),
    ] = None,
    timeout_s: Timeout = None,
) -> None:
    """Wait for a task, and write its video or print the id of its template."""
    if output is not None:
        check_target(output)
    resumed = _resumed(session, task)
    session.trail.output = output
    session.trail.follow(resumed.token, resumed.operation)
    await bring_home(session, resumed, output=output, timeout_s=timeout_s)


@command("tasks cancel 0385dc79-5ff8-4d82-bcb6-1b2c3d4e5f60", group=tasks)
async def cancel(session: Session, task: Which) -> None:
    """Cancel a task while it is queued. Exits with 3 if it is too late for that."""
    resumed = _resumed(session, task)
    took = await resumed.cancel()
    said = "cancelled" if took else "not cancelled: it is not queued"
    facts = {"task_id": resumed.id, "cancelled": took}
    session.show.result(said.partition(":")[0], summary=said, facts=facts)
    if not took:
        raise typer.Exit(REFUSED)


def _resumed(session: Session, task: str) -> Task[Any]:
    """Take up a task by its token, which knows what it makes, or by its id, which does not."""
    if task.lstrip().startswith("{"):
        return session.client.resume(task)
    return session.client.resume(task, output=TaskOutput)


def _line(row: TaskListItem) -> str:
    made = f"{row.gmt_create.astimezone():%Y-%m-%d %H:%M:%S}" if row.gmt_create else "-"
    return f"{row.task_id}  {row.status:<15}  {made:<19}  {row.model_name or '-'}"
