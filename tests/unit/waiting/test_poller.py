"""Many waits at once: who asks, who hears, and who is left alone by the trouble of others."""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from typing import Any

import anyio
import httpx
import pytest
from trio.testing import MockClock

from dashscope_aa import Client, Schedule, Task
from dashscope_aa.emulator import Emulator, TaskFails
from dashscope_aa.errors import (
    AuthenticationError,
    DashScopeError,
    InputError,
    TaskCanceledError,
    TaskFailedError,
    TaskNotFoundError,
    TaskTimeoutError,
    TaskUnreachableError,
)
from dashscope_aa.models import TaskFinishedEvent, TaskOutput, TaskResponse

HOUR_S = 3600.0


# ── a service of plain values, on a clock that jumps ahead when nobody has anything to do ──


class Service:
    """Answers queries and lists as it is told; all tasks run until they are ended."""

    def __init__(self, tasks: int = 1, **settings: Any) -> None:
        self.ids = [f"task-{number}" for number in range(tasks)]
        self.status = dict.fromkeys(self.ids, "RUNNING")
        self.page_size_max = 1000
        self.latency_s = 0.0
        self.asked: list[tuple[float, str]] = []
        self.trouble: Callable[[str], httpx.Response | Exception | None] = lambda _: None
        self.client = Client(
            "sk-any", transport=httpx.MockTransport(self.answer), schedule=Schedule(**settings)
        )

    async def answer(self, request: httpx.Request) -> httpx.Response:
        what = request.url.path.removeprefix("/api/v1/tasks").strip("/") or "list"
        self.asked.append((anyio.current_time(), what))
        if self.latency_s:
            await anyio.sleep(self.latency_s)
        trouble = self.trouble(what)
        if isinstance(trouble, Exception):
            raise trouble
        return trouble or httpx.Response(200, json=self.says(what, request.url.params))

    def says(self, what: str, query: httpx.QueryParams) -> dict[str, Any]:
        if what != "list":
            output = {"task_id": what, "task_status": self.status.get(what, "UNKNOWN")}
            return {"request_id": f"r{len(self.asked)}", "output": output}
        size, number = min(int(query["page_size"]), self.page_size_max), int(query["page_no"])
        rows = [{"task_id": id_, "status": self.status[id_]} for id_ in self.ids]
        return {
            "request_id": f"r{len(self.asked)}",
            "data": rows[(number - 1) * size : number * size],
            "total": len(rows),
            "total_page": math.ceil(len(rows) / size),
        }

    def task(self, number: int = 0) -> Task[TaskOutput]:
        return self.client.resume(f"task-{number}", output=TaskOutput)

    def tasks(self) -> list[Task[TaskOutput]]:
        return [self.task(number) for number in range(len(self.ids))]

    def times(self, what: str | None = None) -> list[float]:
        return [at for at, asked in self.asked if what in (None, asked)]


def on_turned_clock(main: Callable[[], Awaitable[None]]) -> None:
    """Run on trio with a clock that jumps: an hour takes no time."""
    clock = MockClock(autojump_threshold=0)
    anyio.run(main, backend="trio", backend_options={"clock": clock})


async def outcomes(tasks: list[Task[TaskOutput]], **how: Any) -> list[Any]:
    """Wait for all at once; give what each came to."""
    came: dict[int, Any] = {}

    async def wait(number: int, task: Task[TaskOutput]) -> None:
        try:
            came[number] = (await task.result(**how)).task_status
        except Exception as error:  # noqa: BLE001 - whatever it came to
            came[number] = error

    async with anyio.create_task_group() as group:
        for number, task in enumerate(tasks):
            group.start_soon(wait, number, task)
    return [came[number] for number in range(len(tasks))]


def densest(moments: list[float], span_s: float) -> int:
    """Give the most that any span of this length holds."""
    return max(sum(begin <= at < begin + span_s for at in moments) for begin in moments)


