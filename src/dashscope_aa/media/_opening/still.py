"""Open a picture with Pillow for decoding, with the one decoder for its format."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

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
from dashscope_aa.media._opening.safety import NotReadable, Subject
from dashscope_aa.media._opening.sniff import Format

__all__ = ["open_picture"]

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


@contextmanager
def open_picture(subject: Subject, found: Format) -> Generator[Image.Image]:
    """Open a picture for decoding, with the one decoder for its format.

    Raises:
        NotReadable: what is done to it inside fails on its data.
        ConfigurationError: it is HEIC, and the extra that reads it is missing.
    """
    subject.file.seek(0)
    try:
        with _opened(subject, found) as picture:
            yield picture
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        message = f"it is {found.says}, but cannot be decoded: {error}"
        hint = "Open it in a viewer and save it anew."
        raise NotReadable("damaged", message, hint=hint) from error


def _opened(subject: Subject, found: Format) -> Image.Image:
    if found.name != "heif":
        return Image.open(subject.file, formats=[found.opened_by or "AVIF"])
    try:
        import pillow_heif  # noqa: PLC0415 - an extra, needed for this format alone
    except ImportError as error:
        msg = "HEIC pictures need the package pillow-heif to be converted"
        raise ConfigurationError(msg, hint='Install "dashscope-aa[heif]".') from error
    heif: Any = pillow_heif
    image: Image.Image = heif.open_heif(subject.file).to_pillow()
    return image
