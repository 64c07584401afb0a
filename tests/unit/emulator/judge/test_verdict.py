"""The emulator's judgement of real bytes: each limit at its edge, and files made to harm."""

import os
import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import pytest
from PIL import Image

from dashscope_aa.emulator._judge.limits import CLIP_RULES, PICTURE_RULES, UNREADABLE_CLIP
from dashscope_aa.emulator._judge.verdict import bodystyle, judge_image, judge_video

Family = Literal["animate-anyone", "wan"]
FAMILIES: tuple[Family, Family] = ("animate-anyone", "wan")
PORTRAIT = Path(__file__).parents[4] / "examples" / "portrait.jpg"
EMULATOR = Path(__file__).parents[4] / "src" / "dashscope_aa" / "emulator"
MIB = 1024 * 1024


def image_code(path: Path, family: Family, *, name: str = "") -> str | None:
    refusal = judge_image(path, family=family, name=name)
    return None if refusal is None else refusal.code


def video_code(path: Path, family: Family, *, name: str = "") -> str | None:
    refusal = judge_video(path, family=family, name=name)
    return None if refusal is None else refusal.code


# ── pictures ─────────────────────────────────────────────────────────────────────────────


def picture(folder: Path, size: tuple[int, int], *, format: str = "PNG") -> Path:  # noqa: A002
    """Save a picture with some content."""
    path = folder / "picture"
    Image.linear_gradient("L").resize(size).convert("RGB").save(path, format)
    return path


@pytest.mark.parametrize(
    ("size", "animate_anyone", "wan"),
    [
        pytest.param((512, 512), None, None, id="within every limit"),
        pytest.param((225, 225), None, None, id="just above 224"),
        pytest.param((224, 300), "InvalidFile.Resolution", None, id="exactly 224 is too short"),
        pytest.param((200, 200), "InvalidFile.Resolution", None, id="shortest that wan takes"),
        pytest.param(
            (300, 199), "InvalidFile.Resolution", "InvalidImage.Resolution", id="199 is too short"
        ),
        pytest.param((4096, 2048), None, None, id="longest edge and ratio at once"),
        pytest.param(
            (2100, 4097), "InvalidFile.Resolution", "InvalidImage.Resolution", id="4097 is too long"
        ),
        pytest.param((300, 600), None, None, id="twice as high as wide"),
        pytest.param((300, 601), "InvalidFile.AspectRatio", None, id="more than twice as high"),
        pytest.param((601, 300), "InvalidFile.AspectRatio", None, id="more than twice as wide"),
        pytest.param((250, 750), "InvalidFile.AspectRatio", None, id="three times as high"),
        pytest.param(
            (751, 250),
            "InvalidFile.AspectRatio",
            "InvalidImage.Resolution",
            id="more than three times as wide",
        ),
    ],
)
def test_edges_of_a_picture(
    size: tuple[int, int], animate_anyone: str | None, wan: str | None, tmp_path: Path
) -> None:
    path = picture(tmp_path, size)
    assert image_code(path, "animate-anyone") == animate_anyone
    assert image_code(path, "wan") == wan


@pytest.mark.parametrize(
    ("format", "animate_anyone", "wan"),
    [
        pytest.param("JPEG", None, None, id="jpeg"),
        pytest.param("PNG", None, None, id="png"),
        pytest.param("BMP", None, None, id="bmp"),
        pytest.param("WEBP", "InvalidFile.Format", None, id="webp"),
        pytest.param("GIF", "InvalidFile.Format", "InvalidImage.FileFormat", id="gif"),
        pytest.param("TIFF", "InvalidFile.Format", "InvalidImage.FileFormat", id="tiff"),
        pytest.param("AVIF", "InvalidFile.Format", "InvalidImage.FileFormat", id="avif"),
        pytest.param("PPM", "InvalidFile.Openerror", "InvalidImage.FileFormat", id="unheard of"),
    ],
)
def test_formats_of_a_picture(
    format: str,  # noqa: A002 - Pillow's word
    animate_anyone: str | None,
    wan: str | None,
    tmp_path: Path,
) -> None:
    path = picture(tmp_path, (300, 300), format=format)
    assert image_code(path, "animate-anyone") == animate_anyone
    assert image_code(path, "wan") == wan


@pytest.mark.parametrize(
    ("size_bytes", "animate_anyone", "wan"),
    [
        pytest.param(5 * MIB - 1, None, None, id="a byte less than 5 MiB"),
        pytest.param(5 * MIB, "InvalidFile.Size", None, id="exactly 5 MiB"),
        pytest.param(5 * MIB + 1, "InvalidFile.Size", "InvalidFile.Size", id="a byte more"),
    ],
)
def test_bytes_of_a_picture(
    size_bytes: int, animate_anyone: str | None, wan: str | None, tmp_path: Path
) -> None:
    path = picture(tmp_path, (300, 300), format="JPEG")
    os.truncate(path, size_bytes)
    assert image_code(path, "animate-anyone") == animate_anyone
    assert image_code(path, "wan") == wan