# ── the rate ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("latency_s", [pytest.param(0.0, id="quick"), pytest.param(0.4, id="slow")])
def test_a_thousand_tasks_for_ten_minutes(latency_s: float) -> None:
    async def main() -> None:
        service = Service(1000)
        service.latency_s = latency_s
        ended = {f"task-{number}": 300.0 + number for number in range(100)}
        noticed: dict[str, float] = {}

        async def wait(task: Task[TaskOutput]) -> None:
            await task
            noticed[task.id] = anyio.current_time() - began

        async with service.client, anyio.create_task_group() as group:
            began = anyio.current_time()
            for task in service.tasks():
                group.start_soon(wait, task)
            for id_, at in ended.items():
                await anyio.sleep_until(began + at)
                service.status[id_] = "SUCCEEDED"
            await anyio.sleep_until(began + 600)
            group.cancel_scope.cancel()
        assert noticed.keys() == ended.keys()
        assert max(noticed[id_] - at for id_, at in ended.items()) < 2 * 17 + 2
        assert densest(service.times(), 1.0) <= 15
        assert densest(service.times(), 60.0) <= 605
        lists = len(service.times("list"))
        assert len(service.asked) - lists < 100 + 40
        assert lists < 700

    on_turned_clock(main)


def test_every_request_about_tasks_shares_the_rate() -> None:
    async def main() -> None:
        service = Service(30)
        async with service.client, anyio.create_task_group() as group:
            group.start_soon(outcomes, service.tasks())
            for _ in range(30):
                group.start_soon(service.client.get_task, "task-1")
                group.start_soon(service.task(2).refresh)
            await anyio.sleep(20)
            group.cancel_scope.cancel()
        assert len(service.asked) > 60
        assert densest(service.times(), 1.0) <= 15

    on_turned_clock(main)


def test_request_given_up_leaves_its_place() -> None:
    async def main() -> None:
        service = Service()
        async with service.client:
            for _ in range(100):
                with anyio.move_on_after(0.001):
                    await service.client.get_task("task-0")
            await anyio.sleep(0.2)
            with anyio.fail_after(1):
                await service.client.get_task("task-0")

    on_turned_clock(main)


def test_slow_answers_do_not_cap_the_rate() -> None:
    async def main() -> None:
        service = Service(15, first_s=0.1, growth=0.0)
        service.latency_s = 0.4
        async with service.client:
            with anyio.move_on_after(60):
                await outcomes(service.tasks())
        assert len(service.asked) > 0.9 * 600

    on_turned_clock(main)


# ── the list ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("tasks", "page_size_max", "pages"),
    [
        pytest.param(20, 1000, 0, id="few: each by itself"),
        pytest.param(21, 1000, 1, id="more: one page"),
        pytest.param(100, 10, 10, id="the service gives smaller pages"),
    ],
)
def test_first_round(tasks: int, page_size_max: int, pages: int) -> None:
    async def main() -> None:
        service = Service(tasks)
        service.page_size_max = page_size_max
        async with service.client:
            with anyio.move_on_after(0.1 if pages <= 1 else 0.9):
                await outcomes(service.tasks())
        assert len(service.times("list")) == pages

    on_turned_clock(main)


@pytest.mark.parametrize(
    ("trouble", "lists"),
    [
        pytest.param(httpx.Response(400, json={"code": "InvalidParameter"}), 6, id="refused"),
        pytest.param(httpx.Response(403, json={"code": "AccessDenied"}), 6, id="not for this key"),
        pytest.param(httpx.Response(503), 8, id="broken"),
        pytest.param(httpx.Response(200, content=b"<html>"), 8, id="senseless"),
        pytest.param(httpx.ConnectError("none"), 8, id="not there"),
        pytest.param(RuntimeError("a transport of the user's"), 6, id="something else"),
    ],
)
def test_list_that_is_of_no_use(trouble: Any, lists: int) -> None:
    async def main() -> None:
        service = Service(50)
        service.trouble = lambda what: trouble if what == "list" else None
        async with service.client, anyio.create_task_group() as group:
            group.start_soon(outcomes, service.tasks())
            await anyio.sleep(50)
            service.status = dict.fromkeys(service.ids, "SUCCEEDED")
        assert len(service.times("list")) == lists
        assert anyio.current_time() < service.times()[0] + 100

    on_turned_clock(main)


