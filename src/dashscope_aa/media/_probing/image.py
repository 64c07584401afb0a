"""Look into a picture: what its header says, without decoding a pixel."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
)

from dashscope_aa.media._containers.boxes import BadBoxes
from dashscope_aa.media._containers.exif import orientation
from dashscope_aa.media._containers.heif import read_still
from dashscope_aa.media._containers.webp import read_webp
from dashscope_aa.media._facts import ImageFacts
from dashscope_aa.media._opening.pillow import open_still
from dashscope_aa.media._opening.safety import IMAGE_PIXELS, NotReadable, Subject
from dashscope_aa.media._opening.sniff import Format

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["UNENCODED", "facts_of_image", "probe_image"]

UNENCODED: Final = "raw"
"""The format of a PIL image, which has no bytes yet."""

# Importing a plugin registers it; otherwise Pillow would import all of them to find one.
_PLUGINS: Final = (
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
)
_ON_ITS_SIDE: Final = range(5, 9)
_PAGES: Final = 1000
_SCANNED_BYTES: Final = 8 * 1024 * 1024
"""How much of a picture is looked through for its frames and its end: more is refused anyway."""
_DAMAGED: Final = "Check that the file is whole: open it in a viewer and save it anew."


def probe_image(subject: Subject, found: Format) -> ImageFacts:
    """Find the facts of a picture.

    Raises:
        NotReadable: it is no picture that can be read.
    """
    try:
        return _READERS.get(found.name, _by_pillow)(subject, found)
    except NotReadable:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        message = f"it claims more than {IMAGE_PIXELS:,} pixels, which are not decoded here"
        raise _too_large(message) from error
    except BadBoxes as error:
        message = f"it is {found.says}, but {error}"
        raise NotReadable(error.reason, message, hint=_DAMAGED) from error
    except Exception as error:  # Pillow's parsers raise whatever they run into
        said = str(error) or type(error).__name__
        message = f"it is {found.says}, but cannot be read: {said}"
        raise NotReadable("damaged", message, hint=_DAMAGED) from error


def facts_of_image(image: Image.Image) -> ImageFacts:
    """Give the facts of a picture in memory, which may be of any format or none yet."""
    return _facts(image, UNENCODED)


def _by_pillow(subject: Subject, found: Format) -> ImageFacts:
    subject.file.seek(0)
    with open_still(subject.file, found.opened_by) as image:
        _check_pixels(*image.size)
        facts = _facts(image, found.name)
        start = subject.file.tell()
        frames = _frames(image, subject)
        return replace(
            facts,
            size_bytes=subject.size_bytes,
            suffix=subject.suffix,
            frames=frames,
            truncated=_is_cut(subject, image.format or "", start=start),
        )


def _by_boxes(subject: Subject, found: Format) -> ImageFacts:
    still = read_still(subject.file, subject.size_bytes)
    width, height = still.size
    _check_pixels(width, height)
    return ImageFacts(
        format=found.name,
        size_bytes=subject.size_bytes,
        width_px=width,
        height_px=height,
        alpha=still.alpha,
        frames=still.frames,
        mode="RGBA" if still.alpha else "RGB",
        truncated=still.truncated,
        suffix=subject.suffix,
    )


def _by_chunks(subject: Subject, found: Format) -> ImageFacts:
    webp = read_webp(subject.file, subject.size_bytes)
    _check_pixels(*webp.size)
    if webp.stated_bytes > subject.size_bytes:
        message = "it is a WebP picture that ends before its pixels do"
        raise NotReadable("truncated", message, hint=_DAMAGED)
    if webp.frames == 0:
        raise NotReadable("damaged", "it is a WebP file without a picture", hint=_DAMAGED)
    turn = orientation(webp.exif)
    width, height = _upright(webp.size, turn)
    return ImageFacts(
        format=found.name,
        size_bytes=subject.size_bytes,
        width_px=width,
        height_px=height,
        alpha=webp.alpha,
        frames=webp.frames,
        mode="RGBA" if webp.alpha else "RGB",
        orientation=turn,
        suffix=subject.suffix,
    )


_READERS: Final = {"webp": _by_chunks, "heif": _by_boxes, "avif": _by_boxes}
"""What reads a format where Pillow would have to decode it, or cannot."""


def _facts(image: Image.Image, name: str) -> ImageFacts:
    # Not by `getexif`, which decodes a PNG to look for it; and Pillow turns a TIFF by itself.
    turn = orientation(image.info.get("exif"))
    width, height = _upright(image.size, turn)
    return ImageFacts(
        format=name,
        size_bytes=0,
        width_px=width,
        height_px=height,
        alpha=image.has_transparency_data,
        mode=image.mode,
        orientation=turn,
    )


def _upright(size: tuple[int, int], turn: int) -> tuple[int, int]:
    width, height = size
    return (height, width) if turn in _ON_ITS_SIDE else (width, height)


def _check_pixels(width: int, height: int) -> None:
    if width * height > IMAGE_PIXELS:
        raise _too_large(f"it is {width} × {height} pixels, more than are decoded here")
    if width * height == 0:
        raise NotReadable("damaged", "it has no pixels", hint=_DAMAGED)


def _too_large(message: str) -> NotReadable:
    return NotReadable("too_large", message, hint="Make a smaller copy of it.")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _frames(image: Image.Image, subject: Subject) -> int:
    """Count frames or pages, within bounds and without decoding them."""
    match image.format:
        case "GIF":
            return max(1, _gif_blocks(subject.head(_SCANNED_BYTES))[0])
        case "TIFF":
            return _tiff_pages(image)
        case _:
            return max(1, getattr(image, "n_frames", 1))


def _is_cut(subject: Subject, name: str, *, start: int) -> bool:
    """True if the end is missing; *start* is where Pillow stopped reading the header."""
    if subject.size_bytes > _SCANNED_BYTES:
        return False
    data = subject.head(subject.size_bytes)
    endings: dict[str, Callable[[], int]] = {
        "JPEG": lambda: data.find(b"\xff\xd9", start),
        "PNG": lambda: data.find(b"IEND", start),
        "GIF": lambda: len(data) - 1 - _gif_blocks(data)[1],
        "BMP": lambda: len(data) - _little(data[2:6]),
    }
    return name in endings and endings[name]() < 0


def _tiff_pages(image: Image.Image) -> int:
    for page in range(1, _PAGES):
        try:
            image.seek(page)
        except EOFError:
            image.seek(0)
            return page
    return _PAGES


_EXTENSION, _IMAGE = 0x21, 0x2C


def _gif_blocks(data: bytes) -> tuple[int, int]:
    """Count the image blocks; give the offset behind them. Source: GIF89a, 18 to 27."""
    at, frames = 13 + _color_table_bytes(data, 10), 0
    while at < len(data) and (block := data[at]) in {_EXTENSION, _IMAGE}:
        if block == _EXTENSION:  # its label, then its contents
            at += 2
        else:  # its place and color table, then its pixels
            frames += 1
            at += 11 + _color_table_bytes(data, at + 9)
        while at < len(data) and data[at]:
            at += data[at] + 1
        at += 1
    return frames, at


def _color_table_bytes(data: bytes, at: int) -> int:
    flags = data[at] if at < len(data) else 0
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0
