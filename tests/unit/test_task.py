"""Waiting for a task: through every kind of trouble, by anybody, and never for nothing."""

import asyncio
import json
import math
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from dashscope_aa import Client, Schedule, Task, TaskState, TaskToken
from dashscope_aa.emulator import (
    AnswerLost,
    Emulator,
    Fault,
    LateFieldRequired,
    Malformed,
    OddStatus,
    RequestLost,
    ServerFault,
    SlowHeaders,
    TaskFails,
    TaskStalls,
    Throttle,
)
from dashscope_aa.errors import (
    AuthenticationError,
    ContentBlockedError,
    DashScopeError,
    InputError,
    InvalidRequestError,
    MediaError,
    ModelUnavailableError,
    NoAnswerError,
    ProtocolError,
    ServerError,
    ServiceError,
    TaskCanceledError,
    TaskFailedError,
    TaskNotFoundError,
    TaskTimeoutError,
    TaskUnreachableError,
)
from dashscope_aa.models import TaskOutput, TaskStatus, TemplateOutput, VideoOutput

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_retries")]

ID = "0b0b0b0b-0000-0000-0000-000000000000"
QUICK = Schedule(first_s=0.005, cap_s=0.05, queries_per_s=200)
IMPATIENT = Schedule(first_s=0.005, cap_s=0.05, unreachable_s=0.15, queries_per_s=200)

Submit = Callable[..., Awaitable[Task[TemplateOutput]]]


@pytest.fixture
def submit(client: Client, emulator: Emulator, clip: Path) -> Submit:
    """Starts a task, with the fixture's client unless another is given."""

    async def submit(by: Client | None = None) -> Task[TemplateOutput]:
        return await (by or client).create_template(emulator.host_file(clip))

    return submit


def queries(emulator: Emulator) -> int:
    return len(emulator.requests.of("query"))


async def queried(emulator: Emulator, times: int) -> None:
    """Wait until so many queries have come in."""
    with anyio.fail_after(30):
        while queries(emulator) < times:  # noqa: ASYNC110 - the emulator has no event for it
            await anyio.sleep(0.005)


# ── the outcome ──────────────────────────────────────────────────────────────────────────


async def test_output(submit: Submit, emulator: Emulator) -> None:
    task = await submit()
    assert task.status == TaskStatus.PENDING
    assert not task.done
    output = await task
    assert output.template_id.startswith("AACT.")
    assert task.done
    assert task.status == TaskStatus.SUCCEEDED
    assert task.usage is not None
    assert task.usage.video_duration == pytest.approx(2.0, abs=0.1)
    assert task.request_id == task.response["request_id"]
    assert task.response["output"]["template_id"] == output.template_id
    assert task.history[0].status == "PENDING"
    assert task.history[-1].status == "SUCCEEDED"
    assert (task.operation, task.model) == ("template", "animate-anyone-template-gen2")
    assert task.submitted_at is not None
    assert repr(task) == f"<Task template {task.id} SUCCEEDED>"
    asked = queries(emulator)
    assert await task == output
    assert queries(emulator) == asked


async def test_waiters_share_the_queries(
    make_client: Callable[..., Client], submit: Submit, emulator: Emulator
) -> None:
    emulator.queue_s = 3600
    task = await submit(make_client(schedule=Schedule(first_s=0.02)))
    outputs: list[TemplateOutput] = []

    async def wait() -> None:
        outputs.append(await task)

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(wait)
        await anyio.sleep(0.3)
        assert queries(emulator) <= 100  # one waiter may ask 16 times in this time, 20 some 300
        emulator.clock.advance(3601)
    assert len(outputs) == 20
    assert len({output.template_id for output in outputs}) == 1


