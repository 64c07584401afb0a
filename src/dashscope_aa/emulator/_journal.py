"""What came in: every request, as a test wants to look at it. Secrets are masked."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from dashscope_aa.emulator._faults import SUBMITS, TRANSFERS, Operation

MASK = "***"


@dataclass(slots=True, eq=False)
class Received:
    """One request."""

    at: float
    """When it came, on the emulator's clock."""
    operation: Operation
    """What it wanted."""
    method: str
    """HTTP method."""
    path: str
    """Path as it was sent."""
    query: Mapping[str, str]
    """Query parameters."""
    headers: Mapping[str, str]
    """Headers by their names in lower case; ``authorization`` is masked."""
    body: Any = None
    """The JSON body, if there was one."""
    model: str | None = None
    """The model it named."""
    status: int | None = field(default=None)
    """Status of the answer, even if that was lost on its way; None if there was none."""

    @property
    def leak(self) -> bool:
        """True if a key was sent to where none belongs: an upload, a result, a hosted file."""
        return self.operation in TRANSFERS and "authorization" in self.headers


def masked(headers: Mapping[str, str]) -> dict[str, str]:
    """Copy *headers* without the key."""
    return {
        name: _masked_key(value) if name == "authorization" else value
        for name, value in headers.items()
    }


def _masked_key(value: str) -> str:
    scheme, space, key = value.partition(" ")
    return f"{scheme} {MASK}" if space and key else MASK


class Requests(Sequence[Received]):
    """The requests so far, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: list[Received] = []

    def add(self, received: Received) -> None:
        """Take note of a request."""
        with self._lock:
            self._all.append(received)

    def clear(self) -> None:
        """Forget them all."""
        with self._lock:
            self._all.clear()

    @overload
    def __getitem__(self, index: int) -> Received: ...
    @overload
    def __getitem__(self, index: slice) -> list[Received]: ...
    def __getitem__(self, index: int | slice) -> Received | list[Received]:
        """Give one request, or some."""
        with self._lock:
            return self._all[index]

    def __len__(self) -> int:
        """Count them."""
        with self._lock:
            return len(self._all)

    def __iter__(self) -> Iterator[Received]:
        """Go through those that are there now."""
        return iter(self[:])

    def of(self, *operations: Operation, model: str | None = None) -> list[Received]:
        """Give the requests that wanted one of *operations*, of *model* if that is given."""
        return [
            received
            for received in self
            if received.operation in operations and model in (None, received.model)
        ]

    def paid_submits(self, model: str | None = None) -> int:
        """Count the POSTs that asked for a paid task, whatever became of them."""
        posts = self.of(*SUBMITS, model=model)
        return sum(received.method == "POST" for received in posts)

    def leaks(self) -> list[Received]:
        """Give the requests that brought a key to where none belongs."""
        return [received for received in self if received.leak]
