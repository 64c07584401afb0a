"""The rows of a ledger from outside: what was paid for, and what is to be said of the lost."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dashscope_aa import Client, Entry, Memo
from dashscope_aa.emulator import AnswerLost, Emulator
from dashscope_aa.errors import InputError, SubmitOutcomeUnknownError

pytestmark = pytest.mark.anyio


@pytest.fixture
async def lost(
    make_client: Callable[..., Client],
    emulator: Emulator,
    portrait: Path,
    clip: Path,
    tmp_path: Path,
) -> tuple[Client, Entry]:
    """A client whose ledger has a submit of which nobody knows what came."""
    client = make_client(ledger=tmp_path / "ledger.sqlite")
    await client.create_template(clip)
    emulator.faults.add(AnswerLost(on="move"))
    with pytest.raises(SubmitOutcomeUnknownError):
        await client.animate_move(
            portrait, clip, mode="wan-std", memo=Memo(idempotency_key="order-17")
        )
    first, second = await client.ledger_rows()
    assert (first.operation, first.state) == ("template", "accepted")
    assert (second.operation, second.state) == ("move", "unknown")
    return client, second


async def test_a_row_is_adopted(lost: tuple[Client, Entry], emulator: Emulator) -> None:
    client, row = lost
    (task_id,) = [task.id for task in emulator.tasks if task.model == row.model][-1:]
    task = await client.adopt(row, task_id)
    assert (await task).video_url
    (told,) = [it for it in await client.ledger_rows() if it.id == row.id]
    assert (told.state, told.task_id, told.status) == ("accepted", task_id, "SUCCEEDED")
    assert [status for status, _ in json.loads(told.history)][-1] == "SUCCEEDED"


async def test_a_row_is_written_off(lost: tuple[Client, Entry]) -> None:
    client, row = lost
    await client.write_off(row)
    assert (await client.ledger_rows())[-1].state == "refused"


async def test_what_is_settled_is_not_settled_again(lost: tuple[Client, Entry]) -> None:
    client, row = lost
    await client.write_off(row)
    with pytest.raises(InputError, match=f"row {row.id} of the ledger is settled already"):
        await client.write_off(row)
    with pytest.raises(InputError, match="settled already"):
        await client.adopt(row, "0385dc79-5ff8-4d82-bcb6-000000000000")


async def test_accounts_see_their_own_rows_only(
    lost: tuple[Client, Entry], make_client: Callable[..., Client], tmp_path: Path
) -> None:
    other = make_client(api_key="sk-another", ledger=tmp_path / "ledger.sqlite")
    assert await other.ledger_rows() == []
