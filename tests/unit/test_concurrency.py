"""Two jobs at once, one lock a key, and threads: on both event loops, errors included."""

import asyncio
import math
import threading
from functools import partial
from typing import TYPE_CHECKING

import anyio
import pytest
from anyio.lowlevel import checkpoint

from dashscope_aa._concurrency import (
    LANES,
    KeyedLocks,
    apart,
    beside,
    in_lane,
    in_thread,
    jitter,
    kept,
    together,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = pytest.mark.anyio


class Bench:
    """Jobs to be run together, and a journal of what became of them."""

    def __init__(self) -> None:
        self.journal: list[str] = []

    async def quick(self) -> str:
        await checkpoint()
        return "quick"

    async def endless(self) -> str:
        try:
            await anyio.sleep_forever()
        finally:
            self.journal.append("endless was stopped")
        return "never"

    async def failing(self) -> str:
        await checkpoint()
        raise OSError("failing")

    async def failing_at_once(self) -> str:
        raise LookupError("at once")

    async def failing_when_stopped(self) -> str:
        try:
            await anyio.sleep_forever()
        finally:
            raise ValueError("while it was stopped")

    async def failing_in_a_group(self) -> str:
        async with anyio.create_task_group() as group:
            group.start_soon(self.failing)
            await anyio.sleep_forever()
        return "never"


@pytest.fixture
def bench() -> Bench:
    return Bench()


# ── together ─────────────────────────────────────────────────────────────────────────────


async def test_results_keep_their_places(bench: Bench) -> None:
    release = anyio.Event()

    async def last() -> int:
        await release.wait()
        return 1

    async def first() -> str:
        release.set()
        return "two"

    assert await together(last, first) == (1, "two")
    assert await together(first, last) == ("two", 1)


async def test_both_run_at_once() -> None:
    here, there = anyio.Event(), anyio.Event()

    async def one() -> None:
        here.set()
        await there.wait()

    async def other() -> None:
        there.set()
        await here.wait()

    with anyio.fail_after(30):
        assert await together(one, other) == (None, None)


@pytest.mark.parametrize("order", [pytest.param(1, id="first"), pytest.param(-1, id="second")])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param("failing", OSError, id="later"),
        pytest.param("failing_at_once", LookupError, id="at once"),
        pytest.param("failing_in_a_group", OSError, id="in a group of its own"),
    ],
)
async def test_error_is_raised_plain_and_the_other_stopped(
    bench: Bench, name: str, kind: type[Exception], order: int
) -> None:
    jobs: list[Callable[[], Awaitable[str]]] = [getattr(bench, name), bench.endless][::order]
    with pytest.raises(kind) as caught:
        await together(*jobs)
    assert not hasattr(caught.value, "__notes__")
    if name == "failing":
        assert bench.journal == ["endless was stopped"]


@pytest.mark.parametrize("order", [pytest.param(1, id="first"), pytest.param(-1, id="second")])
async def test_second_error_is_a_note_on_the_first(bench: Bench, order: int) -> None:
    jobs = [bench.failing, bench.failing_when_stopped][::order]
    with pytest.raises(OSError, match="failing") as caught:
        await together(*jobs)
    (note,) = caught.value.__notes__
    assert "ValueError('while it was stopped')" in note


@pytest.mark.parametrize(
    "run", [pytest.param(together, id="two jobs"), pytest.param(beside, id="job and companion")]
)
async def test_cancelling_stops_both(bench: Bench, run: "Callable[..., Awaitable[object]]") -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await run(bench.endless, bench.endless)
    assert scope.cancelled_caught
    assert bench.journal == ["endless was stopped"] * 2


async def test_error_while_cancelled_is_not_lost(bench: Bench) -> None:
    async def cancelled() -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await together(bench.endless, bench.failing_when_stopped)

    with pytest.raises(ValueError, match="while it was stopped"):
        await cancelled()


async def test_time_out_around_it_works(bench: Bench) -> None:
    with pytest.raises(TimeoutError), anyio.fail_after(0):
        await together(bench.endless, bench.quick)


