"""The emulator as a whole: started, used and stopped, on every loop and on none."""

import gc
import json
import logging
import socket
import threading
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from dashscope_aa.codes import CODES
from dashscope_aa.emulator import (
    AnswerLost,
    Emulator,
    Malformed,
    RequestLost,
    ServerFault,
    SlowHeaders,
)
from dashscope_aa.emulator import _answers as answers

KEY = {"Authorization": "Bearer sk-test"}
SYNTHESIS = "/services/aigc/image2video/video-synthesis"
OSS_CODES = {  # object storage has codes of its own; the client reads its answers by status
    "InvalidAccessKeyId",
    "InvalidArgument",
    "MalformedPOSTRequest",
    "MethodNotAllowed",
    "NoSuchKey",
    "SignatureDoesNotMatch",
}


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if "emulator" in thread.name}


def test_it_leaves_nothing_behind() -> None:
    with Emulator() as emulator:
        folder = emulator._service.folder
        assert httpx.get(f"{emulator.base_url}/tasks", headers=KEY).status_code == 200
        assert threads()
        address = ("127.0.0.1", emulator.port)
    assert not folder.exists()
    assert not threads()
    with socket.socket() as probe:
        assert probe.connect_ex(address) != 0


def test_it_stops_although_somebody_has_just_come() -> None:
    for _ in range(20):
        with Emulator() as emulator:
            there = ("127.0.0.1", emulator.port)
            callers = [socket.create_connection(there) for _ in range(3)]
        for caller in callers:
            caller.close()
        gc.collect()  # what is left open would warn now


def test_it_stops_although_somebody_waits() -> None:
    with Emulator() as emulator, httpx.Client(headers=KEY) as client:
        emulator.faults.add(SlowHeaders(delay_s=600))
        url = f"{emulator.base_url}/tasks"

        def wait() -> None:
            with pytest.raises(httpx.TransportError):
                client.get(url)

        waiting = threading.Thread(target=wait)
        waiting.start()
        while not emulator.requests or emulator.requests[0].status is None:
            pass
    waiting.join()
    assert not threads()


def test_it_stops_although_work_is_under_way(clip: Path, portrait: Path, client_of: Any) -> None:
    with Emulator(seed=1) as emulator:
        desk = client_of(emulator)
        for _ in range(3):
            desk.wan(emulator.host_file(portrait), emulator.host_file(clip))
        desk.http.close()
    assert not threads()


def test_a_port_can_be_chosen() -> None:
    with Emulator() as first:
        assert first.base_url == f"http://127.0.0.1:{first.port}/api/v1"
        with pytest.raises(OSError, match="in use"):
            Emulator(port=first.port).start()
    with Emulator(port=first.port) as second:
        assert second.port == first.port


def test_it_may_listen_everywhere() -> None:
    with Emulator(host="0.0.0.0") as emulator:  # noqa: S104 - this is what is tried
        assert emulator.root_url.startswith("http://127.0.0.1:")


def test_it_starts_once() -> None:
    with Emulator() as emulator:
        pass
    with pytest.raises(RuntimeError, match="make another one"):
        emulator.start()


def test_before_the_start_there_is_no_port() -> None:
    emulator = Emulator()
    with pytest.raises(RuntimeError, match="start it first"):
        _ = emulator.base_url
    emulator.stop()


def test_a_seed_makes_the_same_ids_again() -> None:
    ids = []
    for _ in range(2):
        with Emulator(seed=7) as emulator:
            answer = httpx.get(f"{emulator.base_url}/tasks", headers=KEY)
            ids.append(answer.json()["request_id"])
    assert ids[0] == ids[1]


def test_no_key_can_be_seen() -> None:
    with Emulator(api_keys=["sk-secret"]) as emulator:
        headers = {"Authorization": "Bearer sk-secret"}
        httpx.get(f"{emulator.base_url}/tasks", headers=headers)
        (received,) = emulator.requests
        assert received.headers["authorization"] == "Bearer ***"
        assert "secret" not in repr(emulator) + repr(received)


def test_requests_can_be_looked_at() -> None:
    with Emulator() as emulator:
        httpx.get(f"{emulator.base_url}/tasks/", params={"page_no": 2}, headers=KEY)
        body = {"model": "wan2.2-animate-mix", "input": {}}
        httpx.post(emulator.base_url + SYNTHESIS, json=body, headers=KEY)
        first, second = emulator.requests[:]
        assert (first.operation, first.method, first.path) == ("list", "GET", "/api/v1/tasks/")
        assert (first.query, first.status) == ({"page_no": "2"}, 200)
        assert (second.operation, second.body, second.status) == ("mix", body, 403)
        assert emulator.requests.of("mix") == [second]
        assert emulator.paid_submits() == emulator.paid_submits("wan2.2-animate-mix") == 1
        assert emulator.paid_submits("wan2.2-animate-move") == 0
        emulator.requests.clear()
        assert len(emulator.requests) == 0


