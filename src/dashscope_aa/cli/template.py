"""``dashscope-aa template``: a clip becomes a motion that any picture can be given."""

from functools import partial

from dashscope_aa._endpoints import TEMPLATE
from dashscope_aa._prepare import clip_length_s
from dashscope_aa._prices import Estimate, expense
from dashscope_aa._sources import opened
from dashscope_aa.cli._app import STEPS, paid_command
from dashscope_aa.cli._finish import begin, finish, memo_within
from dashscope_aa.cli._options import MaxCost, NoWait, Timeout, Video
from dashscope_aa.cli._run import Session


@paid_command("template dance.mp4", panel=STEPS)
async def template(
    session: Session,
    video: Video,
    *,
    max_cost_cny: MaxCost = None,
    no_wait: NoWait = False,
    timeout_s: Timeout = None,
) -> None:
    """Make a motion template from a clip, for AnimateAnyone. Costs by the second of the clip.

    Its id can be used as often as you like, in `synthesize` and in `animate`.
    """
    begin(session)
    memo = await memo_within(session, max_cost_cny, partial(_expected, video))
    task = await session.client.create_template(video, memo=memo)
    await finish(session, task, timeout_s=timeout_s, wait=not no_wait)


async def _expected(video: str) -> Estimate:
    """Say what a template of a clip costs."""
    async with opened(video, role="video") as clip:
        length_s = await clip_length_s(clip)
    return Estimate((expense(TEMPLATE.name, TEMPLATE.model, None, length_s),))
