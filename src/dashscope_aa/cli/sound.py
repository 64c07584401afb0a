"""``dashscope-aa add-sound``: the sound of the driving clip for a silent result."""

from pathlib import Path
from typing import Annotated

import typer

from dashscope_aa import media
from dashscope_aa.cli._app import MEDIA, local_command
from dashscope_aa.cli._options import Force
from dashscope_aa.cli._place import check_apart, check_free
from dashscope_aa.cli._show import Lines


@local_command("add-sound result.mp4 dance.mp4 -o with-sound.mp4", panel=MEDIA, name="add-sound")
async def add_sound(  # noqa: PLR0913 - one parameter an option
    show: Lines,
    video: Annotated[
        str,
        typer.Argument(metavar="VIDEO", help="The clip whose picture is kept, such as a result."),
    ],
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The clip whose sound is taken.")],
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file to write; may be VIDEO, with --force.")
    ],
    force: Force = False,
    start_s: Annotated[
        float,
        typer.Option(
            "--start",
            min=0,
            metavar="SECONDS",
            help="Where in SOURCE to begin: what --trim began with, if it was cut.",
        ),
    ] = 0.0,
) -> None:
    """Put the sound of one clip onto another, without encoding the picture anew.

    It is cut where the picture ends.
    """
    check_apart([output], [source])
    check_free(output, force=force)
    with show.doing("add-sound", video):
        path = str(await media.add_sound(video, source, target=output, start_s=start_s))
    show.result(path, summary=f"wrote {path}", facts={"path": path})
