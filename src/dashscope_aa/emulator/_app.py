"""The routes: which path is served by whom.

Source: the pages of the five models, TASK, UPL; public notes on temporary keys.
"""

from collections.abc import Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from starlette.responses import FileResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from dashscope_aa._concurrency import in_thread
from dashscope_aa._endpoints import (
    CANCEL_TASK,
    CREATE_TOKEN,
    DETECT,
    LIST_TASKS,
    QUERY_TASK,
    SYNTHESIS,
    TEMPLATE,
    UPLOAD_POLICY,
)
from dashscope_aa.emulator._answers import (
    ASYNC_REFUSED,
    BAD_QUERY,
    NO_SUCH_MODEL,
    OSS_NO_SUCH_KEY,
    RETIRED,
    SYNC_REFUSED,
    WRONG_PAIR,
    WRONG_PATH,
    Refused,
)
from dashscope_aa.emulator._checks import Order, parse, place_of, read_order
from dashscope_aa.emulator._faults import ANIMATE_ANYONE, Operation
from dashscope_aa.emulator._form import Form
from dashscope_aa.emulator._gate import XML_TYPE, Call, Gate, Handler, Style
from dashscope_aa.emulator._journal import Requests
from dashscope_aa.emulator._page.desk import page_routes
from dashscope_aa.emulator._results import PATH as RESULTS_PATH
from dashscope_aa.emulator._service import HOSTED_PATH, Service
from dashscope_aa.emulator._states import Status
from dashscope_aa.emulator._storage import MAX_BYTES, Certificate

API_PATH: Final = "/api/v1"
OSS_PATH: Final = "/oss"


