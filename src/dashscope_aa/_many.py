"""Many runs of `animate` at once, each with an outcome of its own."""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import anyio

from dashscope_aa._concurrency import first_part, in_thread
from dashscope_aa._download import real_name
from dashscope_aa._engines import Engine
from dashscope_aa._prepare import Preflight
from dashscope_aa._sources import ImageSource, TemplateSource
from dashscope_aa.errors import InputError
from dashscope_aa.events import Animation, Event

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectSendStream

OnJobEvent = Callable[[int, Event], Awaitable[None] | None]
"""What is told of many jobs: the number of the job, from 0, and the event."""


@dataclass(frozen=True, slots=True)
class Job:
    """One call of `Client.animate`, and where its video is to be written."""

    image: ImageSource
    """The picture."""
    template: TemplateSource
    """The motion: a clip or a template."""
    engine: Engine | None = field(default=None, kw_only=True)
    """What makes the video; None means the client's engine."""
    preflight: Preflight = field(default="fix", kw_only=True)
    """As in `Client.animate`."""
    detect: bool = field(default=True, kw_only=True)
    """As in `Client.animate`."""
    timeout_s: float | None = field(default=None, kw_only=True)
    """As in `Client.animate`."""
    max_cost_cny: float | None = field(default=None, kw_only=True)
    """As in `Client.animate`."""
    fresh: bool = field(default=False, kw_only=True)
    """As in `Client.animate`."""
    save_to: str | os.PathLike[str] | None = field(default=None, kw_only=True)
    """The file to write the video to; None leaves it where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one job: an animation, or an error; an error of saving comes with both."""

    index: int
    """Number of the job, from 0."""
    job: Job
    """The job."""
    animation: Animation | None = None
    """The video, if there is one."""
    saved_to: Path | None = None
    """The file it was written to."""
    error: Exception | None = None
    """What went wrong; its notes hold the tokens of tasks that may go on."""

    @property
    def ok(self) -> bool:
        """True if nothing went wrong."""
        return self.error is None


class Runner(Protocol):
    """Runs one job to its outcome; its own errors are a part of it."""

    async def __call__(self, index: int, job: Job, /) -> Outcome:
        """Run it."""
        ...


@asynccontextmanager
async def outcomes_of(
    jobs: Sequence[Job], run: Runner, *, limit: int
) -> AsyncGenerator[AsyncIterator[Outcome], None]:
    """Run jobs, at most *limit* at a time, and give each outcome as it comes.

    The jobs run for as long as the block lasts; leaving it stops those that are not done.
    """
    if limit < 1:
        raise InputError(f"limit must be at least 1, but is {limit}")
    for job in jobs:
        if not isinstance(job, Job):  # pyright: ignore[reportUnnecessaryIsInstance] - users may err
            raise InputError(f"a job must be a Job(image, template), but is {job!r:.80}")
    await in_thread(_check_places, jobs)
    send, receive = anyio.create_memory_object_stream[Outcome](len(jobs))
    queue = iter(enumerate(jobs))
    try:
        async with anyio.create_task_group() as group:
            with send, receive:
                for _ in range(min(limit, len(jobs))):
                    group.start_soon(partial(_work, queue, run, send.clone()))
                send.close()
                yield receive
                group.cancel_scope.cancel()
    except BaseExceptionGroup as failed:
        error = first_part(failed)
    else:
        return
    raise error


def _check_places(jobs: Sequence[Job]) -> None:
    """Refuse what would write over a file of the user's, or over another job's video."""
    sources = (source for job in jobs for source in (job.image, job.template))
    read = {real_name(source) for source in sources if isinstance(source, str | os.PathLike)}
    written: set[str] = set()
    for index, job in enumerate(jobs):
        if job.save_to is None:
            continue
        place = real_name(job.save_to)
        if place in read or place in written:
            why = "a job reads it" if place in read else "another job writes it"
            msg = f"job {index} would write its video to {place}, but {why}"
            raise InputError(msg, hint="Give each job a save_to of its own.")
        written.add(place)


async def _work(
    queue: Iterator[tuple[int, Job]], run: Runner, send: "MemoryObjectSendStream[Outcome]"
) -> None:
    # A job may come to its end while it is stopped, when nobody listens any more.
    with send, suppress(anyio.BrokenResourceError):
        for index, job in queue:
            send.send_nowait(await run(index, job))


async def all_of(
    jobs: Sequence[Job], run: Runner, *, limit: int, stop_on_error: bool
) -> list[Outcome]:
    """Run jobs and give their outcomes in the jobs' order."""
    done: list[Outcome] = []
    async with outcomes_of(jobs, run, limit=limit) as outcomes:
        async for outcome in outcomes:
            if stop_on_error and outcome.error is not None:
                raise outcome.error
            done.append(outcome)
    return sorted(done, key=lambda outcome: outcome.index)