def test_tasks_that_the_list_does_not_show() -> None:
    async def main() -> None:
        service = Service(100)
        hidden, service.ids = service.ids[:10], service.ids[10:]
        tasks = [service.client.resume(id_, output=TaskOutput) for id_ in service.status]
        async with service.client, anyio.create_task_group() as group:
            group.start_soon(outcomes, tasks)
            await anyio.sleep(100)
            assert min(Counter(what for _, what in service.asked)[id_] for id_ in hidden) > 5
            service.status = dict.fromkeys(service.status, "SUCCEEDED")
        assert anyio.current_time() - service.times()[0] < 100 + 50

    on_turned_clock(main)


@pytest.mark.parametrize("word", ["SUCCEEDED", "FAILED", "UNKNOWN", "SUSPENDED", "XYZ"])
def test_only_the_query_is_believed_about_the_end(word: str) -> None:
    async def main() -> None:
        service = Service(30)
        honest = service.says

        def says(what: str, query: httpx.QueryParams) -> dict[str, Any]:
            said = honest(what, query)
            if what == "list":
                said["data"][3]["status"] = word
            return said

        service.says = says  # type: ignore[method-assign]
        tasks = service.tasks()
        async with service.client:
            with anyio.move_on_after(60):
                await outcomes(tasks)
        assert {task.status for task in tasks} == {"RUNNING"}
        assert len(service.times("task-3")) >= 5

    on_turned_clock(main)


# ── trouble ──────────────────────────────────────────────────────────────────────────────

DOWN = httpx.Response(503, json={"code": "ServiceUnavailable", "request_id": "r-down"})


@pytest.mark.parametrize("tasks", [1, 10, 300])
def test_ten_minutes_of_503(tasks: int) -> None:
    async def main() -> None:
        service = Service(tasks)
        began = anyio.current_time()
        service.trouble = lambda _: DOWN if anyio.current_time() < began + 600 else None
        service.status = dict.fromkeys(service.ids, "SUCCEEDED")
        async with service.client:
            assert set(await outcomes(service.tasks())) == {"SUCCEEDED"}
        assert len([at for at in service.times() if at < began + 600]) < 60
        assert anyio.current_time() < began + 600 + 20 + 0.15 * tasks

    on_turned_clock(main)


@pytest.mark.parametrize("tasks", [1, 10, 300])
def test_an_hour_of_503(tasks: int) -> None:
    async def main() -> None:
        service = Service(tasks)
        service.trouble = lambda _: DOWN
        async with service.client:
            came = await outcomes(service.tasks())
            assert {type(error) for error in came} == {TaskUnreachableError}
            assert {error.request_id for error in came} == {"r-down"}
            assert {error.http_status for error in came} == {503}
            assert 1800 < anyio.current_time() - service.times()[0] < 1800 + 20
            service.trouble = lambda _: None
            service.status = dict.fromkeys(service.ids, "SUCCEEDED")
            assert set(await outcomes(service.tasks())) == {"SUCCEEDED"}

    on_turned_clock(main)


def asking_to_wait(seconds: float) -> httpx.Response:
    return httpx.Response(429, json={"code": "Throttling"}, headers={"retry-after": f"{seconds:g}"})


@pytest.mark.parametrize("tasks", [1, 10, 300])
def test_retry_after_of_12_s_waits_12_s(tasks: int) -> None:
    async def main() -> None:
        service = Service(tasks)
        answers = iter([None, asking_to_wait(12)])
        service.trouble = lambda _: next(answers, None)
        async with service.client:
            with anyio.move_on_after(40):
                await outcomes(service.tasks())
        times = service.times()
        gap_s, before = max((after - at, at) for at, after in pairwise(times))
        assert 12 <= gap_s < 13.5 if tasks > 1 else 12 <= gap_s < 16.5
        assert before - times[0] <= 2  # nothing went out but what was under way already

    on_turned_clock(main)


