"""The app on a real socket: uvicorn in a thread of its own, with a loop of its own.

So the caller may run asyncio, trio or no loop at all, and may block without stopping the
service. Starting waits until the port listens; stopping leaves no socket, task or thread.
"""

import asyncio
import contextlib
import socket
import threading
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from dashscope_aa.emulator._wire import TRANSPORT

KEEP_ALIVE_S: Final = 75
"""Longer than any client keeps a connection, so that none is closed under a request."""
FAREWELL_S: Final = 5.0
"""How long a handler may take to notice that its connection is gone."""
_TURNS_TO_ACCEPT: Final = 3
"""Turns of the loop in which asyncio makes a connection of one that has just come in."""


class _Protocol(H11Protocol):
    """HTTP with the transport of the connection within reach, so that it can be broken."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn itself
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {**self.app_state, TRANSPORT: transport}


class _Server(uvicorn.Server):
    """Uvicorn that starts and stops at once instead of looking ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave = asyncio.Event()

    def leave(self) -> None:
        """Ask it to stop; from any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has stopped already
                self._loop.call_soon_threadsafe(self._leave.set)

    async def main_loop(self) -> None:
        """Serve until asked to stop."""
        self._loop = asyncio.get_running_loop()
        self.ready.set()
        await self._leave.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Hang up on everybody; handlers see that and come to an end."""
        # Whoever has just come in is let in first: a server that is closed loses them.
        for listener in sockets or []:
            with contextlib.suppress(NotImplementedError):  # Windows' loop waits in another way
                asyncio.get_running_loop().remove_reader(listener)
        for _ in range(_TURNS_TO_ACCEPT):
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        tasks = list(self.server_state.tasks)
        if tasks:
            _, slow = await asyncio.wait(tasks, timeout=FAREWELL_S)
            for task in slow:
                task.cancel()
        while self.server_state.connections:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0)


class Server:
    """Serves an app on a host and port until it is stopped."""

    def __init__(self, app: ASGIApp, *, host: str, port: int) -> None:
        self._app = app
        self._host = host
        self._port = port
        self._listener: socket.socket | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def bind(self) -> int:
        """Take the port and give it; one that is taken raises `OSError`."""
        self._listener = _listen(self._host, self._port)
        port: int = self._listener.getsockname()[1]
        return port

    def start(self) -> None:
        """Serve, and return as soon as it does."""
        config = uvicorn.Config(
            self._app,
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        self._server = _Server(config)
        self._thread = threading.Thread(
            target=self._run, args=(self._server, self._listener), name="dashscope-aa-emulator"
        )
        self._thread.start()
        self._server.ready.wait()

    @staticmethod
    def _run(server: _Server, listener: socket.socket) -> None:
        try:
            asyncio.run(server.serve(sockets=[listener]))
        finally:
            listener.close()
            server.ready.set()

    def stop(self) -> None:
        """Stop serving and wait until everything is gone."""
        if self._server is not None and self._thread is not None:
            self._server.leave()
            self._thread.join()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it on, an
    # answer written in two pieces takes 40 ms longer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener
