"""Requests into bytes, answers into values or errors: by tables, and against anything at all."""

import copy
import hashlib
import json
import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashscope_aa import __version__, models
from dashscope_aa._config import Settings
from dashscope_aa._endpoints import (
    CANCEL_TASK,
    CREATE_TOKEN,
    DETECT,
    ENDPOINTS,
    LIST_TASKS,
    MIX,
    MOVE,
    QUERY_TASK,
    RETIREMENTS,
    SYNTHESIS,
    TASK_ENDPOINTS,
    TEMPLATE,
    UPLOAD_POLICY,
    Endpoint,
)
from dashscope_aa._protocol import (
    Call,
    Reply,
    build,
    checked_task_id,
    decode,
    dump,
    encode,
    mask,
    read_output,
    refusal,
    retry_after_s,
    service_error,
)
from dashscope_aa.errors import (
    AuthenticationError,
    BillingError,
    DashScopeError,
    HumanContentError,
    InputError,
    InvalidRequestError,
    ModelUnavailableError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    ServerError,
    ServiceError,
    ThrottledError,
)
from dashscope_aa.models._base import Answer, Request

KEY: Final = "sk-0123456789abcdef"
PAYLOADS: Final = Path(__file__).parents[1] / "data" / "payloads"
SETTINGS: Final = Settings.load(api_key=KEY, base_url="https://host/p", environ={})


def payload(name: str) -> bytes:
    return (PAYLOADS / name).read_bytes()


def called(endpoint: Endpoint[Answer] = QUERY_TASK, **changes: Any) -> Call:
    call = Call(endpoint=endpoint, url="https://host", headers={}, model=endpoint.model)
    return replace(call, **changes)


def reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, headers or {}, raw)


def refused(
    body: Any, status: int = 400, headers: Mapping[str, str] | None = None, model: str = ""
) -> ServiceError:
    error = refusal(called(model=model), reply(body, status, headers))
    assert isinstance(error, ServiceError)
    return error


# ── requests ─────────────────────────────────────────────────────────────────────────────

IMAGE: Final = "https://h/1.jpg"
CLIP: Final = "https://h/1.mp4"
WAN: Final = {
    "input": {"image_url": IMAGE, "video_url": CLIP},
    "parameters": {"mode": "wan-std"},
}


def built(endpoint: Endpoint[Answer]) -> Request:
    values: dict[str, dict[str, Any]] = {
        "detect": {"input": {"image_url": IMAGE}},
        "template": {"input": {"video_url": CLIP}},
        "synthesis": {"input": {"image_url": IMAGE, "template_id": "AACT.x"}},
        "move": WAN,
        "mix": WAN,
    }
    assert endpoint.request is not None
    return build(endpoint.request, model=endpoint.model, **values[endpoint.name])


