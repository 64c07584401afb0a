"""The account's tasks by their ids: queried, listed page by page, cancelled."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from dashscope_aa import Client
from dashscope_aa.emulator import AnswerLost, Emulator, ServerFault, TaskStalls
from dashscope_aa.errors import AuthenticationError, InputError, InvalidRequestError, ServerError
from dashscope_aa.models import TaskStatus

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_retries")]

ID = "0b0b0b0b-0000-0000-0000-000000000000"
TEMPLATE = "animate-anyone-template-gen2"
NOW = datetime.now(UTC)


@pytest.fixture
def submit(client: Client, emulator: Emulator, clip: Path) -> Callable[[int], Awaitable[list[str]]]:
    """Starts so many tasks that stay PENDING, and gives their ids, newest first."""
    emulator.queue_s = 3600

    async def submit(many: int) -> list[str]:
        url = emulator.host_file(clip)
        return [(await client.create_template(url)).id for _ in range(many)][::-1]

    return submit


async def listed(client: Client, **filters: Any) -> list[str]:
    return [row.task_id async for page in client.list_tasks(**filters) for row in page.data]


async def test_query(client: Client, submit: Callable[[int], Awaitable[list[str]]]) -> None:
    (task_id,) = await submit(1)
    answer = await client.get_task(task_id)
    assert answer.output.task_id == task_id
    assert answer.output.task_status == TaskStatus.PENDING
    assert answer.request_id
    submitted = answer.output.submit_time
    assert submitted is not None
    assert abs(submitted - datetime.now(UTC)) < timedelta(days=40)  # the clock may be turned
    assert (await client.get_task(ID)).output.task_status == TaskStatus.UNKNOWN


@pytest.mark.parametrize("page_size", [1, 2, 3, 5, 50])
async def test_list_page_by_page(
    page_size: int,
    client: Client,
    submit: Callable[[int], Awaitable[list[str]]],
    emulator: Emulator,
) -> None:
    ids = await submit(5)
    assert await listed(client, page_size=page_size) == ids
    assert len(emulator.requests.of("list")) == -(-5 // page_size)


async def test_pages_smaller_than_asked_for(
    client: Client, submit: Callable[[int], Awaitable[list[str]]], emulator: Emulator
) -> None:
    emulator.page_size_max = 2
    ids = await submit(5)
    assert await listed(client, page_size=50) == ids


async def test_list_of_nothing(client: Client, emulator: Emulator) -> None:
    assert await listed(client) == []
    assert len(emulator.requests.of("list")) == 1


async def test_list_left_early(
    client: Client, submit: Callable[[int], Awaitable[list[str]]], emulator: Emulator
) -> None:
    await submit(3)
    async for page in client.list_tasks(page_size=1):
        assert page.total == 3
        break
    assert len(emulator.requests.of("list")) == 1


async def test_filters(client: Client, submit: Callable[[int], Awaitable[list[str]]]) -> None:
    ids = await submit(3)
    assert await client.cancel_task(ids[0])
    assert await listed(client, status="CANCELED") == ids[:1]
    assert await listed(client, status="PENDING") == ids[1:]
    assert await listed(client, task_id=ids[1]) == [ids[1]]
    assert await listed(client, model_name=TEMPLATE) == ids
    assert await listed(client, model_name="wan2.2-animate-move") == []


async def test_times(client: Client, emulator: Emulator) -> None:
    start = datetime(2026, 11, 20, 23, 30, 5, tzinfo=UTC)
    await listed(client, start_time=start, end_time=start + timedelta(hours=24))
    (request,) = emulator.requests.of("list")
    assert request.query["start_time"] == "20261121073005"  # UTC+8
    assert request.query["end_time"] == "20261122073005"


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        pytest.param({"start_time": NOW.replace(tzinfo=None)}, "time zone", id="no time zone"),
        pytest.param(
            {"start_time": NOW, "end_time": NOW - timedelta(seconds=1)}, "end_time", id="backwards"
        ),
        pytest.param(
            {"start_time": NOW, "end_time": NOW + timedelta(hours=24, seconds=1)},
            "24 h",
            id="more than a day",
        ),
        pytest.param(
            {"start_time": NOW, "end_time": NOW.replace(tzinfo=None)},
            "time zone",
            id="one with a time zone, one without",
        ),
        pytest.param({"page_size": 0}, "page_size", id="empty pages"),
    ],
)
async def test_filter_that_makes_no_sense(
    filters: dict[str, Any], said: str, client: Client, sent: Callable[[], list[str]]
) -> None:
    with pytest.raises(InputError, match=said):
        await listed(client, **filters)
    assert sent() == []


async def test_error_in_the_middle_can_be_gone_on_from(
    client: Client, submit: Callable[[int], Awaitable[list[str]]], emulator: Emulator
) -> None:
    ids = await submit(2)
    pages = client.list_tasks(page_size=1)
    first = await anext(pages)
    emulator.faults.add(ServerFault(on="list", times=5))
    with pytest.raises(ServerError):
        await anext(pages)
    second = await anext(pages)
    assert [row.task_id for page in (first, second) for row in page.data] == ids


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        pytest.param({"total": 3, "total_page": 2}, 2, id="as documented"),
        pytest.param({}, 3, id="nothing: up to the empty page"),
        pytest.param({"total": 3}, 2, id="tasks alone"),
        pytest.param({"total_page": 2}, 2, id="pages alone"),
        pytest.param({"total": 3, "total_page": 1}, 2, id="pages of the size that was asked for"),
        pytest.param({"total": 0, "total_page": "two"}, 1, id="nonsense"),
    ],
)
async def test_list_whose_length_is_told_badly(
    told: dict[str, Any], asked: int, make_client: Callable[..., Client]
) -> None:
    pages: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        pages.append(int(request.url.params["page_no"]))
        rows = [{"task_id": str(number)} for number in range(3)][2 * pages[-1] - 2 :][:2]
        return httpx.Response(200, json={"data": rows, **told})

    ids = await listed(make_client(transport=httpx.MockTransport(answer)), page_size=50)
    assert pages == list(range(1, asked + 1))
    assert ids == ["0", "1", "2"][: 2 * asked]


async def test_cancel(
    client: Client, submit: Callable[[int], Awaitable[list[str]]], emulator: Emulator
) -> None:
    (task_id,) = await submit(1)
    assert await client.cancel_task(task_id)
    assert await client.cancel_task(task_id)  # it is cancelled, whoever has done it
    assert not await client.cancel_task(ID)
    emulator.faults.add(ServerFault(on="cancel", status=400, code="InvalidParameter"))
    with pytest.raises(InvalidRequestError):
        await client.cancel_task(task_id)


async def test_cancel_whose_answer_was_lost_has_taken(
    client: Client, submit: Callable[[int], Awaitable[list[str]]], emulator: Emulator
) -> None:
    (task_id,) = await submit(1)
    emulator.faults.add(AnswerLost(on="cancel"))
    assert await client.cancel_task(task_id)
    assert len(emulator.requests.of("cancel")) == 2


async def test_cancel_of_a_running_task(client: Client, emulator: Emulator, clip: Path) -> None:
    emulator.faults.add(TaskStalls())
    task = await client.create_template(emulator.host_file(clip))
    with anyio.fail_after(30):
        while (await task.refresh()).output.task_status != "RUNNING":  # noqa: ASYNC110 - no event for it
            await anyio.sleep(0.01)
    assert not await client.cancel_task(task.id)


@pytest.mark.parametrize("call", ["get_task", "cancel_task"])
@pytest.mark.parametrize("task_id", ["", "..", "a/b", "a?b=c", "a%2fb", "x" * 200])
async def test_no_id(
    call: str, task_id: str, client: Client, sent: Callable[[], list[str]]
) -> None:
    with pytest.raises(InputError, match="task id"):
        await getattr(client, call)(task_id)
    assert sent() == []


async def test_account_that_is_none(make_client: Callable[..., Client]) -> None:
    client = make_client(api_key="no-key-of-this-service")
    with pytest.raises(AuthenticationError):
        await listed(client)
