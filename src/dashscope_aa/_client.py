"""The front desk: one object that holds the key, the connections and every call."""

import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dashscope_aa._book import Book, Memory
from dashscope_aa._bookkeeper import Bookkeeper
from dashscope_aa._calls import Calls
from dashscope_aa._choices import Choices
from dashscope_aa._concurrency import KeyedLocks
from dashscope_aa._config import Settings
from dashscope_aa._download import download
from dashscope_aa._engines import Engine, checked_engine
from dashscope_aa._http import Http
from dashscope_aa._many import Job, OnJobEvent, Outcome, all_of, outcomes_of
from dashscope_aa._prepare import Preflight
from dashscope_aa._prices import Estimate
from dashscope_aa._room import Rooms
from dashscope_aa._schedule import Schedule
from dashscope_aa._settlement import Settlement
from dashscope_aa._sources import ImageSource, TemplateSource, Url
from dashscope_aa._standing import Recall
from dashscope_aa._submit import SubmitDesk
from dashscope_aa._task import OnCancel
from dashscope_aa._tasks import TaskDesk
from dashscope_aa._upload import TemporaryStorage, Uploader
from dashscope_aa.errors import DownloadError, InputError, ResultExpiredError
from dashscope_aa.events import Animation, OnBytes, OnEvent
from dashscope_aa.models import TaskStatus, VideoOutput
from dashscope_aa.pipeline import Run

if TYPE_CHECKING:
    import httpx


