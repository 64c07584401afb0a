"""The verb `probe`: every kind of source, and errors that say what was found."""

import io
import subprocess
import sys
import threading
from pathlib import Path

import anyio
import pytest
from PIL import Image

from dashscope_aa.errors import SourceError
from dashscope_aa.media import ImageFacts, VideoFacts, probe
from dashscope_aa.media._facts import Unreadable
from dashscope_aa.media._probing.examine import examine

pytestmark = pytest.mark.anyio


async def test_a_path_in_every_spelling(corpus: Path) -> None:
    path = corpus / "h264.mp4"
    found = await probe(path, kind="video")
    assert (found.frames, found.suffix) == (75, ".mp4")
    assert await probe(str(path)) == found


async def test_bytes(corpus: Path) -> None:
    data = (corpus / "photo.png").read_bytes()
    found = await probe(data, kind="image")
    assert (found.format, found.size_bytes, found.suffix) == ("png", len(data), None)


async def test_a_file_object_is_given_back_where_it_stood(corpus: Path) -> None:
    with (corpus / "h264.mkv").open("rb") as file:
        file.seek(11)
        found = await probe(file)
        assert (found.suffix, file.tell(), file.closed) == (".mkv", 11, False)


async def test_a_file_object_without_a_name(corpus: Path) -> None:
    found = await probe(io.BytesIO((corpus / "photo.jpg").read_bytes()))
    assert (found.kind, found.suffix) == ("image", None)


async def test_a_pil_image() -> None:
    found = await probe(Image.new("RGBA", (300, 400)), kind="image")
    assert found == ImageFacts(
        format="raw", size_bytes=0, width_px=300, height_px=400, alpha=True, mode="RGBA"
    )


async def test_either_kind_is_told_by_itself(corpus: Path) -> None:
    assert isinstance(await probe(corpus / "jpeg.mp4"), ImageFacts)
    assert isinstance(await probe(corpus / "clip.jpg"), VideoFacts)


async def test_the_wrong_kind_is_an_error(corpus: Path) -> None:
    with pytest.raises(SourceError, match="expected a clip, but it is a JPEG picture") as caught:
        await probe(corpus / "jpeg.mp4", kind="video")
    assert caught.value.hint


async def test_an_empty_path_is_none() -> None:
    with pytest.raises(SourceError, match="expected a path, but got an empty text"):
        await probe("")


async def test_a_preflight_gets_a_value_instead(corpus: Path) -> None:
    found = await examine(corpus / "page.mp4", kind="video")
    assert isinstance(found, Unreadable)
    assert (found.reason, found.kind, found.suffix) == ("html", "video", ".mp4")


class OneWay(io.RawIOBase):
    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        return 0


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param("missing.mp4", "cannot be read", id="a missing file"),
        pytest.param("oss://bucket/x.mp4", "by the service only", id="an oss URL"),
        pytest.param("ftp://host/x.mp4", "ftp:// URL", id="another URL"),
        pytest.param(7, "got int", id="a number"),
        pytest.param(None, "got NoneType", id="nothing"),
        pytest.param(io.StringIO("x"), "got StringIO", id="a text file"),
        pytest.param(OneWay(), "where it stands", id="a pipe"),
        pytest.param(b"", "it is empty", id="no bytes"),
    ],
)
async def test_what_cannot_be_read(source: object, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        await probe(source)  # type: ignore[call-overload]  # the point of the test


async def test_no_look_on_the_event_loop(corpus: Path) -> None:
    loop, threads = threading.get_ident(), set()

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            threads.add(threading.get_ident())
            return super().read(size)

    await probe(Watched((corpus / "h264.mkv").read_bytes()))
    assert threads
    assert loop not in threads


async def test_looks_in_parallel_agree(corpus: Path) -> None:
    found: list[object] = []

    async def look() -> None:
        found.append(await probe(corpus / "h264.ts"))

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(look)
    assert len(found) == 8
    assert all(one == found[0] for one in found)


async def test_a_file_object_that_waits_holds_up_nobody(corpus: Path) -> None:
    other_read = threading.Event()

    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            assert other_read.wait(30)
            return super().read(size)

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(probe, Slow((corpus / "photo.png").read_bytes()))
        await anyio.wait_all_tasks_blocked()
        assert (await probe(corpus / "photo.png")).kind == "image"
        other_read.set()


def test_importing_loads_neither_pyav_nor_pillow() -> None:
    code = "import dashscope_aa.media, sys; print(sorted({'av', 'PIL'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert said.stdout.strip() == "[]"


def test_a_picture_does_not_load_pyav(corpus: Path) -> None:
    code = (
        "import anyio, sys; from functools import partial; from dashscope_aa.media import probe\n"
        "anyio.run(partial(probe, sys.argv[1])); print('av' in sys.modules, 'PIL' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(corpus / "photo.jpg")]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    assert said.stdout.split() == ["False", "True"]
