"""Mend pictures and clips: decide, do it, look at the result, and put it in its place."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from dashscope_aa._concurrency import CHUNK_BYTES
from dashscope_aa._engines import Engine
from dashscope_aa._sources import ImageSource
from dashscope_aa.errors import PreflightError
from dashscope_aa.media._facts import Facts, ImageFacts, Kind, VideoFacts
from dashscope_aa.media._judging.findings import Setting, role_of
from dashscope_aa.media._judging.judge import judge, plan_for
from dashscope_aa.media._judging.plan import (
    ImageRecipe,
    Options,
    Step,
    VideoRecipe,
    target_format,
)
from dashscope_aa.media._judging.plan_image import ImagePlan
from dashscope_aa.media._judging.plan_video import VideoPlan
from dashscope_aa.media._judging.shape import Fit
from dashscope_aa.media._opening.safety import Subject
from dashscope_aa.media._opening.sniff import Format
from dashscope_aa.media._opening.subjects import steady, subject_of
from dashscope_aa.media._probing.local import readable, refuse_url, seen, shown_name, told_of
from dashscope_aa.media._reporting.checked import Checked
from dashscope_aa.media._reporting.report import Report
from dashscope_aa.media._target import Draining, WriteError, replacing
from dashscope_aa.media._worker import Checkpoint, in_stoppable_thread, on_loop

__all__ = ["Converted", "convert", "plan"]

_STEP: Final = 0.01
"""Progress is told when it has grown by this much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What `convert` made."""

    path: Path
    """Where it lies."""
    plan: ImagePlan | VideoPlan
    """What was done, and what it was before; an empty plan means that it is a plain copy."""
    facts: Facts
    """What it is like now."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """What was done, in order."""
        return self.plan.steps


def plan(  # noqa: PLR0913 - one argument an option; all but facts and engine have defaults
    facts: Facts,
    *,
    engine: Engine,
    target: str | os.PathLike[str] | None = None,
    trim: tuple[float, float] | None = None,
    fit: Fit | None = None,
    crop_to: str | None = None,
    sound: Literal["keep", "drop"] = "keep",
    encoder: str = "libx264",
) -> ImagePlan | VideoPlan:
    """Say what `convert` would do, without touching anything.

    Args:
        facts: What `probe` found.
        engine: What it is for.
        target: Where the result would go; its suffix may ask for a format.
        trim: Part of a clip to keep, ``(start_s, end_s)``.
        fit: What to do about a ratio that is not allowed: ``pad`` adds bars, ``crop`` cuts off.
        crop_to: Ratio to crop a picture to, such as ``9:16``.
        sound: ``drop`` leaves the sound away.
        encoder: FFmpeg's name of an encoder for H.264 or HEVC.

    Raises:
        InputError: an option makes no sense for it.
    """
    options = Options(
        trim=trim,
        fit=fit,
        crop_to=crop_to,
        sound=sound,
        encoder=encoder,
        target_format=target_format(Path(target), facts) if target is not None else None,
    )
    return plan_for(facts, engine, options)


async def convert(  # noqa: PLR0913 - one argument an option
    source: ImageSource,
    target: str | os.PathLike[str],
    *,
    engine: Engine,
    kind: Kind | None = None,
    trim: tuple[float, float] | None = None,
    fit: Fit | None = None,
    crop_to: str | None = None,
    sound: Literal["keep", "drop"] = "keep",
    encoder: str = "libx264",
    on_progress: Callable[[float], object] | None = None,
) -> Converted:
    """Do the least that makes a picture or a clip fit for *engine*, and write it to *target*.

    A clip whose container alone is wrong is not encoded anew. What is fine already is copied.
    The target appears when it is whole; if the call is cancelled, it returns well within half a
    second, and nothing is left behind. A large picture is mended in a child process for that.

    Args:
        source: Path, bytes, binary file object or PIL image.
        target: Where to write: ``.jpg`` or ``.png`` for a picture, ``.mp4`` or ``.mov`` for a clip.
        engine: What it is for.
        kind: What it should be; None takes either.
        trim: Part of the clip to keep, ``(start_s, end_s)``.
        fit: What to do about a ratio that is not allowed: ``pad`` adds bars, ``crop`` cuts off.
        crop_to: Ratio to crop a picture to, such as ``9:16``.
        sound: ``drop`` leaves the sound away.
        encoder: FFmpeg's name of an encoder for H.264 or HEVC.
        on_progress: Is called on the event loop with the part that is done, from 0 to 1.

    Raises:
        InputError: an option makes no sense, or *target* cannot be written to.
        SourceError: the source is missing, a URL, or cannot be read, or is changed meanwhile.
        PreflightError: something is wrong that is not mended unasked; nothing was written.
        TransferError: the result could not be written.
    """
    refuse_url(source, "convert")
    path = Path(target)
    tell = _in_steps(on_loop(on_progress)) if on_progress else _silent

    def work(checkpoint: Checkpoint) -> Converted:
        with subject_of(local, checkpoint=checkpoint) as subject:
            found, facts = seen(subject, kind)
            decided = plan(
                facts,
                engine=engine,
                target=path,
                trim=trim,
                fit=fit,
                crop_to=crop_to,
                sound=sound,
                encoder=encoder,
            )
            _refuse(decided, _report(facts, engine, name))
            return _Job(subject, found, decided, path).run(engine, tell)

    name = shown_name(source)
    async with readable(source, kind or "image") as local:
        return await in_stoppable_thread(work)


@dataclass(frozen=True, slots=True)
class _Job:
    """One conversion in its worker thread."""

    subject: Subject
    found: Format
    plan: ImagePlan | VideoPlan
    target: Path

    def run(self, engine: Engine, tell: Callable[[float], None]) -> Converted:
        """Write the result, look at it, and put it in its place."""
        checkpoint = self.subject.checkpoint
        with replacing(self.target, checkpoint) as part, told_of(self.subject.name):
            with steady(self.subject):
                self._write(part, tell)
            with subject_of(part, checkpoint=checkpoint) as result:
                _, facts = seen(result, self.plan.before.kind)
            facts = replace(facts, suffix=self.target.suffix.lower())
            _report(facts, engine, self.target.name).raise_if_failed()
        tell(1.0)
        return Converted(path=self.target, plan=self.plan, facts=facts)

    def _write(self, part: Path, tell: Callable[[float], None]) -> None:
        before, recipe = self.plan.before, self.plan.recipe
        if self.plan.empty:
            _copy(self.subject, part)
        elif isinstance(before, ImageFacts) and isinstance(recipe, ImageRecipe):
            from dashscope_aa.media._mending.apart import mend_picture  # noqa: PLC0415 - Pillow

            mend_picture(self.subject, self.found, part, before=before, recipe=recipe)
        elif isinstance(before, VideoFacts) and isinstance(recipe, VideoRecipe):
            from dashscope_aa.media._mending.video import (  # noqa: PLC0415 - loads PyAV
                Clip,
                convert_video,
            )

            clip = Clip(self.subject, self.found, before)
            convert_video(clip, part, recipe=recipe, tell=tell)


def _copy(subject: Subject, part: Path) -> None:
    """Copy what is fine as it is.

    Raises:
        WriteError: the copy cannot be written.
    """
    subject.file.seek(0)
    draining = Draining(part)
    try:
        with part.open("wb") as file:
            while chunk := subject.file.read(CHUNK_BYTES):
                subject.checkpoint()
                draining.took(file.write(chunk))
    except OSError as error:
        raise WriteError(error.strerror or str(error)) from error


def _refuse(decided: ImagePlan | VideoPlan, report: Report) -> None:
    """Stop if something would have to be done that was not asked for.

    Raises:
        PreflightError: it would.
    """
    if not decided.refusals:
        return
    lines = [f"  {one.code}: {one.message}. {one.hint}" for one in decided.refusals]
    msg = "\n".join(["convert does not mend this by itself:", *lines])
    raise PreflightError(msg, report=report)


def _report(facts: Facts, engine: Engine, name: str) -> Report:
    checked = Checked(
        kind=facts.kind,
        role=role_of(engine, facts.kind),
        name=name,
        facts=facts,
        findings=judge(facts, facts.kind, setting=Setting(engine=engine)),
    )
    if facts.kind == "image":
        return Report(image=checked)
    return Report(video=checked)


# ── progress ─────────────────────────────────────────────────────────────────────────────


def _silent(part: float) -> None:
    """Tell nobody."""


def _in_steps(tell: Callable[[float], None]) -> Callable[[float], None]:
    """Pass on what has grown enough to be news, and the end."""
    last = -1.0

    def told(part: float) -> None:
        nonlocal last
        if part >= last + _STEP or part == 1.0 > last:
            last = part
            tell(part)

    return told
