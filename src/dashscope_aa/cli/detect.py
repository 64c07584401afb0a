"""``dashscope-aa detect``: may this picture be animated?"""

import typer

from dashscope_aa._book import Memo
from dashscope_aa._endpoints import DETECT
from dashscope_aa._prices import cost_cny
from dashscope_aa.cli._app import STEPS, paid_command
from dashscope_aa.cli._options import Image
from dashscope_aa.cli._run import WANTING, Session
from dashscope_aa.cli._show import Working, verdict


@paid_command("detect portrait.jpg", panel=STEPS)
async def detect(session: Session, image: Image) -> None:
    """Check whether AnimateAnyone takes a picture. Exits with 1 if it does not.

    Each check costs a fraction of a cent, refused pictures too.
    """
    session.tell(Working(step="upload"))
    memo = Memo(estimate_cny=cost_cny(DETECT.model, None, 1))
    detection = await session.client.detect(image, memo=memo)
    said = verdict(detection)
    facts = detection.model_dump(mode="json")
    session.show.result(said.partition(",")[0], summary=said, facts=facts)
    if not detection.check_pass:
        raise typer.Exit(WANTING)