@pytest.mark.parametrize(
    ("fault", "reason", "code"),
    [
        pytest.param(TaskFails(), ServerError, "InternalError.Algo", id="service's own fault"),
        pytest.param(
            TaskFails(code="InvalidFile.Duration", message="2s ~ 60s."),
            MediaError,
            "InvalidFile.Duration",
            id="clip found wanting",
        ),
        pytest.param(
            TaskFails(code="DataInspectionFailed", message="Inappropriate."),
            ContentBlockedError,
            "DataInspectionFailed",
            id="content inspection",
        ),
        pytest.param(
            TaskFails(code="InvalidParameter", message="Model not exist."),
            ModelUnavailableError,
            "InvalidParameter",
            id="model gone meanwhile",
        ),
        pytest.param(LateFieldRequired(), InvalidRequestError, "InvalidParameter", id="late field"),
        pytest.param(TaskFails(code="Nobody.Knows"), ServiceError, "Nobody.Knows", id="new code"),
        pytest.param(TaskFails(code="", message=""), ServiceError, "", id="no code"),
    ],
)
async def test_failed(
    fault: Fault, reason: type[ServiceError], code: str, submit: Submit, emulator: Emulator
) -> None:
    emulator.faults.add(fault)
    task = await submit()
    with pytest.raises(TaskFailedError) as raised:
        await task
    error = raised.value
    assert type(error.reason) is reason or reason is ServiceError
    assert error.code == code
    assert error.reason.code == code
    assert error.task_id == task.id
    assert error.token == task.token
    assert error.request_id
    assert pickle.loads(pickle.dumps(error)).token == task.token  # noqa: S301 - our own bytes
    with pytest.raises(TaskFailedError):
        await task
    assert [state.status async for state in task.states()][-1] == "FAILED"


async def test_cancelled_task(submit: Submit, emulator: Emulator) -> None:
    emulator.queue_s = 3600
    task = await submit()
    assert await task.cancel()
    with pytest.raises(TaskCanceledError) as raised:
        await task
    assert raised.value.token == task.token
    assert await task.cancel()  # it is, and stays so


async def test_running_task_cannot_be_cancelled(submit: Submit, emulator: Emulator) -> None:
    emulator.faults.add(TaskStalls())
    task = await submit()
    assert not await task.cancel()


# ── answers nobody expects ───────────────────────────────────────────────────────────────


def client_that_hears(*outputs: dict[str, Any], **options: Any) -> tuple[Client, list[str]]:
    """Give a client to which the service answers so; the last answer again and again."""
    answers = list(outputs)
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        output = answers.pop(0) if len(answers) > 1 else answers[0]
        return httpx.Response(200, json={"request_id": "r", "output": {"task_id": ID, **output}})

    transport = httpx.MockTransport(answer)
    return Client("sk-any", transport=transport, schedule=QUICK, **options), asked


@pytest.mark.parametrize(
    "output",
    [
        pytest.param({}, id="nothing at all"),
        pytest.param({"video_url": ""}, id="empty URL"),
        pytest.param({"video_url": None}, id="null"),
        pytest.param({"results": {}}, id="empty results"),
        pytest.param({"results": [{"url": "https://host/a.mp4"}]}, id="results of another kind"),
    ],
)
async def test_success_without_a_result_fails_loudly(output: dict[str, Any]) -> None:
    client, _ = client_that_hears({"task_status": "SUCCEEDED", **output})
    async with client:
        with pytest.raises(ProtocolError, match="video_url") as raised:
            await client.resume(ID, output=VideoOutput)
    assert raised.value.task_id == ID


@pytest.mark.parametrize(
    "output",
    [
        pytest.param({"video_url": "https://host/a.mp4"}, id="AnimateAnyone"),
        pytest.param({"results": {"video_url": "https://host/a.mp4"}}, id="wan2.2-animate"),
    ],
)
async def test_result_is_found_where_either_family_puts_it(output: dict[str, Any]) -> None:
    client, asked = client_that_hears(
        {"task_status": "SUSPENDED"}, {"task_status": "SUCCEEDED", **output}
    )
    async with client:
        task = client.resume(ID, output=VideoOutput)
        assert (await task).video_url == "https://host/a.mp4"
    assert asked == [f"/api/v1/tasks/{ID}"] * 2
    assert [state.status for state in task.history] == ["SUSPENDED", "SUCCEEDED"]


