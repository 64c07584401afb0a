"""How late the event loop is while files are looked at, mended, sent and fetched.

``scripts/bench`` runs it; ``--write`` puts the table into ``benchmarks/RESULTS.md``. Figures of one
run on one machine: compare them with each other, not with those of another machine.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
import av
from av.video.frame import VideoFrame
from PIL import Image

from dashscope_aa import AnimateAnyone, Client, __version__, media

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
MIB: Final = 1024 * 1024
BIG_MIB: Final = 256
GOAL: Final = "goal: 99 of 100 within 5 ms, the longest within 20 ms"
from_image: Any = VideoFrame.from_image  # PyAV gives it no types


def make_clip(path: Path, *, seconds: int) -> Path:
    """Film moving noise at 1080 × 1920, 30 fps."""
    ground = Image.effect_noise((1200, 2000), 80).convert("RGB")
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", Fraction(30), {"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 1080, 1920, "yuv420p"
        for number in range(seconds * 30):
            left_px = number % 100
            frame = from_image(
                ground.crop((left_px, left_px // 2, left_px + 1080, left_px // 2 + 1920))
            )
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return path


@contextmanager
def emulator() -> Iterator[str]:
    """Run the emulator in a process of its own, and give its base URL."""
    command = [sys.executable, "-m", "dashscope_aa", "emulator", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


@asynccontextmanager
async def heartbeat() -> AsyncIterator[list[float]]:
    """Collect how many milliseconds each of many short sleeps took too long."""
    late_ms: list[float] = []

    async def beat() -> None:
        while True:
            began = time.perf_counter()
            await anyio.sleep(0.001)
            late_ms.append((time.perf_counter() - began) * 1000 - 1)

    async with anyio.create_task_group() as group:
        group.start_soon(beat)
        yield late_ms
        group.cancel_scope.cancel()


async def row(name: str, job: Callable[[], Awaitable[Any]], *, size_mib: float = 0) -> str:
    """Do one job under the heartbeat, and give its row of the table."""
    began = time.perf_counter()
    async with heartbeat() as late_ms:
        await job()
    seconds = time.perf_counter() - began
    late_ms.sort()
    p99 = late_ms[int(len(late_ms) * 0.99) - 1]
    rate = f"{size_mib / seconds:.0f} MiB/s" if size_mib else ""
    print(f"{name}: {seconds:.2f} s {rate}", file=sys.stderr)
    return f"| {name} | {len(late_ms)} | {p99:.1f} | {late_ms[-1]:.1f} | {seconds:.2f} | {rate} |"


async def table(folder: Path, base_url: str) -> list[str]:
    """Measure every kind of work once, after a warm-up of each."""
    clip = make_clip(folder / "clip.mp4", seconds=8)
    mkv = folder / "clip.mkv"
    with av.open(str(clip)) as source, av.open(str(mkv), "w") as target:
        picture = source.streams.video[0]
        copy = target.add_stream_from_template(picture)
        for packet in source.demux(picture):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    slow = folder / "slow.mp4"
    photo, clear = folder / "photo.png", folder / "clear.webp"
    noise = Image.effect_noise((4000, 3000), 60).convert("RGB")
    noise.save(photo, compress_level=1)
    noise.putalpha(noise.getchannel(0))
    noise.save(clear)
    big = folder / "big.mp4"
    with big.open("wb") as file:
        file.write(b"\0\0\0\x18ftypmp42")
        for _ in range(BIG_MIB):
            file.write(os.urandom(MIB))
    engine = AnimateAnyone()
    convert = partial(media.convert, engine=engine)
    await media.probe(clip)
    async with Client("sk-emulated", base_url=base_url) as client:
        await client.upload(photo, model="wan2.2-animate-move")
        url = await serve(big, folder)
        return [
            await row("probe a clip, 50 times", partial(many, partial(media.probe, clip), 50)),
            await row(
                "preflight with content, 8 s of 1080 × 1920", partial(media.check_content, clip)
            ),
            await row(
                "convert mkv to mp4 without encoding", partial(convert, mkv, folder / "o.mp4")
            ),
            await row(
                "convert with encoding, 8 s of 1080 × 1920",
                partial(convert, mkv, slow, trim=(0.5, 8.0)),
            ),
            await row("convert a png of 12 megapixels", partial(convert, photo, folder / "p.jpg")),
            await row(
                "convert a clear webp of 12 megapixels", partial(convert, clear, folder / "c.jpg")
            ),
            await row(
                f"upload {BIG_MIB} MiB",
                partial(client.upload, big, model="wan2.2-animate-move"),
                size_mib=BIG_MIB,
            ),
            await row(
                f"download {BIG_MIB} MiB",
                partial(client.download, url, folder / "d.mp4"),
                size_mib=BIG_MIB,
            ),
        ]


async def many(job: Callable[[], Awaitable[Any]], times: int) -> None:
    """Do a job again and again."""
    for _ in range(times):
        await job()


async def serve(path: Path, folder: Path) -> str:
    """Serve a folder from a process of its own, and give the URL of a file in it."""
    command = [
        sys.executable,
        "-u",
        "-m",
        "http.server",
        "0",
        "--bind",
        "127.0.0.1",
        "-d",
        str(folder),
    ]
    server = subprocess.Popen(  # noqa: ASYNC220 - nothing is measured yet
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    SERVERS.append(server)
    assert server.stdout is not None
    port = (await anyio.to_thread.run_sync(server.stdout.readline)).split(" port ")[1].split()[0]
    return f"http://127.0.0.1:{port}/{path.name}"


SERVERS: Final[list[subprocess.Popen[str]]] = []


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="dashscope-aa-bench-"))
    try:
        with emulator() as base_url:
            rows = anyio.run(table, folder, base_url)
    finally:
        for server in SERVERS:
            server.terminate()
            server.wait()
        shutil.rmtree(folder)
    made_with = f"Python {platform.python_version()}, PyAV {av.__version__}, {os.cpu_count()} cores"
    head = f"dashscope-aa {__version__}, {made_with}; {GOAL}. Run again: `scripts/bench --write`."
    columns = "| while doing | beats | 99 of 100, ms | longest, ms | seconds | rate |"
    lines = ["# Lateness of the event loop", "", head, "", columns, "|---|--:|--:|--:|--:|--:|"]
    text = "\n".join([*lines, *rows, ""])
    print(text)
    if asked.write:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
