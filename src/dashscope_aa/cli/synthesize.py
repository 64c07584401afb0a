"""``dashscope-aa synthesize``: a picture and a template become a video."""

from pathlib import Path
from typing import Annotated

import typer

from dashscope_aa.cli._app import STEPS, command
from dashscope_aa.cli._finish import begin, finish
from dashscope_aa.cli._options import Image, NoWait, Output, Ratio, Timeout, UseRefImgBg
from dashscope_aa.cli._run import Session


@command("synthesize portrait.jpg AACT.xxx.xxx-xxx.xxx -o result.mp4", panel=STEPS)
async def synthesize(  # noqa: PLR0913 - one parameter an option
    session: Session,
    image: Image,
    template: Annotated[
        str, typer.Argument(metavar="TEMPLATE", help="The id that `template` printed.")
    ],
    *,
    output: Output = Path("result.mp4"),
    use_ref_img_bg: UseRefImgBg = False,
    video_ratio: Ratio = None,
    no_wait: NoWait = False,
    timeout_s: Timeout = None,
) -> None:
    """Make a video from a picture and a template, with AnimateAnyone, without a check before.

    Costs by the second of the video.
    """
    begin(session, output=output)
    task = await session.client.synthesize(
        image, template, use_ref_img_bg=use_ref_img_bg, video_ratio=video_ratio
    )
    await finish(session, task, output=output, timeout_s=timeout_s, wait=not no_wait)
