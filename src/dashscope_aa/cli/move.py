"""``dashscope-aa move``: wan2.2-animate-move as a single call."""

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


@command("move portrait.jpg dance.mp4 --mode wan-std -o result.mp4", panel=STEPS)
async def move(  # noqa: PLR0913 - one parameter an option
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
    """Make the person of a picture move like the one in a clip, with wan2.2-animate-move.

    The background is the picture's. Costs by the second of the video.
    """
    begin(session, output=output)
    task = await session.client.animate_move(
        image, video, mode=mode, check_image=not no_check_image, watermark=watermark
    )
    await finish(session, task, output=output, timeout_s=timeout_s, wait=not no_wait)