class App:
    """The whole service as an ASGI app."""

    def __init__(self, service: Service, requests: Requests) -> None:
        self._service = service
        self._requests = requests
        self._router = Router(
            [
                self._route(DETECT.path, detect, "detect"),
                self._route(TEMPLATE.path, submit, "template"),
                self._route(SYNTHESIS.path, submit, "synthesis"),
                self._route(LIST_TASKS.path, list_tasks, "list", method="GET"),
                self._route(QUERY_TASK.path, query_task, "query", method="GET"),
                self._route(CANCEL_TASK.path, cancel_task, "cancel"),
                self._route(UPLOAD_POLICY.path, upload_policy, "policy", method="GET"),
                self._route(CREATE_TOKEN.path, create_token, "token"),
                Route(OSS_PATH, self._gate(upload, "upload", ("POST",), style="oss")),
                Route(
                    RESULTS_PATH + "/{name}",
                    self._gate(download, "download", ("GET", "HEAD"), style="oss"),
                ),
                Route(
                    HOSTED_PATH + "/{word}/{name}",
                    self._gate(hosted, "hosted", ("GET", "HEAD"), style="oss"),
                ),
                *page_routes(service, requests, api_path=API_PATH),
            ],
            redirect_slashes=False,
            default=self._gate(nothing, "other", ()),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a slash at the end of its path makes no difference."""
        path: str = scope["path"]
        scope = {**scope, "path": path.rstrip("/") or "/", "dashscope_aa.path": path}
        await self._router(scope, receive, send)

    def _route(
        self, path: str, handle: Handler, operation: Operation, *, method: str = "POST"
    ) -> Route:
        return Route(API_PATH + path.rstrip("/"), self._gate(handle, operation, (method,)))

    def _gate(
        self,
        handle: Handler,
        operation: Operation,
        methods: tuple[str, ...],
        *,
        style: Style = "api",
    ) -> ASGIApp:
        return Gate(
            handle,
            service=self._service,
            requests=self._requests,
            operation=operation,
            methods=methods,
            style=style,
        )


# ── the models ───────────────────────────────────────────────────────────────────────────


def _order(call: Call) -> Order:
    """Read an order, within the rate, from a model that is still served."""
    service, switches = call.service, call.service.switches
    with service.lock:
        service.rates.admit(
            ("submit", call.account, call.received.model), per_s=switches.submits_per_s
        )
    body = parse(call.raw)
    place = place_of(body.get("model"), switches)
    if switches.retired is not None and place is not None and place[0] in ANIMATE_ANYONE:
        raise Refused(RETIRED[switches.retired])
    return read_order(
        body,
        path=call.received.path.rstrip("/").removeprefix(API_PATH),
        resolve=call.header("x-dashscope-ossresourceresolve") == "enable",
        switches=switches,
    )


async def detect(call: Call) -> Response:
    """Check a picture; what is refused for its content is an answer like any other."""
    if call.header("x-dashscope-async") is not None:
        raise Refused(ASYNC_REFUSED)
    order = _order(call)
    verdict = await in_thread(call.service.look, order, account=call.account)
    output: dict[str, Any] = {"check_pass": True, "bodystyle": verdict.bodystyle}
    if verdict.refusal is not None:
        if verdict.as_400 or call.service.switches.detect_rejects_as_400:
            raise Refused(verdict.refusal)
        output = {"check_pass": False, "reason": verdict.refusal.message, "bodystyle": ""}
    return call.reply({"output": output, "usage": {"image_count": 1}})


async def submit(call: Call) -> Response:
    """Accept a task."""
    if call.header("x-dashscope-async") != "enable":
        raise Refused(SYNC_REFUSED)
    order = _order(call)
    call.service.sweep()
    task_id = call.service.submit(order, account=call.account, request_id=call.request_id)
    return call.reply({"output": {"task_id": task_id, "task_status": Status.PENDING}})


# ── the tasks ────────────────────────────────────────────────────────────────────────────


def _within_rate(call: Call) -> None:
    """Count a request about tasks: queries, lists and cancels share one limit."""
    service = call.service
    with service.lock:
        service.rates.admit(("query", call.account), per_s=service.switches.queries_per_s)


async def query_task(call: Call) -> Response:
    """Tell where a task stands."""
    _within_rate(call)
    task_id = call.request.path_params["task_id"]
    return call.reply(call.service.query(task_id, account=call.account))


async def list_tasks(call: Call) -> Response:
    """List tasks. The request id stands beside the page, nothing under ``output``."""
    _within_rate(call)
    return call.reply(call.service.page(call.received.query, account=call.account))


async def cancel_task(call: Call) -> Response:
    """Cancel a task that is PENDING."""
    _within_rate(call)
    call.service.cancel(call.request.path_params["task_id"], account=call.account)
    return call.reply({})


# ── keys and files ───────────────────────────────────────────────────────────────────────


async def create_token(call: Call) -> Response:
    """Make a temporary key."""
    seconds = call.received.query.get("expire_in_seconds")
    return call.json(call.service.accounts.issue(call.account, expire_in_seconds=seconds))


async def upload_policy(call: Call) -> Response:
    """Hand out a certificate to upload with."""
    service, query = call.service, call.received.query
    model = query.get("model")
    if query.get("action") != "getPolicy":
        raise Refused(BAD_QUERY.filled("action"))
    if not model:
        raise Refused(BAD_QUERY.filled("model"))
    if place_of(model, service.switches) is None:
        raise Refused(NO_SUCH_MODEL)
    with service.lock:
        service.rates.admit(("policy", call.account, model), per_s=service.switches.policies_per_s)
        data = service.storage.certificate(
            account=call.account, model=model, host=service.root_url + OSS_PATH
        )
    return call.reply({"data": data})


async def upload(call: Call) -> Response:
    """Take in a form post."""
    service = call.service
    certificates: list[Certificate] = []

    def admit(fields: Mapping[str, str]) -> None:
        with service.lock:
            certificates.append(service.storage.admit(fields))

    target = service.folder / f"upload-{service.names.word(32)}"
    form = Form(admit=admit, target=target, max_bytes=MAX_BYTES)
    kept = False
    try:
        await form.read(call.request.stream(), content_type=call.header("content-type") or "")
        if form.refusal is not None:
            raise Refused(form.refusal)
        key = form.fields["key"]
        with service.lock:
            service.sweep()
            service.storage.keep(key, certificates[0], path=target, size_bytes=form.size_bytes)
        kept = True
    finally:
        if not kept:
            target.unlink(missing_ok=True)
    return _stored(key, asked=form.fields.get("success_action_status"))


def _stored(key: str, *, asked: str | None) -> Response:
    """Answer a form post that succeeded the way it asked for; 204 unless it asked."""
    if asked == "201":
        body = f"<PostResponse><Key>{escape(key)}</Key></PostResponse>"
        return Response(body, 201, media_type=XML_TYPE)
    return Response(b"", 200 if asked == "200" else 204)


async def download(call: Call) -> Response:
    """Give a result, or the part of it that was asked for."""
    service, name = call.service, call.request.path_params["name"]
    with service.lock:
        path = service.results.open(name, call.received.query)
    return FileResponse(path, media_type="video/mp4")


async def hosted(call: Call) -> Response:
    """Give a file that a test has put up."""
    path = call.service.hosted.get(call.request.path_params["word"])
    if path is None:
        raise Refused(OSS_NO_SUCH_KEY)
    return FileResponse(path)


async def nothing(call: Call) -> Response:
    """Say that there is nothing here."""
    raise Refused(WRONG_PAIR if "/services/" in call.received.path else WRONG_PATH)