async def test_status_that_goes_back_after_the_end_changes_nothing() -> None:
    client, _ = client_that_hears(
        {"task_status": "SUCCEEDED", "video_url": "https://host/a.mp4"}, {"task_status": "RUNNING"}
    )
    async with client:
        task = client.resume(ID, output=VideoOutput)
        await task
        await task.refresh()
        assert task.status == TaskStatus.SUCCEEDED
        assert (await task).video_url == "https://host/a.mp4"


async def test_task_of_any_kind() -> None:
    client, _ = client_that_hears({"task_status": "SUCCEEDED", "anything": 1})
    async with client:
        output = await client.resume(ID, output=TaskOutput)
    assert output.model_extra == {"anything": 1}


# ── trouble on the way ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(ServerFault(on="query", times=8), id="503"),
        pytest.param(ServerFault(on="query", times=8, status=500, code="InternalError"), id="500"),
        pytest.param(
            ServerFault(on="query", times=8, status=504, code=""), id="504 from a gateway"
        ),
        pytest.param(ServerFault(on="query", times=3, retry_after_s=0.05), id="503, told to wait"),
        pytest.param(RequestLost(on="query", times=8), id="reset"),
        pytest.param(RequestLost(on="query", times=8, reset=False), id="closed"),
        pytest.param(AnswerLost(on="query", times=8), id="answer lost"),
        pytest.param(AnswerLost(on="query", times=8, within=True), id="half an answer"),
        pytest.param(Throttle(on="query", times=8), id="throttled"),
        pytest.param(Throttle(on="query", times=3, retry_after_s=0.05), id="told to wait"),
        pytest.param(Malformed(on="query", times=8), id="half a JSON text"),
        pytest.param(SlowHeaders(on="query", times=1, delay_s=0.1), id="slow"),
        pytest.param(OddStatus(times=8), id="word nobody knows"),
        pytest.param(OddStatus(times=8, word=" succeeded"), id="word that looks like the end"),
        pytest.param(OddStatus(times=3, word="UNKNOWN"), id="service lags behind"),
    ],
)
async def test_wait_survives(fault: Fault, submit: Submit, emulator: Emulator) -> None:
    emulator.faults.add(fault)
    output = await (await submit())
    assert output.template_id
    assert emulator.faults.hits(fault) == fault.times


async def test_service_that_is_down_for_long(
    make_client: Callable[..., Client], submit: Submit, emulator: Emulator
) -> None:
    task = await submit(make_client(schedule=IMPATIENT))
    emulator.faults.add(ServerFault(on="query", for_s=math.inf))
    with pytest.raises(TaskUnreachableError, match="no usable answer") as raised:
        await task
    error = raised.value
    assert isinstance(error, TimeoutError)
    assert (error.token, error.task_id, error.http_status) == (task.token, task.id, 503)
    emulator.faults.clear()
    emulator.faults.add(ServerFault(on="query"))
    assert (await task).template_id  # a new wait has a new budget


async def test_asked_to_wait_an_hour(submit: Submit, emulator: Emulator) -> None:
    task = await submit()
    emulator.faults.add(Throttle(on="query", times=9, retry_after_s=3600))
    with pytest.raises(TaskUnreachableError, match="asks to wait 3600 s"):
        await task
    assert queries(emulator) == 1


async def test_retry_after_is_obeyed(submit: Submit, emulator: Emulator) -> None:
    task = await submit()
    emulator.faults.add(Throttle(on="query", retry_after_s=0.4))
    await task
    first, second, *_ = emulator.requests.of("query")
    assert second.at - first.at >= 0.4


