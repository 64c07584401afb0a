"""The service as it is met over HTTP: keys, paths, methods, headers, limits, detect."""

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from dashscope_aa.emulator import ImageRejected

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
DETECT = "/services/aigc/image2video/aa-detect"
SYNTHESIS = "/services/aigc/image2video/video-synthesis"
ASYNC = {"X-DashScope-Async": "enable"}


def said(answer: httpx.Response) -> tuple[int, str, str]:
    """Give status, code and message; an error body holds these and the request id."""
    body = answer.json()
    assert set(body) == {"code", "message", "request_id"}
    return answer.status_code, body["code"], body["message"]


def test_a_client_that_hangs_up_leaves_no_error(
    open_desk: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    desk = open_desk()
    host, _, port = desk.emulator.root_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as half:
        half.sendall(b"POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        while not desk.emulator.requests.of("token"):  # it is waiting for the rest now
            assert desk.get("/tasks").status_code == 200
    desk.emulator.stop()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


# ── keys ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        pytest.param({}, "No API-key provided.", id="no header"),
        pytest.param({"Authorization": "Bearer"}, "No API-key provided.", id="no key"),
        pytest.param({"Authorization": "Bearer xyz"}, "Invalid API-key provided.", id="another"),
        pytest.param({"Authorization": "Bearer sk-"}, "Invalid API-key provided.", id="half a key"),
        pytest.param({"Authorization": "sk-test"}, "Invalid API-key provided.", id="no scheme"),
        pytest.param({"Authorization": "Bearer st-1"}, "Invalid API-key provided.", id="no token"),
    ],
)
def test_who_is_not_let_in(desk: Any, headers: dict[str, str], message: str) -> None:
    answer = httpx.get(f"{desk.base_url}/tasks", headers=headers)
    assert said(answer) == (401, "InvalidApiKey", message)


def test_only_the_keys_it_knows(open_desk: Callable[..., Any]) -> None:
    desk = open_desk(api_keys=["sk-known"], key="sk-known")
    assert desk.get("/tasks").status_code == 200
    stranger = httpx.get(f"{desk.base_url}/tasks", headers={"Authorization": "Bearer sk-test"})
    assert said(stranger)[0] == 401


def test_keys_may_share_an_account(open_desk: Callable[..., Any], clip: Path) -> None:
    desk = open_desk(api_keys={"sk-a": "us", "sk-b": "us", "sk-c": "them"}, key="sk-a")
    task_id = desk.template(desk.emulator.host_file(clip)).json()["output"]["task_id"]
    seen = {}
    for key in ("sk-a", "sk-b", "sk-c"):
        headers = {"Authorization": f"Bearer {key}"}
        answer = httpx.get(f"{desk.base_url}/tasks/{task_id}", headers=headers)
        seen[key] = answer.json()["output"]["task_status"] == "UNKNOWN"
    assert seen == {"sk-a": False, "sk-b": False, "sk-c": True}


def test_a_temporary_key_works_until_it_ends(still_desk: Any) -> None:
    token = still_desk.post("/tokens", expire_in_seconds="120").json()
    assert set(token) == {"token", "expires_at"}
    assert token["token"].startswith("st-")
    headers = {"Authorization": f"Bearer {token['token']}"}
    assert httpx.get(f"{still_desk.base_url}/tasks", headers=headers).status_code == 200
    still_desk.emulator.clock.advance(121)
    late = httpx.get(f"{still_desk.base_url}/tasks", headers=headers)
    assert said(late) == (401, "InvalidApiKey", "Invalid API-key provided.")


def test_a_temporary_key_lives_a_minute_by_default(still_desk: Any) -> None:
    expires_at = still_desk.post("/tokens").json()["expires_at"]
    assert expires_at - still_desk.emulator.clock.now() == pytest.approx(60, abs=1)


@pytest.mark.parametrize("seconds", ["0", "1801", "-1", "soon", ""])
def test_temporary_keys_have_limits(desk: Any, seconds: str) -> None:
    status, code, message = said(desk.post("/tokens", expire_in_seconds=seconds))
    assert (status, code) == (400, "InvalidParameter")
    assert "expire_in_seconds" in message


# ── paths, methods, headers ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", [DETECT, DETECT + "/", SYNTHESIS, SYNTHESIS + "/"])
def test_a_slash_at_the_end_makes_no_difference(desk: Any, path: str) -> None:
    answer = desk.post(path, {}, {} if path.startswith(DETECT) else ASYNC)
    assert said(answer)[1] == "BadRequest.EmptyModel"
    assert not answer.history


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        pytest.param("GET", "/x", (404, "NotFound", "Request path not found."), id="nothing there"),
        pytest.param(
            "POST",
            "/services/aigc/image2video/face-detect",
            (400, "InvalidParameter", "url error, please check url!"),
            id="no such service",
        ),
        pytest.param(
            "GET",
            SYNTHESIS,
            (400, "InvalidParameter", "Request method 'GET' is not supported."),
            id="wrong method",
        ),
    ],
)
def test_places_where_nothing_is(
    desk: Any, method: str, path: str, expected: tuple[int, str, str]
) -> None:
    assert said(desk.http.request(method, desk.base_url + path)) == expected


def test_a_task_wants_the_async_header(desk: Any) -> None:
    answer = desk.post(SYNTHESIS, {"model": "wan2.2-animate-move"})
    message = "current user api does not support synchronous calls."
    assert said(answer) == (403, "AccessDenied", message)


def test_detect_refuses_the_async_header(desk: Any) -> None:
    answer = desk.post(DETECT, {"model": "animate-anyone-detect-gen2"}, ASYNC)
    message = "Current user api does not support asynchronous calls."
    assert said(answer) == (403, "AccessDenied", message)