@pytest.mark.parametrize("tasks", [1, 10, 300])
def test_retry_after_of_an_hour_is_an_error_at_once(tasks: int) -> None:
    async def main() -> None:
        service = Service(tasks)
        service.trouble = lambda _: asking_to_wait(HOUR_S)
        async with service.client:
            for _ in range(2):  # the second time without asking
                came = await outcomes(service.tasks())
                assert {type(error) for error in came} == {TaskUnreachableError}
                assert all("asks to wait 3600 s" in str(error) for error in came)
                assert anyio.current_time() == service.times()[0]
            assert len(service.asked) <= 5
            await anyio.sleep(HOUR_S)
            service.trouble = lambda _: None
            service.status = dict.fromkeys(service.ids, "SUCCEEDED")
            assert set(await outcomes(service.tasks())) == {"SUCCEEDED"}

    on_turned_clock(main)


def test_retry_after_beyond_the_time_of_a_wait() -> None:
    async def main() -> None:
        service = Service()
        service.trouble = lambda _: asking_to_wait(60)
        async with service.client:
            with pytest.raises(TaskUnreachableError, match="asks to wait 60 s"):
                await service.task().result(timeout_s=30)
        assert anyio.current_time() == service.times()[0]

    on_turned_clock(main)


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        pytest.param(
            httpx.Response(401, json={"code": "InvalidApiKey"}), AuthenticationError, id="refused"
        ),
        pytest.param(RuntimeError("of a transport"), RuntimeError, id="something else"),
    ],
)
def test_fault_of_one_task_is_for_those_who_wait_for_it(
    trouble: Any, error: type[Exception]
) -> None:
    async def main() -> None:
        service = Service(5)
        service.trouble = lambda what: trouble if what == "task-2" else None
        tasks = service.tasks()
        async with service.client:
            came: list[Any] = []
            async with anyio.create_task_group() as group:

                async def wait() -> None:
                    came.extend(await outcomes([*tasks, tasks[2]]))

                group.start_soon(wait)
                await anyio.sleep(5)
                service.status = dict.fromkeys(service.ids, "SUCCEEDED")
            assert [type(it) is error for it in came] == [False, False, True, False, False, True]
            assert came[0] == "SUCCEEDED"
            if issubclass(error, DashScopeError):
                assert len(came[2].__notes__) == 1
            service.trouble = lambda _: None
            assert (await tasks[2]).task_status == "SUCCEEDED"

    on_turned_clock(main)


def test_fault_that_lasts_for_one_task_alone() -> None:
    async def main() -> None:
        service = Service(3)
        service.trouble = lambda what: DOWN if what == "task-0" else None
        async with service.client, anyio.create_task_group() as group:
            group.start_soon(outcomes, service.tasks()[1:])
            with pytest.raises(TaskUnreachableError):
                await service.task()
            assert 1800 < anyio.current_time() - service.times()[0] < 1900
            service.status = dict.fromkeys(service.ids, "SUCCEEDED")

    on_turned_clock(main)


# ── time ─────────────────────────────────────────────────────────────────────────────────


def test_each_wait_has_its_own_time() -> None:
    async def main() -> None:
        service = Service(30)
        service.latency_s = 0.3
        ended: dict[float, float] = {}
        began = anyio.current_time()

        async def wait(number: int, timeout_s: float) -> None:
            with suppress(TaskTimeoutError):
                await service.task(number % 30).result(timeout_s=timeout_s)
            ended[timeout_s] = anyio.current_time() - began

        limits = [number * 1.7 for number in range(60)]
        async with service.client, anyio.create_task_group() as group:
            for number, limit_s in enumerate(limits):
                group.start_soon(wait, number, limit_s)
        assert [ended[limit_s] for limit_s in limits] == pytest.approx(limits)

    on_turned_clock(main)


