"""Run a command: its client, its errors as exit codes, and what to do when it is interrupted."""

import os
import shlex
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

import anyio
import typer

from dashscope_aa._client import Client
from dashscope_aa.cli._live import OnTerminal
from dashscope_aa.cli._options import Options, Voice
from dashscope_aa.cli._show import Json, Lines, Quiet, Told
from dashscope_aa.errors import (
    ConfigurationError,
    DashScopeError,
    ImageRejectedError,
    InputError,
    LedgerError,
    MediaError,
    PreflightError,
    ProtocolError,
    ResultExpiredError,
    ServiceError,
    SubmitOutcomeUnknownError,
    TaskCanceledError,
    TaskError,
    TaskFailedError,
    TaskNotFoundError,
    TransferError,
    TransportError,
)
from dashscope_aa.events import Submitted, TemplateReady

WANTING: Final = 1
USAGE: Final = 2
REFUSED: Final = 3
INTERRUPTED: Final = 130

EXIT_CODES: Final[tuple[tuple[type[DashScopeError], int], ...]] = (
    # The first that fits counts, so the particular stand before the general.
    (SubmitOutcomeUnknownError, 5),
    (TaskError, 4),
    (PreflightError, WANTING),
    (ImageRejectedError, WANTING),
    (MediaError, WANTING),
    (ConfigurationError, USAGE),
    (LedgerError, USAGE),
    (InputError, USAGE),
    (ServiceError, REFUSED),
    (ProtocolError, REFUSED),
    (TransportError, REFUSED),
    (TransferError, REFUSED),
)

_NOTHING_LEFT: Final = (
    TaskFailedError,
    TaskCanceledError,
    TaskNotFoundError,
    ResultExpiredError,
)
"""After these there is nothing on the server to go on with."""


def exit_code(error: DashScopeError) -> int:
    """Give the exit code of an error."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), REFUSED)


def exit_code_here(error: DashScopeError) -> int:
    """Give the exit code where the service has no part in it: media or words are at fault."""
    return WANTING if exit_code(error) == WANTING else USAGE


class Trail:
    """What a run has left on the server so far, and how to go on with it."""

    def __init__(self, options: Options) -> None:
        self.began = False
        self.output: Path | None = None
        self.token: str | None = None
        self._where = options.where()
        self._step: str | None = None
        self._template: str | None = None

    def note(self, event: Told) -> None:
        """Remember the template that is ready, or the task that is under way."""
        match event:
            case Submitted(step=step, token=token):
                self.follow(token, step)
            case TemplateReady(template_id=template):
                self.token, self._template = None, template
            case _:
                pass

    def follow(self, token: str, step: str) -> None:
        """Remember the task that is under way."""
        self.token, self._step = token, step

    def way_on(self, error: DashScopeError | None = None) -> str:
        """Say how to go on; empty if there is nothing to go on with."""
        if isinstance(error, SubmitOutcomeUnknownError):
            return self._candidates(error)
        if self.token and not isinstance(error, _NOTHING_LEFT):
            return f"go on with: {self._wait(self.token)}"
        lines: list[str] = []
        if self._template:
            lines.append(f"the template can be given in the place of the clip: {self._template}")
        if self.began and error is None:
            lines.append(f"if a task was just being submitted, it is among these: {self._list()}")
        return "\n".join(lines)

    def _list(self) -> str:
        return shlex.join(["dashscope-aa", "tasks", "list", *self._where])

    def _wait(self, task: str) -> str:
        output = ["-o", str(self.output)] if self.output and self._step != "template" else []
        return shlex.join(["dashscope-aa", "tasks", "wait", task, *output, *self._where])

    def _candidates(self, error: SubmitOutcomeUnknownError) -> str:
        """Name the tasks that may be the lost one; no task can come of an image check."""
        if error.hint != error.default_hint:
            return ""
        lines = [
            "Do not simply run it again: the task may be running, and will be billed.",
            *(f"it may be ({row.status}): {self._wait(row.task_id)}" for row in error.candidates),
            f"all tasks: {self._list()}",
        ]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Session:
    """One run of a command that talks to the service."""

    client: Client
    """The client, open."""
    show: Lines
    """What says what happens."""
    trail: Trail
    """What is left on the server."""
    began_s: float = field(default_factory=time.monotonic)
    """When it began, on the monotonic clock."""

    @property
    def elapsed_s(self) -> float:
        """How long it has been going."""
        return time.monotonic() - self.began_s

    def tell(self, event: Told) -> None:
        """Show an event and remember what it means for going on."""
        self.trail.note(event)
        self.show.event(event)


def run(work: Callable[[Session], Awaitable[None]], options: Options) -> None:
    """Run a command to its end, and exit with the code that fits if it fails."""
    show, trail = show_for(options), Trail(options)

    async def within_a_client() -> None:
        async with Client(
            base_url=options.base_url, region=options.region, workspace=options.workspace
        ) as client:
            await work(Session(client, show, trail))

    with reported(show, trail), interruptible():
        anyio.run(within_a_client)


def run_here(work: Callable[[Lines], Awaitable[None]], voice: Voice) -> None:
    """Run a command that asks nothing of the service, and so needs no client and no key."""
    show = show_for(voice)
    with reported(show, Trail(Options()), code=exit_code_here), interruptible():
        anyio.run(work, show)


def show_for(voice: Voice) -> Lines:
    """Choose how a command shows what happens."""
    if voice.json:
        return Json(quiet=voice.quiet)
    if voice.quiet:
        return Quiet()
    moving = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return OnTerminal() if moving else Lines()


@contextmanager
def reported(
    show: Lines, trail: Trail, *, code: Callable[[DashScopeError], int] = exit_code
) -> Generator[None]:
    """Turn our errors and Ctrl-C into a message and an exit code; let others through."""
    try:
        with show:
            yield
    except KeyboardInterrupt:
        show.interrupted(way_on=trail.way_on(), token=trail.token)
        raise typer.Exit(INTERRUPTED) from None
    except DashScopeError as error:
        number = code(error)
        show.failure(error, exit_code=number, way_on=trail.way_on(error), token=trail.token)
        raise typer.Exit(number) from None
    except typer.Exit:
        raise
    except Exception:
        if trail.token:  # nobody expected this, but what is paid for can still be had
            show.interrupted(way_on=trail.way_on(), token=trail.token)
        raise


@contextmanager
def interruptible() -> Generator[None]:
    """Have SIGTERM do what Ctrl-C does, at this moment."""

    def as_interrupt(number: int, frame: FrameType | None) -> None:
        del number
        known = signal.getsignal(signal.SIGINT)
        (known if callable(known) else signal.default_int_handler)(signal.SIGINT, frame)

    before = signal.signal(signal.SIGTERM, as_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
