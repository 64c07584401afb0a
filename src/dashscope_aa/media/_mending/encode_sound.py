"""Sound that is decoded and encoded as AAC, in step with the picture.

FFmpeg's resampler fills gaps with silence, so that sound which starts late, breaks off or is cut
stays where it was in time.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final, cast

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import BlockingIOError as NotYetError
from av.error import EOFError as EndError
from av.filter import Graph

from dashscope_aa.media._judging.plan_video import SOUND_BPS
from dashscope_aa.media._mending.tracks import Track, encoded, writing
from dashscope_aa.media._opening.clip import AnyPacket, codec_of, decoded, is_decodable, time_of
from dashscope_aa.media._opening.safety import NotReadable

__all__ = ["Sound"]

_RATES_HZ: Final = (48_000, 44_100, 32_000, 24_000, 22_050, 16_000)
"""Sample rates that every player of AAC knows; others become the first."""
_AAC_SAMPLES: Final = 1024
"""Samples in a packet of AAC."""


class Sound(Track):
    """The sound of the result."""

    def __init__(
        self, source: AudioStream, output: OutputContainer, *, start_s: float, duration_s: float
    ) -> None:
        if not is_decodable(source):
            message = f"its sound is coded as {codec_of(source)!r}, which is not read here"
            raise NotReadable("format", message, hint='Leave it away: sound="drop".')
        found = source.codec_context
        self._start_s = start_s
        self._rate = found.sample_rate if found.sample_rate in _RATES_HZ else _RATES_HZ[0]
        self._layout = "mono" if found.channels == 1 else "stereo"
        self._samples = round(duration_s * self._rate)
        with writing():
            self._stream: AudioStream = cast("Any", output).add_stream(
                "aac", rate=self._rate, bit_rate=SOUND_BPS
            )
            self._stream.layout = self._layout
        self._graph: Graph | None = None
        self._shape: tuple[str, str, int] | None = None

    def feed(self, packet: AnyPacket) -> Iterator[AnyPacket]:
        """Decode the packet and encode what is heard."""
        for frame in cast("list[AudioFrame]", decoded(packet)):
            shape = (frame.format.name, frame.layout.name, frame.sample_rate)
            time_s = time_of(frame)
            if time_s is None or shape != (self._shape or shape):
                continue
            self._shape = shape
            frame.pts = round((time_s - self._start_s) * frame.sample_rate)
            frame.time_base = Fraction(1, frame.sample_rate)
            yield from self._encoded(frame)

    def finish(self) -> Iterator[AnyPacket]:
        """Empty filter and encoder."""
        if self._graph is not None:
            yield from self._encoded(None)
        yield from encoded(self._stream, None)

    def _encoded(self, frame: AudioFrame | None) -> Iterator[AnyPacket]:
        """Send a frame through the filters, and encode what comes out; None empties them."""
        if self._graph is None and frame is not None:
            self._graph = self._filters(frame)
        for ready in _filtered(self._graph, frame):
            yield from encoded(self._stream, ready)

    def _filters(self, frame: AudioFrame) -> Graph:
        graph = Graph()
        nodes = (
            graph.add_abuffer(
                sample_rate=frame.sample_rate,
                format=frame.format.name,
                layout=frame.layout.name,
                time_base=frame.time_base,
            ),
            graph.add("aresample", f"{self._rate}:async=1:first_pts=0"),
            graph.add("aformat", f"fltp:{self._rate}:{self._layout}"),
            graph.add("atrim", f"end_sample={self._samples}"),
            graph.add("abuffersink"),
        )
        graph.link_nodes(*nodes).configure()
        graph.set_audio_frame_size(_AAC_SAMPLES)
        return graph


def _filtered(graph: Graph | None, frame: AudioFrame | None) -> Iterator[AudioFrame]:
    if graph is None:
        return
    try:
        graph.push(frame)
        while True:
            yield cast("AudioFrame", graph.pull())
    except (NotYetError, EndError):
        return  # nothing more for now, or for good: what is kept has ended