def test_a_body_too_large_is_refused(desk: Any) -> None:
    answer = desk.post(SYNTHESIS, {"model": "x" * 7_000_000}, ASYNC)
    assert said(answer) == (400, "BadRequest.TooLarge", "Payload Too Large.")


def test_answers_carry_the_headers_seen(desk: Any) -> None:
    answer = desk.get("/tasks/nobody-knows")
    headers = answer.headers
    assert headers["content-type"] == "application/json;charset=UTF-8"
    assert headers["server"] == "istio-envoy"
    assert UUID.fullmatch(headers["x-request-id"])
    assert headers["x-request-id"] == answer.json()["request_id"]
    assert int(headers["resp-start-time"]) >= int(headers["req-arrive-time"])
    assert "retry-after" not in headers
    assert "x-dashscope-call-gateway" not in headers


def test_service_calls_carry_more(desk: Any, portrait: Path) -> None:
    answer = desk.detect(desk.emulator.host_file(portrait))
    assert answer.headers["x-dashscope-call-gateway"] == "true"


# ── how often ────────────────────────────────────────────────────────────────────────────


def test_twenty_questions_a_second(open_desk: Callable[..., Any]) -> None:
    desk = open_desk(queries_per_s=20)
    answers = [desk.get("/tasks/nobody-knows") for _ in range(15)]
    answers += [desk.get("/tasks") for _ in range(4)]
    answers += [desk.post("/tasks/nobody-knows/cancel") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200] * 19 + [400, 429]
    message = "Requests rate limit exceeded, please try again later."
    assert said(answers[-1]) == (429, "Throttling.RateQuota", message)


def test_five_submits_a_second_of_each_model(desk: Any) -> None:
    def submit(model: str) -> int:
        status: int = desk.post(SYNTHESIS, {"model": model}, ASYNC).status_code
        return status

    assert [submit("wan2.2-animate-move") for _ in range(6)] == [400] * 5 + [429]
    assert submit("wan2.2-animate-mix") == 400


def test_certificates_are_limited_too(open_desk: Callable[..., Any]) -> None:
    desk = open_desk(policies_per_s=2)
    asked = {"action": "getPolicy", "model": "wan2.2-animate-move"}
    answers = [desk.get("/uploads", **asked).status_code for _ in range(3)]
    assert answers == [200, 200, 429]


# ── retirement ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("AccessDenied", (403, "AccessDenied", "Access denied."), id="denied"),
        pytest.param(
            "Endpoint.AccessDenied",
            (403, "Endpoint.AccessDenied", "Workspace endpoint access denied."),
            id="endpoint denied",
        ),
        pytest.param("ModelNotFound", (404, "ModelNotFound", "Model can not be found."), id="404"),
        pytest.param(
            "InvalidParameter", (400, "InvalidParameter", "Model not exist."), id="no such model"
        ),
    ],
)
def test_four_ways_to_be_retired(
    open_desk: Callable[..., Any], code: str, expected: tuple[int, str, str]
) -> None:
    desk = open_desk(retired=code)
    assert said(desk.detect("https://example.com/a.jpg")) == expected
    assert said(desk.template("https://example.com/a.mp4")) == expected
    assert said(desk.synthesis("https://example.com/a.jpg", "AACT.1")) == expected
    assert said(desk.post(SYNTHESIS, {"model": "wan2.2-animate-mix"}, ASYNC))[1] != code


# ── detect ───────────────────────────────────────────────────────────────────────────────


def test_a_fit_picture_passes(desk: Any, portrait: Path) -> None:
    answer = desk.detect(desk.emulator.host_file(portrait)).json()
    assert answer["output"]["check_pass"] is True
    assert answer["output"]["bodystyle"] in {"full", "half"}
    assert answer["usage"] == {"image_count": 1}


@pytest.fixture
def empty_picture(tmp_path: Path) -> Path:
    path = tmp_path / "empty.png"
    Image.new("RGB", (600, 900), "gray").save(path)
    return path


def test_a_picture_without_anybody_is_refused_by_200(desk: Any, empty_picture: Path) -> None:
    answer = desk.detect(desk.emulator.host_file(empty_picture))
    assert answer.status_code == 200
    output = answer.json()["output"]
    assert (output["check_pass"], output["bodystyle"]) == (False, "")
    assert output["reason"].startswith("The input image has no human body.")
    assert answer.json()["usage"] == {"image_count": 1}


def test_or_by_400_if_switched(open_desk: Callable[..., Any], empty_picture: Path) -> None:
    desk = open_desk(detect_rejects_as_400=True)
    status, code, message = said(desk.detect(desk.emulator.host_file(empty_picture)))
    assert (status, code) == (400, "InvalidFile.NoHuman")
    assert message.startswith("The input image has no human body.")


@pytest.mark.parametrize("as_400", [False, True], ids=["by 200", "by 400"])
def test_any_picture_may_be_refused(desk: Any, portrait: Path, *, as_400: bool) -> None:
    reason = "The input image has multi human bodies. Please upload other image with single person."
    fault = ImageRejected(code="InvalidFile.MultiHuman", reason=reason, as_400=as_400)
    desk.emulator.faults.add(fault)
    answer = desk.detect(desk.emulator.host_file(portrait))
    if as_400:
        assert said(answer) == (400, "InvalidFile.MultiHuman", reason)
    else:
        assert answer.json()["output"]["reason"] == reason


def test_a_picture_too_small_is_refused_by_400(desk: Any, tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    Image.effect_noise((200, 300), 50).save(path)
    assert said(desk.detect(desk.emulator.host_file(path)))[:2] == (400, "InvalidFile.Resolution")
