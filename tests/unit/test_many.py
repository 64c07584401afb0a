"""Many jobs at once: shared work is done once, and each outcome stands for itself."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from PIL import Image

from dashscope_aa import AnimateAnyone, Client, Job, Outcome, TemplateId, WanAnimate
from dashscope_aa._many import outcomes_of
from dashscope_aa.emulator import Emulator, TaskFails
from dashscope_aa.errors import CostLimitError, InputError, SourceError, TaskFailedError
from dashscope_aa.events import Event, Finished

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_retries")]

WAN = WanAnimate(mode="wan-std")


@pytest.fixture
def portraits(tmp_path: Path) -> list[Path]:
    """Pictures of different bytes."""
    paths = [tmp_path / f"{number}.jpg" for number in range(3)]
    for number, path in enumerate(paths):
        Image.effect_noise((240, 320), 60 + number).convert("RGB").save(path)
    return paths


def posts(emulator: Emulator, *operations: Any) -> list[str]:
    return [request.operation for request in emulator.requests.of(*operations)]


async def test_outcomes_come_in_the_order_of_the_jobs(
    client: Client, portraits: list[Path], clip: Path, tmp_path: Path
) -> None:
    jobs = [
        Job(portrait, clip, engine=WAN, save_to=tmp_path / f"{number}.mp4")
        for number, portrait in enumerate(portraits)
    ]
    outcomes = await client.gather(jobs, limit=2)
    assert [outcome.index for outcome in outcomes] == [0, 1, 2]
    assert [outcome.job for outcome in outcomes] == jobs
    assert all(outcome.ok for outcome in outcomes)
    assert [outcome.saved_to for outcome in outcomes] == [job.save_to for job in jobs]
    assert len({path.read_bytes() for path in tmp_path.glob("*.mp4")}) == 3


async def test_shared_clip_is_sent_and_made_a_template_once(
    client: Client, emulator: Emulator, portraits: list[Path], clip: Path
) -> None:
    jobs = [Job(portrait, clip, engine=AnimateAnyone()) for portrait in portraits]
    outcomes = await client.gather(jobs)
    assert [outcome.error for outcome in outcomes] == [None] * 3
    assert posts(emulator, "template") == ["template"]
    assert len(posts(emulator, "synthesis")) == 3
    assert len(posts(emulator, "upload")) == 1 + 2 * 3
    costs = sorted(outcome.animation.cost_cny or 0 for outcome in outcomes if outcome.animation)
    assert costs == pytest.approx([0.164] * 2 + [0.324])


async def test_one_failure_is_its_own(
    client: Client, emulator: Emulator, portraits: list[Path], clip: Path, tmp_path: Path
) -> None:
    emulator.faults.add(TaskFails(on="move"))
    jobs = [
        Job(portraits[0], clip, engine=WAN),
        Job(tmp_path / "missing.jpg", clip, engine=WAN),
        Job(portraits[1], clip, engine=WAN),
        Job(portraits[1], TemplateId("AACT.x"), engine=WAN),
        Job(portraits[1], clip, engine=WAN, max_cost_cny=0.1),
        Job(portraits[2], clip, engine=WAN, save_to=tmp_path / "no folder" / "a.mp4"),
    ]
    outcomes = await client.gather(jobs, limit=1)
    assert [type(outcome.error) for outcome in outcomes] == [
        TaskFailedError,
        SourceError,
        type(None),
        InputError,
        CostLimitError,
        InputError,
    ]
    assert outcomes[5].animation is not None
    assert not outcomes[5].ok


async def test_first_error_stops_the_others_if_asked(
    client: Client, emulator: Emulator, portraits: list[Path], clip: Path
) -> None:
    emulator.faults.add(TaskFails(on="move"))
    jobs = [Job(portrait, clip, engine=WAN) for portrait in portraits]
    with pytest.raises(TaskFailedError):
        await client.gather(jobs, limit=1, stop_on_error=True)
    assert posts(emulator, "move") in (["move"], ["move", "move"])


async def test_outcomes_as_they_come(client: Client, portraits: list[Path], clip: Path) -> None:
    jobs = [Job(portrait, clip, engine=WAN) for portrait in portraits]
    events: list[tuple[int, Event]] = []

    def note(index: int, event: Event) -> None:
        events.append((index, event))

    seen: list[int] = []
    async with client.as_completed(jobs, on_event=note) as outcomes:
        async for outcome in outcomes:
            assert outcome.animation is not None
            seen.append(outcome.index)
    assert sorted(seen) == [0, 1, 2]
    # What was made last may be tidied up after first: the order is nobody's promise.
    assert {index for index, event in events if isinstance(event, Finished)} == set(seen)


async def test_leaving_early_stops_the_rest(
    client: Client, emulator: Emulator, portraits: list[Path], clip: Path
) -> None:
    jobs = [Job(portrait, clip, engine=WAN) for portrait in portraits]
    async with client.as_completed(jobs, limit=1) as outcomes:
        async for _ in outcomes:
            break
    submitted = len(posts(emulator, "move"))
    await anyio.sleep(0.1)
    assert len(posts(emulator, "move")) == submitted < 3


async def test_job_that_ends_while_it_is_stopped_disturbs_nobody() -> None:
    jobs = [Job("a.jpg", "b.mp4")] * 3
    ended: list[int] = []

    async def run(index: int, job: Job, /) -> Outcome:
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0.05 * index)
            ended.append(index)
        return Outcome(index=index, job=job)

    async with outcomes_of(jobs, run, limit=3) as outcomes:
        async for outcome in outcomes:
            assert outcome.index == 0
            break
    assert ended == [0, 1, 2]


async def test_error_in_the_block_comes_out_plain(
    client: Client, portraits: list[Path], clip: Path
) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with client.as_completed([Job(portraits[0], clip, engine=WAN)]):
            raise KeyError("mine")


async def test_cancelled_from_outside(
    client: Client, emulator: Emulator, portraits: list[Path], clip: Path
) -> None:
    emulator.run_s = 3600
    jobs = [Job(portrait, clip, engine=WAN) for portrait in portraits]
    with anyio.move_on_after(0.5) as scope:
        await client.gather(jobs)
    assert scope.cancelled_caught


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_cancelled_by_asyncio(
    client: Client, emulator: Emulator, portraits: list[Path], clip: Path
) -> None:
    emulator.run_s = 3600
    jobs = [Job(portrait, clip, engine=WAN) for portrait in portraits]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.gather(jobs), 0.5)


async def test_no_jobs(client: Client) -> None:
    assert await client.gather([]) == []


@pytest.mark.parametrize(
    ("jobs", "limit", "said"),
    [
        pytest.param([Job("a", "b")], 0, "limit must be at least 1", id="limit of none"),
        pytest.param([("a", "b")], 1, "must be a Job", id="a pair"),
        pytest.param([Job("a", "b"), None], 1, "must be a Job", id="nothing at all"),
        pytest.param(
            [Job("a", "b", save_to="./a")],
            1,
            "job 0 would write .* a job reads it",
            id="its picture",
        ),
        pytest.param(
            [Job("a", "b", save_to="c"), Job(Path("d"), "c")], 1, "job 0 would", id="another's clip"
        ),
        pytest.param(
            [Job("a", "b", save_to="x/../c"), Job("d", "b", save_to=Path("x/../c"))],
            1,
            "job 1 would write .* another job writes it",
            id="one file for two videos",
        ),
    ],
)
async def test_what_is_no_job(client: Client, jobs: Any, limit: int, said: str) -> None:
    with pytest.raises(InputError, match=said):
        await client.gather(jobs, limit=limit)


async def test_a_picture_by_another_name(client: Client, portraits: list[Path]) -> None:
    link = portraits[0].with_name("link.jpg")
    link.symlink_to(portraits[0])
    with pytest.raises(InputError, match=r"job 0 would write .* a job reads it"):
        await client.gather([Job(link, "b", save_to=portraits[0])])


async def test_many_clients_many_jobs(
    make_client: Callable[..., Client],
    emulator: Emulator,
    clip: Path,
    portraits: list[Path],
    tmp_path: Path,
) -> None:
    """Two clients share a ledger: what both are asked for is paid for once."""
    ledger = tmp_path / "ledger.sqlite"
    jobs = [Job(portrait, clip, engine=WAN) for portrait in portraits]
    results: list[list[str]] = []

    async def run(client: Client) -> None:
        outcomes = await client.gather(jobs)
        results.append([it.animation.task_ids["move"] for it in outcomes if it.animation])

    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(run, make_client(ledger=ledger))
    assert results[0] == results[1]
    assert len(posts(emulator, "move")) == 3
