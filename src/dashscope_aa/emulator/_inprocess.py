"""The service without a socket: an httpx transport that calls the app itself.

Answers come whole, so `Range`, slow answers and uploads are better tried over the socket.
"""

import httpx
from starlette.types import ASGIApp

from dashscope_aa.emulator._wire import ConnectionBroken


class InProcess(httpx.AsyncBaseTransport):
    """Hands requests to an app; broken connections look as they do on a socket."""

    def __init__(self, app: ASGIApp) -> None:
        self._asgi = httpx.ASGITransport(app=app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Serve one request."""
        try:
            return await self._asgi.handle_async_request(request)
        except ConnectionBroken as broken:
            if broken.started:
                raise httpx.RemoteProtocolError(str(broken), request=request) from None
            raise httpx.ReadError(str(broken), request=request) from None
