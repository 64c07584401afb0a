"""Draw the pictures of an emulated film, one for each frame."""
# pyright: reportUnknownMemberType=false
# PyAV gives some methods no types.

from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from av.video.frame import VideoFrame
from PIL import Image, ImageDraw, ImageFont, ImageOps

from dashscope_aa.emulator._film.layout import Layout, Size
from dashscope_aa.emulator._reading.open import open_picture

if TYPE_CHECKING:
    from collections.abc import Callable

LABEL: Final = "EMULATED"
STRIP_COLOUR: Final = (24, 24, 32)
LABEL_COLOUR: Final = (255, 255, 255)
MARK_COLOUR: Final = (255, 176, 0)
MARK_STEP_PX: Final = 12


def read_photo(portrait: Path) -> Image.Image:
    """Read the picture upright, on white where it is transparent."""
    with open_picture(portrait) as image:
        upright = ImageOps.exif_transpose(image).convert("RGBA")
    white = Image.new("RGBA", upright.size, "white")
    return Image.alpha_composite(white, upright).convert("RGB")


class Stage:
    """The picture of the film: what stays in place is drawn once."""

    def __init__(self, photo: Image.Image, layout: Layout, *, watermark: str | None) -> None:
        self.motion_px: Size = layout.motion[2:]
        self._motion_at = layout.motion[:2]
        self._canvas = _backdrop(photo, layout.size_px)
        self._strip = _strip(layout.strip[2:])
        self._pasted = [
            (photo.resize(layout.portrait[2:], Image.Resampling.LANCZOS), layout.portrait[:2])
        ]
        if watermark is not None:
            mark = _text(watermark, height_px=layout.strip[3] * 2 // 3)
            width, height = layout.size_px
            self._pasted.append((mark, (width - mark.width - 8, height - mark.height - 8)))

    def picture(self, motion: Image.Image, *, number: int) -> VideoFrame:
        """Draw the frame of that number."""
        self._canvas.paste(motion, self._motion_at)
        for image, place in self._pasted:
            self._canvas.paste(image, place)
        self._canvas.paste(self._strip, (0, 0))
        self._move_mark(number)
        return _frame_of(self._canvas)

    def _move_mark(self, number: int) -> None:
        """Let a mark wander along the strip: no two frames are alike, even of a still clip."""
        side = max(4, self._strip.height // 4)
        left = number * MARK_STEP_PX % (self._strip.width - side)
        box = (left, self._strip.height - side, left + side, self._strip.height - 1)
        ImageDraw.Draw(self._canvas).rectangle(box, fill=MARK_COLOUR)


def _frame_of(image: Image.Image) -> VideoFrame:
    from_image = cast("Callable[[Image.Image], VideoFrame]", VideoFrame.from_image)
    return from_image(image)


def _backdrop(photo: Image.Image, size_px: Size) -> Image.Image:
    """Blur the photograph beyond recognition and darken it."""
    blurred = photo.resize((6, 6), Image.Resampling.BOX).resize(size_px, Image.Resampling.BICUBIC)
    return Image.blend(blurred, Image.new("RGB", size_px), 0.5)


def _strip(size_px: Size) -> Image.Image:
    strip = Image.new("RGB", size_px, STRIP_COLOUR)
    label = _text(LABEL, height_px=size_px[1] * 3 // 4)
    strip.paste(label, ((size_px[0] - label.width) // 2, 0))
    return strip


def _text(text: str, *, height_px: int) -> Image.Image:
    """Draw a line of text on a plate of its own."""
    font = ImageFont.load_default(height_px * 2 / 3)
    plate = Image.new("RGB", (int(font.getlength(text)) + height_px, height_px), STRIP_COLOUR)
    middle = (plate.width / 2, plate.height / 2)
    ImageDraw.Draw(plate).text(middle, text, fill=LABEL_COLOUR, font=font, anchor="mm")
    return plate
