"""Do one kind of work with this library.

``python -m benchmarks.subjects.lateness JOB URL FOLDER PHOTO FILE``
"""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.subjects.meter import tell, watched

from dashscope_aa import AnimateAnyone, Client, media

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MODEL = "wan2.2-animate-move"


async def main(job: str, url: str, *paths: str) -> None:
    """Do it once unmeasured with something small, then measured."""
    folder, photo, file = map(Path, paths)
    engine = AnimateAnyone()
    async with Client("sk-bench", base_url=f"{url}/api/v1") as client:

        async def many() -> None:
            for _ in range(50):
                await media.probe(file)

        jobs: dict[str, Callable[[], Awaitable[Any]]] = {
            "probe": many,
            "content": lambda: media.check_content(file),
            "copy": lambda: media.convert(file, folder / "copy.mp4", engine=engine),
            "encode": lambda: media.convert(file, folder / "new.mp4", engine=engine),
            "picture": lambda: media.convert(file, folder / "new.jpg", engine=engine),
            "upload": lambda: client.upload(file, model=MODEL),
            "download": lambda: client.download(f"{url}/files/{file.name}", folder / "big.mp4"),
        }
        if job not in {"upload", "download"}:  # their file is no clip
            await media.probe(file)
        await client.upload(photo, model=MODEL)
        tell(await watched(jobs[job]))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
