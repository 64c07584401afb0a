"""Long work in a thread that stops soon after its caller was cancelled, and is always waited for.

anyio's shield does not hold against a task that asyncio itself cancels (a time-out, a closed
request), and would hold the caller until the work is done. So the work is told by a flag, and
whoever is cancelled waits for it to notice: no thread goes on behind anyone's back.
"""

import threading
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread

__all__ = ["Checkpoint", "Stopped", "in_stoppable_thread", "on_loop"]

ResultT = TypeVar("ResultT")
ValueT = TypeVar("ValueT")

Checkpoint: TypeAlias = Callable[[], None]
"""Is called by the work now and then; raises `Stopped` once the caller has given up."""

_LOOK_AGAIN_S: Final = 0.005


class Stopped(Exception):  # noqa: N818 - it never reaches a user
    """The caller has given up: clean up and return."""


async def in_stoppable_thread(work: Callable[[Checkpoint], ResultT]) -> ResultT:
    """Run *work* in a thread; if the caller is cancelled, stop it and wait until it has ended."""
    stop, started, ended = threading.Event(), threading.Event(), threading.Event()

    def checkpoint() -> None:
        if stop.is_set():
            raise Stopped

    def run() -> ResultT:
        started.set()
        try:
            checkpoint()
            return work(checkpoint)
        finally:
            ended.set()

    try:
        return await anyio.to_thread.run_sync(run, abandon_on_cancel=True)
    except anyio.get_cancelled_exc_class():
        stop.set()
        await _until(lambda: ended.is_set() or not started.is_set())
        raise


async def _until(is_over: Callable[[], bool]) -> None:
    """Wait, whoever cancels in the meantime: it takes no longer than one step of the work."""
    cancelled = anyio.get_cancelled_exc_class()
    while not is_over():
        try:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(_LOOK_AGAIN_S)
        except cancelled:  # by asyncio itself, once more; the first one is raised in the end
            continue


def on_loop(listener: Callable[[ValueT], object]) -> Callable[[ValueT], None]:
    """Make of a listener one that a worker thread can call: it runs on the event loop."""

    def tell(value: ValueT) -> None:
        anyio.from_thread.run_sync(partial(listener, value))

    return tell
