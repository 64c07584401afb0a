"""What there is already of a run: found by its inputs, whichever way they are handed over."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from dashscope_aa import AnimateAnyone, Client, WanAnimate
from dashscope_aa._standing import Standing, estimate, step_of, video_endpoint
from dashscope_aa.emulator import Emulator, OddStatus
from dashscope_aa.errors import TaskNotFoundError

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick_retries")]

WAN = WanAnimate(mode="wan-std")


@pytest.fixture
async def client(make_client: Callable[..., Client], tmp_path: Path) -> Client:
    """A client with a ledger."""
    return make_client(ledger=tmp_path / "ledger.sqlite")


@pytest.mark.parametrize(
    ("engine", "step", "model"),
    [
        pytest.param(AnimateAnyone(), "synthesis", "animate-anyone-gen2", id="AnimateAnyone"),
        pytest.param(WAN, "move", "wan2.2-animate-move", id="move"),
        pytest.param(WanAnimate(mode="wan-pro", kind="mix"), "mix", "wan2.2-animate-mix", id="mix"),
    ],
)
def test_what_makes_the_video(engine: AnimateAnyone | WanAnimate, step: str, model: str) -> None:
    assert step_of(engine) == step
    assert video_endpoint(engine).model == model


def test_estimate_leaves_out_the_check_that_is_not_wanted() -> None:
    there = Standing(sources={})
    whole = estimate(AnimateAnyone(), there, length_s=2.0, detect=True)
    assert [line.step for line in whole.expenses] == ["detect", "template", "synthesis"]
    less = estimate(AnimateAnyone(), there, length_s=2.0, detect=False)
    assert [line.step for line in less.expenses] == ["template", "synthesis"]


@pytest.mark.parametrize("engine", [AnimateAnyone(), WAN], ids=["AnimateAnyone", "wan"])
async def test_same_inputs_go_on_and_cost_nothing_more(
    engine: AnimateAnyone | WanAnimate,
    client: Client,
    emulator: Emulator,
    portrait: Path,
    clip: Path,
) -> None:
    first = await client.animate(portrait, clip, engine=engine)
    paid = emulator.paid_submits()
    left = await client.estimate(portrait, clip, engine=engine)
    assert left.cny == 0
    again = await client.animate(portrait.read_bytes(), clip.read_bytes(), engine=engine)
    assert again.task_ids["synthesis" if engine == AnimateAnyone() else "move"] in (
        first.task_ids.values()
    )
    assert (again.cost_cny, emulator.paid_submits()) == (0, paid)
    assert len(emulator.requests.of("detect")) == (engine == AnimateAnyone())


async def test_other_options_are_another_video(
    client: Client, emulator: Emulator, portrait: Path, clip: Path
) -> None:
    await client.animate(portrait, clip, engine=WAN)
    await client.animate(portrait, clip, engine=WanAnimate(mode="wan-std", watermark=True))
    assert len(emulator.requests.of("move")) == 2


async def test_fresh_pays_anew(
    client: Client, emulator: Emulator, portrait: Path, clip: Path
) -> None:
    first = await client.animate(portrait, clip, engine=WAN)
    second = await client.animate(portrait, clip, engine=WAN, fresh=True)
    assert first.task_ids != second.task_ids
    assert len(emulator.requests.of("move")) == 2


@pytest.mark.parametrize("engine", [AnimateAnyone(), WAN], ids=["AnimateAnyone", "wan"])
async def test_task_the_service_does_not_know_is_not_paid_for_again(
    engine: AnimateAnyone | WanAnimate,
    client: Client,
    emulator: Emulator,
    portrait: Path,
    clip: Path,
) -> None:
    emulator.faults.add(OddStatus(word="UNKNOWN", for_s=math.inf))
    for _ in range(2):
        with pytest.raises(TaskNotFoundError):
            await client.animate(portrait, clip, engine=engine)
    assert emulator.paid_submits() == 1
    emulator.faults.clear()
    await client.animate(portrait, clip, engine=engine)
    assert emulator.paid_submits() == (2 if engine == AnimateAnyone() else 1)


async def test_result_that_has_run_out_is_made_anew(
    client: Client, emulator: Emulator, portrait: Path, clip: Path, tmp_path: Path
) -> None:
    made = await client.animate(portrait, clip, engine=WAN)
    books = client._books
    (entry,) = await books._book.find(task_id=made.output.task_id)
    await books._book.change(entry, expires_at=entry.sent_at)
    await client.animate(portrait, clip, engine=WAN)
    assert len(emulator.requests.of("move")) == 2
