"""Send what is paid for: once, unless it certainly was not accepted.

A submit ends in one of three ways. It was not sent, or it was refused: the rules of `_schedule`
say whether it is sent again. Or nobody knows: the answer was lost, came broken, or was an HTTP
5xx. Then `_settlement` says what becomes of it, and it is not sent again blindly. The book is
written before a request leaves, and holds what a crash would otherwise lose.
"""

import logging
import math
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

import anyio
from anyio.lowlevel import checkpoint

from dashscope_aa._book import UNSETTLED, Entry, Memo
from dashscope_aa._bookkeeper import Bookkeeper
from dashscope_aa._concurrency import KeyedLocks, jitter, kept
from dashscope_aa._config import Settings
from dashscope_aa._endpoints import Endpoint, OutputT, TaskEndpoint
from dashscope_aa._http import SUBMIT_RETRIES, Http
from dashscope_aa._protocol import Call, checked_task_id, decode, encode
from dashscope_aa._room import Rooms
from dashscope_aa._schedule import certainly_refused
from dashscope_aa._settlement import Settlement
from dashscope_aa._task import Task
from dashscope_aa._tasks import TaskDesk
from dashscope_aa._token import OPERATIONS, TokenFacts, read_token
from dashscope_aa.errors import (
    DashScopeError,
    InputError,
    NotSentError,
    ProtocolError,
    ServiceError,
    SubmitOutcomeUnknownError,
    TransportError,
)
from dashscope_aa.models import (
    FINAL_STATUSES,
    SubmitResponse,
    TaskOutput,
    TaskResponse,
    TaskStatus,
)
from dashscope_aa.models._base import Answer, Request

AnswerT = TypeVar("AnswerT", bound=Answer)

log = logging.getLogger("dashscope_aa")

NO_MEMO = Memo()

_GRACE_S: Final = 5.0
"""How long a cancelled submit that is under way waits for its answer at most."""


