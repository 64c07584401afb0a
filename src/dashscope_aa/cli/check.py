"""``dashscope-aa check``: what the service would refuse, found out before anything is sent."""

import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from dashscope_aa import media
from dashscope_aa._download import check_target
from dashscope_aa._sources import is_url
from dashscope_aa.cli._app import MEDIA, local_command
from dashscope_aa.cli._flags import as_flags
from dashscope_aa.cli._options import For, Purpose, engine_for
from dashscope_aa.cli._place import check_apart
from dashscope_aa.cli._run import WANTING, exit_code_here
from dashscope_aa.cli._show import Lines
from dashscope_aa.errors import DashScopeError, InputError


@local_command("check portrait.jpg dance.mp4 --for wan --picture sheet.png", panel=MEDIA)
async def check(  # noqa: PLR0913 - one parameter an option
    show: Lines,
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Pictures and clips: files, or http(s) URLs."),
    ],
    *,
    purpose: For = "animate-anyone",
    content: Annotated[
        bool,
        typer.Option(
            "--content", help="Look for cuts and a bad first frame in clips too (animate-anyone)."
        ),
    ] = False,
    picture: Annotated[
        Path | None,
        typer.Option(
            help="Draw what was found as a PNG; a file of that name is replaced. For the second "
            "of several FILEs it is NAME-2.png, and so on."
        ),
    ] = None,
    allow_private: Annotated[
        bool,
        typer.Option("--allow-private", help="Let URLs lead to your own machine and network."),
    ] = False,
    isolate: Annotated[
        bool,
        typer.Option(
            "--isolate",
            help="Look in a process of its own, for files from strangers; what --content and "
            "--picture decode is still decoded in this one.",
        ),
    ] = False,
) -> None:
    """Say all that is wrong with pictures and clips, without sending anything.

    Every file is judged. Exits with 1 if one would be refused, and with 2 if one is missing.
    """
    sheets = [_sheet(picture, number, files) for number in range(1, len(files) + 1)]
    look = partial(
        media.check,
        engine=engine_for(purpose),
        content=content,
        allow_private=allow_private,
        isolate=isolate,
    )
    codes = [
        await _judge(show, file, look=look, purpose=purpose, sheet=sheet)
        for file, sheet in zip(files, sheets, strict=True)
    ]
    if worst := max(codes):
        raise typer.Exit(worst)


def _sheet(picture: Path | None, number: int, files: Sequence[str]) -> Path | None:
    """Tell where to draw what is found in one of the files.

    Raises:
        InputError: nothing should be drawn there.
    """
    if picture is None:
        return None
    if picture.suffix.lower() != ".png":
        raise InputError(f"--picture must end in .png, but is {str(picture)!r}")
    sheet = picture if number == 1 else picture.with_stem(f"{picture.stem}-{number}")
    check_target(sheet)
    check_apart([sheet], files)
    return sheet


async def _judge(
    show: Lines,
    file: str,
    *,
    look: Callable[[str], Awaitable[media.Report]],
    purpose: Purpose,
    sheet: Path | None,
) -> int:
    """Look at one file, tell, and give the exit code that fits."""
    try:
        with show.doing("check", file):
            report = _in_our_words(await look(file), file)
            if sheet is not None:
                await report.picture(sheet)
    except DashScopeError as error:
        code = exit_code_here(error)
        show.failure(error, exit_code=code, way_on="", token=None)
        return code
    way_on = "" if is_url(file) else _way_on(report, file, purpose)
    show.report(report, way_on=way_on, picture=sheet)
    return 0 if report.ok else WANTING


def _in_our_words(report: media.Report, file: str) -> media.Report:
    """Call the file what the user called it, and the options what they are called here."""
    (one,) = report.checked
    findings = tuple(replace(found, hint=as_flags(found.hint)) for found in one.findings)
    name = one.name if is_url(file) else file
    return media.Report(**{one.kind: replace(one, name=name, findings=findings)})


def _way_on(report: media.Report, file: str, purpose: Purpose) -> str:
    """Name the command that mends what can be mended; empty if there is none."""
    command = shlex.join(["dashscope-aa", "convert", file, "--for", purpose])
    errors = [found for found in report.findings if found.blocks]
    if errors and all(found.mendable for found in errors):
        return f"mend it with: {command}"
    if any("--" in found.hint for found in report.findings):
        return f"the options are those of: {command}"
    return ""
