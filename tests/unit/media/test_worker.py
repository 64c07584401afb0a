"""Work in a thread is stopped when its caller is, and always waited for."""

import asyncio
import threading
import time

import anyio
import anyio.to_thread
import pytest

from dashscope_aa.media._worker import Checkpoint, Stopped, in_stoppable_thread, on_loop

pytestmark = pytest.mark.anyio


class Work:
    """Work that goes on until it is stopped, and notes that it cleaned up."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.cleaned = False

    def __call__(self, checkpoint: Checkpoint) -> None:
        self.started.set()
        try:
            while True:
                checkpoint()
                time.sleep(0.001)
        except Stopped:
            time.sleep(0.02)
            self.cleaned = True
            raise

    async def running(self) -> None:
        await anyio.to_thread.run_sync(self.started.wait)


async def test_gives_the_result() -> None:
    assert await in_stoppable_thread(lambda _: threading.get_ident()) != threading.get_ident()


async def test_raises_what_the_work_raises() -> None:
    def work(_: Checkpoint) -> None:
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost"):
        await in_stoppable_thread(work)


async def test_a_cancelled_caller_waits_until_the_work_has_cleaned_up() -> None:
    work = Work()
    async with anyio.create_task_group() as group:
        group.start_soon(in_stoppable_thread, work)
        await work.running()
        group.cancel_scope.cancel()
    assert work.cleaned


async def test_a_caller_that_was_cancelled_before_starts_nothing() -> None:
    work = Work()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await in_stoppable_thread(work)
    assert not work.started.is_set()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_asyncio_itself_may_cancel_and_insist(anyio_backend: str) -> None:
    work = Work()
    task = asyncio.create_task(in_stoppable_thread(work))
    await work.running()
    task.cancel()
    await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.cleaned


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_asyncio_timeout_leaves_nothing_running(anyio_backend: str) -> None:
    work = Work()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await in_stoppable_thread(work)
    assert work.cleaned or not work.started.is_set()


async def test_listeners_are_called_on_the_event_loop() -> None:
    heard: list[tuple[int, int]] = []

    def listen(value: int) -> None:
        heard.append((value, threading.get_ident()))

    tell = on_loop(listen)
    await in_stoppable_thread(lambda _: [tell(value) for value in (1, 2)])
    assert heard == [(1, threading.get_ident()), (2, threading.get_ident())]
