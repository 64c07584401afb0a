"""Put what happens on the way into words."""

from collections.abc import Iterator
from typing import Final

from dashscope_aa import Event
from dashscope_aa.events import (
    Detected,
    Mended,
    Progressed,
    Role,
    Step,
    Submitted,
    TemplateReady,
    Uploaded,
    Watched,
)

from .jobs import Jobs

NAMES: Final[dict[Role, str]] = {"image": "picture", "video": "clip"}
TASKS: Final[dict[Step, str]] = {
    "detect": "The check of the picture",
    "template": "The motion template",
    "synthesis": "The video",
    "move": "The video",
    "mix": "The video",
}


class Teller:
    """Takes the events of one run of `Client.animate`."""

    def __init__(self, jobs: Jobs, job_id: str) -> None:
        self._jobs = jobs
        self._job_id = job_id

    async def __call__(self, event: Event) -> None:
        """Note one event; that of a task which an earlier server has ordered is no news."""
        job = self._jobs.get(self._job_id)
        if job is None:
            return
        ordered = job.ordered
        if isinstance(event, Submitted):
            if event.task_id in ordered:
                return
            ordered = (*ordered, event.task_id)
        if says := list(words(event)):
            await self._jobs.say(job.id, *says, ordered=ordered)


def words(event: Event) -> Iterator[str]:
    """Say what happened; nothing of what matters to nobody."""
    match event:
        case Mended(role=role, steps=steps):
            yield from (f"The {NAMES[role]} was mended: {step}" for step in steps)
        case Watched(findings=findings):
            yield from (f"In the clip: {found.message}" for found in findings)
        case Uploaded(role=role):
            yield f"The {NAMES[role]} was uploaded"
        case Detected(detection=detection):
            yield "The picture passed" if detection.check_pass else "The picture was refused"
        case Submitted(step=step):
            yield f"{TASKS[step]} was ordered"
        case Progressed(step=step, status=status):
            yield f"{TASKS[step]}: {str(status).lower()}"
        case TemplateReady(reused=True):
            yield "The motion template was there already"
        case _:
            pass
