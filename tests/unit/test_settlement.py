"""Lost submits: adopted, sent once more, or left to the user; never paid for twice."""

import dataclasses
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

import anyio
import pytest

from dashscope_aa import Client, Schedule
from dashscope_aa._book import Memo
from dashscope_aa._ledger import Ledger
from dashscope_aa.emulator import (
    AnswerLost,
    Emulator,
    RequestLost,
    ServerFault,
    SlowHeaders,
    TaskFails,
)
from dashscope_aa.errors import (
    InputError,
    NoAnswerError,
    ServerError,
    SubmitOutcomeUnknownError,
    TaskFailedError,
)
from dashscope_aa.models import TemplateOutput

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_retries")]

CLIP = "http://127.0.0.1:9/a.mp4"
OTHER_CLIP = "http://127.0.0.1:9/b.mp4"
PICTURE = "http://127.0.0.1:9/a.jpg"
FIRST, SECOND = Memo(idempotency_key="first"), Memo(idempotency_key="second")
# On a slow machine the service must still answer within the time it is given.
SETTLE = Schedule(first_s=0.005, cap_s=0.05, settle_s=1.0)


@pytest.fixture(autouse=True)
def _no_file_is_fetched(emulator: Emulator) -> None:
    """Leave accepted tasks in the queue: what they would come to is no matter here."""
    emulator.queue_s = 3600
    emulator.image_fetch_s = emulator.video_fetch_s = 0.2


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
async def sure(make_client: Callable[..., Client]) -> Client:
    """A client whose user gave the word that nothing else submits."""
    return make_client(exclusive_account=True, schedule=SETTLE)


@pytest.fixture
def made(emulator: Emulator) -> Callable[[], list[str]]:
    """Tells the ids of the tasks that were accepted since the test began."""
    before = len(emulator.tasks)
    return lambda: [task.id for task in emulator.tasks[before:]]


def posts(emulator: Emulator) -> int:
    return len(emulator.requests.of("template"))


# ── with the word given ──────────────────────────────────────────────────────────────────


async def test_task_that_is_there_is_adopted(
    sure: Client, emulator: Emulator, made: Callable[[], list[str]]
) -> None:
    emulator.faults.add(AnswerLost(on="template"))
    task = await sure.create_template(CLIP)
    assert [task.id] == made()
    assert posts(emulator) == 1


async def test_request_that_left_no_task_is_sent_once_more(
    sure: Client, emulator: Emulator, made: Callable[[], list[str]]
) -> None:
    emulator.faults.add(RequestLost(on="template"))
    task = await sure.create_template(CLIP)
    assert [task.id] == made()
    assert posts(emulator) == 2


async def test_request_that_is_lost_again_is_told(
    sure: Client, emulator: Emulator, made: Callable[[], list[str]]
) -> None:
    emulator.faults.add(RequestLost(on="template", times=9))
    with pytest.raises(NoAnswerError):
        await sure.create_template(CLIP)
    assert posts(emulator) == 2
    assert made() == []
    emulator.faults.clear()
    await sure.create_template(CLIP)  # and nothing is left to settle


async def test_task_that_has_failed_meanwhile_is_adopted_as_failed(
    sure: Client, emulator: Emulator
) -> None:
    emulator.queue_s = 0
    emulator.faults.add(
        TaskFails(on="template"), AnswerLost(on="template"), SlowHeaders(on="list", delay_s=0.0)
    )
    task = await sure.create_template(CLIP)
    with pytest.raises(TaskFailedError) as raised:
        await task
    assert raised.value.code == "InternalError.Algo"


async def test_task_that_has_ended_meanwhile_gives_its_output(
    sure: Client, emulator: Emulator, clip: Path
) -> None:
    emulator.queue_s = 0
    emulator.video_fetch_s = 30
    url = emulator.host_file(clip)
    emulator.faults.add(ServerFault(on="list"), AnswerLost(on="template"))
    task = await sure.create_template(url)
    assert isinstance(await task, TemplateOutput)


async def test_tasks_from_before_are_no_candidates(
    client: Client, sure: Client, emulator: Emulator, made: Callable[[], list[str]]
) -> None:
    await client.create_template(CLIP)
    emulator.faults.add(AnswerLost(on="template"))
    task = await sure.create_template(CLIP)
    assert task.id == made()[-1]


async def test_several_candidates_are_the_users_to_choose_from(
    client: Client, sure: Client, emulator: Emulator, made: Callable[[], list[str]]
) -> None:
    await sure.create_template(CLIP)
    await client.create_template(CLIP)  # against the word
    emulator.faults.add(AnswerLost(on="template"))
    with pytest.raises(SubmitOutcomeUnknownError) as raised:
        await sure.create_template(CLIP)
    assert [row.task_id for row in raised.value.candidates] == made()[:0:-1]
    assert posts(emulator) == 3


