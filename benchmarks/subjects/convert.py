"""Mend a clip: ``python -m benchmarks.subjects.convert ours|ffmpeg HOW SOURCE TARGET``.

HOW is ``copy`` or ``encode``, for ffmpeg also ``skill-copy`` or ``skill-encode``. This library has
probed the clip before, as in a service that converts more than one; ffmpeg's start is counted.
"""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.subjects.meter import tell, watched

FLAGS: Final = {
    "skill-copy": ["-c", "copy", "-movflags", "+faststart"],
    "copy": ["-c", "copy"],
    "skill-encode": [
        *("-c:v", "libx264", "-preset", "fast", "-crf", "22", "-c:a", "aac"),
        *("-movflags", "+faststart"),
    ],
    "encode": ["-c:v", "libx264", "-crf", "22", "-c:a", "aac"],
}


async def ours(how: str, source: Path, target: Path) -> dict[str, Any]:
    """Use this library: a container that is wrong is copied, a codec that is wrong encoded."""
    from dashscope_aa import AnimateAnyone, media

    engine = AnimateAnyone()
    await media.probe(source)

    async def job() -> None:
        made = await media.convert(source, target, engine=engine)
        encoded = any("encode the picture" in step.what for step in made.steps)
        assert encoded == (how == "encode"), made.steps

    return await watched(job)


async def ffmpeg(how: str, source: Path, target: Path) -> dict[str, Any]:
    """Run ffmpeg with the skill's options."""

    async def job() -> None:
        command = ["ffmpeg", "-v", "error", "-y", "-i", str(source), *FLAGS[how], str(target)]
        await asyncio.to_thread(subprocess.run, command, check=True)

    return await watched(job)


async def main(who: str, how: str, source: str, target: str) -> None:
    """Convert once."""
    way = ours if who == "ours" else ffmpeg
    measures = await way(how, Path(source), Path(target))
    tell({**measures, "size_bytes": Path(target).stat().st_size})


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
