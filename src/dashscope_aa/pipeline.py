"""The whole way from a picture and a clip to a video, as one call over the single ones.

First the files are looked at, and mended where they would be refused and that can be mended.
AnimateAnyone: the picture is detected, and uploaded for the synthesis, while the clip is
uploaded; the paid template is submitted only after the picture has passed; then comes the
synthesis.
wan2.2-animate: two uploads, one task. What the book has of the same inputs is gone on with and
not paid again: templates always, and with a ledger verdicts and videos too.
"""

import logging
from collections.abc import Mapping
from functools import partial
from typing import Final, cast

from dashscope_aa._book import Memo
from dashscope_aa._bookkeeper import Bookkeeper
from dashscope_aa._calls import Calls
from dashscope_aa._choices import Choices
from dashscope_aa._concurrency import KeyedLocks, together
from dashscope_aa._diary import Diary
from dashscope_aa._endpoints import DETECT, SYNTHESIS, TEMPLATE
from dashscope_aa._engines import AnimateAnyone, WanAnimate
from dashscope_aa._prepare import clip_length_s, length_s, look, mend, watch
from dashscope_aa._prices import Estimate, check_cost, cost_cny
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
from dashscope_aa._standing import Recall, Standing, estimate, video_endpoint
from dashscope_aa._task import Task
from dashscope_aa.errors import (
    DashScopeError,
    ImageRejectedError,
    InputError,
    MediaUnreachableError,
    ServiceError,
    SubmitOutcomeUnknownError,
    TaskCanceledError,
    TaskFailedError,
)
from dashscope_aa.events import (
    Animation,
    Preflighted,
    Role,
    Step,
    TemplateReady,
    Uploaded,
    Uploading,
)
from dashscope_aa.models import TemplateOutput, VideoOutput

log = logging.getLogger("dashscope_aa")

_GONE: Final = "InvalidFile.Template.Content"
"""What the service says of a template it does not accept (open question 45)."""


