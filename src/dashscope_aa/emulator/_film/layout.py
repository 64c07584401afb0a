"""Where everything goes in an emulated film: plain geometry.

With an image background the photograph is the stage and the clip plays beside it; with a video
background the clip fills the film and the photograph lies on it as a card. Either way the
photograph keeps one place, whole and undistorted, so that it can be found again.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Final, Literal, TypeAlias

Background: TypeAlias = Literal["image", "video"]
Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, width and height in pixels."""
Size: TypeAlias = tuple[int, int]

ASKED_SIZES_PX: Final[dict[str, Size]] = {"9:16": (720, 1280), "3:4": (720, 960)}
"""The two values of ``video_ratio``. Source: S2, OA; 720P tier: OVER."""

TIER_PIXELS: Final = 720 * 1280
LONGEST_EDGE_PX: Final = 1280
GRID_PX: Final = 16
"""3:4 on this grid gives 816 x 1088, as a real run of wan2.2-animate did. Source: public."""

STAGE_SHARE: Final = 2 / 3
CARD_SHARE: Final = 2 / 5
STRIP_SHARE: Final = 1 / 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The places in one film."""

    size_px: Size
    strip: Box
    """The band at the top that says what this film is."""
    portrait: Box
    motion: Box


def lay_out(
    portrait_px: Size, clip_px: Size, *, background: Background, video_ratio: str | None
) -> Layout:
    """Place a photograph and a clip, both given by their size as shown.

    Raises:
        ValueError: *video_ratio* is none that the service knows.
    """
    if background == "video":
        size_px = film_size(clip_px)
    elif video_ratio is None:
        size_px = film_size(portrait_px)
    else:
        size_px = asked_size(video_ratio)
    width, height = size_px
    strip = (0, 0, width, _even(height * STRIP_SHARE))
    if background == "video":
        return Layout(
            size_px=size_px,
            strip=strip,
            portrait=fit(portrait_px, _card_room(size_px)),
            motion=(0, 0, width, height),
        )
    stage, side = _stage_and_side(size_px, top=strip[3])
    return Layout(
        size_px=size_px, strip=strip, portrait=fit(portrait_px, stage), motion=fit(clip_px, side)
    )


def asked_size(video_ratio: str) -> Size:
    """Give the size of a film for a ``video_ratio``."""
    if video_ratio not in ASKED_SIZES_PX:
        raise ValueError(f"video_ratio must be one of {', '.join(ASKED_SIZES_PX)}: {video_ratio}")
    return ASKED_SIZES_PX[video_ratio]


def film_size(shown_px: Size) -> Size:
    """Give the size in the 720P tier that keeps the ratio of *shown_px*, near enough."""
    width, height = shown_px
    scale = min(sqrt(TIER_PIXELS / (width * height)), LONGEST_EDGE_PX / max(width, height))
    film_width = int(width * scale) // GRID_PX * GRID_PX
    return film_width, round(film_width * height / width / GRID_PX) * GRID_PX


def fit(shown_px: Size, room: Box) -> Box:
    """Give the largest box of one shape in the middle of a room, on even pixels."""
    left, top, room_width, room_height = room
    scale = min(room_width / shown_px[0], room_height / shown_px[1])
    width, height = _even(shown_px[0] * scale), _even(shown_px[1] * scale)
    return (
        left + (room_width - width) // 4 * 2,
        top + (room_height - height) // 4 * 2,
        width,
        height,
    )


def _card_room(size_px: Size) -> Box:
    """Give the lower left part of a film, with a margin."""
    width, height = size_px
    card_width, card_height = _even(width * CARD_SHARE), _even(height * CARD_SHARE)
    return GRID_PX, height - GRID_PX - card_height, card_width, card_height


def _stage_and_side(size_px: Size, *, top: int) -> tuple[Box, Box]:
    """Part the film below the strip along its longer edge."""
    width, height = size_px[0], size_px[1] - top
    if width > height:
        stage = _even(width * STAGE_SHARE)
        return (0, top, stage, height), (stage, top, width - stage, height)
    stage = _even(height * STAGE_SHARE)
    return (0, top, width, stage), (0, top + stage, width, height - stage)


def _even(length: float) -> int:
    """Round down to whole pixels of chroma, but never to nothing."""
    return max(2, int(length) // 2 * 2)
