"""Pictures are mended without a change that nobody asked for."""

import io
import os
import struct
import sys
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageDraw

from dashscope_aa._engines import AnimateAnyone, Engine, WanAnimate
from dashscope_aa.errors import ConfigurationError, PreflightError, SourceError
from dashscope_aa.media._convert import Converted, convert
from dashscope_aa.media._facts import ImageFacts
from dashscope_aa.media._preflight import preflight

AA = AnimateAnyone()
WAN = WanAnimate(mode="wan-std")
RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 160, 30), (30, 30, 220), (250, 250, 250)


def mend(source: Any, target: Path, **options: Any) -> Converted:
    """Convert, wait for it, and make sure that what comes out passes."""
    engine: Engine = options.setdefault("engine", AA)
    made = anyio.run(partial(convert, source, target, **options))
    assert anyio.run(partial(preflight, target, engine=engine)).findings == ()
    return made


def quarters(size: tuple[int, int] = (300, 400)) -> Image.Image:
    """Draw a picture with a colour in each corner."""
    image = Image.new("RGB", size, WHITE)
    width, height = size[0] // 2, size[1] // 2
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, width, height), fill=RED)
    pen.rectangle((width, 0, size[0], height), fill=GREEN)
    pen.rectangle((0, height, width, size[1]), fill=BLUE)
    return image


def corners(path: Path) -> list[str]:
    """Name the colours in the corners, from top left, row by row."""
    names = {RED: "red", GREEN: "green", BLUE: "blue", WHITE: "white"}
    with Image.open(path) as image:
        right, bottom = image.width - 10, image.height - 10
        places = [(10, 10), (right, 10), (10, bottom), (right, bottom)]
        found = [image.convert("RGB").getpixel(place) for place in places]
    return [min(names.items(), key=lambda item: _off(item[0], at))[1] for at in found]


