"""A job on the server: await it for its output, watch it, cancel it, take it up elsewhere.

Nothing runs in the background. Whoever waits asks for all who wait, in turn (`_waiting`).
"""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Generator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, Generic, Literal, get_args

import anyio

from dashscope_aa._endings import not_found, output_of, refused, timed_out, unreachable
from dashscope_aa._endpoints import OutputT
from dashscope_aa._engines import one_of
from dashscope_aa._protocol import dump
from dashscope_aa._tasks import TaskDesk
from dashscope_aa._token import TaskToken, TokenFacts
from dashscope_aa._waiting import TaskState, TimeIsUp, Timeline, Unreachable, Watch
from dashscope_aa.errors import DashScopeError, InputError
from dashscope_aa.models import TaskResponse, TaskStatus, TaskUsage

__all__ = ["OnCancel", "Task", "TaskState", "checked_timeout_s"]

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


class Task(Generic[OutputT]):
    """A server-side job: await it for its output, iterate `states` to watch it.

    ``await task`` gives the output or raises; a second or a concurrent await gives the same.
    Cancelling the wait leaves the job alone.
    """

    __slots__ = ("__weakref__", "_desk", "_facts", "_output", "_watch")

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
        timeline = Timeline(grace=desk.schedule.grace)
        if response is not None:
            timeline.learn(response, seen_at=datetime.now(UTC))
        self._watch = Watch(facts.task_id, facts.submitted_at, timeline)

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
        return self._watch.timeline.status

    @property
    def history(self) -> tuple[TaskState, ...]:
        """Each status seen so far, with the time it was first seen."""
        return self._watch.timeline.history

    @property
    def done(self) -> bool:
        """True if waiting will give an outcome at once."""
        return self._watch.timeline.done

    @property
    def usage(self) -> TaskUsage | None:
        """What the task is billed by, once it has succeeded."""
        response = self._watch.timeline.response
        return response.usage if response else None

    @property
    def request_id(self) -> str | None:
        """Id of the last request that told of the task."""
        return self._watch.timeline.request_id

    @property
    def response(self) -> dict[str, Any]:
        """The last answer about the task, whole, as plain JSON values."""
        response = self._watch.timeline.response
        return dump(response) if response else {}

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
        checked_timeout_s(timeout_s)
        try:
            if on_state is None:  # the same as below, but thousands of them take less memory
                until = self._until(timeout_s)
                while not self.done:
                    await self._news(until, end_only=True)
            else:
                async for state in self.states(timeout_s=timeout_s):
                    await on_state(state)
        except anyio.get_cancelled_exc_class() as cancelled:
            cancelled.add_note(f"the task goes on; its token: {self.token}")
            if on_cancel == "cancel_remote":
                await self._cancel_remote(cancelled)
            raise
        return output_of(self._facts, self._watch.timeline, self._output)

    def states(self, *, timeout_s: float | None = None) -> AsyncIterator[TaskState]:
        """Give each status as it is first seen, the known one first, until the task has ended.

        A failed task ends the iteration; awaiting the task raises its error.

        Raises:
            TaskNotFoundError: the service does not know it (any more).
            TaskTimeoutError: it was still going after *timeout_s*.
            TaskUnreachableError: the service gave no usable answer for too long.
        """
        checked_timeout_s(timeout_s)
        return _States(self._state_after, self._until(timeout_s))

    async def refresh(self) -> TaskResponse:
        """Ask once, now, and give the answer; `status` and the rest follow it.

        Raises:
            ServiceError: the service refuses to tell.
            TransportError: no answer came.
        """
        response = await self._desk.query(self.id)
        await self._desk.poller.learn(self._watch, response)
        return response

    async def cancel(self) -> bool:
        """Cancel the task. True if it is cancelled; false if it was not PENDING any more."""
        return await self._desk.cancel(self.id)

    @staticmethod
    async def any_ended(tasks: "Collection[Task[Any]]") -> None:
        """Wait until one of several tasks of a client is done, or can no longer be asked for.

        What became of it is told by awaiting it; this gives and raises nothing about a task.
        """
        watches = [task._watch for task in tasks]  # noqa: SLF001 - our own
        desks = {task._desk for task in tasks}  # noqa: SLF001 - the same
        if len(desks) > 1:
            msg = "only tasks of one client can be waited for together, but these are of several"
            raise InputError(msg)
        with suppress(Unreachable, DashScopeError):
            while watches and not any(watch.timeline.done for watch in watches):
                await next(iter(desks)).poller.wait(*watches, end_only=True)

    # ── how ────────────────────────────────────────────────────────────────────────────

    def _until(self, timeout_s: float | None) -> float:
        limit_s = self._desk.schedule.timeout_s if timeout_s is None else timeout_s
        return math.inf if limit_s is None else anyio.current_time() + limit_s

    async def _state_after(self, given: int, until: float) -> TaskState | None:
        """Give the state that follows the first *given* ones; None if the task has ended."""
        timeline = self._watch.timeline
        while len(timeline.history) <= given and not timeline.done:
            await self._news(until)
        if len(timeline.history) > given:
            return timeline.history[given]
        if timeline.lost:
            raise not_found(self._facts, timeline)
        return None

    async def _news(self, until: float, *, end_only: bool = False) -> None:
        timeline = self._watch.timeline
        try:
            await self._desk.poller.wait(self._watch, until=until, end_only=end_only)
        except TimeIsUp:
            raise timed_out(self._facts, timeline) from None
        except Unreachable as why:
            raise unreachable(self._facts, timeline, why) from None
        except DashScopeError as error:
            raise refused(self._facts, error) from None

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

    __slots__ = ("_following", "_given", "_until")

    def __init__(
        self,
        following: Callable[[int, float], Awaitable[TaskState | None]],
        until: float,
    ) -> None:
        self._following = following
        self._given = 0
        self._until = until

    async def __anext__(self) -> TaskState:
        """Wait for the next change."""
        state = await self._following(self._given, self._until)
        if state is None:
            raise StopAsyncIteration
        self._given += 1
        return state
