"""Send what is paid for: once, unless it certainly was not accepted.

A submit ends in one of three ways. It was not sent, or it was refused: the rules of `_schedule`
say whether it is sent again. Or nobody knows: the answer was lost, came broken, or was an HTTP
5xx. Then it is not sent again, and the error names the tasks that may have come of it.
"""

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import anyio

from dashscope_aa._concurrency import KeyedLocks
from dashscope_aa._config import Settings
from dashscope_aa._endpoints import Endpoint, OutputT, TaskEndpoint
from dashscope_aa._http import SUBMIT_RETRIES, Http
from dashscope_aa._protocol import Call, checked_task_id, decode, encode
from dashscope_aa._schedule import certainly_refused
from dashscope_aa._task import Task
from dashscope_aa._tasks import TaskDesk
from dashscope_aa._token import TokenFacts
from dashscope_aa.errors import (
    DashScopeError,
    InputError,
    NoAnswerError,
    ProtocolError,
    ServiceError,
    SubmitOutcomeUnknownError,
)
from dashscope_aa.models import SubmitResponse, TaskListItem, TaskResponse
from dashscope_aa.models._base import Answer, Request

AnswerT = TypeVar("AnswerT", bound=Answer)

_CANDIDATES_S: Final = 20.0
"""How long looking for the tasks a lost submit may have started takes at most."""
_CLOCKS_DIFFER: Final = timedelta(minutes=2)
"""How far our clock and the service's are taken to be apart at most."""
_PAGE_SIZE: Final = 50


class SubmitDesk:
    """Submits paid requests; tasks one at a time a model, so that at most one is unknown."""

    def __init__(self, http: Http, settings: Settings, tasks: TaskDesk) -> None:
        self._http = http
        self._settings = settings
        self._tasks = tasks
        self._locks = KeyedLocks()
        self._ours: set[str] = set()

    async def submit(self, endpoint: TaskEndpoint[OutputT], request: Request) -> Task[OutputT]:
        """Start a task.

        Raises:
            ServiceError: the service refused.
            SubmitOutcomeUnknownError: the answer was lost; the task may be running.
        """
        answer = await self.send(endpoint, request)
        output = answer.output
        self._ours.add(output.task_id)
        facts = TokenFacts.of(
            self._settings,
            task_id=output.task_id,
            operation=endpoint.name,
            model=getattr(request, "model", endpoint.model),
            submitted_at=datetime.now(UTC),
        )
        known = TaskResponse(request_id=answer.request_id, output=output)
        return Task(self._tasks, facts, endpoint.output, response=known)

    async def send(self, endpoint: Endpoint[AnswerT], request: Request) -> AnswerT:
        """Send one paid request and read its answer.

        Raises:
            ServiceError: the service refused.
            SubmitOutcomeUnknownError: the answer was lost.
        """
        call = encode(endpoint, self._settings, request=request)
        # A check that answers at once leaves no task to look for, so it need not queue.
        turn = self._locks.hold(call.model) if endpoint.asynchronous else nullcontext()
        async with turn:
            sent_at = datetime.now(UTC)
            with _noted(call, sent_at):
                try:
                    reply = await self._http.send(call, SUBMIT_RETRIES)
                    return _usable(decode(call, reply, endpoint.answer))
                except (NoAnswerError, ProtocolError, ServiceError) as error:
                    if certainly_refused(error):
                        raise
                    lost = error
                raise await self._outcome_unknown(call, sent_at, lost)

    async def _outcome_unknown(
        self, call: Call, sent_at: datetime, lost: DashScopeError
    ) -> SubmitOutcomeUnknownError:
        lost_at = datetime.now(UTC)
        said = f"a paid {call.endpoint.name} request was sent to {call.model}, but its answer was "
        said += f"lost ({lost.message})"
        candidates: tuple[TaskListItem, ...] | None = ()
        hint: str | None = "At most one image check was billed."
        if call.endpoint.asynchronous:
            candidates, hint = await self._candidates(call, sent_at), None
            said += (
                "; the task list could not be read, so nobody knows what came of it"
                if candidates is None
                else f"; {len(candidates)} task(s) on the list may have come of it so far"
            )
        return SubmitOutcomeUnknownError(
            said,
            model=call.model,
            fingerprint=call.fingerprint,
            sent_at=sent_at,
            lost_at=lost_at,
            candidates=candidates,
            code=lost.code,
            request_id=lost.request_id,
            http_status=lost.http_status,
            hint=hint,
        )

    async def _candidates(self, call: Call, sent_at: datetime) -> tuple[TaskListItem, ...] | None:
        """Look for the tasks the lost submit may have started; None if the list is lost too."""
        begin = sent_at - _CLOCKS_DIFFER
        found: list[TaskListItem] = []
        with anyio.move_on_after(_CANDIDATES_S):
            try:
                async for page in self._tasks.pages(model_name=call.model, page_size=_PAGE_SIZE):
                    found += [row for row in page.data if (row.gmt_create or begin) >= begin]
            except DashScopeError:
                return None
            return tuple(row for row in found if row.task_id not in self._ours)
        return None


def _usable(answer: AnswerT) -> AnswerT:
    """Refuse an answer whose task could not be asked for."""
    if isinstance(answer, SubmitResponse):
        try:
            checked_task_id(answer.output.task_id)
        except InputError as error:
            raise ProtocolError(error.message) from None
    return answer


@contextmanager
def _noted(call: Call, sent_at: datetime) -> Generator[None, None, None]:
    """Note on a cancellation what it has left behind."""
    try:
        yield
    except anyio.get_cancelled_exc_class() as cancelled:
        cancelled.add_note(
            f"a paid {call.endpoint.name} request to {call.model} was under way since "
            f"{sent_at.isoformat()} (fingerprint {call.fingerprint}): see the task list"
        )
        raise
