"""The verb around a conversion: progress, cancellation, a target that is whole or not there."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from dashscope_aa._engines import AnimateAnyone
from dashscope_aa.errors import InputError, PreflightError, SourceError, TransferError
from dashscope_aa.media._add_sound import add_sound
from dashscope_aa.media._convert import convert
from dashscope_aa.media._preflight import check

pytestmark = pytest.mark.anyio

AA = AnimateAnyone()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_progress_grows_to_the_end_on_the_event_loop(corpus: Path, tmp_path: Path) -> None:
    heard: list[tuple[float, int]] = []

    def listen(part: float) -> None:
        heard.append((part, threading.get_ident()))

    await convert(corpus / "browser.webm", tmp_path / "a.mp4", engine=AA, on_progress=listen)
    parts = [part for part, _ in heard]
    assert parts == sorted(parts)
    assert parts[-1] == 1.0
    assert len(set(parts)) == len(parts) > 10
    assert {thread for _, thread in heard} == {threading.get_ident()}


async def test_a_cancelled_conversion_leaves_nothing_behind(corpus: Path, tmp_path: Path) -> None:
    with anyio.CancelScope() as scope:
        await convert(
            corpus / "length_30s.mp4",
            tmp_path / "a.mp4",
            engine=AA,
            trim=(0, 29),
            on_progress=lambda part: scope.cancel() if part > 0.1 else None,
        )
    assert scope.cancelled_caught
    assert names(tmp_path) == []
    assert not [one for one in threading.enumerate() if "encode" in one.name]


CONVERSION = """
import sys, anyio
from functools import partial
from dashscope_aa import AnimateAnyone, media
anyio.run(partial(media.convert, *sys.argv[1:], engine=AnimateAnyone(), trim=(0, 59)))
"""


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_killed_process_leaves_no_target(
    corpus: Path, tmp_path: Path, anyio_backend: str
) -> None:
    target = tmp_path / "a.mp4"
    source = str(corpus / "length_60s.mp4")
    command = [sys.executable, "-c", CONVERSION, source, str(target)]
    with anyio.fail_after(30):
        async with await anyio.open_process(command) as process:
            while not names(tmp_path):
                assert process.returncode is None
                await anyio.sleep(0.005)
            process.kill()
    (left,) = names(tmp_path)
    assert left.startswith(".a-")
    assert left.endswith(".part")


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_asyncio_may_cancel_it_too(corpus: Path, tmp_path: Path, anyio_backend: str) -> None:
    going = asyncio.Event()
    job = convert(
        corpus / "length_30s.mp4",
        tmp_path / "a.mp4",
        engine=AA,
        trim=(0, 29),
        on_progress=lambda _: going.set(),
    )
    task = asyncio.create_task(job)
    await going.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert names(tmp_path) == []


async def test_a_listener_that_fails_stops_the_conversion(corpus: Path, tmp_path: Path) -> None:
    def fail(_: float) -> None:
        raise LookupError("no such bar")

    with pytest.raises(LookupError, match="no such bar"):
        await convert(corpus / "browser.webm", tmp_path / "a.mp4", engine=AA, on_progress=fail)
    assert names(tmp_path) == []


async def test_a_target_is_replaced_only_by_what_is_whole(corpus: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    target.write_bytes(b"before")
    with pytest.raises(PreflightError):
        await convert(corpus / "length_61s.mp4", target, engine=AA)
    assert target.read_bytes() == b"before"
    await convert(corpus / "h264.mkv", target, engine=AA)
    assert (await check(target, engine=AA)).ok
    assert names(tmp_path) == ["a.mp4"]


async def test_a_clip_may_be_mended_in_its_place(corpus: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    target.write_bytes((corpus / "fps_15.mp4").read_bytes())
    made = await convert(target, target, engine=AA)
    assert made.path == target
    assert (await check(target, engine=AA)).ok


async def test_what_is_fine_is_copied(corpus: Path, tmp_path: Path) -> None:
    made = await convert(corpus / "h264.mp4", tmp_path / "a.mp4", engine=AA)
    assert made.steps == ()
    assert (tmp_path / "a.mp4").read_bytes() == (corpus / "h264.mp4").read_bytes()


async def test_bytes_will_do(corpus: Path, tmp_path: Path) -> None:
    made = await convert((corpus / "vp9.mp4").read_bytes(), tmp_path / "a.mp4", engine=AA)
    assert [step.what for step in made.steps] == ["encode the picture as H.264"]


@pytest.mark.parametrize(
    ("source", "target", "error", "message"),
    [
        pytest.param("none.mp4", "a.mp4", SourceError, "No such file", id="no source"),
        pytest.param("page.mp4", "a.mp4", SourceError, "a web page", id="no clip"),
        pytest.param("fps_15.mp4", "a.webm", InputError, "must end in", id="a format not written"),
        pytest.param("fps_15.mp4", "no/a.mp4", InputError, "is not a directory", id="no folder"),
        pytest.param("https://a/b.mp4", "a.mp4", SourceError, "needs the file itself", id="a URL"),
        pytest.param("oss://a/b.mp4", "a.mp4", SourceError, "needs the file itself", id="oss"),
    ],
)
async def test_faults(
    corpus: Path, tmp_path: Path, source: str, target: str, error: type[Exception], message: str
) -> None:
    asked: Any = source if "://" in source else corpus / source
    with pytest.raises(error, match=message):
        await convert(asked, tmp_path / target, engine=AA)
    assert names(tmp_path) == []


async def test_a_directory_is_no_target(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").mkdir()
    with pytest.raises(InputError, match="it is a directory"):
        await convert(corpus / "fps_15.mp4", tmp_path / "a.mp4", engine=AA)


async def test_a_picture_is_no_clip(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="expected a clip"):
        await convert(corpus / "photo.webp", tmp_path / "a.mp4", engine=AA, kind="video")


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(100))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda path: os.truncate(path, 60_000), id="cut off"),
        pytest.param(lambda path: path.unlink(), id="gone"),
        pytest.param(lambda path: path.touch(), id="written to"),
        pytest.param(append, id="longer"),
    ],
)
async def test_a_clip_that_changes_meanwhile_is_told(
    corpus: Path, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    source = tmp_path / "browser.webm"
    source.write_bytes((corpus / "browser.webm").read_bytes())
    os.utime(source, (1, 1))
    changes = iter([change])

    def listen(_: float) -> None:
        for once in changes:
            once(source)

    with pytest.raises(SourceError, match=r"^browser\.webm: it was changed while"):
        await convert(source, tmp_path / "a.mp4", engine=AA, on_progress=listen)
    assert "a.mp4" not in names(tmp_path)


async def test_who_gives_up_at_last_gets_no_target(corpus: Path, tmp_path: Path) -> None:
    with anyio.CancelScope() as scope:
        await convert(
            corpus / "h264.mp4",
            tmp_path / "a.mp4",
            engine=AA,
            trim=(0, 2.2),
            on_progress=lambda part: scope.cancel() if part > 0.99 else None,
        )
    assert scope.cancelled_caught
    assert names(tmp_path) == []


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow beyond some kilobytes; the file that pytest reports to would not either."""
    resource = pytest.importorskip("resource", reason="there are no such limits here")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    ("name", "target"),
    [
        pytest.param("photo.webp", "a.jpg", id="a picture"),
        pytest.param("h264.mp4", "a.mp4", id="a copy"),
        pytest.param("h264.mkv", "a.mp4", id="a clip in another container"),
        pytest.param("browser.webm", "a.mp4", id="a clip encoded anew"),
    ],
)
async def test_a_full_disk_is_told(corpus: Path, tmp_path: Path, name: str, target: str) -> None:
    with full_disk(), pytest.raises(TransferError, match=r"File too large|only a part of it"):
        await convert(corpus / name, tmp_path / target, engine=AA)
    assert names(tmp_path) == []