@pytest.mark.parametrize(
    ("name", "animate_anyone", "wan"),
    [
        pytest.param("a.JPG", None, None, id="a known suffix"),
        pytest.param("a.jpeg", None, None, id="a longer suffix"),
        pytest.param("a.png", None, None, id="the suffix of another format"),
        pytest.param("a.bmp", None, None, id="the suffix of a bmp"),
        pytest.param("a.webp", None, None, id="a suffix that only wan knows"),
        pytest.param("a.bin", None, "InvalidImage.FileFormat", id="an unknown suffix"),
        pytest.param("a", None, "InvalidImage.FileFormat", id="no suffix"),
        pytest.param("", None, None, id="no name to judge"),
    ],
)
def test_name_of_a_picture(name: str, animate_anyone: str | None, wan: str | None) -> None:
    assert image_code(PORTRAIT, "animate-anyone", name=name) == animate_anyone
    assert image_code(PORTRAIT, "wan", name=name) == wan


def test_nobody_is_in_a_picture_of_one_colour(tmp_path: Path) -> None:
    codes = ("InvalidFile.NoHuman", "InvalidImage.NoHumanFace")
    Image.new("RGB", (300, 300), "white").save(tmp_path / "blank.jpg")
    for family, code in zip(FAMILIES, codes, strict=True):
        refusal = judge_image(tmp_path / "blank.jpg", family=family, name="blank.jpg")
        assert refusal is not None
        assert refusal.human
        assert refusal.code == code
        assert "human" in refusal.message


