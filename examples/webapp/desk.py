"""What the routes work with: jobs that may be looked at or changed, one change at a time."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import anyio
from fastapi import HTTPException

from dashscope_aa import Client

from .jobs import Job, Jobs
from .look import look
from .work import Workshop

LOOKS_AT_ONCE: Final = 2


class Desk:
    """Finds jobs, and has their files looked at."""

    def __init__(self, client: Client, jobs: Jobs, workshop: Workshop) -> None:
        self._client = client
        self.jobs = jobs
        self.workshop = workshop
        self._changing: dict[str, anyio.Lock] = {}
        self._looks = anyio.Semaphore(LOOKS_AT_ONCE)

    def job(self, job_id: str) -> Job:
        """Give a job as it stands."""
        job = self.jobs.get(job_id)
        if job is None:
            raise HTTPException(404, "There is no such job, or it was dropped.")
        return job

    @asynccontextmanager
    async def changing(self, job_id: str) -> AsyncGenerator[Job, None]:
        """Give a job that is about to be changed, and to nobody else meanwhile."""
        async with self._changing.setdefault(self.job(job_id).id, anyio.Lock()):
            job = self.job(job_id)
            if job.stage in {"running", "done"}:
                raise HTTPException(409, "This job was started already; begin another one.")
            yield job

    async def looked(self, job_id: str) -> Job:
        """Look at the files of a job, if there are any, and note what was found."""
        job = self.job(job_id)
        if job.image is None and job.motion is None:
            return job
        async with self._looks:
            seen = await look(self._client, self.jobs.folder(job.id), job)
        return await self.jobs.change(job.id, look=seen)
