"""Width and height that keep the limits: crop, pad and scale, in plain numbers.

As little as possible is done: nothing is scaled up beyond the least allowed, nor down beyond
the most, and the ratio is touched only if asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Final, Literal, TypeAlias

from dashscope_aa.media._judging.limits import Limit

__all__ = ["Fit", "Frame", "Shape", "reshape"]

Fit: TypeAlias = Literal["pad", "crop"]
"""What to do about a ratio that is not allowed: add bars, or cut the edges off."""

Size: TypeAlias = tuple[int, int]
Exact: TypeAlias = tuple[Fraction, Fraction]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What width and height must keep to."""

    shorter: Limit
    """Limit of the shorter side in pixels."""
    longer: Limit
    """Limit of the longer side in pixels."""
    ratio: Limit
    """Limit of the longer side over the shorter."""
    step_px: int = 1
    """Sides must be a multiple of it: 2 for encoders that halve the colours."""

    def keeps_sides(self, size: Size) -> bool:
        """Tell whether both sides are within their limits."""
        return self.shorter.allows(min(size)) and self.longer.allows(max(size))

    def keeps_ratio(self, width: Fraction | int, height: Fraction | int) -> bool:
        """Tell whether the ratio is within its limit."""
        return self.ratio.allows(Fraction(max(width, height)) / min(width, height))


@dataclass(frozen=True, slots=True)
class Shape:
    """How a picture gets its new width and height: crop, then scale, then pad."""

    crop: tuple[Fraction, Fraction]
    """Share of width and height that is kept, around the middle."""
    inner: Size
    """Width and height in pixels to scale to."""
    size: Size
    """Width and height in pixels in the end; larger than `inner` if bars are added."""

    @property
    def crops(self) -> bool:
        """True if an edge is cut off."""
        return self.crop != WHOLE

    @property
    def pads(self) -> bool:
        """True if bars are added."""
        return self.inner != self.size


WHOLE: Final = (Fraction(1), Fraction(1))


def reshape(
    size: Size, frame: Frame, *, fit: Fit | None = None, crop_to: Fraction | None = None
) -> Shape:
    """Find the least change that makes *size* keep the limits.

    Args:
        size: Width and height as shown.
        frame: The limits.
        fit: How to mend a ratio that is not allowed; None leaves it as it is.
        crop_to: Ratio of width to height to crop to first.
    """
    exact: Exact = (Fraction(size[0]), Fraction(size[1]))
    cropped = _cropped(exact, crop_to) if crop_to else exact
    bent = not frame.keeps_ratio(*cropped)
    if bent and fit == "crop":
        cropped = _cropped(cropped, _nearest_ratio(cropped, frame))
    canvas = _padded(cropped, _nearest_ratio(cropped, frame)) if bent and fit == "pad" else cropped
    scale = _scale(canvas, frame)
    wide = (canvas[0] * scale, canvas[1] * scale)
    final = _rounded(wide, frame)
    inner = final if canvas == cropped else _inside(cropped, scale, final, frame.step_px)
    return Shape((cropped[0] / exact[0], cropped[1] / exact[1]), inner, final)


def _cropped(size: Exact, ratio: Fraction) -> Exact:
    """Cut width or height so that width over height is *ratio*."""
    width, height = size
    return (min(width, height * ratio), min(height, width / ratio))


def _padded(size: Exact, ratio: Fraction) -> Exact:
    """Widen width or height so that width over height is *ratio*."""
    width, height = size
    return (max(width, height * ratio), max(height, width / ratio))


def _nearest_ratio(size: Exact, frame: Frame) -> Fraction:
    most = Fraction(frame.ratio.bounds[1] or 1)
    return most if size[0] > size[1] else 1 / most


def _scale(size: Exact, frame: Frame) -> Fraction:
    """Give the factor nearest to 1 that brings both sides within their limits.

    Where none does, the ratio is not allowed, and the longer side keeps its limit.
    """
    most = Fraction(_most(frame.longer)) / max(size)
    return min(max(Fraction(1), Fraction(_least(frame.shorter)) / min(size)), most)


def _least(limit: Limit) -> int:
    bound = ceil(limit.bounds[0] or 1)
    return bound if limit.allows(bound) else bound + 1


def _most(limit: Limit) -> int:
    bound = floor(limit.bounds[1] or 0)
    return bound if limit.allows(bound) else bound - 1


def _rounded(size: Exact, frame: Frame) -> Size:
    """Round to whole steps, near by, so that the limits are still kept."""
    nearest = sorted(_around(size, frame.step_px), key=lambda near: _distance(near, size))
    if not frame.keeps_ratio(*size):
        return next(filter(frame.keeps_sides, nearest), nearest[0])
    fitting = (near for near in nearest if frame.keeps_sides(near) and frame.keeps_ratio(*near))
    return next(fitting, nearest[0])


def _around(size: Exact, step: int) -> Iterator[Size]:
    """Give the sizes of whole steps around *size*, two steps to either side."""
    width, height = (floor(side / step) for side in size)
    for across in range(-1, 3):
        for down in range(-1, 3):
            yield max(step, (width + across) * step), max(step, (height + down) * step)


def _distance(near: Size, size: Exact) -> Fraction:
    return abs(near[0] - size[0]) + abs(near[1] - size[1])


def _inside(size: Exact, scale: Fraction, canvas: Size, step: int) -> Size:
    """Give the size of the picture on its canvas."""
    width, height = (
        min(side, max(step, round(exact * scale / step) * step))
        for exact, side in zip(size, canvas, strict=True)
    )
    return width, height
