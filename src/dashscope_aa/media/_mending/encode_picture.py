"""A picture that is decoded, changed, paced and encoded as H.264.

FFmpeg's filters deinterlace, turn, crop, scale and pad. The pace is kept here: each frame of the
result shows the newest frame of the source at its time, so that frames are shown twice or left
away, never moved.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import floor
from typing import Any, Final, cast

from av.codec import Codec
from av.container import OutputContainer
from av.error import FFmpegError
from av.filter import Graph
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from dashscope_aa.errors import InputError
from dashscope_aa.media._facts import VideoFacts
from dashscope_aa.media._judging.plan import VideoRecipe
from dashscope_aa.media._mending.deinterlace import Deinterlacer
from dashscope_aa.media._mending.tracks import FINEST, HEVC_TAG, Track, encoded, writing
from dashscope_aa.media._opening.clip import AnyPacket, decoded, time_of
from dashscope_aa.media._opening.safety import NotReadable

__all__ = ["Picture", "check_encoder"]

_CONSTANT_QUALITY: Final = {
    # Against the default preset at 22, measured: 0.55 of the CPU, no larger, and as like the source
    # to 0.003 of SSIM, but for light noise, of which more is kept.
    "libx264": {
        "preset": "veryfast",
        "crf": "21.7",
        "x264-params": "subme=3:me=dia:chroma-me=0:rc-lookahead=20",
    },
    "libx265": {"preset": "veryfast", "crf": "22", "x265-params": "log-level=none"},
}
"""Options of the encoders that take a quality instead of a bit rate."""
_BITS_A_PIXEL: Final = Fraction(15, 100)
"""What an encoder that takes no quality gets."""
_LIMITED_RANGE: Final = 1
"""FFmpeg's AVCOL_RANGE_MPEG: black is 16, as in all common clips."""


class Picture(Track):
    """The picture of the result."""

    def __init__(
        self,
        source: VideoStream,
        output: OutputContainer,
        *,
        facts: VideoFacts,
        recipe: VideoRecipe,
    ) -> None:
        source.thread_type = "AUTO"
        self._facts = facts
        self._recipe = recipe
        self._rate = Fraction(recipe.fps).limit_denominator(FINEST)
        self._frames = max(1, round(recipe.duration_s * self._rate))
        self._start_s = facts.start_s + recipe.start_s
        self._stream = _encoder(output, recipe, self._rate)
        _copy_colours(source, self._stream)
        self._fields = Deinterlacer() if facts.interlaced else None
        self._graphs: dict[tuple[int, int, str], Graph] = {}
        self._held: VideoFrame | None = None
        self._next = 0

    def feed(self, packet: AnyPacket) -> Iterator[AnyPacket]:
        """Decode the packet and encode what it shows."""
        for frame in cast("list[VideoFrame]", decoded(packet)):
            if time_of(frame) is not None:
                yield from self._paced(self._fields.feed(frame) if self._fields else [frame])

    def finish(self) -> Iterator[AnyPacket]:
        """Show the last frame to the end, and empty the encoder.

        Raises:
            NotReadable: there was no frame at all.
        """
        if self._fields:
            yield from self._paced(self._fields.finish())
        if self._held is None:
            message = "none of its frames can be decoded"
            raise NotReadable("damaged", message, hint="Play it, or make it anew.")
        yield from self._show_until(self._frames)
        yield from encoded(self._stream, None)

    def _paced(self, frames: Iterable[VideoFrame]) -> Iterator[AnyPacket]:
        """Show each frame until the next one is due."""
        for frame in frames:
            time_s = time_of(frame) or Fraction(0)
            place = floor((time_s - self._start_s) * self._rate + 0.5)
            yield from self._show_until(min(place, self._frames))
            if place < self._frames or self._held is None:
                self._held = frame

    def _show_until(self, place: int) -> Iterator[AnyPacket]:
        """Show the frame held up to *place*, counted in frames of the result."""
        if self._held is None or place <= self._next:
            return
        shown = self._changed(self._held)
        shown.time_base = 1 / self._rate
        shown.pict_type = PictureType.NONE
        for at in range(self._next, place):
            shown.pts = at
            yield from encoded(self._stream, shown)
        self._next = place
        self.done = place >= self._frames

    def _changed(self, frame: VideoFrame) -> VideoFrame:
        """Send the frame through the filters; a recording may change its shape midway."""
        key = (frame.width, frame.height, frame.format.name)
        if key not in self._graphs:
            self._graphs[key] = _graph(frame, self._facts, self._recipe)
        graph = self._graphs[key]
        graph.vpush(frame)
        return graph.vpull()


def check_encoder(name: str) -> None:
    """Make sure that there is an encoder of that name, for a codec every model takes.

    Raises:
        InputError: there is none.
    """
    try:
        if Codec(name, "w").canonical_name in {"h264", "hevc"}:
            return
    except (FFmpegError, ValueError):
        pass
    msg = f"encoder must be one that PyAV has for H.264 or HEVC, but is {name!r}"
    raise InputError(msg, hint="libx264 is in PyAV's own wheels.")


def _encoder(output: OutputContainer, recipe: VideoRecipe, rate: Fraction) -> VideoStream:
    width, height = recipe.shape.size
    quality, bit_rate = _CONSTANT_QUALITY.get(recipe.encoder), 0
    if quality is not None:
        # Never more than the file may hold.
        quality |= {"maxrate": str(recipe.most_bps), "bufsize": str(recipe.most_bps)}
    else:
        bit_rate = min(recipe.most_bps, round(width * height * rate * _BITS_A_PIXEL))
    with writing():
        stream: VideoStream = cast("Any", output).add_stream(
            recipe.encoder, rate=rate, options=quality, bit_rate=bit_rate
        )
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.codec_context.time_base = 1 / rate
    # PyAV would have each frame cut in slices for the threads: threads would wait for each other.
    stream.thread_type = "AUTO"
    if stream.codec_context.codec.canonical_name == "hevc":
        stream.codec_context.codec_tag = HEVC_TAG
    return stream


def _copy_colours(source: VideoStream, target: VideoStream) -> None:
    """Say of the colours what the source says, so that they are shown alike."""
    found, told = source.codec_context, target.codec_context
    told.color_primaries, told.color_trc = found.color_primaries, found.color_trc
    told.colorspace, told.color_range = found.colorspace, _LIMITED_RANGE


def _graph(frame: VideoFrame, facts: VideoFacts, recipe: VideoRecipe) -> Graph:
    """Build the filters that make of such frames what the recipe says."""
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    nodes = [graph.add(name, arguments) for name, arguments in _filters(facts, recipe)]
    graph.link_nodes(source, *nodes, graph.add("buffersink")).configure()
    return graph


_TURNS: Final = {
    0: (),
    90: (("transpose", "clock"),),
    180: (("hflip", ""), ("vflip", "")),
    270: (("transpose", "cclock"),),
}


def _filters(facts: VideoFacts, recipe: VideoRecipe) -> Iterator[tuple[str, str]]:
    """Name the filters: upright first, then cropped, scaled and padded."""
    if facts.mirrored:
        yield "hflip", ""
    yield from _TURNS[facts.rotation]
    shape = recipe.shape
    if shape.crops:
        across, down = (float(share) for share in shape.crop)
        yield "crop", f"iw*{across:.9f}:ih*{down:.9f}"
    yield "scale", f"{shape.inner[0]}:{shape.inner[1]}:out_range=tv"
    if shape.pads:
        yield "pad", f"{shape.size[0]}:{shape.size[1]}:-1:-1"
    yield "setsar", "1"
    yield "format", "yuv420p"