def _off(one: Any, other: Any) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    "name",
    [
        *("photo.webp", "photo.gif", "photo.avif", "photo.tiff", "clear.webp", "clear.avif"),
        *("dance.gif", "dance.webp", "dance.avif", "pages.tiff", "turned.webp", "turned.tiff"),
        *("heavy.bmp", "print.jpg", "deep.png", "edge_199.jpg", "edge_224.jpg", "edge_4097.jpg"),
        *("phone.heic", "turned.heic", "clear.heic", "turned.jpg", "turned.png"),
    ],
)
def test_corpus(corpus: Path, tmp_path: Path, name: str) -> None:
    if not (corpus / name).exists():
        pytest.skip("no encoder for it was there when the corpus was made")
    made = mend(corpus / name, tmp_path / "made.jpg")
    expected = made.plan.after
    assert isinstance(made.facts, ImageFacts)
    assert (made.facts.format, made.facts.mode) == ("jpeg", "RGB")
    assert (made.facts.width_px, made.facts.height_px) == (expected.width_px, expected.height_px)
    assert made.facts.size_bytes < 5_000_000
    assert made.steps


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_by_exif(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    quarters().save(tmp_path / "turned.webp", exif=exif, lossless=True)
    mend(tmp_path / "turned.webp", tmp_path / "made.png")
    # EXIF 2.3, tag 274: where row 0 and column 0 of what is stored are to be shown.
    assert (
        corners(tmp_path / "made.png")
        == {
            1: ["red", "green", "blue", "white"],
            2: ["green", "red", "white", "blue"],
            3: ["white", "blue", "green", "red"],
            4: ["blue", "white", "red", "green"],
            5: ["red", "blue", "green", "white"],
            6: ["blue", "red", "white", "green"],
            7: ["white", "green", "blue", "red"],
            8: ["green", "white", "red", "blue"],
        }[orientation]
    )


ON_ITS_SIDE = b"Exif\0\0II*\0\x08\0\0\0\2\0" + struct.pack("<HHII", 274, 3, 1, 6)


@pytest.mark.parametrize(
    ("exif", "expected"),
    [
        pytest.param(b"Exif\0\0garbage", ["red", "green", "blue", "white"], id="garbage"),
        pytest.param(b"Exif\0\0II*\0", ["red", "green", "blue", "white"], id="cut off"),
        pytest.param(
            # The name of a camera, too long to be there.
            ON_ITS_SIDE + struct.pack("<HHIII", 0x010F, 2, 9999, 90000, 0),
            ["blue", "red", "white", "green"],
            id="damaged behind the turn",
        ),
    ],
)
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_damaged_notes_are_left_behind(
    tmp_path: Path, format_: str, exif: bytes, expected: list[str]
) -> None:
    source = tmp_path / "notes"
    quarters().save(source, format=format_, exif=exif)
    mend(source, tmp_path / "made.png", crop_to="1:1")
    assert corners(tmp_path / "made.png") == expected


@pytest.mark.parametrize("order", [b"II*\0", b"MM\0*"])
def test_damaged_notes_of_an_avif_picture_are_left_behind(tmp_path: Path, order: bytes) -> None:
    exif, data = Image.Exif(), io.BytesIO()
    exif.endian = "<" if order.startswith(b"I") else ">"
    exif[0x0112], exif[0x010E] = 6, "taken at home"
    quarters().save(data, format="AVIF", exif=exif)
    assert order in data.getvalue()
    (tmp_path / "notes.avif").write_bytes(data.getvalue().replace(order, b"what"))
    mend(tmp_path / "notes.avif", tmp_path / "made.png")
    assert corners(tmp_path / "made.png") == ["blue", "red", "white", "green"]


def test_what_follows_a_webp_picture_is_not_decoded(tmp_path: Path) -> None:
    with (tmp_path / "padded.webp").open("wb") as file:
        quarters().save(file, format="WEBP")
        file.truncate(2**30)
    mend(tmp_path / "padded.webp", tmp_path / "made.jpg")
    assert corners(tmp_path / "made.jpg") == ["red", "green", "blue", "white"]


def test_a_picture_too_large_for_memory_is_refused(corpus: Path, tmp_path: Path) -> None:
    source = tmp_path / "padded.avif"
    source.write_bytes((corpus / "photo.avif").read_bytes())
    os.truncate(source, 2**30)
    with pytest.raises(SourceError, match="at most 67108864 are decoded here"):
        mend(source, tmp_path / "made.jpg")


def test_what_was_stored_beside_the_pixels_stays_behind(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "taken at home"
    quarters().save(tmp_path / "a.jpg", exif=exif)
    mend(tmp_path / "a.jpg", tmp_path / "made.jpg")
    assert b"taken at home" not in (tmp_path / "made.jpg").read_bytes()


def test_transparent_parts_become_white(tmp_path: Path) -> None:
    image = quarters().convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 150, 200))
    image.save(tmp_path / "clear.webp", lossless=True)
    mend(tmp_path / "clear.webp", tmp_path / "made.jpg")
    assert corners(tmp_path / "made.jpg") == ["white", "green", "blue", "white"]


def test_deep_greys_are_scaled_and_not_cut_off(tmp_path: Path) -> None:
    deep = Image.new("I;16", (300, 400), 257 * 100)
    deep.save(tmp_path / "deep.png")
    mend(tmp_path / "deep.png", tmp_path / "made.png")
    with Image.open(tmp_path / "made.png") as image:
        assert image.getpixel((150, 200)) == (100, 100, 100)