def test_time_out_tells_where_the_time_went() -> None:
    async def main() -> None:
        service = Service()
        service.status["task-0"] = "PENDING"
        task = service.task()
        async with service.client, anyio.create_task_group() as group:

            async def begin() -> None:
                await anyio.sleep(60)
                service.status["task-0"] = "RUNNING"

            group.start_soon(begin)
            with pytest.raises(TaskTimeoutError, match=r"PENDING at .* RUNNING at .* queued") as it:
                await task.result(timeout_s=240)
        error = it.value
        assert [state.status for state in error.history] == ["PENDING", "RUNNING"]
        assert error.request_id == f"r{len(service.asked)}"
        assert any(error.token in note for note in error.__notes__)
        assert "client.resume" in error.hint

    on_turned_clock(main)


def test_queued_tasks_are_asked_for_less_often() -> None:
    async def main() -> None:
        service = Service(2)
        service.status["task-0"] = "PENDING"
        async with service.client:
            with anyio.move_on_after(1000):
                await outcomes(service.tasks())
        assert len(service.times("task-0")) < 0.75 * len(service.times("task-1"))

    on_turned_clock(main)


# ── events ───────────────────────────────────────────────────────────────────────────────


def event(task_id: str) -> dict[str, Any]:
    data = {"task_id": task_id, "task_status": "SUCCEEDED", "contain_result": False}
    kind = "dashscope:System:AsyncTaskFinish"
    return {"id": "e", "source": "acs.dashscope", "type": kind, "data": data}


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(event, id="a mapping"),
        pytest.param(lambda id_: TaskFinishedEvent.model_validate(event(id_)), id="a model"),
        pytest.param(
            lambda id_: TaskFinishedEvent.model_validate(event(id_)).model_dump_json(), id="a text"
        ),
    ],
)
def test_event_wakes_the_waiter_at_once(given: Callable[[str], Any]) -> None:
    async def main() -> None:
        service = Service(30)
        tasks = service.tasks()
        async with service.client, anyio.create_task_group() as group:
            for task in tasks:
                group.start_soon(outcomes, [task])
            await anyio.sleep(200)
            service.status["task-7"] = "SUCCEEDED"
            began, before = anyio.current_time(), len(service.asked)
            assert service.client.notify(given("task-7"))
            assert not service.client.notify(given("somebody-elses"))
            await tasks[7]
            assert anyio.current_time() - began < 0.2
            assert "task-7" in [what for _, what in service.asked[before : before + 2]]
            assert not service.client.notify(given("task-7"))
            group.cancel_scope.cancel()

    on_turned_clock(main)


def test_event_that_comes_while_its_task_is_being_asked_for() -> None:
    async def main() -> None:
        service = Service()
        service.latency_s = 1.0
        async with service.client, anyio.create_task_group() as group:
            group.start_soon(outcomes, service.tasks())
            await anyio.sleep(0.5)
            assert service.client.notify(event("task-0"))
            assert len(service.asked) == 1
            await anyio.sleep(0.55)
            assert len(service.asked) == 2
            group.cancel_scope.cancel()

    on_turned_clock(main)


def test_event_is_a_hint_only() -> None:
    async def main() -> None:
        service = Service()
        async with service.client, anyio.create_task_group() as group:
            group.start_soon(outcomes, service.tasks())
            await anyio.sleep(300)
            service.client.notify(event("task-0"))
            await anyio.sleep(0.5)
            service.status["task-0"] = "SUCCEEDED"

    on_turned_clock(main)


@pytest.mark.parametrize("given", ["", "{}", b"\xff", "[]", {"data": {}}, {"data": None}, 3])
def test_no_event(given: Any) -> None:
    with pytest.raises(InputError, match="no event of a finished task"):
        Service().client.notify(given)


# ── clients that cannot ask ──


def test_wait_with_a_closed_client() -> None:
    async def main() -> None:
        service = Service()
        async with service.client:
            pass
        with pytest.raises(InputError, match="closed"):
            await service.task()
        assert service.asked == []

    on_turned_clock(main)


