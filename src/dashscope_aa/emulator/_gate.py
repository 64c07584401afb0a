"""The way of every request: noted, stopped by a fault, let in by its key, served, answered.

Source: CAP for the headers of an answer and the flat error body; the OSS reference for XML.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Final, Literal
from xml.sax.saxutils import escape

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dashscope_aa.emulator._answers import (
    OSS_TWO_KEYS,
    OSS_WRONG_METHOD,
    TOO_LARGE,
    WRONG_METHOD,
    Answer,
    Refused,
)
from dashscope_aa.emulator._checks import place_of
from dashscope_aa.emulator._faults import (
    MODEL_CALLS,
    SUBMITS,
    Barrier,
    Operation,
    RequestLost,
    Spoiled,
)
from dashscope_aa.emulator._journal import Received, Requests, masked
from dashscope_aa.emulator._limits import BODY_BYTES
from dashscope_aa.emulator._service import Service
from dashscope_aa.emulator._wire import Incoming, SpoiledSend, hang_up

JSON_TYPE: Final = "application/json;charset=UTF-8"
XML_TYPE: Final = "application/xml"

Style = Literal["api", "oss"]


@dataclass(slots=True, eq=False)
class Call:
    """One request on its way."""

    service: Service
    request: Request
    incoming: Incoming
    request_id: str
    received: Received
    raw: bytes = b""
    """The body of an API request."""
    account: str = ""
    """Whose key came with it."""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """Headers the answer shall have."""

    @property
    def operation(self) -> Operation:
        """What it wants."""
        return self.received.operation

    def header(self, name: str) -> str | None:
        """Give a header of the request."""
        value: str | None = self.request.headers.get(name)
        return value

    def reply(self, content: Mapping[str, Any]) -> Response:
        """Answer with *content*, to which the request id belongs."""
        return self.json({"request_id": self.request_id, **content})

    def json(self, content: Mapping[str, Any], *, status: int = 200) -> Response:
        """Answer with *content* as it is."""
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        return Response(text, status, media_type=JSON_TYPE)


Handler = Callable[[Call], Awaitable[Response]]


class Gate:
    """An ASGI app for one route: a handler, and all that comes before and after it."""

    def __init__(  # noqa: PLR0913 - one keyword a fact about the route
        self,
        handle: Handler,
        *,
        service: Service,
        requests: Requests,
        operation: Operation,
        methods: tuple[str, ...],
        style: Style = "api",
    ) -> None:
        self._handle = handle
        self._service = service
        self._requests = requests
        self._operation: Operation = operation
        self._methods = methods
        self._style: Style = style

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        incoming = Incoming(receive)
        call = self._note(Request(scope, incoming), incoming)
        try:
            response = await self._serve(call)
        except ClientDisconnect:
            return  # it hung up in the middle of its request, so there is nobody to answer
        except Refused as refused:
            await incoming.drain()
            response = self._refuse(call, refused.answer)
        if response is None:
            return  # the connection is gone
        self._dress(call, response)
        await self._send(call, response, send)

    # ── in ───────────────────────────────────────────────────────────────────────────────

    def _note(self, request: Request, incoming: Incoming) -> Call:
        service = self._service
        received = Received(
            at=service.clock.now(),
            operation=self._operation,
            method=request.method,
            path=request.scope["dashscope_aa.path"],
            query=dict(request.query_params),
            headers=masked(request.headers),
            model=request.query_params.get("model"),
        )
        self._requests.add(received)
        return Call(service, request, incoming, service.names.uuid(), received)

    async def _serve(self, call: Call) -> Response | None:
        if self._style == "api":
            await self._read(call)
        barrier = call.service.faults.take(Barrier, call.operation, model=call.received.model)
        if barrier is not None:
            answer = barrier.answer()
            if answer is not None:
                raise Refused(answer)
            await self._hang_up(call, reset=not isinstance(barrier, RequestLost) or barrier.reset)
            return None
        self._let_in(call)
        return await self._handle(call)

    async def _hang_up(self, call: Call, *, reset: bool) -> None:
        await hang_up(call.request.scope, call.incoming, reset=reset, started=False)

    async def _read(self, call: Call) -> None:
        """Read the body of an API request, and see from its model what it wants."""
        size_bytes = 0
        chunks: list[bytes] = []
        async for chunk in call.request.stream():
            size_bytes += len(chunk)
            if size_bytes <= BODY_BYTES:
                chunks.append(chunk)
        if size_bytes > BODY_BYTES:
            raise Refused(TOO_LARGE)
        call.raw = b"".join(chunks)
        received = call.received
        try:
            received.body = json.loads(call.raw) if call.raw else None
        except (ValueError, RecursionError):
            return
        if received.operation in MODEL_CALLS and isinstance(received.body, dict):
            self._name(received)

    def _name(self, received: Received) -> None:
        model = received.body.get("model")
        received.model = model if isinstance(model, str) else None
        place = place_of(model, self._service.switches)
        # One path serves three models, and only the body tells which of them is meant.
        if place is not None and {received.operation, place[0]} <= SUBMITS:
            received.operation = place[0]

    def _let_in(self, call: Call) -> None:
        if self._style == "oss":
            if call.header("authorization") is not None:
                raise Refused(OSS_TWO_KEYS)
            if call.request.method not in self._methods:
                raise Refused(OSS_WRONG_METHOD)
            return
        call.account = call.service.accounts.who(call.header("authorization"))
        if self._methods and call.request.method not in self._methods:
            raise Refused(WRONG_METHOD.filled(call.request.method))

    # ── out ──────────────────────────────────────────────────────────────────────────────

    def _refuse(self, call: Call, answer: Answer) -> Response:
        if answer.retry_after_s is not None:
            call.headers["retry-after"] = f"{answer.retry_after_s:g}"
        if self._style == "oss":
            body = (
                '<?xml version="1.0" encoding="UTF-8"?>\n'
                f"<Error>\n  <Code>{escape(answer.code)}</Code>\n"
                f"  <Message>{escape(answer.message)}</Message>\n"
                f"  <RequestId>{call.request_id}</RequestId>\n</Error>\n"
            )
            return Response(body, answer.status, media_type=XML_TYPE)
        content = {"code": answer.code, "message": answer.message, "request_id": call.request_id}
        return call.json(content, status=answer.status)

    def _dress(self, call: Call, response: Response) -> None:
        """Put on the headers the service was seen to send. Source: CAP, public."""
        headers = {"date": formatdate(call.service.clock.now(), usegmt=True), **call.headers}
        if self._style == "oss":
            headers |= {"server": "AliyunOSS", "x-oss-request-id": call.request_id}
        else:
            arrived_ms = int(call.received.at * 1000)
            now_ms = int(call.service.clock.now() * 1000)
            headers |= {
                "server": "istio-envoy",
                "x-request-id": call.request_id,
                "req-arrive-time": str(arrived_ms),
                "resp-start-time": str(now_ms),
                "req-cost-time": str(now_ms - arrived_ms),
                "x-envoy-upstream-service-time": str(now_ms - arrived_ms),
            }
            if "/services/" in call.received.path:
                headers |= {
                    "x-dashscope-call-gateway": "true",
                    "x-dashscope-timeout": "300",
                    "x-dashscope-finished": "true",
                }
        response.headers.update(headers)

    async def _send(self, call: Call, response: Response, send: Send) -> None:
        request = call.request
        if response.status_code < 400:  # noqa: PLR2004 - only what was accepted can be lost
            fault = call.service.faults.take(Spoiled, call.operation, model=call.received.model)
            if fault is not None:
                send = SpoiledSend(fault, request.scope, call.incoming, send)
        call.received.status = response.status_code
        await response(request.scope, call.incoming, send)
