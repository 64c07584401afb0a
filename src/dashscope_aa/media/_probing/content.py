"""What a clip shows, as far as it can be judged without knowing people: cuts and the first frame.

A template wants one continuous take and a clear first frame. A hard cut is a change that stands
out from the motion around it, does not go back as a flash does, and is more than a change of
light. Dissolves and fades are not found: nothing that was tried finds them without false alarms.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, zip_longest
from operator import mul
from os import cpu_count
from typing import Final, cast

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from PIL import Image, ImageChops, ImageFilter, ImageStat

from dashscope_aa.media._facts import Content, FirstFrame, VideoFacts
from dashscope_aa.media._opening.clip import decoded, open_clip, packets_of, picture_stream
from dashscope_aa.media._opening.safety import PLAY_IT, NotReadable, Subject
from dashscope_aa.media._opening.sniff import Format

__all__ = ["cuts", "grey", "look_at_content", "measured"]

_WIDE: Final = (160, 90)
_TALL: Final = (90, 160)
"""Sizes frames are compared at, in pixels."""
_AROUND: Final = 6
"""How many differences on either side a difference is compared with."""
_OVER_MEAN: Final = 3.0
"""A cut differs by this many times the mean of what is around it (measured)."""
_OVER_MOST: Final = 1.5
"""And by this many times the most: else it is a flash, a stutter or a run of fast motion."""
_LEAST: Final = 4.0
"""And by at least this many of 255 levels: less comes from the encoder alone."""
_LIGHT: Final = 0.5
"""If new brightness explains more than this part of the difference, the light changed."""
_MOST_THREADS: Final = 16
"""The most FFmpeg takes by itself. Else it takes one more than there are cores: that costs time."""
_FIRST_SIZE_PX: Final = 320
_BLOCKS: Final = 8
_BRIGHTEST: Final = 0.95


def look_at_content(subject: Subject, found: Format, facts: VideoFacts) -> Content:
    """Decode a clip and look at it.

    Raises:
        NotReadable: it cannot be decoded.
    """
    first = _first_of(subject, found)
    size = _TALL if facts.coded_width_px < facts.coded_height_px else _WIDE
    # What FFmpeg would decode a frame for, the decoder learns from the first one anyway.
    with open_clip(subject, found, undecoded=True) as clip:
        stream = picture_stream(clip)
        _hurry(stream)
        times_s = list(cuts(_greys(subject, _frames(clip, stream), size)))
    return Content(tuple(round(time_s - facts.start_s, 3) for time_s in times_s), first)


def _first_of(subject: Subject, found: Format) -> FirstFrame:
    """Measure the first frame; with all smoothing, for its sharpness depends on that."""
    with open_clip(subject, found, undecoded=True) as clip:
        for frame in _frames(clip, picture_stream(clip)):
            return first_frame(frame)
    message = f"it is {found.says} of which not one frame can be decoded"
    raise NotReadable("damaged", message, hint=PLAY_IT)


def _hurry(stream: VideoStream) -> None:
    """Decode what other frames build on only, and not to the last polish."""
    stream.thread_type = "AUTO"
    context = stream.codec_context
    context.thread_count = min(cpu_count() or 1, _MOST_THREADS)
    context.options = {**context.options, "skip_loop_filter": "all"}
    context.skip_frame = "NONREF"


def _frames(clip: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    for packet in packets_of(clip, stream):
        yield from cast("list[VideoFrame]", decoded(packet))


def grey(
    frame: VideoFrame, size: tuple[int, int], *, scaler: VideoReformatter, scaling: Interpolation
) -> Image.Image:
    """Make a small grey picture of a frame."""
    small = scaler.reformat(frame, *size, "gray", interpolation=scaling, threads=1)
    plane = small.planes[0]
    return Image.frombuffer("L", size, bytes(plane), "raw", "L", plane.line_size, 1)


# ── cuts ─────────────────────────────────────────────────────────────────────────────────


def _greys(
    subject: Subject, frames: Iterable[VideoFrame], size: tuple[int, int]
) -> Iterator[tuple[float, Image.Image]]:
    scaler = VideoReformatter()  # one for all: setting it up takes longer than scaling
    for frame in frames:
        subject.checkpoint()
        if frame.pts is not None:
            small = grey(frame, size, scaler=scaler, scaling=Interpolation.FAST_BILINEAR)
            yield frame.time, small


@dataclass(frozen=True, slots=True)
class _Change:
    """A change from one frame to the next that may be a cut."""

    time_s: float
    before: Image.Image
    after: Image.Image
    size: float


def cuts(greys: Iterable[tuple[float, Image.Image]]) -> Iterator[float]:
    """Give the times at which a new scene begins."""
    sizes: list[float] = []
    candidates: dict[int, _Change] = {}
    for (_, before), (time_s, after) in pairwise(greys):
        size = difference(before, after)
        if size >= max([_LEAST, *(_OVER_MOST * last for last in sizes[-_AROUND:])]):
            candidates[len(sizes)] = _Change(time_s, before, after, size)
        sizes.append(size)
    found: list[_Change] = []
    for at, change in candidates.items():
        around = sizes[max(0, at - _AROUND) : at] + sizes[at + 1 : at + 1 + _AROUND]
        if _stands_out(change.size, around) and not _relit(change):
            found.append(change)
    yield from (change.time_s for change in _without_blinding(found))


def difference(one: Image.Image, other: Image.Image) -> float:
    """Give the mean difference of two grey pictures in levels."""
    counts = ImageChops.difference(one, other).histogram()
    total: int = sum(map(mul, counts, range(256)))
    return total / sum(counts)


def _stands_out(change: float, around: list[float]) -> bool:
    if not around:
        return False
    mean = sum(around) / len(around)
    return change >= _OVER_MEAN * mean and change >= _OVER_MOST * max(around)


def _relit(change: _Change) -> bool:
    """Tell whether the same scene is seen in other light.

    Asked both ways, for any scene can be dimmed until it looks like a wall.
    """
    before, after = change.before, change.after
    return _explains(before, after, change.size) and _explains(after, before, change.size)


def _without_blinding(changes: Sequence[_Change]) -> Iterator[_Change]:
    """Leave out light in which nothing is seen, or none, where the same scene comes back."""
    back = None
    for change, following in zip_longest(changes, changes[1:]):
        if change is back:
            continue
        back = following if following and _is_blinding(change, following) else None
        if back is None:
            yield change


def _is_blinding(change: _Change, following: _Change) -> bool:
    seen, again = change.before, following.after
    # Two scenes that have nothing in common differ by more than the contrast of one.
    return (
        _explains(seen, change.after, change.size)
        and _explains(again, following.before, following.size)
        and difference(seen, again) < _LIGHT * ImageStat.Stat(seen).stddev[0]
    )


def _explains(seen: Image.Image, shown: Image.Image, size: float) -> bool:
    """Tell whether other light makes of what was seen what is shown."""
    matched = seen.point(_levels(seen.histogram(), shown.histogram()))
    return difference(matched, shown) < _LIGHT * size


def _levels(old: list[int], new: list[int]) -> list[int]:
    """Give for each level the one that as many pixels of the other picture are below."""
    reached = list(accumulate(new))
    return [min(255, bisect_left(reached, below)) for below in accumulate(old)]


# ── the first frame ──────────────────────────────────────────────────────────────────────

_LAPLACE: Final = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128)


def first_frame(frame: VideoFrame) -> FirstFrame:
    """Measure a frame."""
    scale = _FIRST_SIZE_PX / max(frame.width, frame.height)
    size = (
        max(2 * _BLOCKS, round(frame.width * scale)),
        max(2 * _BLOCKS, round(frame.height * scale)),
    )
    return measured(grey(frame, size, scaler=VideoReformatter(), scaling=Interpolation.AREA))


def measured(picture: Image.Image) -> FirstFrame:
    """Measure a grey picture."""
    edges = picture.filter(_LAPLACE)
    return FirstFrame(
        brightness=_percentile(picture.histogram(), _BRIGHTEST),
        contrast=ImageStat.Stat(picture).stddev[0],
        sharpness=max(ImageStat.Stat(block).stddev[0] for block in _blocks(edges)),
    )


def _percentile(histogram: list[int], share: float) -> float:
    return float(bisect_left(list(accumulate(histogram)), share * sum(histogram)))


def _blocks(picture: Image.Image) -> Iterator[Image.Image]:
    """Cut off the border, where there is no Laplacian, and give the rest in blocks."""
    width, height = (picture.width - 2) // _BLOCKS, (picture.height - 2) // _BLOCKS
    for across in range(_BLOCKS):
        for down in range(_BLOCKS):
            left, top = 1 + across * width, 1 + down * height
            yield picture.crop((left, top, left + width, top + height))
