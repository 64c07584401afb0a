"""Family 8: the whole way, against the skill's serial order of steps."""

import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import files, peers
from benchmarks.pairs import Measures, Subject, paired
from benchmarks.results import Bar, Chart, Column, Result, Table, missing, table
from benchmarks.serving import service

OURS: Final = "client.animate"
EAGER: Final = "skill's order, asking each second"
SKILL: Final = "skill, asking each 10 and 15 s"
EXAMPLES: Final = peers.ROOT / "examples"
FINE: Final = "One picture, files that are fine"
RUN_S: Final = 6.5
"""It ends between two questions of who asks each second, not in step with them."""
COLUMNS: Final = (
    Column("time ÷ skill's order", "wall_s", EAGER),
    Column("paid tasks", "paid", digits=0),
    Column("requests", "requests", digits=0),
)


def measure(*, quick: bool) -> Result:
    """Animate on the emulator, whose tasks take a fixed time."""
    pauses = ("0.2:0.2", "0.4:0.6") if quick else ("1:1", "10:15")
    ways = {
        OURS: (peers.OURS, "ours"),
        EAGER: ("dashscope", f"skill:{pauses[0]}"),
        SKILL: ("dashscope", f"skill:{pauses[1]}"),
    }
    fine, seconds = EXAMPLES / "dance.mp4", 2 if quick else 10
    jobs = {
        FINE: (fine, 1),
        "One picture, a clip that must be mended": (
            files.clip(f"{seconds}-s.mkv", seconds=seconds),
            1,
        ),
        "Two pictures, one clip": (fine, 2),
    }
    tables: list[Table] = []
    shown: list[Bar] = []
    notes: set[str] = set()
    for title, (clip, pictures) in jobs.items():
        subjects = [
            Subject(
                name,
                partial(_once, peer, who, clip, pictures, 0.3 if quick else RUN_S),
                ours=name == OURS,
            )
            for name, (peer, who) in ways.items()
            if name != SKILL or title == FINE  # it waits for most of its time
        ]
        rounds = paired(subjects, 1 if quick else 2)
        tables.append(table(title, rounds, COLUMNS))
        notes |= set(missing(rounds))
        for name in rounds.names() if EAGER in rounds.measured else []:
            it = rounds.ratio(name, EAGER, "wall_s")
            shown.append(Bar(f"{title}: {name}", it.median, it.low, it.high, name == OURS))
    return Result(
        title="End to end",
        question=f"From files to a film on disk, AnimateAnyone, on the emulator, whose tasks run "
        f"{RUN_S:g} s each; its films are made meanwhile. The real service takes minutes "
        "a step, so that how often one asks counts less there, and mending less too.",
        tables=tables,
        charts=[Chart("end-to-end", "From files to a film", "time ÷ skill's order", shown)],
        notes=sorted(notes),
    )


def _once(peer: str, who: str, clip: Path, pictures: int, run_s: float) -> Measures:
    # A service of its own each time: an account that has no templates, and an empty queue.
    with (
        tempfile.TemporaryDirectory(dir=files.FILES) as folder,
        service(run_s=run_s, upload_model_check=False) as server,
    ):
        photos = [Path(folder) / f"photo-{number}.jpg" for number in range(pictures)]
        for number, photo in enumerate(photos):
            shutil.copyfile(EXAMPLES / "portrait.jpg", photo)
            with photo.open("ab") as file:
                file.write(bytes([number]))  # another picture by its bytes
        measures = peers.run(peer, "end_to_end", who, server.base_url, folder, clip, *photos)
        return measures | server.seen()
