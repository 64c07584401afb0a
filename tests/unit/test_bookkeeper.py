"""The bookkeeper: what is written of each step, and what a book that fails costs."""

import logging
import math
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from dashscope_aa import Client, WanAnimate
from dashscope_aa._book import Memo
from dashscope_aa._bookkeeper import Bookkeeper, key_of
from dashscope_aa._ledger import Ledger
from dashscope_aa.emulator import Emulator, TaskFails
from dashscope_aa.errors import LedgerError, TaskFailedError

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_retries")]

WAN = WanAnimate(mode="wan-std")
MEMO = Memo(idempotency_key="k", estimate_cny=0.8)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
async def client(make_client: Callable[..., Client], ledger: Path) -> Client:
    """A client with a ledger."""
    return make_client(ledger=ledger)


def rows(ledger: Path, *names: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(ledger)) as database:
        return database.execute(f"SELECT {', '.join(names)} FROM submits ORDER BY id").fetchall()  # noqa: S608 - our own names


async def test_a_run_is_written_down_whole(
    client: Client, ledger: Path, portrait: Path, clip: Path, tmp_path: Path
) -> None:
    made = await client.animate(portrait, clip, engine=WAN)
    saved = await client.download(made, tmp_path / "film.mp4")
    told = rows(
        ledger, "operation", "state", "status", "task_id", "video_url", "saved_to", "billed_cny"
    )
    assert told == [
        (
            "move",
            "accepted",
            "SUCCEEDED",
            made.output.task_id,
            made.video_url,
            str(saved),
            made.cost_cny,
        )
    ]
    ((history, estimate_cny),) = rows(ledger, "history", "estimate_cny")
    assert str(history).index("PENDING") < str(history).index("SUCCEEDED")
    assert estimate_cny == pytest.approx(0.8)


async def test_a_failed_task_is_written_down_with_its_code(
    client: Client, emulator: Emulator, ledger: Path, portrait: Path, clip: Path
) -> None:
    emulator.faults.add(TaskFails(on="move"))
    with pytest.raises(TaskFailedError):
        await client.animate(portrait, clip, engine=WAN)
    assert rows(ledger, "status", "code", "billed_cny") == [("FAILED", "InternalError.Algo", None)]


async def test_signatures_and_passwords_are_left_out(
    client: Client, emulator: Emulator, ledger: Path
) -> None:
    emulator.queue_s = 3600
    signed = "https://me:word@127.0.0.1:9/a.mp4?Signature=secret"
    await client.create_template(signed, memo=MEMO)
    ((sent,),) = rows(ledger, "sent")
    assert '"https://127.0.0.1:9/a.mp4"' in str(sent)
    assert not {"word", "secret"} & set(str(sent).replace("=", '"').split('"'))


async def test_forgotten_task_counts_no_longer(
    client: Client, emulator: Emulator, ledger: Path
) -> None:
    emulator.queue_s = 3600
    task = await client.create_template("http://127.0.0.1:9/a.mp4", memo=MEMO)
    books = Bookkeeper(Ledger(ledger), client._settings)
    assert await books.found("k") is not None
    await books.forget(task.id)
    assert await books.found("k") is None
    assert await books.found(None) is None
    await books.aclose()


async def test_template_that_was_made_with_the_ledger_has_a_length(
    client: Client, ledger: Path, clip: Path
) -> None:
    template = await (await client.create_template(clip))
    books = Bookkeeper(Ledger(ledger), client._settings)
    assert await books.template_length_s(template.template_id) == pytest.approx(2.0, abs=0.2)
    assert await books.template_length_s("AACT.another") is None
    await books.aclose()


async def test_template_that_is_refused_counts_no_longer(
    client: Client, ledger: Path, clip: Path
) -> None:
    task = await client.create_template(clip, memo=MEMO)
    made = (await task).template_id
    books = Bookkeeper(Ledger(ledger), client._settings)
    await books.forget_template("AACT.another")
    assert await books.found("k") is not None
    await books.forget_template(made)
    assert await books.found("k") is None
    await books.aclose()


async def test_status_is_written_down_once(client: Client, ledger: Path, clip: Path) -> None:
    task = await client.create_template(clip)
    await task
    books = Bookkeeper(Ledger(ledger), client._settings)
    before = rows(ledger, "history")
    await books.learned(task.id, await client.get_task(task.id))
    assert rows(ledger, "history") == before
    await books.aclose()


async def test_uploads_are_forgotten(client: Client, ledger: Path) -> None:
    books = Bookkeeper(Ledger(ledger), client._settings)
    await books.keep_upload("name", url="oss://a", until_s=math.inf)
    assert await books.upload("name", now_s=0.0) == "oss://a"
    await books.forget_uploads(["oss://a"])
    assert await books.upload("name", now_s=0.0) is None
    await books.aclose()


async def test_what_was_paid_for_outlives_the_book(
    client: Client,
    emulator: Emulator,
    ledger: Path,
    portrait: Path,
    clip: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    task = await client.animate_move(portrait, clip, mode="wan-std")
    with closing(sqlite3.connect(ledger)) as database:
        database.execute("DROP TABLE submits")
    with caplog.at_level(logging.ERROR, "dashscope_aa"):
        made = await task
    assert "the ledger could not be asked" in caplog.text
    await client.download(made, tmp_path / "film.mp4")
    with pytest.raises(LedgerError):
        await client.animate_move(portrait, clip, mode="wan-std")
    assert len(emulator.requests.of("move")) == 1


async def test_accepted_task_is_given_although_it_cannot_be_written_down(
    client: Client, emulator: Emulator, ledger: Path, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.queue_s = 3600
    await client.create_template("http://127.0.0.1:9/a.mp4")
    with closing(sqlite3.connect(ledger)) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON submits BEGIN SELECT RAISE(FAIL, 'full'); END"
        )
    task = await client.create_template("http://127.0.0.1:9/b.mp4")
    assert task.id == emulator.tasks[-1].id
    assert "the ledger could not take down" in caplog.text


def test_keys_tell_inputs_apart() -> None:
    assert key_of("move", {"image": "a"}) == key_of("move", {"image": "a"})
    assert key_of("move", {"image": "a"}) != key_of("move", {"image": "b"})
    assert key_of("ab", "c") != key_of("a", "bc")
