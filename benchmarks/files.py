"""The files that are measured with; made once, and kept in ``.bench/files``."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.video.frame import VideoFrame
from benchmarks.peers import CACHE, ROOT
from PIL import Image, ImageDraw

FILES: Final = CACHE / "files"
MIB: Final = 1024 * 1024
SIZE_PX: Final = (1080, 1920)
FPS: Final = 30
CONTAINERS: Final = {".mp4": "mp4", ".mkv": "matroska"}
"""FFmpeg's names."""
from_image: Any = VideoFrame.from_image  # PyAV gives it no types


def made(name: str, make: Callable[[Path], object]) -> Path:
    """Give a file or folder, which is made if it is not there."""
    path = FILES / name
    if not path.exists():
        FILES.mkdir(parents=True, exist_ok=True)
        half_done = FILES / f"half-done-{os.getpid()}-{name}"
        make(half_done)
        half_done.rename(path)
    return path


def noise(mebibytes: int) -> Path:
    """Give a file of random bytes behind the first bytes of an mp4."""

    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.write(b"\0\0\0\x18ftypmp42")
            file.write(os.urandom(MIB - 12))
            for _ in range(mebibytes - 1):
                file.write(os.urandom(MIB))

    return made(f"{mebibytes}-mib.mp4", make)


def corpus() -> Path:
    """Give the folder of odd and ordinary clips that the tests use."""

    def make(path: Path) -> None:
        path.mkdir()
        subprocess.run(
            [sys.executable, "-m", "tests.corpus.make", str(path)],
            check=True,
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
        )

    return made("corpus", make)


def dance(number: int, ground: Image.Image) -> Image.Image:
    """Draw one frame: somebody moves before a ground that wanders, with some grain."""
    left_px = 2 * (number % 100)
    frame = ground.crop((left_px, left_px, left_px + SIZE_PX[0], left_px + SIZE_PX[1]))
    pen = ImageDraw.Draw(frame)
    x, y = 540 + 5 * (number % 60 - 30), 300
    pen.ellipse((x - 90, y, x + 90, y + 220), fill=(220, 180, 150))
    pen.rectangle((x - 140, y + 220, x + 140, y + 900), fill=(150, 30, 60))
    swing = 12 * (number % 30)
    pen.line((x, y + 300, x + 400, y + 100 + swing), fill=(220, 180, 150), width=60)
    pen.line((x, y + 900, x - 200 + swing, y + 1550), fill=(30, 30, 80), width=80)
    return frame


def ground() -> Image.Image:
    """Draw a ground with large shapes and grain, larger than a frame."""
    width, height = SIZE_PX[0] + 220, SIZE_PX[1] + 220
    coarse = Image.effect_noise((width // 40, height // 40), 90).resize((width, height))
    grain = Image.effect_noise((width, height), 12)
    return Image.merge("RGB", [Image.blend(coarse, grain, part) for part in (0.3, 0.35, 0.4)])


def frames(count: int) -> Iterator[Image.Image]:
    """Draw that many frames."""
    behind = ground()
    for number in range(count):
        yield dance(number, behind)


def clip(name: str, *, seconds: int, codec: str = "libx264") -> Path:
    """Film the dance at 1080 × 1920, 30 fps, with a tone; the ending of the name says into what."""
    container = CONTAINERS[Path(name).suffix]

    def make(path: Path) -> None:
        with av.open(str(path), "w", format=container) as film:
            options = {"preset": "ultrafast", "crf": "20"} if codec == "libx264" else {}
            seen: Any = film.add_stream(codec, Fraction(FPS), options)
            seen.bit_rate = 0 if codec == "libx264" else 20_000_000
            seen.width, seen.height, seen.pix_fmt = *SIZE_PX, "yuv420p"
            heard: Any = film.add_stream("aac", 48_000, layout="mono")
            for picture in frames(seconds * FPS):
                film.mux(seen.encode(from_image(picture)))
            film.mux(seen.encode(None))
            for start in range(0, seconds * 48_000, 1024):
                sound = av.AudioFrame("fltp", "mono", 1024)
                sound.planes[0].update(bytes(sound.planes[0].buffer_size))
                sound.sample_rate, sound.pts = 48_000, start
                film.mux(heard.encode(sound))
            film.mux(heard.encode(None))

    return made(name, make)


def repeated(name: str, source: Path, *, times: int, index_first: bool = False) -> Path:
    """Repeat the picture of a clip, without encoding it anew and without its sound."""
    container = CONTAINERS[Path(name).suffix]

    def make(path: Path) -> None:
        options = {"movflags": "faststart"} if index_first else {}
        with (
            av.open(str(source)) as given,
            av.open(str(path), "w", format=container, options=options) as film,
        ):
            seen = given.streams.video[0]
            copy = film.add_stream_from_template(seen)
            packets = [packet for packet in given.demux(seen) if packet.dts is not None]
            kept = [(bytes(it), it.pts or 0, it.dts or 0, it.is_keyframe) for it in packets]
            ticks = round(len(kept) / FPS / float(seen.time_base or 1))
            for again in range(times):
                for data, pts, dts, key in kept:
                    packet = av.Packet(data)
                    packet.pts, packet.dts = pts + again * ticks, dts + again * ticks
                    packet.is_keyframe, packet.stream = key, copy
                    packet.time_base = seen.time_base or Fraction(1, FPS)
                    film.mux(packet)

    return made(name, make)
