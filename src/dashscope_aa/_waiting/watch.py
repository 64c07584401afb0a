"""What the poller knows of a task that is waited for, and of those who wait. No I/O."""

import math
from datetime import datetime
from typing import Final

import anyio

from dashscope_aa._schedule import Schedule
from dashscope_aa._waiting.pace import Planned
from dashscope_aa._waiting.timeline import Timeline
from dashscope_aa.errors import DashScopeError
from dashscope_aa.models import TaskResponse, TaskStatus

MISSED: Final = 2
"""A task that is missing from so many rounds is asked for by itself."""


SLEEPERS: Final = 16
"""So many who wait share a bell."""


class Watch(Planned):
    """A task: what is known of it, when it is due, and who waits for it."""

    __slots__ = (
        "due",
        "joined",
        "missed",
        "notified",
        "silent_since",
        "since",
        "submitted_at",
        "task_id",
        "timeline",
        "waiters",
    )

    def __init__(self, task_id: str, submitted_at: datetime | None, timeline: Timeline) -> None:
        super().__init__()
        self.task_id = task_id
        self.submitted_at = submitted_at
        self.timeline = timeline
        self.waiters: tuple[Waiter, ...] = ()
        self.joined = 0.0
        """When the first of them came."""
        self.due: float | None = None
        """When it is to be asked for; kept while nobody waits, so that short waits get on too."""
        self.since: float | None = None
        """When it was first seen to be queued, or to be worked on."""
        self.silent_since = math.inf
        """When asking for it first failed, with no usable answer since; infinity if it did not."""
        self.missed = 0
        """How many rounds in a row did not show it."""
        self.notified = False
        """True if it was told to have ended since it was last asked for."""

    @property
    def alone(self) -> bool:
        """True if the list does not show it."""
        return self.missed >= MISSED

    @property
    def queued(self) -> bool:
        """True if it has yet to be worked on."""
        return self.timeline.status == TaskStatus.PENDING

    def begin(self, now: float) -> None:
        """Note that somebody begins to wait: while nobody asks, no answer is missing."""
        self.joined = now
        self.silent_since = math.inf
        if self.since is None:
            self.since = now

    def learn(self, response: TaskResponse, *, now: float, seen_at: datetime) -> bool:
        """Take note of an answer; True if those who wait have something to hear."""
        before = (len(self.timeline.history), self.queued, self.timeline.done)
        self.silent_since = math.inf
        self.timeline.learn(response, seen_at=seen_at)
        after = (len(self.timeline.history), self.queued, self.timeline.done)
        if before[1] != after[1]:
            self.since = now
        return before != after

    def pause_s(self, schedule: Schedule, *, now: float, jitter: float) -> float:
        """Give the pause before it is asked for again."""
        since = now if self.since is None else self.since
        return schedule.pause_s(now - since, queued=self.queued, jitter=jitter)


class Waiter(Planned):
    """Somebody who waits for news of one of several tasks."""

    __slots__ = ("bell", "end_only", "outcome", "over", "until", "watches")

    def __init__(self, watches: tuple[Watch, ...], until: float, *, end_only: bool = False) -> None:
        super().__init__()
        self.watches = watches
        self.until = until
        self.end_only = end_only
        """True if a new status is no news for it, unless it is the last."""
        self.over = False
        """True once there is news, a fault, or no more time."""
        self.outcome: Exception | None = None
        """What the wait ends in, if that is no news."""
        self.bell: anyio.Event | None = None
        """Rung when it is over, or when it is this one's turn to drive; others share it."""

    def ring(self) -> None:
        """Wake it."""
        if self.bell is not None:
            self.bell.set()


class Bells:
    """One bell for several sleepers, who look for whom it was: an event takes a kilobyte."""

    def __init__(self) -> None:
        self._bell: anyio.Event | None = None
        self._sleepers = 0

    def take(self) -> "anyio.Event":
        """Give a bell that has not been rung."""
        if self._bell is None or self._bell.is_set() or self._sleepers == SLEEPERS:
            self._bell = anyio.Event()
            self._sleepers = 0
        self._sleepers += 1
        return self._bell


class TimeIsUp(Exception):  # noqa: N818 - a signal within the library, and no error
    """The wait has lasted as long as it may."""


class Unreachable(Exception):  # noqa: N818 - the same
    """There has been no usable answer for too long, or there will be none in time."""

    def __init__(self, last: DashScopeError, *, silent_s: float, asked_s: float) -> None:
        super().__init__(last, silent_s, asked_s)
        self.last = last
        """The last fault."""
        self.silent_s = silent_s
        """How long there has been no usable answer."""
        self.asked_s = asked_s
        """How long the service asks to wait; 0 if it does not."""
