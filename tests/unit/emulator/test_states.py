"""Where tasks stand, for every order of events: the rules that hold whatever happens."""

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashscope_aa.emulator._limits import TASK_KEPT_S, TASK_TIMEOUT_S
from dashscope_aa.emulator._states import Ending, Job, Queue, Status

RANK = {
    Status.PENDING: 0,
    Status.PRE_PROCESSING: 1,
    Status.RUNNING: 2,
    Status.POST_PROCESSING: 3,
    Status.SUCCEEDED: 4,
    Status.FAILED: 4,
    Status.CANCELED: 4,
    Status.UNKNOWN: 5,
}


def job(
    submitted_at: float = 0.0, *, queue_s: float = 0.0, run_s: float = 10.0, **facts: Any
) -> Job:
    return Job(submitted_at, submitted_at + queue_s, run_s, **facts)


def queue_of(*jobs: Job, places: int = 1) -> Queue:
    queue = Queue(places=places)
    for each in jobs:
        queue.add(each)
    return queue


def status_at(queue: Queue, each: Job, now: float) -> Status:
    queue.settle(now)
    return each.status(now)


@pytest.mark.parametrize(
    ("now", "status"),
    [
        pytest.param(4.9, Status.PENDING, id="in the queue"),
        pytest.param(5.0, Status.RUNNING, id="just scheduled"),
        pytest.param(14.9, Status.RUNNING, id="about to end"),
        pytest.param(15.0, Status.SUCCEEDED, id="ended"),
        pytest.param(15.0 + TASK_KEPT_S - 1, Status.SUCCEEDED, id="kept for a day"),
        pytest.param(15.0 + TASK_KEPT_S, Status.UNKNOWN, id="forgotten after a day"),
    ],
)
def test_a_task_goes_its_way(now: float, status: Status) -> None:
    one = job(queue_s=5.0, worked_at=0.0)
    assert status_at(queue_of(one), one, now) is status


@pytest.mark.parametrize(
    ("now", "status"),
    [
        pytest.param(0.5, Status.PRE_PROCESSING, id="first tenth"),
        pytest.param(5.0, Status.RUNNING, id="in between"),
        pytest.param(9.5, Status.POST_PROCESSING, id="last tenth"),
        pytest.param(10.0, Status.SUCCEEDED, id="ended"),
    ],
)
def test_generation_shows_its_stages(now: float, status: Status) -> None:
    one = job(staged=True, worked_at=0.0)
    assert status_at(queue_of(one), one, now) is status


def test_a_task_whose_work_is_not_done_keeps_running() -> None:
    one = job(staged=True)
    queue = queue_of(one)
    assert status_at(queue, one, 1000.0) is Status.RUNNING
    one.worked_at = 1001.0
    assert status_at(queue, one, 1001.0) is Status.SUCCEEDED
    assert one.ended_at == 1001.0


def test_a_task_whose_work_broke_fails_when_it_would_have_ended() -> None:
    one = job(worked_at=0.0, works=False)
    queue = queue_of(one)
    assert status_at(queue, one, 9.0) is Status.RUNNING
    assert status_at(queue, one, 10.0) is Status.FAILED


def test_one_runs_and_the_rest_wait_in_the_order_they_came() -> None:
    jobs = [job(at, worked_at=0.0) for at in (0.0, 1.0, 2.0)]
    queue_of(*jobs).settle(100.0)
    assert [each.scheduled_at for each in jobs] == [0.0, 10.0, 20.0]
    assert [each.ended_at for each in jobs] == [10.0, 20.0, 30.0]


def test_the_place_that_is_free_first_is_taken_first() -> None:
    lengths = [10.0, 2.0, 1.0, 1.0]
    jobs = [job(run_s=run_s, worked_at=0.0) for run_s in lengths]
    queue_of(*jobs, places=2).settle(100.0)
    assert [each.scheduled_at for each in jobs] == [0.0, 0.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("run_s", "worked_at"),
    [
        pytest.param(math.inf, None, id="it stalls"),
        pytest.param(math.inf, 1.0, id="it stalls although the work is done"),
        pytest.param(TASK_TIMEOUT_S, 1.0, id="it needs three hours"),
    ],
)
def test_after_three_hours_the_service_gives_up(run_s: float, worked_at: float | None) -> None:
    one = job(run_s=run_s, worked_at=worked_at)
    queue = queue_of(one)
    assert status_at(queue, one, TASK_TIMEOUT_S - 1) is Status.RUNNING
    assert status_at(queue, one, TASK_TIMEOUT_S) is Status.FAILED
    assert one.ending is Ending.TIMED_OUT


def test_three_hours_in_the_queue_are_too_many_as_well() -> None:
    stuck = job(5.0, queue_s=2 * TASK_TIMEOUT_S)
    queue_of(stuck).settle(TASK_TIMEOUT_S + 5.0)
    assert (stuck.ending, stuck.scheduled_at) == (Ending.TIMED_OUT, None)


