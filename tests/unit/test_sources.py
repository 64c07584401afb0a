"""What users hand over: every kind that works, and one clear error for every kind that doesn't."""

import io
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from PIL import Image

from dashscope_aa import MediaFile, TemplateId, Url
from dashscope_aa._sources import is_url, opened, opened_all, suffix_of, template_id
from dashscope_aa.errors import InputError, SourceError
from dashscope_aa.models import TaskStatus, TemplateOutput

pytestmark = pytest.mark.anyio

JPEG = b"\xff\xd8\xff\xe0" + bytes(60)


async def bytes_of(source: Any) -> bytes:
    """Open a source, and read the file it became."""
    async with opened(source, role="image") as media:
        assert isinstance(media, MediaFile)
        read = media.path.read_bytes()
        assert media.size_bytes == len(read)
        return read


async def refusal(source: Any, **options: Any) -> SourceError:
    """Open a source that cannot be used, and give the error."""
    with pytest.raises(SourceError) as raised:
        async with opened(source, role="image", **options):
            pytest.fail("it was opened")
    return raised.value


# ── what works ───────────────────────────────────────────────────────────────────────────


class Raw(io.RawIOBase):
    """A stream that can't be turned back, such as one from a network."""

    def __init__(self, content: bytes) -> None:
        self._left = content

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        length = min(len(buffer), 7, len(self._left))
        buffer[:length], self._left = self._left[:length], self._left[length:]
        return length


def at_its_end(content: bytes) -> BinaryIO:
    file = io.BytesIO(content)
    file.seek(0, os.SEEK_END)
    return file


def spooled(content: bytes) -> BinaryIO:
    file = tempfile.SpooledTemporaryFile(max_size=16)  # noqa: SIM115 - closed with its last reference
    file.write(content)
    return cast("BinaryIO", file)


def piped(content: bytes) -> BinaryIO:
    out, into = os.pipe()
    os.write(into, content)
    os.close(into)
    return os.fdopen(out, "rb")


def only_entry(folder: Any) -> Any:
    with os.scandir(folder) as entries:
        (entry,) = entries
    return entry


class ReadsOnly:
    """The least that can be called a file."""

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda content: content, id="bytes"),
        pytest.param(bytearray, id="bytearray"),
        pytest.param(io.BytesIO, id="file object"),
        pytest.param(at_its_end, id="file object standing at its end"),
        pytest.param(spooled, id="spooled temporary file, just written"),
        pytest.param(Raw, id="stream that cannot be turned back"),
        pytest.param(piped, id="pipe"),
        pytest.param(ReadsOnly, id="object that can be read and no more"),
    ],
)
async def test_content(made: Callable[[bytes], Any]) -> None:
    source = made(JPEG)
    try:
        assert await bytes_of(source) == JPEG
    finally:
        if isinstance(source, io.IOBase | tempfile.SpooledTemporaryFile):
            assert not source.closed
            source.close()


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(str, id="path as a string"),
        pytest.param(Path, id="path"),
        pytest.param(lambda path: only_entry(path.parent), id="entry of a folder"),
        pytest.param(
            lambda path: only_entry(os.fsencode(path.parent)),
            id="entry of a folder in bytes",
        ),
        pytest.param(os.path.relpath, id="relative path"),
    ],
)
async def test_path_is_used_where_it_lies(made: Callable[[Path], Any], tmp_path: Path) -> None:
    path = tmp_path / "a picture, ünïcode.jpg"
    path.write_bytes(JPEG)
    async with opened(made(path), role="image") as media:
        assert isinstance(media, MediaFile)
        assert media.path.samefile(path)
        assert media.suffix == ".jpg"
    assert path.exists()


@pytest.mark.parametrize(
    "mode", ["RGB", "RGBA", "L", "LA", "1", "P", "I;16", "CMYK", "YCbCr", "HSV", "LAB", "F"]
)
async def test_pil_image_of_any_mode(mode: str) -> None:
    content = await bytes_of(Image.new(mode, (32, 24)))
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.size) == ("PNG", (32, 24))


