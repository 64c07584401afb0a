"""Reading the task list in rounds, instead of asking for each task. Pure: nothing here asks.

The list takes pages of any size as far as anybody knows; 10 is its default (TASK). So the size is
a wish: the service may give smaller pages, and where it refuses, a smaller one is tried.
"""

import math
from collections import deque
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from dashscope_aa.models import TaskListResponse
from dashscope_aa.models._base import SERVICE_TIME

REFUSED_S: Final = 600.0
"""How long the list is left alone after it was refused in every size."""
FAILED_S: Final = 60.0
"""How long the list is left alone after `TRIES` faults: it may be the list's, not the service's."""
TRIES: Final = 8
"""How many faults in a row the list is forgiven; several pages may fail at once."""
KEPT: Final = timedelta(hours=24)
"""How far back the list goes, and its longest span (TASK)."""

_DEFAULT_SIZE: Final = 10
_CLOCKS_DIFFER: Final = timedelta(minutes=2)


class Round:
    """One reading of the list: the pages still to read, and the tasks still to be seen.

    It is over when all were seen, or when it has taken as many requests as there are tasks.
    """

    def __init__(self, ids: Iterable[str], query: Mapping[str, str]) -> None:
        self.query = query
        """What is asked for, but for the number of the page."""
        self.unseen = set(ids)
        """Ids of the tasks that were on no page so far."""
        self.read = 0
        """How many pages have been read."""
        self._most = len(self.unseen)
        self._left = deque([1])
        self._under_way = 0

    @property
    def waits(self) -> bool:
        """True if there is a page to ask for now."""
        return bool(self._left and self.unseen) and self.read + self._under_way < self._most

    @property
    def over(self) -> bool:
        """True if there is no more to come of it."""
        return not self.waits and not self._under_way

    def next_page(self) -> int:
        """Give the number of a page, which is then under way."""
        self._under_way += 1
        return self._left.popleft()

    def broken_off(self, number: int) -> None:
        """Take back a page that was not read."""
        self._under_way -= 1
        self._left.appendleft(number)

    def took(self, number: int, page: TaskListResponse) -> None:
        """Note that a page was read. The first one tells how many there are."""
        self._under_way -= 1
        self.read += 1
        self.unseen.difference_update(row.task_id for row in page.data)
        if not page.data:
            return
        pages = pages_of(page, size=len(page.data))
        if math.isinf(pages):
            self._left.append(number + 1)
        elif number == 1:
            self._left.extend(range(2, int(pages) + 1))


class Listing:
    """How the list is read: whether that is worth it, how far back, by what page size."""

    def __init__(self, *, above: int, page_size: int) -> None:
        self._above = above
        self._wishes = deque(_wishes(page_size))
        self._page_size = page_size
        self._faults = 0
        self._rests_until = -math.inf
        self._pages: int | None = None

    def is_worth_it(self, *, waiting: int, due: int, now: float) -> bool:
        """Decide whether a round takes no more requests than asking for each task that is due."""
        if waiting <= self._above or now < self._rests_until:
            return False
        pages = self._pages or math.ceil(waiting / self._wishes[0][0])
        return due >= pages

    def begin(
        self, ids: Iterable[str], *, submitted: Collection[datetime | None], now: datetime
    ) -> Round:
        """Begin a round, from the submit of the oldest task on if all are known."""
        page_size, bounded = self._wishes[0]
        query = {"page_size": str(page_size)}
        known = [time for time in submitted if time is not None]
        since = min(known, default=now) - _CLOCKS_DIFFER
        if bounded and len(known) == len(submitted) and since > now - KEPT:
            query["start_time"] = service_digits(since)
        return Round(ids, query)

    def ended(self, round_: Round) -> None:
        """Learn from a round how many pages the next one may take."""
        self._pages = round_.read

    def answered(self) -> None:
        """Note that a page came."""
        self._faults = 0

    def failed(self, now: float) -> bool:
        """Note that no page came; True if the list is better left alone for a while."""
        self._faults += 1
        if self._faults < TRIES:
            return False
        self._rest(now + FAILED_S)
        return True

    def refused(self, now: float) -> None:
        """Note that a page was refused: ask for less, or for nothing for a while."""
        self._wishes.popleft()
        self._pages = None
        if not self._wishes:
            self._rest(now + REFUSED_S)

    def _rest(self, until: float) -> None:
        self._wishes = deque(_wishes(self._page_size))
        self._faults = 0
        self._pages = None
        self._rests_until = until


def _wishes(page_size: int) -> list[tuple[int, bool]]:
    """Give what to ask for, best first: a size, and whether to bound the time."""
    sizes = [page_size]
    while sizes[-1] > _DEFAULT_SIZE:
        sizes.append(max(_DEFAULT_SIZE, sizes[-1] // 2))
    return [*((size, True) for size in sizes), (sizes[-1], False)]


def pages_of(page: TaskListResponse, *, size: int) -> float:
    """Say how many pages of *size* there are; infinity if a page does not tell.

    Where its two numbers disagree, more pages do no harm.
    """
    if page.total is None and page.total_page is None:
        return math.inf
    return max(page.total_page or 0, math.ceil((page.total or 0) / size))


def service_digits(time: datetime) -> str:
    """Write a time as the list wants it: ``YYYYMMDDhhmmss`` in UTC+8 (TASK)."""
    return time.astimezone(SERVICE_TIME).strftime("%Y%m%d%H%M%S")
