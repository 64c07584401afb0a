"""The book of paid submits: kept in memory and on disk, it answers the same."""

import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dashscope_aa._book import Book, Entry, Memo, Memory
from dashscope_aa._ledger import Ledger
from dashscope_aa.errors import InputError

pytestmark = pytest.mark.anyio

SENT_AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
ENTRY = Entry(
    account="here", operation="move", model="m", fingerprint="f", sent="{}", sent_at=SENT_AT
)


@pytest.fixture(params=["memory", "ledger"])
async def book(
    request: pytest.FixtureRequest, anyio_backend: str, tmp_path: Path
) -> AsyncIterator[Book]:
    book: Book = Memory() if request.param == "memory" else Ledger(tmp_path / "ledger.sqlite")
    yield book
    await book.aclose()


async def test_rows_are_numbered_and_found_newest_first(book: Book) -> None:
    first = await book.add(dataclasses.replace(ENTRY, key="a"))
    second = await book.add(dataclasses.replace(ENTRY, key="a"))
    assert 0 < first.id < second.id
    assert await book.find(key="a") == [second, first]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param({"key": "a"}, ["a"], id="by a value"),
        pytest.param({"key": ("a", "b")}, ["b", "a"], id="by several values"),
        pytest.param({"key": "a", "state": "unknown"}, [], id="all terms have to fit"),
        pytest.param({"state": ("sending", "unknown")}, ["b", "a"], id="by state"),
        pytest.param({"account": "elsewhere"}, [], id="of another account"),
        pytest.param({}, ["b", "a"], id="everything"),
    ],
)
async def test_found_by_their_fields(book: Book, wanted: dict[str, Any], found: list[str]) -> None:
    await book.add(dataclasses.replace(ENTRY, key="a"))
    await book.add(dataclasses.replace(ENTRY, key="b"))
    assert [row.key for row in await book.find(**wanted)] == found


async def test_every_field_comes_back(book: Book) -> None:
    facts: dict[str, Any] = {
        "key": "k",
        "estimate_cny": 0.48,
        "state": "accepted",
        "lost_at": SENT_AT + timedelta(microseconds=1),
        "code": "Code",
        "request_id": "r",
        "task_id": "t",
        "token": "{}",
        "status": "SUCCEEDED",
        "history": '[["PENDING", "…"]]',
        "response": '{"output": {}}',
        "video_url": "https://host/a.mp4",
        "expires_at": SENT_AT + timedelta(days=1),
        "saved_to": "/a b.mp4",
        "billed_cny": 0.5,
    }
    given = {"id", "account", "operation", "model", "fingerprint", "sent", "sent_at"}
    assert given | {*facts} == {field.name for field in dataclasses.fields(Entry)}
    entry = await book.add(ENTRY)
    changed = await book.change(entry, **facts)
    assert changed == dataclasses.replace(entry, **facts)
    assert await book.find(task_id="t") == [changed]


async def test_task_ids_are_those_of_the_account(book: Book) -> None:
    for account, task_id in [("here", "a"), ("here", "b"), ("elsewhere", "c")]:
        entry = await book.add(dataclasses.replace(ENTRY, account=account))
        await book.change(entry, state="accepted", task_id=task_id)
    await book.add(ENTRY)
    assert await book.task_ids("here") == {"a", "b"}


async def test_uploads_are_remembered_until_their_time(book: Book) -> None:
    far_s = datetime.now(UTC).timestamp() + 3600
    await book.keep_upload("a", url="oss://a", until_s=far_s)
    await book.keep_upload("b", url="oss://b", until_s=far_s)
    await book.keep_upload("a", url="oss://a2", until_s=far_s)
    assert await book.upload("a", now_s=far_s - 1) == "oss://a2"
    assert await book.upload("a", now_s=far_s) is None
    assert await book.upload("c", now_s=0) is None
    await book.forget_uploads(["oss://a2", "oss://never"])
    assert await book.upload("a", now_s=far_s - 1) is None
    assert await book.upload("b", now_s=far_s - 1) == "oss://b"


async def test_uploads_are_known_by_the_beginnings_of_their_names(book: Book) -> None:
    far_s = datetime.now(UTC).timestamp() + 3600
    await book.keep_upload("a_% 12 x", url="oss://a", until_s=far_s)
    for beginning, known in (
        ("a_% 12 ", True),
        ("a_% 1 ", False),
        ("a__ 12 ", False),
        (" 12", False),
    ):
        assert await book.has_upload(beginning, now_s=far_s - 1) == known
    assert not await book.has_upload("a_% 12 ", now_s=far_s)
    await book.forget_uploads(["oss://a"])
    assert not await book.has_upload("a_% 12 ", now_s=far_s - 1)


async def test_uploads_that_have_run_out_are_dropped(book: Book) -> None:
    await book.keep_upload("old", url="oss://old", until_s=1.0)
    await book.keep_upload("new", url="oss://new", until_s=datetime.now(UTC).timestamp() + 99)
    assert await book.upload("old", now_s=0.0) is None


async def test_turns_of_other_names_are_free(book: Book) -> None:
    async with book.turn("a"), book.turn("b"):
        pass
    async with book.turn("a"):
        pass


# ── memory alone ─────────────────────────────────────────────────────────────────────────


async def test_memory_keeps_what_can_be_asked_for_again() -> None:
    book = Memory()
    kept = await book.add(dataclasses.replace(ENTRY, key="k"))
    for facts in ({"state": "accepted", "task_id": "t"}, {"state": "refused"}):
        await book.change(await book.add(ENTRY), **facts)
    assert await book.find() == [kept]
    await book.change(kept, state="accepted", key=None)
    assert await book.find() == []


async def test_memory_forgets_ids_that_the_service_has_forgotten() -> None:
    book = Memory()
    for number in range(3000):
        sent_at = SENT_AT + timedelta(minutes=number)
        entry = await book.add(dataclasses.replace(ENTRY, sent_at=sent_at))
        await book.change(entry, state="accepted", task_id=str(number))
    ids = await book.task_ids("here")
    assert {str(number) for number in range(3000 - 1440, 3000)} <= ids
    assert len(ids) < 3000


# ── memos ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("key", ["", " "])
def test_empty_idempotency_key_is_refused(key: str) -> None:
    with pytest.raises(InputError, match="idempotency key"):
        Memo(idempotency_key=key)
