"""Put the sound of one clip onto the picture of another, in a worker thread."""

import os
from math import inf
from pathlib import Path
from typing import cast

from dashscope_aa._sources import VideoSource
from dashscope_aa.errors import InputError, SourceError
from dashscope_aa.media._facts import VideoFacts
from dashscope_aa.media._judging.plan import Container, target_format
from dashscope_aa.media._opening.safety import Subject
from dashscope_aa.media._opening.sniff import Format
from dashscope_aa.media._opening.subjects import steady, subject_of
from dashscope_aa.media._probing.local import readable, refuse_url, seen, told_of
from dashscope_aa.media._target import replacing
from dashscope_aa.media._worker import Checkpoint, in_stoppable_thread

__all__ = ["add_sound"]


async def add_sound(
    video: VideoSource,
    source: VideoSource,
    *,
    target: str | os.PathLike[str],
    start_s: float = 0.0,
) -> Path:
    """Put the sound of one clip onto another, such as the driving clip's onto a silent result.

    The picture is copied as it is, and so is the sound where mp4 takes it. It is cut where the
    picture ends. *target* may be *video* itself.

    Args:
        video: The clip whose picture is kept.
        source: The clip whose sound is taken.
        target: Where to write, ending in ``.mp4`` or ``.mov``.
        start_s: Where in *source* to begin: what its `trim` began with, if it was cut.

    Raises:
        InputError: *target* cannot be written to, or *start_s* is no time within the sound.
        SourceError: one of them cannot be read, is a URL, or has a picture that *target* cannot
            hold; or *source* is silent.
        TransferError: the result could not be written.
    """
    refuse_url(video, "add_sound")
    refuse_url(source, "add_sound")
    path = Path(target)

    def work(checkpoint: Checkpoint) -> Path:
        from dashscope_aa.media._mending.add_sound import join  # noqa: PLC0415 - loads PyAV
        from dashscope_aa.media._mending.video import Clip  # noqa: PLC0415 - the same

        with (
            subject_of(seen_from, checkpoint=checkpoint) as picture,
            subject_of(heard_from, checkpoint=checkpoint) as voice,
        ):
            shown, heard = Clip(picture, *_clip(picture)), Clip(voice, *_clip(voice))
            _check_start(start_s, heard.facts, voice.name)
            container = cast("Container", target_format(path, shown.facts))
            with (
                replacing(path, checkpoint) as part,
                told_of(picture.name),
                steady(picture),
                told_of(voice.name),
                steady(voice),
            ):
                join(shown, heard, part=part, start_s=start_s, container=container)
        return path

    async with readable(video, "video") as seen_from, readable(source, "video") as heard_from:
        return await in_stoppable_thread(work)


def _clip(subject: Subject) -> tuple[Format, VideoFacts]:
    return cast("tuple[Format, VideoFacts]", seen(subject, "video"))


def _check_start(start_s: float, heard: VideoFacts, name: str) -> None:
    """Make sure that there is sound from there on.

    Raises:
        SourceError: there is none at all.
        InputError: it has ended by then.
    """
    if heard.audio_codec is None:
        raise SourceError(f"{name} has no sound", hint="Give the clip whose sound is wanted.")
    length_s = heard.audio_duration_s or inf
    if not 0 <= start_s < length_s:
        msg = (
            f"start_s must be within the {length_s:.2f} s of the sound of {name}, "
            f"but is {start_s:g}"
        )
        raise InputError(msg)
