"""The service: what it knows, and what it does about a request that is in order.

Handlers run in the server's event loop, in the user's own (in process) and next to worker
threads, so everything that is known is guarded by one lock; nothing slow happens under it.
"""

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from dashscope_aa.emulator._accounts import Accounts, Rates
from dashscope_aa.emulator._answers import ALGORITHM, FIELD_REQUIRED, Answer
from dashscope_aa.emulator._checks import Order
from dashscope_aa.emulator._clock import Clock
from dashscope_aa.emulator._faults import (
    ImageRejected,
    LateFieldRequired,
    OddStatus,
    TaskFails,
    TaskFault,
    TaskStalls,
)
from dashscope_aa.emulator._names import Names
from dashscope_aa.emulator._results import Results
from dashscope_aa.emulator._storage import Storage, Upload
from dashscope_aa.emulator._strikes import Faults
from dashscope_aa.emulator._switches import Switches
from dashscope_aa.emulator._tasks import Task, Tasks, TaskView, Work
from dashscope_aa.emulator._work import Studio, Verdict

WORKERS: Final = 4
"""Files fetched and judged at a time; a slow URL must not hold up the others."""

HOSTED_PATH: Final = "/hosted"

_log = logging.getLogger("dashscope_aa.emulator")


class Service:
    """Everything behind the desks."""

    def __init__(self, *, switches: Switches, clock: Clock, faults: Faults, names: Names) -> None:
        self.switches = switches
        self.clock = clock
        self.faults = faults
        self.names = names
        self.rates = Rates()
        self.accounts = Accounts(switches.api_keys, clock=clock)
        self.storage = Storage(clock=clock, names=names)
        self.results = Results(clock=clock)
        self.hosted: dict[str, Path] = {}
        self.folder = Path()
        self.root_url = ""
        self.lock = threading.RLock()
        self._tasks = Tasks(clock=clock, switches=switches)
        self._studio = Studio(
            storage=self.storage, results=self.results, names=names, switches=switches
        )
        self._workers: ThreadPoolExecutor | None = None
        self._jobs: dict[str, Future[None]] = {}

    # ── opening hours ────────────────────────────────────────────────────────────────────

    def open(self, *, folder: Path, root_url: str) -> None:
        """Begin to take requests; files go to *folder*, URLs begin with *root_url*."""
        self.folder = folder
        self.root_url = root_url
        self._studio.open(folder)
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="dashscope-aa-emulator")

    def close(self) -> None:
        """Stop working: what has not begun never will, what has begun ends first."""
        self._studio.close()
        if self._workers is not None:
            self._workers.shutdown(wait=True, cancel_futures=True)

    def sweep(self) -> None:
        """Free the disk of what has expired."""
        with self.lock:
            self.storage.sweep()
            self.results.sweep(self._tasks.films())

    # ── detect ───────────────────────────────────────────────────────────────────────────

    def look(self, order: Order, *, account: str) -> Verdict:
        """Check a picture. Blocks: call it in a thread."""
        fault = self.faults.take(ImageRejected, "detect", model=order.model)
        if fault is not None:
            return Verdict(refusal=Answer(400, fault.code, fault.reason), as_400=fault.as_400)
        return self._studio.look(order, account=account)

    # ── tasks ────────────────────────────────────────────────────────────────────────────

    def submit(self, order: Order, *, account: str, request_id: str) -> str:
        """Accept a task and set to work; give its id."""
        if self._workers is None:
            raise RuntimeError("the emulator has not been started: use `with Emulator() as ...`")
        fault = self.faults.take(TaskFault, order.operation, model=order.model)
        task_id = self.names.uuid()
        with self.lock:
            stalls = isinstance(fault, TaskStalls)
            task = self._tasks.add(
                order, task_id=task_id, account=account, request_id=request_id, stalls=stalls
            )
            if not stalls:
                self._jobs[task_id] = self._workers.submit(self._work, task, _refusal(fault))
        return task_id

    def _work(self, task: Task, refusal: Answer | None) -> None:
        """Do the work of a task; runs in a worker thread."""
        try:
            work = (
                self._studio.make(task.order, account=task.account)
                if refusal is None
                else Work(refusal=refusal)
            )
        except Exception:  # noqa: BLE001 - a bug here must not leave a task running for ever
            _log.exception("the work behind task %s broke", task.id)
            work = Work(refusal=ALGORITHM)
        with self.lock:
            self._tasks.done(task, work)
            self._jobs.pop(task.id, None)

    def query(self, task_id: str, *, account: str) -> dict[str, Any]:
        """Answer a query, apart from its request id."""
        odd = self.faults.take(OddStatus, "query")
        if odd is not None:
            return {"output": {"task_id": task_id, "task_status": odd.word}}
        with self.lock:
            return self._tasks.query(task_id, account=account, link=self._link)

    def _link(self, film: str, made_at: float) -> str:
        return self.root_url + self.results.location(film, made_at=made_at)

    def page(self, query: Mapping[str, str], *, account: str) -> dict[str, Any]:
        """Answer a list, apart from its request id."""
        with self.lock:
            return self._tasks.page(query, account=account)

    def cancel(self, task_id: str, *, account: str) -> None:
        """Cancel a task that is PENDING, and its work if that has not begun."""
        with self.lock:
            task = self._tasks.cancel(task_id, account=account)
            job = self._jobs.pop(task.id, None)
        if job is not None:
            job.cancel()

    def tasks(self) -> tuple[TaskView, ...]:
        """Show every task ever accepted, oldest first."""
        with self.lock:
            return self._tasks.views()

    def uploads(self) -> tuple[Upload, ...]:
        """Show the uploads that can still be read."""
        with self.lock:
            return self.storage.uploads()

    def film(self, name: str) -> Path | None:
        """Give a film for people to look at; None if it is gone."""
        with self.lock:
            return self.results.find(name)

    # ── files of a test ──────────────────────────────────────────────────────────────────

    def host(self, path: Path) -> str:
        """Offer a local file; give its URL, which ends with the name of the file."""
        word = self.names.word(16)
        self.hosted[word] = path
        return f"{self.root_url}{HOSTED_PATH}/{word}/{quote(path.name)}"


def _refusal(fault: TaskFault | None) -> Answer | None:
    """Tell what a fault makes of a task."""
    match fault:
        case TaskFails(code=code, message=message):
            return Answer(400, code, message)
        case LateFieldRequired(field=field):
            return FIELD_REQUIRED.filled(field)
        case _:
            return None