@pytest.mark.parametrize(
    ("endpoint", "path", "asynchronous", "body"),
    [
        pytest.param(
            DETECT,
            "/services/aigc/image2video/aa-detect",
            False,
            {"model": "animate-anyone-detect-gen2", "input": {"image_url": IMAGE}},
            id="detect",
        ),
        pytest.param(
            TEMPLATE,
            "/services/aigc/image2video/aa-template-generation",
            True,
            {
                "model": "animate-anyone-template-gen2",
                "input": {"video_url": CLIP},
                "parameters": {},
            },
            id="template",
        ),
        pytest.param(
            SYNTHESIS,
            "/services/aigc/image2video/video-synthesis/",
            True,
            {
                "model": "animate-anyone-gen2",
                "input": {"image_url": IMAGE, "template_id": "AACT.x"},
                "parameters": {"use_ref_img_bg": False},
            },
            id="synthesis leaves out the ratio",
        ),
        pytest.param(
            MOVE,
            "/services/aigc/image2video/video-synthesis",
            True,
            {
                "model": "wan2.2-animate-move",
                "input": {"image_url": IMAGE, "video_url": CLIP, "watermark": False},
                "parameters": {"mode": "wan-std", "check_image": True},
            },
            id="move",
        ),
        pytest.param(
            MIX,
            "/services/aigc/image2video/video-synthesis",
            True,
            {
                "model": "wan2.2-animate-mix",
                "input": {"image_url": IMAGE, "video_url": CLIP, "watermark": False},
                "parameters": {"mode": "wan-std", "check_image": True},
            },
            id="mix",
        ),
    ],
)
def test_encode_a_submit(
    endpoint: Endpoint[Answer],
    path: str,
    asynchronous: bool,  # noqa: FBT001 - a column of the table
    body: dict[str, Any],
) -> None:
    call = encode(endpoint, SETTINGS, request=built(endpoint))
    assert call.url == f"https://host/p/api/v1{path}"
    assert json.loads(call.body) == body
    assert call.model == endpoint.model
    assert call.headers["Authorization"] == f"Bearer {KEY}"
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["User-Agent"] == f"dashscope-aa/{__version__}"
    assert call.headers.get("X-DashScope-Async") == ("enable" if asynchronous else None)
    assert "X-DashScope-OssResourceResolve" not in call.headers
    assert "X-DashScope-WorkSpace" not in call.headers
    assert call.fingerprint == hashlib.sha256(call.body).hexdigest()


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        pytest.param(QUERY_TASK, "https://host/p/api/v1/tasks/a_B-9", id="query"),
        pytest.param(CANCEL_TASK, "https://host/p/api/v1/tasks/a_B-9/cancel", id="cancel"),
    ],
)
def test_encode_what_is_about_a_task(endpoint: Endpoint[Answer], url: str) -> None:
    call = encode(endpoint, SETTINGS, task_id="a_B-9")
    assert (call.url, call.body, call.task_id, call.model) == (url, b"", "a_B-9", "")
    assert "Content-Type" not in call.headers
    assert "X-DashScope-Async" not in call.headers


def test_encode_a_query() -> None:
    query = {"model_name": "a&b=c", "page_no": "1", "status": "ü /?#"}
    call = encode(LIST_TASKS, SETTINGS, query=query)
    parts = urlsplit(call.url)
    assert parts.path == "/p/api/v1/tasks"
    assert {name: value[0] for name, value in parse_qs(parts.query).items()} == query
    assert call.url.isascii()
    assert encode(CREATE_TOKEN, SETTINGS, query={"expire_in_seconds": "60"}).url.endswith(
        "/tokens?expire_in_seconds=60"
    )


def test_certificates_are_asked_for_by_model() -> None:
    query = build(models.UploadPolicyRequest, model="animate-anyone-gen2").model_dump()
    call = encode(UPLOAD_POLICY, SETTINGS, query=query)
    assert call.url.endswith("/uploads?action=getPolicy&model=animate-anyone-gen2")
    assert call.model == "animate-anyone-gen2"


@pytest.mark.parametrize(
    ("url", "header"),
    [
        pytest.param("oss://a/1.jpg", "enable", id="temporary storage"),
        pytest.param("OSS://a/1.jpg", "enable", id="in capitals"),
        pytest.param("https://h/?u=oss://a", None, id="only a part of another URL"),
    ],
)
def test_oss_urls_are_to_be_resolved(url: str, header: str | None) -> None:
    request = build(models.DetectRequest, model="m", input={"image_url": url})
    call = encode(DETECT, SETTINGS, request=request)
    assert call.headers.get("X-DashScope-OssResourceResolve") == header


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        pytest.param({"workspace": "llm-1", "base_url": "https://host"}, "llm-1", id="by header"),
        pytest.param({"workspace": "llm-1"}, None, id="by host"),
        pytest.param({}, None, id="none"),
    ],
)
def test_workspace_header(settings: dict[str, Any], header: str | None) -> None:
    loaded = Settings.load(api_key=KEY, environ={}, **settings)
    call = encode(QUERY_TASK, loaded, task_id="t")
    assert call.headers.get("X-DashScope-WorkSpace") == header


