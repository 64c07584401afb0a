"""Read a clip as a film needs it: its frames at another pace, upright, and its sound in step."""

from collections.abc import Callable, Generator, Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final, TypeVar

import av
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from PIL import Image

from dashscope_aa.emulator._film.layout import Size
from dashscope_aa.emulator._reading.open import image_of, open_clip, picture_stream

LONGEST_S: Final = 90
"""No accepted clip is longer; times beyond it are those of a broken file."""

SOUND_RATE: Final = 48_000
SOUND_FRAME: Final = 1024
"""Samples a second, and samples in a frame of AAC."""

FrameT = TypeVar("FrameT")

_TURNS: Final = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    -180: Image.Transpose.ROTATE_180,
    -90: Image.Transpose.ROTATE_270,
}


class Motion:
    """The frames of a clip, at the pace of the film and the right way up."""

    def __init__(self, clip: InputContainer, *, length_s: float) -> None:
        stream = picture_stream(clip)
        stream.thread_type = "AUTO"
        self._frame_s = 1 / float(stream.average_rate or 25)
        self._frames = _decoded(packet.decode for packet in clip.demux(stream))
        first = next(self._frames, None)
        if first is None:
            raise ValueError("the clip has no frame")
        self._first = first
        self._turn = _TURNS.get(first.rotation)
        self._lying = first.rotation in {90, -90}
        # An avi has a pace and no times; those that its B-frames seem to have are wrong.
        self._timed = clip.format.name != "avi"
        self.start_s = _time_s(first, otherwise_s=0.0) if self._timed else 0.0
        self._end_s = self.start_s + min(length_s, LONGEST_S)
        size_px = (round(first.width * float(stream.sample_aspect_ratio or 1)), first.height)
        self.size_px: Size = self._turned(size_px)

    def paced(self, rate: Fraction) -> Iterator[VideoFrame]:
        """Give the frame to show for each frame of the film."""
        count = 0
        for frame, end_s in self._shown():
            while (count + 0.5) / rate < end_s - self.start_s:
                yield frame
                count += 1

    def image(self, frame: VideoFrame, size_px: Size) -> Image.Image:
        """Scale a frame to a size as shown, and turn it upright."""
        image = image_of(frame, self._turned(size_px))
        return image if self._turn is None else image.transpose(self._turn)

    def _turned(self, size_px: Size) -> Size:
        return (size_px[1], size_px[0]) if self._lying else size_px

    def _shown(self) -> Iterator[tuple[VideoFrame, float]]:
        """Pair each frame with the time when the next one takes its place."""
        last, last_s = self._first, self.start_s
        for frame in self._frames:
            next_s = last_s + self._frame_s
            if self._timed:  # times that run back are those of a damaged file
                next_s = max(last_s, _time_s(frame, otherwise_s=next_s))
            yield last, min(next_s, self._end_s)
            last, last_s = frame, next_s
        yield last, self._end_s


def _decoded(packets: Iterable[Callable[[], list[FrameT]]]) -> Iterator[FrameT]:
    """Decode what can be decoded: like a player, go on after a damaged packet."""
    for decode in packets:
        try:
            frames = decode()
        except FFmpegError:
            continue
        yield from frames


def _time_s(frame: VideoFrame | AudioFrame, *, otherwise_s: float) -> float:
    if frame.pts is None or frame.time_base is None:
        return otherwise_s
    return float(frame.pts * frame.time_base)


def sound_of(motion: Path, *, start_s: float) -> Generator[AudioFrame, None, None]:
    """Give the sound of a clip from *start_s* on, gaps filled with silence."""
    # `async` keeps the samples at their times, `first_pts` begins at the first picture.
    resampler = av.AudioResampler(
        "fltp", "stereo", SOUND_RATE, SOUND_FRAME, {"async": "1000", "first_pts": "0"}
    )
    with open_clip(motion) as clip:
        if not clip.streams.audio:
            return
        packets = clip.demux(clip.streams.audio[0])
        for frame in _decoded(packet.decode for packet in packets):
            if _time_s(frame, otherwise_s=0.0) - start_s > LONGEST_S:
                break  # silence up to there would be made first
            if frame.pts is not None and frame.time_base is not None:
                frame.pts -= round(start_s / frame.time_base)
            yield from resampler.resample(frame)
        yield from resampler.resample(None)
