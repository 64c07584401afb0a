"""What can go wrong on the wire: connections that break, answers that dawdle or end early.

A real socket is reset or closed for real. In process there is none: there the app raises
`ConnectionBroken`, and the transport of `_inprocess` makes of it what a broken socket gives.
"""

import asyncio
import socket
import struct
from typing import Final

import anyio
from starlette.types import Message, Receive, Scope, Send

from dashscope_aa.emulator._faults import (
    AnswerLost,
    Malformed,
    SlowBody,
    SlowHeaders,
    Spoiled,
    Truncated,
)

TRANSPORT: Final = "dashscope_aa.transport"
"""Where the server leaves the transport of a connection: ``scope["state"]``."""

_LINGER_NOT: Final = struct.pack("ii", 1, 0)


class ConnectionBroken(Exception):  # noqa: N818 - it stands for an event, not for a mistake
    """The connection is gone; `started` tells whether an answer had begun."""

    def __init__(self, *, started: bool) -> None:
        super().__init__("the emulated connection broke")
        self.started = started


class Incoming:
    """A `Receive` that knows whether the request has been read to its end."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False

    async def __call__(self) -> Message:
        """Receive the next message."""
        message = await self._receive()
        self._ended = self._ended or not message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Read to the end: who sends it listens only then, and in process httpx leaks else."""
        while not self._ended:
            await self()


async def hang_up(scope: Scope, receive: Incoming, *, reset: bool, started: bool) -> None:
    """Break the connection, and wait until it is broken."""
    transport = scope.get("state", {}).get(TRANSPORT)
    if not isinstance(transport, asyncio.Transport):
        await receive.drain()
        raise ConnectionBroken(started=started)
    if reset:
        # A socket that does not linger is closed by RST instead of FIN.
        wire: socket.socket = transport.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        transport.abort()
    else:
        transport.close()
    await _gone(receive)


async def pause(receive: Receive, delay_s: float) -> None:
    """Wait, but no longer than the connection lives."""
    with anyio.move_on_after(delay_s):
        await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class SpoiledSend:
    """Sends an answer the way a fault has it."""

    def __init__(self, fault: Spoiled, scope: Scope, receive: Incoming, send: Send) -> None:
        self._fault = fault
        self._scope = scope
        self._receive = receive
        self._send = send
        self._sent_bytes = 0
        self._broken = False

    async def __call__(self, message: Message) -> None:
        """Send one message of the answer."""
        if self._broken:
            return
        if message["type"] == "http.response.start":
            await self._start(message)
        else:
            await self._body(message)

    async def _start(self, message: Message) -> None:
        match self._fault:
            case AnswerLost(within=False, reset=reset):
                await self._break(reset=reset, started=False)
                return
            case SlowHeaders(delay_s=delay_s):
                await pause(self._receive, delay_s)
            case Malformed():
                headers = [pair for pair in message["headers"] if pair[0] != b"content-length"]
                message = {**message, "headers": headers}
            case _:
                pass
        await self._send(message)

    async def _body(self, message: Message) -> None:
        body: bytes = message.get("body", b"")
        match self._fault:
            case AnswerLost(reset=reset):
                await self._send({**message, "body": body[: len(body) // 2], "more_body": True})
                await self._break(reset=reset, started=True)
            case Truncated(after_bytes=after_bytes):
                await self._truncate(message, body, after_bytes=after_bytes)
            case SlowBody(delay_s=delay_s, piece_bytes=piece_bytes):
                await self._dribble(message, body, delay_s=delay_s, piece_bytes=piece_bytes)
            case Malformed(text=text):
                spoiled = body[: len(body) // 2] if text is None else text.encode()
                await self._send({**message, "body": spoiled})
            case _:
                await self._send(message)

    async def _truncate(self, message: Message, body: bytes, *, after_bytes: int) -> None:
        left_bytes = after_bytes - self._sent_bytes
        if len(body) <= left_bytes:
            self._sent_bytes += len(body)
            await self._send(message)
            return
        await self._send({**message, "body": body[:left_bytes], "more_body": True})
        await self._break(reset=False, started=True)

    async def _dribble(
        self, message: Message, body: bytes, *, delay_s: float, piece_bytes: int
    ) -> None:
        for start in range(0, len(body), piece_bytes):
            await pause(self._receive, delay_s)
            piece = body[start : start + piece_bytes]
            await self._send({**message, "body": piece, "more_body": True})
        await self._send({**message, "body": b""})

    async def _break(self, *, reset: bool, started: bool) -> None:
        self._broken = True
        await hang_up(self._scope, self._receive, reset=reset, started=started)