def test_path_of_a_model_can_differ() -> None:
    paths = {"animate-anyone-gen2": "/services/aigc/image2video/video-synthesis"}
    settings = replace(SETTINGS, paths=paths)
    submit = encode(SYNTHESIS, settings, request=built(SYNTHESIS))
    assert submit.url == "https://host/p/api/v1/services/aigc/image2video/video-synthesis"
    other = encode(TEMPLATE, settings, request=built(TEMPLATE))
    assert other.url.endswith("/aa-template-generation")
    upload = encode(UPLOAD_POLICY, settings, query={"model": "animate-anyone-gen2"})
    assert urlsplit(upload.url).path == "/p/api/v1/uploads"


@pytest.mark.parametrize(
    "task_id",
    [
        pytest.param("", id="empty"),
        pytest.param("..", id="parent"),
        pytest.param("../uploads", id="path"),
        pytest.param("a/cancel", id="slash"),
        pytest.param("a%2Fcancel", id="slash, encoded"),
        pytest.param("a?x=1", id="query"),
        pytest.param("a#x", id="fragment"),
        pytest.param("a b", id="space"),
        pytest.param("a\n", id="line break at the end"),
        pytest.param("ä", id="not ASCII"),
        pytest.param("a" * 129, id="too long"),
        pytest.param("\ud800", id="half a character"),
    ],
)
def test_no_task_id_looks_like_that(task_id: str) -> None:
    with pytest.raises(InputError, match="a task id holds"):
        encode(QUERY_TASK, SETTINGS, task_id=task_id)


@pytest.mark.parametrize(
    "task_id", ["a", "a" * 128, "0385dc79-5ff8-4d82-bcb6-xxxxxx", "_-", "a8532587_FA8C"]
)
def test_task_id_is_given_back(task_id: str) -> None:
    assert checked_task_id(task_id) == task_id


def test_key_given_as_a_task_id_is_not_quoted() -> None:
    with pytest.raises(InputError) as caught:
        checked_task_id(f"{KEY}/")
    assert KEY not in str(caught.value)


def test_call_gives_no_key_away() -> None:
    call = encode(MOVE, SETTINGS, request=built(MOVE))
    assert KEY not in repr(call)
    assert KEY not in call.url
    assert KEY.encode() not in call.body
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="never pickled"):
            pickle.dumps(call, protocol)
    with pytest.raises(TypeError, match="never pickled"):
        copy.deepcopy(call)


def test_build_names_every_fault_at_once() -> None:
    with pytest.raises(InputError) as caught:
        build(
            models.WanAnimateRequest,
            model="m",
            input={"image_url": "1.jpg", "video_url": "https://h/a b", "fps": 3},
            parameters={"mode": "std"},
        )
    for place in ("input.image_url: ", "input.video_url: ", "input.fps: ", "parameters.mode: "):
        assert place in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_build_quotes_no_other_field() -> None:
    with pytest.raises(InputError) as caught:
        build(models.DetectRequest, model=[KEY], input={"image_url": IMAGE, "x": KEY})
    assert KEY not in str(caught.value)


@given(
    st.dictionaries(st.sampled_from(["model", "input", "parameters", "x"]), st.text() | st.none())
)
def test_build_raises_nothing_else(values: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        build(models.WanAnimateRequest, **values)


# ── refusals ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        pytest.param("detect-response-error-no-key.json", 401, AuthenticationError, id="no key"),
        pytest.param("wan-animate-submit-error.json", 401, AuthenticationError, id="no key, wan"),
        pytest.param("error-403-sync-not-supported.json", 403, InvalidRequestError, id="sync"),
        pytest.param("error-429-rate-quota.json", 429, ThrottledError, id="throttled"),
    ],
)
def test_documented_refusals(name: str, status: int, kind: type[ServiceError]) -> None:
    body = json.loads(payload(name))
    error = refused(payload(name), status)
    assert type(error) is kind
    assert (error.code, error.message, error.http_status) == (body["code"], body["message"], status)
    assert error.request_id == body.get("request_id")


