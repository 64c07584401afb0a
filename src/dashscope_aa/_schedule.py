"""How long to wait before trying or asking again. Pure: nothing here sleeps.

Numbers are seconds. The service advises a query every 15 s (OA), takes 20 queries a second from
an account, and clears throttling within about a minute (public notes).
"""

from dataclasses import dataclass
from typing import NamedTuple

from dashscope_aa.codes import Retry
from dashscope_aa.errors import (
    DashScopeError,
    InputError,
    NoAnswerError,
    NotSentError,
    ProtocolError,
    ServerError,
    ServiceError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When waiting tasks are asked for, how often in all, and how long a wait may last."""

    first_s: float = 1.0
    """Pause before the first query, and the shortest."""
    cap_s: float = 15.0
    """The longest pause."""
    growth: float = 0.15
    """Pause as a share of the time a task has been queued, or worked on: asked less and less."""
    queued_factor: float = 2.0
    """How many times `cap_s` the longest pause of a queued task is: it has yet to be worked on."""
    queries_per_s: float = 10.0
    """Queries and lists a second, for all tasks of the client; the account has 20 (TASK)."""
    submits_per_s: float = 5.0
    """Tasks submitted a second to each model (RATE)."""
    list_above: int = 20
    """With more waiting tasks than this, the task list is read instead of asking for each."""
    page_size: int = 100
    """Tasks a page of the list that is asked for; the service may give fewer, or refuse it."""
    timeout_s: float | None = 4 * 3600.0
    """How long a wait lasts at most; the service kills a task after 3 hours of running."""
    unreachable_s: float = 30 * 60.0
    """How long a wait bears having no usable answer."""
    settle_s: float = 30.0
    """How long the task list is given to show a task whose submit was lost (nothing documented)."""
    grace: int = 3
    """How many times UNKNOWN is borne right after a submit (open question 19)."""

    def __post_init__(self) -> None:
        """Refuse what would never ask."""
        for name in ("queries_per_s", "submits_per_s"):
            rate = getattr(self, name)
            if not rate > 0:  # NaN is not either
                raise InputError(f"{name} must be more than 0, but is {rate!r}")
        if self.page_size < 1:
            raise InputError(f"page_size must be at least 1, but is {self.page_size!r}")

    def pause_s(self, age_s: float, *, queued: bool = False, jitter: float = 0.5) -> float:
        """Give the pause before the next query of a task.

        Args:
            age_s: How long it has been queued, or worked on.
            queued: True if it is queued.
            jitter: Between 0 and 1; moves the pause by up to a tenth either way.
        """
        cap_s = self.cap_s * self.queued_factor if queued else self.cap_s
        pause_s = min(cap_s, max(self.first_s, age_s * self.growth))
        return pause_s * (0.9 + 0.2 * jitter)

    def backoff_s(self, faults: int, *, jitter: float = 0.5) -> float:
        """Give the pause of all queries after so many faults without a usable answer between."""
        pause_s = min(self.cap_s, self.first_s * 2.0 ** min(faults - 1, 30))
        return pause_s * (0.9 + 0.2 * jitter)


class Retries(NamedTuple):
    """How often and how long apart a call is sent again."""

    attempts: int
    """How many times it is sent at most."""
    unsent_attempts: int = 3
    """How many times at most while it never even leaves: the address is likely wrong."""
    limited_attempts: int = 3
    """How many times at most where the table of codes allows "once or twice" more."""
    first_s: float = 0.5
    """Pause before the second time; doubled each time."""
    cap_s: float = 20.0
    """The longest pause of our own choice."""
    retry_after_cap_s: float = 120.0
    """The longest pause the service may ask for; longer is an error at once."""

    def pause_s(
        self, attempt: int, error: DashScopeError, *, safe: bool, jitter: float
    ) -> float | None:
        """Give the pause before sending again; None when it must not be sent again.

        Args:
            attempt: How many times it has been sent, from 1.
            error: What came of it.
            safe: True if sending twice does no harm (a query, a certificate).
            jitter: Between 0 and 1.
        """
        if attempt >= self._most(error) or not may_resend(error, safe=safe):
            return None
        asked_s = error.retry_after_s if isinstance(error, ServiceError) else None
        if asked_s is not None:
            return asked_s + 0.5 * jitter if asked_s <= self.retry_after_cap_s else None
        pause = min(self.cap_s, self.first_s * 2.0 ** (attempt - 1))
        return pause * (0.5 + 0.5 * jitter)

    def _most(self, error: DashScopeError) -> int:
        """Give how many times a call that ended in *error* is sent at most."""
        if isinstance(error, NotSentError):
            return min(self.attempts, self.unsent_attempts)
        if isinstance(error, ServiceError) and error.retry == Retry.LIMITED:
            return min(self.attempts, self.limited_attempts)
        return self.attempts


def may_resend(error: DashScopeError, *, safe: bool) -> bool:
    """Decide whether a call that ended in *error* may be sent again.

    A call that is not *safe* is sent again only when it certainly was not accepted: it never
    left, or the service said no in so many words. A `ServerError` says nothing certain.
    """
    if isinstance(error, NotSentError):
        return True
    if isinstance(error, ServiceError):
        return error.retry in {Retry.YES, Retry.LIMITED} and (safe or certainly_refused(error))
    senseless = isinstance(error, ProtocolError) and not certainly_refused(error)
    return safe and (senseless or isinstance(error, NoAnswerError))


def certainly_refused(error: DashScopeError) -> bool:
    """True if the answer certainly means "not accepted": a redirect, or an HTTP 4xx but 408.

    A gateway's 408 only says that it gave up waiting, for whichever side; and a 4xx whose code
    says that the service failed by itself, as ``InternalError`` does, is no better than a 5xx.
    """
    status = error.http_status
    if status is None or isinstance(error, ServerError):
        return False
    return 300 <= status < 500 and status != 408  # noqa: PLR2004 - HTTP's own numbers