async def test_pil_image_is_turned_as_its_mark_says() -> None:
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[274] = 6
    Image.new("RGB", (32, 24)).save(buffer, "JPEG", exif=exif)
    with Image.open(buffer) as turned:
        content = await bytes_of(turned)
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (24, 32)


@pytest.mark.parametrize(
    ("notes", "kept"),
    [
        pytest.param(b"Exif\0\0garbage", b"garbage", id="garbage"),
        pytest.param(b"Exif\0\0II*\0", b"II*\0", id="cut off"),
    ],
)
async def test_pil_image_with_damaged_notes_is_not_turned(notes: bytes, kept: bytes) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24)).save(buffer, "PNG", exif=notes)
    with Image.open(buffer) as damaged:
        content = await bytes_of(damaged)
    assert kept in content
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (32, 24)


async def test_pil_image_whose_file_is_cut_off() -> None:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(buffer, "PNG")
    with Image.open(io.BytesIO(buffer.getvalue()[:1000])) as image:
        assert "image cannot be read" in (await refusal(image)).message


async def test_pil_image_whose_file_is_closed(portrait: Path) -> None:
    image = Image.open(portrait)
    image.close()
    assert "image cannot be read" in (await refusal(image)).message


async def test_media_file_is_taken_as_it_is(portrait: Path) -> None:
    source = MediaFile(portrait, ".jpg", 3)
    async with opened(source, role="image", local_paths=False) as media:
        assert media is source


@pytest.mark.parametrize(
    ("head", "suffix"),
    [
        pytest.param(JPEG, ".jpg", id="jpeg"),
        pytest.param(b"\x89PNG\r\n\x1a\n", ".png", id="png"),
        pytest.param(b"BM" + bytes(30), ".bmp", id="bmp"),
        pytest.param(b"RIFF\x00\x00\x00\x00WEBPVP8 ", ".webp", id="webp"),
        pytest.param(b"RIFF\x00\x00\x00\x00AVI LIST", ".avi", id="avi"),
        pytest.param(b"\x00\x00\x00\x18ftypisom", ".mp4", id="mp4"),
        pytest.param(b"\x00\x00\x00\x14ftypqt  ", ".mov", id="QuickTime"),
        pytest.param(b"\x00\x00\x00\x18ftypheic", ".heic", id="heic"),
        pytest.param(b"\x1aE\xdf\xa3", ".mkv", id="Matroska"),
        pytest.param(b"hello", "", id="text"),
        pytest.param(b"", "", id="nothing"),
    ],
)
def test_suffix_follows_content(head: bytes, suffix: str) -> None:
    assert suffix_of(head) == suffix


