"""How late the event loop is while files are looked at, mended, sent and fetched."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import files, peers
from benchmarks.pairs import Measures, Subject, paired
from benchmarks.results import Bar, Chart, Column, Result, missing, table
from benchmarks.serving import origin
from PIL import Image

JOBS: Final = (
    ("probe a clip, 50 times", "probe", "clip"),
    ("look for cuts in one", "content", "clip"),
    ("copy one into another container", "copy", "clip"),
    ("encode one anew", "encode", "other"),
    ("mend a png of 12 megapixels", "picture", "photo"),
    ("mend a clear webp of 12 megapixels", "picture", "clear"),
    ("upload a large file", "upload", "big"),
    ("download a large file", "download", "big"),
)
"""What the results call it, the subject's job, and the file it is done with."""
GOALS_MS: Final = (5, 20)


def measure(*, quick: bool) -> Result:
    """Do each kind of work on a loop that also has something else to do."""
    given = _files(quick=quick)
    with tempfile.TemporaryDirectory(dir=files.FILES) as folder, origin(files.FILES) as server:

        def once(job: str, file: str) -> Measures:
            for left in Path(folder).iterdir():
                left.unlink()
            paths = (folder, given["photo"], given[file])
            return peers.run(peers.OURS, "lateness", job, server.url, *paths)

        subjects = [Subject(name, partial(once, job, file), ours=True) for name, job, file in JOBS]
        rounds = paired(subjects, 1 if quick else 5)
    shown = [(name, rounds.spread(name, "late_most_s")) for name in rounds.names()]
    return Result(
        title="Lateness of the event loop",
        question="Clips of 10 s, files of 256 MiB. Sleeps of one millisecond on the same loop, "
        "and how much too long they took. The goal is "
        f"{GOALS_MS[0]} ms for 99 of 100 and {GOALS_MS[1]} ms for the longest. With fewer "
        "cores than busy threads, the scheduler of the system has its share in it.",
        tables=[
            table(
                "While doing",
                rounds,
                [
                    Column("beats", "beats", digits=0),
                    Column("99 of 100, ms", "late_p99_s", None, 1000),
                    Column("longest, ms", "late_most_s", None, 1000),
                ],
            )
        ],
        charts=[
            Chart(
                "lateness",
                "Longest stall of the event loop",
                "ms",
                [
                    Bar(name, 1000 * it.median, 1000 * it.low, 1000 * it.high, ours=True)
                    for name, it in shown
                ],
            )
        ],
        notes=missing(rounds),
    )


def _files(*, quick: bool) -> dict[str, Path]:
    seconds = 2 if quick else 10
    return {
        "clip": files.clip(f"{seconds}-s.mkv", seconds=seconds),
        "other": files.clip(f"{seconds}-s-mpeg4.mp4", seconds=seconds, codec="mpeg4"),
        "photo": files.made("photo.png", _photo),
        "clear": files.made("clear.webp", _clear),
        "big": files.noise(8 if quick else 256),
    }


def _photo(path: Path) -> None:
    Image.effect_noise((4000, 3000), 60).convert("RGB").save(path, format="PNG", compress_level=1)


def _clear(path: Path) -> None:
    picture = Image.effect_noise((4000, 3000), 60).convert("RGB")
    picture.putalpha(picture.getchannel(0))
    picture.save(path, format="WEBP")