class SubmitDesk:
    """Submits paid requests; tasks one at a time a model, so that at most one is unknown."""

    def __init__(  # noqa: PLR0913 - one argument a desk
        self,
        http: Http,
        settings: Settings,
        *,
        tasks: TaskDesk,
        books: Bookkeeper,
        settlement: Settlement,
        rooms: Rooms,
    ) -> None:
        self._http = http
        self._settings = settings
        self._tasks = tasks
        self._books = books
        self._settlement = settlement
        self._rooms = rooms
        self._locks = KeyedLocks()
        self._live: WeakValueDictionary[str, Task[Any]] = WeakValueDictionary()

    # ── tasks ──────────────────────────────────────────────────────────────────────────

    async def submit(
        self, endpoint: TaskEndpoint[OutputT], request: Request, memo: Memo = NO_MEMO
    ) -> Task[OutputT]:
        """Start a task, or give the one that counts for the memo's key.

        Raises:
            ServiceError: the service refused.
            SubmitOutcomeUnknownError: the answer was lost; the task may be running.
        """
        entry = await self._paid(endpoint, request, memo)
        task = self.task_of(entry, endpoint.output)
        self._rooms.add(entry.model, task)
        return task

    async def ask(
        self, endpoint: Endpoint[AnswerT], request: Request, memo: Memo = NO_MEMO
    ) -> AnswerT:
        """Send one paid request that is answered at once, or give the answer that counts.

        Raises:
            ServiceError: the service refused.
            SubmitOutcomeUnknownError: the answer was lost.
        """
        return _read(endpoint.answer, await self._paid(endpoint, request, memo))

    def task_of(self, entry: Entry, output: type[OutputT]) -> Task[OutputT]:
        """Give the task of a row: the same for as long as anybody has it, and it is not lost."""
        facts = read_token(entry.token or "", self._settings)
        task = self._live.get(facts.task_id)
        if task is None or (task.done and task.status not in FINAL_STATUSES):
            # A service that did not know it may do so now: whoever asks anew, asks it anew.
            known = _read(TaskResponse, entry)
            task = self._live[facts.task_id] = Task(self._tasks, facts, output, response=known)
        return task

    async def known(self, endpoint: TaskEndpoint[OutputT], key: str | None) -> Task[OutputT] | None:
        """Give the task that counts for a key; None if there is none, or nobody knows.

        Raises:
            LedgerError: the book cannot be read.
        """
        entry = await self._settled_row(key)
        return None if entry is None else self.task_of(entry, endpoint.output)

    async def answered(self, endpoint: Endpoint[AnswerT], key: str | None) -> AnswerT | None:
        """Give the answer that counts for a key; None if there is none, or nobody knows.

        Raises:
            LedgerError: the book cannot be read.
        """
        entry = await self._settled_row(key)
        return None if entry is None else _read(endpoint.answer, entry)

    async def unfinished(self) -> list[Task[Any]]:
        """Give every task in the book that has not ended."""
        rows = await self._books.unfinished()
        return [self.task_of(entry, OPERATIONS[entry.operation]) for entry in rows]

    async def rows(self) -> list[Entry]:
        """Give every row of the book, oldest first."""
        return await self._books.rows()

    async def adopt(self, lost: SubmitOutcomeUnknownError | Entry, task_id: str) -> Task[Any]:
        """Take a task for what came of a lost submit."""
        output = OPERATIONS.get(lost.operation, TaskOutput)
        async with self._books.turn(lost.model):  # nobody is sending it any more
            for entry in await self._unsettled(lost):
                state = TaskOutput(task_id=task_id, task_status=TaskStatus.PENDING)
                adopted = await self._books.accepted(entry, SubmitResponse(output=state))
                return self.task_of(adopted, output)
        facts = TokenFacts.of(
            self._settings,
            task_id=task_id,
            operation=lost.operation,
            model=lost.model,
            submitted_at=lost.sent_at,
        )
        return Task(self._tasks, facts, output)

    async def write_off(self, lost: SubmitOutcomeUnknownError | Entry) -> None:
        """Take a lost submit for one that was not accepted."""
        async with self._books.turn(lost.model):  # as above
            for entry in await self._unsettled(lost):
                await self._books.refused(entry, None)

    async def _unsettled(self, lost: SubmitOutcomeUnknownError | Entry) -> list[Entry]:
        """Give the rows of a lost submit: a row is itself, an error all of the same request."""
        if not isinstance(lost, Entry):
            return await self._books.unsettled(fingerprint=lost.fingerprint)
        rows = await self._books.unsettled(id=lost.id)
        if not rows:
            msg = f"row {lost.id} of the ledger is settled already"
            raise InputError(msg, hint="Only a submit whose answer was lost can be settled.")
        return rows

    # ── what counts already ────────────────────────────────────────────────────────────

    async def _paid(self, endpoint: Endpoint[Any], request: Request, memo: Memo) -> Entry:
        """Give the row of a submit that was accepted."""
        call = encode(endpoint, self._settings, request=request)
        entry = await self._settled_row(memo.idempotency_key)
        if entry is not None:
            return entry
        async with self._turn(call, memo):
            entry = await self._books.found(memo.idempotency_key)
            if entry is not None and entry.state in UNSETTLED:
                entry = await self._settlement.settle(entry)
            return entry or await self._sent(call, endpoint.answer, memo)

    async def _settled_row(self, key: str | None) -> Entry | None:
        """Give the row that counts for a key, if it is known what came of it."""
        entry = await self._books.found(key)
        return None if entry is None or entry.state in UNSETTLED else entry

    @asynccontextmanager
    async def _turn(self, call: Call, memo: Memo) -> AsyncGenerator[None, None]:
        """Submit the tasks of a model one by one, and what has a key, key by key.

        A check that answers at once leaves no task to look for, so without a key it need not
        queue.
        """
        async with AsyncExitStack() as stack:
            if call.endpoint.asynchronous:
                await stack.enter_async_context(self._locks.hold(call.model))
                await self._rooms.wait(call.model)
            elif memo.idempotency_key is not None:
                await stack.enter_async_context(self._locks.hold(memo.idempotency_key))
            if call.endpoint.asynchronous or memo.idempotency_key is not None:
                await stack.enter_async_context(self._books.turn(call.model))
            yield

    # ── sending ────────────────────────────────────────────────────────────────────────

    async def _sent(self, call: Call, answer: type[Answer], memo: Memo) -> Entry:
        """Send it until it is accepted, or must not be sent again."""
        await self._settlement.prepare(call)
        attempt, resent = 0, False
        while True:
            attempt += 1
            if call.endpoint.asynchronous:
                await self._rooms.pace(call.model)
            entry, fault = await self._attempted(call, answer, memo)
            if fault is None:
                return entry
            if entry.state == "unknown":
                with _noted([entry]):
                    adopted = await self._settlement.settle(entry, fault)
                if adopted is not None:
                    return adopted
                if resent:
                    raise fault
                resent = True
                continue
            pause_s = SUBMIT_RETRIES.pause_s(attempt, fault, safe=False, jitter=jitter())
            if pause_s is None:
                raise fault
            told = (call.endpoint.name, pause_s, type(fault).__name__)
            log.info("%s: sending it again in %.1f s, after %s", *told)
            await anyio.sleep(pause_s)

    async def _attempted(
        self, call: Call, answer: type[Answer], memo: Memo
    ) -> tuple[Entry, DashScopeError | None]:
        """Send it once; give its row as it is then, and the fault if it was not accepted.

        Once it is on its way, a cancellation waits a while for the answer: a task whose id
        nobody knows is hard to find again.
        """
        rows: list[Entry] = []
        faults: list[DashScopeError] = []

        async def attempt(scope: anyio.CancelScope) -> None:
            rows.append(await self._books.begin(call, memo))
            if scope.deadline < math.inf:  # cancelled before it has left
                rows.append(await self._books.refused(rows[-1], None))
                return
            try:
                said = await self._accepted(call, answer)
            except (TransportError, ProtocolError, ServiceError) as error:
                faults.append(error)
                rows.append(await self._without(rows[-1], error))
            else:
                rows.append(await self._books.accepted(rows[-1], said))

        async with self._http.place(call):
            await checkpoint()  # whoever is cancelled by now sends nothing
            with _noted(rows):
                await kept(attempt, grace_s=_GRACE_S)
        return rows[-1], next(iter(faults), None)

    async def _without(self, entry: Entry, fault: DashScopeError) -> Entry:
        """Write down that no usable answer came."""
        if isinstance(fault, NotSentError) or certainly_refused(fault):
            return await self._books.refused(entry, fault.code)
        return await self._books.lost(entry)

    async def _accepted(self, call: Call, answer: type[AnswerT]) -> AnswerT:
        said = decode(call, await self._http.once(call), answer)
        if isinstance(said, SubmitResponse):
            try:
                checked_task_id(said.output.task_id)
            except InputError as error:  # a task that could not be asked for
                raise ProtocolError(error.message) from None
        return said


def _read(answer: type[AnswerT], entry: Entry) -> AnswerT:
    return answer.model_validate_json(entry.response or "{}")


@contextmanager
def _noted(rows: Sequence[Entry]) -> Generator[None, None, None]:
    """Note on a cancellation what it has left behind, by the last row there is then."""
    try:
        yield
    except anyio.get_cancelled_exc_class() as cancelled:
        for entry in rows[-1:]:
            if entry.token is not None:
                cancelled.add_note(f"the task goes on; its token: {entry.token}")
            elif entry.state in UNSETTLED:
                cancelled.add_note(
                    f"a paid {entry.operation} request to {entry.model} was under way since "
                    f"{entry.sent_at.isoformat()} (fingerprint {entry.fingerprint}): "
                    "see the task list"
                )
        raise
