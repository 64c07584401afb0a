"""The programs in the README, in both languages, do what it says, as they are printed there."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import av
import httpx
import pytest

from dashscope_aa.emulator import Emulator

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-CN.md")
PORTRAIT = ROOT / "examples" / "portrait.jpg"
DANCE = ROOT / "examples" / "dance.mp4"


def program(name: str, *, readme: str) -> str:
    """Give the program that a README marks by *name*."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    marked = rf"<!-- run: {re.escape(name)} -->\n```python\n(.*?)```\n"
    (code,) = re.findall(marked, text, re.DOTALL)
    return str(code)


@pytest.fixture(params=READMES)
def readme(request: pytest.FixtureRequest) -> str:
    """Each of the languages."""
    return str(request.param)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def surroundings(emulator: Emulator) -> dict[str, str]:
    """The environment of a user who points the library at the emulator."""
    emulator.requests.clear()
    return {
        **os.environ,
        "DASHSCOPE_API_KEY": "sk-emulated",
        "DASHSCOPE_HTTP_BASE_URL": emulator.base_url,
        "PYTHONUNBUFFERED": "1",
    }


def length_s(film: Path) -> float:
    """Decode a film, and tell how long it is."""
    with av.open(str(film)) as opened:
        (stream,) = opened.streams.video
        assert stream.codec_context.name == "h264"
        return sum(1 for _ in opened.decode(stream)) / float(stream.average_rate or 1)


def test_quick_start(
    emulator: Emulator, surroundings: dict[str, str], readme: str, tmp_path: Path
) -> None:
    code = program("quickstart.py", readme=readme)
    (tmp_path / "quickstart.py").write_text(code, encoding="utf-8")
    (tmp_path / "portrait.jpg").symlink_to(PORTRAIT)
    (tmp_path / "dance.mp4").symlink_to(DANCE)
    subprocess.run(
        [sys.executable, "-W", "error", "quickstart.py"],
        cwd=tmp_path,
        env=surroundings,
        check=True,
        timeout=60,
    )
    assert length_s(tmp_path / "result.mp4") == pytest.approx(length_s(DANCE), abs=0.1)
    assert emulator.paid_submits("wan2.2-animate-move") == emulator.paid_submits() == 1
    assert emulator.leaks == []


@pytest.fixture
def endpoint(surroundings: dict[str, str], readme: str, tmp_path: Path) -> Iterator[str]:
    """The web service of the README on a port; gives the URL of its endpoint."""
    code = program("app.py", readme=readme)
    (tmp_path / "app.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-W", "error", "-m", "uvicorn", "app:app", "--port", "0"]
    log = tmp_path / "log"
    with (
        log.open("wb") as written,
        subprocess.Popen(command, cwd=tmp_path, env=surroundings, stderr=written) as server,
    ):
        try:
            yield f"{_address(server, log)}/animations"
        finally:
            server.terminate()
    assert "Traceback" not in log.read_text()


def _address(server: "subprocess.Popen[bytes]", log: Path) -> str:
    """Wait until the server says where it is."""
    while server.poll() is None:
        found = re.search(r"running on (http://[\d.]+:\d+)", log.read_text())
        if found is not None:
            return found[1]
        time.sleep(0.01)
    pytest.fail(log.read_text())


def test_web_service(endpoint: str, emulator: Emulator, tmp_path: Path) -> None:
    with PORTRAIT.open("rb") as image, DANCE.open("rb") as motion:
        answer = httpx.post(endpoint, files={"image": image, "motion": motion}, timeout=60)
    assert answer.status_code == 200, answer.text
    film = tmp_path / "film.mp4"
    film.write_bytes(httpx.get(answer.json()["video_url"]).content)
    assert length_s(film) == pytest.approx(length_s(DANCE), abs=0.1)
    assert emulator.paid_submits() == 1
    sent = {upload.path.read_bytes() for upload in emulator.uploads}
    assert {PORTRAIT.read_bytes(), DANCE.read_bytes()} <= sent


def test_web_service_refuses_what_cannot_be_used(endpoint: str, emulator: Emulator) -> None:
    empty = ("../../etc/passwd", b"")
    answer = httpx.post(endpoint, files={"image": empty, "motion": empty}, timeout=60)
    assert answer.status_code == 422
    assert answer.json() == {"detail": "the image is empty; the video is empty"}
    assert len(emulator.requests) == 0


def test_every_program_is_tried(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    marked = set(re.findall(r"<!-- run: (\S+) -->", text))
    assert marked == {"quickstart.py", "app.py"}
    assert text.count("```python") == len(marked)
