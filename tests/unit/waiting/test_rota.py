"""Whose turn it is: everybody's in time, in few requests, and nobody's twice."""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dashscope_aa import Schedule
from dashscope_aa._waiting.pace import Bucket
from dashscope_aa._waiting.rota import Page, Rota
from dashscope_aa._waiting.timeline import Timeline
from dashscope_aa._waiting.watch import Waiter, Watch
from dashscope_aa.models import TaskListResponse, TaskResponse

TODAY = datetime(2026, 11, 21, tzinfo=UTC)


def watched(task_id: str, *, known: bool = False) -> Watch:
    watch = Watch(task_id, TODAY, Timeline(grace=3))
    if known:
        watch.timeline.learn(answer(task_id, "PENDING"), seen_at=TODAY)
    watch.waiters = (Waiter((watch,), math.inf),)
    return watch


def answer(task_id: str, status: str) -> TaskResponse:
    return TaskResponse.model_validate({"output": {"task_id": task_id, "task_status": status}})


def rota_of(*watches: Watch, **schedule: Any) -> Rota:
    rota = Rota(Schedule(**schedule), jitter=lambda: 0.5)
    for watch in watches:
        rota.add(watch, 0.0)
    return rota


def left(rota: Rota, watch: Watch) -> None:
    watch.waiters = ()
    rota.remove(watch)


# ── single tasks ─────────────────────────────────────────────────────────────────────────


def test_what_is_not_known_is_asked_for_at_once() -> None:
    new, known = watched("new"), watched("known", known=True)
    rota = rota_of(new, known)
    assert rota.next_moment(0.0) == 0.0
    assert rota.choose(0.0, today=TODAY) is new
    assert rota.next_moment(0.0) == 1.0
    rota.back(new, 0.0)
    assert [rota.choose(rota.next_moment(1.0), today=TODAY) for _ in range(2)] == [known, new]


def test_a_task_that_is_out_is_not_asked_for_twice() -> None:
    watch = watched("t")
    rota = rota_of(watch)
    rota.next_moment(0.0)
    rota.choose(0.0, today=TODAY)
    left(rota, watch)
    watch.waiters = (Waiter((watch,), math.inf),)
    rota.add(watch, 1.0)
    rota.soon(watch)
    assert rota.next_moment(99.0) == math.inf
    rota.back(watch, 100.0)
    assert rota.next_moment(100.0) > 100.0


def test_what_was_broken_off_comes_again() -> None:
    watch = watched("t")
    rota = rota_of(watch)
    rota.next_moment(0.0)
    rota.choose(0.0, today=TODAY)
    rota.broken_off(3.0)
    assert rota.out == set()
    assert rota.next_moment(1.0) == 3.0


def test_notified_task_is_next() -> None:
    watches = [watched(str(number)) for number in range(3)]
    rota = rota_of(*watches)
    rota.next_moment(0.0)
    rota.soon(watches[1])
    rota.notify(watches[2])
    rota.notify(watches[2])
    assert rota.choose(0.0, today=TODAY) is watches[2]
    rota.notify(watches[2])  # its answer may be older than the event
    rota.back(watches[2], 0.0)
    assert rota.is_ahead(watches[2])


def test_two_waits_for_one_id() -> None:
    one, other = watched("t"), watched("t")
    rota = rota_of(one, other)
    assert rota.find("t") == (one, other)
    assert rota.newest() is other
    left(rota, other)
    assert rota.find("t") == (one,)
    left(rota, one)
    assert rota.find("t") == ()
    assert rota.newest() is None


def test_nobody_is_asked_for_whom_nobody_waits() -> None:
    watch = watched("t")
    rota = rota_of(watch)
    left(rota, watch)
    rota.soon(watch)
    rota.again(watch, 0.0)
    assert rota.next_moment(1e9) == math.inf


def test_page_of_a_round_that_was_given_up_changes_nothing() -> None:
    rota = rota_of(*(watched(str(number)) for number in range(9)), list_above=2, page_size=3)
    rota.next_moment(0.0)
    first = rota.choose(0.0, today=TODAY)
    assert isinstance(first, Page)
    page = {"data": [{"task_id": "0"}], "total": 9}
    rota.read(first, TaskListResponse.model_validate(page))
    pages = [rota.choose(0.0, today=TODAY) for _ in range(2)]
    for late in pages:
        assert isinstance(late, Page)
        rota.unread(late, 0.0, refused=True)
    rota.next_moment(0.0)
    fresh = rota.choose(0.0, today=TODAY)
    assert isinstance(fresh, Page)
    assert (fresh.number, fresh.round is first.round) == (1, False)


