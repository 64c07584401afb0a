"""Judge a clip at a URL: ``python -m benchmarks.subjects.preflight ours|whole URL FOLDER``.

``whole`` downloads it first, with curl, and looks at the file with ffprobe.
"""

import asyncio
import subprocess
import sys
from pathlib import Path

from benchmarks.subjects.meter import tell, watched


async def main(who: str, url: str, folder: str) -> None:
    """Judge once."""
    from dashscope_aa import AnimateAnyone, media

    async def ours() -> None:
        report = await media.preflight(video=url, engine=AnimateAnyone(), allow_private=True)
        assert report.video is not None

    async def whole() -> None:
        path = Path(folder) / "fetched.mp4"
        fetch = ["curl", "-sSf", "--noproxy", "*", "-o", str(path), url]
        look = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", str(path)]
        for command in (fetch, look):
            await asyncio.to_thread(subprocess.run, command, check=True, stdout=subprocess.DEVNULL)
        path.unlink()

    tell(await watched(ours if who == "ours" else whole))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