async def test_list_that_cannot_be_read_settles_nothing(sure: Client, emulator: Emulator) -> None:
    await sure.create_template(CLIP)
    emulator.faults.add(AnswerLost(on="template"), ServerFault(on="list", times=999))
    with pytest.raises(SubmitOutcomeUnknownError) as raised:
        await sure.create_template(CLIP)
    assert not raised.value.listed
    assert posts(emulator) == 2


async def test_nothing_is_sent_while_it_is_not_known_what_is_there(
    sure: Client, emulator: Emulator
) -> None:
    emulator.faults.add(ServerFault(on="list", times=99))
    with pytest.raises(ServerError):
        await sure.create_template(CLIP)
    assert posts(emulator) == 0


async def test_lost_check_leaves_nothing_to_adopt(
    sure: Client, emulator: Emulator, portrait: Path
) -> None:
    emulator.image_fetch_s = 30
    emulator.faults.add(AnswerLost(on="detect"))
    with pytest.raises(SubmitOutcomeUnknownError, match="detect") as raised:
        await sure.detect(emulator.host_file(portrait))
    assert raised.value.candidates == ()
    assert emulator.requests.of("list") == []


# ── what an earlier run has left ─────────────────────────────────────────────────────────


async def test_what_an_earlier_run_left_is_settled_first(
    make_client: Callable[..., Client],
    emulator: Emulator,
    ledger: Path,
    made: Callable[[], list[str]],
) -> None:
    emulator.faults.add(AnswerLost(on="template"))
    with pytest.raises(SubmitOutcomeUnknownError):
        await make_client(ledger=ledger).create_template(CLIP, memo=FIRST)
    sure = make_client(ledger=ledger, exclusive_account=True, schedule=SETTLE)
    second = await sure.create_template(OTHER_CLIP, memo=SECOND)
    first = await sure.create_template(CLIP, memo=FIRST)
    assert [first.id, second.id] == made()
    assert posts(emulator) == 2


async def test_crash_before_it_was_sent(
    make_client: Callable[..., Client], emulator: Emulator, ledger: Path
) -> None:
    emulator.faults.add(RequestLost(on="template"))
    with pytest.raises(SubmitOutcomeUnknownError):
        await make_client(ledger=ledger).create_template(CLIP, memo=FIRST)
    with pytest.raises(SubmitOutcomeUnknownError, match="nobody noted"):
        await make_client(ledger=ledger).create_template(CLIP, memo=FIRST)
    assert posts(emulator) == 1
    sure = make_client(ledger=ledger, exclusive_account=True, schedule=SETTLE)
    await sure.create_template(CLIP, memo=FIRST)
    assert posts(emulator) == 2


async def test_task_that_may_be_one_of_several_lost_ones_is_nobodys(
    make_client: Callable[..., Client], emulator: Emulator, ledger: Path
) -> None:
    client = make_client(ledger=ledger)
    for memo, fault in ((FIRST, RequestLost(on="template")), (SECOND, AnswerLost(on="template"))):
        emulator.faults.add(fault)
        with pytest.raises(SubmitOutcomeUnknownError):
            await client.create_template(CLIP, memo=memo)
    sure = make_client(ledger=ledger, exclusive_account=True, schedule=SETTLE)
    with pytest.raises(SubmitOutcomeUnknownError) as raised:
        await sure.create_template(CLIP, memo=FIRST)
    assert len(raised.value.candidates) == 1
    assert posts(emulator) == 2


async def test_what_the_list_has_forgotten_is_not_sent_again(
    make_client: Callable[..., Client], emulator: Emulator, ledger: Path
) -> None:
    emulator.faults.add(RequestLost(on="template"))
    with pytest.raises(SubmitOutcomeUnknownError):
        await make_client(ledger=ledger).create_template(CLIP, memo=FIRST)
    book = Ledger(ledger)
    (entry,) = await book.find()
    day_ago = {"sent_at": entry.sent_at - timedelta(hours=25), "lost_at": None}
    await book.change(dataclasses.replace(entry), **day_ago)
    await book.aclose()
    sure = make_client(ledger=ledger, exclusive_account=True, schedule=SETTLE)
    with pytest.raises(SubmitOutcomeUnknownError):
        await sure.create_template(CLIP, memo=FIRST)
    assert posts(emulator) == 1


