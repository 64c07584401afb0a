"""The time the emulated service lives by: real time, plus what it was turned by.

Everything that has a lifetime (tasks, result URLs, uploads, certificates, temporary keys)
asks this clock, so that a test can let a day pass in no time. Rate limits do not: they
protect the service from real requests in real seconds.
"""

import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

BEIJING: Final = timezone(timedelta(hours=8))
"""The service prints its times in UTC+8 without saying so. Source: CAP, TASK."""


class Clock:
    """A clock that runs like any other and can be turned forward.

    With ``ticking=False`` it stands still between turns, and a test decides every moment.
    """

    def __init__(self, *, ticking: bool = True) -> None:
        self._lock = threading.Lock()
        self._ticking = ticking
        self._start_s = time.time()
        self._started_s = time.monotonic()
        self._turned_s = 0.0

    def now(self) -> float:
        """Give the time in seconds since 1970."""
        with self._lock:
            ticked_s = time.monotonic() - self._started_s if self._ticking else 0.0
            return self._start_s + ticked_s + self._turned_s

    def advance(self, seconds: float = 0.0, *, minutes: float = 0.0, hours: float = 0.0) -> None:
        """Turn the clock forward."""
        turn_s = seconds + 60 * minutes + 3600 * hours
        if turn_s < 0:
            msg = f"the clock can only be turned forward, but was asked to go {turn_s} s"
            raise ValueError(msg)
        with self._lock:
            self._turned_s += turn_s


def service_time(moment_s: float) -> str:
    """Write a moment as task answers do: ``2025-09-18 15:32:00.105`` in UTC+8."""
    return datetime.fromtimestamp(moment_s, BEIJING).isoformat(" ", timespec="milliseconds")[:23]


def compact_time(text: str) -> float | None:
    """Read the ``YYYYMMDDhhmmss`` (UTC+8) of a task list query; None if it is not one."""
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING).timestamp()
    except ValueError:
        return None


def utc_time(moment_s: float) -> str:
    """Write a moment as object storage does: ``2024-07-18T08:00:00.000Z``."""
    return datetime.fromtimestamp(moment_s, UTC).isoformat(timespec="milliseconds")[:23] + "Z"