def png_head(width_px: int, height_px: int) -> bytes:
    """Give the beginning of a PNG that claims a size."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    head = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + head + struct.pack(">I", 1000) + b"IDAT"


@pytest.mark.parametrize(
    ("data", "animate_anyone"),
    [
        pytest.param(b"", "InvalidFile.Openerror", id="empty"),
        pytest.param(b"<html>not found</html>", "InvalidFile.Openerror", id="a web page"),
        pytest.param(PORTRAIT.read_bytes()[:9000], "InvalidFile.Openerror", id="cut off"),
        pytest.param(png_head(300, 300), "InvalidFile.Openerror", id="a head without a picture"),
        pytest.param(png_head(10_000, 10_000), "InvalidFile.Resolution", id="100 megapixels"),
        pytest.param(png_head(60_000, 60_000), "InvalidFile.Resolution", id="3600 megapixels"),
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_pictures_that_cannot_be_opened(data: bytes, animate_anyone: str, tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(data)
    assert image_code(tmp_path / "x.jpg", "animate-anyone") == animate_anyone
    assert (image_code(tmp_path / "x.jpg", "wan") or "").startswith("InvalidImage.")


def test_a_warning_of_pillow_made_an_error_is_a_verdict_too(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(png_head(10_000, 10_000))
    assert image_code(tmp_path / "x.png", "animate-anyone") == "InvalidFile.Resolution"


@pytest.mark.parametrize(
    ("size", "orientation", "expected"),
    [
        pytest.param((400, 600), 1, "full", id="tall"),
        pytest.param((400, 599), 1, "half", id="not quite tall"),
        pytest.param((600, 400), 1, "half", id="wide"),
        pytest.param((600, 400), 6, "full", id="tall once it is turned"),
    ],
)
def test_bodystyle(size: tuple[int, int], orientation: int, expected: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", size).save(tmp_path / "x.jpg", exif=exif)
    assert bodystyle(tmp_path / "x.jpg") == expected


# ── clips ────────────────────────────────────────────────────────────────────────────────

MakeClip = Callable[..., Path]
from_image: Any = av.VideoFrame.from_image  # PyAV gives it no types


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """Make a clip; unless asked otherwise, two seconds within every limit."""

    def make(  # each argument is one thing that may be wrong with a clip
        *,
        size: tuple[int, int] = (200, 200),
        fps: Fraction | int = 24,
        frames: int | None = None,
        codec: str = "libx264",
        container: str = "mp4",
        pixels: str = "yuv420p",
        shape: Fraction | None = None,
        blank: bool = False,
        options: dict[str, str] | None = None,
    ) -> Path:
        path = tmp_path / f"clip.{container}"
        content = Image.new("RGB", size, "black") if blank else Image.radial_gradient("L")
        frame = from_image(content.resize(size).convert("RGB"))
        with av.open(str(path), "w", format=container, options=options or {}) as clip:
            stream: Any = clip.add_stream(codec, Fraction(fps))
            stream.width, stream.height = size
            stream.pix_fmt = pixels
            stream.options = {"preset": "ultrafast"} if codec.startswith("libx26") else {}
            if shape:
                stream.codec_context.sample_aspect_ratio = shape
            for number in range(round(2 * fps) if frames is None else frames):
                frame.pts, frame.time_base = number, 1 / Fraction(fps)
                clip.mux(stream.encode(frame))
            clip.mux(stream.encode(None))
        return path

    return make


@pytest.mark.parametrize(
    ("wrong", "animate_anyone", "wan"),
    [
        pytest.param({}, None, None, id="within every limit"),
        pytest.param({"fps": 30}, None, None, id="30 fps"),
        pytest.param(
            {"fps": Fraction(24000, 1001)}, "InvalidFile.FPS", None, id="film rate is too slow"
        ),
        pytest.param({"fps": 10}, "InvalidFile.FPS", None, id="10 fps"),
        pytest.param(
            {"frames": 46}, "InvalidFile.Duration", "InvalidVideo.Duration", id="under 2 s"
        ),
        pytest.param({"frames": 47}, None, None, id="2 s but for a frame"),
        pytest.param({"frames": 721}, None, None, id="30 s and a frame"),
        pytest.param({"frames": 722}, None, "InvalidVideo.Duration", id="more than 30 s"),
        pytest.param({"frames": 1441}, None, "InvalidVideo.Duration", id="60 s and a frame"),
        pytest.param(
            {"frames": 1442}, "InvalidFile.Duration", "InvalidVideo.Duration", id="more than 60 s"
        ),
        pytest.param(
            {"size": (199, 300), "pixels": "yuv444p"},
            "InvalidFile.Resolution",
            "InvalidVideo.Resolution",
            id="199 is too narrow",
        ),
        pytest.param({"size": (2048, 700)}, None, None, id="widest"),
        pytest.param(
            {"size": (700, 2049), "pixels": "yuv444p"},
            "InvalidFile.Resolution",
            "InvalidVideo.Resolution",
            id="2049 is too high",
        ),
        pytest.param({"size": (600, 200)}, None, None, id="three times as wide as high"),
        pytest.param(
            {"size": (200, 601), "pixels": "yuv444p"},
            "InvalidFile.AspectRatio",
            "InvalidVideo.Resolution",
            id="more than three times as high",
        ),
        pytest.param(
            {"shape": Fraction(2, 3)},
            "InvalidFile.Resolution",
            "InvalidVideo.Resolution",
            id="too narrow once its pixels are square",
        ),
        pytest.param({"codec": "libx265"}, None, None, id="hevc"),
        pytest.param({"codec": "mpeg4"}, "InvalidFile.Openerror", None, id="mpeg-4 part 2"),
        pytest.param({"container": "avi"}, None, None, id="avi"),
        pytest.param({"container": "mov"}, None, None, id="mov"),
        pytest.param(
            {"container": "matroska"}, "InvalidFile.Format", "InvalidFile.Format", id="mkv"
        ),
        pytest.param({"container": "3gp"}, "InvalidFile.Format", "InvalidFile.Format", id="3gp"),
        pytest.param({"container": "flv"}, "InvalidFile.Format", "InvalidFile.Format", id="flv"),
        pytest.param({"container": "mpegts"}, "InvalidFile.Format", "InvalidFile.Format", id="ts"),
        pytest.param(
            {"blank": True}, "InvalidFile.Content", "InvalidVideo.NoHuman", id="begins black"
        ),
    ],
)
def test_limits_of_a_clip(
    wrong: dict[str, Any], animate_anyone: str | None, wan: str | None, make_clip: MakeClip
) -> None:
    path = make_clip(**wrong)
    assert video_code(path, "animate-anyone") == animate_anyone
    assert video_code(path, "wan") == wan


@pytest.mark.parametrize(
    ("size_bytes", "animate_anyone", "wan"),
    [
        pytest.param(200 * MIB - 1, None, None, id="a byte less than 200 MiB"),
        pytest.param(200 * MIB, "InvalidFile.Size", None, id="exactly 200 MiB"),
        pytest.param(200 * MIB + 1, "InvalidFile.Size", "InvalidFile.Size", id="a byte more"),
    ],
)
def test_bytes_of_a_clip(
    size_bytes: int, animate_anyone: str | None, wan: str | None, make_clip: MakeClip
) -> None:
    path = make_clip()
    os.truncate(path, size_bytes)  # a file with a hole takes no room
    assert video_code(path, "animate-anyone") == animate_anyone
    assert video_code(path, "wan") == wan


@pytest.mark.parametrize(
    ("name", "wan"),
    [
        pytest.param("a.MOV", None, id="a known suffix"),
        pytest.param("a.mp4", None, id="the usual suffix"),
        pytest.param("a.avi", None, id="an old suffix"),
        pytest.param("a.webm", "InvalidFile.Format", id="an unknown suffix"),
        pytest.param("a", "InvalidFile.Format", id="no suffix"),
        pytest.param("", None, id="no name to judge"),
    ],
)
def test_name_of_a_clip(name: str, wan: str | None, make_clip: MakeClip) -> None:
    path = make_clip()
    assert video_code(path, "animate-anyone", name=name) is None
    assert video_code(path, "wan", name=name) == wan


def test_a_black_beginning_is_a_verdict_on_the_person(make_clip: MakeClip) -> None:
    path = make_clip(blank=True)
    for family in FAMILIES:
        refusal = judge_video(path, family=family, name="")
        assert refusal is not None
        assert refusal.human


def patched(path: Path, box: bytes, *, at: int, value: bytes) -> None:
    """Overwrite bytes of the first box of a kind, counted from its name."""
    data = bytearray(path.read_bytes())
    start = data.index(box) + at
    data[start : start + len(value)] = value
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("box", "at", "value"),
    [
        pytest.param(b"stsz", 8, struct.pack(">II", 1, 2**31 - 1), id="sizes of 2 billion samples"),
        pytest.param(b"stts", 12, struct.pack(">I", 2**31 - 1), id="times of 2 billion samples"),
        pytest.param(b"stco", 8, struct.pack(">I", 2**31 - 1), id="places of 2 billion chunks"),
        pytest.param(b"mdia", 0, b"cmov", id="a compressed index"),
    ],
)
def test_table_bombs_are_not_opened(
    box: bytes, at: int, value: bytes, make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_clip()
    patched(path, box, at=at, value=value)
    monkeypatch.setattr(av, "open", lambda *_, **__: pytest.fail("the bomb was opened"))
    for family in FAMILIES:
        assert judge_video(path, family=family, name="") == UNREADABLE_CLIP[family]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"GET / HTTP/1.1\r\n" * 40, id="text"),
        pytest.param(b"<!doctype html><html></html>", id="a web page"),
        pytest.param(PORTRAIT.read_bytes(), id="a picture"),
        pytest.param(b"\0\0\0\x18ftypheic" + bytes(100), id="a picture in the clothes of mp4"),
        pytest.param(b"#EXTM3U\n#EXTINF:2,\nclip.mp4\n#EXT-X-ENDLIST\n", id="a playlist"),
        pytest.param(b"ffconcat version 1.0\nfile clip.mp4\n", id="a list of files"),
        pytest.param(b"v=0\nm=video 1234 RTP/AVP 96\na=rtpmap:96 H264/90000\n", id="a session"),
        pytest.param(b"\0\0\0\x08ftyp" + bytes(1000), id="only zeros behind its head"),
    ],
)
def test_clips_that_cannot_be_opened(data: bytes, make_clip: MakeClip) -> None:
    path = make_clip().with_name("x.mp4")  # a good clip lies beside it
    path.write_bytes(data)
    for family in FAMILIES:
        assert judge_video(path, family=family, name="x.mp4") == UNREADABLE_CLIP[family]


def test_a_clip_without_its_index_cannot_be_opened(make_clip: MakeClip) -> None:
    path = make_clip()
    os.truncate(path, path.stat().st_size // 2)
    assert video_code(path, "animate-anyone") == "InvalidFile.Openerror"


def test_a_cut_clip_is_as_long_as_what_is_left(make_clip: MakeClip) -> None:
    path = make_clip(frames=72, options={"movflags": "faststart"})
    assert video_code(path, "animate-anyone") is None
    os.truncate(path, path.stat().st_size * 2 // 3)
    assert video_code(path, "animate-anyone") == "InvalidFile.Duration"


def test_sound_alone_is_no_clip(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as clip:
        stream = clip.add_stream("aac", 48_000)
        frame = av.AudioFrame("fltp", "stereo", 1024)
        frame.sample_rate = 48_000
        for plane in frame.planes:
            plane.update(bytes(4096))
        for number in range(100):
            frame.pts = number * 1024
            clip.mux(stream.encode(frame))
        clip.mux(stream.encode(None))
    assert video_code(path, "animate-anyone") == "InvalidFile.Openerror"


# ── the table ────────────────────────────────────────────────────────────────────────────


def test_every_limit_has_a_source_and_an_answer() -> None:
    rules: list[Any] = []
    for family in FAMILIES:
        rules += [*PICTURE_RULES[family], *CLIP_RULES[family]]
    for rule in rules:
        assert rule.source
        assert rule.refusal.code.startswith(("InvalidFile.", "InvalidImage.", "InvalidVideo."))
        assert rule.refusal.message.endswith((".", "5MB."))


def test_the_emulator_has_limits_of_its_own() -> None:
    sources = {path.name: path.read_text("utf-8") for path in EMULATOR.rglob("*.py")}
    assert "verdict.py" in sources
    assert [name for name, text in sources.items() if "dashscope_aa.media" in text] == []