async def test_silence_while_nobody_waits_does_not_count(
    make_client: Callable[..., Client], submit: Submit, emulator: Emulator
) -> None:
    task = await submit(make_client(schedule=replace(IMPATIENT, unreachable_s=1.5)))
    fault = ServerFault(on="query", for_s=math.inf)
    emulator.faults.add(fault)
    with pytest.raises(TaskTimeoutError):
        await task.result(timeout_s=0.5)
    assert emulator.faults.hits(fault)
    await anyio.sleep(1.5)
    emulator.faults.clear()
    emulator.faults.add(ServerFault(on="query"))
    assert (await task).template_id


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param(
            ServerFault(on="query", status=401, code="InvalidApiKey", message="No."),
            AuthenticationError,
            id="key revoked",
        ),
        pytest.param(
            ServerFault(on="query", status=400, code="InvalidParameter", message="No."),
            InvalidRequestError,
            id="request refused",
        ),
    ],
)
async def test_refusal_is_raised_at_once_with_the_token(
    fault: Fault, error: type[DashScopeError], submit: Submit, emulator: Emulator, key: str
) -> None:
    task = await submit()
    emulator.faults.add(fault)
    with pytest.raises(error) as raised:
        await task
    assert raised.value.task_id == task.id
    assert any(task.token in note for note in raised.value.__notes__)
    assert key not in "".join([str(raised.value), *raised.value.__notes__])
    assert queries(emulator) == 1
    assert (await task).template_id


# ── time ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("timeout_s", [-1.0, math.nan, "5", [3]])
async def test_no_length_of_time(timeout_s: Any, submit: Submit, emulator: Emulator) -> None:
    emulator.queue_s = 3600
    task = await submit()
    with pytest.raises(InputError, match="timeout_s must be a number"):
        await task.result(timeout_s=timeout_s)


@pytest.mark.parametrize("timeout_s", [0.2, 0.0])
async def test_time_is_over(timeout_s: float, submit: Submit, emulator: Emulator) -> None:
    emulator.queue_s = 3600
    task = await submit()
    with pytest.raises(TaskTimeoutError, match="PENDING") as raised:
        await task.result(timeout_s=timeout_s)
    assert isinstance(raised.value, TimeoutError)
    assert raised.value.token == task.token
    assert task.status == TaskStatus.PENDING
    emulator.clock.advance(3601)
    output = await task
    assert await task.result(timeout_s=0) == output


async def test_time_of_the_schedule_is_over(
    make_client: Callable[..., Client], submit: Submit, emulator: Emulator
) -> None:
    emulator.queue_s = 3600
    task = await submit(make_client(schedule=Schedule(first_s=0.02, timeout_s=0.1)))
    with pytest.raises(TaskTimeoutError):
        await task


async def test_many_short_waits_get_on_like_a_long_one(
    make_client: Callable[..., Client], submit: Submit, emulator: Emulator
) -> None:
    task = await submit(make_client(schedule=Schedule(first_s=0.2)))
    with anyio.fail_after(30):
        while not task.done:
            with suppress(TaskTimeoutError):
                await task.result(timeout_s=0.03)
    assert task.status == TaskStatus.SUCCEEDED
    assert 1 <= queries(emulator) <= 5


async def test_callers_own_time_out_is_not_taken_for_ours(
    submit: Submit, emulator: Emulator
) -> None:
    emulator.queue_s = 3600
    task = await submit()
    with pytest.raises(TimeoutError) as raised, anyio.fail_after(0.1):
        await task
    assert not isinstance(raised.value, DashScopeError)


# ── tasks that are not there ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("grace", "asked"), [pytest.param(3, 4, id="some grace"), pytest.param(0, 1, id="none")]
)
async def test_unknown_task(
    grace: int, asked: int, make_client: Callable[..., Client], emulator: Emulator
) -> None:
    client = make_client(schedule=Schedule(first_s=0.005, grace=grace))
    task = client.resume(ID, output=VideoOutput)
    assert not task.done
    for _ in range(2):
        with pytest.raises(TaskNotFoundError) as raised:
            await task
        assert raised.value.token == task.token
        assert queries(emulator) == asked
    with pytest.raises(TaskNotFoundError):
        _ = [state async for state in task.states()]


async def test_task_of_another_account(make_client: Callable[..., Client], submit: Submit) -> None:
    task = await submit()
    other = make_client(api_key="sk-somebody-else")
    with pytest.raises(TaskNotFoundError):
        await other.resume(task.token)


async def test_task_forgotten_by_the_service(submit: Submit, emulator: Emulator) -> None:
    task = await submit()
    output = await task
    emulator.clock.advance(hours=25)
    again = [await task.refresh() for _ in range(6)]
    assert {answer.output.task_status for answer in again} == {TaskStatus.UNKNOWN}
    assert await task == output


