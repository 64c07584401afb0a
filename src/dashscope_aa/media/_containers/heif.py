"""Read size, rotation and transparency of HEIC and AVIF pictures from their boxes.

No decoder is needed for that, so phone pictures are judged without the ``heif`` extra.

Source: ISO/IEC 23008-12, 6.5 (ispe, irot, auxC); ISO/IEC 14496-12, 8.11.6 (infe); AV1 Image File
Format.
"""

import re
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from dashscope_aa.media._containers.boxes import BadBoxes, Box, inside, numbers, read, top_boxes
from dashscope_aa.media._containers.movie import Movie, read_index

__all__ = ["Still", "read_still", "without_exif"]

_EXIF_ITEM: Final = re.compile(rb"(infe(?:\x02.{7}|\x03.{9}))Exif", re.DOTALL)
"""What says that an item is EXIF data: behind version, flags, its number and its protection."""


@dataclass(slots=True)
class Still:
    """What the boxes of one picture say."""

    sizes: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Width and height of the picture, of its tiles, its thumbnail and its alpha plane."""
    quarters: int = 0
    """How many quarters the picture is turned, anticlockwise."""
    alpha: bool = False
    """True if there is an alpha plane."""
    frames: int = 1
    """Number of frames; more than 1 for a sequence."""

    truncated: bool = False
    """True if a box promises more bytes than there are."""

    @property
    def size(self) -> tuple[int, int]:
        """Give width and height as shown: those of the largest, turned."""
        width, height = max(self.sizes, key=lambda size: size[0] * size[1])
        return (height, width) if self.quarters % 2 else (width, height)


def read_still(file: BinaryIO, size_bytes: int) -> Still:
    """Read the boxes of a picture.

    Raises:
        BadBoxes: they make no sense, claim too much, or tell no size.
    """
    still = Still()
    for box in top_boxes(file, size_bytes):
        if box.end > size_bytes:
            still.truncated = True
        elif box.kind == b"meta" and not still.sizes:
            # A meta box starts with four bytes of version and flags.
            _read_properties(still, read(file, box)[4:])
        elif box.kind == b"moov":
            movie = Movie()
            read_index(movie, read(file, box))
            still.frames = max([1, *(track.samples for track in movie.tracks)])
    if not still.sizes:
        raise BadBoxes("damaged", "it does not say how large the picture is")
    return still


def _read_properties(still: Still, data: bytes) -> None:
    for box in inside(data, Box(b"meta", 0, 0, len(data))):
        if box.kind == b"ispe":
            width, height = numbers(data, "II", box.body + 4)
            still.sizes.append((width, height))
        elif box.kind == b"irot":
            still.quarters = numbers(data, "B", box.body)[0] % 4
        elif box.kind == b"auxC":
            still.alpha |= b"auxid:1" in data[box.body : box.end]
            still.alpha |= b":alpha" in data[box.body : box.end]


def without_exif(data: bytes) -> bytes:
    """Hide the EXIF data of a picture from its decoder, which may fail if they are damaged.

    Nothing is lost: which way up it is, its own boxes say.
    """
    return _EXIF_ITEM.sub(rb"\1none", data)
