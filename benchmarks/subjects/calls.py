"""Make the same call again and again.

``python -m benchmarks.subjects.calls WHO query|detect URL CALLERS SECONDS``
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from benchmarks.subjects.meter import Meter, tell

KEY: Final = "sk-bench"
TASK: Final = "task-000000"
IMAGE: Final = "https://example.com/portrait.jpg"
DETECT_PATH: Final = "/services/aigc/image2video/aa-detect"
BODY: Final = {"model": "animate-anyone-detect-gen2", "input": {"image_url": IMAGE}}
GATE: Final = 10

Call = Callable[[], Awaitable[Any]]


@asynccontextmanager
async def ours(base_url: str, what: str, *, transport: Any = None) -> AsyncIterator[Call]:
    """Use this library."""
    from dashscope_aa import Client, Schedule

    schedule = Schedule(queries_per_s=1_000_000)  # what a call costs, not how often we make it
    async with Client(KEY, base_url=base_url, schedule=schedule, transport=transport) as client:
        calls: dict[str, Call] = {
            "query": lambda: client.get_task(TASK),
            "detect": lambda: client.detect(IMAGE),
        }
        yield calls[what]


@asynccontextmanager
async def over_aiohttp(base_url: str, what: str) -> AsyncIterator[Call]:
    """Use this library with a transport that rides on aiohttp."""
    from httpx_aiohttp import AiohttpTransport

    async with ours(base_url, what, transport=AiohttpTransport()) as call:
        yield call


@asynccontextmanager
async def bare(
    base_url: str, what: str, *, gate: int = 1_000_000, kept: int = 20
) -> AsyncIterator[Call]:
    """Use httpx and nothing else."""
    import httpx

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=kept)
    if gate > GATE:
        limits = httpx.Limits(max_connections=GATE, max_keepalive_connections=kept)
    headers = {"Authorization": f"Bearer {KEY}"}
    door = asyncio.Semaphore(gate)
    async with httpx.AsyncClient(headers=headers, timeout=60, limits=limits) as client:

        async def query() -> Any:
            async with door:
                answer = await client.get(f"{base_url}/tasks/{TASK}")
            return answer.raise_for_status().json()

        async def detect() -> Any:
            async with door:
                answer = await client.post(base_url + DETECT_PATH, json=BODY)
            return answer.raise_for_status().json()

        yield query if what == "query" else detect


@asynccontextmanager
async def official(base_url: str, what: str) -> AsyncIterator[Call]:
    """Use the official SDK's asynchronous class."""
    import dashscope
    from dashscope.aigc.video_synthesis import AioVideoSynthesis

    dashscope.api_key, dashscope.base_http_api_url = KEY, base_url

    async def query() -> Any:
        answer = await AioVideoSynthesis.fetch(TASK)
        assert answer.status_code == 200, answer
        return answer

    yield query


WAYS: Final[dict[str, Callable[[str, str], Any]]] = {
    "ours": ours,
    "aiohttp": over_aiohttp,
    "httpx": bare,
    "gated": lambda url, what: bare(url, what, gate=GATE),
    "fresh": lambda url, what: bare(url, what, gate=GATE, kept=0),
    "official": official,
}


async def main(who: str, what: str, base_url: str, callers: int, seconds: float) -> None:
    """Call for some seconds with so many callers at once."""
    calls = 0
    async with WAYS[who](base_url, what) as call:
        await call()  # the first makes what all use

        async def caller(until: float) -> None:
            nonlocal calls
            while time.perf_counter() < until:
                await call()
                calls += 1

        with Meter() as meter:
            until = time.perf_counter() + seconds
            await asyncio.gather(*(caller(until) for _ in range(callers)))
    wall_s, cpu_s = meter.measures["wall_s"], meter.measures["cpu_s"]
    tell({"rate": calls / wall_s, "cpu_a_call_s": cpu_s / calls, "wall_a_call_s": wall_s / calls})


if __name__ == "__main__":
    way, wanted, url, at_once, window_s = sys.argv[1:]
    asyncio.run(main(way, wanted, url, int(at_once), float(window_s)))
