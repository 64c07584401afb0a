"""Whose turn it is: which task, or which page of the list, the next request asks for. Pure."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from dashscope_aa._schedule import Schedule
from dashscope_aa._waiting.pace import Agenda
from dashscope_aa._waiting.rounds import Listing, Round
from dashscope_aa._waiting.watch import Watch
from dashscope_aa.models import TaskListResponse


class Page(NamedTuple):
    """A page of the list, to be asked for."""

    round: Round
    """The round it belongs to."""
    number: int
    """Its number."""


class Rota:
    """All tasks that are waited for, in the order in which they are asked for.

    A task has time until its moment comes, or it is due, or it is next to be asked for by itself,
    or it is out: chosen, and not back yet. What is due is asked for by itself too, or read from
    the list, whichever takes no more requests. While the list is read, pages and single tasks take
    turns, and what becomes due meanwhile waits for the end of the round.
    """

    def __init__(self, schedule: Schedule, *, jitter: Callable[[], float]) -> None:
        self._schedule = schedule
        self._jitter = jitter
        self._watches: dict[str, tuple[Watch, ...]] = {}
        self._later = Agenda[Watch]()
        self._due = OrderedDict[Watch, None]()
        self._alone = OrderedDict[Watch, None]()
        self._alone_next = True
        self._listing = Listing(above=schedule.list_above, page_size=schedule.page_size)
        self._round: Round | None = None
        self.out: set[Watch | Page] = set()
        """What was chosen and is not back."""

    # ── who waits ──────────────────────────────────────────────────────────────────────

    def find(self, task_id: str) -> tuple[Watch, ...]:
        """Give what is waited for under an id: more than one if somebody took it up twice."""
        return self._watches.get(task_id, ())

    def everything(self) -> list[Watch]:
        """Give all that is waited for, the longest wait first."""
        return [watch for watches in self._watches.values() for watch in watches]

    def newest(self) -> Watch | None:
        """Give what was waited for last."""
        return next(reversed(self._watches.values()))[-1] if self._watches else None

    def add(self, watch: Watch, now: float) -> None:
        """Take in a task; one that nothing is known of is due at once."""
        self._watches[watch.task_id] = (*self.find(watch.task_id), watch)
        if watch.due is None:
            watch.due = self._after_pause(watch, now) if watch.timeline.history else now
        if watch not in self.out:
            self._later.plan(watch, now if watch.notified else watch.due)

    def remove(self, watch: Watch) -> None:
        """Let go of a task."""
        self._pull(watch)
        left = tuple(other for other in self.find(watch.task_id) if other is not watch)
        if left:
            self._watches[watch.task_id] = left
            return
        del self._watches[watch.task_id]
        if self._round is not None:
            self._round.unseen.discard(watch.task_id)

    # ── when ───────────────────────────────────────────────────────────────────────────

    def again(self, watch: Watch, now: float, *, jitter: float | None = None) -> None:
        """Let a task come again after its pause.

        Those of one page get one *jitter*: due together, they are read from the list together.
        """
        watch.due = self._after_pause(watch, now, jitter=jitter)
        self._plan(watch)

    def soon(self, watch: Watch) -> None:
        """Ask for a task by itself, as soon as those before it have been asked for."""
        if watch.waiters and not self.is_ahead(watch):
            self._pull(watch)
            self._alone[watch] = None

    def notify(self, watch: Watch) -> None:
        """Ask for a task next of all; if it is just being asked for, once more after that."""
        watch.notified = True
        self.soon(watch)
        if watch in self._alone:
            self._alone.move_to_end(watch, last=False)
            self._alone_next = True

    def is_ahead(self, watch: Watch) -> bool:
        """True if a task is out, or next to be asked for."""
        return watch in self._alone or watch in self.out

    def next_moment(self, now: float) -> float:
        """Give the moment when there is something to ask; *now* if there is."""
        if self._round is not None and self._round.over:
            self._end_round(self._round, now)
        for watch in self._later.pop_due(now):
            (self._alone if watch.alone else self._due)[watch] = None
        return now if self._alone or self._listed else self._later.next()

    @property
    def _listed(self) -> bool:
        """True if there is a page to read, or a task that may become one."""
        return bool(self._due) if self._round is None else self._round.waits

    def _after_pause(self, watch: Watch, now: float, *, jitter: float | None = None) -> float:
        moved = self._jitter() if jitter is None else jitter
        return now + watch.pause_s(self._schedule, now=now, jitter=moved)

    def _plan(self, watch: Watch) -> None:
        """Put a task where it belongs by its moment, unless it is out."""
        if watch.waiters and watch not in self.out:
            self._pull(watch)
            self._later.plan(watch, watch.due or 0.0)

    def _pull(self, watch: Watch) -> None:
        self._later.drop(watch)
        self._due.pop(watch, None)
        self._alone.pop(watch, None)

    # ── what ───────────────────────────────────────────────────────────────────────────

    def choose(self, now: float, *, today: datetime) -> Watch | Page:
        """Give what is asked for next; `next_moment` has said that there is something."""
        if self._round is None and self._listing.is_worth_it(
            waiting=len(self._watches), due=len(self._due), now=now
        ):
            self._round = self._begin_round(today)
        chosen: Watch | Page
        if self._alone and (self._alone_next or not self._listed):
            self._alone_next = False
            chosen = self._alone.popitem(last=False)[0]
        else:
            self._alone_next = True
            if self._round is None:
                chosen = self._due.popitem(last=False)[0]
            else:
                chosen = Page(self._round, self._round.next_page())
        if isinstance(chosen, Watch):
            chosen.notified = False
        self.out.add(chosen)
        return chosen

    def back(self, watch: Watch, now: float) -> None:
        """Take a task back that was asked for."""
        self.out.discard(watch)
        self.again(watch, now)
        if watch.notified:
            self.notify(watch)

    def broken_off(self, again_at: float) -> None:
        """Take back all that is out: nobody waits for its answers any more."""
        for chosen in tuple(self.out):
            self.out.discard(chosen)
            if isinstance(chosen, Page):
                chosen.round.broken_off(chosen.number)
            else:
                chosen.due = again_at
                self._plan(chosen)

    # ── the list ───────────────────────────────────────────────────────────────────────

    def read(self, page: Page, answer: TaskListResponse) -> None:
        """Take back a page that was read."""
        self.out.discard(page)
        self._listing.answered()
        page.round.took(page.number, answer)

    def unread(self, page: Page, now: float, *, refused: bool) -> None:
        """Take back a page that was not read: because it was *refused*, or because of a fault."""
        self.out.discard(page)
        page.round.broken_off(page.number)
        if page.round is not self._round:
            return
        if refused:
            self._listing.refused(now)
            self._round = None  # the next one asks for less
        elif self._listing.failed(now):
            self._round = None

    def _begin_round(self, today: datetime) -> Round:
        watches = [watch for watch in self.everything() if not watch.alone]
        return self._listing.begin(
            (watch.task_id for watch in watches),
            submitted=[watch.submitted_at for watch in watches],
            now=today,
        )

    def _end_round(self, round_: Round, now: float) -> None:
        """Ask by itself for what two rounds have not shown."""
        self._round = None
        self._listing.ended(round_)
        for watch in (watch for task_id in round_.unseen for watch in self.find(task_id)):
            watch.missed += 1
            if watch.alone:
                self.soon(watch)
            elif not self.is_ahead(watch):
                self.again(watch, now)
