"""What went wrong since the last usable answer, and how long that is borne. Pure.

A wait has two budgets: one for the job, which its caller sets, and one for silence. The silence of
a task begins with the first fault after the last answer about it; the silence of the service, which
counts for every task, with the first fault after the last answer about anything.
"""

import math

from dashscope_aa._schedule import Schedule
from dashscope_aa._waiting.watch import Unreachable, Watch
from dashscope_aa.errors import DashScopeError, ServiceError


class Trouble:
    """The faults of one client's queries."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._faults = 0
        self._last: DashScopeError | None = None
        self._since = math.inf
        self._backs_off_until = -math.inf
        self._asked_to_wait_until = -math.inf

    @property
    def at_hand(self) -> bool:
        """True if the last answers were faults."""
        return self._faults > 0

    @property
    def quiet_until(self) -> float:
        """Until when nothing may be asked."""
        return max(self._backs_off_until, self._asked_to_wait_until)

    def note(self, fault: DashScopeError, *, now: float, jitter: float) -> None:
        """Take note of a fault that is borne, and be quiet for a while: twice as long each time.

        What the service itself asks for (``Retry-After``) is never cut short.
        """
        self._faults += 1
        self._last = fault
        self._since = min(self._since, now)
        self._backs_off_until = now + self._schedule.backoff_s(self._faults, jitter=jitter)
        asked_s = fault.retry_after_s if isinstance(fault, ServiceError) else None
        self._asked_to_wait_until = max(self._asked_to_wait_until, now + (asked_s or 0.0))

    def clear(self) -> None:
        """Take note of a usable answer."""
        self._faults = 0
        self._since = math.inf
        self._backs_off_until = -math.inf

    def too_much(self, watch: Watch, *, until: float, now: float) -> Unreachable | None:
        """Decide whether a wait for *watch*, which ends at *until*, is to be given up."""
        if self._last is None:
            return None
        next_at = max(now, self._asked_to_wait_until)
        began = min(now, watch.silent_since, max(self._since, watch.joined))
        if next_at - began <= self._schedule.unreachable_s and (next_at < until or next_at == now):
            return None
        return Unreachable(self._last, silent_s=now - began, asked_s=next_at - now)
