"""The account's tasks by their ids: query, list, cancel; and what waits for them.

Source: Model Studio help, "Manage asynchronous tasks" (TASK); CAP; PY; EVT.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from pydantic import ValidationError

from dashscope_aa._config import Settings
from dashscope_aa._endpoints import CANCEL_TASK, LIST_TASKS, QUERY_TASK
from dashscope_aa._http import ONCE, READ_RETRIES, Http
from dashscope_aa._protocol import decode, encode
from dashscope_aa._schedule import Retries, Schedule
from dashscope_aa._waiting import Poller, Recorder
from dashscope_aa._waiting.rounds import pages_of, service_digits
from dashscope_aa.errors import InputError, InvalidRequestError
from dashscope_aa.models import TaskFinishedEvent, TaskListResponse, TaskResponse, TaskStatus

_LONGEST_SPAN: Final = timedelta(hours=24)


class TaskDesk:
    """Queries, lists and cancels tasks, and waits for them. One serves all tasks of a client."""

    def __init__(
        self,
        http: Http,
        settings: Settings,
        schedule: Schedule,
        *,
        recorder: Recorder | None = None,
    ) -> None:
        self.settings = settings
        self.schedule = schedule
        self.poller = Poller(self, schedule, recorder=recorder)
        self._http = http

    def check_usable(self) -> None:
        """Refuse, if the client is closed or belongs to another event loop."""
        self._http.check_usable()

    async def query(self, task_id: str) -> TaskResponse:
        """Ask for one task, within the client's rate; sent again by rule."""
        await self.poller.turn()
        return await self._query(task_id, READ_RETRIES)

    async def ask(self, task_id: str) -> TaskResponse:
        """Ask for one task, once, for the poller."""
        return await self._query(task_id, ONCE)

    async def _query(self, task_id: str, retries: Retries) -> TaskResponse:
        call = encode(QUERY_TASK, self.settings, task_id=task_id)
        return decode(call, await self._http.send(call, retries), QUERY_TASK.answer)

    def notify(self, event: TaskFinishedEvent | Mapping[str, Any] | str | bytes) -> bool:
        """Ask for the task of an event at once; see `Calls.notify`."""
        return self.poller.notify(_read_event(event).data.task_id)

    async def cancel(self, task_id: str) -> bool:
        """Cancel one task. True if it is cancelled; false if it was not PENDING any more."""
        call = encode(CANCEL_TASK, self.settings, task_id=task_id)
        try:
            decode(call, await self._http.send(call), CANCEL_TASK.answer)
        except InvalidRequestError as error:
            if error.code != "UnsupportedOperation":
                raise
        else:
            return True
        # It may be cancelled all the same: by a first try, whose answer was lost.
        return (await self.query(task_id)).output.task_status == TaskStatus.CANCELED

    def pages(
        self,
        *,
        page_size: int,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        **filters: str | None,
    ) -> AsyncIterator[TaskListResponse]:
        """Give the account's tasks, page by page; see `Calls.list_tasks`."""
        for name, time in (("start_time", start_time), ("end_time", end_time)):
            if time is not None and time.tzinfo is None:
                msg = f"{name} has no time zone, so nobody knows which moment it means"
                raise InputError(msg, hint="Use datetime.now(timezone.utc) or the like.")
        if start_time and end_time and not timedelta(0) <= end_time - start_time <= _LONGEST_SPAN:
            raise InputError(
                f"end_time must be 0 to 24 h after start_time, but is {end_time - start_time}"
            )
        if page_size < 1:
            raise InputError(f"page_size must be at least 1, but is {page_size}")
        query = {
            **filters,
            "start_time": None if start_time is None else service_digits(start_time),
            "end_time": None if end_time is None else service_digits(end_time),
            "page_size": str(page_size),
        }
        given = {name: value for name, value in query.items() if value is not None}
        return _Pages(partial(self._page, given))

    async def _page(self, query: Mapping[str, str], page_no: int) -> TaskListResponse:
        await self.poller.turn()
        return await self._list(query, page_no, READ_RETRIES)

    async def ask_page(self, query: Mapping[str, str], page_no: int) -> TaskListResponse:
        """Ask for one page of the list, once, for the poller."""
        return await self._list(query, page_no, ONCE)

    async def _list(
        self, query: Mapping[str, str], page_no: int, retries: Retries
    ) -> TaskListResponse:
        call = encode(LIST_TASKS, self.settings, query={**query, "page_no": str(page_no)})
        return decode(call, await self._http.send(call, retries), LIST_TASKS.answer)


class _Pages(AsyncIterator[TaskListResponse]):
    """The iterator of `list_tasks`: an object and no generator, so leaving early is clean."""

    def __init__(self, fetch: Callable[[int], Awaitable[TaskListResponse]]) -> None:
        self._fetch = fetch
        self._page_no = 0
        self._size = 0
        self._more = True

    async def __anext__(self) -> TaskListResponse:
        """Ask for the next page."""
        if not self._more:
            raise StopAsyncIteration
        page = await self._fetch(self._page_no + 1)
        self._page_no += 1
        self._size = self._size or len(page.data)
        self._more = bool(page.data) and self._page_no < pages_of(page, size=self._size)
        return page


def _read_event(event: TaskFinishedEvent | Mapping[str, Any] | str | bytes) -> TaskFinishedEvent:
    try:
        if isinstance(event, str | bytes):
            return TaskFinishedEvent.model_validate_json(event)
        return TaskFinishedEvent.model_validate(event)
    except ValidationError as error:
        names = {".".join(map(str, fault["loc"])) or "body" for fault in error.errors()}
        msg = f"this is no event of a finished task: {', '.join(sorted(names))} cannot be read"
    raise InputError(msg, hint="Hand over the body of the CloudEvent, whole, as it came.")
