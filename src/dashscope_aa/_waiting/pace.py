"""How often to ask, and when to do what. Pure: the time comes from outside, nothing sleeps."""

import heapq
import math
from typing import Final, Generic, TypeVar

BURST_S: Final = 0.5
"""After a rest, as many requests go at once as this time allows."""


class Bucket:
    """Gives places for requests: one every ``1 / per_s`` seconds, and a few at once after a rest.

    Any span of *t* seconds holds at most ``per_s × (t + burst_s)`` of them, or one.
    """

    def __init__(self, per_s: float, *, burst_s: float = BURST_S) -> None:
        self._gap_s = 1 / per_s
        self._slack_s = max(0.0, burst_s - self._gap_s)
        self._next = -math.inf

    def take(self, now: float) -> float:
        """Take the next place: the moment from which the request may go, past or to come."""
        place = max(self._next, now - self._slack_s)
        self._next = place + self._gap_s
        return place

    def give_back(self, place: float) -> None:
        """Give back a place that was not used; one that others stand behind is lost."""
        if self._next == place + self._gap_s:
            self._next = place


class Planned:
    """Something that an `Agenda` can hold."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0
        """Number of its entry; 0 while it has none."""


ItemT = TypeVar("ItemT", bound=Planned)


class Agenda(Generic[ItemT]):
    """What comes when: a heap in which each item stands once, and can be dropped or moved.

    What was dropped stays in the heap until it comes up, or until it is the larger part.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, ItemT]] = []
        self._numbers = 0
        self._items = 0

    def __len__(self) -> int:
        return self._items

    def plan(self, item: ItemT, moment: float) -> None:
        """Let *item* come at *moment*, and not when it was planned before."""
        self.drop(item)
        self._numbers += 1
        self._items += 1
        item.number = self._numbers
        heapq.heappush(self._heap, (moment, item.number, item))

    def drop(self, item: ItemT) -> None:
        """Take *item* out, if it is in."""
        if item.number:
            item.number = 0
            self._items -= 1
            if len(self._heap) > 2 * self._items + 64:  # rebuilding it is worth it
                self._heap = [entry for entry in self._heap if entry[1] == entry[2].number]
                heapq.heapify(self._heap)

    def next(self) -> float:
        """Give the moment when the next item comes; infinity if there is none."""
        while self._heap:
            moment, number, item = self._heap[0]
            if number == item.number:
                return moment
            heapq.heappop(self._heap)
        return math.inf

    def pop_due(self, now: float) -> list[ItemT]:
        """Take out all whose moment has come, in the order of their moments."""
        due: list[ItemT] = []
        while self.next() <= now:
            item = heapq.heappop(self._heap)[2]
            item.number = 0
            self._items -= 1
            due.append(item)
        return due
