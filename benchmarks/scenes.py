"""Family 9: cuts and bad first frames: how fast they are found, and how often rightly."""

from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks import drawn, files, peers
from benchmarks.pairs import Measures, Rounds, Subject, paired
from benchmarks.results import Chart, Column, Result, bars, missing, table

OURS: Final = "media.check_content"
SCDET: Final = "ffmpeg scdet, 10"
WAYS: Final = {OURS: "ours", SCDET: "scdet", "ffmpeg scene > 0.3": "scene"}
NEAR_S: Final = 2.5 / drawn.FPS


def measure(*, quick: bool) -> Result:
    """Look for cuts in drawn clips, and in one of full size for the speed."""
    scenes = {_drawn(name, scene): scene.cuts_s for name, scene in drawn.SCENES.items()}
    first = {_drawn(name, scene): bad for name, (scene, bad) in drawn.FIRST_FRAMES.items()}
    right = paired(_subjects(partial(_count, scenes)), 1)
    seconds = 2 if quick else 10
    clip = files.clip(f"{seconds}-s.mp4", seconds=seconds)
    speed = paired(_subjects(partial(_fast, clip, seconds)), 1 if quick else 5)
    begun = peers.run(peers.OURS, "scenes", "ours", *first)["told"]
    seen = sum(begun[str(path)]["bad"] == bad for path, bad in first.items())
    cuts = sum(len(cuts_s) for cuts_s in scenes.values())
    return Result(
        title="Cuts and first frames",
        question=f"{len(scenes)} drawn clips with {cuts} hard cuts, and with dances, wandering "
        "cameras, flashes and changes of light that are none. Speed is that of a clip of "
        "1080 × 1920, 30 fps.",
        tables=[
            table(
                "Cuts",
                right,
                [
                    Column(f"found of {cuts}", "hits", digits=0),
                    Column("false alarms", "false", digits=0),
                ],
            ),
            table(
                "Speed",
                speed,
                [
                    Column("× real time", "pace"),
                    Column(f"speed ÷ {SCDET}", "pace", SCDET),
                    Column("CPU", "cpu_s", SCDET),
                ],
            ),
        ],
        charts=[
            Chart("scenes", "Looking for cuts", f"speed ÷ {SCDET}", bars(speed, SCDET, "pace"))
        ],
        notes=[
            f"First frames: {seen} of {len(first)} judged rightly by {OURS}.",
            *_wrong(right),
            *missing(right),
            *missing(speed),
        ],
    )


def _drawn(name: str, scene: drawn.Scene) -> Path:
    return files.made(f"{name.replace(' ', '-')}.mp4", partial(drawn.film, scene))


def _subjects(once: Any) -> list[Subject]:
    return [Subject(name, partial(once, who), ours=name == OURS) for name, who in WAYS.items()]


def _count(scenes: dict[Path, tuple[float, ...]], who: str) -> Measures:
    told = peers.run(peers.OURS, "scenes", who, *scenes)["told"]
    hits, false, wrong = 0, 0, []
    for path, cuts_s in scenes.items():
        found = told[str(path)]["cuts_s"]
        hit = [cut for cut in cuts_s if any(abs(cut - it) <= NEAR_S for it in found)]
        alarms = [it for it in found if all(abs(cut - it) > NEAR_S for cut in cuts_s)]
        hits, false = hits + len(hit), false + len(alarms)
        if alarms or len(hit) < len(cuts_s):
            wrong.append(path.stem.replace("-", " "))
    return {"hits": hits, "false": false, "wrong": wrong}


def _wrong(right: Rounds) -> list[str]:
    return [
        f"{name} is wrong about: {', '.join(its[0]['wrong']) or 'none'}"
        for name, its in right.measured.items()
    ]


def _fast(clip: Path, seconds: int, who: str) -> Measures:
    measures = peers.run(peers.OURS, "scenes", who, clip)
    return measures | {"pace": seconds / measures["wall_s"]}