# ── one of several ───────────────────────────────────────────────────────────────────────


def test_any_ended() -> None:
    async def main() -> None:
        service = Service(30)
        tasks = service.tasks()
        async with service.client:
            await Task.any_ended([])
            async with anyio.create_task_group() as group:
                group.start_soon(Task.any_ended, tasks)
                await anyio.sleep(20)
                service.status["task-9"] = "FAILED"
            assert [task.id for task in tasks if task.done] == ["task-9"]
            await Task.any_ended(tasks)
            service.trouble = lambda what: httpx.Response(400) if what == "task-3" else None
            await Task.any_ended(tasks[3:5])
            service.trouble = lambda _: asking_to_wait(HOUR_S)
            await Task.any_ended(tasks[3:5])
            with pytest.raises(InputError, match="one client"):
                await Task.any_ended([tasks[3], Service().task()])

    on_turned_clock(main)


def test_lost_task_is_over_too() -> None:
    async def main() -> None:
        service = Service(1)
        tasks = [service.task(), service.client.resume("nobody-knows", output=TaskOutput)]
        async with service.client:
            await Task.any_ended(tasks)
            with pytest.raises(TaskNotFoundError):
                await tasks[1]

    on_turned_clock(main)


def test_two_objects_of_one_task() -> None:
    async def main() -> None:
        service = Service(30)
        async with service.client, anyio.create_task_group() as group:
            group.start_soon(outcomes, [*service.tasks(), *service.tasks()])
            await anyio.sleep(30)
            service.status = dict.fromkeys(service.ids, "SUCCEEDED")

    on_turned_clock(main)


# ── what is written down ─────────────────────────────────────────────────────────────────


class Diary:
    """A recorder that writes to a list; slow, and broken when it is told to be."""

    def __init__(self, service: Service) -> None:
        self.lines: list[tuple[str, str]] = []
        self.broken: Exception | None = None
        service.client._desk.poller._recorder = self

    async def __call__(self, task_id: str, response: TaskResponse, /) -> None:
        await anyio.sleep(0.5)
        if self.broken:
            raise self.broken
        self.lines.append((task_id, str(response.output.task_status)))


@pytest.mark.parametrize("tasks", [pytest.param(2, id="queries"), pytest.param(40, id="the list")])
def test_each_status_is_written_down_once_before_it_is_seen(tasks: int) -> None:
    async def main() -> None:
        service = Service(tasks)
        diary = Diary(service)
        watched = service.tasks()

        async def follow(task: Task[TaskOutput]) -> None:
            async for state in task.states():
                assert (task.id, state.status) in diary.lines

        async with service.client, anyio.create_task_group() as group:
            for task in watched:
                group.start_soon(follow, task)
                group.start_soon(outcomes, [task])
            await anyio.sleep(60)
            group.start_soon(watched[0].refresh)
            service.status = dict.fromkeys(service.ids, "SUCCEEDED")
            group.start_soon(watched[0].refresh)
        assert Counter(diary.lines) == Counter(
            (id_, status) for id_ in service.ids for status in ("RUNNING", "SUCCEEDED")
        )

    on_turned_clock(main)


@pytest.mark.parametrize("tasks", [pytest.param(2, id="queries"), pytest.param(40, id="the list")])
def test_fault_of_the_recorder_reaches_those_who_wait(tasks: int) -> None:
    async def main() -> None:
        service = Service(tasks)
        diary = Diary(service)
        diary.broken = OSError("disk full")
        async with service.client:
            assert await outcomes(service.tasks()) == [diary.broken] * tasks
            task = service.task()
            with pytest.raises(OSError, match="disk full"):
                await task.refresh()
            with pytest.raises(OSError, match="disk full"):
                await Task.any_ended([task])
            assert task.history == ()

    on_turned_clock(main)


def test_cancelled_wait_does_not_tear_what_is_written() -> None:
    async def main() -> None:
        service = Service()
        diary = Diary(service)
        task = service.task()
        async with service.client:
            with anyio.move_on_after(0.2):
                await task
            assert diary.lines == [("task-0", "RUNNING")]
            assert task.status == "RUNNING"

    on_turned_clock(main)


