"""The facts of every picture of the corpus, and what is done about those that are none."""

import io
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dashscope_aa.media._containers.boxes import BadBoxes
from dashscope_aa.media._containers.heif import read_still
from dashscope_aa.media._facts import ImageFacts
from dashscope_aa.media._opening.subjects import subject_of
from dashscope_aa.media._probing.image import facts_of_image
from dashscope_aa.media._probing.look import look


@dataclass(frozen=True)
class Picture:
    """What a picture of the corpus is like; the defaults are those of most."""

    format: str
    shown: tuple[int, int] = (300, 400)
    mode: str = "RGB"
    more: dict[str, Any] = field(default_factory=dict)


ALPHA = {"alpha": True}

PICTURES = {
    "photo.jpg": Picture("jpeg"),
    "photo.jpeg": Picture("jpeg"),
    "photo.png": Picture("png"),
    "photo.bmp": Picture("bmp"),
    "photo.webp": Picture("webp"),
    "photo.gif": Picture("gif", mode="P"),
    "photo.tiff": Picture("tiff"),
    "photo.avif": Picture("avif"),
    "phone.heic": Picture("heif"),
    "turned.jpg": Picture("jpeg", (400, 300), more={"orientation": 6}),
    "turned.webp": Picture("webp", (400, 300), more={"orientation": 8}),
    "turned.png": Picture("png", more={"orientation": 3}),
    "turned.tiff": Picture("tiff", (400, 300)),
    "turned.heic": Picture("heif"),  # in HEIC files the EXIF orientation has no say
    "stereo.jpg": Picture("jpeg"),
    "grey.jpg": Picture("jpeg", mode="L"),
    "print.jpg": Picture("jpeg", mode="CMYK"),
    "deep.png": Picture("png", mode="I;16"),
    "clear.png": Picture("png", mode="RGBA", more=ALPHA),
    "clear.webp": Picture("webp", mode="RGBA", more=ALPHA),
    "clear.avif": Picture("avif", mode="RGBA", more=ALPHA),
    "clear.heic": Picture("heif", mode="RGBA", more=ALPHA),
    "palette.png": Picture("png", mode="P", more=ALPHA),
    "dance.gif": Picture("gif", mode="P", more={"frames": 3}),
    "dance.webp": Picture("webp", mode="RGBA", more={"frames": 3, **ALPHA}),
    "dance.avif": Picture("avif", more={"frames": 3}),
    "pages.tiff": Picture("tiff", more={"frames": 3}),
    "edge_199.jpg": Picture("jpeg", (199, 300)),
    "edge_200.jpg": Picture("jpeg", (200, 300)),
    "edge_224.jpg": Picture("jpeg", (224, 300)),
    "edge_225.jpg": Picture("jpeg", (225, 300)),
    "edge_4096.jpg": Picture("jpeg", (2048, 4096)),
    "edge_4097.jpg": Picture("jpeg", (2049, 4097)),
    "ratio_over_2.jpg": Picture("jpeg", (300, 602)),
    "ratio_over_3.jpg": Picture("jpeg", (300, 902)),
    "heavy.bmp": Picture("bmp", (1330, 1330)),
    "cut.jpg": Picture("jpeg", more={"truncated": True}),
    "cut.png": Picture("png", more={"truncated": True}),
}

UNREADABLE = {
    "bomb.png": "too_large",
    "clip.jpg": "wrong_kind",
    "empty.jpg": "empty",
    "cut_header.jpg": "damaged",
    "page.jpg": "html",
}


