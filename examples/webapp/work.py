"""Have videos made, tell how it goes, and go on where the last server stopped.

Going on takes no knowledge of what was done before: the client's ledger has it, so the same call
is made again, and begins at the first step that is not paid for.
"""

import logging
from functools import partial
from pathlib import Path
from typing import Final

import anyio
from anyio.abc import TaskGroup

from dashscope_aa import Animation, Client, DashScopeError
from dashscope_aa.errors import SubmitOutcomeUnknownError

from .jobs import File, Job, Jobs
from .tell import Teller

RESULT: Final = "result.mp4"
AT_ONCE: Final = 4
"""Jobs that are worked on at a time; the others wait."""
LOST: Final = "It may be running, and be billed: look at the account's tasks before you try again."

log = logging.getLogger(__name__)


class Workshop:
    """Works on jobs, each in a task of its own."""

    def __init__(self, client: Client, jobs: Jobs, group: TaskGroup) -> None:
        self._client = client
        self._jobs = jobs
        self._group = group
        self._places = anyio.Semaphore(AT_ONCE)

    async def go_on(self) -> None:
        """Take up every job that the last server left."""
        for job in self._jobs.running():
            await self._begin(job, "The server was started again, and goes on")

    async def start(self, job: Job, *, pay_again: bool = False) -> Job:
        """Begin a job, or begin again with one that failed.

        With *pay_again*, a paid request whose answer was lost is sent anew.
        """
        return await self._begin(job, "Started", pay_again=pay_again)

    async def _begin(self, job: Job, says: str, *, pay_again: bool = False) -> Job:
        job = await self._jobs.change(
            job.id, stage="running", problem=None, unsure=False, steps=job.then(says)
        )
        self._group.start_soon(partial(self._work, job, pay_again=pay_again))
        return job

    async def _work(self, job: Job, *, pay_again: bool) -> None:
        try:
            async with self._places:
                made = await self._made(job, pay_again=pay_again)
                await self._client.download(made, self._jobs.folder(job.id) / RESULT)
        except SubmitOutcomeUnknownError as lost:
            problem = f"{lost.message}.\n{LOST}"
            await self._jobs.change(job.id, stage="failed", problem=problem, unsure=True)
        except DashScopeError as error:
            await self._jobs.change(job.id, stage="failed", problem=str(error))
        except Exception:
            log.exception("job %s broke", job.id)
            await self._jobs.change(job.id, stage="failed", problem="This server made a mistake.")
        else:
            await self._jobs.say(job.id, "The video is here", stage="done")

    async def _made(self, job: Job, *, pay_again: bool) -> Animation:
        animate = partial(
            self._client.animate,
            self._path(job, job.image),
            self._path(job, job.motion),
            engine=job.choice.made(),
            on_event=Teller(self._jobs, job.id),
        )
        try:
            return await animate()
        except SubmitOutcomeUnknownError as lost:
            if not pay_again:
                raise
            await self._client.write_off(lost)
        return await animate()

    def _path(self, job: Job, file: File | None) -> Path:
        if file is None:
            raise DashScopeError("the picture or the clip is missing")
        return self._jobs.folder(job.id) / file.name
