"""Try one cell of the matrix: a whole run with a fault at one step, then the same run once more."""

import json
import signal
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.faults.child import animated
from tests.faults.clock import TurnedClock
from tests.faults.plan import PAID, TASKS, Accident, Cell, Outcome
from tests.faults.world import Nursery, make_clip, make_picture, paid, service

from dashscope_aa import Client, Schedule
from dashscope_aa._ledger import Ledger
from dashscope_aa.emulator import Emulator, Operation
from dashscope_aa.errors import DashScopeError, SubmitOutcomeUnknownError

SCHEDULE = Schedule(settle_s=0.2)
"""As users have it, but for the settle time, which goes by the real clock."""


@dataclass(frozen=True)
class Desk:
    """Where cells are tried."""

    emulator: Emulator
    other: Emulator
    """For accidents: its clock is turned by seconds only, not by days."""
    nursery: Nursery
    folder: Path
    image: Path
    clip: Path

    @classmethod
    @contextmanager
    def open(cls, folder: Path) -> Iterator["Desk"]:
        """Start the service, and make the picture and the clip."""
        image, clip = make_picture(folder / "picture.png"), make_clip(folder / "clip.mp4")
        with service() as emulator, service() as other, Nursery() as nursery:
            yield cls(emulator, other, nursery, folder, image, clip)

    def attempt(self, cell: Cell | Accident, *, backend: str) -> Outcome:
        """Say what came of a cell."""
        return Attempt(self, cell, backend).outcome()


class Attempt:
    """One cell, tried in an account and with a ledger of its own."""

    def __init__(self, desk: Desk, cell: Cell | Accident, backend: str) -> None:
        self._desk, self._cell, self._backend = desk, cell, backend
        self._name = uuid.uuid4().hex
        self._ledger = desk.folder / f"{self._name}.sqlite"
        self._target = desk.folder / f"{self._name}.mp4"
        self._emulator = desk.emulator if isinstance(cell, Cell) else desk.other
        self._tasks_before = len(self._emulator.tasks)
        self._emulator.requests.clear()
        self._emulator.faults.clear()
        self._emulator.queue_s = 3600.0 if cell.step == "cancel" else 0.0
        self._emulator.run_s = 20.0 if isinstance(cell, Cell) else 0.0

    def outcome(self) -> Outcome:
        """Run twice, the second time without the fault."""
        step = self._cell.step
        saw = self.first()
        sent = len(self._emulator.requests.of(step))
        cost, ledger = self._paid(step), self._said()
        self._check_nothing_is_lost(saw)
        self._emulator.faults.clear()
        again = self._run(self._job())
        self._check_paid_once()
        counted = step in PAID
        return Outcome(
            sent=sent if counted else None,
            paid=cost if counted else None,
            saw=saw,
            ledger=None if step in {"list", "cancel"} else ledger,
            again=again,
            paid_in_all=self._paid(step) if counted else None,
        )

    # ── running ──────────────────────────────────────────────────────────────────────────

    def first(self) -> str:
        """Run it with what goes wrong; say what the user sees."""
        if isinstance(self._cell, Cell):
            self._emulator.faults.add(self._cell.row.make(self._cell.step))
            return self._run(self._job())
        said = self._desk.folder / f"{self._name}.json"
        end = self._desk.nursery.run(
            "one",
            said=str(said),
            backend=self._backend,
            client={**self._options, "ledger": str(self._ledger)},
            strike=self._cell.strike,
            image=str(self._desk.image),
            clip=str(self._desk.clip),
            target=str(self._target),
        )
        return "(killed)" if end == -signal.SIGKILL else str(json.loads(said.read_text()))

    @property
    def _options(self) -> dict[str, Any]:
        return {
            "api_key": f"sk-{self._name}",
            "base_url": self._emulator.base_url,
            "exclusive_account": self._cell.exclusive,
        }

    def _run(self, job: Callable[[Client], Awaitable[str]]) -> str:
        clock = TurnedClock(self._emulator)

        async def run() -> str:
            async with Client(**self._options, schedule=SCHEDULE, ledger=self._ledger) as client:
                clock.watch(client)
                return await job(client)

        return clock.run(run, backend=self._backend)

    def _job(self) -> Callable[[Client], Awaitable[str]]:
        if self._cell.step == "list":
            return listed
        if self._cell.step == "cancel":
            return partial(self._cancelled)
        desk = self._desk
        return partial(
            _animated, image=desk.image, clip=desk.clip, target=self._target, video=self._cell.video
        )

    async def _cancelled(self, client: Client) -> str:
        task = next(iter(await client.unfinished()), None) or await client.animate_move(
            self._desk.image, self._desk.clip, mode="wan-std"
        )
        try:
            said = str(await task.cancel()).lower()
        except DashScopeError as error:
            said = type(error).__name__
        return f"{self._emulator.tasks[-1].status}, {said}"

    # ── looking ──────────────────────────────────────────────────────────────────────────

    def _paid(self, operation: Operation) -> int:
        if operation not in TASKS:
            return paid(self._emulator, operation)
        return sum(task.operation == operation for task in self._tasks)

    @property
    def _tasks(self) -> Any:
        return self._emulator.tasks[self._tasks_before :]

    def _rows(self) -> list[Any]:
        ledger = Ledger(self._ledger)

        async def rows() -> list[Any]:
            try:
                return list(await ledger.find())
            finally:
                await ledger.aclose()

        return TurnedClock(self._emulator).run(rows, backend=self._backend)

    def _said(self) -> str:
        """Say what the ledger has of the step, or of the last task of a free one."""
        step = self._cell.step
        rows = [row for row in self._rows() if step not in PAID or row.operation == step]
        if not rows:
            return "–"
        return str(rows[0].status or rows[0].state)

    def _check_nothing_is_lost(self, saw: str) -> None:
        """See that each accepted task is in the ledger, or is an outcome that it calls unknown."""
        rows = self._rows()
        known = {row.task_id for row in rows}
        lost = [task for task in self._tasks if task.id not in known]
        if self._cell.step in {"list", "cancel"}:
            return
        unsettled = [row for row in rows if row.state in {"sending", "unknown"}]
        assert all(any(row.model == task.model for row in unsettled) for task in lost), lost
        if isinstance(self._cell, Cell):
            assert not lost or saw == SubmitOutcomeUnknownError.__name__, saw

    def _check_paid_once(self) -> None:
        """See that no step of the job was paid for twice, unless the service called it off."""
        for operation in PAID:
            called_off = sum(
                task.operation == operation and task.status == "FAILED" for task in self._tasks
            )
            assert self._paid(operation) - called_off <= 1, operation


async def _animated(client: Client, **facts: Any) -> str:
    return await animated(client, facts.pop("image"), facts.pop("clip"), **facts)


async def listed(client: Client) -> str:
    """List the account's tasks."""
    try:
        async for _ in client.list_tasks():
            pass
    except DashScopeError as error:
        return type(error).__name__
    return "the list"