def test_the_log_is_quiet(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), Emulator() as emulator:
        emulator.faults.add(RequestLost(), AnswerLost(), AnswerLost(within=True))
        for _ in range(3):
            with pytest.raises(httpx.TransportError):
                httpx.get(f"{emulator.base_url}/tasks", headers=KEY)
    assert caplog.records == []


def known_answers() -> list[answers.Answer]:
    named = [value for value in vars(answers).values() if isinstance(value, answers.Answer)]
    return [*named, *answers.RETIRED.values()]


@pytest.mark.parametrize("code", sorted({answer.code for answer in known_answers()} - OSS_CODES))
def test_its_codes_are_those_of_the_documents(code: str) -> None:
    assert code in CODES


# ── on a loop ────────────────────────────────────────────────────────────────────────────


@pytest.mark.anyio
async def test_the_whole_way_on_a_loop(clip: Path, portrait: Path) -> None:
    async with (
        Emulator(queries_per_s=None) as emulator,
        httpx.AsyncClient(base_url=emulator.base_url, headers=KEY) as client,
    ):
        body = {
            "model": "wan2.2-animate-move",
            "input": {
                "prompt": None,
                "extend_prompt": True,
                "image_url": emulator.host_file(portrait),
                "video_url": emulator.host_file(clip),
            },
            "parameters": {"mode": "wan-std"},
        }
        headers = {"X-DashScope-Async": "enable"}
        answer = (await client.post(SYNTHESIS, json=body, headers=headers)).json()
        while answer["output"]["task_status"] in {"PENDING", "RUNNING"}:
            await anyio.sleep(0.01)
            answer = (await client.get(f"/tasks/{answer['output']['task_id']}")).json()
        assert answer["output"]["task_status"] == "SUCCEEDED"
        url = answer["output"]["results"]["video_url"]
        async with httpx.AsyncClient() as stranger:
            assert (await stranger.get(url)).content[4:8] == b"ftyp"
        assert [view.status for view in emulator.tasks] == ["SUCCEEDED"]
        assert emulator.leaks == []
    assert not threads()


@pytest.mark.anyio
async def test_a_cancelled_block_stops_it_all_the_same() -> None:
    with anyio.CancelScope() as scope:
        async with Emulator():
            scope.cancel()
            await anyio.sleep(1)
    assert scope.cancelled_caught
    assert not threads()


@pytest.mark.anyio
async def test_in_process_there_is_no_socket(portrait: Path) -> None:
    async with (
        Emulator() as emulator,
        httpx.AsyncClient(
            transport=emulator.transport(), base_url=emulator.base_url, headers=KEY
        ) as client,
    ):
        query = {"action": "getPolicy", "model": "animate-anyone-detect-gen2"}
        data = (await client.get("/uploads", params=query)).json()["data"]
        form = {
            "OSSAccessKeyId": data["oss_access_key_id"],
            "Signature": data["signature"],
            "policy": data["policy"],
            "key": f"{data['upload_dir']}/portrait.jpg",
            "x-oss-object-acl": data["x_oss_object_acl"],
            "x-oss-forbid-overwrite": data["x_oss_forbid_overwrite"],
        }
        async with httpx.AsyncClient(transport=emulator.transport()) as stranger:
            files = {"file": portrait.read_bytes()}
            stored = await stranger.post(data["upload_host"], data=form, files=files)
        assert stored.status_code == 204
        body = {"model": query["model"], "input": {"image_url": f"oss://{form['key']}"}}
        headers = {"X-DashScope-OssResourceResolve": "enable"}
        url = "/services/aigc/image2video/aa-detect"
        answer = await client.post(url, json=body, headers=headers)
        assert answer.json()["output"]["check_pass"] is True


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param(RequestLost(), httpx.ReadError, id="before"),
        pytest.param(AnswerLost(), httpx.ReadError, id="after"),
        pytest.param(AnswerLost(within=True), httpx.RemoteProtocolError, id="within"),
        pytest.param(Malformed(), json.JSONDecodeError, id="half an answer"),
    ],
)
async def test_in_process_connections_break_too(fault: Any, error: type[Exception]) -> None:
    async with (
        Emulator() as emulator,
        httpx.AsyncClient(
            transport=emulator.transport(), base_url=emulator.base_url, headers=KEY
        ) as client,
    ):
        emulator.faults.add(fault)
        with pytest.raises(error):
            (await client.get("/tasks")).json()
        assert (await client.get("/tasks")).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize("fault", [RequestLost(on="upload"), ServerFault(on="upload")])
async def test_in_process_an_upload_is_read_whatever_happens(fault: Any) -> None:
    async with (
        Emulator() as emulator,
        httpx.AsyncClient(transport=emulator.transport(), base_url=emulator.root_url) as client,
    ):
        emulator.faults.add(fault)
        read: list[int] = []

        async def chunks() -> Any:
            for number in range(3):
                read.append(number)
                yield b"bytes"

        try:
            answer = await client.post("/oss", content=chunks())
            assert answer.status_code == 503
        except httpx.ReadError:
            assert isinstance(fault, RequestLost)
        assert read == [0, 1, 2]
