"""The account's tasks by their ids: query, list, cancel.

Source: Model Studio help, "Manage asynchronous tasks" (TASK); CAP; PY.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

from dashscope_aa._config import Settings
from dashscope_aa._endpoints import CANCEL_TASK, LIST_TASKS, QUERY_TASK
from dashscope_aa._http import ONCE, Http
from dashscope_aa._protocol import decode, encode
from dashscope_aa._schedule import Schedule
from dashscope_aa.errors import InputError, InvalidRequestError
from dashscope_aa.models import TaskListResponse, TaskResponse
from dashscope_aa.models._base import SERVICE_TIME

_LONGEST_SPAN: Final = timedelta(hours=24)


class Recorder(Protocol):
    """What takes down each status of a task as it is first seen."""

    async def __call__(self, task_id: str, response: TaskResponse, /) -> None:
        """Take it down."""
        ...


class TaskDesk:
    """Queries, lists and cancels tasks. One serves all tasks of a client."""

    def __init__(
        self,
        http: Http,
        settings: Settings,
        schedule: Schedule,
        *,
        recorder: Recorder | None = None,
    ) -> None:
        self.recorder = recorder
        self.settings = settings
        self.schedule = schedule
        self._http = http

    async def query(self, task_id: str, *, once: bool = False) -> TaskResponse:
        """Ask for one task; sent again by rule unless *once*."""
        call = encode(QUERY_TASK, self.settings, task_id=task_id)
        reply = await (self._http.send(call, ONCE) if once else self._http.send(call))
        return decode(call, reply, QUERY_TASK.answer)

    async def cancel(self, task_id: str) -> bool:
        """Cancel one task. False if it is no longer PENDING, so that it cannot be cancelled."""
        call = encode(CANCEL_TASK, self.settings, task_id=task_id)
        try:
            decode(call, await self._http.send(call), CANCEL_TASK.answer)
        except InvalidRequestError as error:
            if error.code != "UnsupportedOperation":
                raise
            return False
        return True

    def pages(
        self,
        *,
        page_size: int,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        **filters: str | None,
    ) -> AsyncIterator[TaskListResponse]:
        """Give the account's tasks, page by page; see `Calls.list_tasks`."""
        query = {
            **filters,
            "start_time": _service_digits("start_time", start_time),
            "end_time": _service_digits("end_time", end_time),
            "page_size": str(page_size),
        }
        if start_time and end_time and not timedelta(0) <= end_time - start_time <= _LONGEST_SPAN:
            raise InputError(
                f"end_time must be 0 to 24 h after start_time, but is {end_time - start_time}"
            )
        if page_size < 1:
            raise InputError(f"page_size must be at least 1, but is {page_size}")
        given = {name: value for name, value in query.items() if value is not None}
        return _Pages(partial(self._page, given))

    async def _page(self, query: Mapping[str, str], page_no: int) -> TaskListResponse:
        call = encode(LIST_TASKS, self.settings, query={**query, "page_no": str(page_no)})
        return decode(call, await self._http.send(call), LIST_TASKS.answer)


class _Pages(AsyncIterator[TaskListResponse]):
    """The iterator of `list_tasks`: an object and no generator, so leaving early is clean."""

    def __init__(self, fetch: Callable[[int], Awaitable[TaskListResponse]]) -> None:
        self._fetch = fetch
        self._page_no = 0
        self._more = True

    async def __anext__(self) -> TaskListResponse:
        """Ask for the next page."""
        if not self._more:
            raise StopAsyncIteration
        page = await self._fetch(self._page_no + 1)
        self._page_no += 1
        self._more = bool(page.data) and self._page_no < (page.total_page or 0)
        return page


def _service_digits(name: str, time: datetime | None) -> str | None:
    """Write a time as the list wants it: ``YYYYMMDDhhmmss`` in UTC+8."""
    if time is None:
        return None
    if time.tzinfo is None:
        msg = f"{name} has no time zone, so nobody knows which moment it means"
        raise InputError(msg, hint="Use datetime.now(timezone.utc) or the like.")
    return time.astimezone(SERVICE_TIME).strftime("%Y%m%d%H%M%S")
