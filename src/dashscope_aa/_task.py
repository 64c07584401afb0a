"""A job on the server: await it for its output, watch it, cancel it, take it up elsewhere.

Nothing runs in the background. Whoever waits asks, in turn and under a lock; when that waiter
is cancelled, the next one asks. Several waiters of one task send no more queries than one.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, Literal, get_args

import anyio

from dashscope_aa._concurrency import jitter
from dashscope_aa._endpoints import OutputT
from dashscope_aa._engines import one_of
from dashscope_aa._protocol import dump, read_output, service_error
from dashscope_aa._schedule import may_resend
from dashscope_aa._tasks import TaskDesk
from dashscope_aa._token import TaskToken, TokenFacts
from dashscope_aa.errors import (
    DashScopeError,
    InputError,
    ProtocolError,
    ServiceError,
    TaskCanceledError,
    TaskFailedError,
    TaskNotFoundError,
    TaskTimeoutError,
    TaskUnreachableError,
)
from dashscope_aa.models import FINAL_STATUSES, TaskResponse, TaskStatus, TaskUsage

OnCancel = Literal["leave", "cancel_remote"]
"""What becomes of the task when the wait for it is cancelled."""

_CANCEL_S: Final = 10.0
"""How long a cancelled wait takes at most to cancel the task too."""


def checked_timeout_s(timeout_s: object) -> None:
    """Refuse what is no length of time, before it spoils a wait.

    Raises:
        InputError: it is neither None nor a number of seconds from 0.
    """
    if timeout_s is None:
        return
    if not isinstance(timeout_s, int | float) or not timeout_s >= 0:  # NaN is not either
        raise InputError(f"timeout_s must be a number of seconds from 0, but is {timeout_s!r}")


@dataclass(frozen=True, slots=True)
class TaskState:
    """One entry of a task's history."""

    status: TaskStatus | str
    """The status word."""
    seen_at: datetime
    """When it was first seen here."""
    response: TaskResponse
    """The answer that told of it."""


