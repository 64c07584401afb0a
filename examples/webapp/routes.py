"""The app over HTTP: files in, news and a video out. The page sends bytes, never a path."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import anyio
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import FileResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from .desk import Desk
from .jobs import Choice, Job, Role
from .look import SHEET
from .receive import receive
from .work import RESULT

RECONNECT_MS: Final = 1000

router = APIRouter(prefix="/jobs")


def _desk(request: Request) -> Desk:
    desk: Desk = request.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(_desk)]


def _job(desk: AtDesk, job_id: str) -> Job:
    return desk.job(job_id)


AJob = Annotated[Job, Depends(_job)]
"""The job that the path names; 404 if there is none."""


@router.post("")
async def begin(desk: AtDesk) -> dict[str, Any]:
    """Begin a job."""
    return (await desk.jobs.new()).shown()


@router.get("/{job_id}")
async def show(job: AJob) -> dict[str, Any]:
    """Show a job as it stands."""
    return job.shown()


@router.put("/{job_id}/files/{role}")
async def take(
    request: Request,
    desk: AtDesk,
    job_id: str,
    role: Role,
    name: Annotated[str, Query(max_length=255)] = "",
) -> dict[str, Any]:
    """Take in the picture or the clip, as the body of the request, and look at it at once."""
    async with desk.changing(job_id):
        file = await receive(request, desk.jobs.folder(job_id), role, says=name)
        await desk.jobs.change(job_id, **{role: file}, look=None)
        return (await desk.looked(job_id)).shown()


@router.put("/{job_id}/choice")
async def choose(desk: AtDesk, job_id: str, choice: Choice) -> dict[str, Any]:
    """Choose how the video shall be made, and look at the files with that in mind."""
    async with desk.changing(job_id):
        await desk.jobs.change(job_id, choice=choice)
        return (await desk.looked(job_id)).shown()


@router.post("/{job_id}/start")
async def start(desk: AtDesk, job_id: str, *, pay_again: bool = False) -> dict[str, Any]:
    """Have the video made. This is what costs money.

    A job that failed because the answer to a paid request was lost starts with *pay_again* only.
    """
    async with desk.changing(job_id) as job:
        if job.look is None or not job.look.startable:
            raise HTTPException(409, "A picture and a clip are needed that can be used.")
        return (await desk.workshop.start(job, pay_again=pay_again)).shown()


@router.get("/{job_id}/events", response_class=EventSourceResponse)
async def events(desk: AtDesk, job: AJob) -> AsyncIterator[ServerSentEvent]:
    """Tell how a job stands, and whenever that changes."""
    async for now in desk.jobs.watch(job.id):
        yield ServerSentEvent(data=now.shown(), retry=RECONNECT_MS)


@router.get("/{job_id}/sheet.png")
async def sheet(desk: AtDesk, job: AJob) -> FileResponse:
    """Show what was found, as a picture."""
    path = desk.jobs.folder(job.id) / SHEET
    if not await anyio.Path(path).exists():
        raise HTTPException(404, "There is nothing to look at yet.")
    return FileResponse(path, headers={"cache-control": "no-cache"})


@router.get("/{job_id}/result.mp4")
async def result(desk: AtDesk, job: AJob) -> FileResponse:
    """Give the video, or the part of it that was asked for."""
    if job.stage != "done":
        raise HTTPException(404, "The video is not there yet.")
    return FileResponse(desk.jobs.folder(job.id) / RESULT, media_type="video/mp4")
