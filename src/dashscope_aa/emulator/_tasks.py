"""What the service knows of tasks: accepting, asking, listing, cancelling.

Source: TASK and CAP (shapes, lifetimes, whose task it is), the pages of the models (results).
"""

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dashscope_aa.emulator._answers import BAD_QUERY, NOT_PENDING, TASK_TIMEOUT, Answer, Refused
from dashscope_aa.emulator._checks import Order
from dashscope_aa.emulator._clock import Clock, compact_time, service_time
from dashscope_aa.emulator._faults import Operation
from dashscope_aa.emulator._limits import LIST_SPAN_S, PAGE_SIZE
from dashscope_aa.emulator._numbers import whole
from dashscope_aa.emulator._states import Ending, Job, Queue, Status
from dashscope_aa.emulator._switches import Switches

REGION: Final = "cn-beijing"

Link = Callable[[str, float], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the work behind a task came to."""

    duration_s: float = 0.0
    """Length of the film, or of the clip a template was made from."""
    template_id: str | None = None
    """The template, if one was made."""
    film: str | None = None
    """Name of the film, if one was made."""
    refusal: Answer | None = None
    """Why it failed, if it did."""


@dataclass(slots=True, eq=False)
class Task:
    """One task."""

    id: str
    account: str
    order: Order
    request_id: str
    job: Job
    queue: Queue
    work: Work | None = None


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task as it stood when it was looked at."""

    id: str
    """Its id."""
    operation: Operation
    """What it does."""
    model: str
    """The model it was submitted to."""
    status: str
    """Where it stood."""
    code: str | None = None
    """``output.code``, if it failed."""
    message: str | None = None
    """``output.message``, if it failed."""
    submitted_at: float = 0.0
    """When it was accepted, on the emulator's clock."""
    started_at: float | None = None
    """When it began to run, if it did."""
    ended_at: float | None = None
    """When it ended, if it did."""
    film: str | None = None
    """Name of the film it made, once it has succeeded."""


class Tasks:
    """All tasks of all accounts. Not safe for threads by itself: the service holds a lock."""

    def __init__(self, *, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._tasks: dict[str, Task] = {}
        self._queues: dict[tuple[str, str], Queue] = {}

    def add(
        self, order: Order, *, task_id: str, account: str, request_id: str, stalls: bool
    ) -> Task:
        """Accept a task."""
        switches, now = self._switches, self._clock.now()
        job = Job(
            submitted_at=now,
            ready_at=now + switches.queue_s,
            run_s=math.inf if stalls else switches.run_s,
            staged=order.operation == "synthesis",
        )
        places = switches.running_per_model
        queue = self._queues.setdefault((account, order.model), Queue(places=places))
        queue.add(job)
        task = Task(task_id, account, order, request_id, job, queue)
        self._tasks[task_id] = task
        return task

    def done(self, task: Task, work: Work) -> None:
        """Take note that the work behind a task is done."""
        now = self._clock.now()
        task.queue.settle(now)
        task.work = work
        task.job.works = work.refusal is None
        task.job.worked_at = now

    def cancel(self, task_id: str, *, account: str) -> Task:
        """Take a task out of the queue while it is PENDING."""
        task = self._tasks.get(task_id)
        mine = task is not None and task.account == account
        if task is None or not mine or not task.queue.cancel(task.job, now=self._clock.now()):
            raise Refused(NOT_PENDING)
        return task

    # ── one task ─────────────────────────────────────────────────────────────────────────

    def query(self, task_id: str, *, account: str, link: Link) -> dict[str, Any]:
        """Answer ``GET /tasks/{task_id}``, apart from its request id.

        *link* makes the URL of a film of its name and of the time it was made.
        """
        task = self._tasks.get(task_id)
        status = Status.UNKNOWN
        if task is not None and task.account == account:
            status = self._status(task)
        if task is None or status is Status.UNKNOWN:
            return {"output": {"task_id": task_id, "task_status": Status.UNKNOWN}}
        output: dict[str, Any] = {"task_id": task_id, "task_status": status, **_times(task.job)}
        answer: dict[str, Any] = {"output": output}
        if status is Status.FAILED:
            refusal = _refusal(task)
            output |= {"code": refusal.code, "message": refusal.message}
        elif status is Status.SUCCEEDED and task.work is not None:
            output |= _result(task, task.work, link=link)
            answer["usage"] = _usage(task.order, task.work)
        output["task_metrics"] = {
            "TOTAL": 1,
            "SUCCEEDED": int(status is Status.SUCCEEDED),
            "FAILED": int(status is Status.FAILED),
        }
        return answer

    def _status(self, task: Task) -> Status:
        now = self._clock.now()
        task.queue.settle(now)
        return task.job.status(now)

    def views(self) -> tuple[TaskView, ...]:
        """Show every task, oldest first."""
        shown: list[TaskView] = []
        for task in list(self._tasks.values()):
            status = self._status(task)
            refusal = _refusal(task) if status is Status.FAILED else None
            shown.append(
                TaskView(
                    task.id,
                    task.order.operation,
                    task.order.model,
                    status,
                    code=refusal.code if refusal else None,
                    message=refusal.message if refusal else None,
                    submitted_at=task.job.submitted_at,
                    started_at=task.job.scheduled_at,
                    ended_at=task.job.ended_at,
                    film=task.work.film if task.work and status is Status.SUCCEEDED else None,
                )
            )
        return tuple(shown)

    def films(self) -> list[tuple[str, float]]:
        """Give the names of all films with the times their tasks ended."""
        return [
            (task.work.film, task.job.ended_at)
            for task in self._tasks.values()
            if task.work is not None and task.work.film and task.job.ended_at is not None
        ]

    # ── lists ────────────────────────────────────────────────────────────────────────────

    def page(self, query: Mapping[str, str], *, account: str) -> dict[str, Any]:
        """Answer ``GET /tasks``, apart from its request id: newest first, at the top level."""
        since, until = self._span(query)
        number = _count(query, "page_no", default=1)
        size = _count(query, "page_size", default=PAGE_SIZE)
        size = min(size, self._switches.page_size_max or size)
        now = self._settled(account)
        found = [
            task
            for task in reversed(self._tasks.values())
            if task.account == account
            and since <= task.job.submitted_at <= until
            and _matches(task, _listed_status(task, now), query)
        ]
        return {
            "total": len(found),
            "data": [_row(task, now) for task in found[(number - 1) * size : number * size]],
            "total_page": math.ceil(len(found) / size),
            "page_no": number,
            "page_size": size,
        }

    def _settled(self, account: str) -> float:
        """Bring all queues of an account up to date, once for all rows; give the time."""
        now = self._clock.now()
        for (owner, _), queue in self._queues.items():
            if owner == account:
                queue.settle(now)
        return now

    def _span(self, query: Mapping[str, str]) -> tuple[float, float]:
        start, end = (_moment(query, name) for name in ("start_time", "end_time"))
        now = self._clock.now()
        if end is None:
            end = now if start is None else start + LIST_SPAN_S
        if start is None:
            start = end - LIST_SPAN_S
        if start > end or end - start > LIST_SPAN_S:
            raise Refused(BAD_QUERY.filled("start_time, end_time"))
        # The parameters have whole seconds; what happened within the last one counts.
        return start, end + 1


def _listed_status(task: Task, now: float) -> Status:
    """Tell what a list says of a task: it knows the common states only (TASK)."""
    status = task.job.status(now)
    staged = status in (Status.PRE_PROCESSING, Status.POST_PROCESSING)
    return Status.RUNNING if staged else status


def _row(task: Task, now: float) -> dict[str, Any]:
    job, model = task.job, task.order.model
    kind = "aa-template-generation" if task.order.operation == "template" else "video-synthesis"
    row = {
        "api_key_id": _key_id(task),
        "caller_parent_id": task.account,
        "caller_uid": task.account,
        "gmt_create": _epoch_ms(job.submitted_at),
        "start_time": _epoch_ms(job.scheduled_at),
        "end_time": _epoch_ms(job.ended_at),
        "model_name": model,
        "region": REGION,
        "request_id": task.request_id,
        "status": _listed_status(task, now),
        "task_id": task.id,
        "user_api_unique_key": f"apikey:v1:aigc:image2video:{kind}:{model}",
    }
    return {name: value for name, value in row.items() if value is not None}


def _key_id(task: Task) -> str:
    return str(zlib.crc32(task.account.encode()) % 1_000_000)


def _times(job: Job) -> dict[str, str]:
    moments = {
        "submit_time": job.submitted_at,
        "scheduled_time": job.scheduled_at,
        "end_time": job.ended_at,
    }
    return {name: service_time(moment) for name, moment in moments.items() if moment is not None}


def _refusal(task: Task) -> Answer:
    if task.job.ending is Ending.TIMED_OUT or task.work is None or task.work.refusal is None:
        return TASK_TIMEOUT
    return task.work.refusal


def _result(task: Task, work: Work, *, link: Link) -> dict[str, Any]:
    """Place the result where its family places it (open question 13)."""
    if work.template_id is not None:
        return {"template_id": work.template_id}
    result = {"video_url": link(work.film or "", task.job.ended_at or 0.0)}
    return {"results": result} if task.order.family == "wan" else result


def _usage(order: Order, work: Work) -> dict[str, Any]:
    seconds = round(work.duration_s, 2)
    whole = order.family == "wan" and seconds == int(seconds)
    tier = "pro" if order.mode == "wan-pro" else "standard"
    return {"video_duration": int(seconds) if whole else seconds, "video_ratio": tier}


def _epoch_ms(moment_s: float | None) -> int | None:
    return None if moment_s is None else int(moment_s * 1000)


def _matches(task: Task, status: Status, query: Mapping[str, str]) -> bool:
    """Tell whether a list with these filters shows a task; one that is forgotten never is."""
    facts = {
        "task_id": task.id,
        "model_name": task.order.model,
        "status": status,
        "api_key_id": _key_id(task) if query.get("api_key_id") else "",
        "region": REGION,
    }
    asked = all(fact == query[name] for name, fact in facts.items() if query.get(name))
    return asked and status is not Status.UNKNOWN


def _count(query: Mapping[str, str], name: str, *, default: int) -> int:
    count = whole(query.get(name) or str(default))
    if not count:
        raise Refused(BAD_QUERY.filled(name))
    return count


def _moment(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name)
    if not text:
        return None
    moment = compact_time(text)
    if moment is None:
        raise Refused(BAD_QUERY.filled(name))
    return moment
