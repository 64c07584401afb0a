"""Look for cuts: ``python -m benchmarks.subjects.scenes ours|scdet|scene FILE…``."""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, Final

from benchmarks.subjects.meter import Meter, tell

FILTERS: Final = {
    "scdet": ("scdet=threshold=10", r"lavfi\.scd\.time: ([0-9.]+)"),
    "scene": ("select='gt(scene,0.3)',showinfo", r"pts_time:([0-9.]+)"),
}


async def ours(paths: Sequence[str]) -> dict[str, Any]:
    """Use this library: cuts, and whether the first frame is found wanting."""
    from dashscope_aa import media

    await media.check_content(paths[0])
    told: dict[str, Any] = {}
    with Meter() as meter:
        for path in paths:
            found = await media.check_content(path)
            cuts = [time_s for it in found if it.code == "C101" for time_s in it.times_s]
            told[path] = {"cuts_s": cuts, "bad": any(it.code != "C101" for it in found)}
    return {**meter.measures, "told": told}


def ffmpeg(who: str, paths: Sequence[str]) -> dict[str, Any]:
    """Use a filter of ffmpeg."""
    video_filter, pattern = FILTERS[who]
    told: dict[str, Any] = {}
    with Meter() as meter:
        for path in paths:
            command = [
                "ffmpeg",
                "-hide_banner",
                "-i",
                path,
                "-vf",
                video_filter,
                "-an",
                "-f",
                "null",
                "-",
            ]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            told[path] = {
                "cuts_s": [float(it) for it in re.findall(pattern, done.stderr)],
                "bad": None,
            }
    return {**meter.measures, "told": told}


def main(who: str, paths: Sequence[str]) -> None:
    """Look into all of them."""
    began = time.perf_counter()
    told = asyncio.run(ours(paths)) if who == "ours" else ffmpeg(who, paths)
    tell({**told, "all_s": time.perf_counter() - began})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
