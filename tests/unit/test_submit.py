"""Paid submits: whatever goes wrong, what is paid for is sent once."""

import asyncio
import logging
import pickle
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import respx
from httpx_aiohttp import AiohttpTransport

from dashscope_aa import Client, TemplateId
from dashscope_aa._book import Memo
from dashscope_aa.emulator import (
    AnswerLost,
    Emulator,
    Fault,
    Malformed,
    Operation,
    RequestLost,
    Retired,
    ServerFault,
    SlowBody,
    SlowHeaders,
    Throttle,
    Unpaid,
)
from dashscope_aa.errors import (
    BillingError,
    DashScopeError,
    InvalidRequestError,
    ModelUnavailableError,
    NotSentError,
    ServerError,
    SubmitOutcomeUnknownError,
    ThrottledError,
)
from dashscope_aa.models import TemplateOutput

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_retries")]

# ── every paid call ──────────────────────────────────────────────────────────────────────

PICTURE = "http://127.0.0.1:9/a.jpg"
CLIP = "http://127.0.0.1:9/a.mp4"
TEMPLATE = TemplateId("AACT.x.y-z.1")

Paid = Callable[[Client], Awaitable[Any]]

PAID: dict[Operation, Paid] = {
    "detect": lambda client: client.detect(PICTURE),
    "template": lambda client: client.create_template(CLIP),
    "synthesis": lambda client: client.synthesize(PICTURE, TEMPLATE),
    "move": lambda client: client.animate_move(PICTURE, CLIP, mode="wan-std"),
    "mix": lambda client: client.animate_mix(PICTURE, CLIP, mode="wan-pro"),
}
TASKS = [operation for operation in PAID if operation != "detect"]

every_paid_call = pytest.mark.parametrize("operation", PAID)
every_task = pytest.mark.parametrize("operation", TASKS)


@pytest.fixture(autouse=True)
def _no_file_is_fetched(emulator: Emulator) -> None:
    """Leave accepted tasks in the queue: what they would come to is no matter here."""
    emulator.queue_s = 3600
    emulator.image_fetch_s = emulator.video_fetch_s = 0.2


def posts(emulator: Emulator, operation: Operation) -> int:
    return len(emulator.requests.of(operation))


# ── outcomes nobody knows ────────────────────────────────────────────────────────────────


UNKNOWN = [
    pytest.param(AnswerLost, {}, True, id="answer lost, accepted"),
    pytest.param(AnswerLost, {"reset": False}, True, id="closed, accepted"),
    pytest.param(AnswerLost, {"within": True}, True, id="half an answer, accepted"),
    pytest.param(RequestLost, {}, False, id="reset, not accepted"),
    pytest.param(RequestLost, {"reset": False}, False, id="closed, not accepted"),
    pytest.param(ServerFault, {}, False, id="503"),
    pytest.param(ServerFault, {"status": 500, "code": "InternalError"}, False, id="500"),
    pytest.param(ServerFault, {"status": 504, "code": ""}, False, id="504 from a gateway"),
    pytest.param(ServerFault, {"retry_after_s": 1}, False, id="503, told to come again"),
    pytest.param(Malformed, {}, True, id="half a JSON text, accepted"),
]


@every_task
@pytest.mark.parametrize(("kind", "facts", "accepted"), UNKNOWN)
async def test_outcome_unknown(
    *,
    kind: type[Fault],
    facts: dict[str, Any],
    accepted: bool,
    operation: Operation,
    client: Client,
    emulator: Emulator,
    key: str,
) -> None:
    before = datetime.now(UTC)
    tasks_before = len(emulator.tasks)
    emulator.faults.add(kind(on=operation, times=9, **facts))
    with pytest.raises(SubmitOutcomeUnknownError) as raised:
        await PAID[operation](client)
    error = raised.value
    assert posts(emulator, operation) == 1
    made = [task.id for task in emulator.tasks[tasks_before:]]
    assert [row.task_id for row in error.candidates] == made
    assert len(made) == accepted
    assert before <= error.sent_at <= error.lost_at <= datetime.now(UTC)
    assert error.model == emulator.requests.of(operation)[0].model
    assert len(error.fingerprint) == 64
    assert "Do not simply send it again" in error.hint
    assert key not in str(error)
    assert error.__context__ is None
    assert pickle.loads(pickle.dumps(error)).candidates == error.candidates  # noqa: S301 - our own