@pytest.mark.parametrize(
    ("name", "content", "suffix"),
    [
        pytest.param("photo.png", JPEG, ".jpg", id="wrong suffix"),
        pytest.param("photo", JPEG, ".jpg", id="no suffix"),
        pytest.param("clip.MP4", b"what is this", ".mp4", id="unknown content keeps its suffix"),
    ],
)
async def test_file_is_named_by_its_content(
    name: str, content: bytes, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    async with opened(path, role="image") as media:
        assert isinstance(media, MediaFile)
        assert media.suffix == suffix


async def test_temporary_file_goes_with_the_block(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    async with opened(JPEG, role="image") as media:
        assert isinstance(media, MediaFile)
        assert media.path.is_relative_to(tmp_path)
        assert media.path.suffix == ".jpg"
    assert list(tmp_path.iterdir()) == []
    await refusal(io.StringIO("text"))
    await refusal(b"")
    assert list(tmp_path.iterdir()) == []


# ── what does not ────────────────────────────────────────────────────────────────────────


def missing(folder: Path) -> Any:
    return folder / "nothing.jpg"


def empty(folder: Path) -> Any:
    path = folder / "empty.jpg"
    path.touch()
    return path


def forbidden(folder: Path) -> Any:
    if os.geteuid() == 0:
        pytest.skip("nothing is forbidden to root")
    path = folder / "forbidden.jpg"
    path.write_bytes(JPEG)
    path.chmod(0)
    return path


def named_pipe(folder: Path) -> Any:
    path = folder / "pipe.jpg"
    os.mkfifo(path)
    return path


def listening_socket(folder: Path) -> Any:
    path = folder / "socket.jpg"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    return path


def broken_link(folder: Path) -> Any:
    path = folder / "link.jpg"
    path.symlink_to(folder / "gone.jpg")
    return path


def endless_link(folder: Path) -> Any:
    path = folder / "loop.jpg"
    path.symlink_to(path)
    return path


def closed_file(folder: Path) -> Any:
    file = io.BytesIO(JPEG)
    file.close()
    return file


class AsyncUpload:
    """What web frameworks hand to an endpoint: its file is to be passed on, not itself."""

    def __init__(self) -> None:
        self.file = io.BytesIO(JPEG)

    async def read(self, size: int = -1) -> bytes:
        return self.file.read(size)

    async def seek(self, offset: int) -> None:
        self.file.seek(offset)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        pytest.param(missing, "does not exist", id="missing file"),
        pytest.param(empty, "is empty", id="empty file"),
        pytest.param(lambda folder: folder, "is a directory", id="directory"),
        pytest.param(lambda _: "", "is an empty text", id="empty string"),
        pytest.param(forbidden, "cannot be read", id="forbidden file"),
        pytest.param(named_pipe, "is not a regular file", id="named pipe"),
        pytest.param(lambda _: "/dev/zero", "is not a regular file", id="endless device"),
        pytest.param(listening_socket, "cannot be read", id="socket"),
        pytest.param(broken_link, "does not exist", id="broken link"),
        pytest.param(endless_link, "cannot be read", id="link to itself"),
        pytest.param(lambda _: "photo\0.jpg", "cannot be read", id="NUL in its name"),
        pytest.param(lambda _: "photo\ud800.jpg", "cannot be read", id="name that is no text"),
        pytest.param(lambda _: "x" * 300, "cannot be read", id="too long a name"),
        pytest.param(lambda _: Path("/etc/hostname/x"), "cannot be read", id="file as a folder"),
        pytest.param(lambda _: "ftp://host/a.jpg", "ftp://", id="scheme nobody knows"),
        pytest.param(lambda _: "file:///a.jpg", "file://", id="file URL"),
        pytest.param(lambda _: "https://host/a b.jpg", "spaces", id="URL with spaces"),
        pytest.param(lambda _: "https://host/a\n.jpg", "control", id="URL with a line break"),
        pytest.param(lambda _: "https://", "host", id="URL without a host"),
        pytest.param(lambda _: "https://[::1/a.jpg", "IPv6", id="URL with half an address"),
        pytest.param(lambda _: "https://host:x/a.jpg", "Port", id="URL with a port of letters"),
        pytest.param(lambda _: "oss://bucket", "file", id="oss URL without a file"),
        pytest.param(lambda _: b"", "is empty", id="no bytes"),
        pytest.param(lambda _: io.BytesIO(), "is empty", id="empty file object"),
        pytest.param(lambda _: io.StringIO("text"), "binary", id="text instead of bytes"),
        pytest.param(lambda _: Path(__file__).open(), "binary", id="file opened as text"),  # noqa: SIM115
        pytest.param(closed_file, "closed", id="closed file"),
        pytest.param(lambda _: AsyncUpload(), ".file", id="upload of a web framework"),
        pytest.param(lambda _: None, "NoneType", id="nothing at all"),
        pytest.param(lambda _: 3, "int", id="number"),
        pytest.param(lambda _: ["a.jpg"], "list", id="list"),
        pytest.param(lambda _: object, "type", id="class"),
    ],
)
async def test_refused(made: Callable[[Path], Any], said: str, tmp_path: Path) -> None:
    source = made(tmp_path)
    error = await refusal(source)
    assert said in str(error)
    assert "image" in error.message
    if isinstance(source, io.IOBase):
        source.close()


