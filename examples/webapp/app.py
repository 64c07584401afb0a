"""The app: what lives as long as the server, and who may reach it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashscope_aa import Client, DashScopeError

from .desk import Desk
from .jobs import Jobs
from .routes import router
from .work import Workshop

PAGE: Final = Path(__file__).with_name("page")
OWN_HOSTS: Final = ("127.0.0.1", "localhost")


def create_app(jobs: Jobs, client: Client, *, hosts: tuple[str, ...] = OWN_HOSTS) -> FastAPI:
    """Make the app, which is reached by the names in *hosts*; at its end it closes *client*."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Desk]]:
        async with client, anyio.create_task_group() as group:
            workshop = Workshop(client, jobs, group)
            await workshop.go_on()
            yield {"desk": Desk(client, jobs, workshop)}
            group.cancel_scope.cancel()  # what is under way goes on with the next server

    app = FastAPI(title="dashscope-aa web app", lifespan=lifespan)
    app.include_router(router)
    app.add_exception_handler(DashScopeError, _refuse)
    app.mount("/", StaticFiles(directory=PAGE, html=True))
    app.add_middleware(Dressed)
    # A name of a stranger that leads here would make the stranger's page one of ours.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*hosts])
    return app


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    """Say what is wrong with what was handed over."""
    return JSONResponse({"detail": str(error)}, 422)


_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " img-src 'self' data: blob:; media-src 'self' blob:; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Dressed:
    """Sends every answer with headers that keep the page to itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, dressed)
