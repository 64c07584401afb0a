"""Look at files before anything is sent: what they are, what is wrong, what it is going to cost."""

import time
from pathlib import Path

from dashscope_aa import Client
from dashscope_aa.media import Checked, ImageFacts, Report, Unreadable, VideoFacts, preflight

from .jobs import Finding, Job, Look, Role

SHEET = "sheet.png"


async def look(client: Client, folder: Path, job: Job) -> Look:
    """Look at what there is, and draw the sheet.

    The files are those of strangers, so a process of its own looks into them first.
    """
    image = folder / job.image.name if job.image else None
    motion = folder / job.motion.name if job.motion else None
    engine = job.choice.made()
    report = await preflight(image, motion, engine=engine, isolate=True)
    await report.picture(folder / SHEET)
    cost_cny: float | None = None
    if image and motion and _readable(report):
        cost_cny = (await client.estimate(image, motion, engine=engine)).cny
    return Look(
        number=time.time_ns() // 1_000_000,
        startable=bool(image and motion) and _fit(report),
        findings=tuple(
            Finding(
                severity=str(found.severity),
                subject="picture" if found.subject == "image" else "clip",
                message=found.message,
                hint=found.hint,
                mendable=found.mendable,
            )
            for found in report.findings
        ),
        facts=_facts(report),
        cost_cny=cost_cny,
    )


def _readable(report: Report) -> bool:
    return not any(isinstance(checked.facts, Unreadable) for checked in report.checked)


def _fit(report: Report) -> bool:
    return all(found.mendable for found in report.findings if found.blocks)


def _facts(report: Report) -> dict[Role, str]:
    said: dict[Role, str] = {}
    if report.image:
        said["image"] = _words(report.image)
    if report.video:
        said["motion"] = _words(report.video)
    return said


def _words(checked: Checked) -> str:
    match checked.facts:
        case ImageFacts(width_px=width, height_px=height):
            return f"{width} × {height}"
        case VideoFacts(width_px=width, height_px=height, duration_s=length_s, fps=fps):
            return f"{width} × {height}, {length_s:.1f} s, {fps:.4g} fps"
        case _:
            return "cannot be read"
