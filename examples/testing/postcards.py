"""Moving postcards: a small program on dashscope-aa, and beside it the tests it comes with.

    DASHSCOPE_API_KEY=sk-... python postcards.py portrait.jpg dance.mp4

asks the real service and costs money; `pytest` in this folder needs neither key nor network.
"""

import asyncio
import sys
from pathlib import Path

from dashscope_aa import Client, WanAnimate
from dashscope_aa.errors import InputError, MediaError, SubmitOutcomeUnknownError, TaskFailedError

ENGINE = WanAnimate(mode="wan-std")


class Sorry(Exception):  # noqa: N818 - it is what the sender reads
    """Why there is no postcard, in words for the one who wanted to send it."""


async def make_postcard(
    client: Client, portrait: str | Path, dance: str | Path, *, folder: Path
) -> Path:
    """Make a postcard, and give where it is.

    Raises:
        Sorry: there is none.
    """
    try:
        animation = await client.animate(portrait, dance, engine=ENGINE)
    except InputError as error:
        raise Sorry(f"We cannot use these files. {error.message}") from error
    except TaskFailedError as error:
        if isinstance(error.reason, MediaError):
            raise Sorry(f"The picture or the clip was refused: {error.reason.message}") from error
        raise Sorry("The service failed. Nothing was charged; please try again.") from error
    except SubmitOutcomeUnknownError as error:
        # Trying again could be paid for twice, so a person has to look.
        raise Sorry("We do not know whether your postcard is being made, and look after it.") from (
            error
        )
    return await client.download(animation, folder / "postcard.mp4")


async def main(portrait: str, dance: str) -> int:
    """Make a postcard in the working directory; give the exit code."""
    async with Client() as client:  # the key comes from DASHSCOPE_API_KEY
        try:
            print(await make_postcard(client, portrait, dance, folder=Path()))
        except Sorry as sorry:
            print(sorry, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