# ── cancelled waits ──────────────────────────────────────────────────────────────────────


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


natively = pytest.mark.parametrize("native", [False, True], ids=["scope", "native"])


@pytest.fixture
def native_only_on_asyncio(request: pytest.FixtureRequest, anyio_backend: str) -> None:
    if request.getfixturevalue("native") and anyio_backend != "asyncio":
        pytest.skip("tasks of asyncio's own")


@natively
@pytest.mark.usefixtures("native_only_on_asyncio")
async def test_next_waiter_takes_over(*, native: bool, submit: Submit, emulator: Emulator) -> None:
    emulator.queue_s = 3600
    task = await submit()
    outputs: list[TemplateOutput] = []

    async def wait_for(limit_s: float) -> None:
        async with given_up_after(limit_s, native=native):
            outputs.append(await task)

    async with anyio.create_task_group() as group:
        for limit_s in (0.05, 0.1, 0.15, 60):
            group.start_soon(wait_for, limit_s)
        await anyio.sleep(0.2)
        before = queries(emulator)
        await queried(emulator, before + 2)
        emulator.clock.advance(3601)
    assert len(outputs) == 1


@natively
@pytest.mark.usefixtures("native_only_on_asyncio")
async def test_cancelling_the_wait_leaves_the_task_alone(
    *,
    native: bool,
    submit: Submit,
    emulator: Emulator,
) -> None:
    emulator.queue_s = 3600
    task = await submit()
    async with given_up_after(0.1, native=native):
        await task
    assert emulator.requests.of("cancel") == []
    assert emulator.tasks[-1].status == "PENDING"


@natively
@pytest.mark.usefixtures("native_only_on_asyncio")
async def test_cancelling_the_wait_may_cancel_the_task(
    *,
    native: bool,
    submit: Submit,
    emulator: Emulator,
) -> None:
    emulator.queue_s = 3600
    task = await submit()
    async with given_up_after(0.1, native=native):
        await task.result(on_cancel="cancel_remote")
    assert emulator.tasks[-1].status == "CANCELED"


async def notes_of_cancelled_wait(task: Task[Any]) -> list[str]:
    """Cancel a wait that cancels its task, and read what its cancellation tells."""
    notes: list[str] = []
    with anyio.move_on_after(0.5):
        try:
            await task.result(on_cancel="cancel_remote")
        except BaseException as cancelled:
            notes = cancelled.__notes__
            raise
    return notes


async def test_what_became_of_cancelling_is_told(submit: Submit, emulator: Emulator) -> None:
    emulator.queue_s = 3600
    task = await submit()
    notes = await notes_of_cancelled_wait(task)
    assert task.token in notes[0]
    assert notes[-1] == "the task was cancelled"


async def test_running_task_outlives_the_attempt(submit: Submit, emulator: Emulator) -> None:
    emulator.faults.add(TaskStalls())
    notes = await notes_of_cancelled_wait(await submit())
    assert notes[-1] == "the task was not cancelled"
    assert emulator.tasks[-1].status == "RUNNING"


async def test_cancelling_that_fails_is_told(submit: Submit, emulator: Emulator) -> None:
    emulator.queue_s = 3600
    task = await submit()
    emulator.faults.add(RequestLost(on="cancel", times=9))
    notes = await notes_of_cancelled_wait(task)
    assert "cancelling the task failed" in notes[1]
    assert notes[-1] == "the task was not cancelled"


async def test_error_of_the_callback_is_the_callers(submit: Submit) -> None:
    async def break_off(_state: TaskState) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await (await submit()).result(on_state=break_off)


# ── watching ─────────────────────────────────────────────────────────────────────────────


async def test_each_state_is_shown_once_in_order(submit: Submit, emulator: Emulator) -> None:
    emulator.queue_s = 3600
    task = await submit()
    seen: list[str] = []
    late: list[str] = []

    async def note(state: TaskState) -> None:
        seen.append(state.status)
        if len(seen) == 1:
            emulator.faults.add(OddStatus(word="RUNNING"))
            emulator.clock.advance(3601)

    await task.result(on_state=note)
    late = [state.status async for state in task.states()]
    assert seen == ["PENDING", "RUNNING", "SUCCEEDED"] == late
    assert [state.seen_at for state in task.history] == sorted(s.seen_at for s in task.history)