ASKED: Final = {"x-request-id": "from-header"}


@pytest.mark.parametrize(
    ("body", "status", "kind", "code", "request_id"),
    [
        pytest.param(
            {"code": "InvalidFile.NoHuman", "message": "m", "request_id": "r"},
            400,
            HumanContentError,
            "InvalidFile.NoHuman",
            "r",
            id="flat",
        ),
        pytest.param(
            {"error": {"code": "invalid_api_key", "message": "m", "type": "t"}, "request_id": "r"},
            401,
            AuthenticationError,
            "invalid_api_key",
            "r",
            id="in an object named error",
        ),
        pytest.param(
            {"error": {"code": "invalid_api_key", "request_id": "r"}},
            401,
            AuthenticationError,
            "invalid_api_key",
            "r",
            id="request id inside",
        ),
        pytest.param(
            {"error": "Unauthorized"}, 401, AuthenticationError, None, "from-header", id="a word"
        ),
        pytest.param({}, 404, NotFoundError, None, "from-header", id="empty object"),
        pytest.param({}, 400, InvalidRequestError, None, "from-header", id="the first refusal"),
        pytest.param([], 403, PermissionDeniedError, None, "from-header", id="list"),
        pytest.param(None, 500, ServerError, None, "from-header", id="null"),
        pytest.param(b"", 503, ServerError, None, "from-header", id="nothing"),
        pytest.param(b"\x00", 429, ThrottledError, None, "from-header", id="a null byte"),
        pytest.param(
            {"code": "Throttling", "message": {"a": 1}, "request_id": []},
            400,
            ThrottledError,
            "Throttling",
            "from-header",
            id="nonsense beside a code: the code decides",
        ),
        pytest.param(
            {"code": ["Throttling"], "message": "m"},
            500,
            ServerError,
            None,
            "from-header",
            id="code is a list: the status decides",
        ),
        pytest.param({"code": 404}, 400, InvalidRequestError, "404", "from-header", id="number"),
        pytest.param(
            {"code": "PostpaidBillOverdue"},
            429,
            BillingError,
            "PostpaidBillOverdue",
            "from-header",
            id="unpaid, whatever the status says",
        ),
        pytest.param(
            {"code": "Throttling", "message": "m", "\ud800": 1},
            429,
            ThrottledError,
            None,
            "from-header",
            id="half a character for a key",
        ),
        pytest.param(
            b'{"code": "Throttling", "n": ' + b"1" * 5000 + b"}",
            429,
            ThrottledError,
            None,
            "from-header",
            id="number without end",
        ),
        pytest.param(
            b"[" * 100_000, 502, ServerError, None, "from-header", id="nested without end"
        ),
        pytest.param(
            '{"code": "Throttling"}'.encode("utf-16"),
            429,
            ThrottledError,
            "Throttling",
            "from-header",
            id="UTF-16",
        ),
        pytest.param(
            b'\xef\xbb\xbf{"code": "Throttling"}',
            429,
            ThrottledError,
            "Throttling",
            "from-header",
            id="byte order mark",
        ),
        pytest.param(
            b'{"code": "Throttling", "x": NaN}',
            429,
            ThrottledError,
            "Throttling",
            "from-header",
            id="not a number",
        ),
        pytest.param({"code": "X"}, 418, InvalidRequestError, "X", "from-header", id="unknown"),
        pytest.param({"code": "X"}, 999, ServiceError, "X", "from-header", id="no status at all"),
    ],
)
def test_bodies_of_refusals(
    body: Any, status: int, kind: type[ServiceError], code: str | None, request_id: str
) -> None:
    error = refused(body, status, ASKED)
    assert type(error) is kind
    assert (error.code, error.request_id, error.http_status) == (code, request_id, status)
    assert error.message


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(b"<html><h1>502 Bad Gateway</h1></html>", "502 Bad Gateway", id="HTML"),
        pytest.param(b"<Error><Code>AccessDenied</Code></Error>", "AccessDenied", id="XML"),
        pytest.param(b"  upstream error \n", "upstream error", id="text"),
        pytest.param(b"", "HTTP 502 without a body", id="nothing"),
        pytest.param(b"\xff\xfe", "\ufffd\ufffd", id="no text"),
        pytest.param({"message": "", "code": ""}, '{"message": "", "code": ""}', id="empty words"),
        pytest.param({"code": "X", "message": "Broken \ud83d"}, "Broken ?", id="half a character"),
    ],
)
def test_some_sentence_is_always_said(body: Any, said: str) -> None:
    error = refused(body, 502)
    assert said in error.message
    str(error).encode()


