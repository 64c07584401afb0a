"""What becomes of a paid submit whose answer was lost.

The task list tells which tasks of a model began in the time in question, but not what they
were given. So by default nobody but the user decides: `SubmitOutcomeUnknownError` names the
candidates. With *exclusive_account*, the user's word that nothing else submits with this account,
a single candidate can only be the lost one and is adopted; if there is none after the settle time,
the submit was not accepted and may be sent once more.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import anyio

from dashscope_aa._book import TASK_LIFE, Entry
from dashscope_aa._bookkeeper import Bookkeeper
from dashscope_aa._http import Http
from dashscope_aa._protocol import Call
from dashscope_aa._tasks import TaskDesk
from dashscope_aa._token import OPERATIONS
from dashscope_aa.errors import DashScopeError, SubmitOutcomeUnknownError
from dashscope_aa.models import SubmitResponse, TaskListItem, TaskOutput, TaskStatus

_LISTING_S: Final = 20.0
"""How long looking through the list takes at most."""
_AGAIN_S: Final = 2.0
_CLOCKS_DIFFER: Final = timedelta(minutes=2)
"""How far our clock and the service's are taken to be apart at most."""
_PAGE_SIZE: Final = 50


class Settlement:
    """Finds out what came of lost submits, as far as the user's word allows."""

    def __init__(
        self,
        http: Http,
        tasks: TaskDesk,
        books: Bookkeeper,
        *,
        exclusive_account: bool,
        settle_s: float,
    ) -> None:
        self.exclusive_account = exclusive_account
        self._http = http
        self._tasks = tasks
        self._books = books
        self._settle_s = settle_s
        self._foreign: dict[str, frozenset[str]] = {}

    async def prepare(self, call: Call) -> None:
        """Before a task is submitted: leave nothing behind that could be mixed up with it.

        Raises:
            SubmitOutcomeUnknownError: an earlier submit of the model cannot be settled.
            DashScopeError: the task list cannot be read; nothing was sent.
        """
        if not (self.exclusive_account and call.endpoint.asynchronous):
            return
        for entry in await self._books.unsettled(model=call.model):
            await self.settle(entry)
        if call.model not in self._foreign:
            # What an earlier run without a ledger has left is no candidate for what follows.
            rows = await self._listed(call.model, since=datetime.now(UTC) - _CLOCKS_DIFFER)
            self._foreign[call.model] = frozenset(row.task_id for row in rows)

    async def settle(self, entry: Entry, fault: DashScopeError | None = None) -> Entry | None:
        """Give the row as accepted if its task is found; None if it was not accepted.

        Args:
            entry: A submit of which nobody knows what came.
            fault: How its answer was lost; None if an earlier run left it like that.

        Raises:
            SubmitOutcomeUnknownError: nobody knows, or it is the user's to decide.
        """
        mine = frozenset[str]() if fault is None else self._foreign.get(entry.model, frozenset())
        since_s = (datetime.now(UTC) - (entry.lost_at or entry.sent_at)).total_seconds()
        # From here on by a clock that nobody turns.
        until = anyio.current_time() + self._settle_s - max(0.0, since_s)
        while True:
            candidates = await self._candidates(entry, but=mine)
            if not self.exclusive_account or not _leaves_a_task(entry):
                raise _unknown(entry, candidates, fault)
            if candidates and len(candidates) == 1 and not await self._rivals(entry):
                return await self._adopted(entry, candidates[0])
            left_s = until - anyio.current_time()
            if candidates or (left_s <= 0 and not self._told(entry, candidates)):
                raise _unknown(entry, candidates, fault)
            if left_s <= 0:
                await self._books.refused(entry, None)
                return None
            await anyio.sleep(min(_AGAIN_S, left_s))

    def _told(self, entry: Entry, candidates: tuple[TaskListItem, ...] | None) -> bool:
        """True if the list would have shown the task, were there one.

        It goes back a day. A submit of the future was dated by a clock that was wrong.
        """
        now = datetime.now(UTC)
        clock_was_right = entry.sent_at < now + _CLOCKS_DIFFER
        forgotten = now + self._http.ahead - entry.sent_at >= TASK_LIFE
        return candidates is not None and clock_was_right and not forgotten

    async def _rivals(self, entry: Entry) -> bool:
        """True if the task may be another lost submit's, of a time when the word was not given."""
        rows = await self._books.unsettled(model=entry.model)
        return any(row.id != entry.id for row in rows)

    async def _adopted(self, entry: Entry, row: TaskListItem) -> Entry:
        # It may have ended meanwhile, but the list does not say in what: the wait asks for that.
        output = TaskOutput(task_id=row.task_id, task_status=TaskStatus.PENDING)
        answer = SubmitResponse(request_id=row.request_id, output=output)
        return await self._books.accepted(entry, answer)

    async def _candidates(
        self, entry: Entry, *, but: frozenset[str]
    ) -> tuple[TaskListItem, ...] | None:
        """Look for the tasks the lost submit may have started; None if the list is lost too."""
        if not _leaves_a_task(entry):
            return ()
        with anyio.move_on_after(_LISTING_S):
            try:
                rows = await self._listed(entry.model, since=entry.sent_at)
            except DashScopeError:
                return None
            known = await self._books.known_ids() | but
            return tuple(row for row in rows if row.task_id not in known)
        return None

    async def _listed(self, model: str, *, since: datetime) -> list[TaskListItem]:
        """Give the tasks accepted since then, with room for clocks that differ.

        There is no upper bound and no filter of the service's: a task left out by mistake would
        be paid for twice, and one too many only makes the user look.
        """
        found: list[TaskListItem] = []
        async for page in self._tasks.pages(model_name=model, page_size=_PAGE_SIZE):
            begin = since + min(self._http.ahead, timedelta(0)) - _CLOCKS_DIFFER
            found += [row for row in page.data if (row.gmt_create or begin) >= begin]
        return found


def _leaves_a_task(entry: Entry) -> bool:
    return entry.operation in OPERATIONS


def _unknown(
    entry: Entry, candidates: tuple[TaskListItem, ...] | None, fault: DashScopeError | None
) -> SubmitOutcomeUnknownError:
    how = "and nobody noted what came of it" if fault is None else f"({fault.message})"
    said = (
        f"a paid {entry.operation} request was sent to {entry.model}, but its answer was lost {how}"
    )
    hint: str | None = (
        "At most one image check was billed. client.write_off(error) lets it be sent again."
    )
    if _leaves_a_task(entry):
        hint = None
        said += (
            "; the task list could not be read, so nobody knows what came of it"
            if candidates is None
            else f"; {len(candidates)} task(s) on the list may have come of it so far"
        )
    return SubmitOutcomeUnknownError(
        said,
        model=entry.model,
        operation=entry.operation,
        fingerprint=entry.fingerprint,
        sent_at=entry.sent_at,
        lost_at=entry.lost_at or datetime.now(UTC),
        candidates=candidates,
        code=fault and fault.code,
        request_id=fault and fault.request_id,
        http_status=fault and fault.http_status,
        hint=hint,
    )
