"""Family 6: copying into another container, and encoding anew, against the ffmpeg command."""

import re
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import files, peers
from benchmarks.pairs import Measures, NotMeasuredError, Rounds, Subject, paired
from benchmarks.results import Bar, Chart, Column, Result, Table, missing, table

OURS: Final = "media.convert"
COPY: Final = "ffmpeg -c copy"
DEFAULT: Final = "ffmpeg -c:v libx264 -crf 22"
SKILL: Final = "ffmpeg, as the skill"
COPIES: Final = {
    OURS: ("ours", "copy"),
    COPY: ("ffmpeg", "copy"),
    SKILL: ("ffmpeg", "skill-encode"),
}
ENCODES: Final = {
    OURS: ("ours", "encode"),
    DEFAULT: ("ffmpeg", "encode"),
    SKILL: ("ffmpeg", "skill-encode"),
}


def measure(*, quick: bool) -> Result:
    """Convert clips of 1080 × 1920."""
    tables: list[Table] = []
    notes: set[str] = set()
    copies: dict[int, Rounds] = {}
    for seconds in (2,) if quick else (10, 60):
        source = _source(seconds)
        ways = COPIES if seconds < 60 else dict(list(COPIES.items())[:2])
        copies[seconds] = rounds = _rounds(ways, source, rounds=1 if quick else 3)
        title = f"Another container: {seconds} s of H.264 in mkv to mp4"
        columns = [*_columns(COPY), Column(f"time ÷ {OURS}", "wall_s", OURS)]
        tables.append(table(title, rounds, columns))
        notes |= set(missing(rounds))
    source = files.clip(
        "2-s-mpeg4.mp4" if quick else "10-s-mpeg4.mp4", seconds=2 if quick else 10, codec="mpeg4"
    )
    encodes = _rounds(ENCODES, source, rounds=1 if quick else 3)
    columns = [*_columns(DEFAULT), Column("SSIM", "ssim", digits=4)]
    tables.append(
        table(f"Another codec: {source.name.split('-')[0]} s of MPEG-4 part 2", encodes, columns)
    )
    notes |= set(missing(encodes))
    return Result(
        title="Convert",
        question="Clips of 1080 × 1920, 30 fps, with sound. The skill encodes whatever is in "
        "another container than mp4, avi and mov; `media.convert` copies the picture when it may "
        "stay. SSIM is that of the result against its source, by ffmpeg.",
        tables=tables,
        charts=[
            Chart("convert-copy", "Another container", f"time ÷ {COPY}", _bars(copies, COPY)),
            Chart(
                "convert-encode", "Another codec", f"time ÷ {DEFAULT}", _bars({0: encodes}, DEFAULT)
            ),
        ],
        notes=sorted(notes),
    )


def _source(seconds: int) -> Path:
    """Give an mkv; a long one repeats a short one."""
    if seconds <= 10:
        return files.clip(f"{seconds}-s.mkv", seconds=seconds)
    return files.repeated(f"{seconds}-s.mkv", _source(10), times=seconds // 10)


def _bars(all_rounds: dict[int, Rounds], base: str) -> list[Bar]:
    shown: list[Bar] = []
    for seconds, rounds in all_rounds.items():
        for name in rounds.names() if base in rounds.measured else []:
            it = rounds.ratio(name, base, "wall_s")
            label = f"{name}, {seconds} s" if seconds else name
            shown.append(Bar(label, it.median, it.low, it.high, name == OURS))
    return shown


def _columns(base: str) -> list[Column]:
    return [
        Column(f"time ÷ {base}", "wall_s", base),
        Column("CPU", "cpu_s", base),
        Column("size", "size_bytes", base),
        Column("loop late, 99 %, ms", "late_p99_s", None, 1000),
        Column("longest, ms", "late_most_s", None, 1000),
    ]


def _rounds(ways: dict[str, tuple[str, str]], source: Path, *, rounds: int) -> Rounds:
    with tempfile.TemporaryDirectory(dir=files.FILES) as folder:
        subjects = [
            Subject(name, partial(_once, who, how, source, Path(folder)), ours=name == OURS)
            for name, (who, how) in ways.items()
        ]
        return paired(subjects, rounds)


def _once(who: str, how: str, source: Path, folder: Path) -> Measures:
    target = folder / "made.mp4"
    measures = peers.run(peers.OURS, "convert", who, how, source, target)
    if how.endswith("encode"):
        measures["ssim"] = ssim(target, source)
    target.unlink()
    return measures


def ssim(one: Path, other: Path) -> float:
    """Compare two clips frame by frame."""
    command = ["ffmpeg", "-i", str(one), "-i", str(other), "-lavfi", "ssim", "-f", "null", "-"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotMeasuredError(f"no SSIM: {error}") from None
    found = re.search(r"All:([0-9.]+)", done.stderr)
    if not found:
        raise NotMeasuredError("ffmpeg told no SSIM")
    return float(found[1])
