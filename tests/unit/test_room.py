"""Room for one more task: many submits wait in the client, and nobody waits for ever."""

from functools import partial

import anyio
import pytest

from dashscope_aa import Client, Schedule
from dashscope_aa._book import Memo
from dashscope_aa.emulator import Emulator, ServerFault
from dashscope_aa.errors import InputError

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_retries")]

PICTURE = "http://127.0.0.1:9/a.jpg"
CLIP = "http://127.0.0.1:9/a.mp4"
QUICK = Schedule(first_s=0.005, cap_s=0.05, submits_per_s=1000, unreachable_s=0.1)


@pytest.fixture(autouse=True)
def _no_file_is_fetched(emulator: Emulator) -> None:
    emulator.queue_s = 3600
    emulator.image_fetch_s = emulator.video_fetch_s = 0.2


def submitted(emulator: Emulator) -> int:
    return len(emulator.requests.of("move"))


async def submit_all(client: Client, count: int) -> None:
    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(submit, client)


async def submit(client: Client) -> None:
    await client.animate_move(PICTURE, CLIP, mode="wan-std")


async def until_submitted(emulator: Emulator, count: int) -> None:
    with anyio.fail_after(30):
        while submitted(emulator) < count:  # noqa: ASYNC110 - the emulator signals nothing
            await anyio.sleep(0.01)


async def test_no_more_than_so_many_go_on(emulator: Emulator, key: str) -> None:
    async with (
        Client(key, base_url=emulator.base_url, schedule=QUICK, max_unfinished=2) as client,
        anyio.create_task_group() as group,
    ):
        group.start_soon(submit_all, client, 5)
        await until_submitted(emulator, 2)
        await anyio.sleep(0.3)
        assert submitted(emulator) == 2
        emulator.queue_s = 0
        emulator.clock.advance(3601)
        await until_submitted(emulator, 5)


async def test_other_models_have_room_of_their_own(emulator: Emulator, key: str) -> None:
    async with Client(key, base_url=emulator.base_url, schedule=QUICK, max_unfinished=1) as client:
        await client.animate_move(PICTURE, CLIP, mode="wan-std")
        with anyio.fail_after(30):
            await client.animate_mix(PICTURE, CLIP, mode="wan-std")


async def test_tasks_that_cannot_be_asked_for_hold_nobody_up(emulator: Emulator, key: str) -> None:
    async with Client(key, base_url=emulator.base_url, schedule=QUICK, max_unfinished=1) as client:
        await submit(client)
        emulator.faults.add(ServerFault(on="query", times=10_000))
        with anyio.fail_after(30):
            await submit(client)
    assert submitted(emulator) == 2


async def test_task_that_is_asked_for_twice_counts_once(emulator: Emulator, key: str) -> None:
    async with Client(key, base_url=emulator.base_url, schedule=QUICK, max_unfinished=2) as client:
        order = partial(client.animate_move, PICTURE, CLIP, mode="wan-std")
        memo = Memo(idempotency_key="a")
        assert await order(memo=memo) is await order(memo=memo)
        with anyio.fail_after(30):
            await order()
    assert submitted(emulator) == 2


async def test_no_limit(emulator: Emulator, key: str) -> None:
    async with Client(
        key, base_url=emulator.base_url, schedule=QUICK, max_unfinished=None
    ) as client:
        with anyio.fail_after(30):
            await submit_all(client, 12)
    assert submitted(emulator) == 12


async def test_submits_are_spread_evenly(emulator: Emulator, key: str) -> None:
    schedule = Schedule(submits_per_s=5)
    async with Client(key, base_url=emulator.base_url, schedule=schedule) as client:
        await submit_all(client, 5)
    times = [request.at for request in emulator.requests.of("move")]
    assert times[-1] - times[0] >= 4 / 5 - 0.3  # all at once would take hundredths


@pytest.mark.parametrize("most", [0, -1])
def test_limit_that_lets_nothing_through(most: int, key: str) -> None:
    with pytest.raises(InputError, match="max_unfinished"):
        Client(key, max_unfinished=most)