def facts(source: object) -> Any:
    with subject_of(source, checkpoint=lambda: None) as subject:
        return look(subject, "image")


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in PICTURES])
def test_facts_of_a_picture(corpus: Path, name: str) -> None:
    if not (corpus / name).exists():
        pytest.skip("made by pillow-heif, which is not installed")
    picture, found = PICTURES[name], facts(corpus / name)
    assert isinstance(found, ImageFacts), found
    assert (found.format, found.mode) == (picture.format, picture.mode)
    assert (found.width_px, found.height_px) == picture.shown
    assert found.size_bytes == (corpus / name).stat().st_size
    usual = {"alpha": False, "frames": 1, "orientation": 1, "truncated": False, "kind": "image"}
    for fact, value in {**usual, "suffix": Path(name).suffix, **picture.more}.items():
        assert getattr(found, fact) == value, fact


@pytest.mark.parametrize(
    ("name", "reason"), [pytest.param(*row, id=row[0]) for row in UNREADABLE.items()]
)
def test_no_picture(corpus: Path, name: str, reason: str) -> None:
    found = facts(corpus / name)
    assert (found.reason, found.kind) == (reason, "image")
    assert found.hint


def test_every_picture_of_the_corpus_has_a_row(corpus: Path) -> None:
    endings = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tiff", ".avif", ".heic"}
    pictures = {path.name for path in corpus.iterdir() if path.suffix in endings}
    made_by_an_extra = {name for name in PICTURES if name.endswith(".heic")}
    assert pictures | made_by_an_extra == PICTURES.keys() | UNREADABLE.keys()


@pytest.mark.parametrize(
    "name", [pytest.param(name, id=name) for name in ("turned.jpg", "turned.webp", "turned.tiff")]
)
def test_size_is_that_of_the_upright_picture(corpus: Path, name: str) -> None:
    found = facts(corpus / name)
    with Image.open(corpus / name) as image:
        # The decoded picture, turned as its EXIF data still say.
        image.load()
        turned = image.getexif().get(0x0112, 1) >= 5
        size = image.size[::-1] if turned else image.size
    assert (found.width_px, found.height_px) == size


def test_a_picture_in_memory() -> None:
    found = facts_of_image(Image.new("LA", (30, 40)))
    assert (found.format, found.size_bytes, found.alpha, found.mode) == ("raw", 0, True, "LA")
    assert (found.width_px, found.height_px) == (30, 40)


@pytest.mark.parametrize(
    "format_", [pytest.param(name, id=name) for name in ("JPEG", "PNG", "GIF", "BMP")]
)
@pytest.mark.parametrize("part", [0.55, 0.8, 0.99])
def test_a_cut_picture_is_seen(format_: str, part: float) -> None:
    data = io.BytesIO()
    Image.effect_noise((64, 64), 80).convert("RGB").save(data, format=format_)
    whole = data.getvalue()
    assert facts(whole).truncated is False
    assert facts(whole[: int(len(whole) * part)]).truncated is True


def test_a_cut_webp_picture_cannot_be_read(corpus: Path) -> None:
    assert facts((corpus / "photo.webp").read_bytes()[:-10]).reason == "truncated"


@pytest.mark.parametrize(
    ("chunk", "size"),
    [
        pytest.param(
            b"VP8X" + bytes(8) + b"\xff\xff\x00\xff\xff\x00", "65536 × 65536", id="canvas"
        ),
        pytest.param(
            b"VP8L" + bytes(5) + b"\xff\xff\xff\x0f" + bytes(9), "16384 × 16384", id="lossless"
        ),
        pytest.param(
            b"VP8 " + bytes(10) + b"\xff\x3f\xff\x3f" + bytes(9), "16383 × 16383", id="lossy"
        ),
    ],
)
def test_a_webp_bomb_is_not_opened(chunk: bytes, size: str) -> None:
    found = facts(b"RIFF" + struct.pack("<I", 100) + b"WEBP" + chunk)
    assert (found.reason, size in found.message) == ("too_large", True)


def webp(**options: Any) -> bytes:
    data = io.BytesIO()
    Image.effect_noise((64, 48), 80).convert("RGB").save(data, format="WEBP", **options)
    return data.getvalue()