async def test_what_was_handed_over_is_not_quoted_at_length() -> None:
    error = await refusal("data:image/png;base64," + "A" * 1_000_000)
    assert len(str(error)) < 1000


@pytest.mark.parametrize(
    "source", [pytest.param("a.jpg", id="string"), pytest.param(Path("a.jpg"), id="path")]
)
async def test_no_local_paths(source: Any, portrait: Path) -> None:
    assert "local_paths" in (await refusal(source, local_paths=False)).message
    async with opened(portrait.read_bytes(), role="image", local_paths=False) as media:
        assert isinstance(media, MediaFile)
    async with opened("http://host/a.jpg", role="image", local_paths=False) as url:
        assert url == "http://host/a.jpg"


async def test_every_fault_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as raised:
        async with opened_all({"image": None, "video": tmp_path}):  # type: ignore[dict-item] # wrong on purpose
            pytest.fail("they were opened")
    assert "the image is of type NoneType" in raised.value.message
    assert "the video" in raised.value.message
    assert "is a directory" in raised.value.message
    assert isinstance(raised.value, ValueError)


async def test_file_that_goes_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(JPEG)
    async with opened(path, role="image") as media:
        path.unlink()
        assert isinstance(media, MediaFile)
        with pytest.raises(SourceError, match=r"a\.jpg"):
            await media.sha256()


# ── strings ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "url"),
    [
        pytest.param("https://host/a.jpg?x=1&y=%20", "https://host/a.jpg?x=1&y=%20", id="as it is"),
        pytest.param("HTTPS://host/a.jpg", "https://host/a.jpg", id="scheme in capitals"),
        pytest.param("https://host/ä.jpg", "https://host/%C3%A4.jpg", id="path in Unicode"),
        pytest.param(
            "https://bücher.de/a.jpg", "https://xn--bcher-kva.de/a.jpg", id="host in Unicode"
        ),
        pytest.param("oss://bucket/dir/a.jpg", "oss://bucket/dir/a.jpg", id="oss"),
    ],
)
async def test_url(text: str, url: str) -> None:
    assert is_url(text)
    assert Url(text) == url
    async with opened(text, role="image") as media:
        assert isinstance(media, Url)
        assert media == url


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("AACT.xxx.yyy-1.z", id="string that begins like one"),
        pytest.param(TemplateId("my-template"), id="said plainly"),
        pytest.param(
            TemplateOutput(
                task_id="t", task_status=TaskStatus.SUCCEEDED, template_id="AACT.xxx.yyy-1.z"
            ),
            id="output of a template task",
        ),
    ],
)
def test_template_id(source: Any) -> None:
    assert isinstance(template_id(source), TemplateId)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("dance.mp4", id="path"),
        pytest.param("https://host/AACT.mp4", id="URL"),
        pytest.param(b"AACT.", id="bytes"),
        pytest.param(None, id="nothing"),
    ],
)
def test_no_template_id(source: Any) -> None:
    assert template_id(source) is None


@pytest.mark.parametrize(
    "text", ["AACT.a b", "AACT.ä", "AACT./..", "AACT." + "x" * 300, "", "AACT.x\n"]
)
def test_malformed_template_id(text: str) -> None:
    with pytest.raises(InputError, match="AACT"):
        TemplateId(text)


def test_pil_is_not_imported_for_other_sources(portrait: Path) -> None:
    code = (
        "import sys, anyio\n"
        "from dashscope_aa._sources import opened\n"
        "async def main():\n"
        "    with open(sys.argv[1], 'rb') as file:\n"
        "        async with opened(file, role='image') as media:\n"
        "            assert media.suffix == '.jpg'\n"
        "anyio.run(main)\n"
        "assert 'PIL' not in sys.modules and 'av' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, str(portrait)], check=True, capture_output=True)
