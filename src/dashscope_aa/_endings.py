"""How a wait for a task ends: in its output, or in the error that says why not. No I/O."""

from datetime import UTC, datetime
from typing import Any

from dashscope_aa._endpoints import OutputT
from dashscope_aa._protocol import read_output, service_error
from dashscope_aa._token import TokenFacts
from dashscope_aa._waiting import Timeline, Unreachable
from dashscope_aa.errors import (
    DashScopeError,
    ProtocolError,
    TaskCanceledError,
    TaskFailedError,
    TaskNotFoundError,
    TaskTimeoutError,
    TaskUnreachableError,
)
from dashscope_aa.models import TaskResponse, TaskStatus


def output_of(facts: TokenFacts, timeline: Timeline, output: type[OutputT]) -> OutputT:
    """Give the output of a task that is done.

    Raises:
        TaskFailedError: it FAILED.
        TaskCanceledError: it was cancelled.
        TaskNotFoundError: the service does not know it (any more).
        ProtocolError: it succeeded, but what it gave cannot be read.
    """
    response = timeline.response
    if timeline.lost or response is None:
        raise not_found(facts, timeline)
    if timeline.status == TaskStatus.CANCELED:
        raise TaskCanceledError("the task was cancelled", **_named(facts, timeline))
    if timeline.status != TaskStatus.SUCCEEDED:
        raise _failed(facts, timeline, response)
    try:
        return read_output(response, output)
    except ProtocolError as error:
        error.add_note(f"the token of the task: {facts.token()}")
        raise


def _failed(facts: TokenFacts, timeline: Timeline, response: TaskResponse) -> TaskFailedError:
    said = response.output
    reason = service_error(
        said.code,
        said.message or "",
        model=facts.model,
        request_id=response.request_id,
        task_id=facts.task_id,
    )
    msg = f"the {facts.operation} task failed: {reason.message}"
    named = _named(facts, timeline)
    return TaskFailedError(msg, reason=reason, code=said.code, hint=reason.hint, **named)


def not_found(facts: TokenFacts, timeline: Timeline) -> TaskNotFoundError:
    """Say that the service does not know the task."""
    msg = "the service does not know the task: expired, or never this account's"
    return TaskNotFoundError(msg, **_named(facts, timeline))


def timed_out(facts: TokenFacts, timeline: Timeline) -> TaskTimeoutError:
    """Say that the time for the wait is over, and where it went."""
    msg = f"the {facts.operation} task is not done yet, and the time for the wait is over "
    msg += f"({timeline.told(datetime.now(UTC))})"
    error = TaskTimeoutError(msg, **_named(facts, timeline))
    error.add_note(f"the token of the task: {facts.token()}")
    return error


def unreachable(facts: TokenFacts, timeline: Timeline, why: Unreachable) -> TaskUnreachableError:
    """Say that there was no usable answer for too long, or will be none in time."""
    msg = f"no usable answer about the task for {why.silent_s:.0f} s"
    if why.asked_s:
        msg += f", and the service asks to wait {why.asked_s:.0f} s, longer than this wait bears"
    msg += f"; the last: {why.last.message} ({timeline.told(datetime.now(UTC))})"
    named: dict[str, Any] = {
        **_named(facts, timeline),
        "code": why.last.code,
        "http_status": why.last.http_status,
        "request_id": why.last.request_id,
    }
    error = TaskUnreachableError(msg, **named)
    error.add_note(f"the token of the task: {facts.token()}")
    return error


def refused(facts: TokenFacts, error: DashScopeError) -> DashScopeError:
    """Note the task on the error of a service that refuses to tell of it."""
    note = f"the task may go on; its token: {facts.token()}"
    if note not in getattr(error, "__notes__", ()):  # several may wait for it
        error.task_id = facts.task_id
        error.add_note(note)
    return error


def _named(facts: TokenFacts, timeline: Timeline) -> dict[str, Any]:
    return {
        "token": facts.token(),
        "task_id": facts.task_id,
        "request_id": timeline.request_id,
        "history": timeline.history,
    }
