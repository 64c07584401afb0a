"""Clients that something happens to: at a request of their choice, or whenever somebody kills them.

``python -m tests.faults.child`` reads a job a line, forks, prints the child's process id, and in
the end how the child ended. A child writes what it saw as a line of JSON into the file ``said``.
"""

import json
import logging
import os
import resource
import signal
import sys
import traceback
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import anyio
import httpx
from tests.faults.world import ENGINES

from dashscope_aa import Client, Engine, Job, Schedule
from dashscope_aa.emulator import Operation
from dashscope_aa.errors import DashScopeError

QUICK: Final = Schedule(
    first_s=0.01, cap_s=0.05, settle_s=2.0, queries_per_s=200, submits_per_s=1000
)
AT_ONCE: Final = 8

Act = Literal["kill", "fill the disk"]
Moment = Literal["before", "after"]


def kill() -> None:
    """End without any chance to say a word."""
    os.kill(os.getpid(), signal.SIGKILL)


def fill_disk() -> None:
    """Let no file take another byte."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))


def empty_disk() -> None:
    """Let files grow again."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


ACTS = {"kill": kill, "fill the disk": fill_disk}


class Struck(httpx.AsyncBaseTransport):
    """Acts before the first request of a kind leaves, or after its answer came."""

    def __init__(self, *, step: Operation, moment: Moment, act: Act, video: Operation) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._step, self._moment, self._act, self._video = step, moment, ACTS[act], video
        self._struck = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        mine = not self._struck and operation_of(request, video=self._video) == self._step
        self._struck = self._struck or mine
        if mine and self._moment == "before":
            self._act()
        response = await self._inner.handle_async_request(request)
        if mine and self._moment == "after":
            content = await response.aread()
            await response.aclose()
            self._act()
            return httpx.Response(response.status_code, headers=response.headers, content=content)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def operation_of(request: httpx.Request, *, video: Operation) -> Operation:
    """Say what a request wants; one path serves whatever makes the *video*."""
    last = request.url.path.strip("/").rsplit("/", 1)[-1]
    ends: dict[str, Operation] = {
        "aa-detect": "detect",
        "aa-template-generation": "template",
        "video-synthesis": video,
        "uploads": "policy",
        "oss": "upload",
    }
    return ends.get(last, "query" if "/tasks" in request.url.path else "download")


# ── jobs ─────────────────────────────────────────────────────────────────────────────────


async def one(
    *, client: dict[str, Any], strike: dict[str, Any], image: str, clip: str, target: str
) -> str:
    """Make one video and bring it home; say what came of it."""
    video: Operation = strike["video"]
    transport = Struck(**strike) if "act" in strike else None
    async with Client(**client, schedule=QUICK, transport=transport) as calls:
        return await animated(calls, image, clip, target=target, video=video)


async def animated(
    client: Client, image: str | Path, clip: str | Path, *, target: str | Path, video: Operation
) -> str:
    """Make a video and bring it home; say what the user sees."""
    try:
        made = await client.animate(image, clip, engine=ENGINES[video], preflight="off")
        await client.download(made, target)
    except DashScopeError as error:
        return type(error).__name__
    return "the video"


async def many(*, client: dict[str, Any], jobs: list[list[str]]) -> list[str]:
    """Make many videos, some at a time; say what came of each."""
    wanted = [
        Job(image, clip, engine=_ENGINES[video], preflight="off", save_to=target)
        for image, clip, target, video in jobs
    ]
    async with Client(**client, schedule=QUICK) as calls:
        outcomes = await calls.gather(wanted, limit=AT_ONCE)
    return ["the video" if it.ok else type(it.error).__name__ for it in outcomes]


_ENGINES: Final[Mapping[str, Engine]] = {str(name): it for name, it in ENGINES.items()}
JOBS: Final[dict[str, Any]] = {"one": one, "many": many}


def main() -> None:
    """Fork for each line of work."""
    logging.disable()  # most of what happens to a child is logged as a fault
    for line in sys.stdin:
        task = json.loads(line)
        job, said, backend = JOBS[task.pop("job")], task.pop("said"), task.pop("backend")
        pid = os.fork()
        if pid == 0:
            try:
                outcome: Any = anyio.run(partial(job, **task), backend=backend)
                empty_disk()
                Path(said).write_text(json.dumps(outcome))
                status = 0
            except BaseException:  # noqa: BLE001 - the parent of the fork must not go on twice
                traceback.print_exc()
                status = 1
            os._exit(status)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
