"""Carry out a plan for a clip: packets in, packets out, one pass."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError, InvalidDataError
from av.video.stream import VideoStream

from dashscope_aa.media._facts import VideoFacts
from dashscope_aa.media._judging.plan import SoundTreatment, VideoRecipe
from dashscope_aa.media._mending.encode_picture import Picture, check_encoder
from dashscope_aa.media._mending.encode_sound import Sound
from dashscope_aa.media._mending.opened import Clip, Opened, Untold, opened, opened_to_copy
from dashscope_aa.media._mending.tracks import Copy, Track, writing
from dashscope_aa.media._opening.clip import AnyPacket
from dashscope_aa.media._opening.safety import ffmpeg_path
from dashscope_aa.media._target import Draining

__all__ = [
    "Clip",
    "Tell",
    "Tracks",
    "convert_video",
    "mux",
    "picture_copy",
    "sound_track",
    "written",
]

Tell: TypeAlias = Callable[[float], None]
"""Is told which part of the work is done, from 0 to 1."""
Tracks: TypeAlias = dict[int, Track]
"""Tracks of the result, by the index of the stream they are made from."""
_TRIES: Final = 3
"""How often a clip is encoded at most until it is small enough."""
_SMALLER: Final = 0.95
"""How much smaller than needed it is aimed at then."""


def convert_video(clip: Clip, part: Path, *, recipe: VideoRecipe, tell: Tell) -> None:
    """Write to *part* what the recipe says.

    Raises:
        NotReadable: the clip cannot be decoded.
        WriteError: the result cannot be written.
        InputError: the encoder asked for is none.
    """
    if not recipe.encode:
        _write(clip, part, recipe=recipe, tell=tell)
        return
    check_encoder(recipe.encoder)
    for _ in range(_TRIES):
        _write(clip, part, recipe=recipe, tell=tell)
        size_bytes = part.stat().st_size
        if size_bytes <= recipe.most_bytes:
            return
        recipe = _tighter(recipe, size_bytes)


def _tighter(recipe: VideoRecipe, size_bytes: int) -> VideoRecipe:
    """Give a bit rate that fits: what is hardest to encode, such as noise, exceeds the first."""
    reached_bps = min(recipe.most_bps, size_bytes * 8 / recipe.duration_s)
    share = recipe.most_bytes / size_bytes * _SMALLER
    return replace(recipe, most_bps=max(1, int(reached_bps * share)))


def _write(clip: Clip, part: Path, *, recipe: VideoRecipe, tell: Tell) -> None:
    """Write what the recipe says, once."""
    facts, checkpoint, draining = clip.facts, clip.subject.checkpoint, Draining(part)
    with (
        opened(clip) if recipe.encode else opened_to_copy(clip) as source,
        written(part, recipe.container) as result,
    ):
        tracks = _tracks(source, result, facts, recipe)
        packets = _read(source.packets, tracks, forgiving=facts.truncated)
        start_s = facts.start_s + recipe.start_s
        ticks_s = {
            it.index: float(it.time_base or 0) for it in (source.picture, source.sound) if it
        }
        for packet in _told(
            packets, tell, ticks_s=ticks_s, start_s=start_s, duration_s=recipe.duration_s
        ):
            checkpoint()
            size_bytes = packet.size
            mux(tracks[packet.stream_index].feed(packet), result, checkpoint=checkpoint)
            draining.took(size_bytes)
            if all(track.done for track in tracks.values()):
                break
        for track in tracks.values():
            mux(track.finish(), result, checkpoint=checkpoint)
    draining.drain()


@contextmanager
def written(part: Path, container: str) -> Generator[OutputContainer]:
    """Open the result for writing; its index is written when the block ends."""
    with writing():
        result = av.open(ffmpeg_path(part), "w", format=container)
    try:
        yield result
    except BaseException:
        # Whatever that says: the result is of no use, and a full disk would fail it once more.
        with suppress(FFmpegError, ValueError):
            result.close()
        raise
    with writing():
        result.close()


def mux(
    packets: Iterator[AnyPacket], result: OutputContainer, *, checkpoint: Callable[[], None]
) -> None:
    """Put packets into the result; whoever gives up is heard between any two.

    One that is damaged is left away, as those that cannot be decoded are.
    """
    for each in packets:
        with writing(), suppress(InvalidDataError):
            cast("Any", result).mux_one(each)  # its stubs leave the packet's stream open
        checkpoint()


def _tracks(
    source: Opened, result: OutputContainer, facts: VideoFacts, recipe: VideoRecipe
) -> Tracks:
    """Make a track for the picture, and one for the sound if it is kept."""
    picture, sound = source.picture, source.sound
    start_s = facts.start_s + recipe.start_s
    length_s = recipe.duration_s
    tracks: Tracks = {}
    if recipe.encode:
        tracks[picture.index] = Picture(picture, result, facts=facts, recipe=recipe)
    else:
        tracks[picture.index] = picture_copy(picture, result, facts=facts, untold=source.untold)
    if sound is not None and recipe.sound in {"copy", "encode"}:
        tracks[sound.index] = sound_track(
            sound, result, how=recipe.sound, start_s=start_s, duration_s=length_s
        )
    return tracks


def picture_copy(
    picture: VideoStream,
    result: OutputContainer,
    *,
    facts: VideoFacts,
    untold: Untold | None = None,
) -> Track:
    """Make the track that copies the picture."""
    copy = Copy(
        picture,
        result,
        start_s=facts.start_s,
        duration_s=facts.duration_s,
        fps=None if facts.variable_rate else facts.fps,
    )
    if untold is not None:
        copy.learn(untold)
    return copy


def sound_track(
    sound: AudioStream,
    result: OutputContainer,
    *,
    how: SoundTreatment,
    start_s: float,
    duration_s: float,
) -> Track:
    """Make the track that copies or encodes the sound."""
    kind = Copy if how == "copy" else Sound
    return kind(sound, result, start_s=start_s, duration_s=duration_s)


def _read(packets: Iterator[AnyPacket], tracks: Tracks, *, forgiving: bool) -> Iterator[AnyPacket]:
    """Give the packets there are tracks for.

    A clip known to be cut off ends where reading it fails.
    """
    while True:
        try:
            packet = next(packets, None)
        except FFmpegError:
            if forgiving:
                return
            raise
        if packet is None:
            return
        if packet.stream_index in tracks:
            yield packet


def _told(
    packets: Iterator[AnyPacket],
    tell: Tell,
    *,
    ticks_s: dict[int, float],
    start_s: float,
    duration_s: float,
) -> Iterator[AnyPacket]:
    """Pass packets on, and tell how far they are."""
    for packet in packets:
        if packet.pts is not None and duration_s:
            part = (packet.pts * ticks_s[packet.stream_index] - start_s) / duration_s
            tell(min(1.0, max(0.0, part)))
        yield packet