def test_queries_that_were_cancelled_hold_up_no_others() -> None:
    async def main() -> None:
        service = Service()
        async with service.client:
            for _ in range(20):
                with anyio.move_on_after(0.05):
                    async with anyio.create_task_group() as group:
                        for _ in range(50):
                            group.start_soon(service.client.get_task, "task-0")
            begun = anyio.current_time()
            await service.client.get_task("task-0")
            assert anyio.current_time() - begun < 1  # of a clock that only sleeping moves

    on_turned_clock(main)


# ── real loops, real sockets ─────────────────────────────────────────────────────────────


@pytest.mark.anyio
@pytest.mark.parametrize("native", [False, True], ids=["scope", "native"])
async def test_driver_after_driver_is_cancelled(
    *,
    native: bool,
    anyio_backend: str,
    make_client: Callable[..., Client],
    emulator: Emulator,
) -> None:
    if native and anyio_backend != "asyncio":
        pytest.skip("tasks of asyncio's own")
    emulator.queue_s = HOUR_S
    emulator.faults.add(TaskFails(times=40))
    schedule = Schedule(first_s=0.01, cap_s=0.2, queries_per_s=200, submits_per_s=1000)
    client = make_client(schedule=schedule, max_unfinished=None)
    url = "https://example.com/none"
    tasks = [
        await client.animate_move(f"{url}.jpg", f"{url}.mp4", mode="wan-std") for _ in range(40)
    ]
    failed: list[str] = []

    async def wait(task: Task[Any], limit_s: float) -> None:
        async with given_up_after(limit_s, native=native):
            with pytest.raises(TaskFailedError):
                await task
            failed.append(task.id)

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            for number, task in enumerate(tasks):
                group.start_soon(wait, task, 60.0 if number % 4 == 1 else 0.02 * number)
            await anyio.sleep(1.0)
            emulator.clock.advance(HOUR_S)
    assert set(failed) >= {task.id for task in tasks[1::4]}
    assert {request.status for request in emulator.requests.of("query")} <= {200, None}
    assert emulator.requests.of("list")


@asynccontextmanager
async def given_up_after(limit_s: float, *, native: bool) -> AsyncIterator[None]:
    """Cancel the block after a while, as anyio or as asyncio does it."""
    if native:
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                yield
    else:
        with anyio.move_on_after(limit_s):
            yield


@pytest.mark.anyio
async def test_three_hundred_tasks_at_the_rate_of_the_account(
    make_client: Callable[..., Client], emulator: Emulator
) -> None:
    emulator.queries_per_s = 20
    emulator.queue_s = HOUR_S
    emulator.running_per_model = 300
    emulator.page_size_max = 40
    emulator.faults.add(TaskFails(times=300))
    schedule = Schedule(first_s=0.2, cap_s=1, submits_per_s=1000)
    client = make_client(schedule=schedule, max_unfinished=None)
    url = "https://example.com/none"
    tasks = [
        await client.animate_move(f"{url}.jpg", f"{url}.mp4", mode="wan-std") for _ in range(300)
    ]
    for task in tasks[:10]:
        assert await task.cancel()
        await anyio.sleep(0.06)
    emulator.requests.clear()
    ended: list[str] = []

    async def wait(task: Task[Any]) -> None:
        with pytest.raises(TaskCanceledError):
            await task
        ended.append(task.id)

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            for task in tasks:
                group.start_soon(wait, task)
            while len(ended) < 10:  # noqa: ASYNC110 - nothing else tells
                await anyio.sleep(0.05)
            group.cancel_scope.cancel()
    assert set(ended) == {task.id for task in tasks[:10]}
    assert len(emulator.requests.of("query")) <= 60
    assert {request.status for request in emulator.requests} <= {200, None}
    moments = [request.at for request in emulator.requests]
    assert len(moments) <= 10 * (moments[-1] - moments[0]) + 15