async def test_no_ordinary_error_is_raised_as_it_is(bench: Bench) -> None:
    class Stop(BaseException):
        """Such as KeyboardInterrupt."""

    async def interrupted() -> None:
        raise Stop

    with pytest.raises(Stop):
        await together(interrupted, bench.endless)


# ── beside ───────────────────────────────────────────────────────────────────────────────


async def test_companion_is_stopped_when_the_job_has_ended(bench: Bench) -> None:
    assert await beside(bench.endless, bench.quick) == "quick"
    assert bench.journal == ["endless was stopped"]


async def test_companion_may_end_before(bench: Bench) -> None:
    over = anyio.Event()

    async def companion() -> None:
        over.set()

    async def job() -> str:
        await over.wait()
        return await bench.quick()

    assert await beside(companion, job) == "quick"


@pytest.mark.parametrize("order", [pytest.param(1, id="companion"), pytest.param(-1, id="job")])
async def test_error_of_either_is_raised_plain(bench: Bench, order: int) -> None:
    with pytest.raises(OSError, match="failing") as caught:
        await beside(*[bench.failing, bench.endless][::order])
    assert not hasattr(caught.value, "__notes__")
    assert bench.journal == ["endless was stopped"]


# ── apart ────────────────────────────────────────────────────────────────────────────────


async def test_apart_gives_the_result(bench: Bench) -> None:
    assert await apart(bench.quick) == "quick"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param("failing", OSError, id="later"),
        pytest.param("failing_at_once", LookupError, id="at once"),
        pytest.param("failing_in_a_group", OSError, id="in a group of its own"),
    ],
)
async def test_apart_raises_the_error_plain(bench: Bench, name: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        await apart(getattr(bench, name))


async def test_apart_is_cancelled(bench: Bench) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await apart(bench.endless)
    assert scope.cancelled_caught
    assert bench.journal == ["endless was stopped"]


@pytest.mark.parametrize(
    "anyio_backend", [pytest.param("asyncio", id="asyncio has a cancellation of its own")]
)
async def test_apart_comes_to_its_end_when_asyncio_cancels() -> None:
    """What is shielded by anyio's means is shielded from ``Task.cancel`` too."""
    started, release = asyncio.Event(), asyncio.Event()
    journal: list[str] = []

    async def job() -> None:
        with anyio.CancelScope(shield=True):
            started.set()
            await release.wait()
            journal.append("came to its end")
        await checkpoint()
        journal.append("went on")

    task = asyncio.get_running_loop().create_task(apart(job))
    await started.wait()
    task.cancel()
    await anyio.wait_all_tasks_blocked()
    assert not task.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert journal == ["came to its end"]


# ── kept ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("grace_s", "journal"),
    [
        pytest.param(30, ["cancelled meanwhile", "came to its end"], id="in time"),
        pytest.param(0, [], id="too late"),
    ],
)
async def test_kept_job_has_a_while_left_when_its_caller_is_cancelled(
    grace_s: float, journal: list[str]
) -> None:
    seen: list[str] = []

    with anyio.CancelScope() as caller:

        async def job(scope: anyio.CancelScope) -> None:
            assert scope.deadline == math.inf
            caller.cancel()
            await anyio.wait_all_tasks_blocked()
            if scope.deadline < math.inf:
                seen.append("cancelled meanwhile")
            await anyio.sleep(0.05)
            seen.append("came to its end")

        await kept(job, grace_s=grace_s)
    assert caller.cancelled_caught
    assert seen == journal


async def test_kept_job_raises_its_error_plain() -> None:
    async def job(_: anyio.CancelScope) -> None:
        await checkpoint()
        raise LookupError

    with pytest.raises(LookupError):
        await kept(job, grace_s=1)


# ── one lock a key ───────────────────────────────────────────────────────────────────────


async def test_one_at_a_time_for_a_key() -> None:
    locks = KeyedLocks()
    inside = most = 0

    async def work() -> None:
        nonlocal inside, most
        async with locks.hold("key"):
            inside += 1
            most = max(most, inside)
            await checkpoint()
            inside -= 1

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(work)
    assert (inside, most) == (0, 1)
    assert locks._locks == {}


async def test_keys_do_not_wait_for_each_other() -> None:
    locks = KeyedLocks()
    async with locks.hold("one"), locks.hold("other"), locks.hold(("a", 1)), locks.hold(None):
        assert len(locks._locks) == 4
    assert locks._locks == {}