def test_long_bodies_are_cut() -> None:
    assert len(refused(b"x" * 100_000, 500).message) == 300


@pytest.mark.parametrize(
    "status", [200, 201, 202, 204, *(pytest.param(it, id=f"HTTP {it}") for it in (100, 299))]
)
def test_yes_is_no_refusal(status: int) -> None:
    assert refusal(called(), reply({"request_id": "r"}, status)) is None
    assert refusal(called(), reply(b"", status)) is None


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param({"code": "InvalidApiKey", "message": "m"}, AuthenticationError, id="flat"),
        pytest.param(
            {"code": "InvalidApiKey", "output": None}, AuthenticationError, id="output is null"
        ),
        pytest.param({"code": "InvalidApiKey", "output": {}}, AuthenticationError, id="empty"),
        pytest.param({"error": {"code": "InvalidApiKey"}}, AuthenticationError, id="in error"),
    ],
)
def test_a_code_without_output_is_a_refusal_at_any_status(
    body: Any, kind: type[ServiceError]
) -> None:
    assert type(refused(body, 200)) is kind


def test_a_code_beside_output_is_none() -> None:
    body = {"code": "Success", "output": {"task_id": "t", "task_status": "PENDING"}}
    assert refusal(called(), reply(body)) is None
    answer = decode(called(), reply(body), models.SubmitResponse)
    assert answer.output.task_id == "t"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
def test_redirects_are_never_followed(status: int) -> None:
    error = refusal(called(), reply({"code": "InvalidApiKey"}, status, {"location": "https://x"}))
    assert type(error) is ProtocolError
    assert "redirect" in str(error)
    assert "base URL" in error.hint
    assert error.http_status == status


def test_facts_of_the_call_are_kept() -> None:
    error = refusal(called(task_id="t"), reply({"code": "InternalError"}, 500))
    assert error is not None
    assert error.task_id == "t"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param(f"key {KEY} is wrong", "key sk-*** is wrong", id="classic"),
        pytest.param("(sk-ws-a.B_c-9)", "(sk-***)", id="workspace"),
        pytest.param("sk-sp-abcd, st-abcd.", "sk-***, st-***", id="plan and temporary"),
        pytest.param("Bearer sk-abcdef", "Bearer sk-***", id="header"),
        pytest.param('{"key":"sk-abcdef"}', '{"key":"sk-***"}', id="in JSON"),
        pytest.param("task-12345 desk-lamp first-class", None, id="words that only look alike"),
        pytest.param("sk-***", None, id="masked already"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_mask(text: str, masked: str | None) -> None:
    assert mask(text) == (text if masked is None else masked)
    assert mask(mask(text)) == mask(text)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"code": "InvalidApiKey", "message": f"{KEY} is wrong"}, id="message"),
        pytest.param({"code": KEY, "message": "m", "request_id": KEY}, id="code and request id"),
        pytest.param({"error": {"code": "c", "message": f"key: {KEY}"}}, id="in error"),
        pytest.param({"detail": f"got '{KEY}'"}, id="another field"),
        pytest.param(f"<p>Bearer {KEY}</p>".encode(), id="HTML"),
        pytest.param(b"x " * 145 + KEY.encode(), id="key where the body is cut"),
    ],
)
def test_key_quoted_by_the_service_is_masked(body: Any) -> None:
    error = refused(body, 401)
    for text in (str(error), repr(error), repr(vars(error))):
        assert KEY[:10] not in text
    assert KEY.encode() not in pickle.dumps(error)


