"""What there is already of what a run needs: the rows of the book that have its inputs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from dashscope_aa._bookkeeper import key_of
from dashscope_aa._calls import detection_of
from dashscope_aa._endpoints import DETECT, MIX, MOVE, SYNTHESIS, TEMPLATE, TaskEndpoint
from dashscope_aa._engines import Engine, WanAnimate
from dashscope_aa._prices import Estimate, expense
from dashscope_aa._sources import Media, TemplateId, identity
from dashscope_aa._submit import SubmitDesk
from dashscope_aa._task import Task
from dashscope_aa.events import Step
from dashscope_aa.models import Detection, TaskStatus, TemplateOutput, VideoOutput


@dataclass(slots=True, kw_only=True)
class Standing:
    """The idempotency keys of a run's steps, and what the book has of them."""

    sources: Mapping[str, str]
    """What the inputs are, by role."""
    keys: dict[Step, str | None] = field(default_factory=dict["Step", "str | None"])
    """Key of each step; none for a step that shall be paid anew."""
    detection: Detection | None = None
    """The verdict on the picture."""
    template: Task[TemplateOutput] | TemplateId | None = None
    """The template, or the task that makes it."""
    video: Task[VideoOutput] | None = None
    """The task that makes the video."""

    @property
    def template_id(self) -> TemplateId | None:
        """The template's id, if there is one."""
        if isinstance(self.template, Task):
            if self.template.status != TaskStatus.SUCCEEDED:
                return None
            return TemplateId(self.template.response["output"]["template_id"])
        return self.template


class Recall(NamedTuple):
    """How much of earlier runs a client goes on with."""

    submits: SubmitDesk
    """The desk that has the book."""
    lasting: bool
    """True with a ledger: then verdicts and videos are gone on with too, not templates alone."""
    exclusive: bool
    """True if nothing else submits with this account."""

    async def standing(
        self, engine: Engine, media: Mapping[str, Media], made: TemplateId | None, *, fresh: bool
    ) -> Standing:
        """Look up what there is of a run.

        Raises:
            LedgerError: the book cannot be read.
        """
        sources = {role: await identity(item) for role, item in media.items()}
        there = Standing(sources=sources, template=made)
        if isinstance(engine, WanAnimate):
            await self.find_video(there, engine, fresh=fresh)
            return there
        if self.lasting:
            key = key_of(DETECT.name, engine.detect_model or DETECT.model, sources["image"])
            there.keys["detect"] = key
            answer = await self.submits.answered(DETECT, key)
            there.detection = detection_of(answer) if answer else None
        if made is None:
            key = key_of(TEMPLATE.name, engine.template_model or TEMPLATE.model, sources["video"])
            there.keys["template"] = key
            there.template = await self.submits.known(TEMPLATE, key)
        if there.template_id is not None:
            await self.find_video(there, engine, there.template_id, fresh=fresh)
        return there

    async def find_video(self, there: Standing, engine: Engine, *given: str, fresh: bool) -> None:
        """Look up the video of these inputs and, with AnimateAnyone, this template.

        Raises:
            LedgerError: the book cannot be read.
        """
        if not self.lasting or fresh:
            return
        endpoint = video_endpoint(engine)
        options = {name: it for name, it in asdict(engine).items() if it is not None}
        key = key_of(endpoint.name, there.sources, given, options)
        there.keys[step_of(engine)] = key
        there.video = await self.submits.known(endpoint, key)


def video_endpoint(engine: Engine) -> TaskEndpoint[VideoOutput]:
    """Give the row of the call that makes the video."""
    if isinstance(engine, WanAnimate):
        return MOVE if engine.kind == "move" else MIX
    return SYNTHESIS


def step_of(engine: Engine) -> Step:
    """Name the step that makes the video."""
    return engine.kind if isinstance(engine, WanAnimate) else "synthesis"


def estimate(engine: Engine, there: Standing, *, length_s: float | None, detect: bool) -> Estimate:
    """Say what the steps will cost that are not paid for yet; *length_s* is the clip's."""
    model = engine.model or video_endpoint(engine).model
    if isinstance(engine, WanAnimate):
        tier = engine.mode.removeprefix("wan-").replace("std", "standard")
        lines = [] if there.video else [expense(engine.kind, model, tier, length_s)]
        return Estimate(tuple(lines))
    wanted: list[tuple[Step, str, float | None]] = []
    if detect and there.detection is None and there.video is None:
        wanted.append(("detect", engine.detect_model or DETECT.model, 1))
    if there.template is None:
        wanted.append(("template", engine.template_model or TEMPLATE.model, length_s))
    if there.video is None:
        wanted.append(("synthesis", model, length_s))
    return Estimate(tuple(expense(step, name, None, units) for step, name, units in wanted))