# ── sound ────────────────────────────────────────────────────────────────────────────────


async def test_add_sound_may_replace_the_clip(corpus: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    target.write_bytes((corpus / "silent.mp4").read_bytes())
    assert await add_sound(target, corpus / "browser.webm", target=target) == target
    report = await check(target, engine=AA)
    assert getattr(report.facts["video"], "audio_codec", None) == "aac"
    assert names(tmp_path) == ["a.mp4"]


@pytest.mark.parametrize(
    ("video", "source", "message"),
    [
        pytest.param("silent.mp4", "silent.mkv", "has no sound", id="two silent clips"),
        pytest.param("photo.jpg", "h264.mp4", "expected a clip", id="a picture"),
        pytest.param("silent.mp4", "page.mp4", "a web page", id="no clip"),
        pytest.param("https://a/b.mp4", "h264.mp4", "needs the file itself", id="a URL"),
        pytest.param(
            "vp8.webm", "h264.mp4", "^vp8.webm: its picture is coded as 'vp8'", id="not for mp4"
        ),
        pytest.param(
            "prores.mov", "h264.mp4", "^prores.mov: its picture .* which mp4", id="for mov alone"
        ),
    ],
)
async def test_add_sound_faults(
    corpus: Path, tmp_path: Path, video: str, source: str, message: str
) -> None:
    seen: Any = video if "://" in video else corpus / video
    with pytest.raises(SourceError, match=message):
        await add_sound(seen, corpus / source, target=tmp_path / "a.mp4")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "start_s",
    [
        pytest.param(9.0, id="beyond the end"),
        pytest.param(-1.0, id="before the beginning"),
        pytest.param(float("nan"), id="no number"),
    ],
)
async def test_sound_starts_within_the_sound(corpus: Path, tmp_path: Path, start_s: float) -> None:
    with pytest.raises(InputError, match=r"start_s must be within the 2\.5\d s of the sound"):
        await add_sound(
            corpus / "silent.mp4",
            corpus / "h264.mp4",
            target=tmp_path / "a.mp4",
            start_s=start_s,
        )
    assert names(tmp_path) == []
