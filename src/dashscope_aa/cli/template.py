"""``dashscope-aa template``: a clip becomes a motion that any picture can be given."""

from dashscope_aa.cli._app import STEPS, command
from dashscope_aa.cli._finish import begin, finish
from dashscope_aa.cli._options import NoWait, Timeout, Video
from dashscope_aa.cli._run import Session


@command("template dance.mp4", panel=STEPS)
async def template(
    session: Session, video: Video, *, no_wait: NoWait = False, timeout_s: Timeout = None
) -> None:
    """Make a motion template from a clip, for AnimateAnyone. Costs by the second of the clip.

    Its id can be used as often as you like, in `synthesize` and in `animate`.
    """
    begin(session)
    task = await session.client.create_template(video)
    await finish(session, task, timeout_s=timeout_s, wait=not no_wait)
