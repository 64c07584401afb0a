"""The emulator does what its description says, whatever it is sent, and never breaks."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from dashscope_aa import AnimateAnyone, Client, Engine, WanAnimate
from dashscope_aa._endpoints import API_PATH, ENDPOINTS
from dashscope_aa.emulator import Emulator, Faults, TaskFails, Throttle
from dashscope_aa.errors import TaskFailedError

DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "docs" / "reference" / "openapi.json").read_text(encoding="utf-8")
)

# Left out are the checks that ask for more than the service says of itself: that it answers a
# wrong method by 405, that it takes all that could be right, and no field it does not know.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
    "missing_required_header",
)


def test_every_endpoint_is_described() -> None:
    described = {
        (verb.upper(), path)
        for path, verbs in DOCUMENT["paths"].items()
        for verb in verbs
        if path.startswith(API_PATH)
    }
    assert described == {(row.method, API_PATH + row.path.rstrip("/")) for row in ENDPOINTS}


def test_every_model_is_told_apart() -> None:
    text = json.dumps(DOCUMENT["paths"])
    assert [row.model for row in ENDPOINTS if row.model and f'"{row.model}"' not in text] == []


def test_schemathesis_finds_nothing(
    dashscope_emulator: Emulator, dashscope_portrait: Path, tmp_path: Path
) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(DOCUMENT))
    command = [sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--no-color"]
    command += ["--url", dashscope_emulator.root_url, "--header", "Authorization: Bearer sk-any"]
    command += ["--phases", "coverage,fuzzing", "--max-examples", "30", "--seed", "1"]
    command += ["--generation-database", "none", "--checks", ",".join(CHECKS)]
    surroundings = {
        **os.environ,
        "PORTRAIT_URL": dashscope_emulator.host_file(dashscope_portrait),
        "PYTHONPATH": str(Path(__file__).parent),
        "SCHEMATHESIS_HOOKS": "hooks",
    }
    ran = subprocess.run(
        command, cwd=tmp_path, env=surroundings, check=False, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"Tested: (\d+)", ran.stdout), ran.stdout
    # It got further than the doors: pictures were looked at, and tasks accepted.
    assert any(it.status == 200 for it in dashscope_emulator.requests.of("detect"))
    assert {task.operation for task in dashscope_emulator.tasks} >= {
        "template",
        "synthesis",
        "move",
    }


# ── answers of calls that make sense ─────────────────────────────────────────────────────


def described(verb: str, path: str) -> dict[str, Any]:
    """Give the description of the call made by a path."""
    for pattern, verbs in DOCUMENT["paths"].items():
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(pattern)), path.rstrip("/")):
            operation: dict[str, Any] = verbs[verb]
            return operation
    raise LookupError(path)


class Recorder(httpx.AsyncBaseTransport):
    """Holds every JSON answer that goes by against the description."""

    def __init__(self, emulator: Emulator) -> None:
        self.seen: list[tuple[str, int]] = []
        self._inner = emulator.transport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if request.url.path.startswith(API_PATH):
            operation = described(request.method.lower(), request.url.path)
            body = await response.aread()
            self._check(operation, response.status_code, json.loads(body))
            response = httpx.Response(response.status_code, headers=response.headers, content=body)
        return response

    def _check(self, operation: dict[str, Any], status: int, body: Any) -> None:
        responses = operation["responses"]
        wanted = responses["200" if status == 200 else f"{status // 100}XX"]
        schema = wanted["content"]["application/json"]["schema"]
        whole = {**schema, "components": DOCUMENT["components"]}
        Draft202012Validator(whole).validate(body)
        self.seen.append((operation["operationId"], status))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("engine", "called"),
    [
        pytest.param(AnimateAnyone(), {"detect", "template"}, id="animate-anyone"),
        pytest.param(WanAnimate(mode="wan-std"), set(), id="wan"),
    ],
)
async def test_answers_of_a_whole_run(
    dashscope_emulator: Emulator,
    dashscope_portrait: Path,
    dashscope_clip: Path,
    engine: Engine,
    called: set[str],
) -> None:
    recorder = Recorder(dashscope_emulator)
    async with Client(transport=recorder) as client:
        await client.animate(dashscope_portrait, dashscope_clip, engine=engine)
        assert [page async for page in client.list_tasks()]
    always = {"upload_policy", "synthesis_or_move_or_mix", "query_task", "list_tasks"}
    assert {name for name, _ in recorder.seen} == always | called
    assert {status for _, status in recorder.seen} == {200}


@pytest.mark.anyio
async def test_answers_of_what_goes_wrong(
    dashscope_emulator: Emulator,
    dashscope_faults: Faults,
    dashscope_portrait: Path,
    dashscope_clip: Path,
) -> None:
    recorder = Recorder(dashscope_emulator)
    dashscope_faults.add(Throttle(on="policy"), TaskFails())
    engine = WanAnimate(mode="wan-std")
    async with Client(transport=recorder) as client:
        with pytest.raises(TaskFailedError):
            await client.animate(dashscope_portrait, dashscope_clip, engine=engine)
        assert not await client.cancel_task(dashscope_emulator.tasks[0].id)
    assert {("upload_policy", 429), ("cancel_task", 400)} <= set(recorder.seen)


# ── calls that make none ─────────────────────────────────────────────────────────────────

VIDEO = "/services/aigc/image2video/video-synthesis"
DETECT = "/services/aigc/image2video/aa-detect"
MANY = "9" * 5000
HALF = '{"model":"animate-anyone-detect-gen2","input":{"image_url":"http://127.0.0.1:9/\\ud800"}}'


@pytest.fixture
def http(dashscope_emulator: Emulator) -> httpx.Client:
    key = {"Authorization": "Bearer sk-any"}
    return httpx.Client(base_url=dashscope_emulator.base_url, headers=key, timeout=30)


@pytest.mark.parametrize(
    ("verb", "path", "content", "code"),
    [
        pytest.param("POST", DETECT, HALF, "InvalidParameter", id="half a surrogate in a URL"),
        pytest.param("POST", DETECT, "[" * 99_999, "InvalidParameter", id="a very deep body"),
        pytest.param("POST", DETECT, "1" * 5000, "InvalidParameter", id="a very long number"),
        pytest.param("POST", DETECT, b"\xff\xfe", "InvalidParameter", id="a body in no encoding"),
        pytest.param("POST", DETECT, '{"model":["a"]}', "InvalidParameter", id="a list of models"),
        pytest.param("GET", f"/tasks?page_no={MANY}", "", "InvalidParameter", id="a far page"),
        pytest.param("GET", f"/tasks?page_size={MANY}", "", "InvalidParameter", id="a long page"),
        pytest.param("GET", "/tasks?page_no=%D9%A3", "", "InvalidParameter", id="Arabic digits"),
        pytest.param(
            "POST", f"/tokens?expire_in_seconds={MANY}", "", "InvalidParameter", id="a long life"
        ),
        pytest.param("POST", "/tasks/%ed%a0%80/cancel", "", "UnsupportedOperation", id="odd id"),
        pytest.param("GET", f"/tasks/{MANY}/more", "", "NotFound", id="a path nobody knows"),
    ],
)
def test_refuses_nonsense_in_the_documented_shape(
    http: httpx.Client, verb: str, path: str, content: str | bytes, code: str
) -> None:
    with http:
        answer = http.request(verb, path, content=content)
    assert 400 <= answer.status_code < 500
    assert answer.json()["code"] == code
    assert set(answer.json()) == {"code", "message", "request_id"}


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param("multipart/form-data; boundary=" + "b" * 300, id="a boundary without end"),
        pytest.param("multipart/form-data; boundary=", id="an empty boundary"),
        pytest.param("multipart/form-data", id="no boundary"),
        pytest.param("text/plain", id="no form"),
    ],
)
def test_refuses_forms_that_are_none(dashscope_emulator: Emulator, content_type: str) -> None:
    url = f"{dashscope_emulator.root_url}/oss"
    answer = httpx.post(url, content=b"--b\r\n", headers={"Content-Type": content_type})
    assert answer.status_code == 400
    assert "<Code>MalformedPOSTRequest</Code>" in answer.text


def test_key_of_an_upload_is_escaped(http: httpx.Client) -> None:
    with http:
        query = {"action": "getPolicy", "model": "wan2.2-animate-move"}
        given = http.get("/uploads", params=query).json()["data"]
    form = {
        "OSSAccessKeyId": given["oss_access_key_id"],
        "Signature": given["signature"],
        "policy": given["policy"],
        "x-oss-object-acl": given["x_oss_object_acl"],
        "x-oss-forbid-overwrite": given["x_oss_forbid_overwrite"],
        "key": f"{given['upload_dir']}/Tom & <Jerry>.jpg",
        "success_action_status": "201",
    }
    answer = httpx.post(given["upload_host"], data=form, files={"file": b"any"})
    assert answer.status_code == 201
    assert "/Tom &amp; &lt;Jerry&gt;.jpg</Key>" in answer.text