async def test_watching_left_early(submit: Submit, emulator: Emulator) -> None:
    emulator.queue_s = 3600
    task = await submit()
    async for state in task.states():
        assert state.status == "PENDING"
        break
    states = task.states()
    await anext(states)
    with anyio.move_on_after(0.05):
        await anext(states)
    emulator.clock.advance(3601)
    assert [state.status async for state in states][-1] == "SUCCEEDED"
    with pytest.raises(StopAsyncIteration):
        await anext(states)


async def test_watching_and_time(submit: Submit, emulator: Emulator) -> None:
    emulator.queue_s = 3600
    task = await submit()
    with pytest.raises(TaskTimeoutError):
        _ = [state async for state in task.states(timeout_s=0.1)]


async def test_refresh(submit: Submit, emulator: Emulator) -> None:
    emulator.queue_s = 3600
    task = await submit()
    answer = await task.refresh()
    assert answer.output.task_status == task.status == "PENDING"
    emulator.faults.add(RequestLost(on="query", times=9))
    with pytest.raises(NoAnswerError):
        await task.refresh()


# ── taken up elsewhere ───────────────────────────────────────────────────────────────────


async def test_another_client_goes_on(
    make_client: Callable[..., Client], submit: Submit, emulator: Emulator, key: str
) -> None:
    task = await submit()
    token = task.token
    assert isinstance(token, TaskToken)
    assert key not in token
    assert json.loads(token)["task_id"] == task.id
    for written in (token, str(token), f"  {token}\n", json.dumps(json.loads(token), indent=2)):
        again = make_client().resume(written)
        assert isinstance(await again, TemplateOutput)
        assert (again.id, again.model, again.operation) == (task.id, task.model, "template")
        assert again.submitted_at == task.submitted_at
        assert again.token == token


async def test_by_its_id(make_client: Callable[..., Client], submit: Submit) -> None:
    task = await submit()
    again = make_client().resume(task.id, output=TemplateOutput)
    assert await again == await task
    assert make_client().resume(again.token).operation == "template"


def changed(token: str, **facts: Any) -> str:
    return json.dumps({**json.loads(token), **facts})


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param({"base_url": "https://evil.example/api/v1"}, "base_url", id="other service"),
        pytest.param({"region": "ap-southeast-1"}, "region", id="other region"),
        pytest.param({"workspace": "ws-1"}, "workspace", id="other workspace"),
        pytest.param({"v": 2}, "newer", id="newer version"),
        pytest.param({"task_id": "../../uploads"}, "task id", id="id that leads elsewhere"),
        pytest.param({"task_id": 3}, "token", id="id that is none"),
        pytest.param({"operation": "steal"}, "token", id="operation nobody knows"),
        pytest.param({"extra": 1}, "token", id="one fact too many"),
        pytest.param({"submitted_at": "yesterday"}, "token", id="no time"),
        pytest.param({"model": ["m"]}, "token", id="model that is no text"),
    ],
)
async def test_token_of_elsewhere(
    facts: dict[str, Any], said: str, client: Client, submit: Submit, sent: Callable[[], list[str]]
) -> None:
    token = changed((await submit()).token, **facts)
    with pytest.raises(InputError, match=said):
        client.resume(token)
    assert sent() == ["template"]


@pytest.mark.parametrize(
    "text", ["", "{", "{}", "[]", "null", ID, "{" * 5000, '{"v": 1}', "AACT.x", "\x00"]
)
async def test_no_token(text: str, client: Client, sent: Callable[[], list[str]]) -> None:
    with pytest.raises(InputError, match="token"):
        client.resume(text)
    assert sent() == []


@pytest.mark.parametrize("task_id", ["../uploads", "a/b", "a b", "a?b", "ä", "x" * 129, "a\nb"])
async def test_no_id(task_id: str, client: Client, sent: Callable[[], list[str]]) -> None:
    with pytest.raises(InputError):
        client.resume(task_id, output=VideoOutput)
    assert sent() == []
