"""``dashscope-aa download``: bring a result home by its URL."""

from pathlib import Path
from typing import Annotated

import typer

from dashscope_aa._download import check_target
from dashscope_aa.cli._app import TASKS, command
from dashscope_aa.cli._finish import bring_video
from dashscope_aa.cli._options import Output
from dashscope_aa.cli._run import Session


@command("download 'https://…/video.mp4?Expires=…' -o result.mp4", panel=TASKS)
async def download(
    session: Session,
    url: Annotated[
        str,
        typer.Argument(metavar="URL", help="An http or https URL; those of results live a day."),
    ],
    *,
    output: Output = Path("result.mp4"),
) -> None:
    """Write what a URL gives to a file. Run it again to go on where it stopped.

    If the URL has run out, `tasks wait` with the task's id asks for another.
    """
    check_target(output)
    await bring_video(session, url, output, facts={"video_url": url})