def test_failed_task_that_quotes_a_key_is_masked() -> None:
    assert KEY not in str(service_error("InternalError", f"while using {KEY}"))


# ── models that are gone ─────────────────────────────────────────────────────────────────

GONE: Final = [
    pytest.param(403, "AccessDenied", "Access denied.", id="access denied"),
    pytest.param(403, "Endpoint.AccessDenied", "Workspace endpoint access denied.", id="endpoint"),
    pytest.param(404, "ModelNotFound", "Model can not be found.", id="not found"),
    pytest.param(400, "InvalidParameter", "Model not exist.", id="does not exist"),
]


@pytest.mark.parametrize("model", sorted(RETIREMENTS))
@pytest.mark.parametrize(("status", "code", "message"), GONE)
def test_retired_model_names_date_and_successor(
    model: str, status: int, code: str, message: str
) -> None:
    error = refused({"code": code, "message": message}, status, model=model)
    assert type(error) is ModelUnavailableError
    assert model in error.message
    assert "2026-10-10" in error.message
    assert message in error.message
    assert "wan2.2-animate" in error.hint
    assert "WanAnimate(mode='wan-std')" in error.hint
    assert (error.code, error.http_status, error.retry) == (code, status, "never")


@pytest.mark.parametrize(("status", "code", "message"), GONE)
@pytest.mark.parametrize("model", ["", "wan2.2-animate-move", "my-own"])
def test_model_that_was_never_there(model: str, status: int, code: str, message: str) -> None:
    error = refused({"code": code, "message": message}, status, model=model)
    assert type(error) is ModelUnavailableError
    assert model in error.message
    assert "2026" not in str(error)
    assert "Check the model's name" in error.hint


def test_retired_model_is_named_when_a_certificate_is_refused() -> None:
    call = encode(UPLOAD_POLICY, SETTINGS, query={"model": "animate-anyone-gen2"})
    error = refusal(call, reply({"code": "ModelNotFound", "message": "m"}, 404))
    assert isinstance(error, ModelUnavailableError)
    assert "2026-10-10" in error.message


@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param(
            "AccessDenied", "current user api does not support synchronous calls.", id="s"
        ),
        pytest.param("AccessDenied", "Invalid according to Policy: Policy expired.", id="policy"),
        pytest.param("InvalidParameter", "Field required: input.video_url", id="field"),
        pytest.param("Model.AccessDenied", "Model access denied.", id="right to a model"),
    ],
)
def test_not_every_such_code_means_a_model_is_gone(code: str, message: str) -> None:
    assert not isinstance(service_error(code, message), ModelUnavailableError)


def test_meaning_stands_in_for_a_missing_message() -> None:
    assert service_error("InvalidFile.Duration", "").message
    assert service_error(None, "").message


# ── Retry-After ──────────────────────────────────────────────────────────────────────────

NOW: Final = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param("120", 120.0, id="seconds"),
        pytest.param(" 5 ", 5.0, id="spaces around"),
        pytest.param("0", 0.0, id="at once"),
        pytest.param("1.5", 1.5, id="fraction"),
        pytest.param("86400", 86400.0, id="a day: told as it is"),
        pytest.param("Wed, 21 Oct 2026 07:29:30 GMT", 90.0, id="date"),
        pytest.param("Wed, 21 Oct 2026 15:29:30 +0800", 90.0, id="date in another zone"),
        pytest.param("Wed, 21 Oct 2026 07:00:00 GMT", 0.0, id="date that has passed"),
        pytest.param("-5", None, id="less than nothing"),
        pytest.param("inf", None, id="for ever"),
        pytest.param("1e999", None, id="beyond every float"),
        pytest.param("nan", None, id="not a number"),
        pytest.param("soon", None, id="a word"),
        pytest.param("", None, id="empty"),
        pytest.param("5, 10", None, id="two of them"),
        pytest.param("Wed, 21 Oct 99999 07:28:00 GMT", None, id="no such year"),
        pytest.param(f"Wed, 21 Oct 2026 {'9' * 30}:00:00 GMT", None, id="no such hour"),
        pytest.param("Wed, 21 Oct 2026 07:29:30 -0000", None, id="date without a zone"),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after_s({"retry-after": value, "date": NOW}) == seconds
    assert refused({}, 429, {"retry-after": value, "date": NOW}).retry_after_s == seconds


