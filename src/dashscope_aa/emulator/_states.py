"""Where a task stands, computed from the clock and the queue. Nothing here waits or reads.

One `Queue` holds the tasks of one model and one account. It is brought up to date whenever
somebody looks (`Queue.settle`): jobs that were due have ended, freed places have been taken
in the order of submission, each at the moment it would have happened.

Source: TASK, RATE, S2 (states, one running task a model, the three hours).
"""

import heapq
import math
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dashscope_aa.emulator._limits import TASK_KEPT_S, TASK_TIMEOUT_S

STAGE_SHARE: Final = 0.1
"""Share of the run shown as PRE-PROCESSING, and again as POST-PROCESSING. A guess."""


class Status(StrEnum):
    """The states this emulator shows."""

    PENDING = "PENDING"
    PRE_PROCESSING = "PRE-PROCESSING"
    RUNNING = "RUNNING"
    POST_PROCESSING = "POST-PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    UNKNOWN = "UNKNOWN"


class Ending(StrEnum):
    """How a job ended."""

    WORKED = "worked"
    BROKE = "broke"
    TIMED_OUT = "timed out"
    CANCELED = "canceled"


_STATUS_OF: Final = {
    Ending.WORKED: Status.SUCCEEDED,
    Ending.BROKE: Status.FAILED,
    Ending.TIMED_OUT: Status.FAILED,
    Ending.CANCELED: Status.CANCELED,
}


@dataclass(slots=True, eq=False)
class Job:
    """What a queue knows of one task: moments on the clock, nothing else."""

    submitted_at: float
    """When it was accepted."""
    ready_at: float
    """When it may leave the queue at the earliest."""
    run_s: float
    """How long it runs; infinite if it never comes to an end by itself."""
    staged: bool = False
    """True if the states before and after RUNNING are shown (AnimateAnyone generation)."""
    worked_at: float | None = None
    """When the real work behind it was done; it is not over before that."""
    works: bool = True
    """Whether that work came to something."""
    scheduled_at: float | None = None
    """When it left the queue."""
    ended_at: float | None = None
    """When it ended."""
    ending: Ending | None = None
    """How it ended."""

    @property
    def deadline(self) -> float:
        """The moment the service gives up on it."""
        return self.submitted_at + TASK_TIMEOUT_S

    def end(self, moment: float, ending: Ending) -> None:
        """Let it be over."""
        self.ended_at = moment
        self.ending = ending

    def due(self) -> tuple[float, Ending]:
        """Tell when and how a running job ends, as far as is known by now."""
        planned = (self.scheduled_at or 0.0) + self.run_s
        if planned >= self.deadline:
            return self.deadline, Ending.TIMED_OUT
        if self.worked_at is None:
            return math.inf, Ending.WORKED
        return max(planned, self.worked_at), Ending.WORKED if self.works else Ending.BROKE

    def status(self, now: float) -> Status:
        """Tell where it stands; its queue must have been settled up to *now*."""
        if self.ending is not None and self.ended_at is not None:
            gone = now >= self.ended_at + TASK_KEPT_S
            return Status.UNKNOWN if gone else _STATUS_OF[self.ending]
        if self.scheduled_at is None:
            return Status.PENDING
        return self._stage(now - self.scheduled_at) if self.staged else Status.RUNNING

    def _stage(self, ran_s: float) -> Status:
        stage_s = STAGE_SHARE * self.run_s
        if ran_s < stage_s < math.inf:
            return Status.PRE_PROCESSING
        if self.worked_at is not None and ran_s >= self.run_s - stage_s:
            return Status.POST_PROCESSING
        return Status.RUNNING


class Queue:
    """Jobs of one model, first come, first served, with a few places to run in."""

    def __init__(self, *, places: int) -> None:
        self._free_since: list[float] = [-math.inf] * places
        self._waiting: deque[Job] = deque()
        self._running: list[Job] = []
        # The head of the queue holds up the rest: nobody behind it starts before it is gone.
        self._head_since = -math.inf

    def add(self, job: Job) -> None:
        """Put a job at the end of the queue."""
        self._waiting.append(job)

    def cancel(self, job: Job, *, now: float) -> bool:
        """Take a waiting job out; False if it waits no longer."""
        self.settle(now)
        if job not in self._waiting:
            return False
        if job is self._waiting[0]:
            self._head_since = now
        self._waiting.remove(job)
        job.end(now, Ending.CANCELED)
        return True

    def settle(self, now: float) -> None:
        """Let everything happen that has happened up to *now*."""
        while self._end_due(now) or self._start_next(now):
            pass

    def _end_due(self, now: float) -> bool:
        over = [job for job in self._running if job.due()[0] <= now]
        for job in over:
            job.end(*job.due())
            self._running.remove(job)
            heapq.heappush(self._free_since, job.due()[0])
        return bool(over)

    def _start_next(self, now: float) -> bool:
        """Start the job that waits longest, or give it up; False if its time has not come."""
        if not self._waiting:
            return False
        job = self._waiting[0]
        free_since = self._free_since[0] if self._free_since else math.inf
        start = max(job.ready_at, free_since, self._head_since)
        if min(start, job.deadline) > now:
            return False
        self._waiting.popleft()
        self._head_since = min(start, job.deadline)
        if start < job.deadline:
            heapq.heappop(self._free_since)
            job.scheduled_at = start
            self._running.append(job)
        else:
            job.end(job.deadline, Ending.TIMED_OUT)
        return True
