"""A fast web server for what is measured: it answers at once and says what it was asked.

Run as ``python -m benchmarks.servers.origin FOLDER``; prints its URL. Plain asyncio and no
framework, so that it is never the slower side. It plays the few endpoints that the clients need:

- ``/files/NAME``: a file of FOLDER, with Range;
- ``/api/v1/…`` as DashScope answers, ``/v1/…`` as Replicate, Runway and OpenAI do, and a
  resumable upload as Google does; bodies are read to the end and thrown away;
- ``/bench/plan``, ``/bench/seen``: how many tasks there are and when they finish; what was asked.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

RUNWAY_MODEL: Final = "2024-11-06T00:00:00.000Z"
SUBMITTED_MS: Final = int(time.time() * 1000)


class Plan:
    """Tasks that were submitted at once: most go on for ever, some finish at even distances."""

    def __init__(self, *, tasks: int = 1, finishing: int = 0, within_s: float = 1.0) -> None:
        self.names = [f"task-{number:06d}" for number in range(tasks)]
        began = time.monotonic()
        step = max(1, tasks // max(1, finishing))
        self.ends = {
            name: began + within_s * (1 + number) / finishing
            for number, name in enumerate(self.names[::step][:finishing])
        }

    def done(self, name: str) -> bool:
        """Tell whether a task has finished by now."""
        return self.ends.get(name, float("inf")) <= time.monotonic()


class Seen:
    """What was asked since the last look."""

    def __init__(self) -> None:
        self.requests = 0
        self.sent_bytes = 0
        self.by_second: Counter[int] = Counter()

    def note(self) -> None:
        """Count one request."""
        self.requests += 1
        self.by_second[int(time.monotonic())] += 1

    def told(self) -> dict[str, Any]:
        """Give the counts."""
        most = max(self.by_second.values(), default=0)
        return {"requests": self.requests, "sent_bytes": self.sent_bytes, "most_a_second": most}


class Site:
    """All that visitors share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self.plan = Plan()
        self.seen = Seen()

    def answer(self, method: str, target: str, body: bytes) -> tuple[bytes, dict[str, str]]:
        """Answer what is not a file: a JSON body and more headers."""
        parts = urlsplit(target)
        path, query = parts.path, dict(parse_qsl(parts.query))
        if path.startswith("/bench/"):
            return self._bench(path, query)
        self.seen.note()
        for prefix, play in PLAYS:
            if path.startswith(prefix):
                found, headers = play(self, method, path, query)
                return json.dumps(found).encode() if found is not None else b"", headers
        return b"", {}

    def _bench(self, path: str, query: dict[str, str]) -> tuple[bytes, dict[str, str]]:
        if path == "/bench/plan":
            self.plan = Plan(
                tasks=int(query["tasks"]),
                finishing=int(query["finishing"]),
                within_s=float(query["within_s"]),
            )
            told: dict[str, Any] = {"names": self.plan.names, "ends": self.plan.ends}
        else:
            told = self.seen.told()
        self.seen = Seen()
        return json.dumps(told).encode(), {}


Played = tuple[Any, dict[str, str]]


def dashscope_task(site: Site, method: str, path: str, query: dict[str, str]) -> Played:
    """Tell of one task, or list a page of them."""
    name = path.rstrip("/").rpartition("/")[2]
    if name == "tasks":
        return _page(site, query), {}
    done = site.plan.done(name)
    output = {
        "task_id": name,
        "task_status": "SUCCEEDED" if done else "RUNNING",
        "submit_time": "2026-11-20 10:00:00.100",
        "scheduled_time": "2026-11-20 10:00:00.200",
    }
    if done:
        output |= {"end_time": "2026-11-20 10:01:00.000", "video_url": f"{site.url}/files/none"}
    told = {"request_id": "b3c1c1e0-0000-4000-8000-000000000000", "output": output}
    if done:
        told["usage"] = {"video_duration": 5.2, "video_ratio": "standard"}
    return told, {}


