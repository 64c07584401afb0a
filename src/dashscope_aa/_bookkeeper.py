"""What goes into the book, and how it is read from it: one account's rows as tasks and answers."""

import hashlib
import json
import logging
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

from dashscope_aa._book import TASK_LIFE, UNSETTLED, Book, Entry, Memo
from dashscope_aa._config import Settings
from dashscope_aa._prices import billed_cny, cost_cny
from dashscope_aa._protocol import Call, dump, expiry, read_output
from dashscope_aa._token import OPERATIONS, TokenFacts
from dashscope_aa.errors import LedgerError, ProtocolError
from dashscope_aa.models import (
    FINAL_STATUSES,
    SubmitResponse,
    TaskResponse,
    TaskStatus,
    VideoOutput,
)
from dashscope_aa.models._base import Answer

log = logging.getLogger("dashscope_aa")


def key_of(*parts: object) -> str:
    """Make an idempotency key of what a request is given."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


class Bookkeeper:
    """Writes an account's paid submits into a `Book`.

    Before a request leaves, a book that cannot be written stops it. Afterwards nothing is
    stopped for the book's sake: what was paid for is worth more.
    """

    def __init__(self, book: Book, settings: Settings) -> None:
        self._book = book
        self._settings = settings
        self._account = settings.account

    def turn(self, name: str) -> AbstractAsyncContextManager[None]:
        """Keep other processes from submitting under *name* meanwhile."""
        return self._book.turn(f"{self._account} {name}")

    # ── one submit ─────────────────────────────────────────────────────────────────────

    async def begin(self, call: Call, memo: Memo) -> Entry:
        """Write down what is about to be sent.

        Raises:
            LedgerError: it cannot be written; nothing was sent.
        """
        entry = Entry(
            account=self._account,
            operation=call.endpoint.name,
            model=call.model,
            key=memo.idempotency_key,
            fingerprint=call.fingerprint,
            sent=json.dumps({**without_queries(json.loads(call.body)), "sources": memo.sources}),
            estimate_cny=memo.estimate_cny,
            sent_at=datetime.now(UTC),
        )
        return await self._book.add(entry)

    async def refused(self, entry: Entry, code: str | None) -> Entry:
        """Write down that it certainly was not accepted."""
        return await self._noted(entry, state="refused", code=code)

    async def lost(self, entry: Entry) -> Entry:
        """Write down that nobody knows what came of it."""
        return await self._noted(entry, state="unknown", lost_at=datetime.now(UTC))

    async def accepted(self, entry: Entry, answer: Answer) -> Entry:
        """Write down that it was accepted."""
        facts: dict[str, Any] = {
            "state": "accepted",
            "request_id": getattr(answer, "request_id", None),
            "response": json.dumps(dump(answer)),
        }
        if isinstance(answer, SubmitResponse):
            token = TokenFacts.of(
                self._settings,
                task_id=answer.output.task_id,
                operation=entry.operation,
                model=entry.model,
                submitted_at=entry.sent_at,
            )
            status = str(answer.output.task_status)
            facts |= {"task_id": token.task_id, "token": token.token(), "status": status}
            facts["history"] = json.dumps([[status, _now()]])
        else:
            facts["billed_cny"] = cost_cny(entry.model, None, 1)
        return await self._noted(entry, **facts)

    async def learned(self, task_id: str, response: TaskResponse, /) -> None:
        """Write down a status as it is first seen; what waits for the task calls it."""
        for entry in await self._of_task(task_id):
            status = str(response.output.task_status)
            if entry.status != status:
                history = [*json.loads(entry.history), [status, _now()]]
                facts = _facts_of(response, entry)
                await self._noted(entry, status=status, history=json.dumps(history), **facts)

    async def saved(self, task_id: str, path: Path) -> None:
        """Write down where a result was saved."""
        for entry in await self._of_task(task_id):
            await self._noted(entry, saved_to=str(path))

    async def forget(self, task_id: str) -> None:
        """Let a task no longer count for its key: whoever submitted it has given it up."""
        for entry in await self._of_task(task_id):
            await self._noted(entry, key=None)

    async def forget_template(self, template: str) -> None:
        """Let a template no longer count, which the service no longer accepts."""
        for entry in await self._book.find(account=self._account, operation="template"):
            if template in (entry.response or ""):
                await self._noted(entry, key=None)

    # ── what counts ────────────────────────────────────────────────────────────────────

    async def found(self, key: str | None) -> Entry | None:
        """Give what counts for a key: accepted and alive, or unsettled.

        Raises:
            LedgerError: the book cannot be read.
        """
        if key is None:
            return None
        states = ("accepted", *UNSETTLED)
        rows = await self._book.find(account=self._account, key=key, state=states)
        return next((entry for entry in rows if _counts(entry)), None)

    async def rows(self) -> list[Entry]:
        """Give every row, oldest first.

        Raises:
            LedgerError: the book cannot be read.
        """
        return (await self._book.find(account=self._account))[::-1]

    async def unsettled(self, **wanted: str | int) -> list[Entry]:
        """Give the submits of which nobody knows what came, oldest first.

        Raises:
            LedgerError: the book cannot be read.
        """
        rows = await self._book.find(account=self._account, state=UNSETTLED, **wanted)
        return rows[::-1]

    async def unfinished(self) -> list[Entry]:
        """Give the tasks whose end is not in the book, and that the service still knows.

        Raises:
            LedgerError: the book cannot be read.
        """
        rows = await self._book.find(account=self._account, state="accepted")
        return [entry for entry in reversed(rows) if entry.token and _goes_on(entry)]

    async def known_ids(self) -> set[str]:
        """Give the ids of all tasks in the book.

        Raises:
            LedgerError: the book cannot be read.
        """
        return await self._book.task_ids(self._account)

    async def template_length_s(self, template: str) -> float | None:
        """Give the length of a template's clip, if it was made by this book's account.

        Raises:
            LedgerError: the book cannot be read.
        """
        rows = await self._book.find(
            account=self._account, operation="template", status=str(TaskStatus.SUCCEEDED)
        )
        answers = (json.loads(entry.response or "{}") for entry in rows)
        lengths = (
            answer.get("usage", {}).get("video_duration")
            for answer in answers
            if answer.get("output", {}).get("template_id") == template
        )
        return next(lengths, None)

    # ── files ──────────────────────────────────────────────────────────────────────────

    async def upload(self, name: str, *, now_s: float) -> str | None:
        """Give the URL under which a file still lies at a time (epoch seconds)."""
        return await self._book.upload(f"{self._account} {name}", now_s=now_s)

    async def has_upload(self, beginning: str, *, now_s: float) -> bool:
        """Tell if a file still lies at a time (epoch seconds) whose name begins so."""
        return await self._book.has_upload(f"{self._account} {beginning}", now_s=now_s)

    async def keep_upload(self, name: str, *, url: str, until_s: float) -> None:
        """Remember until a time (epoch seconds) where a file lies."""
        await self._book.keep_upload(f"{self._account} {name}", url=url, until_s=until_s)

    async def forget_uploads(self, urls: Iterable[str]) -> None:
        """Forget URLs that no longer work."""
        await self._book.forget_uploads(urls)

    async def aclose(self) -> None:
        """Close the book."""
        await self._book.aclose()

    # ── how ────────────────────────────────────────────────────────────────────────────

    async def _of_task(self, task_id: str) -> list[Entry]:
        try:
            return await self._book.find(account=self._account, task_id=task_id)
        except LedgerError:
            log.exception("the ledger could not be asked for task %s", task_id)
            return []

    async def _noted(self, entry: Entry, **facts: Any) -> Entry:  # noqa: ANN401 - fields of Entry
        try:
            return await self._book.change(entry, **facts)
        except LedgerError:
            log.exception("the ledger could not take down %s", facts)
            return replace(entry, **facts)


def _counts(entry: Entry) -> bool:
    """True if a submit of the same key would be paid for nothing."""
    if entry.state in UNSETTLED or entry.token is None:  # a verdict stays one
        return True
    if entry.status != TaskStatus.SUCCEEDED:
        return _goes_on(entry)
    return entry.expires_at is None or entry.expires_at > datetime.now(UTC)


def _goes_on(entry: Entry) -> bool:
    return entry.status not in FINAL_STATUSES and entry.sent_at > datetime.now(UTC) - TASK_LIFE


def _facts_of(response: TaskResponse, entry: Entry) -> dict[str, Any]:
    """Say what an answer tells of a task."""
    facts: dict[str, Any] = {
        "request_id": response.request_id,
        "code": response.output.code,
        "response": json.dumps(dump(response)),
    }
    if response.output.task_status == TaskStatus.SUCCEEDED:
        facts["billed_cny"] = billed_cny(entry.model, response.usage)
        with suppress(ProtocolError):  # what waits for the task says so
            output = read_output(response, OPERATIONS[entry.operation])
            if isinstance(output, VideoOutput):
                facts |= {"video_url": output.video_url, "expires_at": expiry(output)}
    return facts


def without_queries(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Leave out what may be secret: the signatures of signed URLs."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {name: without_queries(part) for name, part in fields.items()}
    if isinstance(value, str) and "://" in value:
        parts = urlsplit(value)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    return value


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
