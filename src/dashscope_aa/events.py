"""What `Client.animate` tells while it works, and what it gives in the end.

Every event is a value. `Submitted` is the one to keep: with its token nothing is lost.
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from dashscope_aa._engines import Engine
from dashscope_aa.models import Detection, TaskStatus, TaskUsage, VideoOutput

if TYPE_CHECKING:
    from dashscope_aa.media import Finding, Report

Step = Literal["detect", "template", "synthesis", "move", "mix"]
Role = Literal["image", "video"]
OnBytes = Callable[[int, int | None], Awaitable[None] | None]
"""What is told of a transfer: how many bytes went through, and of how many, if that is known."""


async def tell_bytes(on_bytes: OnBytes | None, done: int, total: int | None) -> None:
    """Call what wants to know how far a transfer is, if anything does."""
    answer = on_bytes and on_bytes(done, total)
    if inspect.isawaitable(answer):
        await answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflighted:
    """The media were looked at, before anything was sent."""

    report: "Report"
    """Everything that was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A file was mended, into a temporary one; the file itself is as it was."""

    role: Role
    """Which file."""
    steps: tuple[str, ...]
    """What was done, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The clip was watched for cuts and a bad first frame. Nothing of it blocks."""

    findings: tuple["Finding", ...]
    """What was found; often nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploading:
    """A part of a large file went through: told each MiB, by the service's temporary storage."""

    role: Role
    """Which file."""
    model: str
    """The model that may read it."""
    sent_bytes: int
    """How much went through."""
    size_bytes: int
    """How much there is in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """A file lies where the service can read it."""

    role: Role
    """Which file."""
    model: str
    """The model that may read it."""
    url: str
    """Where it lies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """The picture was looked at."""

    detection: Detection
    """The verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A paid task was accepted. Keep the token: with it, nothing is lost."""

    step: Step
    """What the task does."""
    task_id: str
    """Its id."""
    token: str
    """What ``client.resume`` takes, in any process."""
    model: str
    """The model it was submitted to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """A task changed its status."""

    step: Step
    """What the task does."""
    task_id: str
    """Its id."""
    status: TaskStatus | str
    """The new status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateReady:
    """There is a motion template."""

    template_id: str
    """Its id, for as many pictures as you like."""
    reused: bool
    """True if it was there already, and cost nothing now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The video is there."""

    animation: "Animation"
    """What `animate` gives."""


Event = (
    Preflighted
    | Mended
    | Watched
    | Uploading
    | Uploaded
    | Detected
    | Submitted
    | Progressed
    | TemplateReady
    | Finished
)
OnEvent = Callable[[Event], Awaitable[None] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Animation:
    """A finished video and how it came about."""

    video_url: str
    """URL of the video, to be downloaded before `expires_at`."""
    expires_at: datetime
    """When the service forgets the video: 24 hours after it was made."""
    engine: Engine
    """What made it."""
    output: VideoOutput
    """The output of the video task."""
    usage: TaskUsage | None = None
    """What the video is billed by."""
    cost_cny: float | None = None
    """What all steps of this run cost by the known prices; None if a length was not told."""
    detection: Detection | None = None
    """The verdict on the picture, where it was asked for."""
    template_id: str | None = None
    """The motion template, with AnimateAnyone."""
    task_ids: dict[Step, str]
    """Ids of the tasks of this run, by step."""
    request_ids: dict[Step, str]
    """Ids of the last request of each step."""