@pytest.mark.parametrize(("kind", "facts", "accepted"), UNKNOWN)
async def test_check_whose_outcome_is_unknown(
    *,
    kind: type[Fault],
    facts: dict[str, Any],
    accepted: bool,
    client: Client,
    emulator: Emulator,
    portrait: Path,
) -> None:
    emulator.image_fetch_s = 30
    url = emulator.host_file(portrait)
    emulator.faults.add(kind(on="detect", times=9, **facts))
    with pytest.raises(SubmitOutcomeUnknownError, match="detect") as raised:
        await client.detect(url)
    assert posts(emulator, "detect") == 1
    assert raised.value.candidates == ()
    assert "At most one image check" in raised.value.hint


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        pytest.param(AnswerLost, {}, id="reset"),
        pytest.param(AnswerLost, {"reset": False}, id="closed"),
        pytest.param(AnswerLost, {"within": True}, id="half an answer"),
    ],
)
async def test_what_a_transport_says_about_a_lost_answer_is_not_believed(
    kind: type[Fault],
    facts: dict[str, Any],
    anyio_backend: str,
    make_client: Callable[..., Client],
    emulator: Emulator,
) -> None:
    """It says that connecting took too long, whatever befell the connection."""
    if anyio_backend != "asyncio":
        pytest.skip("aiohttp knows asyncio only")
    client = make_client(transport=AiohttpTransport())
    emulator.faults.add(kind(on="move", times=9, **facts))
    with pytest.raises(SubmitOutcomeUnknownError):
        await PAID["move"](client)
    assert posts(emulator, "move") == 1


async def test_candidates_are_those_that_may_be_it(
    make_client: Callable[..., Client], client: Client, emulator: Emulator
) -> None:
    ours = await client.create_template(CLIP)
    await client.animate_move(PICTURE, CLIP, mode="wan-std")
    theirs = await make_client().create_template(CLIP)
    emulator.faults.add(AnswerLost(on="template"))
    with pytest.raises(SubmitOutcomeUnknownError) as raised:
        await client.create_template(CLIP)
    lost = emulator.tasks[-1].id
    candidates = [row.task_id for row in raised.value.candidates]
    assert candidates == [lost, theirs.id]
    assert ours.id not in candidates


async def test_candidate_can_be_gone_on_with(
    client: Client, emulator: Emulator, clip: Path
) -> None:
    emulator.queue_s = 0
    emulator.faults.add(AnswerLost(on="template"))
    with pytest.raises(SubmitOutcomeUnknownError) as raised:
        await client.create_template(emulator.host_file(clip))
    (candidate,) = raised.value.candidates
    output = await client.resume(candidate.task_id, output=TemplateOutput)
    assert output.template_id


async def test_list_is_out_of_reach_too(client: Client, emulator: Emulator) -> None:
    emulator.faults.add(AnswerLost(on="template"), ServerFault(on="list", times=99))
    with pytest.raises(SubmitOutcomeUnknownError) as raised:
        await client.create_template(CLIP)
    assert (raised.value.candidates, raised.value.listed) == ((), False)
    assert "could not be read" in raised.value.message
    assert posts(emulator, "template") == 1


