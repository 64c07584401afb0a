"""``dashscope-aa convert``: make a picture or a clip fit, with the least that mends it."""

import re
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypedDict

import typer

from dashscope_aa import media
from dashscope_aa._engines import Engine
from dashscope_aa._sources import is_url
from dashscope_aa.cli._app import MEDIA, local_command
from dashscope_aa.cli._flags import as_flags
from dashscope_aa.cli._options import For, Force, engine_for
from dashscope_aa.cli._place import check_apart, check_free, free_beside, held_beside
from dashscope_aa.cli._run import WANTING
from dashscope_aa.cli._show import Lines
from dashscope_aa.errors import InputError, PreflightError, SourceError
from dashscope_aa.media._facts import facts_json

AnyPlan = media.Plan[Any, Any]

_SECONDS: Final = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_PART: Final = re.compile(f"{_SECONDS}[-:]{_SECONDS}")


class _Wishes(TypedDict):
    """What is asked for; the arguments that `media.plan` and `media.convert` share."""

    engine: Engine
    trim: tuple[float, float] | None
    fit: Literal["pad", "crop"] | None
    crop_to: str | None
    sound: Literal["keep", "drop"]
    encoder: str


@local_command("convert dance.webm -o dance.mp4 --for wan --trim 1.5-8", panel=MEDIA)
async def convert(  # noqa: PLR0913 - one parameter an option
    show: Lines,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A picture or a clip.")],
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The file to write; else one beside FILE, such as dance.fit.mp4."
        ),
    ] = None,
    force: Force = False,
    purpose: For = "animate-anyone",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")
    ] = False,
    trim: Annotated[
        str | None,
        typer.Option(metavar="START-END", help="Part of a clip to keep, in seconds: 1.5-8."),
    ] = None,
    fit: Annotated[
        Literal["pad", "crop"] | None,
        typer.Option(help="What to do about a shape that is too long: add bars, or cut it off."),
    ] = None,
    crop_to: Annotated[
        str | None, typer.Option(metavar="W:H", help="Shape to crop a picture to, such as 9:16.")
    ] = None,
    sound: Annotated[
        Literal["keep", "drop"], typer.Option(help="What to do with the sound of a clip.")
    ] = "keep",
    encoder: Annotated[
        str, typer.Option(help="FFmpeg's name of an encoder for H.264 or HEVC.")
    ] = "libx264",
) -> None:
    """Make a picture or a clip fit to be sent, changing no more than has to be.

    What changes its meaning is done only if asked for. FILE itself stays as it is. Exits with 1 if
    something is wrong that is not mended unasked; then nothing is written.
    """
    if is_url(file):
        raise SourceError("FILE is a URL, but must be here", hint="Download it first.")
    if output is not None:
        check_apart([output], [file])
        check_free(output, force=force)
    wishes = _Wishes(
        engine=engine_for(purpose),
        trim=_part(trim),
        fit=fit,
        crop_to=crop_to,
        sound=sound,
        encoder=encoder,
    )
    plan = media.plan(await _facts(file, wishes["engine"]), target=output, **wishes)
    if output is None and plan.empty and not plan.refusals:
        summary = f"{file} is fine as it is: there is nothing to write"
        show.result(file, summary=summary, facts={"path": file, "plan": plan})
    elif dry_run:
        _foretell(show, plan, output or free_beside(Path(file), _suffix(plan)))
    else:
        await _carry_out(show, file, plan, output=output, wishes=wishes)


def _part(trim: str | None) -> tuple[float, float] | None:
    """Read what is to be kept of a clip."""
    if trim is None:
        return None
    if read := _PART.fullmatch(trim):
        return float(read[1]), float(read[2])
    msg = f"--trim must be START-END in seconds, such as 1.5-8, but is {trim!r}"
    raise InputError(msg)


async def _facts(file: str, engine: Engine) -> media.Facts:
    """Look at the file.

    Raises:
        PreflightError: it is there, but nothing that could be mended.
        SourceError: it is missing.
    """
    report = await media.check(file, engine=engine)
    (one,) = report.checked
    if isinstance(one.facts, media.Unreadable):
        raise PreflightError(str(report), report=report)
    return one.facts


def _suffix(plan: AnyPlan) -> str:
    """Tell how a name has to end."""
    if isinstance(plan.after, media.VideoFacts):
        return ".mp4"
    return ".png" if plan.after.format == "png" else ".jpg"


def _foretell(show: Lines, plan: AnyPlan, target: Path) -> None:
    """Say what would be done."""
    path = None if plan.refusals else str(target)
    begin = "would write nothing" if path is None else f"would write {path}"
    summary = as_flags("\n  ".join([f"{begin}:", *plan.describe()]))
    show.result(path or "", summary=summary, facts={"path": path, "plan": plan})
    if plan.refusals:
        raise typer.Exit(WANTING)


async def _carry_out(
    show: Lines, file: str, plan: AnyPlan, *, output: Path | None, wishes: _Wishes
) -> None:
    """Convert, and say what was done."""
    place = nullcontext(output) if output else held_beside(Path(file), _suffix(plan))
    with place as target, show.doing("convert", file) as tell:
        done = await media.convert(file, target, on_progress=tell, **wishes)
    steps = done.plan.describe() if done.steps else ["a copy: nothing had to be done"]
    summary = "\n  ".join([f"wrote {done.path}:", *steps])
    facts = {"path": done.path, "plan": done.plan, "facts": facts_json(done.facts)}
    show.result(str(done.path), summary=summary, facts=facts)
