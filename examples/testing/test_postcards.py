"""Tests of the postcards that need no key and no network: ``pip install 'dashscope-aa[testing]'``.

They run under anyio's plugin for pytest, which is there already; under pytest-asyncio they are the
same without the two lines about anyio (or with ``pytest.mark.asyncio`` in its strict mode).
"""

from pathlib import Path

import postcards
import pytest

from dashscope_aa import Client
from dashscope_aa.emulator import AnswerLost, Emulator, Fault, Faults, TaskFails

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run every test on both event loops; a program for one of them names that one only."""
    if request.param == "trio":
        pytest.importorskip("trio")
    return str(request.param)


async def test_makes_a_postcard_and_pays_once(
    dashscope_client: Client,
    dashscope_emulator: Emulator,
    dashscope_portrait: Path,
    dashscope_clip: Path,
    tmp_path: Path,
) -> None:
    postcard = await postcards.make_postcard(
        dashscope_client, dashscope_portrait, dashscope_clip, folder=tmp_path
    )
    assert b"ftyp" in postcard.read_bytes()[:12]  # a real mp4
    assert dashscope_emulator.paid_submits("wan2.2-animate-move") == 1
    assert dashscope_emulator.leaks == []  # the key went to the service only


async def test_lives_through_trouble(
    dashscope_client: Client,
    dashscope_emulator: Emulator,
    dashscope_trouble: Fault,  # runs it once with each trouble
    dashscope_portrait: Path,
    dashscope_clip: Path,
    tmp_path: Path,
) -> None:
    await postcards.make_postcard(
        dashscope_client, dashscope_portrait, dashscope_clip, folder=tmp_path
    )
    assert dashscope_emulator.faults.hits(dashscope_trouble)  # it did strike
    assert len(dashscope_emulator.tasks) == 1  # and nothing was made twice


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        pytest.param(
            TaskFails(code="InvalidPerson", message="no one is in it"),
            "refused: no one is in it",
            id="nobody in the picture",
        ),
        pytest.param(TaskFails(), "Nothing was charged", id="the service fails"),
        pytest.param(AnswerLost(on="move"), "do not know", id="the answer to the order is lost"),
    ],
)
async def test_says_why_there_is_no_postcard(
    dashscope_client: Client,
    dashscope_faults: Faults,
    fault: Fault,
    says: str,
    dashscope_portrait: Path,
    dashscope_clip: Path,
    tmp_path: Path,
) -> None:
    dashscope_faults.add(fault)
    with pytest.raises(postcards.Sorry, match=says):
        await postcards.make_postcard(
            dashscope_client, dashscope_portrait, dashscope_clip, folder=tmp_path
        )


async def test_sends_nothing_that_would_be_refused(
    dashscope_client: Client, dashscope_emulator: Emulator, dashscope_clip: Path, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear Sir or Madam")
    with pytest.raises(postcards.Sorry, match="cannot use these files"):
        await postcards.make_postcard(dashscope_client, letter, dashscope_clip, folder=tmp_path)
    assert list(dashscope_emulator.requests) == []


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_whole_program(
    dashscope_emulator: Emulator,
    dashscope_portrait: Path,
    dashscope_clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    # It makes a client of its own, which finds the emulator by itself.
    assert await postcards.main(str(dashscope_portrait), str(dashscope_clip)) == 0
    assert capsys.readouterr().out == "postcard.mp4\n"
    assert dashscope_emulator.paid_submits() == 1
