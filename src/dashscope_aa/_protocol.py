"""Turn requests into bytes, and bytes into answers or errors. No I/O happens here.

Everything the service's documents say about headers, envelopes and error bodies lives in this
module, so that it can be tested with plain values.

Source: facts of sections 4 to 7 (TASK, UPL, CAP, PY, ERR).
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, NoReturn, TypeVar, cast
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ValidationError

from dashscope_aa import codes
from dashscope_aa._config import Settings
from dashscope_aa._endpoints import RETIREMENTS, Endpoint, OutputT
from dashscope_aa._version import __version__
from dashscope_aa.errors import (
    InputError,
    ModelUnavailableError,
    ProtocolError,
    ServiceError,
)
from dashscope_aa.models import ErrorResponse, TaskResponse, VideoOutput
from dashscope_aa.models._base import Answer, Request

RequestT = TypeVar("RequestT", bound=Request)
AnswerT = TypeVar("AnswerT", bound=Answer)

USER_AGENT: Final = f"dashscope-aa/{__version__}"
RESULT_LIFE: Final = timedelta(hours=24)
"""How long the service keeps a result (S2, Zmove)."""
_TASK_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_KEY: Final = re.compile(r"\b(sk|st)-[\w.-]{4,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request ready to be sent. Its repr leaves out the headers, which hold the key."""

    endpoint: Endpoint[Answer]
    """The row it was made from."""
    url: str
    """Where it goes, query included."""
    headers: Mapping[str, str] = field(repr=False)
    """What goes with it."""
    body: bytes = b""
    """JSON, or nothing."""
    model: str = ""
    """The model it names."""
    task_id: str | None = None
    """The task it is about."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the body: what identifies a submit whose answer was lost."""
        return hashlib.sha256(self.body).hexdigest()

    def __reduce__(self) -> NoReturn:
        msg = "a call holds the API key and is never pickled"
        raise TypeError(msg)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, as plain values."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str]
    """Header names in lower case."""
    body: bytes = field(repr=False)  # a gateway may say the key back
    """The whole body."""


# ── requests ─────────────────────────────────────────────────────────────────────────────


