"""A fast web server for what is measured: it answers at once and says what it was asked.

Run as ``python -m benchmarks.servers.origin FOLDER``; prints its URL. Plain asyncio and no
framework, so that it is never the slower side:

- ``/files/NAME``: a file of FOLDER, with Range;
- what is in `plays`, and an empty answer to everything else; bodies are read to the end and thrown
  away;
- ``/bench/plan``, ``/bench/seen``: how many tasks there are and when they finish; what was asked.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from benchmarks.servers.plays import PLAYS, Plan, Seen, Site


class Folder(Site):
    """All that visitors share."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def answer(self, target: str, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
        """Answer what is not a file: a JSON body and more headers."""
        parts = urlsplit(target)
        path, query = parts.path, dict(parse_qsl(parts.query))
        if path.startswith("/bench/"):
            return self._bench(path, query)
        self.seen.note()
        for prefix, play in PLAYS:
            if path.startswith(prefix):
                found, more = play(self, path, query, headers)
                return json.dumps(found).encode(), more
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


class Visitor(asyncio.Protocol):
    """One connection: heads are read, bodies are counted off, answers are written in one piece."""

    def __init__(self, site: Folder) -> None:
        self._site = site
        self._head = bytearray()
        self._left = 0
        self._chunked = False
        self._request: tuple[str, dict[str, str]] | None = None
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
        _, target, _ = first.split(" ", 2)
        headers = {name.lower(): it.strip() for name, _, it in (x.partition(":") for x in lines)}
        self._request = (target, headers)
        self._left = int(headers.get("content-length", 0))
        self._chunked = "chunked" in headers.get("transfer-encoding", "")
        if "100-continue" in headers.get("expect", "").lower() and self._transport:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self._left == 0 and not self._chunked:
            self._finish()
        return rest

    def _body(self, data: bytes) -> bytes:
        self._site.seen.received_bytes += len(data)
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
        target, headers = self._request
        self._request = None
        if target.startswith("/files/"):
            task = asyncio.ensure_future(self._file(target, headers))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
            return
        body, more = self._site.answer(target, headers)
        self._transport.write(_head("200 OK", len(body), more) + body)

    async def _file(self, target: str, headers: dict[str, str]) -> None:
        assert self._transport is not None
        site = self._site
        site.seen.note()
        path = site.path / target.removeprefix("/files/").partition("?")[0]
        size = path.stat().st_size
        begin, end, status, more = (
            0,
            size,
            "200 OK",
            {"ETag": f'"{size}"', "Accept-Ranges": "bytes"},
        )
        if asked := headers.get("range", "").removeprefix("bytes="):
            first, _, last = asked.partition("-")
            begin, end = int(first), min(size, int(last) + 1 if last else size)
            status, more = (
                "206 Partial Content",
                {
                    **more,
                    "Content-Range": f"bytes {begin}-{end - 1}/{size}",
                },
            )
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
    """Serve until standard input ends, as it does when whoever started this is gone."""
    site = Folder(Path(sys.argv[1]))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Visitor(site), "127.0.0.1", 0, backlog=20_000)
    site.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(f"Listening on {site.url}", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
