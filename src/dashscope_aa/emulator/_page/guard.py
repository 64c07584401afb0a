"""Who may use the page: a browser on it, and no page of another site that the browser has open.

The page changes what the service does and knows no key, so a stranger's page must not reach it:
neither by a request across sites, nor by a name of its own that leads to this machine (DNS
rebinding), nor by showing it in a frame. A program without a browser may do all that it does.
"""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READS: Final = frozenset({"GET", "HEAD"})
BODY_BYTES: Final = 64 * 1024

_HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " img-src data:; media-src 'self'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Guard:
    """An ASGI app that lets in what comes from the page itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or say why not."""
        why_not = refusal(scope["method"], Headers(scope=scope))

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        app = self._app if why_not is None else PlainTextResponse(why_not, 403)
        await app(scope, receive, dressed)


def refusal(method: str, headers: Headers) -> str | None:
    """Say why a request is not let in; None if it is."""
    if not is_own(headers.get("host", "")):
        return "Open this page by the address of its machine, such as http://127.0.0.1:PORT/.\n"
    if headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return "This page is not for other sites.\n"
    return None if method in READS else _refused_change(headers)


def _refused_change(headers: Headers) -> str | None:
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers["host"]:
        return "Only this page itself may change what the emulator does.\n"
    # A form of another site can't send JSON, and no other site is told that it may.
    if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return "Changes are asked for in JSON: Content-Type: application/json.\n"
    size = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not size.isdigit() or int(size) > BODY_BYTES:
        return f"Changes are asked for with a Content-Length of at most {BODY_BYTES}.\n"
    return None


def is_own(host: str) -> bool:
    """Tell whether a Host header names a machine by what no stranger can give a meaning to."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