def test_missing_task_that_is_being_asked_for_is_left_there() -> None:
    watches = [watched(str(number)) for number in range(3)]
    rota = rota_of(*watches, list_above=2)
    rota.next_moment(0.0)
    page = rota.choose(0.0, today=TODAY)
    assert isinstance(page, Page)
    rota.soon(watches[0])
    rota.read(page, TaskListResponse.model_validate({"data": [], "total": 0}))
    assert rota.next_moment(0.0) == 0.0
    assert rota.is_ahead(watches[0])
    assert [watch.missed for watch in watches] == [1, 1, 1]


# ── everything together, on a turned clock ───────────────────────────────────────────────


@dataclass
class Service:
    """A service as a poller sees it, with a clock that the test turns."""

    ends: dict[str, float]
    """When each task ends."""
    hidden: frozenset[str] = frozenset()
    """Tasks that the list does not show."""
    strangers: int = 0
    """Tasks of other programs, newer than all others."""
    size_max: int = 1000
    """Tasks a page at most."""
    refuses_above: int = 1000
    """The largest page size that is not refused."""
    schedule: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        self.now = 0.0
        self.bucket = Bucket(self.schedule.queries_per_s)
        self.rota = Rota(self.schedule, jitter=lambda: 0.5)
        self.heard: dict[str, list[float]] = {id_: [] for id_ in self.ends}
        self.noticed: dict[str, float] = {}
        self.requests = 0
        self.rounds: list[float] = []
        self.watches = {id_: watched(id_) for id_ in self.ends}
        for watch in self.watches.values():
            watch.begin(0.0)
            self.rota.add(watch, 0.0)

    def run(self, until: float) -> None:
        while (moment := self.rota.next_moment(self.now)) <= until:
            self.now = max(self.now, moment, self.bucket.take(max(self.now, moment)))
            self.rota.next_moment(self.now)
            self.requests += 1
            chosen = self.rota.choose(self.now, today=TODAY + timedelta(seconds=self.now))
            self.read(chosen) if isinstance(chosen, Page) else self.ask(chosen)

    def ask(self, watch: Watch) -> None:
        id_ = watch.task_id
        self.heard[id_].append(self.now)
        if self.now >= self.ends[id_]:
            self.noticed[id_] = self.now
            left(self.rota, watch)
        else:
            watch.learn(answer(id_, "RUNNING"), now=self.now, seen_at=TODAY)
        self.rota.back(watch, self.now)

    def read(self, page: Page) -> None:
        wanted = int(page.round.query["page_size"])
        if wanted > self.refuses_above:
            self.rota.unread(page, self.now, refused=True)
            return
        if page.number == 1:
            self.rounds.append(self.now)
        size = min(wanted, self.size_max)
        shown = [f"stranger{n}" for n in range(self.strangers)]
        shown += [id_ for id_ in self.ends if id_ not in self.hidden]
        rows = shown[(page.number - 1) * size : page.number * size]
        for id_ in rows:
            for watch in self.rota.find(id_):
                watch.missed = 0
                if self.now >= self.ends[id_]:
                    self.rota.soon(watch)
                    continue
                self.heard[id_].append(self.now)
                watch.learn(answer(id_, "RUNNING"), now=self.now, seen_at=TODAY)
                if not self.rota.is_ahead(watch):
                    self.rota.again(watch, self.now)
        facts = {"total": len(shown), "total_page": -(-len(shown) // size)}
        data = [{"task_id": id_} for id_ in rows]
        self.rota.read(page, TaskListResponse.model_validate({"data": data, **facts}))


def tasks(many: int) -> dict[str, float]:
    return {f"t{number}": math.inf for number in range(many)}


@pytest.mark.parametrize(
    ("many", "pages"),
    [
        pytest.param(1000, 10, id="a thousand"),
        pytest.param(300, 3, id="three hundred"),
        pytest.param(3000, 30, id="three thousand"),
    ],
)
def test_requests_are_pages_and_ended_tasks(many: int, pages: int) -> None:
    ends = {**tasks(many), **{f"t{number}": 400.0 + number for number in range(50)}}
    service = Service(ends)
    service.run(600.0)
    assert len(service.noticed) == 50
    assert service.requests <= len(service.rounds) * (pages + 2) + 50 + 20
    assert service.requests <= 600 * 10 + 5


def test_few_tasks_are_asked_for_one_by_one() -> None:
    service = Service(tasks(20))
    service.run(600.0)
    assert service.rounds == []
    assert service.requests <= 20 * (600 / 13 + 25)


def test_crowded_list_is_left_alone() -> None:
    service = Service(tasks(30), strangers=50_000)
    service.run(900.0)
    assert service.requests < 30 * (900 / 13 + 25)
    assert min(len(heard) for heard in service.heard.values()) > 40


def test_pages_that_are_refused() -> None:
    service = Service(tasks(100), refuses_above=30)
    service.run(100.0)
    assert service.rounds
    refused = Service(tasks(100), refuses_above=0)
    refused.run(100.0)
    assert refused.rounds == []
    assert all(refused.heard.values())


@settings(max_examples=60)
@given(
    many=st.integers(1, 150),
    hidden=st.sets(st.integers(0, 149)),
    strangers=st.integers(0, 300),
    size_max=st.integers(1, 150),
    ending=st.dictionaries(st.integers(0, 149), st.floats(0, 200), max_size=40),
    list_above=st.integers(0, 40),
)
def test_nobody_starves(
    many: int,
    hidden: set[int],
    strangers: int,
    size_max: int,
    ending: dict[int, float],
    list_above: int,
) -> None:
    ends = {f"t{n}": ending.get(n, math.inf) for n in range(many)}
    service = Service(
        ends,
        hidden=frozenset(f"t{n}" for n in hidden),
        strangers=strangers,
        size_max=size_max,
        schedule=Schedule(list_above=list_above),
    )
    service.run(300.0)
    assert service.requests <= 300 * 10 + 6
    # A pause, two rounds that may each take as long as asking for all would, and its own turn.
    longest_s = 15 * 1.1 + 3 * (many + 5) / 10 + 2 * 15
    for id_, heard in service.heard.items():
        over = service.noticed.get(id_, 300.0)
        moments = [0.0, *heard, over]
        assert max(end - begin for begin, end in pairwise(moments)) <= longest_s
        if ends[id_] <= 300 - longest_s:
            assert service.noticed[id_] <= ends[id_] + longest_s


# ── every order of events ────────────────────────────────────────────────────────────────


def named(chosen: Watch | Page) -> str:
    return f"page {chosen.number}" if isinstance(chosen, Page) else chosen.task_id


class Turns(RuleBasedStateMachine):
    """Whatever happens, in whatever order: each task that is waited for has one place."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.rota = Rota(Schedule(list_above=2, page_size=3), jitter=lambda: 0.5)
        self.watches = [watched(f"t{n % 7}") for n in range(9)]
        self.waiting: list[Watch] = []
        for watch in self.watches:
            watch.waiters = ()

    @rule(number=st.integers(0, 8))
    def join(self, number: int) -> None:
        watch = self.watches[number]
        if watch not in self.waiting:
            watch.begin(self.now)
            self.rota.add(watch, self.now)
            watch.waiters = (Waiter((watch,), math.inf),)
            self.waiting.append(watch)

    @rule()
    def join_all(self) -> None:
        for number in range(9):
            self.join(number=number)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def leave(self, data: Any) -> None:
        watch = data.draw(st.sampled_from(self.waiting))
        self.waiting.remove(watch)
        left(self.rota, watch)

    @rule(seconds=st.floats(0.1, 40))
    def later(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def choose(self) -> None:
        if self.rota.next_moment(self.now) <= self.now:
            out = len(self.rota.out)
            chosen = self.rota.choose(self.now, today=TODAY)
            assert len(self.rota.out) == out + 1
            assert isinstance(chosen, Page) or chosen in self.waiting

    @precondition(lambda self: self.rota.out)
    @rule(data=st.data(), listed=st.sets(st.integers(0, 6)), how=st.integers(0, 2))
    def answer(self, data: Any, listed: set[int], how: int) -> None:
        chosen = data.draw(st.sampled_from(sorted(self.rota.out, key=named)))
        if isinstance(chosen, Watch):
            self.rota.back(chosen, self.now)
        elif how:
            self.rota.unread(chosen, self.now, refused=how == 1)
        else:
            rows = [{"task_id": f"t{n}"} for n in sorted(listed)][:3]
            for row in rows:
                for watch in self.rota.find(row["task_id"]):
                    watch.missed = 0
                    self.rota.soon(watch)
            answer = {"data": rows, "total": len(listed)}
            self.rota.read(chosen, TaskListResponse.model_validate(answer))

    @rule()
    def broken_off(self) -> None:
        self.rota.broken_off(self.now)
        assert not self.rota.out

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def notify(self, data: Any) -> None:
        self.rota.notify(data.draw(st.sampled_from(self.waiting)))

    @invariant()
    def one_place_each(self) -> None:
        rota = self.rota
        assert sorted(map(id, rota.everything())) == sorted(map(id, self.waiting))
        for watch in self.watches:
            places = [bool(watch.number), watch in rota._due, watch in rota._alone]
            places.append(watch in rota.out)
            waits = watch in self.waiting
            assert sum(places) == 1 if waits else sum(places[:3]) == 0


TestTurns = Turns.TestCase
