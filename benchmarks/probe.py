"""Family 5: looking into clips: how fast, and how often the answer is right."""

import statistics
from collections.abc import Mapping
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import av
from benchmarks import files, peers
from benchmarks.pairs import Measures, NotMeasuredError, Subject, paired
from benchmarks.results import Chart, Column, Result, bars, missing, table

OURS: Final = "media.probe"
FFPROBE: Final = "ffprobe"
WAYS: Final = {
    OURS: ("ours", peers.OURS),
    FFPROBE: ("ffprobe", peers.OURS),
    "opencv": ("opencv", "opencv"),
    "pymediainfo": ("pymediainfo", "pymediainfo"),
    "moviepy": ("moviepy", "moviepy"),
}
ENDINGS: Final = frozenset({".mp4", ".mov", ".avi", ".mkv", ".flv", ".ts", ".3gp", ".webm", ".wmv"})
HOSTILE: Final = (
    "bomb_samples.mp4",
    "bomb_fragment.mp4",
    "playlist.mp4",
    "concat.mp4",
    "session.mp4",
)
"""They claim millions of frames, or name other files and addresses: right is to refuse them."""
LEFT_OUT: Final = ("bomb_pixels.avi",)
"""Its header makes sense and its frames do not: only who decodes it can refuse it."""
NO_CLIPS: Final = (
    *("empty.mp4", "text.mp4", "page.mp4", "refusal.mp4", "zeros.mp4", "archive.mp4", "jpeg.mp4"),
    *("sound_only.mp4", "sound_only.mkv", "cut_index_last.mp4"),
)
"""There is no clip in them that can be shown: right is to refuse them."""
ODD: Final = (
    "cut",
    "edit_list",
    "header_lies",
    "no_duration",
    "live",
    "variable",
    "sound_",
    "rotated",
)
ODD_TOO: Final = ("mirrored", "pixels", "fragmented", "odd_edges", "cover", "videos")
MANY: Final = 200


def measure(*, quick: bool) -> Result:
    """Look into every clip of the corpus, and count what is right."""
    folder = files.corpus()
    clips = sorted(it for it in folder.iterdir() if it.suffix in ENDINGS)
    told = [it for it in clips if it.name not in (*HOSTILE, *LEFT_OUT)]
    truth = {it.name: None if it.name in NO_CLIPS else true_facts(it) for it in told}
    ordinary = [it for it in told if truth[it.name] is not None and not _odd(it.name)]
    subjects = [
        Subject(name, partial(_look, peer, who, told, truth), ours=name == OURS)
        for name, (who, peer) in WAYS.items()
    ]
    right = paired(subjects, 1)
    subjects = [
        Subject(
            name,
            partial(peers.run, peer, "probe", who, 20 if quick else MANY, *ordinary),
            ours=name == OURS,
        )
        for name, (who, peer) in WAYS.items()
    ]
    speed = paired(subjects, 1 if quick else 3)
    subjects = [
        Subject(name, partial(_hostile, peer, who, folder), ours=name == OURS)
        for name, (who, peer) in WAYS.items()
    ]
    hostile = paired(subjects, 1)
    return Result(
        title="Probe",
        question=f"{len(ordinary)} ordinary clips of many containers and codecs one after the "
        f"other, then {MANY} on all cores. An answer is right if width and height as shown, "
        "duration and frame rate are those that decoding every frame gives (within two frames, and "
        "1.5 % of the rate), or if it is refused where no picture can be shown. Odd clips are cut, "
        "rotated, of uneven rate, without or with wrong headers. Hostile ones claim a hundred "
        "million frames, or name other files to open; the memory of what a tool starts is "
        "not counted.",
        tables=[
            table(
                "Speed, ordinary clips",
                speed,
                [
                    Column("clips a second ÷ ffprobe", "rate", FFPROBE),
                    Column(f"{MANY} on all cores ÷ ffprobe", "many_rate", FFPROBE),
                    Column("CPU ÷ ffprobe", "cpu_s", FFPROBE),
                ],
            ),
            table(
                "Right answers, all clips",
                right,
                [Column(f"{it}, %", it, digits=0) for it in ("ordinary", "odd", "no clips")],
            ),
            table(
                "Hostile clips",
                hostile,
                [
                    Column(f"refused of {len(HOSTILE)}", "refused", digits=0),
                    Column("most memory, MiB", "added_bytes", None, 1 / files.MIB),
                    Column("longest, s", "wall_s"),
                ],
            ),
        ],
        charts=[
            Chart("probe", "Clips looked into a second", "× ffprobe", bars(speed, FFPROBE, "rate"))
        ],
        notes=[*missing(speed), *missing(right), *missing(hostile), *_wrong(right.measured)],
    )


