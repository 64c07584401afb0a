"""Put the sound of one clip onto the picture of another, which is copied as it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from operator import itemgetter
from pathlib import Path
from typing import cast

from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from dashscope_aa.errors import SourceError
from dashscope_aa.media._judging.plan import Container
from dashscope_aa.media._judging.plan_video import SOUNDS
from dashscope_aa.media._mending.tracks import Track
from dashscope_aa.media._mending.video import Clip, mux, picture_copy, sound_track, written
from dashscope_aa.media._opening.clip import (
    AnyPacket,
    codec_of,
    open_clip,
    packets_of,
    picture_stream,
    sound_stream,
)
from dashscope_aa.media._probing.local import told_of

__all__ = ["join"]


def join(
    video: Clip,
    sound: Clip,
    *,
    part: Path,
    start_s: float,
    container: Container,
) -> None:
    """Write to *part* the picture of *video* with the sound of *sound* from *start_s* on.

    Raises:
        SourceError: one of them cannot be read, or *container* cannot hold the picture.
        WriteError: the result cannot be written.
    """
    length_s = video.facts.duration_s
    with (
        told_of(video.subject.name),
        open_clip(video.subject, video.found) as seen,
        told_of(sound.subject.name),
        open_clip(sound.subject, sound.found) as heard,
        written(part, container) as result,
    ):
        picture, voice = picture_stream(seen), cast("AudioStream", sound_stream(heard))
        _check_fits(picture, result, container, video)
        shown = _Flow(
            clip=seen,
            stream=picture,
            track=picture_copy(picture, result, facts=video.facts),
            start_s=video.facts.start_s,
        )
        start_s += sound.facts.start_s
        known = codec_of(voice) in SOUNDS
        spoken = _Flow(
            clip=heard,
            stream=voice,
            track=sound_track(
                voice,
                result,
                how="copy" if known else "encode",
                start_s=start_s,
                duration_s=length_s,
            ),
            start_s=start_s,
        )
        # By time, so that neither has to wait in memory for the other.
        checkpoint = video.subject.checkpoint
        for _, packets in merge(shown.packets(), spoken.packets(), key=itemgetter(0)):
            checkpoint()
            mux(packets, result, checkpoint=checkpoint)


def _check_fits(
    picture: VideoStream, result: OutputContainer, container: Container, video: Clip
) -> None:
    """Make sure that the picture can be copied.

    Raises:
        SourceError: *container* cannot hold it.
    """
    if (codec := codec_of(picture)) not in result.supported_codecs:
        name = video.subject.name
        msg = f"{name}: its picture is coded as {codec!r}, which {container} cannot hold"
        raise SourceError(msg, hint="Convert it first: media.convert, or dashscope-aa convert.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flow:
    """One stream on its way into the result."""

    clip: InputContainer
    stream: VideoStream | AudioStream
    track: Track
    start_s: float

    def packets(self) -> Iterator[tuple[float, Iterator[AnyPacket]]]:
        """Give what each packet becomes, and its time in the result."""
        time_s = 0.0
        for packet in packets_of(self.clip, self.stream):
            if packet.dts is not None and packet.time_base:
                time_s = float(packet.dts * packet.time_base) - self.start_s
            yield time_s, self.track.feed(packet)
            if self.track.done:
                break
        yield time_s, self.track.finish()