@pytest.mark.parametrize(
    ("ahead", "sent"),
    [
        pytest.param(timedelta(minutes=1), 2, id="by little: the list will tell"),
        pytest.param(timedelta(hours=1), 1, id="by much: nobody can tell"),
    ],
)
async def test_clock_that_was_set_back_since(
    ahead: timedelta,
    sent: int,
    make_client: Callable[..., Client],
    emulator: Emulator,
    ledger: Path,
) -> None:
    emulator.faults.add(RequestLost(on="template"))
    with pytest.raises(SubmitOutcomeUnknownError):
        await make_client(ledger=ledger).create_template(CLIP, memo=FIRST)
    book = Ledger(ledger)
    (entry,) = await book.find()
    await book.change(entry, sent_at=entry.sent_at + ahead, lost_at=entry.sent_at + ahead)
    await book.aclose()
    sure = make_client(ledger=ledger, exclusive_account=True, schedule=SETTLE)
    with anyio.fail_after(30), suppress(SubmitOutcomeUnknownError):
        await sure.create_template(CLIP, memo=FIRST)
    assert posts(emulator) == sent


# ── by hand ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def lost(client: Client, emulator: Emulator) -> SubmitOutcomeUnknownError:
    """An outcome nobody knows; the task is there."""
    emulator.faults.add(AnswerLost(on="template"))
    with pytest.raises(SubmitOutcomeUnknownError) as raised:
        await client.create_template(CLIP, memo=FIRST)
    return raised.value


async def test_adopted_task_counts_for_the_key(
    client: Client, emulator: Emulator, lost: SubmitOutcomeUnknownError
) -> None:
    task = await client.adopt(lost, lost.candidates[0].task_id)
    assert await client.create_template(CLIP, memo=FIRST) is task
    assert await client.unfinished() == [task]
    assert posts(emulator) == 1


async def test_adopted_by_a_client_that_has_no_book_of_it(
    make_client: Callable[..., Client], lost: SubmitOutcomeUnknownError
) -> None:
    task = await make_client().adopt(lost, lost.candidates[0].task_id)
    assert (task.operation, task.model) == ("template", lost.model)
    await task.refresh()
    assert task.status == "PENDING"


async def test_written_off_it_is_sent_anew(
    client: Client, emulator: Emulator, lost: SubmitOutcomeUnknownError
) -> None:
    await client.write_off(lost)
    await client.create_template(CLIP, memo=FIRST)
    assert posts(emulator) == 2


@pytest.mark.parametrize("lasting", [True, False], ids=["on a ledger", "in memory"])
async def test_what_is_being_sent_is_no_lost_submit(
    *, lasting: bool, make_client: Callable[..., Client], emulator: Emulator, ledger: Path
) -> None:
    client = make_client(ledger=ledger if lasting else None)
    other = make_client(ledger=ledger) if lasting else client
    emulator.faults.add(SlowHeaders(on="template", delay_s=1))
    async with anyio.create_task_group() as group:
        group.start_soon(partial(client.create_template, CLIP, memo=FIRST))
        with anyio.fail_after(30):
            while not (rows := await other.ledger_rows()):  # noqa: ASYNC110 - the book signals nothing
                await anyio.sleep(0.01)
        assert rows[0].state == "sending"
        with pytest.raises(InputError, match="settled already"):
            await other.write_off(rows[0])
    assert [row.state for row in await other.ledger_rows()] == ["accepted"]
    assert posts(emulator) == 1


async def test_row_of_the_book_is_settled_once(
    client: Client, emulator: Emulator, lost: SubmitOutcomeUnknownError
) -> None:
    (row,) = await client._submits.rows()
    assert (row.state, row.fingerprint) == ("unknown", lost.fingerprint)
    await client._submits.write_off(row)
    with pytest.raises(InputError, match="settled already"):
        await client._submits.adopt(row, lost.candidates[0].task_id)
    assert await client._submits.rows() == []  # without a ledger, what is settled is dropped


async def test_same_key_at_once_is_sent_once(client: Client, emulator: Emulator) -> None:
    ids: set[str] = set()

    async def submit() -> None:
        ids.add((await client.create_template(CLIP, memo=FIRST)).id)

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(submit)
    assert len(ids) == 1
    assert posts(emulator) == 1


async def test_verdict_of_a_key_is_paid_once(
    client: Client, emulator: Emulator, portrait: Path
) -> None:
    emulator.image_fetch_s = 30
    url = emulator.host_file(portrait)
    first = await client.detect(url, memo=FIRST)
    assert await client.detect(url, memo=FIRST) == first
    assert len(emulator.requests.of("detect")) == 1
