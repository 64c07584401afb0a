"""Large pictures are mended next door: the same results and faults, and an end at any moment."""

import os
import sys
from pathlib import Path

import anyio
import pytest

from dashscope_aa._engines import AnimateAnyone
from dashscope_aa.errors import SourceError, TransferError
from dashscope_aa.media._convert import convert
from dashscope_aa.media._mending import apart

pytestmark = pytest.mark.anyio

AA = AnimateAnyone()


@pytest.fixture(autouse=True)
def every_picture_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "LARGE_PIXELS", 1)


def instead(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Start another child than ours."""
    (folder / "captured_picture.py").write_text(script)
    monkeypatch.setattr(apart, "_CHILD", "captured_picture")
    monkeypatch.syspath_prepend(str(folder))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    folder.mkdir()
    return folder


async def test_the_result_is_the_same(
    corpus: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = corpus / "turned.webp"
    with source.open("rb") as file:
        await convert(source, made / "path.jpg", engine=AA)
        await convert(source.read_bytes(), made / "bytes.jpg", engine=AA)
        await convert(file, made / "file.jpg", engine=AA)
    monkeypatch.setattr(apart, "LARGE_PIXELS", 10**9)
    await convert(source, made / "here.jpg", engine=AA)
    assert len(names(made)) == 4
    assert len({path.read_bytes() for path in made.iterdir()}) == 1


async def test_pixels_that_cannot_be_decoded(
    corpus: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray((corpus / "photo.webp").read_bytes())
    data[200:] = bytes(len(data) - 200)
    said: list[str] = []
    for large_pixels in (1, 10**9):
        monkeypatch.setattr(apart, "LARGE_PIXELS", large_pixels)
        with pytest.raises(SourceError, match="cannot be decoded") as caught:
            await convert(bytes(data), made / "a.jpg", engine=AA)
        said.append(str(caught.value))
    assert said[0] == said[1]
    assert names(made) == []


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        pytest.param("raise MemoryError('no room')", SourceError, "early: MemoryError", id="raise"),
        pytest.param("import os; os.abort()", SourceError, "it said nothing", id="crash"),
        pytest.param("print('done')", SourceError, "ended early", id="says no JSON"),
        pytest.param("print('[1]')", SourceError, "ended early", id="says something else"),
        pytest.param(
            'print(\'{"unwritten": ["disk full", "Make room."]}\')',
            TransferError,
            "disk full",
            id="no room on the disk",
        ),
    ],
)
async def test_a_child_that_fails(
    corpus: Path,
    made: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    error: type[Exception],
    message: str,
) -> None:
    instead(monkeypatch, made.parent, answer)
    with pytest.raises(error, match=message):
        await convert(corpus / "photo.webp", made / "a.jpg", engine=AA)
    assert names(made) == []


async def test_who_gives_up_kills_the_child(
    corpus: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = made.parent / "told"
    instead(
        monkeypatch,
        made.parent,
        "import os, time\n"
        f"open({str(told)!r} + '~', 'w').write(' '.join([str(os.getpid()), *os.environ]))\n"
        f"os.replace({str(told)!r} + '~', {str(told)!r})\n"
        "time.sleep(600)",
    )
    monkeypatch.setenv("DASHSCOPE_API_KEY", "sk-secret")
    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(_convert, corpus / "photo.webp", made / "a.jpg")
            while not told.exists():
                assert names(made) == []
                await anyio.sleep(0.01)
            group.cancel_scope.cancel()
    child, *environment = told.read_text().split()
    assert "PYTHONPATH" in environment
    assert "DASHSCOPE_API_KEY" not in environment
    with pytest.raises(ProcessLookupError):
        os.kill(int(child), 0)
    assert names(made) == []


async def _convert(source: Path, target: Path) -> None:
    await convert(source, target, engine=AA)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("executable", "/nowhere/python", id="no child can be started"),
        pytest.param("frozen", True, id="a program that is no interpreter"),
    ],
)
async def test_where_there_is_no_child_it_is_mended_here(
    corpus: Path, made: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    monkeypatch.setattr(sys, name, value, raising=False)
    await convert(corpus / "photo.webp", made / "a.jpg", engine=AA)
    assert names(made) == ["a.jpg"]
