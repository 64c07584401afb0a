"""Open a picture with Pillow for decoding, with the one decoder for its format."""

import io
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from dashscope_aa.errors import ConfigurationError
from dashscope_aa.media._containers.exif import orientation
from dashscope_aa.media._containers.heif import without_exif
from dashscope_aa.media._containers.webp import stated_bytes
from dashscope_aa.media._opening.pillow import open_still
from dashscope_aa.media._opening.safety import NotReadable, Subject
from dashscope_aa.media._opening.sniff import Format

__all__ = ["open_picture", "turned_upright"]

# Importing a plugin registers it; otherwise Pillow would import all of them to find one.
_PLUGINS: Final = (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
_READ_WHOLE: Final = frozenset(("webp", "avif", "heif"))
"""Formats whose decoders take all of a file into memory, more than once."""
_WHOLE_BYTES: Final = 64 * 1024 * 1024
"""How large a picture of those formats may be."""
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation; Pillow turns the other way round."""


@contextmanager
def open_picture(subject: Subject, found: Format) -> Generator[Image.Image]:
    """Open a picture for decoding, with the one decoder for its format.

    Raises:
        NotReadable: what is done to it inside fails on its data, or it is too large for memory.
        ConfigurationError: it is HEIC, and the extra that reads it is missing.
    """
    file = _whole(subject, found) if found.name in _READ_WHOLE else subject.file
    file.seek(0)
    try:
        with _opened(file, found) as picture:
            yield picture
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        message = f"it is {found.says}, but cannot be decoded: {error}"
        hint = "Open it in a viewer and save it anew."
        raise NotReadable("damaged", message, hint=hint) from error


def turned_upright(picture: Image.Image) -> Image.Image:
    """Turn a picture as its EXIF data say, if they can be read; an upright one is not copied.

    Pillow's own way fails on damaged data.
    """
    turn = _TURNS.get(orientation(picture.info.get("exif")))
    return picture if turn is None else picture.transpose(turn)


def _whole(subject: Subject, found: Format) -> BinaryIO:
    """Give what belongs to the picture: behind a WebP picture there may be anything.

    Raises:
        NotReadable: it is too large.
    """
    size_bytes = subject.size_bytes
    if found.name == "webp":
        size_bytes = min(size_bytes, stated_bytes(subject.head()))
    if size_bytes > _WHOLE_BYTES:
        message = (
            f"it is {found.says} of {size_bytes} bytes, but of that format at most {_WHOLE_BYTES} "
            "are decoded here"
        )
        raise NotReadable(
            "too_large", message, hint="Make a smaller copy of it, or save it as jpg."
        )
    data = subject.head(size_bytes)
    return io.BytesIO(data if found.name == "webp" else without_exif(data))


def _opened(file: BinaryIO, found: Format) -> Image.Image:
    if found.name != "heif":
        return open_still(file, found.opened_by or "AVIF")
    try:
        import pillow_heif  # noqa: PLC0415 - an extra, needed for this format alone
    except ImportError as error:
        msg = "HEIC pictures need the package pillow-heif to be converted"
        raise ConfigurationError(msg, hint='Install "dashscope-aa[heif]".') from error
    heif: Any = pillow_heif
    image: Image.Image = heif.open_heif(file).to_pillow()
    return image
