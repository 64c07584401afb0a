"""What is known of a task: each status with its time, and the last answer. No I/O.

Thousands of tasks may be waited for at once, so answers are kept as the JSON text they came as,
a fifth of the model's size, and read again when somebody looks.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dashscope_aa.models import FINAL_STATUSES, TaskListItem, TaskResponse, TaskStatus


@dataclass(frozen=True, slots=True)
class TaskState:
    """One entry of a task's history."""

    status: TaskStatus | str
    """The status word."""
    seen_at: datetime
    """When it was first seen here."""
    said: bytes = field(repr=False)
    """The answer that told of it, as JSON."""

    @property
    def response(self) -> TaskResponse:
        """The answer that told of it."""
        return TaskResponse.model_validate_json(self.said)


class Timeline:
    """What is known of one task."""

    __slots__ = ("_grace", "_said", "_unknowns", "history", "request_id")

    def __init__(self, *, grace: int) -> None:
        self.history: tuple[TaskState, ...] = ()
        """Each status seen so far, oldest first."""
        self.request_id: str | None = None
        """Id of the last request that told of the task."""
        self._grace = grace
        self._said = b""
        self._unknowns = 0

    @property
    def status(self) -> TaskStatus | str:
        """The last known status; UNKNOWN before the first answer."""
        return self.history[-1].status if self.history else TaskStatus.UNKNOWN

    @property
    def ended(self) -> bool:
        """True if nothing will change any more."""
        return self.status in FINAL_STATUSES

    @property
    def lost(self) -> bool:
        """True if the service has said UNKNOWN more often than is borne."""
        return not self.ended and self._unknowns > self._grace

    @property
    def done(self) -> bool:
        """True if there is nothing more to ask."""
        return self.ended or self.lost

    @property
    def response(self) -> TaskResponse | None:
        """The last answer that told of the task."""
        return TaskResponse.model_validate_json(self._said) if self._said else None

    def is_news(self, response: TaskResponse) -> bool:
        """True if an answer tells of a status that comes after the last known one."""
        status = response.output.task_status
        new = not self.history or status != self.status
        return new and status != TaskStatus.UNKNOWN and not self.ended

    def learn(self, response: TaskResponse, *, seen_at: datetime) -> None:
        """Take note of an answer. After the end, nothing changes; UNKNOWN is only counted."""
        if response.output.task_status == TaskStatus.UNKNOWN:
            self._unknowns += 1
            return
        self._unknowns = 0
        if self.ended:
            return
        said = response.model_dump_json(exclude_unset=True).encode()
        if self.is_news(response):
            status = response.output.task_status
            self.history = (*self.history, TaskState(status, seen_at, said))
        self._said = said
        self.request_id = response.request_id

    def learn_row(self, row: TaskListItem, *, request_id: str | None) -> TaskResponse | None:
        """Take note of a row of the list that says PENDING or RUNNING.

        Gives the answer that it stands for if that is news. The list knows none of the stages
        between those two and the end (TASK), so RUNNING is no step back from a later one.
        """
        self._unknowns = 0
        self.request_id = request_id
        queued = row.status == TaskStatus.PENDING
        if self.history and (queued or self.status != TaskStatus.PENDING):
            return None
        output = {
            "task_id": row.task_id,
            "task_status": row.status,
            "submit_time": row.gmt_create,
            "scheduled_time": row.start_time,
        }
        given = {name: value for name, value in output.items() if value is not None}
        return TaskResponse.model_validate({"request_id": request_id, "output": given})

    def told(self, now: datetime) -> str:
        """Tell each status with its time, and how the time was shared between queue and work."""
        if not self.history:
            return "no status was ever seen"
        ends = [*(state.seen_at for state in self.history[1:]), now]
        spans = [end - state.seen_at for state, end in zip(self.history, ends, strict=True)]
        stages = ", ".join(
            f"{state.status} at {state.seen_at:%H:%M:%SZ} for {_seconds(span)}"
            for state, span in zip(self.history, spans, strict=True)
        )
        queued = [
            span
            for state, span in zip(self.history, spans, strict=True)
            if state.status == TaskStatus.PENDING
        ]
        whole = sum(spans, timedelta())
        share = sum(queued, timedelta()) / whole if whole else 1.0 * bool(queued)
        return f"{stages}; {share:.0%} of the time queued, {1 - share:.0%} at work"


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f} s"
