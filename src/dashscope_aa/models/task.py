"""Tasks: what a submit answers, what a query answers, lists and cancelling.

Source: Model Studio help, "Manage asynchronous tasks" (TASK); recordings in
cnblogs/dashscope-sdk (CAP); the pages of the single models.
"""

from enum import StrEnum
from typing import Annotated, Any, Final, Self, cast

from pydantic import BeforeValidator, Field

from dashscope_aa.models._base import (
    INFORMS,
    Answer,
    Count,
    EpochMs,
    Id,
    Seconds,
    ServiceTime,
    Text,
)


class TaskStatus(StrEnum):
    """Every status word that has been documented or seen. Unknown words stay plain strings."""

    PENDING = "PENDING"
    PRE_PROCESSING = "PRE-PROCESSING"
    RUNNING = "RUNNING"
    POST_PROCESSING = "POST-PROCESSING"
    SUSPENDED = "SUSPENDED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        """Read the template page's misprint of SUCCEEDED as what it means (S1)."""
        return cls("SUCCEEDED") if value == "SUCCEED" else None


FINAL_STATUSES: Final = frozenset({TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.CANCELED})
"""Statuses after which nothing changes. UNKNOWN is not among them: it means "no such task"."""

OpenTaskStatus = Annotated[TaskStatus | str, Field(union_mode="left_to_right")]


class TaskMetrics(Answer):
    """How the parts of a batch came out."""

    TOTAL: Count = None
    """Parts in all."""
    SUCCEEDED: Count = None
    """Parts that succeeded."""
    FAILED: Count = None
    """Parts that failed."""


class TaskOutput(Answer):
    """The ``output`` of any task: what all of them share, and whatever else was sent."""

    task_id: Id
    """Id of the task."""
    task_status: OpenTaskStatus
    """Where it stands; words nobody has documented are kept as they are."""
    submit_time: ServiceTime = None
    """When it was accepted (UTC+8)."""
    scheduled_time: ServiceTime = None
    """When it left the queue (UTC+8)."""
    end_time: ServiceTime = None
    """When it ended (UTC+8)."""
    task_metrics: Annotated[TaskMetrics | None, INFORMS] = None
    """How the parts of a batch came out."""
    code: Text = None
    """Error code of a FAILED task."""
    message: Text = None
    """Error text of a FAILED task."""


class TaskUsage(Answer):
    """What a task is billed by."""

    video_duration: Seconds = None
    """Length of the video, in seconds (printed as float, an integer was seen)."""
    video_ratio: Text = None
    """The price tier, ``standard`` or ``pro``; in spite of its name no picture ratio."""


class TaskEnvelope(Answer):
    """What surrounds the output of a task in every answer about it."""

    request_id: Text = None
    """Id of this request."""
    usage: Annotated[TaskUsage | None, INFORMS] = None
    """What the task is billed by, once it has succeeded."""


class TaskResponse(TaskEnvelope):
    """The answer to ``GET /tasks/{task_id}``, for a task of any kind in any state."""

    output: TaskOutput
    """The task."""


class SubmitResponse(Answer):
    """The answer to a submit: the task has been accepted and will be billed if it succeeds."""

    request_id: Text = None
    """Id of the submit; kept with the task."""
    output: TaskOutput
    """The new task, PENDING."""


class TaskListItem(Answer):
    """One row of a task list."""

    task_id: Id
    """Id of the task."""
    status: OpenTaskStatus = TaskStatus.UNKNOWN
    """Where it stands; UNKNOWN if the row does not tell."""
    model_name: Text = None
    """The model it was submitted to."""
    api_key_id: Text = None
    """Id of the key it was submitted with; not the key."""
    caller_parent_id: Text = None
    """Id of the main account."""
    caller_uid: Text = None
    """Id of the user."""
    gmt_create: EpochMs = None
    """When it was accepted."""
    start_time: EpochMs = None
    """When it left the queue."""
    end_time: EpochMs = None
    """When it ended; missing while it is going on."""
    region: Text = None
    """Region it runs in."""
    request_id: Text = None
    """Id of the request that submitted it."""
    user_api_unique_key: Text = None
    """``apikey:v1:<group>:<task>:<function>:<model>``."""


def _rows(data: Any) -> Any:  # noqa: ANN401 - whatever the wire holds
    """Leave out rows that name no task: one of them must not hide the others."""
    if not isinstance(data, list):
        return data or ()
    rows = cast("list[object]", data)
    return [row for row in rows if not isinstance(row, dict) or "task_id" in row]


class TaskListResponse(Answer):
    """One page of ``GET /tasks``. Everything stands at the top level, nothing under output."""

    request_id: Text = None
    """Id of this request."""
    data: Annotated[tuple[TaskListItem, ...], BeforeValidator(_rows)] = ()
    """The tasks of this page."""
    total: Count = None
    """Tasks in all pages."""
    total_page: Count = None
    """Pages in all."""
    page_no: Count = None
    """Number of this page, from 1."""
    page_size: Count = None
    """Tasks a page; the service may give fewer than were asked for."""


class CancelResponse(Answer):
    """The answer to a cancel that took."""

    request_id: Text = None
    """Id of this request."""


class ErrorResponse(Answer):
    """The body of a refusal: flat, with HTTP 4xx or 5xx."""

    code: Text = None
    """The service's word for it."""
    message: Text = None
    """Its sentence about it."""
    request_id: Text = None
    """Id of the request."""
