"""``dashscope-aa synthesize``: a picture and a template become a video."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from dashscope_aa._engines import AnimateAnyone
from dashscope_aa._sources import TemplateId
from dashscope_aa.cli._app import STEPS, paid_command
from dashscope_aa.cli._finish import begin, finish, memo_within
from dashscope_aa.cli._options import (
    Image,
    MaxCost,
    NoWait,
    Output,
    Ratio,
    Timeout,
    UseRefImgBg,
)
from dashscope_aa.cli._run import Session


@paid_command("synthesize portrait.jpg AACT.xxx.xxx-xxx.xxx -o result.mp4", panel=STEPS)
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
    max_cost_cny: MaxCost = None,
    no_wait: NoWait = False,
    timeout_s: Timeout = None,
) -> None:
    """Make a video from a picture and a template, with AnimateAnyone, without a check before.

    Costs by the second of the video.
    """
    begin(session, output=output, sources=(image,))
    client = session.client
    expected = partial(
        client.estimate,
        image,
        TemplateId(template),
        engine=AnimateAnyone(),
        detect=False,
        fresh=True,
    )
    task = await client.synthesize(
        image,
        template,
        use_ref_img_bg=use_ref_img_bg,
        video_ratio=video_ratio,
        memo=await memo_within(session, max_cost_cny, expected),
    )
    await finish(session, task, output=output, timeout_s=timeout_s, wait=not no_wait)
