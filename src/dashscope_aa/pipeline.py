"""The whole way from a picture and a clip to a video, as one call over the single ones.

First the files are looked at, and mended where they would be refused and that can be mended.
AnimateAnyone: the picture is uploaded and detected while the clip is uploaded; the paid
template is submitted only after the picture has passed; then comes the synthesis. A template
made from the same bytes is used again, not paid again. wan2.2-animate: two uploads, one task.
"""

import inspect
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, cast, get_args

from dashscope_aa._calls import Calls
from dashscope_aa._concurrency import KeyedLocks, together
from dashscope_aa._endpoints import DETECT, MIX, MOVE, SYNTHESIS, TEMPLATE, OutputT
from dashscope_aa._engines import AnimateAnyone, Engine, WanAnimate, one_of
from dashscope_aa._prepare import Preflight, look, mend, watch
from dashscope_aa._prices import cost_cny
from dashscope_aa._sources import (
    ImageSource,
    Media,
    MediaFile,
    TemplateId,
    TemplateSource,
    Url,
    VideoSource,
    opened_all,
    template_id,
    temporary_folder,
)
from dashscope_aa._task import OnCancel, Task, TaskState, checked_timeout_s
from dashscope_aa.errors import (
    DashScopeError,
    ImageRejectedError,
    InputError,
    MediaUnreachableError,
    ServiceError,
    TaskCanceledError,
    TaskFailedError,
)
from dashscope_aa.events import (
    Animation,
    Detected,
    Event,
    Finished,
    OnEvent,
    Preflighted,
    Progressed,
    Role,
    Step,
    Submitted,
    TemplateReady,
    Uploaded,
)
from dashscope_aa.models import Detection, TemplateOutput, VideoOutput

log = logging.getLogger("dashscope_aa")

RESULT_LIFE: Final = timedelta(hours=24)
"""How long the service keeps a result (S2, Zmove)."""

TemplateKey = tuple[str, str]


