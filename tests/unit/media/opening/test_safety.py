"""Files that are hostile, and paths that look like what they are not."""

import errno
import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import av
import pytest
from av.error import FFmpegError

from dashscope_aa.errors import SourceError
from dashscope_aa.media._opening.clip import is_decodable, open_clip, picture_stream
from dashscope_aa.media._opening.safety import (
    DECODERS,
    DEMUXERS,
    FFMPEG_OPTIONS,
    NotReadable,
    ffmpeg_path,
    open_path,
    recognise,
    suffix_of,
)
from dashscope_aa.media._opening.subjects import subject_of
from dashscope_aa.media._probe import probe
from dashscope_aa.media._probing.look import look

MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("concat:h264.ts|h264.ts", id="concat"),
        pytest.param("subfile,,start,0,end,0,,:h264.mp4", id="subfile"),
        pytest.param("async:h264.mp4", id="async"),
        pytest.param("data:text/plain;base64,I0VYVE0zVQ==", id="data"),
        pytest.param("http:h264.mp4", id="http without slashes"),
        pytest.param("pipe:0", id="pipe"),
    ],
)
def test_a_path_that_looks_like_a_protocol_is_a_path(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(corpus)
    with pytest.raises(SourceError, match="No such file"):
        open_path(Path(path))


@pytest.mark.parametrize("name", ["concat:x.mp4", "http:x.mp4", "a%20b|c.mp4", "-i.mp4", "ü.mp4"])
def test_a_file_may_have_any_name(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes((corpus / "silent.mp4").read_bytes())
    with subject_of(name, checkpoint=lambda: None) as subject:
        found = look(subject, "video")
    assert getattr(found, "frames", found) == 75


@pytest.mark.parametrize(
    "what",
    [
        pytest.param("missing.mp4", id="a missing file"),
        pytest.param("", id="a directory"),
        pytest.param("pipe", id="a named pipe"),
        pytest.param("a\0b", id="a path with a zero in it"),
    ],
)
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, what: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="cannot be read"):
        open_path(Path(f"{tmp_path}/{what}"))


class Failing(io.BytesIO):
    """A file on a disk that fails."""

    name = "dance.mp4"

    def read(self, _: int | None = -1, /) -> bytes:
        raise OSError(errno.EIO, "Input/output error")


class Endless(io.BytesIO):
    """A file that does not say how long it is, as some of the kernel's."""

    name = "dance.mp4"

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if whence == io.SEEK_END:
            raise OSError(errno.EINVAL, "Invalid argument")
        return super().seek(offset, whence)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("file", "message"),
    [
        pytest.param(Failing(b"x"), r"dance\.mp4: it cannot be read: Input/output", id="disk"),
        pytest.param(Endless(b"x"), r"dance\.mp4 cannot be read: Invalid argument", id="no end"),
    ],
)
async def test_a_file_that_cannot_be_read_is_told(file: io.BytesIO, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        await probe(file)


def test_ffmpeg_gets_an_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert ffmpeg_path(Path("concat:a|b")) == f"file:{tmp_path}/concat:a|b"


@pytest.mark.parametrize(
    ("demuxer", "contents"),
    [
        pytest.param("hls", b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nx.ts\n", id="HLS"),
        pytest.param("concat", b"ffconcat version 1.0\nfile x.ts\n", id="ffconcat"),
        pytest.param("sdp", b"v=0\nm=video 5004 RTP/AVP 96\n", id="SDP"),
    ],
)
def test_no_playlist_is_followed_whatever_it_is_named(
    corpus: Path, tmp_path: Path, demuxer: str, contents: bytes
) -> None:
    (tmp_path / "x.ts").write_bytes((corpus / "h264.ts").read_bytes())
    path = tmp_path / "dance.mp4"
    path.write_bytes(contents)
    with subject_of(path, checkpoint=lambda: None) as subject:
        found = look(subject, None)
    assert getattr(found, "reason", found) == "playlist"
    # Even if it were handed to FFmpeg, and even if that was told what it is.
    for format_ in (None, demuxer):
        with pytest.raises(FFmpegError):
            av.open(ffmpeg_path(path), format=format_, options=FFMPEG_OPTIONS)


def test_no_network_protocol_is_spoken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        port = listener.getsockname()[1]
        with pytest.raises(FFmpegError):
            av.open(f"http://127.0.0.1:{port}/x.mp4", options=FFMPEG_OPTIONS)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_the_lists_name_what_ffmpeg_has() -> None:
    assert all(av.format.ContainerFormat(name, "r").is_input for name in DEMUXERS)
    for name in DECODERS:
        assert av.Codec(name, "r").name == name


def test_a_pixel_bomb_is_not_decoded(corpus: Path) -> None:
    with (
        subject_of(corpus / "bomb_pixels.avi", checkpoint=lambda: None) as subject,
        open_clip(subject, recognise(subject, "video")) as container,
    ):
        picture = picture_stream(container)
        assert is_decodable(picture)
        with pytest.raises(FFmpegError):
            next(container.decode(picture))


def test_what_goes_wrong_while_a_clip_is_open_is_said_in_our_words(corpus: Path) -> None:
    with (
        subject_of(corpus / "silent.mp4", checkpoint=lambda: None) as subject,
        pytest.raises(NotReadable, match="an mp4 clip, but cannot be read"),
        open_clip(subject, recognise(subject, "video")),
    ):
        raise av.InvalidDataError(1, "bad data")


@pytest.mark.parametrize(
    ("path", "suffix"),
    [
        pytest.param("a/b.MP4", ".mp4", id="in capitals"),
        pytest.param("a.b/c", None, id="of a folder"),
        pytest.param(r"C:\clips\a.mov", ".mov", id="on Windows"),
        pytest.param(".hidden", None, id="a hidden file"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_suffix_of(path: str, suffix: str | None) -> None:
    assert suffix_of(path) == suffix


@pytest.mark.skipif(sys.platform != "linux", reason="the fuzzer asks Linux about memory")
def test_a_moment_of_fuzzing(corpus: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", "2", "--seed", "7", "--corpus", str(corpus)]
    root = Path(__file__).parents[4]
    said = subprocess.run(command, check=False, cwd=root, capture_output=True, text=True)
    assert said.stdout.endswith("0 faults\n"), said.stdout + said.stderr
    assert "answers: " in said.stdout


WATCHED = """
import sys
from pathlib import Path
import av, PIL.Image
from dashscope_aa.media._probing.look import look
from dashscope_aa.media._opening.subjects import subject_of
from dashscope_aa.media._probing import image, video

def peak_bytes():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024

before = peak_bytes()
for path in sorted(Path(sys.argv[1]).iterdir()):
    with subject_of(path, checkpoint=lambda: None) as subject:
        look(subject, None)
print(peak_bytes() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the most memory ever in use")
def test_the_whole_corpus_takes_little_memory(corpus: Path) -> None:
    command = [sys.executable, "-c", WATCHED, str(corpus)]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    assert int(said.stdout) < 300 * MEBIBYTE
