"""Make the film: a real H.264 mp4 with the person's picture, the clip's motion and its sound.

It is no animation, and says so in every frame and in its metadata. But it has what the service
promises of a result: the length of the clip, the frame rate, the ratio and the sound.

Source: OVER (mp4, H.264, 720P tier, 15 fps), Zmove and public (25 fps for wan-pro, sound).
"""
# pyright: reportUnknownMemberType=false
# PyAV leaves open which stream a packet belongs to.

import json
import uuid
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.audio.frame import AudioFrame
from av.container import OutputContainer
from av.video.frame import VideoFrame

from dashscope_aa.emulator._film.drawing import Stage, read_photo
from dashscope_aa.emulator._film.layout import Background, Box, Layout, lay_out
from dashscope_aa.emulator._film.motion import SOUND_RATE, Motion, sound_of
from dashscope_aa.emulator._reading.measures import Clip
from dashscope_aa.emulator._reading.open import open_clip

__all__ = ["Film", "render"]

X264_OPTIONS: Final = {"preset": "ultrafast", "crf": "24"}
SOUND_BIT_RATE: Final = 128_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """What was made."""

    width_px: int
    height_px: int
    fps: float
    duration_s: float
    """Length of the picture in seconds."""
    frames: int
    sound: bool
    """True if there is a sound track."""
    portrait_box: Box
    """Where the photograph lies: left, top, width and height in pixels."""


def render(  # noqa: PLR0913 - three files and what was ordered
    portrait: Path,
    motion: Path,
    target: Path,
    *,
    background: Background,
    fps: float,
    video_ratio: str | None,
    sound: bool,
    watermark: str | None = None,
) -> Film:
    """Make one film and put it at *target*, whole or not at all.

    Args:
        portrait: The person's picture.
        motion: The clip.
        target: Where the film goes; a file that is there is replaced.
        background: ``image``: the picture is the stage, and the clip plays beside it;
            ``video``: the clip is, and the picture lies on it as a card.
        fps: Frame rate of the film.
        video_ratio: ``9:16`` or ``3:4`` for a film with image background; None for the
            picture's own ratio. With video background the clip's own is kept.
        sound: Whether the clip's sound goes into the film, if it has any.
        watermark: A text in the lower right corner. The font that Pillow brings along draws
            Latin letters only; the metadata has any text whole.

    Raises:
        ValueError: the clip or the picture is broken, or *video_ratio* is unknown.
        av.error.FFmpegError: the clip cannot be decoded.
        OSError: the picture cannot be read, or the film not be written.
    """
    photo = read_photo(portrait)
    rate = Fraction(fps).limit_denominator(1001)
    length_s = Clip(motion).duration_s
    with open_clip(motion) as clip, _written(target) as film:
        moving = Motion(clip, length_s=length_s)
        layout = lay_out(photo.size, moving.size_px, background=background, video_ratio=video_ratio)
        film.metadata["comment"] = _comment(layout, background=background, watermark=watermark)
        stage = Stage(photo, layout, watermark=watermark)
        with closing(sound_of(motion, start_s=moving.start_s) if sound else _silence()) as heard:
            reel = _Reel(film, heard, layout=layout, rate=rate)
            for frame in moving.paced(rate):
                reel.add(stage.picture(moving.image(frame, stage.motion_px), number=reel.frames))
            reel.finish()
    return Film(
        width_px=layout.size_px[0],
        height_px=layout.size_px[1],
        fps=float(rate),
        duration_s=float(reel.frames / rate),
        frames=reel.frames,
        sound=reel.has_sound,
        portrait_box=layout.portrait,
    )


def _comment(layout: Layout, *, background: Background, watermark: str | None) -> str:
    said = {
        "emulated": True,
        "background": background,
        "portrait_box": layout.portrait,
        "watermark": watermark,
    }
    return json.dumps(said, ensure_ascii=False)


def _silence() -> Generator[AudioFrame, None, None]:
    yield from ()


@contextmanager
def _written(target: Path) -> Generator[OutputContainer, None, None]:
    """Write beside *target* and put the file in its place when it is complete."""
    part = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    try:
        with av.open(str(part), "w", format="mp4") as film:
            yield film
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


class _Reel:
    """The tracks of a film in the making: pictures, and sound as far as they reach."""

    def __init__(
        self, film: OutputContainer, sound: Iterator[AudioFrame], *, layout: Layout, rate: Fraction
    ) -> None:
        self.frames = 0
        self._film = film
        self._rate = rate
        self._video = film.add_stream("libx264", rate, X264_OPTIONS)
        self._video.width, self._video.height = layout.size_px
        self._video.pix_fmt = "yuv420p"
        self._sound = sound
        self._heard = next(sound, None)
        self.has_sound = self._heard is not None
        if self.has_sound:
            self._audio = film.add_stream("aac", SOUND_RATE, layout="stereo")
            self._audio.bit_rate = SOUND_BIT_RATE

    def add(self, picture: VideoFrame) -> None:
        """Encode the next picture, and the sound that is heard while it is seen."""
        picture.pts, picture.time_base = self.frames, 1 / self._rate
        self._film.mux(self._video.encode(picture))
        self.frames += 1
        while self._heard is not None and (self._heard.pts or 0) * self._rate < (
            self.frames * SOUND_RATE
        ):
            self._film.mux(self._audio.encode(self._heard))
            self._heard = next(self._sound, None)

    def finish(self) -> None:
        """Encode what the encoders still hold."""
        if not self.frames:
            raise ValueError("the clip is too short for one frame")
        self._film.mux(self._video.encode(None))
        if self.has_sound:
            self._film.mux(self._audio.encode(None))
