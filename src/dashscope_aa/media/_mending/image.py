"""Carry out a plan for a picture: decode, turn, crop, scale, pad, store as JPEG or PNG.

What is written has no EXIF data: the turn stored there is applied, and where a photo was taken
is nobody's business.
"""

import io
from collections.abc import Callable
from dataclasses import replace
from math import ceil, sqrt
from pathlib import Path
from typing import Any, Final, cast

from PIL import Image, ImageCms

from dashscope_aa.media._judging.limits import AtMost
from dashscope_aa.media._judging.plan import ImageRecipe
from dashscope_aa.media._judging.shape import Shape, reshape
from dashscope_aa.media._opening.safety import Subject
from dashscope_aa.media._opening.sniff import Format
from dashscope_aa.media._opening.still import open_picture, turned_upright
from dashscope_aa.media._target import WriteError, end_of

__all__ = ["convert_image"]

_QUALITIES: Final = (95, 90, 85, 75)
"""JPEG qualities tried in turn until the file is small enough; then it is scaled down."""
_SMALLER: Final = 0.95
"""How much smaller at least, each time."""
_ENDS: Final = {"jpeg": b"\xff\xd9", "png": b"IEND\xaeB`\x82"}
"""What a whole file of each format ends with."""
_DEEP: Final = ("I", "F")
"""Modes of more than 8 bits begin so; Pillow would cut their values off instead of scaling."""
_DEEPEST: Final = 65535


def convert_image(subject: Subject, found: Format, part: Path, *, recipe: ImageRecipe) -> None:
    """Write to *part* what the recipe says.

    Raises:
        NotReadable: the pixels cannot be decoded.
        WriteError: the result cannot be written.
        ConfigurationError: it is HEIC, and the extra that reads it is missing.
    """
    with open_picture(subject, found) as picture:
        subject.checkpoint()
        if found.name == "jpeg":
            picture.draft("RGB", _enough(recipe.shape))
        picture.load()
        subject.checkpoint()
        upright = turned_upright(picture)
    subject.checkpoint()
    shaped = _shaped(_plain(upright), recipe.shape)
    subject.checkpoint()
    _store(shaped, part, recipe=recipe, checkpoint=subject.checkpoint)


def _enough(shape: Shape) -> tuple[int, int]:
    """Give a size to which the decoder may halve a large picture without loss to the result."""
    edge = ceil(max(shape.inner) / min(shape.crop))
    return edge, edge


def _plain(picture: Image.Image) -> Image.Image:
    """Give it as RGB in the usual colour space, transparent parts on white."""
    profile = picture.info.get("icc_profile")
    if picture.has_transparency_data:
        clear, picture = picture.convert("RGBA"), Image.new("RGB", picture.size, "white")
        picture.paste(clear, mask=clear)  # unlike alpha_composite it lets go of the interpreter
    elif picture.mode.startswith(_DEEP):
        picture = _eight_bits(picture)
    plain = _usual_colours(picture, profile) if profile else _rgb(picture)
    plain.info.clear()  # Pillow would write the profile and what else was in the file
    return plain


def _eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode == "F":
        _, most = picture.getextrema()
        scale = 255 / (float(str(most)) or 1)
    else:
        picture, scale = picture.convert("I"), 255 / _DEEPEST
    return picture.point(lambda value: value * scale).convert("L")


def _usual_colours(picture: Image.Image, profile: bytes) -> Image.Image:
    """Convert from the picture's colour space to sRGB, which everybody assumes."""
    usual: Any = cast("Any", ImageCms).createProfile("sRGB")
    try:
        found = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(picture, found, usual, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        converted = None  # a profile that is broken or meant for other channels
    return converted or _rgb(picture)


def _rgb(picture: Image.Image) -> Image.Image:
    """Convert to RGB; what is RGB would only be copied."""
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _shaped(picture: Image.Image, shape: Shape) -> Image.Image:
    """Crop, scale and pad."""
    width, height = picture.size
    across, down = (float(share) for share in shape.crop)
    left, top = width * (1 - across) / 2, height * (1 - down) / 2
    box = (left, top, width - left, height - top)
    if shape.crops or picture.size != shape.inner:
        picture = picture.resize(shape.inner, Image.Resampling.LANCZOS, box)
    if not shape.pads:
        return picture
    canvas = Image.new("RGB", shape.size)
    canvas.paste(picture, _middle(shape))
    return canvas


def _middle(shape: Shape) -> tuple[int, int]:
    return (shape.size[0] - shape.inner[0]) // 2, (shape.size[1] - shape.inner[1]) // 2


def _store(
    picture: Image.Image, part: Path, *, recipe: ImageRecipe, checkpoint: Callable[[], None]
) -> None:
    """Encode it, with less quality and then smaller, until it fits."""
    qualities = _QUALITIES if recipe.format == "jpeg" else _QUALITIES[:1]
    while True:
        size_bytes = 0
        for quality in qualities:
            checkpoint()
            size_bytes = _encode(picture, part, format_=recipe.format, quality=quality)
            if size_bytes <= recipe.most_bytes:
                return
        scale = min(_SMALLER, sqrt(recipe.most_bytes / size_bytes))
        smaller = AtMost(int(max(picture.size) * scale))
        shape = reshape(picture.size, replace(recipe.frame, longer=smaller))
        picture = picture.resize(shape.size, Image.Resampling.LANCZOS)


def _encode(picture: Image.Image, part: Path, *, format_: str, quality: int) -> int:
    """Write it to *part* and give its size in bytes.

    Pillow lets go of the interpreter while it encodes to a file, and holds it if to memory.
    """
    try:
        picture.save(part, format=format_, quality=quality)
    except OSError as error:
        raise WriteError(error.strerror or str(error)) from error
    return end_of(part, expected=_ENDS[format_])
