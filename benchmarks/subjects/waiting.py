"""Wait for many tasks at once.

``python -m benchmarks.subjects.waiting WHO URL TASKS FINISHING SECONDS``

A few of the tasks finish, at even distances in the first two thirds of the time.
"""

import asyncio
import json
import os
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from benchmarks.subjects.meter import Meter, tell

KEY: Final = "sk-bench"
PART: Final = 2 / 3

Wait = Callable[[str], Awaitable[Any]]


@asynccontextmanager
async def ours(url: str) -> AsyncIterator[Wait]:
    """Use this library."""
    from dashscope_aa import Client
    from dashscope_aa.models import VideoOutput

    async with Client(KEY, base_url=f"{url}/api/v1") as client:
        await client.get_task("task-000000")

        async def wait(name: str) -> None:
            await client.resume(name, output=VideoOutput)

        yield wait


@asynccontextmanager
async def official(url: str) -> AsyncIterator[Wait]:
    """Use the official SDK's asynchronous class."""
    import dashscope
    from dashscope.aigc.video_synthesis import AioVideoSynthesis

    dashscope.api_key, dashscope.base_http_api_url = KEY, f"{url}/api/v1"
    await AioVideoSynthesis.fetch("task-000000")

    async def wait(name: str) -> None:
        answer = await AioVideoSynthesis.wait(name)
        if answer.output.task_status != "SUCCEEDED":
            raise RuntimeError(str(answer))

    yield wait


@asynccontextmanager
async def runway(url: str) -> AsyncIterator[Wait]:
    """Use Runway's SDK and its way to wait."""
    from runwayml import AsyncRunwayML

    async with AsyncRunwayML(api_key=KEY, base_url=url) as client:
        await client.tasks.retrieve("task-000000")

        async def wait(name: str) -> None:
            task = await client.tasks.retrieve(name)
            await task.wait_for_task_output(timeout=None)

        yield wait


WAYS: Final[dict[str, Callable[[str], Any]]] = {
    "ours": ours,
    "official": official,
    "runway": runway,
}


def ask(url: str) -> dict[str, Any]:
    """Ask the server about the measurement."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=60) as answer:
        told: dict[str, Any] = json.load(answer)
    return told


async def main(who: str, url: str, tasks: int, finishing: int, seconds: float) -> None:
    """Wait for some seconds, and tell how late the finished ones were noticed."""
    noticed: dict[str, float] = {}
    lost = 0

    async def watch(wait: Wait, name: str) -> None:
        nonlocal lost
        try:
            await wait(name)
        except Exception:
            lost += 1
        else:
            noticed[name] = time.monotonic()

    async with WAYS[who](url) as wait:
        what = f"tasks={tasks}&finishing={finishing}&within_s={seconds * PART}"
        plan = ask(f"{url}/bench/plan?{what}")
        ends: dict[str, float] = plan["ends"]
        with Meter() as meter:
            waits = [asyncio.ensure_future(watch(wait, name)) for name in plan["names"]]
            await asyncio.sleep(seconds)
        assert len(waits) == tasks
        seen, measures = ask(f"{url}/bench/seen"), meter.measures
        wall_s = measures["wall_s"]  # longer than asked for where the loop stood still
        late = sorted(noticed[name] - end for name, end in ends.items() if name in noticed)
        tell(
            {
                "requests_a_s": seen["requests"] / wall_s,
                "most_a_second": seen["most_a_second"],
                "cpu_s": measures["cpu_s"] / wall_s,
                "cpu_a_task_s": measures["cpu_s"] / tasks / wall_s,
                "added_a_task_bytes": measures["added_bytes"] / tasks,
                "late_s": late[len(late) // 2] if late else wall_s,
                "noticed": len(late) / max(1, len(ends)),
                "lost": lost,
            }
        )
        os._exit(0)  # to cancel ten thousand waits takes some clients many minutes


if __name__ == "__main__":
    way, url, many, few, window_s = sys.argv[1:]
    asyncio.run(main(way, url, int(many), int(few), float(window_s)))