class Run:
    """One run of `animate`."""

    def __init__(
        self,
        calls: Calls,
        choices: Choices,
        *,
        books: Bookkeeper,
        recall: Recall,
        locks: KeyedLocks,
    ) -> None:
        self._calls = calls
        self._choices = choices
        self._books = books
        self._recall = recall
        self._locks = locks
        self._diary = Diary(choices)
        self._urls: list[Url] = []
        self._unfit: frozenset[Role] = frozenset()
        self._length_s: float | None = None

    async def animate(
        self, image: ImageSource, template: TemplateSource, *, local_paths: bool
    ) -> Animation:
        """Go the whole way. Everything that can be checked is checked before anything is sent."""
        made = self._made(template)
        sources = _sources(image, template, made)
        async with (
            opened_all(sources, local_paths=local_paths) as media,
            temporary_folder() as folder,
        ):
            self._folder = folder
            await self._preflight(media)
            self._there = await self._standing(media, made)
            limit_cny = self._choices.max_cost_cny
            wanted = limit_cny is not None
            self._expense = await self._expected(media, self._there, wanted=wanted)
            check_cost(self._expense, limit_cny)
            try:
                engine = self._choices.engine
                if isinstance(engine, WanAnimate):
                    return await self._wan(engine, media)
                return await self._animate_anyone(engine, media)
            except BaseException as error:
                self._diary.note_open(error)
                await self._forget_uploads(error)
                raise

    async def estimate(
        self, image: ImageSource, template: TemplateSource, *, local_paths: bool
    ) -> Estimate:
        """Say what `animate` would cost. Nothing is sent."""
        made = self._made(template)
        sources = _sources(image, template, made)
        async with opened_all(sources, local_paths=local_paths) as media:
            there = await self._standing(media, made)
            return await self._expected(media, there, wanted=True)

    def _made(self, template: TemplateSource) -> TemplateId | None:
        made = template_id(template)
        if made is not None and isinstance(self._choices.engine, WanAnimate):
            msg = "wan2.2-animate takes a clip, but a template id was given"
            raise InputError(msg, hint="Give the clip itself, or engine=AnimateAnyone().")
        return made

    # ── before anything is sent ────────────────────────────────────────────────────────

    async def _preflight(self, media: Mapping[str, Media]) -> None:
        """Look at everything, and stop here if something blocks that is not going to be mended."""
        choices = self._choices
        if choices.preflight == "off":
            return
        report, self._unfit = await look(media, engine=choices.engine, mode=choices.preflight)
        self._length_s = length_s(report)
        await self._diary.tell(Preflighted(report=report))

    async def _standing(self, media: Mapping[str, Media], made: TemplateId | None) -> Standing:
        choices = self._choices
        return await self._recall.standing(choices.engine, media, made, fresh=choices.fresh)

    async def _expected(
        self, media: Mapping[str, Media], there: Standing, *, wanted: bool
    ) -> Estimate:
        """Say what is still to be paid for; a clip not looked at yet is probed if *wanted*."""
        if "video" not in media:
            self._length_s = await self._books.template_length_s(there.template_id or "")
        elif self._length_s is None and wanted:
            self._length_s = await clip_length_s(media["video"])
        choices = self._choices
        return estimate(choices.engine, there, length_s=self._length_s, detect=choices.detect)

    async def _fit(self, media: Media, role: Role) -> Media:
        """Mend a file that is not fit to be sent as it is."""
        if role not in self._unfit or not isinstance(media, MediaFile):
            return media
        made, mended = await mend(media, role, engine=self._choices.engine, folder=self._folder)
        await self._diary.tell(mended)
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
                await self._diary.tell(watched)

    # ── wan2.2-animate ─────────────────────────────────────────────────────────────────

    async def _wan(self, engine: WanAnimate, media: Mapping[str, Media]) -> Animation:
        """Upload both, and have them animated."""
        task, paid = self._there.video, False
        if task is None:
            task, paid = await self._wan_submitted(engine, media), True
        return await self._finished(task, engine.kind, paid=paid)

    async def _wan_submitted(
        self, engine: WanAnimate, media: Mapping[str, Media]
    ) -> Task[VideoOutput]:
        model = engine.model or video_endpoint(engine).model
        image_url, video_url = await together(
            partial(self._bring, media["image"], role="image", model=model),
            partial(self._bring, media["video"], role="video", model=model),
        )
        move = engine.kind == "move"
        animate = self._calls.animate_move if move else self._calls.animate_mix
        return await animate(
            image_url,
            video_url,
            mode=engine.mode,
            check_image=engine.check_image,
            watermark=engine.watermark,
            model=model,
            memo=self._memo(engine.kind),
        )

    # ── AnimateAnyone ──────────────────────────────────────────────────────────────────

    async def _animate_anyone(self, engine: AnimateAnyone, media: Mapping[str, Media]) -> Animation:
        """Bring the picture, once it has passed, and the clip; then template, then synthesis."""
        there = self._there
        if there.video is not None:
            self._diary.template_id = there.template_id
            return await self._finished(there.video, "synthesis", paid=False)
        model = engine.model or SYNTHESIS.model
        # All that may fail for free comes first: nothing beside it may stop a paid task.
        picture, clip = await together(
            partial(self._bring_picture, media["image"], engine, model=model),
            partial(self._bring_clip, media.get("video"), engine),
        )
        template = await self._template(clip, media.get("video"), engine)
        await self._recall.find_video(there, engine, template, fresh=self._choices.fresh)
        if there.video is not None:
            return await self._finished(there.video, "synthesis", paid=False)
        try:
            task = await self._calls.synthesize(
                picture,
                template,
                use_ref_img_bg=engine.use_ref_img_bg,
                video_ratio=engine.video_ratio,
                model=model,
                memo=self._memo("synthesis"),
            )
            return await self._finished(task, "synthesis", paid=True)
        except (ServiceError, TaskFailedError) as failed:
            if failed.code == _GONE:
                await self._books.forget_template(template)
            raise

    async def _bring_picture(self, image: Media, engine: AnimateAnyone, *, model: str) -> Url:
        """Mend the picture, have it looked at, and upload it again for the synthesis."""
        fit = await self._fit(image, "image")
        await self._detect(fit, engine)
        return await self._upload(fit, role="image", model=model)

    async def _detect(self, image: Media, engine: AnimateAnyone) -> None:
        """Have the picture looked at, and stop here if it is refused."""
        if not self._choices.detect:
            return
        model = engine.detect_model or DETECT.model
        detection = self._there.detection
        cny: float | None = 0.0
        if detection is None:
            url = await self._upload(image, role="image", model=model)
            try:
                detection = await self._calls.detect(url, model=model, memo=self._memo("detect"))
            except SubmitOutcomeUnknownError:
                if not self._recall.exclusive:
                    raise
                # A check leaves no task to look for, and asking again might pay twice: go on
                # without a verdict, which the synthesis gives as well.
                log.warning("the answer of the image check was lost; going on without it")
                return
            cny = cost_cny(model, None, 1)
        await self._diary.detected(detection, cost_cny=cny)
        if not detection.check_pass:
            msg = f"the image check refused the picture: {detection.reason or 'no reason given'}"
            raise ImageRejectedError(
                msg, detection=detection, code=detection.code, request_id=detection.request_id
            )

    async def _bring_clip(self, clip: Media | None, engine: AnimateAnyone) -> Url | None:
        """Upload the clip, unless there is a template of it."""
        if clip is None or self._there.template is not None:
            return None
        model = engine.template_model or TEMPLATE.model
        _, url = await together(
            partial(self._watch, clip), partial(self._bring, clip, role="video", model=model)
        )
        return url

    async def _template(
        self, url: Url | None, clip: Media | None, engine: AnimateAnyone
    ) -> TemplateId:
        """Give the template: the one there is, or a new one, made once for the same bytes."""
        there, reused = self._there, True
        if not isinstance(there.template, TemplateId):
            task, reused = await self._template_task(url, clip, engine)
            try:
                made = await self._diary.wait(task, "template", paid=not reused)
            except TaskCanceledError:
                if not reused:
                    raise
                there.template = None  # another run's, which gave it up: make one of our own
                await self._books.forget(task.id)
                task, reused = await self._template_task(url, clip, engine)
                made = await self._diary.wait(task, "template", paid=not reused)
            there.template = TemplateId(made.template_id)
        self._diary.template_id = there.template
        await self._diary.tell(TemplateReady(template_id=there.template, reused=reused))
        return there.template

    async def _template_task(
        self, url: Url | None, clip: Media | None, engine: AnimateAnyone
    ) -> tuple[Task[TemplateOutput], bool]:
        """Submit the clip, or take the task that another run has submitted meanwhile."""
        if isinstance(self._there.template, Task):
            return self._there.template, True
        model = engine.template_model or TEMPLATE.model
        url = url or await self._bring(cast("Media", clip), role="video", model=model)
        memo = self._memo("template")
        async with self._locks.hold(memo.idempotency_key):
            known = await self._recall.submits.known(TEMPLATE, memo.idempotency_key)
            if known is not None:
                return known, True
            return await self._calls.create_template(url, model=model, memo=memo), False

    # ── steps ──────────────────────────────────────────────────────────────────────────

    def _memo(self, step: Step) -> Memo:
        key = self._there.keys.get(step)
        cny = self._expense.of(step)
        return Memo(idempotency_key=key, estimate_cny=cny, sources=self._there.sources)

    async def _bring(self, media: Media, *, role: Role, model: str) -> Url:
        return await self._upload(await self._fit(media, role), role=role, model=model)

    async def _upload(self, media: Media, *, role: Role, model: str) -> Url:
        async def told(sent: int, size: int | None) -> None:
            await self._diary.tell(
                Uploading(role=role, model=model, sent_bytes=sent, size_bytes=size or sent)
            )

        url = Url(await self._calls.upload(media, model=model, on_bytes=told))
        self._urls.append(url)
        await self._diary.tell(Uploaded(role=role, model=model, url=url))
        return url

    async def _finished(self, task: Task[VideoOutput], step: Step, *, paid: bool) -> Animation:
        return await self._diary.finished(task, await self._diary.wait(task, step, paid=paid))

    async def _forget_uploads(self, error: BaseException) -> None:
        """Send files anew next time if the service could not read what was uploaded."""
        reason = error.reason if isinstance(error, TaskFailedError) else error
        if isinstance(reason, MediaUnreachableError):
            await self._calls.forget_uploads(self._urls)


def _sources(
    image: ImageSource, template: TemplateSource, made: TemplateId | None
) -> dict[str, ImageSource]:
    if made is not None:
        return {"image": image}
    return {"image": image, "video": cast("VideoSource", template)}