class Task(Generic[OutputT]):
    """A server-side job: await it for its output, iterate `states` to watch it.

    ``await task`` gives the output or raises; a second or a concurrent await gives the same.
    Cancelling the wait leaves the job alone.
    """

    def __init__(
        self,
        desk: TaskDesk,
        facts: TokenFacts,
        output: type[OutputT],
        *,
        response: TaskResponse | None = None,
    ) -> None:
        self._desk = desk
        self._facts = facts
        self._output = output
        self._history: list[TaskState] = []
        self._response = response
        self._unknowns = 0
        self._polls = 0
        self._lock = anyio.Lock()
        self._began: float | None = None
        self._due: float | None = None
        self._waiting = 0
        self._silent_since: float | None = None
        self._asked_to_wait_until = 0.0
        if response is not None:
            self._note(response)

    # ── what is known ──────────────────────────────────────────────────────────────────

    @property
    def id(self) -> str:
        """Id of the task."""
        return self._facts.task_id

    @property
    def model(self) -> str:
        """The model it was submitted to; empty if it was taken up by its id alone."""
        return self._facts.model

    @property
    def operation(self) -> str:
        """What it does: ``template``, ``synthesis``, ``move``, ``mix``; else ``video``, ``any``."""
        return self._facts.operation

    @property
    def submitted_at(self) -> datetime | None:
        """When it was submitted, if known."""
        return self._facts.submitted_at

    @property
    def token(self) -> TaskToken[OutputT]:
        """The task as a string without secrets, for ``client.resume`` in another process."""
        return TaskToken(self._facts.token())

    @property
    def status(self) -> TaskStatus | str:
        """The last known status; UNKNOWN before the first answer."""
        return self._history[-1].status if self._history else TaskStatus.UNKNOWN

    @property
    def history(self) -> tuple[TaskState, ...]:
        """Each status seen so far, with the time it was first seen."""
        return tuple(self._history)

    @property
    def done(self) -> bool:
        """True if waiting will give an outcome at once."""
        return self.status in FINAL_STATUSES or self._lost

    @property
    def usage(self) -> TaskUsage | None:
        """What the task is billed by, once it has succeeded."""
        return self._response.usage if self._response else None

    @property
    def request_id(self) -> str | None:
        """Id of the last request that told of the task."""
        return self._response.request_id if self._response else None

    @property
    def response(self) -> dict[str, Any]:
        """The last answer about the task, whole, as plain JSON values."""
        return dump(self._response) if self._response else {}

    def __repr__(self) -> str:
        return f"<Task {self.operation} {self.id} {self.status}>"

    # ── waiting ────────────────────────────────────────────────────────────────────────

    def __await__(self) -> Generator[Any, None, OutputT]:
        """Wait for the output, as `result` does without arguments."""
        return self.result().__await__()

    async def result(
        self,
        *,
        timeout_s: float | None = None,
        on_cancel: OnCancel = "leave",
        on_state: Callable[[TaskState], Awaitable[None]] | None = None,
    ) -> OutputT:
        """Wait until the task has ended, and give its output.

        Args:
            timeout_s: How long to wait at most; None means the client's schedule (4 hours).
            on_cancel: ``cancel_remote`` cancels the task too when this wait is cancelled; only
                a PENDING task can be.
            on_state: Called with each status as it is first seen, the known one first.

        Raises:
            TaskFailedError: the task FAILED.
            TaskCanceledError: the task was cancelled.
            TaskNotFoundError: the service does not know it (any more).
            TaskTimeoutError: it was still going after *timeout_s*.
            TaskUnreachableError: the service gave no usable answer for too long.
            ServiceError: the service refuses to tell, for example because of the key.
        """
        one_of("on_cancel", on_cancel, get_args(OnCancel))
        try:
            async for state in self.states(timeout_s=timeout_s):
                if on_state is not None:
                    await on_state(state)
        except anyio.get_cancelled_exc_class() as cancelled:
            cancelled.add_note(f"the task goes on; its token: {self.token}")
            if on_cancel == "cancel_remote":
                await self._cancel_remote(cancelled)
            raise
        return self._outcome()

    def states(self, *, timeout_s: float | None = None) -> AsyncIterator[TaskState]:
        """Give each status as it is first seen, the known one first, until the task has ended.

        A failed task ends the iteration; awaiting the task raises its error.

        Raises:
            TaskNotFoundError: the service does not know it (any more).
            TaskTimeoutError: it was still going after *timeout_s*.
            TaskUnreachableError: the service gave no usable answer for too long.
        """
        checked_timeout_s(timeout_s)
        return _States(self._state_after, self._timeout_s(timeout_s))

    async def refresh(self) -> TaskResponse:
        """Ask once, now, and give the answer; `status` and the rest follow it.

        Raises:
            ServiceError: the service refuses to tell.
            TransportError: no answer came.
        """
        response = await self._desk.query(self.id)
        await self._record(response)
        self._learn(response)
        return response

    async def cancel(self) -> bool:
        """Cancel the task. False if it was not PENDING, and is as it was."""
        return await self._desk.cancel(self.id)

    # ── how ────────────────────────────────────────────────────────────────────────────

    @property
    def _lost(self) -> bool:
        return self.status not in FINAL_STATUSES and self._unknowns > self._desk.schedule.grace

    def _timeout_s(self, timeout_s: float | None) -> float | None:
        return self._desk.schedule.timeout_s if timeout_s is None else timeout_s

    async def _state_after(self, given: int, left_s: float | None) -> TaskState | None:
        """Give the state that follows the first *given* ones; None if the task has ended."""
        if not self._waiting:
            self._silent_since = None  # while nobody asks, no answer is missing
        self._waiting += 1
        try:
            with anyio.fail_after(left_s):
                while len(self._history) <= given and not self.done:
                    await self._advance()
        except TimeoutError as error:
            if isinstance(error, DashScopeError):
                raise
            raise self._timed_out() from None
        finally:
            self._waiting -= 1
        if len(self._history) > given:
            return self._history[given]
        if self._lost:
            raise self._not_found()
        return None

    async def _advance(self) -> None:
        """Ask once more after a pause, unless another waiter has asked meanwhile."""
        seen = self._polls
        async with self._lock:
            if self._polls != seen or self.done:
                return
            now = anyio.current_time()
            self._began = now if self._began is None else self._began
            if self._due is None:  # else a waiter that gave up has waited a part of the pause
                pause_s = self._desk.schedule.pause_s(now - self._began, jitter=jitter())
                self._due = max(now + pause_s, self._asked_to_wait_until)
            await anyio.sleep_until(self._due)
            self._due = None
            await self._poll()

    async def _poll(self) -> None:
        self._polls += 1
        try:
            response = await self._desk.query(self.id, once=True)
        except DashScopeError as error:
            if not may_resend(error, safe=True):
                error.task_id = self.id
                error.add_note(f"the task may go on; its token: {self.token}")
                raise
            self._bear(error)
        else:
            await self._record(response)
            self._learn(response)

    async def _record(self, response: TaskResponse) -> None:
        if self._desk.recorder is not None and response.output.task_status not in {
            self.status,
            TaskStatus.UNKNOWN,
        }:
            await self._desk.recorder(self.id, response)

    def _bear(self, error: DashScopeError) -> None:
        """Go on after a fault, unless there has been no usable answer for too long."""
        now = anyio.current_time()
        self._silent_since = now if self._silent_since is None else self._silent_since
        asked_s = (error.retry_after_s or 0.0) if isinstance(error, ServiceError) else 0.0
        self._asked_to_wait_until = now + asked_s
        limit_s = self._desk.schedule.unreachable_s
        if now + asked_s - self._silent_since > limit_s:
            msg = f"no usable answer about the task for {now - self._silent_since:.0f} s"
            if asked_s:
                msg += f", and the service asks to wait {asked_s:.0f} s"
            msg += f" (limit {limit_s:.0f} s); the last: {error.message}"
            raise TaskUnreachableError(
                msg,
                token=self.token,
                task_id=self.id,
                code=error.code,
                request_id=error.request_id,
                http_status=error.http_status,
            )

    def _learn(self, response: TaskResponse) -> None:
        self._silent_since = None
        if response.output.task_status == TaskStatus.UNKNOWN:
            self._unknowns += 1
            return
        self._unknowns = 0
        if self.status not in FINAL_STATUSES:
            self._response = response
            self._note(response)

    def _note(self, response: TaskResponse) -> None:
        if response.output.task_status != self.status or not self._history:
            state = TaskState(response.output.task_status, datetime.now(UTC), response)
            self._history.append(state)

    def _outcome(self) -> OutputT:
        response = self._response
        if self._lost or response is None:
            raise self._not_found()
        facts: dict[str, Any] = {
            "token": self.token,
            "task_id": self.id,
            "request_id": response.request_id,
        }
        if self.status == TaskStatus.SUCCEEDED:
            try:
                return read_output(response, self._output)
            except ProtocolError as error:
                error.add_note(f"the token of the task: {self.token}")
                raise
        if self.status == TaskStatus.CANCELED:
            msg = "the task was cancelled"
            raise TaskCanceledError(msg, **facts)
        said = response.output
        reason = service_error(
            said.code,
            said.message or "",
            model=self.model,
            request_id=response.request_id,
            task_id=self.id,
        )
        msg = f"the {self.operation} task failed: {reason.message}"
        raise TaskFailedError(msg, reason=reason, code=said.code, hint=reason.hint, **facts)

    def _not_found(self) -> TaskNotFoundError:
        msg = "the service does not know the task: expired, or never this account's"
        return TaskNotFoundError(msg, token=self.token, task_id=self.id)

    def _timed_out(self) -> TaskTimeoutError:
        now = datetime.now(UTC)
        seen = ", ".join(
            f"{state.status} {(now - state.seen_at).total_seconds():.0f} s ago"
            for state in self._history
        )
        msg = f"the {self.operation} task is not done yet, and the time for the wait is over "
        msg += f"(first seen: {seen or 'never'})"
        return TaskTimeoutError(msg, token=self.token, task_id=self.id, request_id=self.request_id)

    async def _cancel_remote(self, cancelled: BaseException) -> None:
        """Cancel the task too, shielded and bounded, and leave a note of what came of it."""
        took = False
        with anyio.move_on_after(_CANCEL_S, shield=True):
            try:
                took = await self.cancel()
            except DashScopeError as error:
                cancelled.add_note(f"cancelling the task failed: {error.message}")
        cancelled.add_note("the task was cancelled" if took else "the task was not cancelled")


class _States(AsyncIterator[TaskState]):
    """The iterator of `Task.states`: an object and no generator, so leaving early is clean."""

    def __init__(
        self,
        following: Callable[[int, float | None], Awaitable[TaskState | None]],
        timeout_s: float | None,
    ) -> None:
        self._following = following
        self._given = 0
        self._timeout_s = timeout_s
        self._began = anyio.current_time()

    async def __anext__(self) -> TaskState:
        """Wait for the next change."""
        limit_s = self._timeout_s
        left_s = None if limit_s is None else limit_s - (anyio.current_time() - self._began)
        state = await self._following(self._given, left_s)
        if state is None:
            raise StopAsyncIteration
        self._given += 1
        return state
