"""Look into files: ``python -m benchmarks.subjects.probe WHO MANY FILE…``.

Each file is looked into once by itself, then MANY of them on all cores, if MANY is not 0. What was
found is ``[width, height, duration_s, fps]`` as shown on a screen, or null for a refusal.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

from benchmarks.subjects.meter import Meter, tell

Found = list[float] | None


def ffprobe(path: str) -> Found:
    """Run ffprobe, and read rotation and pixel shape as one should."""
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_streams", "-show_format", path]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    told = json.loads(done.stdout)
    seen = next(
        it
        for it in told["streams"]
        if it["codec_type"] == "video" and not it["disposition"]["attached_pic"]
    )
    width, height = seen["width"], seen["height"]
    shape = seen.get("sample_aspect_ratio", "1:1").replace(":", "/")
    width = round(width * (Fraction(shape) if shape != "0/1" else 1))
    turned = next((it["rotation"] for it in seen.get("side_data_list", []) if "rotation" in it), 0)
    if turned % 180:
        width, height = height, width
    duration_s = float(seen.get("duration") or told["format"]["duration"])
    return [width, height, duration_s, float(Fraction(seen["avg_frame_rate"]))]


def opencv(path: str) -> Found:
    """Ask OpenCV for its properties."""
    import cv2

    clip = cv2.VideoCapture(path)
    try:
        if not clip.isOpened():
            return None
        fps, frames = clip.get(cv2.CAP_PROP_FPS), clip.get(cv2.CAP_PROP_FRAME_COUNT)
        size = [clip.get(cv2.CAP_PROP_FRAME_WIDTH), clip.get(cv2.CAP_PROP_FRAME_HEIGHT)]
        return [*size, frames / fps if fps else 0.0, fps]
    finally:
        clip.release()


def mediainfo(path: str) -> Found:
    """Ask MediaInfo."""
    from pymediainfo import MediaInfo

    tracks = MediaInfo.parse(path).video_tracks
    if not tracks:
        return None
    seen = tracks[0]
    width, height = seen.width * float(seen.pixel_aspect_ratio or 1), seen.height
    if float(seen.rotation or 0) % 180:
        width, height = height, width
    return [width, height, float(seen.duration) / 1000, float(seen.frame_rate)]


def moviepy(path: str) -> Found:
    """Ask MoviePy, which starts ffmpeg."""
    from moviepy.video.io.ffmpeg_reader import ffmpeg_parse_infos

    told = ffmpeg_parse_infos(path)
    width, height = told["video_size"]
    if told.get("video_rotation", 0) % 180:
        width, height = height, width
    return [width, height, told["video_duration"], told["video_fps"]]


WAYS: Final[dict[str, Callable[[str], Found]]] = {
    "ffprobe": ffprobe,
    "opencv": opencv,
    "pymediainfo": mediainfo,
    "moviepy": moviepy,
}


def plainly(look: Callable[[str], Found], paths: Sequence[str], many: int) -> dict[str, Any]:
    """Look with a function, many times in as many threads as there are cores."""
    found: dict[str, Found] = {}

    def careful(path: str) -> Found:
        try:
            return look(path)
        except Exception:
            return None

    careful(paths[0])
    began = time.perf_counter()
    for path in paths:
        found[Path(path).name] = careful(path)
    each_s = (time.perf_counter() - began) / len(paths)
    began = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(careful, islice(cycle(paths), many)))
    return {"found": found, "each_s": each_s, "many_s": time.perf_counter() - began}


async def ours(paths: Sequence[str], many: int) -> dict[str, Any]:
    """Look with this library."""
    from dashscope_aa import DashScopeError, media

    found: dict[str, Found] = {}

    async def look(path: str) -> Found:
        try:
            facts = await media.probe(path, kind="video")
        except DashScopeError:
            return None
        return [facts.width_px, facts.height_px, facts.duration_s, facts.fps]

    await look(paths[0])
    began = time.perf_counter()
    for path in paths:
        found[Path(path).name] = await look(path)
    each_s = (time.perf_counter() - began) / len(paths)
    began = time.perf_counter()
    await asyncio.gather(*(look(path) for path in islice(cycle(paths), many)))
    return {"found": found, "each_s": each_s, "many_s": time.perf_counter() - began}


def main(who: str, many: int, paths: Sequence[str]) -> None:
    """Look, and tell what was found and how long it took."""
    with Meter() as meter:
        mine = who == "ours"
        told = asyncio.run(ours(paths, many)) if mine else plainly(WAYS[who], paths, many)
    rates = {"rate": 1 / told["each_s"], "many_rate": many / told["many_s"]}
    tell({**meter.measures, **told, **rates})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