async def test_list_that_never_answers(
    client: Client, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashscope_aa._settlement._LISTING_S", 0.1)
    emulator.faults.add(AnswerLost(on="template"), SlowHeaders(on="list", delay_s=30))
    with anyio.fail_after(30), pytest.raises(SubmitOutcomeUnknownError):
        await client.create_template(CLIP)


async def test_at_most_one_of_a_model_is_unknown_at_a_time(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.add(AnswerLost(on="template", times=3))
    found: list[list[str]] = []

    async def submit() -> None:
        with pytest.raises(SubmitOutcomeUnknownError) as raised:
            await client.create_template(CLIP)
        found.append([row.task_id for row in raised.value.candidates])

    before = len(emulator.tasks)
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(submit)
    ids = [task.id for task in emulator.tasks[before:]]
    assert [candidates[0] for candidates in found] == ids
    assert posts(emulator, "template") == 3


# ── outcomes that are known ──────────────────────────────────────────────────────────────


@every_paid_call
@pytest.mark.parametrize(
    ("kind", "facts", "error"),
    [
        pytest.param(Throttle, {"retry_after_s": 3600}, ThrottledError, id="throttled for an hour"),
        pytest.param(Unpaid, {}, BillingError, id="unpaid bill as a 429"),
        pytest.param(Unpaid, {"code": "Arrearage"}, BillingError, id="account in arrears"),
        pytest.param(
            Unpaid, {"code": "CommodityNotPurchased"}, BillingError, id="not bought, as a 429"
        ),
        pytest.param(Retired, {}, ModelUnavailableError, id="model retired"),
        pytest.param(
            ServerFault,
            {"status": 400, "code": "InvalidParameter", "message": "No."},
            InvalidRequestError,
            id="refused",
        ),
    ],
)
async def test_refused(
    *,
    kind: type[Fault],
    facts: dict[str, Any],
    error: type[DashScopeError],
    operation: Operation,
    client: Client,
    emulator: Emulator,
) -> None:
    emulator.faults.add(kind(on=operation, times=9, **facts))
    with pytest.raises(error) as raised:
        await PAID[operation](client)
    assert type(raised.value) is error
    assert posts(emulator, operation) == 1
    assert emulator.requests.of("list") == []


@every_task
@pytest.mark.parametrize(
    "retry_after_s", [pytest.param(None, id="throttled"), pytest.param(0, id="told to come again")]
)
async def test_throttled_is_not_accepted_and_sent_again(
    retry_after_s: float | None, operation: Operation, client: Client, emulator: Emulator
) -> None:
    before = len(emulator.tasks)
    emulator.faults.add(Throttle(on=operation, times=5, retry_after_s=retry_after_s))
    task = await PAID[operation](client)
    assert posts(emulator, operation) == 6
    assert [view.id for view in emulator.tasks[before:]] == [task.id]


async def test_throttled_for_good(client: Client, emulator: Emulator) -> None:
    emulator.faults.add(Throttle(on="template", times=99))
    with pytest.raises(ThrottledError):
        await client.create_template(CLIP)
    assert posts(emulator, "template") == 8


@every_task
@pytest.mark.parametrize(
    "fault",
    [SlowHeaders(delay_s=0.1), SlowBody(delay_s=0.01, piece_bytes=20)],
    ids=["late", "slow"],
)
async def test_slow_answer(
    fault: Fault, operation: Operation, client: Client, emulator: Emulator
) -> None:
    emulator.faults.add(fault)
    await PAID[operation](client)
    assert posts(emulator, operation) == 1


async def test_answer_that_never_ends(
    client: Client, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashscope_aa._http.ANSWER_S", 1.0)
    emulator.faults.add(SlowBody(on="template", times=9, delay_s=1, piece_bytes=1))
    with pytest.raises(SubmitOutcomeUnknownError) as raised:
        await client.create_template(CLIP)
    assert posts(emulator, "template") == 1
    assert len(raised.value.candidates) == 1


# ── never sent ───────────────────────────────────────────────────────────────────────────


async def test_connection_refused_is_tried_again_and_then_told(
    make_client: Callable[..., Client], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "dashscope_aa")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    client = make_client(base_url=f"http://127.0.0.1:{port}")
    with pytest.raises(NotSentError):
        await client.create_template(CLIP)
    assert len([record for record in caplog.records if "again" in record.message]) == 2


@every_task
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(httpx.ConnectError("[Errno -2] Name or service not known"), id="no such name"),
        pytest.param(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"), id="certificate"),
        pytest.param(httpx.ConnectTimeout(""), id="connecting takes long"),
        pytest.param(httpx.PoolTimeout(""), id="no place in the pool"),
    ],
)
async def test_never_sent_and_tried_again(
    fault: Exception, operation: Operation, make_client: Callable[..., Client], emulator: Emulator
) -> None:
    with respx.mock(base_url=emulator.root_url) as network:
        route = network.post(path__regex=".*").mock(
            side_effect=[
                fault,
                fault,
                httpx.Response(200, json={"output": {"task_id": "t", "task_status": "PENDING"}}),
            ]
        )
        task = await PAID[operation](make_client())
        assert task.id == "t"
        assert route.call_count == 3


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(httpx.ReadTimeout(""), id="silence"),
        pytest.param(httpx.WriteTimeout(""), id="sending takes long"),
        pytest.param(httpx.WriteError(""), id="broken while sending"),
        pytest.param(httpx.RemoteProtocolError(""), id="no HTTP"),
        pytest.param(httpx.DecodingError(""), id="broken compression"),
    ],
)
async def test_fault_after_sending_began(
    fault: Exception, make_client: Callable[..., Client], emulator: Emulator
) -> None:
    with respx.mock(base_url=emulator.root_url, assert_all_called=False) as network:
        route = network.post(path__regex=".*").mock(side_effect=fault)
        network.get("/api/v1/tasks").respond(json={"data": [], "total": 0})
        with pytest.raises(SubmitOutcomeUnknownError):
            await PAID["move"](make_client())
        assert route.call_count == 1