class Templates:
    """Motion templates made from local clips during a client's life, by the clip's bytes."""

    def __init__(self) -> None:
        self.ids: dict[TemplateKey | None, str] = {}
        self.pending: dict[TemplateKey | None, Task[TemplateOutput]] = {}
        self.locks = KeyedLocks()

    def forget(self, template: str) -> None:
        """Drop a template that the service no longer accepts."""
        self.ids = {key: known for key, known in self.ids.items() if known != template}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What one run of `animate` was asked for."""

    engine: Engine
    preflight: Preflight = "fix"
    detect: bool = True
    on_event: OnEvent | None = None
    timeout_s: float | None = None
    on_cancel: OnCancel = "leave"

    def __post_init__(self) -> None:
        """Refuse a word that means nothing, before it is taken for another."""
        one_of("preflight", self.preflight, get_args(Preflight))
        one_of("on_cancel", self.on_cancel, get_args(OnCancel))
        checked_timeout_s(self.timeout_s)
        if self.on_event is not None and not callable(self.on_event):
            raise InputError(f"on_event must be callable, but is {self.on_event!r}")


class Run:
    """One run of `animate`, with what its steps cost and which ids they got."""

    def __init__(self, calls: Calls, templates: Templates, choices: Choices) -> None:
        self._calls = calls
        self._templates = templates
        self._choices = choices
        self._costs: list[float | None] = []
        self._task_ids: dict[Step, str] = {}
        self._request_ids: dict[Step, str] = {}
        self._open: dict[Step, str] = {}
        self._template_id: str | None = None
        self._urls: list[Url] = []
        self._unfit: frozenset[Role] = frozenset()
        self._detection: Detection | None = None

    async def animate(
        self, image: ImageSource, template: TemplateSource, *, local_paths: bool
    ) -> Animation:
        """Go the whole way. Everything that can be checked is checked before anything is sent."""
        engine = self._choices.engine
        made = template_id(template)
        sources: dict[str, ImageSource] = {"image": image}
        if made is None:
            sources["video"] = cast("VideoSource", template)
        elif isinstance(engine, WanAnimate):
            msg = "wan2.2-animate takes a clip, but a template id was given"
            raise InputError(msg, hint="Give the clip itself, or engine=AnimateAnyone().")
        async with (
            opened_all(sources, local_paths=local_paths) as media,
            temporary_folder() as folder,
        ):
            self._folder = folder
            await self._preflight(media)
            try:
                if isinstance(engine, WanAnimate):
                    return await self._wan(engine, media["image"], media["video"])
                return await self._animate_anyone(engine, media["image"], made or media["video"])
            except BaseException as error:
                self._note_open(error)
                self._forget_uploads(error)
                raise

    def _note_open(self, error: BaseException) -> None:
        """Leave the tokens of paid tasks that may go on, so that none is lost with the run."""
        said = "".join(getattr(error, "__notes__", ()))
        for step, token in self._open.items():
            if token not in said:
                error.add_note(f"the {step} task may go on; its token: {token}")
        if self._template_id is not None:
            error.add_note(f"the template is there: give {self._template_id} in the clip's place")

    def _forget_uploads(self, error: BaseException) -> None:
        """Send files anew next time if the service could not read what was uploaded."""
        reason = error.reason if isinstance(error, TaskFailedError) else error
        if isinstance(reason, MediaUnreachableError):
            self._calls.forget_uploads(self._urls)

    async def _wan(self, engine: WanAnimate, image: Media, video: Media) -> Animation:
        """Upload both, and have them animated."""
        move = engine.kind == "move"
        model = engine.model or (MOVE if move else MIX).model
        image_url, video_url = await together(
            partial(self._bring, image, role="image", model=model),
            partial(self._bring, video, role="video", model=model),
        )
        animate = self._calls.animate_move if move else self._calls.animate_mix
        task = await animate(
            image_url,
            video_url,
            mode=engine.mode,
            check_image=engine.check_image,
            watermark=engine.watermark,
            model=model,
        )
        return await self._finished(task, await self._wait(task, engine.kind), template=None)

    async def _animate_anyone(
        self, engine: AnimateAnyone, image: Media, motion: Media | TemplateId
    ) -> Animation:
        """Detect the picture while the clip is uploaded; then template, then synthesis."""
        clip_model = engine.template_model or TEMPLATE.model
        key = (await motion.sha256(), clip_model) if isinstance(motion, MediaFile) else None
        made = motion if isinstance(motion, TemplateId) else self._templates.ids.get(key)

        async def bring_clip() -> Url | None:
            if made or isinstance(motion, TemplateId):
                return None
            _, url = await together(
                partial(self._watch, motion),
                partial(self._bring, motion, role="video", model=clip_model),
            )
            return url

        image = await self._fit(image, "image")
        _, clip = await together(partial(self._detect, image, engine), bring_clip)
        model = engine.model or SYNTHESIS.model
        # All that may fail for free comes first: nothing beside it may stop a paid request.
        picture = await self._upload(image, role="image", model=model)
        template = await self._template(made, clip, key=key, model=clip_model)
        try:
            task = await self._calls.synthesize(
                picture,
                template,
                use_ref_img_bg=engine.use_ref_img_bg,
                video_ratio=engine.video_ratio,
                model=model,
            )
            output = await self._wait(task, "synthesis")
        except (ServiceError, TaskFailedError) as failed:  # open question 45
            if failed.code == "InvalidFile.Template.Content":
                self._templates.forget(template)
            raise
        return await self._finished(task, output, template=template)

    # ── before anything is sent ────────────────────────────────────────────────────────

    async def _preflight(self, media: Mapping[str, Media]) -> None:
        """Look at everything, and stop here if something blocks that is not going to be mended."""
        choices = self._choices
        if choices.preflight == "off":
            return
        report, self._unfit = await look(media, engine=choices.engine, mode=choices.preflight)
        await self._tell(Preflighted(report=report))

    async def _fit(self, media: Media, role: Role) -> Media:
        """Mend a file that is not fit to be sent as it is."""
        if role not in self._unfit or not isinstance(media, MediaFile):
            return media
        made, mended = await mend(media, role, engine=self._choices.engine, folder=self._folder)
        await self._tell(mended)
        return made

    async def _watch(self, clip: Media) -> None:
        """Watch a clip for what never blocks, if anybody is there to be told."""
        wanted = self._choices.on_event is not None and self._choices.preflight != "off"
        if wanted and isinstance(clip, MediaFile):
            try:
                watched = await watch(clip)
            except DashScopeError:  # what only warns stops nothing
                log.warning("the clip could not be watched", exc_info=True)
            else:
                await self._tell(watched)

    # ── steps ──────────────────────────────────────────────────────────────────────────

    async def _bring(self, media: Media, *, role: Role, model: str) -> Url:
        return await self._upload(await self._fit(media, role), role=role, model=model)

    async def _upload(self, media: Media, *, role: Role, model: str) -> Url:
        url = Url(await self._calls.upload(media, model=model))
        self._urls.append(url)
        await self._tell(Uploaded(role=role, model=model, url=url))
        return url

    async def _detect(self, image: Media, engine: AnimateAnyone) -> None:
        """Have the picture looked at, and stop here if it is refused."""
        if not self._choices.detect:
            return
        model = engine.detect_model or DETECT.model
        url = await self._upload(image, role="image", model=model)
        detection = await self._calls.detect(url, model=model)
        self._detection = detection
        self._costs.append(cost_cny(model, None, 1))
        if detection.request_id:
            self._request_ids["detect"] = detection.request_id
        await self._tell(Detected(detection=detection))
        if not detection.check_pass:
            msg = f"the image check refused the picture: {detection.reason or 'no reason given'}"
            raise ImageRejectedError(
                msg, detection=detection, code=detection.code, request_id=detection.request_id
            )

    async def _template(
        self, made: str | None, clip: Url | None, *, key: TemplateKey | None, model: str
    ) -> TemplateId:
        """Give the template: the one there is, or a new one, made once for the same bytes."""
        async with self._templates.locks.hold(key or object()):
            known = made or self._templates.ids.get(key)
            if known is None and clip is not None:
                template, reused = await self._made(clip, key=key, model=model), False
                if key is not None:
                    self._templates.ids[key] = template
            else:
                template, reused = str(known), True
        self._template_id = template
        await self._tell(TemplateReady(template_id=template, reused=reused))
        return TemplateId(template)

    async def _made(self, clip: Url, *, key: TemplateKey | None, model: str) -> str:
        """Have a template made, or wait for one that another run paid for and gave up on."""
        pending = self._templates.pending
        if key in pending:
            with suppress(TaskCanceledError):  # by that run, as it was asked to
                return await self._template_of(pending[key], key)
        task = await self._calls.create_template(clip, model=model)
        if key is not None:
            pending[key] = task
        return await self._template_of(task, key)

    async def _template_of(self, task: Task[TemplateOutput], key: TemplateKey | None) -> str:
        try:
            return (await self._wait(task, "template")).template_id
        finally:
            if task.done:
                self._templates.pending.pop(key, None)

    async def _wait(self, task: Task[OutputT], step: Step) -> OutputT:
        """Wait for a paid task, telling each change of its status."""
        choices = self._choices
        self._task_ids[step] = task.id
        self._open[step] = task.token
        news = iter([Submitted(step=step, task_id=task.id, token=task.token, model=task.model)])

        async def progressed(state: TaskState) -> None:
            for submitted in news:  # within the wait, which knows what a cancellation means
                await self._tell(submitted)
            await self._tell(Progressed(step=step, task_id=task.id, status=state.status))

        try:
            output = await task.result(
                timeout_s=choices.timeout_s, on_cancel=choices.on_cancel, on_state=progressed
            )
        finally:
            if task.done:
                del self._open[step]
        if task.request_id:
            self._request_ids[step] = task.request_id
        usage = task.usage
        tier, length_s = (usage.video_ratio, usage.video_duration) if usage else (None, None)
        self._costs.append(cost_cny(task.model, tier, length_s))
        return output

    async def _tell(self, event: Event) -> None:
        """Report an event. What the receiver does wrong costs no paid job."""
        if self._choices.on_event is None:
            return
        try:
            answer = self._choices.on_event(event)
            if inspect.isawaitable(answer):
                await answer
        except Exception:
            log.exception("on_event failed for %s", type(event).__name__)

    async def _finished(
        self, task: Task[VideoOutput], output: VideoOutput, *, template: str | None
    ) -> Animation:
        ended = output.end_time or datetime.now(UTC)
        animation = Animation(
            video_url=output.video_url,
            expires_at=_life_from(ended),
            engine=self._choices.engine,
            output=output,
            usage=task.usage,
            cost_cny=total(self._costs),
            detection=self._detection,
            template_id=template,
            task_ids=dict(self._task_ids),
            request_ids=dict(self._request_ids),
        )
        await self._tell(Finished(animation=animation))
        return animation


def _life_from(ended: datetime) -> datetime:
    """Say when a result goes; a time that makes no sense counts as now."""
    now = datetime.now(UTC)
    return (ended if ended < now + RESULT_LIFE else now) + RESULT_LIFE


def total(costs: Sequence[float | None]) -> float | None:
    """Add up; unknown if any part is."""
    known = [cost for cost in costs if cost is not None]
    return round(sum(known), 6) if len(known) == len(costs) else None
