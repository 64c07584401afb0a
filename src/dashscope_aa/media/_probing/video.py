"""Look into a clip: what its header says where that can be believed, and the truth elsewhere.

FFmpeg opens the file and tells codec and shape; frames and times are counted (`truth`).
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import islice
from math import atan2, degrees, radians
from typing import Any, Final

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from dashscope_aa.media._containers.boxes import BadBoxes
from dashscope_aa.media._containers.fragments import read_movie
from dashscope_aa.media._containers.headers import HEADER_BYTES, Header, read_header
from dashscope_aa.media._containers.movie import Movie
from dashscope_aa.media._facts import VideoFacts
from dashscope_aa.media._opening.clip import (
    AnyPacket,
    codec_of,
    decoded,
    moving_pictures,
    open_clip,
    packets_of,
    picture_stream,
    sound_stream,
)
from dashscope_aa.media._opening.safety import PLAY_IT, VIDEO_PIXELS, NotReadable, Subject
from dashscope_aa.media._opening.sniff import Format
from dashscope_aa.media._probing.ends import is_large, views
from dashscope_aa.media._probing.first_frame import begun
from dashscope_aa.media._probing.truth import (
    Truth,
    stretched,
    truth_of_index,
    truth_of_packets,
    truth_of_tables,
)

__all__ = ["probe_video"]

_CUT: Final = "The recording or the download was cut off: get the whole file."
_PROGRESSIVE: Final = 1
"""FFmpeg's AV_FIELD_PROGRESSIVE: 0 is not known, more are the orders of two fields."""
_FLIPPED: Final = 180.0
_WIDEST_PIXEL: Final = 16
_PATIENCE: Final = 300
"""How many packets are decoded to find a frame, where that is in doubt: few wait longer for a key
frame."""


def probe_video(subject: Subject, found: Format) -> VideoFacts:
    """Find the facts of a clip.

    Raises:
        NotReadable: it is no clip that can be read.
    """
    for view in views(subject, found):
        if (facts := _facts(view, found)) is not None:
            return facts
    message = "it states no duration, and no frame was found near its end"
    hint = "Download it, and give the file." if subject.far else _CUT
    raise NotReadable("truncated", message, hint=hint)


def _facts(subject: Subject, found: Format) -> VideoFacts | None:
    """Find the facts; None if only more of the end would tell the duration."""
    movie = _read_movie(subject, found) if found.opened_by == "mov" else None
    header = read_header(found.name, subject.head(HEADER_BYTES))
    if not subject.far:
        with open_clip(subject, found, undecoded=True) as container:
            look = _look_into(container, subject, found, movie, header)
            packets = begun(look.picture, look.packets)
            if packets is not None and look.met_all:
                _check_pixels(look.picture)
                return replace(look, packets=packets).facts()
    with open_clip(subject, found) as container:
        look = _look_into(container, subject, found, movie, header)
        _check_pixels(look.picture)
        if look.picture.codec_context.pix_fmt is None and not subject.far:
            _check_decodes(subject, found)
        return look.facts()


def _read_movie(subject: Subject, found: Format) -> Movie:
    """Read the tables, and make sure that FFmpeg can hold them in memory."""
    try:
        movie = read_movie(subject.file, subject.size_bytes)
    except BadBoxes as error:
        message = f"it is {found.says}, but {error}"
        raise NotReadable(error.reason, message, hint=PLAY_IT) from error
    if not movie.has_index:
        message = f"it is {found.says} that ends before its index (moov)"
        raise NotReadable("truncated", message, hint=_CUT)
    return movie


def _check_pixels(picture: VideoStream) -> None:
    width, height = picture.codec_context.width, picture.codec_context.height
    if width * height > VIDEO_PIXELS:
        message = f"it has frames of {width} × {height} pixels, more than are decoded here"
        raise NotReadable("too_large", message, hint="Make a smaller copy of it.")
    if width * height == 0:
        message = "it does not say how large its frames are"
        raise NotReadable("damaged", message, hint=PLAY_IT)


def _check_decodes(subject: Subject, found: Format) -> None:
    """Look for a frame that can be decoded, where FFmpeg met none when it opened the file."""
    with open_clip(subject, found) as container:
        packets = packets_of(container, picture_stream(container))
        for packet in islice(packets, _PATIENCE):
            subject.checkpoint()
            if decoded(packet):
                return
        if next(packets, None) is not None:
            return  # there is more of it, which nobody has time for
    message = f"it is {found.says} of which not one frame can be decoded"
    raise NotReadable("damaged", message, hint=PLAY_IT)


def _look_into(
    container: InputContainer, subject: Subject, found: Format, movie: Movie | None, header: Header
) -> "_Look":
    picture, sound = picture_stream(container), sound_stream(container)
    if found.name == "avi" and is_large(subject) and not len(picture.index_entries):
        message = f"it is {found.says} without an index, and too large to look for its frames"
        raise NotReadable("truncated", message, hint=_CUT)
    packets = packets_of(container, picture, sound)
    return _Look(subject, found, movie, header, container, picture, sound, packets)


