"""What the live tests share: a cap on cost, a record of what came, and what it settles.

Run them with a key, knowing that they cost up to 3 CNY::

    DASHSCOPE_API_KEY=sk-… scripts/test -m live tests/live

They keep what the service answered, without ids, keys and signatures, in ``tests/live/recorded``,
and print which rows of ``docs/explanation/open-questions.md`` each answer settles.
"""

import json
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from dashscope_aa import Client, errors

CAP_CNY = 3.0
CLIP_S = 2.4
PRICE_MOVE_STD = 0.4
EXAMPLES = Path(__file__).parents[2] / "examples"
RECORDED = Path(__file__).with_name("recorded")

_SECRET = re.compile(
    r"(sk|st)-[\w-]{6,}|LTAI\w+|(?<=Signature=)[^&\"]+|[0-9a-f]{8}-[0-9a-f-]{20,}"
    r"|(?<=\"policy\": \")[^\"]+|(?<=\"signature\": \")[^\"]+|(?<=\"token\": \")[^\"]+",
    re.IGNORECASE,
)
_FINDINGS = pytest.StashKey[list[str]]()


class Recorder(httpx.AsyncBaseTransport):
    """Lets everything through, and keeps the JSON that came back, scrubbed."""

    def __init__(self, folder: Path) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self._folder = folder
        self.answers: list[tuple[str, httpx.Response, Any]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if "json" in response.headers.get("content-type", ""):
            await response.aread()
            self._keep(f"{request.method} {request.url.path}", response)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _keep(self, what: str, response: httpx.Response) -> None:
        body = json.loads(response.content)
        self.answers.append((what, response, body))
        self._folder.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^\w]+", "-", _SECRET.sub("xxx", what)).strip("-").lower()
        record = {"request": what, "status": response.status_code, "body": body}
        text = json.dumps(record, ensure_ascii=False, indent=2)
        path = self._folder / f"{len(self.answers):03}-{name}.json"
        path.write_text(_SECRET.sub("xxx", text) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Once is enough for what costs money."""
    return "asyncio"


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    return Recorder(RECORDED / datetime.now(UTC).strftime("%Y%m%d-%H%M%S"))


@pytest.fixture(scope="module")
async def client(
    request: pytest.FixtureRequest, recorder: Recorder, anyio_backend: str
) -> AsyncIterator[Client]:
    """The real service; skipped without a key."""
    estimate = 0.004 + 2 * CLIP_S * PRICE_MOVE_STD
    try:
        made = Client(transport=recorder)
    except errors.ConfigurationError as error:
        pytest.skip(f"no live tests: {error.message}")
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\nThe live tests will cost about {estimate:.2f} CNY (cap {CAP_CNY:.2f}).")
    if estimate > CAP_CNY:
        pytest.fail(f"the estimate of {estimate:.2f} CNY is above the cap of {CAP_CNY:.2f}")
    async with made:
        yield made


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of the example clip, as short as the service takes, to save money."""
    target = tmp_path_factory.mktemp("live") / "clip.mp4"
    with av.open(EXAMPLES / "dance.mp4") as source, av.open(target, "w") as short:
        picture = source.streams.video[0]
        copy = short.add_stream_from_template(picture)
        for packet in source.demux(picture):
            if packet.pts is not None and float(packet.pts * (picture.time_base or 0)) < CLIP_S:
                packet.stream = copy
                short.mux(packet)
    return target


@pytest.fixture
def settles(request: pytest.FixtureRequest) -> Callable[[int, str], None]:
    """Note what an answer says about a row of the open questions."""
    found = request.config.stash.setdefault(_FINDINGS, [])

    def note(row: int, what: str) -> None:
        found.append(f"row {row}: {what}")

    return note


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for line in config.stash.get(_FINDINGS, []):
        terminalreporter.write_line(f"open question {line}")
