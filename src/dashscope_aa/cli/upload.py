"""``dashscope-aa upload``: put a file where the service can read it."""

from typing import Annotated

import typer

from dashscope_aa.cli._app import TASKS, command
from dashscope_aa.cli._run import Session
from dashscope_aa.cli._show import Transferring, Working


@command("upload portrait.jpg --model wan2.2-animate-move", panel=TASKS)
async def upload(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A picture or a clip.")],
    *,
    model: Annotated[str, typer.Option(help="The model that shall read it; no other can.")],
) -> None:
    """Put a file into the service's temporary storage, and print its oss:// URL.

    The URL works for 48 hours, with keys of this account only. The file costs nothing.
    """
    session.tell(Working(step="upload"))

    def so_far(done: int, total: int | None) -> None:
        session.tell(Transferring(step="upload", file=file, done_bytes=done, total_bytes=total))

    url = await session.client.upload(file, model=model, on_bytes=so_far)
    session.show.result(url, summary=url, facts={"url": url, "model": model})
