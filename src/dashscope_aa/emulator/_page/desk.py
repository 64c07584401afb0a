"""The page's own routes, beside those of the service."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from dashscope_aa._concurrency import in_thread
from dashscope_aa.emulator._faults import Fault
from dashscope_aa.emulator._journal import Requests
from dashscope_aa.emulator._page.catalogue import catalogue, kinds, made
from dashscope_aa.emulator._page.guard import Guard
from dashscope_aa.emulator._page.state import request as whole
from dashscope_aa.emulator._page.state import state
from dashscope_aa.emulator._service import Service

PATH: Final = "/_page"
"""Where the page's own routes are; the service has nothing that begins like this."""

_FILES: Final = Path(__file__).parent
_MOST_TURN_S: Final = 366 * 86_400
_DAY_S: Final = 86_400


class _Change(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Turn(_Change):
    """How far to turn the clock."""

    seconds: Annotated[float, Field(ge=0, le=_MOST_TURN_S)]


class Pace(_Change):
    """How long tasks take from now on."""

    queue_s: Annotated[float, Field(ge=0, le=_DAY_S)]
    run_s: Annotated[float, Field(ge=0, le=_DAY_S)]


_OPTIONS: Final = TypeAdapter(dict[str, Any])

ChangeT = TypeVar("ChangeT", bound=_Change)
Endpoint = Callable[[Request], Awaitable[Response]]


def page_routes(service: Service, requests: Requests, *, api_path: str) -> list[BaseRoute]:
    """Give the page at ``/`` and what it asks for; *api_path* is where the service's calls are."""
    desk = Desk(service, requests, api_path=api_path)
    page = Guard(
        Starlette(
            routes=[
                Route("/", _file("page.html", "text/html")),
                Route(f"{PATH}/page.css", _file("page.css", "text/css")),
                Route(f"{PATH}/page.js", _file("page.js", "text/javascript")),
                Route(f"{PATH}/state", desk.state),
                Route(f"{PATH}/catalogue", desk.catalogue),
                Route(f"{PATH}/requests/{{number:int}}", desk.request),
                Route(f"{PATH}/films/{{name}}", desk.film),
                Route(f"{PATH}/clock", desk.turn, methods=["POST"]),
                Route(f"{PATH}/pace", desk.pace, methods=["PUT"]),
                Route(f"{PATH}/requests", desk.forget, methods=["DELETE"]),
                Route(f"{PATH}/faults", desk.clear, methods=["DELETE"]),
                Route(f"{PATH}/faults/{{kind}}", desk.switch_on, methods=["PUT"]),
                Route(f"{PATH}/faults/{{kind}}", desk.switch_off, methods=["DELETE"]),
            ],
            exception_handlers={ValidationError: _refuse, HTTPException: _say},
        )
    )
    return [Route("/", page, methods=["GET"]), Route(f"{PATH}/{{rest:path}}", page)]


def _file(name: str, kind: str) -> Endpoint:
    async def give(_: Request) -> Response:
        return FileResponse(_FILES / name, media_type=kind)

    return give


async def _refuse(_: Request, error: Exception) -> Response:
    """Say what a change that was asked for should look like."""
    faults = error.errors() if isinstance(error, ValidationError) else []
    said = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
    return JSONResponse({"detail": "; ".join(said)}, 422)


async def _say(_: Request, error: Exception) -> Response:
    """Say what is wrong with a request."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"detail": getattr(error, "detail", "")}, status)


async def _change(request: Request, kind: type[ChangeT]) -> ChangeT:
    return kind.model_validate_json(await request.body())


class Desk:
    """Shows what the service knows, and turns its switches."""

    def __init__(self, service: Service, requests: Requests, *, api_path: str) -> None:
        self._service = service
        self._requests = requests
        self._api_path = api_path

    # ── looks ────────────────────────────────────────────────────────────────────────────

    async def state(self, _: Request) -> Response:
        """Give all that changes."""
        return JSONResponse(state(self._service, self._requests, api_path=self._api_path))

    async def catalogue(self, _: Request) -> Response:
        """Give every fault that can be switched on."""
        return JSONResponse(await in_thread(catalogue))

    async def request(self, request: Request) -> Response:
        """Give one request whole."""
        try:
            number: int = request.path_params["number"]
            received = self._requests[number]
        except IndexError:
            raise HTTPException(404, "This request was forgotten.") from None
        return JSONResponse(whole(received))

    async def film(self, request: Request) -> Response:
        """Give a film, without the time limit and the faults of the service's own URLs."""
        path = self._service.film(request.path_params["name"])
        if path is None:
            raise HTTPException(404, "This film is gone, as its URL ran out.")
        return FileResponse(path, media_type="video/mp4")

    # ── changes ──────────────────────────────────────────────────────────────────────────

    async def turn(self, request: Request) -> Response:
        """Turn the clock forward."""
        turn = await _change(request, Turn)
        self._service.clock.advance(turn.seconds)
        return await self.state(request)

    async def pace(self, request: Request) -> Response:
        """Set how long tasks take."""
        pace = await _change(request, Pace)
        switches = self._service.switches
        switches.queue_s, switches.run_s = pace.queue_s, pace.run_s
        return await self.state(request)

    async def forget(self, request: Request) -> Response:
        """Forget all requests."""
        self._requests.clear()
        return await self.state(request)

    async def clear(self, request: Request) -> Response:
        """Let nothing go wrong from now on."""
        self._service.faults.clear()
        return await self.state(request)

    async def switch_on(self, request: Request) -> Response:
        """Switch a fault on, in the place of others of its kind."""
        kind = _kind(request)
        fault = made(kind.__name__, _OPTIONS.validate_json(await request.body()))
        self._service.faults.remove(kind)
        self._service.faults.add(fault)
        return await self.state(request)

    async def switch_off(self, request: Request) -> Response:
        """Switch off all faults of a kind."""
        self._service.faults.remove(_kind(request))
        return await self.state(request)


def _kind(request: Request) -> type[Fault]:
    kind = kinds().get(request.path_params["kind"])
    if kind is None:
        raise HTTPException(404, f"There is no such fault; there are {', '.join(kinds())}.")
    return kind
