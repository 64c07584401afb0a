"""Send or fetch one file: ``python -m benchmarks.subjects.transfer WHO send|fetch URL FILE``.

The client has sent or fetched a small file before, so that only the file itself is measured. For
``fetch``, FILE is where to put what ``URL/files/NAME`` gives, and is named NAME.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks.subjects.meter import tell, watched

KEY: Final = "sk-bench"
MODEL: Final = "wan2.2-animate-move"
SMALL: Final = "small.mp4"

Job = Callable[[Path], Awaitable[Any]]


@asynccontextmanager
async def ours(url: str, what: str) -> AsyncIterator[Job]:
    """Use this library."""
    from dashscope_aa import Client

    async with Client(KEY, base_url=f"{url}/api/v1") as client:
        if what == "send":
            yield lambda path: client.upload(path, model=MODEL)
        else:
            yield lambda path: client.download(f"{url}/files/{path.name}", path)


@asynccontextmanager
async def official(url: str, what: str) -> AsyncIterator[Job]:
    """Use the official SDK, and requests where it has nothing, as the skill does."""
    import dashscope
    import requests
    from dashscope.utils.oss_utils import OssUtils

    dashscope.base_http_api_url = f"{url}/api/v1"

    async def send(path: Path) -> None:
        OssUtils.upload(model=MODEL, file_path=str(path), api_key=KEY)

    async def fetch(path: Path) -> None:
        path.write_bytes(requests.get(f"{url}/files/{path.name}", timeout=300).content)

    yield send if what == "send" else fetch


@asynccontextmanager
async def openai(url: str, what: str) -> AsyncIterator[Job]:
    """Use OpenAI's asynchronous client."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(api_key=KEY, base_url=f"{url}/v1") as client:
        yield lambda path: client.files.create(file=path, purpose="user_data")


@asynccontextmanager
async def runway(url: str, what: str) -> AsyncIterator[Job]:
    """Use Runway's asynchronous client."""
    from runwayml import AsyncRunwayML

    async with AsyncRunwayML(api_key=KEY, base_url=url) as client:
        yield lambda path: client.uploads.create_ephemeral(file=path)


@asynccontextmanager
async def replicate(url: str, what: str) -> AsyncIterator[Job]:
    """Use Replicate's client: its asynchronous half."""
    from replicate import Client
    from replicate.helpers import FileOutput

    client = Client(api_token=KEY, base_url=url)

    async def send(path: Path) -> None:
        with path.open("rb") as file:
            await client.files.async_create(file)

    async def fetch(path: Path) -> None:
        path.write_bytes(await FileOutput(f"{url}/files/{path.name}", client).aread())

    yield send if what == "send" else fetch


@asynccontextmanager
async def google(url: str, what: str) -> AsyncIterator[Job]:
    """Use Google's asynchronous client."""
    from google import genai

    client = genai.Client(api_key=KEY, http_options={"base_url": url})
    yield lambda path: client.aio.files.upload(file=str(path), config={"mime_type": "video/mp4"})


@asynccontextmanager
async def curl(url: str, what: str) -> AsyncIterator[Job]:
    """Run curl; its own memory is not counted."""

    async def job(path: Path) -> None:
        how = (
            ["-F", f"file=@{path}", f"{url}/sink"]
            if what == "send"
            else ["-o", str(path), f"{url}/files/{path.name}"]
        )
        process = await asyncio.create_subprocess_exec("curl", "-sSf", "--noproxy", "*", *how)
        assert await process.wait() == 0

    yield job


WAYS: Final[dict[str, Callable[[str, str], Any]]] = {
    "ours": ours,
    "official": official,
    "openai": openai,
    "runway": runway,
    "replicate": replicate,
    "google": google,
    "curl": curl,
}


async def main(who: str, what: str, url: str, file: Path) -> None:
    """Do it once with a small file, then with the file."""
    async with WAYS[who](url, what) as job:
        await job(file.with_name(SMALL))
        measures = await watched(lambda: job(file))
    size = file.stat().st_size
    tell({**measures, "size_bytes": size, "rate": size / measures["wall_s"]})


if __name__ == "__main__":
    way, direction, server, name = sys.argv[1:]
    asyncio.run(main(way, direction, server, Path(name)))