def test_date_is_held_against_the_date_of_the_answer() -> None:
    assert retry_after_s({}) is None
    assert retry_after_s({"retry-after": NOW}) is None
    assert retry_after_s({"retry-after": NOW, "date": "yesterday"}) is None


@given(st.text(), st.text())
def test_any_retry_after_is_none_or_a_pause(value: str, date: str) -> None:
    seconds = retry_after_s({"retry-after": value, "date": date})
    assert seconds is None or 0 <= seconds < float("inf")


# ── answers ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"0", id="number"),
        pytest.param(b'"PENDING"', id="word"),
        pytest.param(b"{}", id="empty object"),
        pytest.param(b'{"output": ', id="cut off"),
        pytest.param(b"<html>", id="HTML"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b"[" * 100_000, id="nested without end"),
        pytest.param(b'{"output": ' + b'{"a":' * 5000, id="deep and cut off"),
        pytest.param(b'{"n": ' + b"1" * 5000 + b"}", id="number without end"),
        pytest.param(b'{"output": {"task_id": "\\ud800", "task_status": "x"}}', id="half a letter"),
    ],
)
@pytest.mark.parametrize("endpoint", [pytest.param(it, id=it.name) for it in TASK_ENDPOINTS])
def test_answer_that_makes_no_sense(endpoint: Endpoint[Answer], body: bytes) -> None:
    call = called(endpoint, task_id="t")
    with pytest.raises(ProtocolError, match=f"the answer to {endpoint.name}") as caught:
        decode(call, reply(body, 200, ASKED), endpoint.answer)
    error = caught.value
    assert (error.http_status, error.request_id, error.task_id) == (200, "from-header", "t")


def test_secret_in_an_answer_is_never_quoted() -> None:
    body = {"token": "st-secret-one", "expires_at": "st-secret-two"}
    with pytest.raises(ProtocolError, match="expires_at") as caught:
        decode(called(CREATE_TOKEN), reply(body), models.TokenResponse)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_refusal_is_raised() -> None:
    with pytest.raises(ThrottledError):
        decode(called(), reply({"code": "Throttling"}, 429), models.TaskResponse)


def response(name: str = "synthesis-poll-succeeded.json", **output: Any) -> models.TaskResponse:
    body = json.loads(payload(name))
    body["output"] |= output
    return decode(called(), reply(body), models.TaskResponse)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        pytest.param("synthesis-poll-succeeded.json", "https://xxx/1.mp4", id="AnimateAnyone"),
        pytest.param(
            "wan-animate-poll-succeeded.json",
            "http://dashscope-result-bj.oss-cn-beijing.aliyuncs.com/xxxxx.mp4?Expires=xxxxxx",
            id="wan2.2-animate",
        ),
    ],
)
def test_read_a_video(name: str, url: str) -> None:
    polled = response(name)
    output = read_output(polled, models.VideoOutput)
    assert output.video_url == url
    assert dump(output) == dump(polled.output)
    assert output.end_time == polled.output.end_time


def test_read_a_template() -> None:
    output = read_output(response("template-poll-succeeded.json"), models.TemplateOutput)
    assert output.template_id == "AACT.xxx.xxx-xxx.xxx"


