"""Jobs as values, and where they are kept: a row for each, and a folder for its files.

Each change is written at once, so that a server that is started again knows what the last knew.
"""

import secrets
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, Literal, Self

import anyio
import anyio.to_thread
from pydantic import BaseModel, ConfigDict

from dashscope_aa import AnimateAnyone, Engine, WanAnimate

Role = Literal["image", "motion"]
Stage = Literal["draft", "running", "done", "failed"]

DRAFT_KEPT_S: Final = 24 * 3600
"""How long the files of a job that was never started are kept."""


class Value(BaseModel):
    """What all of these share: they never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Choice(Value):
    """How the video shall be made."""

    engine: Literal["wan-std", "wan-pro", "animate-anyone"] = "wan-std"
    background: Literal["picture", "clip"] = "picture"

    def made(self) -> Engine:
        """Give the engine this stands for."""
        picture = self.background == "picture"
        if self.engine == "animate-anyone":
            return AnimateAnyone(use_ref_img_bg=picture)
        return WanAnimate(mode=self.engine, kind="move" if picture else "mix")


class File(Value):
    """A picture or a clip that was handed over."""

    says: str
    """What its sender calls it; shown, and never a name of a file here."""
    name: str
    """What it is called here, in the folder of its job."""
    size_bytes: int


class Finding(Value):
    """One thing that is wrong with a file, or might be."""

    severity: str
    subject: str
    message: str
    hint: str
    mendable: bool


class Look(Value):
    """What was found out about the files, for one choice."""

    number: int
    """Larger than that of any look before, so that no old sheet is shown."""
    startable: bool
    """True if both files are there, and nothing is wrong that is not going to be mended."""
    findings: tuple[Finding, ...]
    facts: dict[Role, str]
    """What each file is, in a few words."""
    cost_cny: float | None
    """What the video is going to cost, about; nothing if it was made before."""


class Step(Value):
    """Something that happened on the way."""

    at: float
    says: str


class Job(Value):
    """All that is known of one video."""

    id: str
    """Nobody can guess it: who knows it may see the job."""
    made_at: float
    stage: Stage = "draft"
    choice: Choice = Choice()
    image: File | None = None
    motion: File | None = None
    look: Look | None = None
    steps: tuple[Step, ...] = ()
    ordered: tuple[str, ...] = ()
    """Ids of the tasks that were paid for, by this server or an earlier one."""
    problem: str | None = None
    unsure: bool = False
    """True if the answer to a paid request was lost: to start again may be paid for twice."""

    def then(self, *says: str) -> tuple[Step, ...]:
        """Give the steps so far, and more."""
        return (*self.steps, *(Step(at=time.time(), says=words) for words in says))

    def shown(self) -> dict[str, object]:
        """Give what its owner may see."""
        return self.model_dump(exclude={"ordered"})


class Jobs:
    """All jobs of this server. Only one server at a time can have a folder open."""

    def __init__(self, folder: Path, rows: sqlite3.Connection) -> None:
        self._folder = folder
        self._rows = rows
        self._jobs = {job.id: job for job in _read(rows, folder)}
        self._bells: dict[str, anyio.Event] = {}
        self._writing = anyio.Lock()
        self._closed = False

    @classmethod
    @contextmanager
    def opened(cls, folder: Path) -> Generator[Self, None, None]:
        """Open the jobs in *folder*, and close them at the end. Blocks.

        Raises:
            sqlite3.OperationalError: another server has them open.
        """
        with closing(_open(folder)) as rows:
            yield cls(folder, rows)

    # ── one job ────────────────────────────────────────────────────────────────────────

    async def new(self) -> Job:
        """Begin a job."""
        job = Job(id=secrets.token_urlsafe(16), made_at=time.time())
        await anyio.Path(self._folder, job.id).mkdir()
        self._jobs[job.id] = job
        await self._write(job.id)
        return job

    def get(self, job_id: str) -> Job | None:
        """Give a job as it stands."""
        return self._jobs.get(job_id)

    def folder(self, job_id: str) -> Path:
        """Give the folder of a job that there is."""
        return self._folder / self._jobs[job_id].id

    async def change(self, job_id: str, **facts: object) -> Job:
        """Change what is known of a job, write it down, and tell those who watch it."""
        changed = self._jobs[job_id].model_copy(update=facts)
        self._jobs[job_id] = changed
        await self._write(job_id)
        if bell := self._bells.pop(job_id, None):
            bell.set()
        return changed

    async def say(self, job_id: str, *says: str, **facts: object) -> Job:
        """Add steps to a job, besides other changes."""
        return await self.change(job_id, steps=self._jobs[job_id].then(*says), **facts)

    async def _write(self, job_id: str) -> None:
        async with self._writing:
            body = self._jobs[job_id].model_dump_json()
            await anyio.to_thread.run_sync(
                self._rows.execute, "INSERT OR REPLACE INTO jobs VALUES (?, ?)", (job_id, body)
            )

    async def watch(self, job_id: str) -> AsyncIterator[Job]:
        """Give a job as it stands now, and each time it has changed, until it has ended."""
        while True:
            bell = self._bells.setdefault(job_id, anyio.Event())
            job = self._jobs[job_id]
            yield job
            if job.stage != "running" or self._closed:
                return
            await bell.wait()

    # ── all of them ────────────────────────────────────────────────────────────────────

    def running(self) -> list[Job]:
        """Give the jobs that were started and have not ended."""
        return [job for job in self._jobs.values() if job.stage == "running"]

    def dismiss(self) -> None:
        """Let go of everybody who watches, since the server is about to stop."""
        self._closed = True
        for bell in self._bells.values():
            bell.set()


def _open(folder: Path) -> sqlite3.Connection:
    folder.mkdir(parents=True, exist_ok=True)
    rows = sqlite3.connect(
        folder / "jobs.sqlite", timeout=1, isolation_level=None, check_same_thread=False
    )
    try:
        # The lock is kept until the end: two servers would do, and pay for, each job twice.
        rows.execute("PRAGMA locking_mode = EXCLUSIVE")
        rows.execute("BEGIN EXCLUSIVE")
        rows.execute("CREATE TABLE IF NOT EXISTS jobs (id TEXT PRIMARY KEY, body TEXT NOT NULL)")
        rows.execute("COMMIT")
    except BaseException:
        rows.close()
        raise
    return rows


def _read(rows: sqlite3.Connection, folder: Path) -> Iterator[Job]:
    """Give all jobs, but drop those that were never started."""
    for (text,) in rows.execute("SELECT body FROM jobs").fetchall():
        job = Job.model_validate_json(text)
        if job.stage == "draft" and job.made_at < time.time() - DRAFT_KEPT_S:
            rows.execute("DELETE FROM jobs WHERE id = ?", (job.id,))
            shutil.rmtree(folder / job.id, ignore_errors=True)
        else:
            yield job