class Client(Calls):
    """An asynchronous client of the service; use it as a context manager, or call `aclose`.

    Args:
        api_key: The key. Else ``DASHSCOPE_API_KEY``, ``DASHSCOPE_API_KEY_FILE_PATH``,
            ``~/.dashscope/config.toml``, ``~/.dashscope/api_key`` and
            ``~/.alibabacloud/credentials`` are looked at, in this order.
        base_url: Where the service is, with or without ``/api/v1``. Else
            ``DASHSCOPE_HTTP_BASE_URL``, ``DASHSCOPE_BASE_URL``, then the region's gateway.
        region: Region of the gateway and of the key.
        workspace: Id of the workspace, whose own gateway is used where the region has one.
        engine: What `animate` uses by default. Else ``DASHSCOPE_AA_ENGINE``, then
            ``AnimateAnyone()``.
        uploader: What puts local files where the service can read them, instead of the
            service's temporary storage.
        transport: An httpx transport to send everything through: a proxy, a test, the
            emulator in process. The client closes it.
        schedule: When waiting tasks are asked for, and how long waits last.
        local_paths: False refuses strings and paths that name local files, for servers that
            pass on what strangers typed.
        ledger: An SQLite file, made when it is not there, that holds what was paid for: after
            a crash nothing is lost, and nothing is paid for twice. Several processes of one
            machine may share it.
        exclusive_account: Your word that nothing but this client, and those that share its
            ledger, submits to these models with this account. Then a paid request whose answer
            was lost is settled from the task list instead of raising; if something else does
            submit, its task may be taken for yours.
        max_unfinished: How many tasks of a model this client lets go on at once; the next
            submit waits for one to end, as the service works on one at a time anyway. None sets
            no limit.
        paths: Paths of single models that differ from the documents, by model name.

    Raises:
        ConfigurationError: there is no key, or a setting is malformed.
    """

    def __init__(  # noqa: PLR0913 - one argument a setting, all with defaults
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        region: str = "cn-beijing",
        workspace: str | None = None,
        engine: Engine | None = None,
        uploader: Uploader | None = None,
        transport: "httpx.AsyncBaseTransport | None" = None,
        schedule: Schedule | None = None,
        local_paths: bool = True,
        ledger: str | os.PathLike[str] | None = None,
        exclusive_account: bool = False,
        max_unfinished: int | None = 8,
        paths: Mapping[str, str] | None = None,
    ) -> None:
        settings = Settings.load(
            api_key=api_key,
            base_url=base_url,
            region=region,
            workspace=workspace,
            engine=engine,
            paths=paths,
        )
        if max_unfinished is not None and max_unfinished < 1:
            raise InputError(f"max_unfinished must be at least 1, but is {max_unfinished}")
        http = Http(transport=transport)
        schedule = schedule or Schedule()
        self._books = Bookkeeper(_book(ledger), settings)
        tasks = TaskDesk(http, settings, schedule, recorder=self._books.learned)
        settlement = Settlement(
            http,
            tasks,
            self._books,
            exclusive_account=exclusive_account,
            settle_s=schedule.settle_s,
        )
        super().__init__(
            settings,
            http,
            desk=tasks,
            submits=SubmitDesk(
                http,
                settings,
                tasks=tasks,
                books=self._books,
                settlement=settlement,
                rooms=Rooms(submits_per_s=schedule.submits_per_s, max_unfinished=max_unfinished),
            ),
            uploader=uploader or TemporaryStorage(http, settings, self._books),
            local_paths=local_paths,
        )
        self._recall = Recall(
            submits=self._submits, lasting=ledger is not None, exclusive=exclusive_account
        )
        self._templates = KeyedLocks()
        self._targets = KeyedLocks()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection, and the ledger. Tasks on the server go on."""
        try:
            await self._http.aclose()
        finally:
            await self._books.aclose()

    @property
    def base_url(self) -> str:
        """Where the service is."""
        return self._settings.base_url

    @property
    def region(self) -> str:
        """Region of the gateway."""
        return self._settings.region

    @property
    def workspace(self) -> str | None:
        """Id of the workspace."""
        return self._settings.workspace

    def __repr__(self) -> str:
        """Say where it points and where its key came from; never the key."""
        return f"<Client {self.base_url} {self._settings.api_key!r}>"

    async def animate(  # noqa: PLR0913 - one argument an option, all but two with defaults
        self,
        image: ImageSource,
        template: TemplateSource,
        *,
        engine: Engine | None = None,
        preflight: Preflight = "fix",
        detect: bool = True,
        on_event: OnEvent | None = None,
        timeout_s: float | None = None,
        on_cancel: OnCancel = "leave",
        max_cost_cny: float | None = None,
        fresh: bool = False,
    ) -> Animation:
        """Make a video in which the picture's person does what the clip's person does.

        The whole way: upload, detect, template and synthesis with `AnimateAnyone`; upload and
        one task with `WanAnimate`. The paid template is submitted only after the picture has
        passed; one made from the same bytes by this client is used again.

        Args:
            image: The picture: path, bytes, binary file object, PIL image, or URL.
            template: The motion: a clip (as above, but no PIL image), a template id, or what a
                template task gave.
            engine: What makes the video; None means the client's engine.
            preflight: ``fix`` looks at the files first and mends what would be refused and can
                be mended, ``check`` refuses instead, ``off`` looks at nothing.
            detect: False skips the check of the picture with AnimateAnyone.
            on_event: Called with each `events.Event`; a function or a coroutine function.
            timeout_s: How long to wait for each task at most; None means the schedule's.
            on_cancel: ``cancel_remote`` cancels the task that is waited for when this call is
                cancelled; only a PENDING one can be.
            max_cost_cny: Refuse to begin if it is expected to cost more, or nobody can say.
            fresh: With a ledger, True pays for a new video although the ledger has one of the
                same inputs and options.

        Raises:
            InputError: something handed over cannot be used; nothing was sent.
            PreflightError: a file would be refused, and is not mended; nothing was sent.
            CostLimitError: it would cost more than *max_cost_cny*; nothing was sent.
            LedgerError: the ledger cannot be used; nothing more was sent.
            RegionError: the engine is not served where the client points; nothing was sent.
            ImageRejectedError: the image check refused the picture; no task was started.
            ServiceError: the service refused a request.
            SubmitOutcomeUnknownError: the answer to a paid request was lost.
            TaskError: a task failed or outlasted the wait; its token is in the error.
            UploadError: a file did not get through.
        """
        choices = Choices(
            engine=self._chosen(engine),
            preflight=preflight,
            detect=detect,
            on_event=on_event,
            timeout_s=timeout_s,
            on_cancel=on_cancel,
            max_cost_cny=max_cost_cny,
            fresh=fresh,
        )
        return await self._run(choices).animate(image, template, local_paths=self._local_paths)

    async def estimate(
        self,
        image: ImageSource,
        template: TemplateSource,
        *,
        engine: Engine | None = None,
        detect: bool = True,
        fresh: bool = False,
    ) -> Estimate:
        """Say what `animate` would cost with the same arguments. Nothing is sent.

        What this client, or its ledger, has paid for already is left out.

        Args:
            image: The picture.
            template: The motion: a clip or a template; the length of a template is known to the
                ledger it was made with.
            engine: What makes the video; None means the client's engine.
            detect: False leaves out the check of the picture.
            fresh: True leaves videos of the ledger out of account.

        Raises:
            InputError: something handed over cannot be used.
            LedgerError: the ledger cannot be read.

        Source: RATE; OVER; public lists.
        """
        choices = Choices(engine=self._chosen(engine), detect=detect, fresh=fresh)
        return await self._run(choices).estimate(image, template, local_paths=self._local_paths)

    def _chosen(self, engine: Engine | None) -> Engine:
        chosen = checked_engine(engine or self._settings.engine)
        self._settings.require(chosen.family)
        return chosen

    def _run(self, choices: Choices) -> Run:
        return Run(self, choices, books=self._books, recall=self._recall, locks=self._templates)

    async def gather(
        self,
        jobs: Iterable[Job],
        *,
        limit: int = 16,
        stop_on_error: bool = False,
        on_event: OnJobEvent | None = None,
    ) -> list[Outcome]:
        """Run many jobs at once, and give their outcomes in the jobs' order.

        Uploads and templates are shared: files of the same bytes are sent once, and a template
        of the same clip is made once. One job's failure is its own outcome and stops no other.

        Args:
            jobs: What to animate.
            limit: How many are under way at once at most.
            stop_on_error: True raises the first error instead, and stops the other jobs.
            on_event: Called with the number of a job, from 0, and each of its events.

        Raises:
            InputError: *limit* or a job is none, or a job's `save_to` is a file that a job reads or
                another one writes; nothing was sent.
            Exception: the first error of a job, with *stop_on_error*.
        """
        run = partial(self._outcome, on_event)
        return await all_of(list(jobs), run, limit=limit, stop_on_error=stop_on_error)

    def as_completed(
        self, jobs: Iterable[Job], *, limit: int = 16, on_event: OnJobEvent | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[Outcome]]:
        """Run many jobs at once, and give each outcome as it comes.

        The jobs run for as long as the block lasts::

            async with client.as_completed(jobs) as outcomes:
                async for outcome in outcomes:
                    ...

        Arguments are those of `gather`. Leaving the block early stops the jobs that are not done;
        tasks on the server go on.

        Raises:
            InputError: as `gather`, on entering; nothing was sent.
        """
        return outcomes_of(list(jobs), partial(self._outcome, on_event), limit=limit)

    async def _outcome(self, on_event: OnJobEvent | None, index: int, job: Job, /) -> Outcome:
        """Run one job, and keep what goes wrong as its outcome."""
        animation: Animation | None = None
        saved_to: Path | None = None
        try:
            animation = await self.animate(
                job.image,
                job.template,
                engine=job.engine,
                preflight=job.preflight,
                detect=job.detect,
                on_event=on_event and partial(on_event, index),
                timeout_s=job.timeout_s,
                max_cost_cny=job.max_cost_cny,
                fresh=job.fresh,
            )
            if job.save_to is not None:
                saved_to = await self.download(animation, job.save_to)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this job's alone
            return Outcome(index=index, job=job, animation=animation, error=error)
        return Outcome(index=index, job=job, animation=animation, saved_to=saved_to)

    async def download(
        self,
        source: Animation | VideoOutput | str,
        path: str | os.PathLike[str],
        *,
        on_bytes: OnBytes | None = None,
    ) -> Path:
        """Write a result to *path* and give that path.

        It is streamed to a ``.part`` file beside *path*, gone on from where it stopped, checked,
        and renamed when it is whole. A URL that has run out is asked for again from its task.

        Args:
            source: What `animate` or a video task gave, or a URL.
            path: The file to write; an existing one is replaced at the end.
            on_bytes: Called now and then with how many bytes came, and how many there are, if
                that is known; a function or a coroutine function. What it raises ends the download.

        Raises:
            InputError: *path* cannot be written to, or *source* is no http URL.
            DownloadError: not everything came; what came is kept to go on from.
            ResultExpiredError: neither the URL nor the task gives anything any more.
        """
        output = source.output if isinstance(source, Animation) else source
        async with self._targets.hold(_absolute(path)):  # two would share a part
            if not isinstance(output, VideoOutput):
                return await download(self._http, _http_url(output), path, on_bytes=on_bytes)
            saved = await self._downloaded(output, path, on_bytes)
            await self._books.saved(output.task_id, _absolute(saved))
            return saved

    async def _downloaded(
        self, output: VideoOutput, path: str | os.PathLike[str], on_bytes: OnBytes | None
    ) -> Path:
        try:
            return await download(self._http, _http_url(output.video_url), path, on_bytes=on_bytes)
        except ResultExpiredError:
            url = await self._asked_again(output)
        try:
            return await download(self._http, url, path, on_bytes=on_bytes)
        except ResultExpiredError as gone:
            msg = f"the result's host refused it twice (HTTP {gone.http_status})"
            hint = "Its task still knows it: try again later, before the 24 hours are over."
            raise DownloadError(msg, http_status=gone.http_status, hint=hint) from None

    async def _asked_again(self, output: VideoOutput) -> str:
        """Ask the task for a fresh URL, while the service still knows it."""
        task = self.resume(output.task_id, output=VideoOutput)
        await task.refresh()
        if task.status == TaskStatus.SUCCEEDED:
            return (await task).video_url
        msg = "the result's URL has run out, and its task is gone"
        raise ResultExpiredError(msg, task_id=output.task_id)


def _book(ledger: str | os.PathLike[str] | None) -> Book:
    """Give what holds the paid submits. SQLite is imported with the first ledger: few have one."""
    if ledger is None:
        return Memory()
    from dashscope_aa._ledger import Ledger  # noqa: PLC0415 - as said above

    return Ledger(ledger)


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(path).absolute()


def _http_url(url: object) -> Url:
    """Refuse what can't be downloaded, such as an ``oss://`` URL."""
    if not isinstance(url, str):
        msg = f"a result or a URL can be downloaded, but this is of type {type(url).__name__}"
        raise InputError(msg)
    if not url.lower().startswith(("http://", "https://")):
        msg = f"only http and https URLs can be downloaded, but this is {url[:80]!r}"
        raise InputError(msg)
    return Url(url)