def _page(site: Site, query: dict[str, str]) -> dict[str, Any]:
    names = site.plan.names[::-1]
    number, size = int(query.get("page_no", 1)), min(100, int(query.get("page_size", 10)))
    rows = [
        {
            "task_id": name,
            "status": "SUCCEEDED" if site.plan.done(name) else "RUNNING",
            "gmt_create": SUBMITTED_MS,
            "start_time": SUBMITTED_MS,
            "model_name": "animate-anyone-gen2",
            "region": "cn-beijing",
        }
        for name in names[(number - 1) * size : number * size]
    ]
    return {
        "request_id": "b3c1c1e0-0000-4000-8000-000000000000",
        "data": rows,
        "total": len(names),
        "total_page": -(-len(names) // size),
        "page_no": number,
        "page_size": size,
    }


def dashscope_detect(site: Site, method: str, path: str, query: dict[str, str]) -> Played:
    """Let every picture pass."""
    return {
        "output": {"check_pass": True, "bodystyle": "full"},
        "usage": {"image_count": 1},
        "request_id": "b3c1c1e0-0000-4000-8000-000000000000",
    }, {}


def dashscope_policy(site: Site, method: str, path: str, query: dict[str, str]) -> Played:
    """Give an upload certificate."""
    policy = {
        "policy": "eyJ9",
        "signature": "c2ln",
        "upload_dir": "dashscope-instant/bench",
        "upload_host": f"{site.url}/sink",
        "expire_in_seconds": 300,
        "max_file_size_mb": 2048,
        "capacity_limit_mb": 999999999,
        "oss_access_key_id": "id",
        "x_oss_object_acl": "private",
        "x_oss_forbid_overwrite": "true",
    }
    return {"data": policy, "request_id": "b3c1c1e0-0000-4000-8000-000000000000"}, {}


def runway_task(site: Site, method: str, path: str, query: dict[str, str]) -> Played:
    """Tell of one task in Runway's words."""
    name = path.rpartition("/")[2]
    told: dict[str, Any] = {"id": name, "createdAt": RUNWAY_MODEL}
    if site.plan.done(name):
        return {**told, "status": "SUCCEEDED", "output": [f"{site.url}/files/none"]}, {}
    return {**told, "status": "RUNNING", "progress": 0.5}, {}


def runway_upload(site: Site, method: str, path: str, query: dict[str, str]) -> Played:
    """Say where to post a form."""
    return {"uploadUrl": f"{site.url}/sink", "fields": {"key": "bench"}, "runwayUri": "runway://x"}, {}


def plain_file(site: Site, method: str, path: str, query: dict[str, str]) -> Played:
    """Take a file as OpenAI and Replicate do."""
    return {
        "id": "file-bench",
        "object": "file",
        "bytes": 1,
        "created_at": 1,
        "filename": "clip.mp4",
        "purpose": "user_data",
        "status": "processed",
        "name": "clip.mp4",
        "content_type": "video/mp4",
        "size": 1,
        "etag": "x",
        "checksums": {"sha256": "x", "md5": "x"},
        "metadata": {},
        "expires_at": "2026-12-01T00:00:00Z",
        "urls": {"get": f"{site.url}/v1/files/file-bench"},
    }, {}


def google_upload(site: Site, method: str, path: str, query: dict[str, str]) -> Played:
    """Take a resumable upload: first say where, then take the pieces."""
    if "upload_id" in query:
        file = {"file": {"name": "files/x", "uri": f"{site.url}/files/x", "state": "ACTIVE"}}
        return file, {"X-Goog-Upload-Status": "final"}
    where = f"{site.url}{path}?upload_id=1"
    return {}, {"X-Goog-Upload-URL": where, "X-Goog-Upload-Status": "active"}


PLAYS: Final[tuple[tuple[str, Callable[..., Played]], ...]] = (
    ("/api/v1/tasks", dashscope_task),
    ("/api/v1/uploads", dashscope_policy),
    ("/api/v1/services/", dashscope_detect),
    ("/v1/tasks/", runway_task),
    ("/v1/uploads", runway_upload),
    ("/v1/files", plain_file),
    ("/upload/", google_upload),
)


class Visitor(asyncio.Protocol):
    """One connection: heads are read, bodies are counted off, answers are written in one piece."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._head = bytearray()
        self._left = 0
        self._chunked = False
        self._request: tuple[str, str, dict[str, str]] | None = None
        self._transport: asyncio.Transport | None = None
        self._sending: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take what came, whether head or body."""
        while data:
            data = self._body(data) if self._request else self._more_head(data)

    def _more_head(self, data: bytes) -> bytes:
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            return b""
        rest = bytes(self._head[end + 4 :])
        first, *lines = self._head[:end].decode("latin-1").split("\r\n")
        self._head.clear()
        method, target, _ = first.split(" ", 2)
        headers = {name.lower(): it.strip() for name, _, it in (x.partition(":") for x in lines)}
        self._request = (method, target, headers)
        self._left = int(headers.get("content-length", 0))
        self._chunked = "chunked" in headers.get("transfer-encoding", "")
        if "100-continue" in headers.get("expect", "").lower() and self._transport:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self._left == 0 and not self._chunked:
            self._finish()
        return rest

    def _body(self, data: bytes) -> bytes:
        if self._chunked:  # no request follows before the answer: the end of the body is its last
            if data.endswith(b"0\r\n\r\n"):
                self._finish()
            return b""
        rest = data[self._left :] if len(data) > self._left else b""
        self._left -= len(data) - len(rest)
        if self._left == 0:
            self._finish()
        return rest

    def _finish(self) -> None:
        assert self._request is not None
        assert self._transport is not None
        method, target, headers = self._request
        self._request = None
        if target.startswith("/files/"):
            task = asyncio.ensure_future(self._file(target, headers))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
            return
        body, more = self._site.answer(method, target, b"")
        self._transport.write(_head("200 OK", len(body), more) + body)

    async def _file(self, target: str, headers: dict[str, str]) -> None:
        assert self._transport is not None
        site = self._site
        site.seen.note()
        path = site.folder / target.removeprefix("/files/").partition("?")[0]
        size = path.stat().st_size
        begin, end, status, more = 0, size, "200 OK", {"ETag": f'"{size}"', "Accept-Ranges": "bytes"}
        if asked := headers.get("range", "").removeprefix("bytes="):
            first, _, last = asked.partition("-")
            begin, end = int(first), min(size, int(last) + 1 if last else size)
            status, more = "206 Partial Content", {
                **more,
                "Content-Range": f"bytes {begin}-{end - 1}/{size}",
            }
        self._transport.write(_head(status, end - begin, more))
        site.seen.sent_bytes += end - begin
        loop = asyncio.get_running_loop()
        with path.open("rb") as file:
            try:
                await loop.sendfile(self._transport, file, begin, end - begin)
            except (ConnectionError, OSError, RuntimeError):
                self._transport.abort()  # the reader had enough


def _head(status: str, length: int, more: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in more.items())
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
        f"{lines}\r\n"
    ).encode()


async def main() -> None:
    """Serve until killed."""
    site = Site(Path(sys.argv[1]))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Visitor(site), "127.0.0.1", 0, backlog=20_000)
    site.url = "http://127.0.0.1:{}".format(server.sockets[0].getsockname()[1])
    print(f"Listening on {site.url}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
