"""A batch that is killed again and again, and two processes that share a ledger."""

import os
from collections import Counter
from pathlib import Path

import anyio
import pytest
from tests.faults.batch import Batch, killed
from tests.faults.world import Nursery, make_clip, make_picture, paid

from dashscope_aa.emulator import Emulator, Operation

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="clients are forked")

JOBS, KILLS = 12, 6


def test_batch_with_the_word_given_is_done_and_paid_once(
    emulator: Emulator, tmp_path: Path
) -> None:
    with Nursery() as nursery:
        batch = Batch(emulator, nursery, tmp_path, JOBS, exclusive=True)
        outcomes = killed(batch, kills=KILLS, seed=1)
    assert outcomes == ["the video"] * JOBS
    assert batch.kills == KILLS
    assert not batch.paid_twice()


def test_batch_by_default_ends_in_videos_or_in_outcomes_to_settle(
    emulator: Emulator, tmp_path: Path
) -> None:
    with Nursery() as nursery:
        batch = Batch(emulator, nursery, tmp_path, JOBS, exclusive=False, backend="trio")
        outcomes = Counter(killed(batch, kills=KILLS, seed=2))
    assert batch.kills == KILLS
    assert set(outcomes) <= {"the video", "SubmitOutcomeUnknownError"}
    assert (outcomes["SubmitOutcomeUnknownError"] > 0) == (batch.unsettled() > 0)
    assert not batch.paid_twice()
    done = anyio.run(batch.settle)
    assert all(Path(target).exists() for *_, target, _ in batch.work)
    checks = batch.paid().pop("detect") - batch.most()["detect"]
    assert checks <= done["detect written off"]  # a check that was billed and lost, once more
    tasks = {step: count for step, count in batch.paid().items() if step != "detect"}
    assert tasks == {step: count for step, count in batch.most().items() if step != "detect"}


@pytest.mark.parametrize("video", ["synthesis", "move"])
def test_two_processes_on_one_ledger_pay_once(
    video: str, emulator: Emulator, tmp_path: Path
) -> None:
    image, clip = make_picture(tmp_path / "picture.png"), make_clip(tmp_path / "clip.mp4")
    client = {
        "api_key": "sk-two",
        "base_url": emulator.base_url,
        "ledger": str(tmp_path / "ledger.sqlite"),
    }
    said = [tmp_path / "first.json", tmp_path / "second.json"]
    with Nursery() as first, Nursery() as second:
        for nursery, file, backend in zip((first, second), said, ("asyncio", "trio"), strict=True):
            nursery.start(
                "one",
                said=str(file),
                backend=backend,
                client=client,
                strike={"video": video},
                image=str(image),
                clip=str(clip),
                target=str(file.with_suffix(".mp4")),
            )
        assert [first.ended(), second.ended()] == [0, 0]
    assert [file.read_text() for file in said] == ['"the video"'] * 2
    steps: tuple[Operation, ...] = ("move",)
    if video == "synthesis":
        steps = ("detect", "template", "synthesis")
    assert [paid(emulator, step) for step in steps] == [1] * len(steps)
