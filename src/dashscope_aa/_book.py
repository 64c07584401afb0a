"""The book of paid submits: what was sent, what came of it, and what may be used again.

A `Book` is written before a paid request leaves and after each thing that is learned of it.
`Memory` keeps it for the life of a client; `_ledger.Ledger` on disk, for many processes.
"""

import dataclasses
import itertools
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol

from dashscope_aa._concurrency import KeyedLocks
from dashscope_aa.errors import InputError

State = Literal["sending", "unknown", "refused", "accepted"]
"""What is known of a submit. ``sending`` with nobody at it any more is as good as ``unknown``."""

TASK_LIFE: Final = timedelta(hours=24)
"""How long the service knows a task (TASK)."""
UNSETTLED: Final[tuple[State, ...]] = ("sending", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One paid submit."""

    id: int = 0
    """Number of the row; 0 until it is written."""
    account: str
    """Where it was sent and by which key's fingerprint."""
    operation: str
    """What it does: ``detect``, ``template``, ``synthesis``, ``move``, ``mix``."""
    model: str
    """The model it names."""
    key: str | None = None
    """Its idempotency key: of one key, one submit counts."""
    fingerprint: str
    """SHA-256 of the request body."""
    sent: str
    """What it was given, as JSON: the request body, URLs without their queries, and the
    ``sources`` they came from."""
    estimate_cny: float | None = None
    """What it was expected to cost."""
    state: State = "sending"
    """What is known of it."""
    sent_at: datetime
    """When sending began."""
    lost_at: datetime | None = None
    """When its answer was given up."""
    code: str | None = None
    """The service's code, if it refused or the task failed."""
    request_id: str | None = None
    """Id of the last request that told of it."""
    task_id: str | None = None
    """Id of its task."""
    token: str | None = None
    """Token of its task."""
    status: str | None = None
    """Last known status of its task."""
    history: str = "[]"
    """Each status with the time it was first seen, as JSON."""
    response: str | None = None
    """The last answer about it, as JSON."""
    video_url: str | None = None
    """Where the result lies."""
    expires_at: datetime | None = None
    """When the service forgets the result."""
    saved_to: str | None = None
    """The file that the result was written to."""
    billed_cny: float | None = None
    """What it cost by the usage that the service told."""


FIELDS: Final = tuple(field.name for field in dataclasses.fields(Entry))


class Book(Protocol):
    """Where paid submits are written down."""

    def turn(self, name: str) -> AbstractAsyncContextManager[None]:
        """Wait until nobody else is submitting under *name*, and keep others out."""
        ...

    async def add(self, entry: Entry) -> Entry:
        """Write a new row, and give it with its number."""
        ...

    async def change(self, entry: Entry, **facts: Any) -> Entry:  # noqa: ANN401 - fields of Entry
        """Write down what has been learned of a row, and give it as it is then."""
        ...

    async def find(self, **wanted: Any) -> list[Entry]:  # noqa: ANN401 - fields of Entry
        """Give the rows whose fields are (one of) what is wanted, newest first."""
        ...

    async def task_ids(self, account: str) -> set[str]:
        """Give the ids of all tasks that are known to be this book's."""
        ...

    async def upload(self, name: str, *, now_s: float) -> str | None:
        """Give the URL under which a file still lies at a time (epoch seconds)."""
        ...

    async def has_upload(self, beginning: str, *, now_s: float) -> bool:
        """Tell if a file still lies at a time whose name begins so."""
        ...

    async def keep_upload(self, name: str, *, url: str, until_s: float) -> None:
        """Remember until a time (epoch seconds) where a file lies."""
        ...

    async def forget_uploads(self, urls: Iterable[str]) -> None:
        """Forget URLs that no longer work."""
        ...

    async def aclose(self) -> None:
        """Let go of what is held open."""
        ...


class Memory:
    """The book of a client without a ledger: what must not be paid twice in its life.

    Rows that nothing can ask for again, accepted and without a key, shrink to their task's id.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._rows: dict[int, Entry] = {}
        self._ids: dict[str, tuple[str, datetime]] = {}
        self._look_at = 1000
        self._uploads: dict[str, tuple[str, float]] = {}
        self._turns = KeyedLocks()

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncGenerator[None, None]:
        """Wait until nobody else is submitting under *name*: there is no other process."""
        async with self._turns.hold(name):
            yield

    async def add(self, entry: Entry) -> Entry:
        """Write a new row."""
        entry = dataclasses.replace(entry, id=next(self._numbers))
        self._rows[entry.id] = entry
        return entry

    async def change(self, entry: Entry, **facts: Any) -> Entry:  # noqa: ANN401 - fields of Entry
        """Change a row, or drop it when nobody can want it any more."""
        entry = dataclasses.replace(self._rows.get(entry.id, entry), **facts)
        if entry.task_id:
            self._keep_id(entry.task_id, entry)
        if entry.state in UNSETTLED or (entry.state == "accepted" and entry.key):
            self._rows[entry.id] = entry
        else:
            self._rows.pop(entry.id, None)
        return entry

    def _keep_id(self, task_id: str, entry: Entry) -> None:
        """Keep an id for as long as the service lists it; look for older ones now and then."""
        self._ids[task_id] = (entry.account, entry.sent_at)
        if len(self._ids) >= self._look_at:
            since = entry.sent_at - TASK_LIFE
            self._ids = {known: it for known, it in self._ids.items() if it[1] > since}
            self._look_at = 2 * len(self._ids) + 1000

    async def find(self, **wanted: Any) -> list[Entry]:  # noqa: ANN401 - fields of Entry
        """Look through all rows: there are as many as keys."""
        return [row for row in reversed(self._rows.values()) if _fits(row, wanted)]

    async def task_ids(self, account: str) -> set[str]:
        """Give the ids of an account's tasks."""
        return {task_id for task_id, (whose, _) in self._ids.items() if whose == account}

    async def upload(self, name: str, *, now_s: float) -> str | None:
        """Give the URL under which a file still lies."""
        url, until_s = self._uploads.get(name, ("", 0.0))
        return url if until_s > now_s else None

    async def has_upload(self, beginning: str, *, now_s: float) -> bool:
        """Look through all names: there are as many as files of two days."""
        return any(
            until_s > now_s and name.startswith(beginning)
            for name, (_, until_s) in self._uploads.items()
        )

    async def keep_upload(self, name: str, *, url: str, until_s: float) -> None:
        """Remember where a file lies, and drop what has run out."""
        now = time.time()
        self._uploads = {key: it for key, it in self._uploads.items() if it[1] > now}
        self._uploads[name] = (url, until_s)

    async def forget_uploads(self, urls: Iterable[str]) -> None:
        """Forget URLs that no longer work."""
        gone = set(urls)
        self._uploads = {key: it for key, it in self._uploads.items() if it[0] not in gone}

    async def aclose(self) -> None:
        """Nothing is held open."""


def _fits(row: Entry, wanted: dict[str, Any]) -> bool:
    return all(
        getattr(row, name) in (value if isinstance(value, tuple) else (value,))
        for name, value in wanted.items()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Memo:
    """What the book is to hold beside a paid request."""

    idempotency_key: str | None = None
    """Of one key, one submit counts: a second gives the first one's task or verdict, and pays
    nothing; unless that was refused, failed or was cancelled."""
    estimate_cny: float | None = None
    """What it is expected to cost."""
    sources: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the files were, by role: ``sha256:…``; their URLs tell nothing."""

    def __post_init__(self) -> None:
        """Refuse a key that could not be found again."""
        if self.idempotency_key is not None and not self.idempotency_key.strip():
            raise InputError("an idempotency key must not be empty")
