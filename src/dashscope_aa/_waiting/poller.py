"""The poller: the only one that waits and asks. It carries out what the `Rota` decides.

Nothing runs in the background. The first who waits drives; the others sleep until there is news
for them, or until it is their turn to drive.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Protocol

import anyio

from dashscope_aa._concurrency import KeyedLocks, jitter
from dashscope_aa._schedule import Schedule, may_resend
from dashscope_aa._waiting.pace import Agenda, Bucket
from dashscope_aa._waiting.rota import Page, Rota
from dashscope_aa._waiting.trouble import Trouble
from dashscope_aa._waiting.turn import turn
from dashscope_aa._waiting.watch import Bells, TimeIsUp, Waiter, Watch
from dashscope_aa.errors import DashScopeError
from dashscope_aa.models import TaskListItem, TaskListResponse, TaskResponse, TaskStatus

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

AT_ONCE: Final = 5
"""So many requests may be under way, so that slow answers do not cap the rate."""

_GOING_ON: Final = frozenset({TaskStatus.PENDING, TaskStatus.RUNNING})


class Asks(Protocol):
    """What a poller asks with. Each question sends one request, once."""

    def check_usable(self) -> None:
        """Refuse, if nothing can be asked from here."""
        ...

    async def ask(self, task_id: str) -> TaskResponse:
        """Ask for one task."""
        ...

    async def ask_page(self, query: Mapping[str, str], page_no: int) -> TaskListResponse:
        """Ask for one page of the list."""
        ...


class Recorder(Protocol):
    """Writes down each new status of a task, before anybody sees it."""

    async def __call__(self, task_id: str, response: TaskResponse, /) -> None:
        """Write down what an answer says of a task."""
        ...


class Poller:
    """Asks for all tasks of a client that somebody waits for."""

    def __init__(self, asks: Asks, schedule: Schedule, *, recorder: Recorder | None = None) -> None:
        self._asks = asks
        self._schedule = schedule
        self._recorder = recorder
        self._recording = KeyedLocks()
        self._bucket = Bucket(schedule.queries_per_s)
        self._queue = anyio.Lock(fast_acquire=True)
        self._place: float | None = None
        self._rota = Rota(schedule, jitter=jitter)
        self._trouble = Trouble(schedule)
        self._deadlines = Agenda[Waiter]()
        self._bells = Bells()
        self._driver: Waiter | None = None
        self._nudge: anyio.Event | None = None

    async def turn(self) -> None:
        """Wait for a place in the bucket, for a request that nobody else waits for."""
        async with self._queue:  # only its head takes a place, so that the cancelled lose none
            await turn(self._bucket)

    # ── waiting ────────────────────────────────────────────────────────────────────────

    async def wait(self, *watches: Watch, until: float = math.inf, end_only: bool = False) -> None:
        """Wait for news of one of several tasks: a new status, or that the service lost it.

        With *end_only*, a status that is not the last is no news.

        Raises:
            TimeIsUp: there was none until *until*.
            Unreachable: there was no usable answer for too long.
            DashScopeError: asking was refused, or the client cannot ask from here.
        """
        self._asks.check_usable()
        me = Waiter(watches, until, end_only=end_only)
        self._join(me)
        try:
            while not me.over:
                if self._driver is None:
                    self._driver = me
                if self._driver is me:
                    await self._drive(me)
                else:
                    me.bell = self._bells.take()
                    await me.bell.wait()
        finally:
            self._leave(me)
        if me.outcome is not None:
            raise me.outcome

    def _join(self, me: Waiter) -> None:
        now = anyio.current_time()
        for watch in me.watches:
            if not watch.waiters:
                watch.begin(now)
                self._rota.add(watch, now)
            watch.waiters += (me,)
        if me.until < math.inf:
            self._deadlines.plan(me, me.until)
        if self._trouble.quiet_until > now:
            self._give_up(me.watches, now)
        self._look_again()

    def _leave(self, me: Waiter) -> None:
        self._part(me)
        if self._driver is me:
            self._driver = None
            newest = self._rota.newest()  # likely the last to end, so that it drives for long
            if newest is not None:
                self._driver = newest.waiters[-1]
                self._driver.ring()
            else:
                self._give_place_back()

    def _part(self, waiter: Waiter) -> None:
        self._deadlines.drop(waiter)
        for watch in waiter.watches:
            watch.waiters = tuple(other for other in watch.waiters if other is not waiter)
            if not watch.waiters:
                self._rota.remove(watch)
        waiter.watches = ()

    def _end(self, waiter: Waiter, outcome: Exception | None) -> None:
        waiter.over = True
        waiter.outcome = outcome
        waiter.ring()
        self._part(waiter)

    def _tell(self, watch: Watch, fault: Exception | None = None) -> None:
        """End the waits for a task: there is news, or a fault that is its own."""
        for waiter in watch.waiters:
            if fault is not None or watch.timeline.done or not waiter.end_only:
                self._end(waiter, fault)
        self._look_again()

    def _look_again(self) -> None:
        """Let the driver see what has changed."""
        if self._nudge is not None:
            self._nudge.set()

    # ── driving ────────────────────────────────────────────────────────────────────────

    async def _drive(self, me: Waiter) -> None:
        """Ask for all that is due, until my own wait is over."""
        try:
            async with anyio.create_task_group() as group:
                while not me.over:
                    self._nudge = anyio.Event()
                    now = anyio.current_time()
                    for waiter in self._deadlines.pop_due(now):
                        self._end(waiter, TimeIsUp())
                    if me.over:
                        break
                    rest_until = min(self._send(group, now), self._deadlines.next())
                    with anyio.CancelScope(deadline=rest_until):
                        await self._nudge.wait()
                group.cancel_scope.cancel()
        finally:
            # Waits that are given up again and again must not ask again and again.
            pause_s = 0.0 if me.over and me.outcome is None else self._schedule.first_s
            self._rota.broken_off(anyio.current_time() + pause_s)

    def _send(self, group: "TaskGroup", now: float) -> float:
        """Send what may be sent now; give the moment when there may be more."""
        while len(self._rota.out) < (1 if self._trouble.at_hand else AT_ONCE):
            moment = max(self._rota.next_moment(now), self._trouble.quiet_until)
            if moment > now:
                self._give_place_back()
                return moment
            if self._place is None:
                self._place = self._bucket.take(now)
            if self._place > now:
                return self._place
            self._place = None
            chosen = self._rota.choose(now, today=datetime.now(UTC))
            if isinstance(chosen, Page):
                group.start_soon(self._read, chosen)
            else:
                group.start_soon(self._ask, chosen)
        return math.inf  # an answer will make room

    def _give_place_back(self) -> None:
        if self._place is not None:
            self._bucket.give_back(self._place)
            self._place = None

    async def _ask(self, watch: Watch) -> None:
        try:
            response = await self._asks.ask(watch.task_id)
            self._trouble.clear()
            await self.learn(watch, response)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is for those who wait for this task
            self._failed(watch, error)
        self._rota.back(watch, anyio.current_time())
        self._look_again()

    async def _read(self, page: Page) -> None:
        try:
            answer = await self._asks.ask_page(page.round.query, page.number)
        except Exception as error:  # noqa: BLE001 - the list may fail; nobody waits for it
            self._unread(page, error)
        else:
            self._trouble.clear()
            await self._learn_page(answer)
            self._rota.read(page, answer)
        self._look_again()

    # ── answers ────────────────────────────────────────────────────────────────────────

    async def learn(self, watch: Watch, response: TaskResponse) -> None:
        """Take note of an answer about a task; a new status is written down before it is shown."""
        if self._recorder is None or not watch.timeline.is_news(response):
            self._note(watch, response)
            return
        # Whoever asked at the same time brings the same news.
        async with self._recording.hold(watch.task_id):
            if watch.timeline.is_news(response):
                with anyio.CancelScope(shield=True):
                    await self._recorder(watch.task_id, response)
            self._note(watch, response)

    def _note(self, watch: Watch, response: TaskResponse) -> None:
        if watch.learn(response, now=anyio.current_time(), seen_at=datetime.now(UTC)):
            self._tell(watch)

    async def _learn_page(self, answer: TaskListResponse) -> None:
        now, moved = anyio.current_time(), jitter()
        for row in answer.data:
            for watch in self._rota.find(row.task_id):
                await self._learn_row(watch, row, request_id=answer.request_id)
                if not self._rota.is_ahead(watch):
                    self._rota.again(watch, now, jitter=moved)

    async def _learn_row(self, watch: Watch, row: TaskListItem, *, request_id: str | None) -> None:
        """Believe the list that a task goes on; ask for one that it says has ended."""
        watch.missed = 0
        if row.status not in _GOING_ON:
            self._rota.soon(watch)
            return
        watch.silent_since = math.inf
        response = watch.timeline.learn_row(row, request_id=request_id)
        if response is not None:
            try:
                await self.learn(watch, response)
            except Exception as error:  # noqa: BLE001 - as in `_ask`
                self._tell(watch, error)

    def notify(self, task_id: str) -> bool:
        """Ask for a task with the next query, if somebody waits for it."""
        watches = self._rota.find(task_id)
        for watch in watches:
            self._rota.notify(watch)
        self._look_again()
        return bool(watches)

    # ── faults ─────────────────────────────────────────────────────────────────────────

    def _failed(self, watch: Watch, error: Exception) -> None:
        """Bear a fault of the service or of the network; all else ends the waits for the task."""
        if not isinstance(error, DashScopeError) or not may_resend(error, safe=True):
            self._tell(watch, error)
            return
        now = anyio.current_time()
        watch.silent_since = min(watch.silent_since, now)
        self._bear(error, now)

    def _unread(self, page: Page, error: Exception) -> None:
        now = anyio.current_time()
        if isinstance(error, DashScopeError) and may_resend(error, safe=True):
            self._rota.unread(page, now, refused=False)
            self._bear(error, now)
        else:
            self._rota.unread(page, now, refused=True)

    def _bear(self, fault: DashScopeError, now: float) -> None:
        self._trouble.note(fault, now=now, jitter=jitter())
        self._give_up(self._rota.everything(), now)

    def _give_up(self, watches: Iterable[Watch], now: float) -> None:
        """End the waits that cannot bear what is going on."""
        for watch in watches:
            for waiter in watch.waiters:
                too_much = self._trouble.too_much(watch, until=waiter.until, now=now)
                if too_much is not None:
                    self._end(waiter, too_much)
        self._look_again()