@pytest.mark.parametrize(
    ("status", "content"),
    [
        pytest.param(200, {}, id="empty object"),
        pytest.param(200, [], id="list"),
        pytest.param(200, None, id="null"),
        pytest.param(200, {"output": {}}, id="no task id"),
        pytest.param(200, {"output": {"task_id": "", "task_status": "PENDING"}}, id="empty id"),
        pytest.param(200, {"output": {"task_id": "a/b", "task_status": "PENDING"}}, id="no id"),
        pytest.param(200, {"output": {"task_id": "t"}}, id="no status"),
        pytest.param(200, {"code": "Throttling", "message": "x"}, id="a refusal that says 200"),
        pytest.param(408, {"code": "RequestTimeOut", "message": "x"}, id="408 of a gateway"),
    ],
)
async def test_answer_that_says_neither_yes_nor_no(
    status: int, content: Any, make_client: Callable[..., Client], emulator: Emulator
) -> None:
    with respx.mock(base_url=emulator.root_url, assert_all_called=False) as network:
        route = network.post(path__regex=".*").respond(status, json=content)
        network.get("/api/v1/tasks").respond(json={"data": [], "total": 0})
        with pytest.raises(SubmitOutcomeUnknownError):
            await PAID["move"](make_client())
        assert route.call_count == 1


async def test_candidates_older_than_the_submit_are_left_out(
    make_client: Callable[..., Client], emulator: Emulator
) -> None:
    now = datetime.now(UTC)
    rows = [
        {"task_id": "old", "status": "RUNNING", "gmt_create": ms(now - timedelta(minutes=3))},
        {"task_id": "new", "status": "RUNNING", "gmt_create": ms(now)},
        {"task_id": "undated", "status": "RUNNING"},
    ]
    with respx.mock(base_url=emulator.root_url) as network:
        network.post(path__regex=".*").mock(side_effect=httpx.ReadTimeout(""))
        network.get("/api/v1/tasks").respond(json={"data": rows, "total": 3, "total_page": 1})
        with pytest.raises(SubmitOutcomeUnknownError) as raised:
            await PAID["move"](make_client())
    assert [row.task_id for row in raised.value.candidates] == ["new", "undated"]


def ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)


# ── cancelled ────────────────────────────────────────────────────────────────────────────