def _odd(name: str) -> bool:
    return name.startswith(ODD) or any(it in name for it in ODD_TOO)


def _look(peer: str, who: str, paths: list[Path], truth: Mapping[str, Any]) -> Measures:
    """Count the right answers, by kind of clip, as shares."""
    found = peers.run(peer, "probe", who, 0, *paths)["found"]
    tally: dict[str, list[bool]] = {"ordinary": [], "odd": [], "no clips": []}
    wrong: list[str] = []
    for name, true in truth.items():
        kind = "no clips" if true is None else "odd" if _odd(name) else "ordinary"
        right = is_right(found[name], true)
        tally[kind].append(right)
        wrong += [] if right else [name]
    return {kind: 100 * sum(them) / len(them) for kind, them in tally.items()} | {"wrong": wrong}


def _wrong(measured: Mapping[str, list[Measures]]) -> list[str]:
    return [
        f"{name} is wrong about {', '.join(its[0]['wrong']) or 'none'}"
        for name, its in measured.items()
    ]


def _hostile(peer: str, who: str, folder: Path) -> Measures:
    """Look into each hostile clip in a process of its own."""
    refused, most, longest = 0, 0.0, 0.0
    for name in HOSTILE:
        try:
            told = peers.run(peer, "probe", who, 0, folder / name)
        except NotMeasuredError:  # it crashed, or did not end
            longest = max(longest, 0.0)
            continue
        refused += told["found"][name] is None
        most, longest = max(most, told["added_bytes"]), max(longest, told["each_s"])
    return {"refused": refused, "added_bytes": most, "wall_s": longest}


def is_right(found: list[float] | None, true: list[float] | None) -> bool:
    """Compare an answer with the truth."""
    if found is None or true is None:
        return found is true
    width, height, duration_s, *paces = true
    step_s = 1 / min(paces)
    return (
        abs(found[0] - width) <= 1
        and abs(found[1] - height) <= 1
        and abs(found[2] - duration_s) <= max(2.1 * step_s, 0.01 * duration_s)
        and any(abs(found[3] - fps) <= 0.015 * fps for fps in paces)
    )


def true_facts(path: Path) -> list[float]:
    """Decode every frame: width, height, duration, and the frame rate in each way to count it.

    Frames over the duration, frames over the time between the first and the last, and the most
    common pace: they differ where the last frames cannot be decoded or have no length of their own.
    """
    times: list[float] = []
    lengths: list[float] = []
    with av.open(str(path)) as clip:
        seen = next(
            it
            for it in clip.streams.video
            if not it.disposition & av.stream.Disposition.attached_pic
        )
        width, height, turned = 0, 0, 0
        shape = (
            seen.sample_aspect_ratio or 1
        )  # as the container says, before the decoder has its say
        for packet in clip.demux(seen):
            try:
                decoded = packet.decode()
            except av.FFmpegError:
                continue
            for frame in decoded:
                times.append(float(frame.time or 0.0))
                lengths.append(float((frame.duration or 0) * (frame.time_base or Fraction(0))))
                width, height, turned = frame.width, frame.height, frame.rotation
    times.sort()
    between_s = times[-1] - times[0]
    step_s = between_s / (len(times) - 1)
    duration_s = between_s + (lengths[-1] or step_s)
    usual_s = statistics.median(after - before for before, after in pairwise(times))
    width = round(width * shape)
    if turned % 180:
        width, height = height, width
    return [width, height, duration_s, len(times) / duration_s, 1 / step_s, 1 / usual_s]
