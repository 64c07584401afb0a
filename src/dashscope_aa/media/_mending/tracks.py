"""One stream on its way from a clip into another: copied here, encoded anew next door.

A track takes the packets of its stream and gives those of the result, with times counted from
the beginning of what is kept. What goes wrong on the result's side is raised as `WriteError`,
so that it is not taken for a fault of the source.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from math import ceil, floor
from typing import Any, Final, cast

from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from av.frame import Frame
from av.video.stream import VideoStream

from dashscope_aa.media._mending.opened import DecodingTimes, Untold
from dashscope_aa.media._opening.clip import AnyPacket, codec_of
from dashscope_aa.media._target import WriteError

__all__ = [
    "FINEST",
    "HEVC_TAG",
    "Copy",
    "Track",
    "encoded",
    "writing",
]

FINEST: Final = 1001
"""Frame rates are taken for fractions no finer than 30000/1001."""
HEVC_TAG: Final = "hvc1"
"""What HEVC is called in mp4: FFmpeg would write hev1, which Apple's players refuse."""
_PRIMING_S: Final = Fraction(1, 10)
"""Sound this far before the beginning is kept: decoders run in on it, players skip it."""


_ODD: Final = "It cannot be stored like that: save the clip anew with another program first."
"""The hint about packets that no file takes, which has nothing to do with the disk."""
_ENCODER: Final = "It may need a device that is not here: libx264 needs none."
"""The hint about an encoder that fails."""


@contextmanager
def writing() -> Generator[None]:
    """Mark what goes wrong inside as a fault of the result's side."""
    try:
        yield
    except ValueError as error:
        raise WriteError(_said(error), hint=_ODD) from error
    except FFmpegError as error:
        raise WriteError(_said(error)) from error


@contextmanager
def _encoding(stream: VideoStream | AudioStream) -> Generator[None]:
    """Mark what goes wrong inside as a fault of the encoder."""
    try:
        yield
    except (FFmpegError, ValueError) as error:
        name = stream.codec_context.codec.name
        raise WriteError(f"the encoder {name} failed: {_said(error)}", hint=_ENCODER) from error


def _said(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def encoded(stream: VideoStream | AudioStream, frame: Frame | None) -> Iterator[AnyPacket]:
    """Encode a frame and give the packets that are ready; None empties the encoder."""
    # PyAV's stubs leave the packets' stream open. Pictures come one by one, for emptying the
    # encoder takes long; for sound there is no such way, nor need.
    lazy = isinstance(stream, VideoStream)
    encode = cast("Any", stream).encode_lazy if lazy else cast("Any", stream).encode
    with _encoding(stream):
        packets: Iterator[AnyPacket] = iter(encode(frame))
    while True:
        with _encoding(stream):
            packet = next(packets, None)
        if packet is None:
            return
        yield packet


class Track(ABC):
    """One stream of the result."""

    done: bool = False
    """True if no further packet can change the result."""

    @abstractmethod
    def feed(self, packet: AnyPacket) -> Iterator[AnyPacket]:
        """Take a packet of the source and give those of the result that are ready."""

    @abstractmethod
    def finish(self) -> Iterator[AnyPacket]:
        """Give what is left when the source has ended."""


class Copy(Track):
    """A stream whose packets are kept as they are."""

    def __init__(
        self,
        source: VideoStream | AudioStream,
        output: OutputContainer,
        *,
        start_s: float,
        duration_s: float,
        fps: float | None = None,
    ) -> None:
        """Prepare a copy.

        Args:
            source: The stream to copy.
            output: What it goes into.
            start_s: Time on the source's clock that becomes 0.
            duration_s: How long the picture is; sound beyond is left away.
            fps: Pace of a picture that has one: its times are set to it exactly, where the
                source's clock could only round them.
        """
        with writing():
            # Made from the decoder's side: a copy needs no encoder of this codec.
            self._stream = cast("Any", output).add_stream_from_template(source, opaque=True)
        if codec_of(source) == "hevc":
            self._stream.codec_context.codec_tag = HEVC_TAG
        tick = Fraction(source.time_base or Fraction(1, 90_000))
        sounds = isinstance(source, AudioStream)
        self._tick = 1 / Fraction(fps).limit_denominator(FINEST) if fps else tick
        if isinstance(source, AudioStream) and source.sample_rate:
            self._tick = Fraction(1, source.sample_rate)  # as mp4 counts it: no times fall together
        self._more, self._fewer = (tick / self._tick).as_integer_ratio()
        self._stream.time_base = self._tick
        self._shift = round(Fraction(start_s) / tick)
        self._first = floor(-_PRIMING_S / tick) if sounds else None
        self._end = ceil(Fraction(duration_s) / tick) if sounds else None
        self._decoding: DecodingTimes | None = None
        self._last_dts: int | None = None

    def learn(self, untold: Untold) -> None:
        """Take what FFmpeg does not know of a picture, as it decoded none of it."""
        untold.tell(self._stream)
        if not untold.timed:
            self._decoding = DecodingTimes(untold.depth)

    def feed(self, packet: AnyPacket) -> Iterator[AnyPacket]:
        """Move the packet in time; leave away sound outside the picture."""
        if packet.size == 0 or packet.pts is None:
            return
        packet.pts -= self._shift
        if self._first is not None and packet.pts < self._first:
            return
        if self._end is not None and packet.pts >= self._end:
            self.done = True
            return
        packet.pts = self._counted(packet.pts)
        packet.duration = self._counted(packet.duration or 0)
        if (dts := self._decoded_at(packet)) is not None:
            packet.dts = self._later(dts)
            packet.pts = max(packet.pts, packet.dts)
        packet.time_base = self._tick
        packet.stream = self._stream
        yield packet

    def finish(self) -> Iterator[AnyPacket]:
        """Give nothing: no packet is held back."""
        return iter(())

    def _decoded_at(self, packet: AnyPacket) -> int | None:
        if self._decoding is not None:
            return self._decoding.of(packet.pts or 0, lasts=packet.duration or 1)
        return None if packet.dts is None else self._counted(packet.dts - self._shift)

    def _counted(self, ticks: int) -> int:
        """Count in ticks of the result, to the nearest; in integers, as it is done so often."""
        return (2 * ticks * self._more + self._fewer) // (2 * self._fewer)

    def _later(self, dts: int) -> int:
        """Keep decoding times rising, as mp4 demands, where a recorder stumbled."""
        if self._last_dts is not None and dts <= self._last_dts:
            dts = self._last_dts + 1
        self._last_dts = dts
        return dts