def test_a_colour_profile_is_applied_and_left_away(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    quarters().save(tmp_path / "a.webp", icc_profile=profile.tobytes(), lossless=True)
    mend(tmp_path / "a.webp", tmp_path / "made.png")
    with Image.open(tmp_path / "made.png") as image:
        assert "icc_profile" not in image.info
    assert corners(tmp_path / "made.png") == ["red", "green", "blue", "white"]


def test_a_broken_colour_profile_is_passed_over(tmp_path: Path) -> None:
    quarters().save(tmp_path / "a.webp", icc_profile=b"no profile", lossless=True)
    mend(tmp_path / "a.webp", tmp_path / "made.png")
    with Image.open(tmp_path / "made.png") as image:
        assert "icc_profile" not in image.info
    assert corners(tmp_path / "made.png") == ["red", "green", "blue", "white"]


@pytest.mark.parametrize("name", ["made.jpg", "made.png"])
def test_bytes_are_brought_under_the_limit(tmp_path: Path, name: str) -> None:
    noise = Image.frombytes("RGB", (950, 1890), os.urandom(950 * 1890 * 3))
    noise.save(tmp_path / "noise.bmp")
    made = mend(tmp_path / "noise.bmp", tmp_path / name)
    assert made.facts.size_bytes < 5_000_000
    assert abs(made.facts.height_px / made.facts.width_px - 1890 / 950) < 0.01


@pytest.mark.parametrize(
    ("options", "size", "expected"),
    [
        pytest.param({"fit": "crop"}, (300, 600), ["red", "green", "blue", "white"], id="crop"),
        pytest.param({"crop_to": "9:16"}, (300, 533), ["red", "green", "blue", "white"], id="9:16"),
        pytest.param({"crop_to": "3:4"}, (300, 400), ["red", "green", "blue", "white"], id="3:4"),
    ],
)
def test_crops(
    tmp_path: Path, options: dict[str, str], size: tuple[int, int], expected: list[str]
) -> None:
    quarters((300, 900)).save(tmp_path / "tall.png")
    made = mend(tmp_path / "tall.png", tmp_path / "made.png", **options)
    assert (made.facts.width_px, made.facts.height_px) == size
    assert corners(tmp_path / "made.png") == expected


def test_pads_with_bars(tmp_path: Path) -> None:
    quarters((300, 900)).save(tmp_path / "tall.png")
    mend(tmp_path / "tall.png", tmp_path / "made.png", fit="pad")
    with Image.open(tmp_path / "made.png") as image:
        assert image.size == (450, 900)
        assert [image.getpixel((x, 20)) for x in (10, 100, 350, 440)] == [
            (0, 0, 0),
            RED,
            GREEN,
            (0, 0, 0),
        ]


def test_what_is_fine_is_copied_byte_by_byte(corpus: Path, tmp_path: Path) -> None:
    made = mend(corpus / "photo.jpg", tmp_path / "made.jpg")
    assert made.plan.empty
    assert (tmp_path / "made.jpg").read_bytes() == (corpus / "photo.jpg").read_bytes()


@pytest.mark.parametrize("form", ["bytes", "file", "PIL image"])
def test_sources(corpus: Path, tmp_path: Path, form: str) -> None:
    data = (corpus / "photo.webp").read_bytes()
    sources: dict[str, Any] = {
        "bytes": data,
        "file": io.BytesIO(data),
        "PIL image": Image.open(io.BytesIO(data)),
    }
    made = mend(sources[form], tmp_path / "made.jpg")
    assert (made.facts.width_px, made.facts.height_px) == (300, 400)


def test_a_ratio_is_not_changed_unasked(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match=r'fit="pad" or fit="crop"') as caught:
        mend(corpus / "ratio_over_2.jpg", tmp_path / "made.jpg")
    assert [finding.code for finding in caught.value.report.findings] == ["I105"]
    assert not (tmp_path / "made.jpg").exists()
    mend(corpus / "ratio_over_2.jpg", tmp_path / "made.jpg", engine=WAN)


@pytest.mark.parametrize("name", ["cut.jpg", "cut.png"])
def test_what_is_missing_cannot_be_mended(corpus: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(PreflightError, match="file must be whole, but is cut off"):
        mend(corpus / name, tmp_path / "made.jpg")


def test_damage_behind_the_header_is_said(corpus: Path, tmp_path: Path) -> None:
    data = bytearray((corpus / "photo.webp").read_bytes())
    data[60:2000] = bytes(1940)
    with pytest.raises(SourceError, match="cannot be decoded"):
        mend(bytes(data), tmp_path / "made.jpg")
    assert not any(tmp_path.iterdir())


def test_heic_without_its_reader(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not (corpus / "phone.heic").exists():
        pytest.skip("no encoder for it was there when the corpus was made")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ConfigurationError, match=r"dashscope-aa\[heif\]"):
        mend(corpus / "phone.heic", tmp_path / "made.jpg")


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    size=st.tuples(st.integers(20, 1200), st.integers(20, 1200)),
    form=st.sampled_from(["PNG", "WEBP", "GIF", "TIFF", "BMP", "JPEG"]),
    mode=st.sampled_from(["RGB", "L", "P", "RGBA"]),
    engine=st.sampled_from([AA, WAN]),
    fit=st.sampled_from(["pad", "crop"]),
)
def test_any_picture_comes_out_fit(
    tmp_path: Path, size: tuple[int, int], form: str, mode: str, engine: Engine, fit: str
) -> None:
    drawn = quarters(size).convert("RGB" if form in {"BMP", "JPEG"} else mode)
    drawn.save(tmp_path / "drawn", format=form)
    mend(tmp_path / "drawn", tmp_path / "made.jpg", engine=engine, fit=fit)
