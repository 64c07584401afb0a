"""One method a request: detect, create_template, synthesize, move, mix, and the tasks."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NoReturn, TypeVar, overload

from dashscope_aa._book import Entry, Memo
from dashscope_aa._config import Settings
from dashscope_aa._endpoints import (
    CREATE_TOKEN,
    DETECT,
    MIX,
    MOVE,
    SYNTHESIS,
    TEMPLATE,
    OutputT,
)
from dashscope_aa._http import Http
from dashscope_aa._protocol import build, checked_task_id, decode, encode
from dashscope_aa._sources import (
    ImageSource,
    Media,
    MediaFile,
    Url,
    VideoSource,
    identity,
    opened,
    opened_all,
    template_id,
)
from dashscope_aa._submit import NO_MEMO, SubmitDesk
from dashscope_aa._task import Task
from dashscope_aa._tasks import TaskDesk
from dashscope_aa._token import OPERATIONS, TaskToken, TokenFacts, operation_of, read_token
from dashscope_aa._upload import TemporaryStorage, Uploader
from dashscope_aa.errors import (
    HumanContentError,
    InputError,
    SourceError,
    SubmitOutcomeUnknownError,
)
from dashscope_aa.events import OnBytes
from dashscope_aa.models import (
    Detection,
    DetectRequest,
    DetectResponse,
    SynthesisRequest,
    TaskFinishedEvent,
    TaskListResponse,
    TaskResponse,
    TemplateOutput,
    TemplateRequest,
    TokenRequest,
    TokenResponse,
    VideoOutput,
    VideoRatio,
    WanAnimateRequest,
    WanMode,
)
from dashscope_aa.models._base import Request

RequestT = TypeVar("RequestT", bound=Request)


class Calls:
    """Every call of the service, each as one method. `Client` adds `animate` and `download`."""

    def __init__(  # noqa: PLR0913 - one argument a desk
        self,
        settings: Settings,
        http: Http,
        *,
        desk: TaskDesk,
        submits: SubmitDesk,
        uploader: Uploader,
        local_paths: bool,
    ) -> None:
        self._settings = settings
        self._http = http
        self._desk = desk
        self._uploader = uploader
        self._local_paths = local_paths
        self._submits = submits

    # ── AnimateAnyone ──────────────────────────────────────────────────────────────────

    async def detect(
        self, image: ImageSource, *, model: str | None = None, memo: Memo = NO_MEMO
    ) -> Detection:
        """Ask whether a picture can be animated. Refused pictures are billed too.

        A refusal of what the picture shows is a `Detection` with ``check_pass`` false, whether
        the service says it by HTTP 200 or by a 400 of the human-content codes.

        Args:
            image: Path, bytes, binary file object, PIL image, or URL.
            model: Detection model, if not ``animate-anyone-detect-gen2``.
            memo: What the ledger is to hold beside it, an idempotency key for one.

        Raises:
            SourceError: the picture cannot be read; nothing was sent.
            MediaError: the service could not open it, or its size or shape is not allowed.
            SubmitOutcomeUnknownError: the answer was lost; one check may have been billed.

        Source: Model Studio help, "AnimateAnyone image detection API".
        """
        self._settings.require("animate-anyone")
        model = model or DETECT.model
        request, memo = await self._prepared(DetectRequest, {"image": image}, memo, model=model)
        try:
            answer = await self._submits.ask(DETECT, request, memo)
        except HumanContentError as refused:
            return Detection(
                check_pass=False,
                reason=refused.message,
                code=refused.code,
                request_id=refused.request_id,
            )
        return detection_of(answer)

    async def create_template(
        self, video: VideoSource, *, model: str | None = None, memo: Memo = NO_MEMO
    ) -> Task[TemplateOutput]:
        """Have a motion template made from a clip; billed by the second of the clip.

        Args:
            video: Path, bytes, binary file object, or URL: mp4, avi or mov, H.264 or H.265, at
                least 24 fps, 2 to 60 s.
            model: Template model, if not ``animate-anyone-template-gen2``.
            memo: What the ledger is to hold beside it, an idempotency key for one.

        Raises:
            SourceError: the clip cannot be read; nothing was sent.
            ServiceError: the service refused.
            SubmitOutcomeUnknownError: the answer was lost; the task may be running.

        Source: Model Studio help, "AnimateAnyone template generation API".
        """
        self._settings.require("animate-anyone")
        model = model or TEMPLATE.model
        request, memo = await self._prepared(
            TemplateRequest, {"video": video}, memo, model=model, parameters={}
        )
        return await self._submits.submit(TEMPLATE, request, memo)

    async def synthesize(  # noqa: PLR0913 - one argument an option of the service
        self,
        image: ImageSource,
        template: str | TemplateOutput,
        *,
        use_ref_img_bg: bool = False,
        video_ratio: VideoRatio | None = None,
        model: str | None = None,
        memo: Memo = NO_MEMO,
    ) -> Task[VideoOutput]:
        """Have the video made from a picture and a template; billed by the second of the video.

        Args:
            image: Path, bytes, binary file object, PIL image, or URL.
            template: Id of a template of the same account, or what a template task gave.
            use_ref_img_bg: True keeps the picture's background, false the clip's.
            video_ratio: Ratio of the video; left out unless *use_ref_img_bg*, as the service
                ignores it then.
            model: Synthesis model, if not ``animate-anyone-gen2``.
            memo: What the ledger is to hold beside it, an idempotency key for one.

        Raises:
            InputError: the picture, the template id or an option cannot be used; nothing was
                sent.
            ServiceError: the service refused.
            SubmitOutcomeUnknownError: the answer was lost; the task may be running.

        Source: Model Studio help, "AnimateAnyone video generation API".
        """
        self._settings.require("animate-anyone")
        model = model or SYNTHESIS.model
        request, memo = await self._prepared(
            SynthesisRequest,
            {"image": image},
            memo,
            model=model,
            given={"template_id": template_id(template) or _no_template(template)},
            parameters={"use_ref_img_bg": use_ref_img_bg, "video_ratio": video_ratio},
        )
        if not use_ref_img_bg:
            parameters = request.parameters.model_copy(update={"video_ratio": None})
            request = request.model_copy(update={"parameters": parameters})
        return await self._submits.submit(SYNTHESIS, request, memo)

    # ── wan2.2-animate ─────────────────────────────────────────────────────────────────

    async def animate_move(  # noqa: PLR0913 - one argument an option of the service
        self,
        image: ImageSource,
        video: VideoSource,
        *,
        mode: WanMode,
        check_image: bool = True,
        watermark: bool = False,
        model: str | None = None,
        memo: Memo = NO_MEMO,
    ) -> Task[VideoOutput]:
        """Have the picture's person do what the clip's does, before the picture's background.

        Args:
            image: Path, bytes, binary file object, PIL image, or URL.
            video: Path, bytes, binary file object, or URL: mp4, avi or mov, 2 to 30 s.
            mode: ``wan-std`` or ``wan-pro``, the price tier.
            check_image: False skips the service's check, for drawn characters.
            watermark: True adds the service's mark.
            model: Model, if not ``wan2.2-animate-move``.
            memo: What the ledger is to hold beside it, an idempotency key for one.

        Raises:
            InputError: the picture, the clip or an option cannot be used; nothing was sent.
            ServiceError: the service refused.
            SubmitOutcomeUnknownError: the answer was lost; the task may be running.

        Source: Model Studio help, the wan2.2-animate-move page.
        """
        self._settings.require("wan")
        request, memo = await self._prepared(
            WanAnimateRequest,
            {"image": image, "video": video},
            memo,
            model=model or MOVE.model,
            given={"watermark": watermark},
            parameters={"mode": mode, "check_image": check_image},
        )
        return await self._submits.submit(MOVE, request, memo)

    async def animate_mix(  # noqa: PLR0913 - one argument an option of the service
        self,
        image: ImageSource,
        video: VideoSource,
        *,
        mode: WanMode,
        check_image: bool = True,
        watermark: bool = False,
        model: str | None = None,
        memo: Memo = NO_MEMO,
    ) -> Task[VideoOutput]:
        """Have the clip's person replaced by the picture's, before the clip's background.

        Arguments and errors are those of `animate_move`.

        Source: Model Studio help, the wan2.2-animate-mix page.
        """
        self._settings.require("wan")
        request, memo = await self._prepared(
            WanAnimateRequest,
            {"image": image, "video": video},
            memo,
            model=model or MIX.model,
            given={"watermark": watermark},
            parameters={"mode": mode, "check_image": check_image},
        )
        return await self._submits.submit(MIX, request, memo)

    # ── tasks ──────────────────────────────────────────────────────────────────────────

    @overload
    def resume(self, task: TaskToken[OutputT]) -> Task[OutputT]: ...
    @overload
    def resume(self, task: str, *, output: type[OutputT]) -> Task[OutputT]: ...
    @overload
    def resume(self, task: str) -> Task[Any]: ...

    def resume(self, task: str, *, output: type[Any] | None = None) -> Task[Any]:
        """Take up a task again: by its token, or by its id and what it shall end in.

        Nothing is sent until the task is awaited, and nothing ever to a URL a token names.

        Args:
            task: A `TaskToken`, the same as a plain string, or a task id.
            output: With an id, the model of the result: ``TemplateOutput``, ``VideoOutput``.

        Raises:
            InputError: it is neither, or the token belongs to another base URL, region or
                workspace than this client.
        """
        if task.lstrip().startswith("{"):
            facts = read_token(task, self._settings)
            return Task(self._desk, facts, output or OPERATIONS[facts.operation])
        if output is None:
            msg = f"{task[:80]!r} is no task token"
            raise InputError(msg, hint="With a task id, say what it ends in: output=VideoOutput.")
        facts = TokenFacts.of(self._settings, task_id=task, operation=operation_of(output))
        return Task(self._desk, facts, output)

    async def unfinished(self) -> list[Task[Any]]:
        """Give every task that this account's ledger knows no end of, oldest first.

        After a crash these are what was paid for and not yet seen to its end; without a ledger,
        what this client submitted under an idempotency key. Tasks older than 24 hours are left
        out: the service has forgotten them.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        return await self._submits.unfinished()

    async def ledger_rows(self) -> list[Entry]:
        """Give every paid submit of this account that is in the ledger, oldest first.

        Without a ledger: those of this client that may still be asked for again.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        return await self._submits.rows()

    async def adopt(self, lost: SubmitOutcomeUnknownError | Entry, task_id: str) -> Task[Any]:
        """Say which task came of a submit whose answer was lost, and go on with it.

        Nothing is sent. From then on the task counts for the submit's idempotency key.

        Args:
            lost: The error that named the candidates, or the submit's row of the ledger.
            task_id: The one that it is; look at what it made before you say so, since the list
                does not tell what a task was given.

        Raises:
            InputError: *task_id* is not shaped like one, or the row says what came of it.
            LedgerError: the ledger cannot be read.
        """
        return await self._submits.adopt(lost, checked_task_id(task_id))

    async def write_off(self, lost: SubmitOutcomeUnknownError | Entry) -> None:
        """Say that a submit whose answer was lost is to be sent anew when it is asked for again.

        If it was accepted all the same, it is paid for twice.

        Args:
            lost: The error that told of it, or the submit's row of the ledger.

        Raises:
            InputError: the row says what came of it.
            LedgerError: the ledger cannot be read.
        """
        await self._submits.write_off(lost)

    async def get_task(self, task_id: str) -> TaskResponse:
        """Give the service's answer about a task of this account, as it is.

        Raises:
            InputError: *task_id* is not shaped like one.
            ServiceError: the service refused.

        Source: TASK (20 queries a second for the whole account; tasks are kept 24 hours).
        """
        return await self._desk.query(task_id)

    async def cancel_task(self, task_id: str) -> bool:
        """Cancel a task. True if it is cancelled; false if it was not PENDING any more.

        Raises:
            InputError: *task_id* is not shaped like one.
            ServiceError: the service refused for another reason.

        Source: TASK.
        """
        return await self._desk.cancel(task_id)

    def notify(self, event: TaskFinishedEvent | Mapping[str, Any] | str | bytes) -> bool:
        """Take an EventBridge event that a task has ended, and ask for that task at once.

        The event is a hint: what awaiting the task gives comes from the query that follows. An
        event about a task that nobody waits for with this client is ignored.

        Call it on the event loop that the client runs on; from another thread, go through
        ``loop.call_soon_threadsafe`` or ``anyio.from_thread``.

        Args:
            event: The CloudEvent: as a model, as a mapping, or its JSON text.

        Returns:
            True if somebody waits for the task.

        Raises:
            InputError: it is no such event.

        Source: EVT.
        """
        return self._desk.notify(event)

    def list_tasks(  # noqa: PLR0913 - one argument a filter of the service
        self,
        *,
        model_name: str | None = None,
        status: str | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        task_id: str | None = None,
        page_size: int = 10,
    ) -> AsyncIterator[TaskListResponse]:
        """Give the account's tasks, page by page; without times, those of the last 24 hours.

        Args:
            model_name: Only tasks of this model.
            status: Only tasks in this status.
            start_time: Only tasks submitted from then on; with a time zone.
            end_time: Only tasks submitted until then; at most 24 hours after *start_time*.
            task_id: Only this task.
            page_size: Tasks a page; the service may give fewer.

        Raises:
            InputError: a filter cannot be used; nothing was sent.
            ServiceError: the service refused (while iterating).

        Source: TASK; PY.
        """
        return self._desk.pages(
            page_size=page_size,
            start_time=start_time,
            end_time=end_time,
            model_name=model_name,
            status=status,
            task_id=task_id,
        )

    # ── files and keys ─────────────────────────────────────────────────────────────────

    async def upload(
        self, source: ImageSource, *, model: str, on_bytes: OnBytes | None = None
    ) -> str:
        """Put a picture or a clip where the service can read it, and give its URL.

        By default that is the service's temporary storage: the URL starts with ``oss://``, works
        only with *model* and only for keys of the same account, and for 48 hours. A URL is
        checked and given back.

        Args:
            source: Path, bytes, binary file object, PIL image, or URL.
            model: Name of the model that will read the file.
            on_bytes: Called after each MiB of a larger file with how many bytes went through, and
                how many there are; a function or a coroutine function. Of no use with an
                uploader of your own. What it raises ends the upload.

        Raises:
            SourceError: the file cannot be read; nothing was sent.
            UploadError: it did not get through; nothing usable was left behind.
            ThrottledError: more than 100 certificates a second were asked for.

        Source: Model Studio help, "Upload a file and get a temporary URL".
        """
        async with opened(source, role="file", local_paths=self._local_paths) as media:
            return await self._url(media, model=model, on_bytes=on_bytes)

    async def forget_uploads(self, urls: Iterable[str]) -> None:
        """Upload files anew next time, whose URLs the service could not read.

        Nothing happens with an uploader of your own.
        """
        if isinstance(self._uploader, TemporaryStorage):
            await self._uploader.forget(urls)

    async def create_token(self, *, expire_in_s: int = 60) -> TokenResponse:
        """Make a temporary key with every right of this one. It cannot be revoked.

        Args:
            expire_in_s: How long it lives, 1 to 1800 seconds.

        Raises:
            InputError: *expire_in_s* is out of range; nothing was sent.
            ServiceError: the service refused.

        Source: public notes on temporary keys, 2026.
        """
        request = build(TokenRequest, expire_in_seconds=expire_in_s)
        query = {name: str(value) for name, value in request.model_dump().items()}
        call = encode(CREATE_TOKEN, self._settings, query=query)
        return decode(call, await self._http.send(call), CREATE_TOKEN.answer)

    # ── how ────────────────────────────────────────────────────────────────────────────

    async def _prepared(
        self,
        kind: type[RequestT],
        sources: Mapping[str, ImageSource],
        memo: Memo,
        *,
        model: str,
        given: Mapping[str, Any] | None = None,
        **values: Any,  # noqa: ANN401 - checked by the request model
    ) -> tuple[RequestT, Memo]:
        """Check all there is to check, then upload, then make the request.

        *sources* go by role: ``image`` becomes ``input.image_url``. *given* is the rest of
        ``input``. The memo comes back with what the files were.
        """
        urls = {f"{role}_url": "oss://checked/first" for role in sources}
        build(kind, model=model, input={**urls, **(given or {})}, **values)

        async with opened_all(sources, local_paths=self._local_paths) as media:
            for role, item in media.items():
                urls[f"{role}_url"] = await self._url(item, model=model)
            files = {role: item for role, item in media.items() if isinstance(item, MediaFile)}
            were = {role: await identity(file) for role, file in files.items()}
        request = build(kind, model=model, input={**urls, **(given or {})}, **values)
        return request, replace(memo, sources={**were, **memo.sources})

    async def _url(self, media: Media, *, model: str, on_bytes: OnBytes | None = None) -> str:
        if not isinstance(media, MediaFile):
            return media
        if isinstance(self._uploader, TemporaryStorage):
            return Url(await self._uploader(media, model=model, on_bytes=on_bytes))
        return Url(await self._uploader(media, model=model))


def detection_of(answer: DetectResponse) -> Detection:
    """Give the verdict that an answer holds."""
    return Detection(
        check_pass=answer.output.check_pass,
        bodystyle=answer.output.bodystyle or None,
        reason=answer.output.reason,
        usage=answer.usage,
        request_id=answer.request_id,
    )


def _no_template(template: object) -> NoReturn:
    raise SourceError(
        f"a template id begins with AACT., but this is {template!r:.80}",
        hint="If it is one all the same, say so: TemplateId(…). A clip goes to create_template.",
    )
