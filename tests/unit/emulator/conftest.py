"""An emulator, files to give it, and a client that knows nothing but HTTP."""

import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from PIL import Image, ImageDraw

from dashscope_aa.emulator import Clock, Emulator

from_image: Any = av.VideoFrame.from_image  # PyAV gives it no types

IMAGE2VIDEO = "/services/aigc/image2video"
ENDED = {"SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN"}
ASYNC = {"X-DashScope-Async": "enable"}
RESOLVE = {"X-DashScope-OssResourceResolve": "enable"}


@pytest.fixture(scope="session")
def portrait() -> Path:
    """A photograph within every limit."""
    return Path(__file__).parents[3] / "examples" / "portrait.jpg"


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a bar that wanders, with a silent sound track; within every limit."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    with av.open(str(path), "w") as container:
        picture: Any = container.add_stream("libx264", 25)
        picture.width, picture.height, picture.options = 320, 240, {"preset": "ultrafast"}
        sound: Any = container.add_stream("aac", 44_100, layout="mono")
        for number in range(50):
            image = Image.new("RGB", (320, 240), "navy")
            ImageDraw.Draw(image).rectangle((5 * number, 40, 5 * number + 60, 200), fill="orange")
            frame = from_image(image)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        for start in range(0, 2 * 44_100, 1024):
            samples: Any = av.AudioFrame(format="fltp", layout="mono", samples=1024)
            samples.planes[0].update(bytes(4096))
            samples.sample_rate, samples.pts = 44_100, start
            container.mux(sound.encode(samples))
        container.mux(sound.encode(None))
    return path


class Desk:
    """A client of one account: sends requests as the pages print them."""

    def __init__(self, emulator: Emulator, key: str = "sk-test") -> None:
        self.emulator = emulator
        self.base_url = emulator.base_url
        self.http = httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=30)

    def get(self, path: str, **query: str | int) -> httpx.Response:
        return self.http.get(self.base_url + path, params=query)

    def post(
        self, path: str, json: Any = None, headers: dict[str, str] | None = None, **query: str
    ) -> httpx.Response:
        return self.http.post(self.base_url + path, json=json, headers=headers, params=query)

    def detect(self, image_url: str) -> httpx.Response:
        body = {"model": "animate-anyone-detect-gen2", "input": {"image_url": image_url}}
        return self.post(f"{IMAGE2VIDEO}/aa-detect", body, RESOLVE)

    def template(self, video_url: str) -> httpx.Response:
        body = {"model": "animate-anyone-template-gen2", "input": {"video_url": video_url}}
        return self.post(f"{IMAGE2VIDEO}/aa-template-generation", body, ASYNC | RESOLVE)

    def synthesis(self, image_url: str, template_id: str, **parameters: Any) -> httpx.Response:
        body = {
            "model": "animate-anyone-gen2",
            "input": {"image_url": image_url, "template_id": template_id},
            "parameters": parameters,
        }
        return self.post(f"{IMAGE2VIDEO}/video-synthesis/", body, ASYNC | RESOLVE)

    def wan(
        self,
        image_url: str,
        video_url: str,
        *,
        kind: str = "move",
        headers: dict[str, str] | None = None,
        **parameters: Any,
    ) -> httpx.Response:
        body = {
            "model": f"wan2.2-animate-{kind}",
            "input": {"image_url": image_url, "video_url": video_url},
            "parameters": {"mode": "wan-std", **parameters},
        }
        sent = ASYNC | RESOLVE if headers is None else headers
        return self.post(f"{IMAGE2VIDEO}/video-synthesis", body, sent)

    def query(self, task_id: str) -> dict[str, Any]:
        answer = self.get(f"/tasks/{task_id}")
        assert answer.status_code == 200, answer.text
        content: dict[str, Any] = answer.json()
        return content

    def wait(self, submitted: httpx.Response) -> dict[str, Any]:
        """Wait for the end of a task that was just submitted."""
        assert submitted.status_code == 200, submitted.text
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            answer = self.query(submitted.json()["output"]["task_id"])
            if answer["output"]["task_status"] in ENDED:
                return answer
            time.sleep(0.01)
        raise TimeoutError

    def certificate(self, model: str = "wan2.2-animate-move") -> dict[str, Any]:
        answer = self.get("/uploads", action="getPolicy", model=model)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def upload(self, path: Path, *, model: str = "wan2.2-animate-move") -> str:
        """Upload a file the documented way; give its ``oss://`` URL."""
        certificate = self.certificate(model)
        form = self.form(certificate, path.name)
        with path.open("rb") as file:
            answer = httpx.post(certificate["upload_host"], data=form, files={"file": file})
        assert answer.status_code == 200, answer.text
        return f"oss://{form['key']}"

    @staticmethod
    def form(certificate: dict[str, Any], name: str, **more: str) -> dict[str, str]:
        """Fill in the fields of a form post, in the documented order."""
        return {
            "OSSAccessKeyId": certificate["oss_access_key_id"],
            "Signature": certificate["signature"],
            "policy": certificate["policy"],
            "x-oss-object-acl": certificate["x_oss_object_acl"],
            "x-oss-forbid-overwrite": certificate["x_oss_forbid_overwrite"],
            "key": f"{certificate['upload_dir']}/{name}",
            "success_action_status": "200",
            **more,
        }


OpenDesk = Callable[..., Desk]


@pytest.fixture(scope="session")
def client_of() -> type[Desk]:
    """What makes a client of an emulator."""
    return Desk


@pytest.fixture
def open_desk() -> Iterator[OpenDesk]:
    """Start an emulator with the switches given, and give a client of it."""
    opened: list[Desk] = []

    def start(*, key: str = "sk-test", **switches: Any) -> Desk:
        switches.setdefault("queries_per_s", None)
        emulator = Emulator(**switches)
        emulator.start()
        opened.append(Desk(emulator, key))
        return opened[-1]

    yield start
    for desk in opened:
        desk.http.close()
        desk.emulator.stop()


@pytest.fixture
def desk(open_desk: OpenDesk) -> Desk:
    """A client of an emulator that behaves as it does by default."""
    return open_desk()


@pytest.fixture
def still_desk(open_desk: OpenDesk) -> Desk:
    """A client of an emulator whose clock moves only when it is turned."""
    return open_desk(clock=Clock(ticking=False), run_s=10, submits_per_s=None)


@pytest.fixture
def second_desk(desk: Desk) -> Iterator[Desk]:
    """A client of the same emulator with another account."""
    second = Desk(desk.emulator, "sk-other")
    yield second
    second.http.close()
