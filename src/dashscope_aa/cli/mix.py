"""``dashscope-aa mix``: wan2.2-animate-mix as a single call."""

from pathlib import Path

from dashscope_aa.cli._app import STEPS, command
from dashscope_aa.cli._finish import begin, finish
from dashscope_aa.cli._options import (
    Image,
    Mode,
    NoCheckImage,
    NoWait,
    Output,
    Timeout,
    Video,
    Watermark,
)
from dashscope_aa.cli._run import Session


@command("mix portrait.jpg dance.mp4 --mode wan-std -o result.mp4", panel=STEPS)
async def mix(  # noqa: PLR0913 - one parameter an option
    session: Session,
    image: Image,
    video: Video,
    *,
    mode: Mode,
    output: Output = Path("result.mp4"),
    watermark: Watermark = False,
    no_check_image: NoCheckImage = False,
    no_wait: NoWait = False,
    timeout_s: Timeout = None,
) -> None:
    """Put the person of a picture in the place of the one in a clip, with wan2.2-animate-mix.

    The background is the clip's. Costs by the second of the video.
    """
    begin(session, output=output)
    task = await session.client.animate_mix(
        image, video, mode=mode, check_image=not no_check_image, watermark=watermark
    )
    await finish(session, task, output=output, timeout_s=timeout_s, wait=not no_wait)