async def cancelled(
    call: Callable[[], Awaitable[object]], *, after_s: float, native: bool = False
) -> str:
    """Cancel a call after so long, and give what the exception was noted."""
    notes: list[str] = []

    async def noted() -> None:
        try:
            await call()
        except BaseException as error:
            notes.extend(getattr(error, "__notes__", []))
            raise

    if native:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(after_s):
                await noted()
    else:
        with anyio.move_on_after(after_s):
            await noted()
    return "".join(notes)


@pytest.mark.parametrize("native", [False, True], ids=["scope", "native"])
async def test_answer_that_comes_soon_after_a_cancellation_is_waited_for(
    *,
    native: bool,
    anyio_backend: str,
    client: Client,
    emulator: Emulator,
) -> None:
    if native and anyio_backend != "asyncio":
        pytest.skip("tasks of asyncio's own")
    before = len(emulator.tasks)
    emulator.faults.add(SlowHeaders(on="template", delay_s=1))
    memo = Memo(idempotency_key="a")
    submit = partial(client.create_template, CLIP, memo=memo)
    told = await cancelled(submit, after_s=0.5, native=native)
    assert f"the task goes on; its token: {(await submit()).token}" in told
    assert len(emulator.tasks) == before + 1
    assert posts(emulator, "template") == 1


@pytest.mark.parametrize("native", [False, True], ids=["scope", "native"])
async def test_answer_that_comes_too_late_after_a_cancellation(
    *,
    native: bool,
    anyio_backend: str,
    client: Client,
    emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if native and anyio_backend != "asyncio":
        pytest.skip("tasks of asyncio's own")
    monkeypatch.setattr("dashscope_aa._submit._GRACE_S", 0.01)
    emulator.faults.add(SlowHeaders(on="template", delay_s=30))
    told = await cancelled(partial(client.create_template, CLIP), after_s=0.5, native=native)
    assert "was under way since" in told
    assert posts(emulator, "template") == 1
    await client.create_template(CLIP)  # and the next is not held up


async def test_refusal_that_comes_after_a_cancellation_leaves_nothing_open(
    make_client: Callable[..., Client],
) -> None:
    sent: list[httpx.Request] = []

    async def refuse(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        await anyio.sleep(1)
        return httpx.Response(429, json={"code": "Throttling", "message": "later"})

    client = make_client(transport=httpx.MockTransport(refuse))
    assert await cancelled(partial(PAID["move"], client), after_s=0.5) == ""
    assert await client.ledger_rows() == []
    assert len(sent) == 1


@every_paid_call
async def test_caller_that_is_cancelled_already_sends_nothing(
    operation: Operation, client: Client, emulator: Emulator
) -> None:
    with anyio.CancelScope() as scope:
        scope.cancel()
        await PAID[operation](client)
    assert scope.cancelled_caught
    assert posts(emulator, operation) == 0


async def test_whenever_it_is_cancelled_every_accepted_task_is_known(
    make_client: Callable[..., Client], emulator: Emulator, tmp_path: Path
) -> None:
    client = make_client(ledger=tmp_path / "ledger.sqlite", max_unfinished=None)
    before = len(emulator.tasks)
    for number in range(30):
        await cancelled(partial(PAID["move"], client), after_s=number * 0.001)
    rows = await client.ledger_rows()
    assert {row.state for row in rows} <= {"accepted", "refused"}
    accepted = {task.id for task in emulator.tasks[before:]}
    assert {row.task_id for row in rows if row.task_id} == accepted
    await PAID["move"](client)


async def test_cancelled_while_candidates_are_looked_for(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.add(AnswerLost(on="template"), SlowHeaders(on="list", delay_s=5))
    told = await cancelled(partial(client.create_template, CLIP), after_s=1)
    assert "see the task list" in told


async def test_server_fault_is_no_reason_to_call_a_free_call_unknown(
    client: Client, emulator: Emulator
) -> None:
    emulator.faults.add(ServerFault(on="query", times=9))
    with pytest.raises(ServerError):
        await client.get_task("t")