async def test_an_error_inside_frees_the_key() -> None:
    locks = KeyedLocks()
    with pytest.raises(OSError, match="inside"):
        async with locks.hold("key"):
            raise OSError("inside")
    assert locks._locks == {}
    with anyio.fail_after(30):
        async with locks.hold("key"):
            pass


async def test_a_cancelled_holder_frees_the_key() -> None:
    locks = KeyedLocks()
    with anyio.CancelScope() as scope:
        async with locks.hold("key"):
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert locks._locks == {}


async def test_a_cancelled_waiter_leaves_the_others_waiting() -> None:
    """The second of three in the queue goes; the third still gets its turn, after the first."""
    locks = KeyedLocks()
    turns: list[str] = []
    leaving = anyio.CancelScope()

    async def wait(name: str) -> None:
        async with locks.hold("key"):
            turns.append(name)

    async def leave() -> None:
        with leaving:
            await wait("second")

    async with anyio.create_task_group() as group, locks.hold("key"):
        group.start_soon(leave)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(wait, "third")
        await anyio.wait_all_tasks_blocked()
        leaving.cancel()
        await anyio.wait_all_tasks_blocked()
        assert turns == []
        assert len(locks._locks) == 1
        turns.append("first")
    assert leaving.cancelled_caught
    assert turns == ["first", "third"]
    assert locks._locks == {}


async def test_a_late_comer_shares_the_lock_of_those_before() -> None:
    """Nobody gets a fresh lock while an older one is still waited for."""
    locks = KeyedLocks()
    turns: list[int] = []

    async def work(number: int) -> None:
        async with locks.hold("key"):
            turns.append(number)
            await checkpoint()
            turns.append(number)

    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(work, number)
            await checkpoint()
    assert turns[::2] == turns[1::2]
    assert sorted(turns[::2]) == [0, 1, 2, 3, 4]


# ── threads and chance ───────────────────────────────────────────────────────────────────


async def test_in_thread() -> None:
    def work(number: int, *, more: int) -> tuple[int, bool]:
        return number + more, threading.current_thread() is threading.main_thread()

    assert await in_thread(work, 1, more=2) == (3, False)


async def test_error_in_a_thread_comes_back() -> None:
    def work() -> None:
        raise OSError("in a thread")

    with pytest.raises(OSError, match="in a thread"):
        await in_thread(work)


async def test_cancelled_caller_waits_for_its_thread() -> None:
    started, release, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        release.wait(5)
        ended.set()

    async def stop(scope: anyio.CancelScope) -> None:
        while not started.is_set():
            await checkpoint()
        scope.cancel()
        await anyio.wait_all_tasks_blocked()
        assert not ended.is_set()
        release.set()

    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            group.start_soon(stop, scope)
            await in_thread(work)
        assert scope.cancel_called
        assert ended.is_set()


async def test_only_a_few_are_in_a_lane_at_once() -> None:
    started, release = threading.Semaphore(0), threading.Event()
    places: list[int] = []

    def work(place: int, *, more: int) -> None:
        started.release()
        release.wait(30)
        places.append(place + more)

    async with anyio.create_task_group() as group:
        for place in range(LANES + 1):
            group.start_soon(in_lane, partial(work, place, more=10))
        for _ in range(LANES):
            await in_thread(started.acquire)  # which is none of them, and has not to wait
        await anyio.wait_all_tasks_blocked()
        assert not started.acquire(blocking=False)
        release.set()
    assert sorted(places) == list(range(10, 10 + LANES + 1))


async def test_waiting_for_a_lane_is_cancelled_at_once() -> None:
    release = threading.Event()

    async with anyio.create_task_group() as group:
        for _ in range(LANES):
            group.start_soon(partial(in_lane, release.wait, 30))
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(0) as scope:
            await in_lane(release.set)
        assert scope.cancelled_caught
        assert not release.is_set()
        release.set()
    await in_lane(release.set)


def test_jitter_is_between_0_and_1() -> None:
    drawn = {jitter() for _ in range(100)}
    assert all(0 <= it < 1 for it in drawn)
    assert len(drawn) > 90
