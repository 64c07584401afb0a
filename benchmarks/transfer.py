"""Family 4: uploads and downloads: how fast, how much memory, how long the loop stands still."""

import os
import tempfile
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import files, peers
from benchmarks.pairs import Measures, Subject, paired
from benchmarks.results import Bar, Chart, Column, Result, Table, missing, table
from benchmarks.serving import Origin, origin

OURS: Final = "dashscope-aa"
SENDS: Final = {
    OURS: ("ours", peers.OURS),
    "curl": ("curl", peers.OURS),
    "dashscope": ("official", "dashscope"),
    "runwayml": ("runway", "runwayml"),
    "replicate": ("replicate", "replicate"),
    "openai": ("openai", "openai"),
    "google-genai": ("google", "google-genai"),
}
FETCHES: Final = {
    OURS: ("ours", peers.OURS),
    "curl": ("curl", peers.OURS),
    "requests, as the skill": ("official", "dashscope"),
    "replicate": ("replicate", "replicate"),
}
SIZES_MIB: Final = (1, 64, 256, 1024)
CHARTED_MIB: Final = 256
COLUMNS: Final = (
    Column("throughput ÷ curl", "rate", "curl"),
    Column("CPU ÷ curl", "cpu_s", "curl"),
    Column("memory added, MiB", "added_bytes", None, 1 / files.MIB),
    Column("loop late, 99 %, ms", "late_p99_s", None, 1000),
    Column("longest, ms", "late_most_s", None, 1000),
)


def measure(*, quick: bool) -> Result:
    """Send files to a server that throws them away, and fetch files that it has cached."""
    tables: list[Table] = []
    charts: list[Chart] = []
    notes: set[str] = {"fal-client: not measured: the hosts it uploads to are fixed in its code"}
    for title, what, ways in (("Upload", "send", SENDS), ("Download", "fetch", FETCHES)):
        for mebibytes in (1, 8) if quick else SIZES_MIB:
            source = files.noise(mebibytes)
            with tempfile.TemporaryDirectory(dir=files.FILES) as folder, _served(source) as server:
                subjects = [
                    Subject(
                        name,
                        partial(_once, (peer, who), (what, server), source, Path(folder)),
                        ours=name == OURS,
                    )
                    for name, (who, peer) in ways.items()
                ]
                rounds = paired(subjects, 1 if quick else 5 if mebibytes < CHARTED_MIB else 3)
            tables.append(table(f"{title}, {mebibytes:,} MiB", rounds, COLUMNS))
            notes |= set(missing(rounds))
            if mebibytes == CHARTED_MIB:
                for measure_, unit, scale in (
                    ("added_bytes", "memory added, MiB", 1 / files.MIB),
                    ("late_most_s", "longest stall of the loop, ms", 1000.0),
                ):
                    shown = [
                        (name, rounds.spread(name, measure_))
                        for name in rounds.names()
                        if name != "curl"
                    ]
                    drawn = [
                        Bar(name, scale * it.median, scale * it.low, scale * it.high, name == OURS)
                        for name, it in shown
                    ]
                    name = f"{title.lower()}-{'memory' if scale < 1 else 'stall'}"
                    charts.append(Chart(name, f"{title} of {mebibytes} MiB", unit, drawn))
    return Result(
        title="Upload and download",
        question="Over loopback, to and from a server in another process, after a small file. "
        "The loop's lateness is that of sleeps of one millisecond on the same loop. What the "
        "peers have no asynchronous call for runs on the loop as it is. curl's own memory is not "
        "counted, as it is another process. Downloads of ours are synced to disk and renamed.",
        tables=tables,
        charts=charts,
        notes=sorted(notes),
    )


def _served(source: Path) -> AbstractContextManager[Origin]:
    small = files.FILES / "small.mp4"
    if not small.exists():
        os.link(files.noise(1), small)
    return origin(source.parent)


def _once(way: tuple[str, str], job: tuple[str, Origin], source: Path, folder: Path) -> Measures:
    (peer, who), (what, server) = way, job
    server.seen()
    file = source if what == "send" else folder / source.name
    measures = peers.run(peer, "transfer", who, what, server.url, file)
    for left in folder.iterdir():
        left.unlink()
    went = server.seen()["received_bytes"] if what == "send" else measures["size_bytes"]
    assert went >= source.stat().st_size, f"{who}: not all of it came"
    return measures
