"""``dashscope-aa animate``: the whole way from a picture and a motion to a video on disk."""

from pathlib import Path
from typing import Annotated

import typer

from dashscope_aa._engines import WanKind
from dashscope_aa._prepare import Preflight
from dashscope_aa.cli._app import paid_command
from dashscope_aa.cli._engine import engine_of
from dashscope_aa.cli._evidence import evidence_in
from dashscope_aa.cli._finish import begin, bill, bring_video
from dashscope_aa.cli._json import facts_of
from dashscope_aa.cli._options import (
    EngineName,
    Image,
    MaxCost,
    NoCheckImage,
    Ratio,
    Timeout,
    UseRefImgBg,
    Watermark,
)
from dashscope_aa.cli._run import Session

Motion = Annotated[
    str,
    typer.Argument(
        metavar="MOTION",
        help="The motion: a clip (a file or a URL), or the id of a template (AACT.…).",
    ),
]


@paid_command("animate portrait.jpg dance.mp4 -o result.mp4 --engine wan-std")
async def animate(  # noqa: PLR0913 - one parameter an option
    session: Session,
    image: Image,
    motion: Motion,
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The video to write; a file of that name is replaced. Else result.mp4, in the "
            "folder of --output-dir if there is one.",
        ),
    ] = None,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            help="A folder for evidence of the run as JSON: what was asked for and found, each "
            "event with its time, each task with its statuses. Another run's is replaced."
        ),
    ] = None,
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
    max_cost_cny: MaxCost = None,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh", help="Pay for a new video although the ledger has one of the same."
        ),
    ] = False,
    timeout_s: Timeout = None,
) -> None:
    """Make a video in which the picture's person does what the clip's person does.

    This costs money: the more, the longer the clip is. Ctrl-C leaves what is paid for running,
    and says how to go on with it. With a ledger, running the same again goes on.
    """
    chosen = engine_of(
        engine,
        detect=not skip_detect,
        kind=kind,
        use_ref_img_bg=use_ref_img_bg or None,
        video_ratio=video_ratio,
        watermark=watermark or None,
        check_image=False if no_check_image else None,
    )
    output = output or (output_dir or Path()) / "result.mp4"
    session.trail.again = True
    asked = {"image": image, "motion": motion, "engine": chosen, "output": output}
    with evidence_in(output_dir, session, asked) as note:
        begin(session, output=output, sources=(image, motion))
        animation = await session.client.animate(
            image,
            motion,
            engine=chosen,
            preflight=preflight,
            detect=not skip_detect,
            on_event=note,
            timeout_s=timeout_s,
            max_cost_cny=max_cost_cny,
            fresh=fresh,
        )
    summary = bill(session, animation.usage, animation.cost_cny)
    await bring_video(session, animation, output, summary=summary, facts=facts_of(animation))
