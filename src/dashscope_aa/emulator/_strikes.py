"""Which fault strikes next: the list of those that wait, and how often each has struck."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from dashscope_aa.emulator._clock import Clock
from dashscope_aa.emulator._faults import Fault, Operation

FaultT = TypeVar("FaultT", bound=Fault)


@dataclass(slots=True, eq=False)
class _Entry:
    fault: Fault
    added_at: float
    hits: int = 0

    def matches(self, fault: Fault | type[Fault]) -> bool:
        """Tell whether it is about *fault*, or about a fault of that kind."""
        return isinstance(self.fault, fault) if isinstance(fault, type) else self.fault == fault

    def live(self, now: float) -> bool:
        """Tell whether it has strikes left."""
        times, for_s = self.fault.times, self.fault.for_s
        if times is None and for_s is None:
            times = 1
        counted = times is None or self.hits < times
        return counted and (for_s is None or now < self.added_at + for_s)


class Faults:
    """The faults that wait to strike, oldest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: list[_Entry] = []

    def add(self, *faults: Fault) -> None:
        """Let each of *faults* strike from now on."""
        now = self._clock.now()
        with self._lock:
            self._entries += [_Entry(fault, now) for fault in faults]

    def clear(self) -> None:
        """Let nothing go wrong from now on."""
        with self._lock:
            self._entries.clear()

    def remove(self, fault: Fault | type[Fault]) -> None:
        """Let *fault*, or every fault of a kind, strike no more."""
        with self._lock:
            self._entries = [entry for entry in self._entries if not entry.matches(fault)]

    def hits(self, fault: Fault | type[Fault]) -> int:
        """Tell how often *fault*, or any of a kind, has struck since it was added."""
        with self._lock:
            return sum(entry.hits for entry in self._entries if entry.matches(fault))

    def __iter__(self) -> Iterator[Fault]:
        """Go through the faults that can still strike."""
        now = self._clock.now()
        with self._lock:
            return iter([entry.fault for entry in self._entries if entry.live(now)])

    def __len__(self) -> int:
        """Count the faults that can still strike."""
        return len(list(iter(self)))

    def take(
        self, kind: type[FaultT], operation: Operation, *, model: str | None = None
    ) -> FaultT | None:
        """Let the first fault of this kind strike, if there is one for this request."""
        now = self._clock.now()
        with self._lock:
            for entry in self._entries:
                fault = entry.fault
                if isinstance(fault, kind) and entry.live(now) and fault.strikes(operation, model):
                    entry.hits += 1
                    return fault
        return None