def test_only_what_waits_can_be_cancelled() -> None:
    first, second, third = (job(worked_at=0.0) for _ in range(3))
    queue = queue_of(first, second, third)
    assert not queue.cancel(first, now=1.0)
    assert queue.cancel(second, now=2.0)
    assert not queue.cancel(second, now=3.0)
    queue.settle(100.0)
    assert second.status(100.0) is Status.CANCELED
    assert third.scheduled_at == 10.0


def test_nobody_overtakes() -> None:
    first, second = job(queue_s=5.0), job()
    queue_of(first, second, places=2).settle(5.0)
    assert (first.scheduled_at, second.scheduled_at) == (5.0, 5.0)


def test_who_was_held_up_starts_when_the_head_is_gone() -> None:
    first, second = job(queue_s=50.0), job()
    queue = queue_of(first, second)
    assert queue.cancel(first, now=5.0)
    queue.settle(6.0)
    assert second.scheduled_at == 5.0


def test_a_queue_without_places_starts_nothing() -> None:
    one = job()
    assert status_at(queue_of(one, places=0), one, 100.0) is Status.PENDING


# ── whatever happens ─────────────────────────────────────────────────────────────────────

DELAYS = st.sampled_from([0.0, 0.5, 1.0, 3.0, 10.0, 4000.0, 90_000.0])
EVENTS = st.one_of(
    st.tuples(st.just("submit"), DELAYS, st.sampled_from([0.0, 1.0, 5.0, math.inf])),
    st.tuples(st.just("wait"), DELAYS),
    st.tuples(st.just("done"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("cancel"), st.integers(0, 9)),
)


@dataclass
class History:
    """One queue, and all that happens to it."""

    places: int
    looks: bool
    now: float = 0.0
    jobs: list[Job] = field(default_factory=list)
    seen: list[list[Status]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.queue = Queue(places=self.places)

    def play(self, events: list[tuple[Any, ...]]) -> None:
        for event in events:
            self.happen(*event)
            if self.looks:
                self.look()

    def happen(self, kind: str, *facts: Any) -> None:
        if kind == "submit":
            self.jobs.append(job(self.now, queue_s=facts[0], run_s=facts[1], staged=True))
            self.queue.add(self.jobs[-1])
        elif kind == "wait":
            self.now += facts[0]
        elif facts[0] < len(self.jobs):
            self.touch(kind, self.jobs[facts[0]], *facts[1:])

    def touch(self, kind: str, each: Job, *facts: Any) -> None:
        if kind == "cancel":
            pending = self.look_at(each) is Status.PENDING
            assert self.queue.cancel(each, now=self.now) is pending
        elif each.worked_at is None:
            self.queue.settle(self.now)
            each.worked_at, each.works = self.now, facts[0]

    def look_at(self, each: Job) -> Status:
        return status_at(self.queue, each, self.now)

    def look(self) -> None:
        self.seen.append([self.look_at(each) for each in self.jobs])


@given(places=st.integers(1, 3), events=st.lists(EVENTS, max_size=25))
def test_rules_that_hold_whatever_happens(places: int, events: list[tuple[Any, ...]]) -> None:
    history = History(places, looks=True)
    history.play(events)
    for number, each in enumerate(history.jobs):
        ranks = [RANK[states[number]] for states in history.seen if number < len(states)]
        assert ranks == sorted(ranks), "a task never goes back"
        moments = [each.submitted_at, each.scheduled_at, each.ended_at, history.now]
        known = [moment for moment in moments if moment is not None]
        assert known == sorted(known), "first submitted, then scheduled, then ended"
    started = [each for each in history.jobs if each.scheduled_at is not None]
    for before, after in pairwise(started):
        assert (before.scheduled_at or 0) <= (after.scheduled_at or 0), "first come, first served"
    for each in started:
        moment = each.scheduled_at or 0.0
        running = [
            other
            for other in started
            if (other.scheduled_at or 0.0) <= moment
            and (other.ended_at is None or moment < other.ended_at)
        ]
        assert len(running) <= places, "no more run at once than there are places"


@given(places=st.integers(1, 3), events=st.lists(EVENTS, max_size=25))
def test_looking_changes_nothing(places: int, events: list[tuple[Any, ...]]) -> None:
    watched, unwatched = History(places, looks=True), History(places, looks=False)
    watched.play(events)
    unwatched.play(events)
    unwatched.look()
    watched.look()
    assert watched.seen[-1] == unwatched.seen[-1]
    for one, other in zip(watched.jobs, unwatched.jobs, strict=True):
        assert (one.scheduled_at, one.ended_at) == (other.scheduled_at, other.ended_at)
