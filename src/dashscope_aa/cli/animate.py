"""``dashscope-aa animate``: the whole way from a picture and a motion to a video on disk."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from dashscope_aa._engines import Engine, WanAnimate, WanKind, engine_named
from dashscope_aa._prepare import Preflight
from dashscope_aa.cli._app import command
from dashscope_aa.cli._finish import begin, bill, bring_video
from dashscope_aa.cli._options import (
    Image,
    NoCheckImage,
    Output,
    Ratio,
    Timeout,
    UseRefImgBg,
    Watermark,
)
from dashscope_aa.cli._run import Session
from dashscope_aa.cli._show import facts_of
from dashscope_aa.errors import InputError

EngineName = Literal["animate-anyone", "wan-std", "wan-pro"]

Motion = Annotated[
    str,
    typer.Argument(
        metavar="MOTION",
        help="The motion: a clip (a file or a URL), or the id of a template (AACT.…).",
    ),
]
_FLAGS: Final = {
    "check_image": "--no-check-image",
    "use_ref_img_bg": "--use-ref-img-bg",
    "video_ratio": "--video-ratio",
}


@command("animate portrait.jpg dance.mp4 -o result.mp4 --engine wan-std")
async def animate(  # noqa: PLR0913 - one parameter an option
    session: Session,
    image: Image,
    motion: Motion,
    *,
    output: Output = Path("result.mp4"),
    engine: Annotated[
        EngineName,
        typer.Option(
            envvar="DASHSCOPE_AA_ENGINE",
            help="What makes the video. The options below name the engines they are for.",
        ),
    ] = "animate-anyone",
    kind: Annotated[
        WanKind | None,
        typer.Option(
            help="move: the picture's background (default); mix: the clip's (wan engines)."
        ),
    ] = None,
    use_ref_img_bg: UseRefImgBg = False,
    video_ratio: Ratio = None,
    watermark: Watermark = False,
    no_check_image: NoCheckImage = False,
    skip_detect: Annotated[
        bool,
        typer.Option(
            "--skip-detect",
            help="Skip the check of the picture, and pay on trust (animate-anyone).",
        ),
    ] = False,
    preflight: Annotated[
        Preflight,
        typer.Option(
            help="fix: look at the files first, and mend what would be refused; check: refuse it "
            "here instead; off: look at nothing.",
        ),
    ] = "fix",
    timeout_s: Timeout = None,
) -> None:
    """Make a video in which the picture's person does what the clip's person does.

    This costs money: the more, the longer the clip is. Ctrl-C leaves what is paid for running,
    and says how to go on with it.
    """
    chosen = _engine(
        engine,
        detect=not skip_detect,
        kind=kind,
        use_ref_img_bg=use_ref_img_bg or None,
        video_ratio=video_ratio,
        watermark=watermark or None,
        check_image=False if no_check_image else None,
    )
    begin(session, output=output)
    animation = await session.client.animate(
        image,
        motion,
        engine=chosen,
        preflight=preflight,
        detect=not skip_detect,
        on_event=session.tell,
        timeout_s=timeout_s,
    )
    summary = bill(session, animation.usage, animation.cost_cny)
    await bring_video(session, animation, output, summary=summary, facts=facts_of(animation))


def _engine(name: EngineName, *, detect: bool, **options: Any) -> Engine:  # noqa: ANN401 - the engine checks them
    """Give the engine with its options; refuse those that mean nothing to it."""
    engine = engine_named(name)
    given = {option: value for option, value in options.items() if value is not None}
    known = {field.name for field in fields(engine)}
    misfits = [_FLAGS.get(option, f"--{option}") for option in given if option not in known]
    if not detect and isinstance(engine, WanAnimate):
        misfits.append("--skip-detect")
    if misfits:
        msg = f"{', '.join(misfits)} cannot be used with the engine {name}"
        raise InputError(msg, hint="`dashscope-aa animate --help` says what fits which engine.")
    return replace(engine, **given)