def test_output_that_is_read_already_stays_itself() -> None:
    polled = response()
    assert read_output(polled, models.TaskOutput) is polled.output
    video = models.TaskResponse(output=read_output(polled, models.VideoOutput))
    assert read_output(video, models.VideoOutput) is video.output


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        pytest.param(models.VideoOutput, {"video_url": ""}, id="empty URL"),
        pytest.param(models.VideoOutput, {"video_url": None}, id="URL is null"),
        pytest.param(models.VideoOutput, {"video_url": None, "results": {}}, id="empty results"),
        pytest.param(models.TemplateOutput, {}, id="no template"),
        pytest.param(models.TemplateOutput, {"template_id": ""}, id="empty template"),
    ],
)
def test_success_without_its_result_fails_loudly(
    kind: type[models.TaskOutput], output: dict[str, Any]
) -> None:
    polled = response(**output)
    with pytest.raises(ProtocolError, match="SUCCEEDED, but") as caught:
        read_output(polled, kind)
    assert caught.value.task_id == polled.output.task_id
    assert caught.value.request_id == polled.request_id


# ── anything at all ──────────────────────────────────────────────────────────────────────

NAMES: Final = [
    *("output", "usage", "request_id", "code", "message", "error", "data", "results", "token"),
    *("task_id", "task_status", "video_url", "template_id", "check_pass", "reason", "bodystyle"),
    *("submit_time", "end_time", "gmt_create", "expires_at", "video_duration", "task_metrics"),
    *("status", "total", "total_page", "page_no", "policy", "signature", "upload_dir", "TOTAL"),
]
WORDS: Final = [
    "SUCCEEDED",
    "FAILED",
    "PENDING",
    "Throttling",
    "AccessDenied",
    "",
    "https://x/1.mp4",
]
LEAVES: Final = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(st.characters(codec=None), max_size=8)  # lone surrogates included
)
JSON: Final = st.recursive(
    LEAVES,
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), parts, max_size=6)
    ),
    max_leaves=20,
)
TASK: Final = st.fixed_dictionaries(
    {"task_id": st.just("t") | LEAVES, "task_status": st.sampled_from(WORDS) | LEAVES},
    optional={name: JSON for name in NAMES if name not in {"task_id", "task_status"}},
)
BODIES: Final = st.binary() | (JSON | st.fixed_dictionaries({"output": TASK})).map(
    lambda value: json.dumps(value).encode()
)
HEADERS: Final = st.fixed_dictionaries(
    {}, optional={name: st.text() for name in ("retry-after", "date", "x-request-id")}
)


@given(
    endpoint=st.sampled_from(ENDPOINTS),
    status=st.sampled_from([200, 400, 429, 500]) | st.integers(100, 999),
    headers=HEADERS,
    body=BODIES,
)
def test_any_answer_is_read_or_one_of_our_errors(
    endpoint: Endpoint[Answer], status: int, headers: dict[str, str], body: bytes
) -> None:
    call = called(endpoint, task_id="t")
    try:
        answer = decode(call, Reply(status, headers, body), endpoint.answer)
    except DashScopeError as caught:
        error = caught
    else:
        assert json.dumps(dump(answer))
        return
    assert error.http_status == status
    assert str(error).encode()
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - written by the line itself
    assert vars(back) == vars(error)


@given(output=TASK, kind=st.sampled_from([models.VideoOutput, models.TemplateOutput]))
def test_any_output_is_read_or_one_of_our_errors(
    output: dict[str, Any], kind: type[models.TaskOutput]
) -> None:
    try:
        polled = decode(called(), reply({"output": output}), models.TaskResponse)
        read = read_output(polled, kind)
    except DashScopeError:
        return
    assert getattr(read, "video_url" if kind is models.VideoOutput else "template_id")
    assert read.task_id == polled.output.task_id


@given(code=st.none() | st.text(), message=st.text(), status=st.none() | st.integers(0, 999))
def test_any_code_becomes_an_error(code: str | None, message: str, status: int | None) -> None:
    error = service_error(code, message, model="m", http_status=status)
    assert error.message
    assert (error.code, error.http_status) == (code, status)
