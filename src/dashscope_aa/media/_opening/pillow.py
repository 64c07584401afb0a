"""Open a picture with Pillow, and keep it from reading what it is not asked for.

Pillow reads a JPEG's EXIF data for its dots per inch, and warns if they are damaged. Which way up
the picture is we read ourselves (`exif`), and nothing else in there is of interest.
"""

from typing import BinaryIO, Final

from PIL import Image, JpegImagePlugin, UnidentifiedImageError

__all__ = ["open_still"]


class _Jpeg(JpegImagePlugin.JpegImageFile):
    """A JPEG picture without notes; of a stereo pair or one with a gain map, the first."""

    def getexif(self) -> Image.Exif:
        return Image.Exif()


_JPEG: Final = "JPEG"


def open_still(file: BinaryIO, opened_by: str) -> Image.Image:
    """Open a picture from where *file* stands, with the one decoder of that name.

    Raises:
        OSError: that cannot make sense of it; or whatever else it runs into.
    """
    if opened_by == _JPEG:
        return _Jpeg(file)
    try:
        return Image.open(file, formats=[opened_by])
    except UnidentifiedImageError:
        raise OSError("its header makes no sense") from None  # and Pillow's words name the file