class Counting(io.BytesIO):
    """A file that counts what is read of it, and goes on far beyond what it holds."""

    read_bytes = 0

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None
        assert size >= 0, "all that there is was asked for"
        data = super().read(size)
        self.read_bytes += len(data)
        return data


@pytest.mark.parametrize(
    "options", [pytest.param({"lossless": one}, id=f"lossless {one}") for one in (True, False)]
)
def test_what_follows_a_webp_picture_is_not_read(options: dict[str, Any]) -> None:
    data = webp(**options)
    file = Counting(data + bytes(2**22))
    found = facts(file)
    assert (found.width_px, found.height_px, found.alpha, found.frames) == (64, 48, False, 1)
    assert found.size_bytes == len(data) + 2**22
    assert file.read_bytes < 8192


@pytest.mark.parametrize(
    "chunk",
    [
        pytest.param(b"VP8X" + struct.pack("<I", 10) + bytes(10), id="a canvas alone"),
        pytest.param(b"VP8L" + struct.pack("<I", 10) + bytes(10), id="pixels without a signature"),
    ],
)
def test_a_webp_file_without_a_picture(chunk: bytes) -> None:
    found = facts(b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk)
    assert (found.reason, "without a picture" in found.message) == ("damaged", True)


# ── notes beside the picture ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "exif",
    [
        pytest.param(b"Exif\0\0garbage", id="garbage"),
        pytest.param(b"Exif\0\0II*\0", id="cut off"),
    ],
)
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_damaged_notes_do_no_harm(format_: str, exif: bytes) -> None:
    data = io.BytesIO()
    Image.new("RGB", (30, 40)).save(data, format=format_, exif=exif)
    found = facts(data.getvalue())
    assert isinstance(found, ImageFacts), found
    assert (found.width_px, found.height_px, found.orientation) == (30, 40, 1)


def test_frames_are_counted_within_bounds() -> None:
    data = io.BytesIO()
    pages = [Image.new("1", (1, 1)) for _ in range(1100)]
    pages[0].save(data, format="TIFF", save_all=True, append_images=pages[1:])
    assert facts(data.getvalue()).frames == 1000


# ── pictures made of boxes ───────────────────────────────────────────────────────────────


def box(kind: bytes, *contents: bytes) -> bytes:
    body = b"".join(contents)
    return struct.pack(">I", len(body) + 8) + kind + body


def heic(*properties: bytes) -> bytes:
    meta = box(b"meta", bytes(4), box(b"iprp", box(b"ipco", *properties)))
    return box(b"ftyp", b"heic", bytes(4), b"mif1heic") + meta


def size(width: int, height: int) -> bytes:
    return box(b"ispe", bytes(4), struct.pack(">II", width, height))


TURNED = box(b"irot", b"\x01")
CLEAR = box(b"auxC", bytes(4), b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(heic(size(30, 40)), (30, 40, False), id="one picture"),
        pytest.param(heic(size(512, 512), size(3024, 4032)), (3024, 4032, False), id="tiles"),
        pytest.param(heic(size(30, 40), TURNED), (40, 30, False), id="turned by a quarter"),
        pytest.param(heic(size(30, 40), CLEAR), (30, 40, True), id="with an alpha plane"),
    ],
)
def test_a_phone_picture(data: bytes, expected: tuple[int, int, bool]) -> None:
    found = facts(data)
    assert (found.width_px, found.height_px, found.alpha) == expected
    assert (found.format, found.truncated) == ("heif", False)


def test_a_phone_picture_without_its_pixels() -> None:
    assert facts(heic(size(30, 40)) + struct.pack(">I", 999) + b"mdat").truncated is True


def test_a_phone_picture_too_large() -> None:
    assert facts(heic(size(65535, 65535))).reason == "too_large"


def test_a_phone_picture_without_a_size() -> None:
    data = heic()
    assert facts(data).reason == "damaged"
    with pytest.raises(BadBoxes, match="does not say how large"):
        read_still(io.BytesIO(data), len(data))