def build(model: type[RequestT], /, **values: Any) -> RequestT:  # noqa: ANN401 - the model checks them
    """Make a request, turning what pydantic refuses into one of our errors.

    Raises:
        InputError: a value is refused; every one is named.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        said = _said(error)
    # Raised out here, so that pydantic's error, which quotes its input, is no part of ours.
    raise InputError(said)


def encode(
    endpoint: Endpoint[Answer],
    settings: Settings,
    *,
    request: Request | None = None,
    query: Mapping[str, str] | None = None,
    task_id: str | None = None,
) -> Call:
    """Make the call that *endpoint* describes, with the key and the headers it needs.

    Raises:
        InputError: *task_id* is not shaped like one.
    """
    model = getattr(request, "model", "") or (query or {}).get("model", "")
    path = settings.paths.get(model, endpoint.path) if request else endpoint.path
    if task_id is not None:
        path = path.replace("{task_id}", quote(checked_task_id(task_id), safe=""))
    body = request.model_dump_json(exclude_none=True).encode() if request else b""
    url = settings.base_url + path + (f"?{urlencode(query)}" if query else "")
    return Call(
        endpoint=endpoint,
        url=url,
        headers=_headers(endpoint, settings, body),
        body=body,
        model=model,
        task_id=task_id,
    )


def _headers(endpoint: Endpoint[Answer], settings: Settings, body: bytes) -> dict[str, str]:
    headers = {
        "Authorization": f"Bearer {settings.api_key.reveal()}",
        "Accept": "application/json",
        "User-Agent": USER_AGENT,
    }
    if body:
        headers["Content-Type"] = "application/json"
    if endpoint.asynchronous:
        headers["X-DashScope-Async"] = "enable"
    if b'"oss://' in body:
        headers["X-DashScope-OssResourceResolve"] = "enable"
    if settings.workspace and settings.workspace_header:
        headers["X-DashScope-WorkSpace"] = settings.workspace
    return headers


def checked_task_id(task_id: str) -> str:
    """Give *task_id* back if it is shaped like one; it becomes a part of a path.

    Raises:
        InputError: it is not.
    """
    if not _TASK_ID.fullmatch(task_id):
        msg = f"a task id holds letters, digits, _ and - only, but is {mask(task_id[:80])!r}"
        raise InputError(msg)
    return task_id


# ── answers ──────────────────────────────────────────────────────────────────────────────


def decode(call: Call, reply: Reply, answer: type[AnswerT]) -> AnswerT:
    """Read an answer.

    Raises:
        ServiceError: the service said no; the class is that of its code.
        ProtocolError: it said something no document describes.
    """
    if (said_no := refusal(call, reply)) is not None:
        raise said_no
    try:
        return answer.model_validate_json(reply.body)
    except ValidationError as error:
        msg = f"the answer to {call.endpoint.name} is not what was expected: {_said(error)}"
    raise ProtocolError(msg, **_where(call, reply))


def refusal(call: Call, reply: Reply) -> ServiceError | ProtocolError | None:
    """Give the error an answer stands for; None if the service said yes."""
    if 200 <= reply.status < 300 and b'"code"' not in reply.body:  # noqa: PLR2004 - HTTP's own
        return None  # nearly always: nothing else has to be looked for
    key = call.headers.get("Authorization", "").removeprefix("Bearer ")
    reply = replace(reply, body=reply.body.replace(key.encode(), b"***")) if key else reply
    said = _error_body(reply.body)
    if 300 <= reply.status < 400:  # noqa: PLR2004 - HTTP's own numbers
        msg = f"{call.endpoint.name} was answered by a redirect, which is never followed"
        hint = "Check the base URL: the key is sent to no other address."
        return ProtocolError(msg, hint=hint, **_where(call, reply))
    if reply.status >= 400 or (said.code and not (said.model_extra or {}).get("output")):  # noqa: PLR2004
        return service_error(
            said.code,
            _sentence(said, reply),
            model=call.model,
            retry_after_s=retry_after_s(reply.headers),
            **_where(call, reply),
        )
    return None


def service_error(
    code: str | None,
    message: str,
    *,
    model: str = "",
    http_status: int | None = None,
    retry_after_s: float | None = None,
    **where: Any,  # noqa: ANN401 - request_id and task_id, handed on
) -> ServiceError:
    """Make the error that the table of codes gives for a code and its message."""
    row = codes.lookup(code, message=message, http_status=http_status)
    text, hint = mask(message) or row.meaning, row.action
    if issubclass(row.error, ModelUnavailableError):
        text, hint = _model_gone(model, text)
    error = row.error(text, code=code, http_status=http_status, hint=hint, **where)
    error.retry = row.retry
    error.retry_after_s = retry_after_s
    return error


def _model_gone(model: str, text: str) -> tuple[str, str]:
    retirement = RETIREMENTS.get(model)
    if retirement is None:
        hint = "Check the model's name, its region, and that the account may use it."
        return f"the model {model or 'named'} is not available: {text}", hint
    hint = f"Use {retirement.successor}; for example engine=WanAnimate(mode='wan-std')."
    gone = f"the model {model} is not available; it was listed for retirement on {retirement.on}"
    return f"{gone}: {text}", hint


def read_output(response: TaskResponse, output: type[OutputT]) -> OutputT:
    """Read the output of a task that has SUCCEEDED.

    Raises:
        ProtocolError: it lacks what such a task must give, such as the video's URL.
    """
    if isinstance(response.output, output):
        return response.output
    raw = response.output.model_dump(exclude_unset=True)
    try:
        return output.model_validate(raw)
    except ValidationError as error:
        msg = f"the task SUCCEEDED, but its answer is not what was expected: {_said(error)}"
    raise ProtocolError(msg, task_id=response.output.task_id, request_id=response.request_id)


def expiry(output: VideoOutput) -> datetime:
    """Say when the service forgets a result; a time that makes no sense counts as now."""
    now = datetime.now(UTC)
    ended = output.end_time or now
    return (ended if ended < now + RESULT_LIFE else now) + RESULT_LIFE


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read ``Retry-After`` in seconds; a date in it is held against the answer's own ``Date``."""
    said = headers.get("retry-after", "")
    try:
        seconds = float(said)
    except ValueError:
        try:
            until = parsedate_to_datetime(said) - parsedate_to_datetime(headers.get("date", ""))
        except (TypeError, ValueError, OverflowError):
            return None
        seconds = max(0.0, until.total_seconds())
    return seconds if 0 <= seconds < math.inf else None


def mask(text: str) -> str:
    """Hide anything shaped like a key, for texts that others wrote; and make it printable."""
    return _KEY.sub(r"\1-***", text.encode(errors="replace").decode())


def _where(call: Call, reply: Reply) -> dict[str, Any]:
    said = _error_body(reply.body)
    return {
        "http_status": reply.status,
        "request_id": said.request_id or reply.headers.get("x-request-id"),
        "task_id": call.task_id,
    }


def _error_body(body: bytes) -> ErrorResponse:
    """Read code, message and request id from whatever came; nothing if it makes no sense."""
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ErrorResponse()
    if not isinstance(said, dict):
        return ErrorResponse()
    fields = cast("dict[str, Any]", said)
    nested = fields.get("error")
    if isinstance(nested, dict):  # the compatible-mode shape, which gateways answer with
        fields = {**fields, **cast("dict[str, Any]", nested)}
    fields = {name: mask(it) if isinstance(it, str) else it for name, it in fields.items()}
    try:
        return ErrorResponse.model_validate(fields)
    except ValidationError:
        return ErrorResponse()


def _sentence(said: ErrorResponse, reply: Reply) -> str:
    if said.message:
        return said.message
    text = reply.body[:300].decode(errors="replace").strip()
    return text or f"HTTP {reply.status} without a body"


def _said(error: ValidationError) -> str:
    """Name every field that was refused, and why, without quoting the input."""
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc']) or 'body'}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)
    )


def dump(model: BaseModel) -> dict[str, Any]:
    """Give what was received, as plain JSON values."""
    return model.model_dump(mode="json", exclude_unset=True)