@dataclass(frozen=True)
class _Look:
    """One clip while it is open."""

    subject: Subject
    found: Format
    movie: Movie | None
    header: Header
    container: InputContainer
    picture: VideoStream
    sound: AudioStream | None
    packets: Iterator[AnyPacket]
    """All packets of both, in their order."""

    @property
    def met_all(self) -> bool:
        """True if FFmpeg met each stream when it opened the file, and so knows its beginning.

        When the picture begins is seen from its packets where there is no index.
        """
        wanted = (self.sound,) if self.movie is None else (self.picture, self.sound)
        return all(stream.start_time is not None for stream in wanted if stream is not None)

    def facts(self) -> VideoFacts | None:
        truth, size_bytes = self._truth(), self.subject.size_bytes
        if not truth.saw_end:
            if (end_s := self._stated_end_s) is None:
                return None
            truth = stretched(truth, end_s - truth.start_s)
        return VideoFacts(
            size_bytes=size_bytes,
            fps=truth.picture.fps,
            duration_s=truth.picture.duration_s,
            frames=truth.picture.frames,
            variable_rate=truth.picture.variable,
            start_s=truth.start_s,
            bit_rate_bps=round(size_bytes * 8 / (truth.picture.duration_s or 1)),
            truncated=self._is_cut,
            header_duration_s=self._stated_s,
            suffix=self.subject.suffix,
            notes=self._notes(),
            **self._container(),
            **self._codec(),
            **self._shape(),
            **self._sound(truth),
        )

    def _truth(self) -> Truth:
        truth = None
        if self.movie is not None:
            truth = truth_of_tables(
                self.picture, self.sound, movie=self.movie, size_bytes=self.subject.size_bytes
            )
        elif self.found.name == "avi" and not self._is_cut:
            truth = truth_of_index(self.picture, self.sound)
        truth = truth or truth_of_packets(
            self.packets, self.picture, sound=self.sound, subject=self.subject
        )
        if truth is None or truth.picture.frames == 0:
            message = f"it is {self.found.says} without a single whole frame"
            raise NotReadable("truncated", message, hint=_CUT)
        return truth

    @cached_property
    def _is_cut(self) -> bool:
        if self.movie is not None:
            return self.movie.truncated
        promised, there = self.header.size_bytes or 0, self.subject.size_bytes
        # A transport stream promises nothing, but ends with a whole packet.
        return promised > there or (self.found.name == "ts" and there % 188 * (there % 192) > 0)

    @property
    def _stated_end_s(self) -> float | None:
        """When the picture ends by its own tag (``00:01:02.345``), or the file by its header."""
        with suppress(ValueError):
            hours, minutes, seconds = self.picture.metadata.get("DURATION", "").split(":")
            return (int(hours) * 60 + int(minutes)) * 60 + float(seconds)
        return self.header.duration_s

    @property
    def _stated_s(self) -> float | None:
        return self.movie.duration_s if self.movie is not None else self.header.duration_s

    def _notes(self) -> tuple[str, ...]:
        if self.subject.omitted is None:
            return ()
        read_bytes = self.subject.size_bytes - len(self.subject.omitted)
        return (f"frames and sound were counted in {read_bytes} bytes, and reckoned for the rest",)

    def _container(self) -> dict[str, Any]:
        pictures = moving_pictures(self.container)
        covers = (one.disposition & Disposition.attached_pic for one in self.container.streams)
        return {
            "container": "webm" if self.header.is_webm else self.found.name,
            "major_brand": self.movie.major_brand if self.movie is not None else None,
            "video_streams": len(pictures),
            "attached_picture": any(covers),
        }

    def _codec(self) -> dict[str, Any]:
        context = self.picture.codec_context
        tag = context.codec_tag.rstrip("\0 ")
        return {
            "interlaced": context.field_order > _PROGRESSIVE,
            "codec": codec_of(self.picture),
            "codec_tag": tag if tag.isprintable() else "",
            "profile": self.picture.profile,
            "pixel_format": context.pix_fmt,
            "bit_depth": context.format.components[0].bits if context.format else 8,
        }

    def _shape(self) -> dict[str, Any]:
        context = self.picture.codec_context
        rotation, mirrored = self._turn()
        ratio = _sane_ratio(self.picture)
        width, height = max(1, round(context.width * ratio)), context.height
        shown = (height, width) if rotation in {90, 270} else (width, height)
        return {
            "coded_width_px": context.width,
            "coded_height_px": context.height,
            "width_px": shown[0],
            "height_px": shown[1],
            "rotation": rotation,
            "mirrored": mirrored,
            "sample_aspect_ratio": ratio,
        }

    def _turn(self) -> tuple[int, bool]:
        """Give the clockwise degrees, and whether the picture is flipped before."""
        if self.movie is not None:
            for track in self.movie.tracks:
                if track.id == self.picture.id:
                    a, b, c, d = track.matrix
                    mirrored = a * d < b * c
                    return _quarter(atan2(-b, -a) if mirrored else atan2(b, a)), mirrored
        place = [one.index for one in moving_pictures(self.container)].index(self.picture.index)
        if place < len(self.header.turns):
            # Matroska turns the picture the other way round, and flips it by half a yaw.
            yaw, roll = self.header.turns[place]
            return _quarter(-radians(roll)), abs(yaw) == _FLIPPED
        return 0, False

    def _sound(self, truth: Truth) -> dict[str, Any]:
        if self.sound is None:
            return {}
        return {
            "audio_codec": codec_of(self.sound),
            "audio_start_s": truth.sound_start_s,
            "audio_duration_s": truth.sound_s,
            "audio_bytes": truth.sound_bytes,
        }


def _quarter(angle: float) -> int:
    """Give an angle in radians as the nearest of 0, 90, 180 and 270 degrees."""
    return round(degrees(angle) / 90) % 4 * 90


def _sane_ratio(picture: VideoStream) -> Fraction:
    """Give the sample aspect ratio; 1 for one that no camera has."""
    # The container's comes first, as in FFmpeg itself.
    ratio = picture.sample_aspect_ratio or picture.codec_context.sample_aspect_ratio
    if not ratio:
        return Fraction(1)
    exact = Fraction(ratio.numerator, ratio.denominator)
    return exact if Fraction(1, _WIDEST_PIXEL) <= exact <= _WIDEST_PIXEL else Fraction(1)
