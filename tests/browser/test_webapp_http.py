"""The example web app over plain HTTP: what it refuses, whatever the page would never send."""

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
JSON = {"content-type": "application/json"}
PORTRAIT, DANCE = EXAMPLES / "portrait.jpg", EXAMPLES / "dance.mp4"


@pytest.fixture
def app(lasting_app: Any) -> Any:
    return lasting_app


@pytest.fixture
def job(app: Any) -> str:
    """The URL of a job that was just begun."""
    begun = httpx.post(f"{app.url}/jobs", timeout=30)
    return f"{app.url}/jobs/{begun.json()['id']}"


def put(job: str, role: str, content: Any, **more: Any) -> httpx.Response:
    return httpx.put(f"{job}/files/{role}", content=content, timeout=60, **more)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("../../../../etc/passwd", id="a path upwards"),
        pytest.param("/etc/cron.d/job", id="a path from the root"),
        pytest.param("..", id="the folder above"),
        pytest.param("image.jpg/../../x.sh", id="a detour"),
        pytest.param("x." + "y" * 200, id="a suffix without an end"),
        pytest.param("x.jpg\0.mp4", id="a zero byte"),
        pytest.param("", id="no name"),
    ],
)
def test_a_files_name_is_no_path(app: Any, job: str, name: str) -> None:
    answer = put(job, "image", PORTRAIT.read_bytes(), params={"name": name})
    assert answer.status_code == 200, answer.text
    kept = {name.partition(".")[0] for name in app.files_of(job)}
    assert kept == {"image", "sheet"}
    assert answer.json()["look"]["facts"] == {"image": "512 × 512"}


def test_what_is_too_large_is_refused_before_it_is_read(app: Any, job: str) -> None:
    host, path = job.removeprefix("http://").split("/", 1)
    name, port = host.split(":")
    with socket.create_connection((name, int(port)), timeout=30) as wire:
        head = f"PUT /{path}/files/image HTTP/1.1\r\nHost: {host}\r\n"
        wire.sendall(f"{head}Content-Length: {31 * 1024 * 1024}\r\n\r\n".encode())
        answer = wire.recv(4096).decode()  # nothing of the file has been sent
    assert answer.startswith("HTTP/1.1 413 ")


def test_what_turns_out_too_large_is_not_kept(app: Any, job: str) -> None:
    chunk = bytes(1024 * 1024)
    try:
        answer = put(job, "image", (chunk for _ in range(31)))  # without a length
    except httpx.WriteError:  # it hung up before all was sent
        pass
    else:
        assert answer.status_code == 413
    assert app.files_of(job) == {}


def test_an_upload_that_breaks_off_leaves_what_was_there(app: Any, job: str) -> None:
    assert put(job, "image", PORTRAIT.read_bytes()).status_code == 200

    def broken() -> Any:
        yield bytes(2 * 1024 * 1024)
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError):
        put(job, "image", broken())
    deadline = time.monotonic() + 30
    while len(app.files_of(job)) > 2 and time.monotonic() < deadline:
        time.sleep(0.02)  # the server has to notice first
    assert set(app.files_of(job)) == {"image", "sheet.png"}
    assert app.files_of(job)["image"].read_bytes() == PORTRAIT.read_bytes()


def test_another_file_takes_the_place_of_the_first(app: Any, job: str) -> None:
    put(job, "image", PORTRAIT.read_bytes(), params={"name": "a.jpg"})
    put(job, "image", PORTRAIT.read_bytes(), params={"name": "a.jpeg"})
    assert set(app.files_of(job)) == {"image.jpeg", "sheet.png"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        pytest.param("PUT", "/files/image", b"", 422, "empty", id="an empty file"),
        pytest.param("PUT", "/files/sheet", b"x", 422, "image", id="no such role"),
        pytest.param("PUT", "/choice", b'{"engine": "veo"}', 422, "wan-std", id="no such engine"),
        pytest.param("PUT", "/choice", b'{"path": "/x"}', 422, "extra", id="an option of its own"),
        pytest.param("POST", "/start", b"", 409, "picture and a clip", id="nothing to start"),
        pytest.param("GET", "/sheet.png", b"", 404, "nothing to look at", id="no sheet yet"),
        pytest.param("GET", "/result.mp4", b"", 404, "not there yet", id="no video yet"),
        pytest.param("GET", "/nothing", b"", 404, "Not Found", id="no such thing"),
    ],
)
def test_refuses(job: str, method: str, path: str, body: bytes, status: int, says: str) -> None:
    answer = httpx.request(method, job + path, content=body, headers=JSON, timeout=30)
    assert answer.status_code == status
    assert says in answer.text


@pytest.mark.parametrize("path", ["", "/events", "/sheet.png", "/result.mp4"])
def test_nobody_guesses_a_job(app: Any, path: str) -> None:
    assert httpx.get(f"{app.url}/jobs/1{path}", timeout=30).status_code == 404


def test_a_job_that_was_started_changes_no_more(job: str) -> None:
    put(job, "image", PORTRAIT.read_bytes())
    put(job, "motion", DANCE.read_bytes())
    assert httpx.post(f"{job}/start", timeout=30).json()["stage"] == "running"
    for method, path in (("PUT", "/files/image"), ("PUT", "/choice"), ("POST", "/start")):
        answer = httpx.request(method, job + path, content=b"{}", headers=JSON, timeout=30)
        assert answer.status_code == 409


def test_a_name_of_a_stranger_leads_nowhere(app: Any) -> None:
    answer = httpx.get(f"{app.url}/", headers={"host": "evil.example"}, timeout=30)
    assert answer.status_code == 400


def test_the_page_lets_nothing_else_in(app: Any) -> None:
    answer = httpx.get(f"{app.url}/", timeout=30)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "//" not in answer.text.replace("<!doctype", "")  # no asset of another host


def test_two_servers_do_not_share_jobs(app: Any) -> None:
    second = app.spawn()
    assert second.wait(60) == 1
    assert "perhaps another server has it" in app.log


def test_says_what_key_is_missing(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "examples.webapp", "--data", str(tmp_path)],
        cwd=EXAMPLES.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1
    assert "DASHSCOPE_API_KEY" in ran.stderr
    assert "Traceback" not in ran.stderr
