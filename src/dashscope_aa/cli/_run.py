"""Run a command: its client, its errors as exit codes, and what is said when it is interrupted."""

import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

import anyio
import typer

from dashscope_aa._book import UNSETTLED
from dashscope_aa._client import Client
from dashscope_aa.cli._json import Json
from dashscope_aa.cli._live import OnTerminal
from dashscope_aa.cli._options import Options, Voice
from dashscope_aa.cli._past import Past
from dashscope_aa.cli._show import Lines, Quiet, Told
from dashscope_aa.cli._trail import Trail
from dashscope_aa.errors import (
    ConfigurationError,
    DashScopeError,
    ImageRejectedError,
    InputError,
    LedgerError,
    MediaError,
    PreflightError,
    ProtocolError,
    ServiceError,
    SubmitOutcomeUnknownError,
    TaskError,
    TransferError,
    TransportError,
)

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


def exit_code(error: DashScopeError) -> int:
    """Give the exit code of an error."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), REFUSED)


def exit_code_here(error: DashScopeError) -> int:
    """Give the exit code where the service has no part in it: media or words are at fault."""
    return WANTING if exit_code(error) == WANTING else USAGE


@dataclass(frozen=True, slots=True)
class Session:
    """One run of a command that talks to the service."""

    client: Client
    """The client, open."""
    options: Options
    """What it was told, but for what is the command's own."""
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
        async with Client(**options.settings()) as client:
            try:
                if options.ledger and options.ledger.exists():
                    show.past = Past.of(await client.ledger_rows())
                await work(Session(client, options, show, trail))
            except SubmitOutcomeUnknownError as lost:
                if options.ledger:
                    trail.lost_rows = await _rows_of(client, lost)
                raise

    with reported(show, trail), interruptible():
        anyio.run(within_a_client)


async def _rows_of(client: Client, lost: SubmitOutcomeUnknownError) -> tuple[int, ...]:
    """Give the numbers of a lost submit's rows in the ledger."""
    rows = await client.ledger_rows()
    of_it = (row for row in rows if row.fingerprint == lost.fingerprint)
    return tuple(row.id for row in of_it if row.state in UNSETTLED)


@dataclass(frozen=True, slots=True)
class Bare:
    """One run of a command that makes its own client."""

    show: Lines
    """What says what happens."""
    trail: Trail
    """What is left on the server."""
    options: Options
    """What it was told."""

    def client(self, **changed: Any) -> Client:  # noqa: ANN401 - arguments of Client
        """Make a client of what it was told, and of what is told otherwise here."""
        return Client(**{**self.options.settings(), **changed})


def run_bare(work: Callable[[Bare], Awaitable[None]], options: Options) -> None:
    """Run a command that makes its own client, or none."""
    show, trail = show_for(options), Trail(options)
    with reported(show, trail), interruptible():
        anyio.run(work, Bare(show, trail, options))


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
