"""Many, but not too many; and in a thread."""

import functools
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final, ParamSpec, TypeVar, cast

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

P = ParamSpec("P")
ResultT = TypeVar("ResultT")

CHUNK_BYTES: Final = 1024 * 1024
"""How much is read from disk at a time: larger gains nothing, smaller costs a thread hop each."""


async def in_thread(function: Callable[P, ResultT], *args: P.args, **kwargs: P.kwargs) -> ResultT:
    """Run *function* where it cannot hold up the event loop, and wait for it to end.

    A cancelled caller still waits, and gets the result: nothing is left running behind its back
    or open in nobody's hands. That holds for anyio's cancellation; for asyncio's own see `apart`.
    """
    return await anyio.to_thread.run_sync(functools.partial(function, *args, **kwargs))


async def in_lane(function: Callable[P, ResultT], *args: P.args, **kwargs: P.kwargs) -> ResultT:
    """Run *function* as `in_thread` does, but only `LANES` such at once, whoever asks.

    It is for what takes the interpreter's lock and lets go of it in many small steps: forty
    threads of that kind hinder each other until they take two to three times as long as one.
    """
    try:
        lanes = _lanes.get()
    except LookupError:
        lanes = anyio.CapacityLimiter(LANES)
        _lanes.set(lanes)
    work = functools.partial(function, *args, **kwargs)
    return await anyio.to_thread.run_sync(work, limiter=lanes)


LANES: Final = 2
"""One would do for a fast disk; with two, a slow file does not hold up all others."""
_lanes: Final[RunVar["anyio.CapacityLimiter"]] = RunVar("lanes")


async def apart(job: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """Run *job* in a task of its own and wait for it, so that any cancellation ends it cleanly.

    asyncio's own kind (``asyncio.timeout``, ``Task.cancel``) breaks through anyio's shields,
    behind which threads come to their end and httpcore gives back its connections. The task of
    a group is cancelled in the way that they expect, and waited for.
    """
    results: list[ResultT] = []

    async def run() -> None:
        results.append(await job())

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(run)
    except BaseExceptionGroup as failed:
        error = first_part(failed)
    else:
        return results[0]
    raise error


FirstT = TypeVar("FirstT")
SecondT = TypeVar("SecondT")


async def together(
    first: Callable[[], Awaitable[FirstT]], second: Callable[[], Awaitable[SecondT]]
) -> tuple[FirstT, SecondT]:
    """Run two jobs at once. If one fails, the other is stopped and the error is raised plain.

    If the other fails as well while it is stopped, the first error carries a note of that.
    """
    results: dict[int, Any] = {}

    async def run(place: int, job: Callable[[], Awaitable[object]]) -> None:
        results[place] = await job()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(run, 0, first)
            group.start_soon(run, 1, second)
    except BaseExceptionGroup as failed:
        cancelled = anyio.get_cancelled_exc_class()
        error, *others = sorted(_parts(failed), key=lambda part: isinstance(part, cancelled))
    else:
        return results[0], results[1]
    for other in others:
        if isinstance(other, Exception):  # and no cancellation
            error.add_note(f"what ran beside it failed too: {other!r}")
    raise error


async def beside(
    companion: Callable[[], Awaitable[object]], job: Callable[[], Awaitable[ResultT]]
) -> ResultT:
    """Run *job* with a *companion*, which is stopped when the job has ended, and give its result.

    An error of either stops both, and is raised plain.
    """
    scope = anyio.CancelScope()

    async def run() -> ResultT:
        try:
            return await job()
        finally:
            scope.cancel()

    async def accompany() -> None:
        with scope:
            await companion()

    result, _ = await together(run, accompany)
    return result


async def kept(job: Callable[["anyio.CancelScope"], Awaitable[None]], *, grace_s: float) -> None:
    """Run *job* to its end, for which it has *grace_s* left once the caller is cancelled.

    A cancelled caller gets nothing back: what the job finds out, it keeps by itself. The scope
    that it is given has a deadline from the cancellation on.
    """
    scope, over = anyio.CancelScope(shield=True), anyio.Event()

    async def run() -> None:
        with scope:
            await job(scope)
        over.set()

    async def watch() -> None:
        try:
            await over.wait()
        except anyio.get_cancelled_exc_class():
            scope.deadline = anyio.current_time() + grace_s
            raise

    await together(run, watch)


def first_part(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    """Give the error that a group is about; its cancellations only if there is nothing else."""
    cancelled = anyio.get_cancelled_exc_class()
    return min(_parts(failed), key=lambda part: isinstance(part, cancelled))


def _parts(error: BaseException) -> Iterator[BaseException]:
    """Give the errors that a group holds, however deep, in their order."""
    if isinstance(error, BaseExceptionGroup):
        for part in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _parts(part)
    else:
        yield error


def jitter() -> float:
    """Give a random number from 0 to 1, so that many who wait do not all ask in step."""
    return random.random()  # noqa: S311 - nothing secret hangs on it


class KeyedLocks:
    """One lock a key: the same thing is made once, however many ask for it at a time."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, tuple[anyio.Lock, list[None]]] = {}

    @asynccontextmanager
    async def hold(self, key: Hashable) -> AsyncGenerator[None, None]:
        """Wait until nobody else holds *key*, then hold it."""
        lock, users = self._locks.setdefault(key, (anyio.Lock(), []))
        users.append(None)
        try:
            async with lock:
                yield
        finally:
            users.pop()
            if not users:
                self._locks.pop(key, None)
