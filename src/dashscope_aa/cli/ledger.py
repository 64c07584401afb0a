"""``dashscope-aa ledger``: what was paid for, and what is to be done about the open ends."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from dashscope_aa import Entry
from dashscope_aa._book import UNSETTLED
from dashscope_aa._prices import total
from dashscope_aa._task import Task
from dashscope_aa.cli._app import TASKS, Group, app, command
from dashscope_aa.cli._finish import downloaded
from dashscope_aa.cli._json import as_line
from dashscope_aa.cli._options import Timeout
from dashscope_aa.cli._place import make_folder
from dashscope_aa.cli._run import Session, exit_code
from dashscope_aa.cli._show import Row, say, word
from dashscope_aa.errors import ConfigurationError, DashScopeError, InputError
from dashscope_aa.models import TaskStatus, VideoOutput

Which = Literal["all", "open", "lost"]
_HEAD: Final = ("row", "sent", "what", "state", "estimate", "billed", "task", "saved to")


class _ListsByDefault(Group):
    """A group that lists when it is told nothing else."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer keeps its type to itself
        """Take the options of the list for the group's own."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


ledger = typer.Typer(
    cls=_ListsByDefault,
    help="List what was paid for, go on with it, settle what was lost. Alone it lists.",
)
app.add_typer(ledger, name="ledger", rich_help_panel=TASKS)

Number = Annotated[int, typer.Argument(metavar="ROW", min=1, help="The number that `list` shows.")]


@command("ledger list --only open --ledger jobs.sqlite", group=ledger, name="list")
async def list_rows(
    session: Session,
    *,
    only: Annotated[
        Which,
        typer.Option(
            help="open: tasks that have not ended; lost: submits of which nobody knows what came."
        ),
    ] = "all",
) -> None:
    """List every paid submit of this account, oldest first, and what they come to."""
    rows = [row for row in await _rows(session) if only == "all" or _kind(row) == only]
    lines = [Row(str(row.id), _cells(row), _facts(row)) for row in rows]
    session.show.table(_HEAD, lines, summary=_sums(rows))


@command("ledger show 17 --ledger jobs.sqlite", group=ledger)
async def show(session: Session, row: Number) -> None:
    """Print all that is known of one submit."""
    found = await _row(session, row)
    facts = _facts(found)
    said = json.dumps(json.loads(as_line(facts)), indent=2, ensure_ascii=False)
    session.show.result(word(_state(found)), summary=said, facts=facts)


@command("ledger resume --out videos --ledger jobs.sqlite", group=ledger)
async def resume(
    session: Session,
    *,
    out: Annotated[
        Path, typer.Option(help="The folder for the videos; made when it is not there.")
    ] = Path(),
    timeout_s: Timeout = None,
) -> None:
    """Wait for every task that is open, and write all videos that were not saved yet.

    Nothing is submitted. What one task ends in stops no other; the exit code is the gravest.
    """
    rows = [row for row in await _rows(session) if _kind(row) == "open" or _is_to_be_saved(row)]
    make_folder(out)
    codes = [await _resumed(session, row, out, timeout_s) for row in rows]
    if not rows:
        session.show.result("", summary="nothing is open", facts={"open": 0})
    if any(codes):
        raise typer.Exit(max(codes))


@command("ledger export --ledger jobs.sqlite", group=ledger)
async def export(session: Session) -> None:
    """Print every row as a JSON object, a line each."""
    for row in await _rows(session):
        say(as_line(_facts(row)))


@command("ledger adopt 17 0385dc79-5ff8-4d82-bcb6-1b2c3d4e5f60", group=ledger)
async def adopt(
    session: Session,
    row: Number,
    task: Annotated[
        str, typer.Argument(metavar="TASK", help="The id of the task that came of it.")
    ],
) -> None:
    """Say which task came of a submit whose answer was lost.

    Look at what the task made before you say so: the list does not tell what it was given.
    """
    adopted: Task[Any] = await session.client.adopt(await _lost(session, row), task)
    await adopted.refresh()
    said = f"row {row} is task {adopted.id}, {word(adopted.status)}"
    facts = {"row": row, "task_id": adopted.id, "status": adopted.status}
    session.show.result(adopted.id, summary=said, facts=facts)


@command("ledger write-off 17 --ledger jobs.sqlite", group=ledger, name="write-off")
async def write_off(session: Session, row: Number) -> None:
    """Say that a submit whose answer was lost may be sent again.

    If it was accepted all the same, it is paid for twice.
    """
    await session.client.write_off(await _lost(session, row))
    facts = {"row": row, "state": "refused"}
    session.show.result(str(row), summary=f"row {row} may be sent again", facts=facts)


# ── rows ─────────────────────────────────────────────────────────────────────────────────


async def _rows(session: Session) -> list[Entry]:
    path = session.options.ledger
    if path is None:
        hint = "Give --ledger PATH, or set DASHSCOPE_AA_LEDGER."
        raise ConfigurationError("no ledger is named", hint=hint)
    if not path.exists():
        raise InputError(f"there is no ledger {str(path)!r}")
    return await session.client.ledger_rows()


async def _row(session: Session, number: int) -> Entry:
    for row in await _rows(session):
        if row.id == number:
            return row
    raise InputError(f"this account has no row {number} in {str(session.options.ledger)!r}")


async def _lost(session: Session, number: int) -> Entry:
    row = await _row(session, number)
    if row.state not in UNSETTLED:
        said = f"row {number} is not lost: it is {_state(row)}"
        raise InputError(said, hint="`dashscope-aa ledger list --only lost` shows those that are.")
    return row


def _kind(row: Entry) -> str:
    if row.state in UNSETTLED:
        return "lost"
    ended = {TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.CANCELED}
    return "open" if row.token and row.status not in ended else "settled"


def _state(row: Entry) -> str:
    """Say in a word what is known of it."""
    if row.state in UNSETTLED:
        return "lost"
    return word(row.status) if row.status else row.state


def _is_to_be_saved(row: Entry) -> bool:
    wanted = row.video_url is not None and row.saved_to is None
    return wanted and (row.expires_at is None or row.expires_at > datetime.now(UTC))


def _cells(row: Entry) -> tuple[str, ...]:
    return (
        str(row.id),
        f"{row.sent_at.astimezone():%Y-%m-%d %H:%M:%S}",
        row.operation,
        _state(row) + (f" ({row.code})" if row.code else ""),
        _cny(row.estimate_cny),
        _cny(row.billed_cny),
        row.task_id or "-",
        row.saved_to or "-",
    )


def _cny(cny: float | None) -> str:
    return "-" if cny is None else f"{cny:g}"


def _sums(rows: Sequence[Entry]) -> str:
    """Say what all of it was expected to cost, and what was billed."""
    paid = [row for row in rows if row.state != "refused"]
    expected = total([row.estimate_cny for row in paid if row.estimate_cny is not None])
    billed = total([row.billed_cny for row in paid if row.billed_cny is not None])
    lost = sum(row.state in UNSETTLED for row in rows)
    many = "1 submit" if len(rows) == 1 else f"{len(rows)} submits"
    said = f"{many}, estimated {_cny(expected)} CNY, billed {_cny(billed)} CNY"
    return f"{said}, {lost} lost" if lost else said


def _facts(row: Entry) -> dict[str, object]:
    """Give a row with the JSON in it unfolded."""
    facts = asdict(row)
    for name in ("sent", "history", "response"):
        facts[name] = json.loads(facts[name]) if facts[name] else None
    return facts


# ── going on ─────────────────────────────────────────────────────────────────────────────


async def _resumed(session: Session, row: Entry, out: Path, timeout_s: float | None) -> int:
    """Bring one task home; give the exit code of what came of it."""
    task: Task[Any] = session.client.resume(row.token or "")
    session.trail.follow(task.token, task.operation)
    try:
        made = await task.result(timeout_s=timeout_s)
        facts: dict[str, object] = {"row": row.id, "task_id": task.id}
        if isinstance(made, VideoOutput):
            path = out / f"{row.operation}-{task.id}.mp4"
            path = await downloaded(session, made, path)
            said = f"row {row.id}: wrote {path}"
            session.show.result(str(path), summary=said, facts={**facts, "path": path})
        else:
            said = f"row {row.id}: {made.template_id}"
            session.show.result(made.template_id, summary=said, facts=facts)
    except DashScopeError as error:
        number = exit_code(error)
        session.show.failure(error, exit_code=number, way_on="", token=task.token)
        return number
    return 0
