"""``dashscope-aa move`` and ``mix``: wan2.2-animate as single calls, alike in all but one word."""

from functools import partial
from pathlib import Path
from typing import Final

from dashscope_aa._engines import WanAnimate, WanKind
from dashscope_aa.cli._app import STEPS, paid_command
from dashscope_aa.cli._finish import begin, finish, memo_within
from dashscope_aa.cli._options import (
    Image,
    MaxCost,
    Mode,
    NoCheckImage,
    NoWait,
    Output,
    Timeout,
    Video,
    Watermark,
)
from dashscope_aa.cli._run import Session

_MEANT: Final[dict[WanKind, str]] = {
    "move": """Make a picture's person move like the one in a clip, with wan2.2-animate-move.

    The background is the picture's. Costs by the second of the video.
    """,
    "mix": """Put a picture's person in the place of the one in a clip, with wan2.2-animate-mix.

    The background is the clip's. Costs by the second of the video.
    """,
}


def _add(kind: WanKind) -> None:
    """Make one of the two a command."""

    async def animate(  # noqa: PLR0913 - one parameter an option
        session: Session,
        image: Image,
        video: Video,
        *,
        mode: Mode,
        output: Output = Path("result.mp4"),
        watermark: Watermark = False,
        no_check_image: NoCheckImage = False,
        max_cost_cny: MaxCost = None,
        no_wait: NoWait = False,
        timeout_s: Timeout = None,
    ) -> None:
        begin(session, output=output, sources=(image, video))
        client = session.client
        engine = WanAnimate(mode=mode, kind=kind)
        expected = partial(client.estimate, image, video, engine=engine, fresh=True)
        call = client.animate_move if kind == "move" else client.animate_mix
        task = await call(
            image,
            video,
            mode=mode,
            check_image=not no_check_image,
            watermark=watermark,
            memo=await memo_within(session, max_cost_cny, expected),
        )
        await finish(session, task, output=output, timeout_s=timeout_s, wait=not no_wait)

    animate.__doc__ = _MEANT[kind]
    example = f"{kind} portrait.jpg dance.mp4 --mode wan-std -o result.mp4"
    paid_command(example, panel=STEPS, name=kind)(animate)


_add("move")
_add("mix")
