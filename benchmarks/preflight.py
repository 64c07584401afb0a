"""Family 7: judging a clip at a URL, against downloading it first."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import files, peers
from benchmarks.pairs import Measures, Rounds, Subject, paired
from benchmarks.results import Bar, Chart, Column, Result, Table, missing, table
from benchmarks.serving import Origin, origin

OURS: Final = "media.preflight"
WHOLE: Final = "curl, then ffprobe"
WAYS: Final = {OURS: "ours", WHOLE: "whole"}


def measure(*, quick: bool) -> Result:
    """Judge large clips whose index is at the front or at the end."""
    mebibytes = 10 if quick else 200
    source = files.clip("2-s.mp4", seconds=2)
    tables: list[Table] = []
    shown: list[Bar] = []
    notes: set[str] = set()
    for where, first in (("first", True), ("last", False)):
        name = f"{mebibytes}-mib-index-{where}.mp4"
        times = 1 + mebibytes * files.MIB // source.stat().st_size
        clip = files.repeated(name, source, times=times, index_first=first)
        with origin(clip.parent) as server:
            rounds = _rounds(server, clip, 1 if quick else 7)
        tables.append(table(f"{mebibytes} MiB, index {where}", rounds, _columns()))
        notes |= set(missing(rounds))
        for name_ in rounds.names():
            it = rounds.spread(name_, "share")
            label = f"{name_}, index {where}"
            shown.append(Bar(label, 100 * it.median, 100 * it.low, 100 * it.high, name_ == OURS))
    return Result(
        title="Preflight of a URL",
        question="Everything that is wrong with a clip at a URL is to be said. The server is on "
        "loopback: over a real network the bytes decide.",
        tables=tables,
        charts=[Chart("preflight", "Read of a clip to judge it", "% of its bytes", shown)],
        notes=sorted(notes),
    )


def _columns() -> list[Column]:
    return [
        Column("read, % of the file", "share", None, 100),
        Column("requests", "requests", digits=0),
        Column("time ÷ downloading", "wall_s", WHOLE),
        Column("CPU", "cpu_s", WHOLE),
    ]


def _rounds(server: Origin, clip: Path, rounds: int) -> Rounds:
    with tempfile.TemporaryDirectory(dir=files.FILES) as folder:
        subjects = [
            Subject(name, partial(_once, who, server, clip, folder), ours=name == OURS)
            for name, who in WAYS.items()
        ]
        return paired(subjects, rounds)


def _once(who: str, server: Origin, clip: Path, folder: str) -> Measures:
    server.seen()
    measures = peers.run(peers.OURS, "preflight", who, f"{server.url}/files/{clip.name}", folder)
    seen = server.seen()
    return measures | {
        "share": seen["sent_bytes"] / clip.stat().st_size,
        "requests": seen["requests"],
    }
