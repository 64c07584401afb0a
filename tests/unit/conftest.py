"""What the tests of the client share: small media, the emulator, and quick clients."""

import dataclasses
import uuid
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from fractions import Fraction
from math import sin
from pathlib import Path
from typing import Any

import av
import pytest
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from PIL import Image, ImageDraw

from dashscope_aa import Client, Schedule
from dashscope_aa._schedule import Retries
from dashscope_aa.emulator import Emulator, Operation, Switches

QUICK = Schedule(first_s=0.005, cap_s=0.05, queries_per_s=200, submits_per_s=1000)
SIZE_PX = (320, 240)
FPS = 30
SOUND_RATE = 48_000


# ── media ────────────────────────────────────────────────────────────────────────────────


def make_clip(path: Path, *, hue: int, seconds: int = 2) -> Path:
    """Film a disc that rolls over noise, with a tone: H.264 and AAC."""
    with av.open(str(path), "w") as film:
        seen = film.add_stream("libx264", Fraction(FPS), {"preset": "ultrafast"})
        seen.width, seen.height = SIZE_PX
        seen.pix_fmt = "yuv420p"
        heard = film.add_stream("aac", SOUND_RATE, layout="mono")
        for picture in _pictures(seconds * FPS, hue=hue):
            film.mux(seen.encode(picture))
        film.mux(seen.encode(None))
        for sound in _tone(seconds * SOUND_RATE):
            film.mux(heard.encode(sound))
        film.mux(heard.encode(None))
    return path


def _pictures(length: int, *, hue: int) -> Iterator[VideoFrame]:
    ground = Image.effect_noise(SIZE_PX, 60).convert("RGB")
    for number in range(length):
        picture = ground.copy()
        left_px = 3 * number
        ImageDraw.Draw(picture).ellipse((left_px, 60, left_px + 80, 200), fill=(200, hue, 40))
        yield VideoFrame.from_image(picture)  # type: ignore[no-untyped-call] # untyped in PyAV


def _tone(length: int) -> Iterator[AudioFrame]:
    samples = 1024
    wave = array("f", (0.2 * sin(sample / 20) for sample in range(samples))).tobytes()
    for start in range(0, length, samples):
        frame = AudioFrame(format="fltp", layout="mono", samples=samples)
        frame.planes[0].update(wave)
        frame.sample_rate, frame.pts = SOUND_RATE, start
        yield frame


@pytest.fixture(scope="session")
def media_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="session")
def clip(media_folder: Path) -> Path:
    """A clip of 2 s that every model takes."""
    return make_clip(media_folder / "dance of Jane Doe.mp4", hue=60)


@pytest.fixture(scope="session")
def other_clip(media_folder: Path) -> Path:
    """A clip with other bytes."""
    return make_clip(media_folder / "walk.mp4", hue=200)


@pytest.fixture(scope="session")
def portrait(media_folder: Path) -> Path:
    """A small picture that every model takes."""
    path = media_folder / "Jane Doe.jpg"
    Image.effect_noise((240, 320), 90).convert("RGB").save(path)
    return path


# ── the service ──────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def running_emulator() -> Iterator[Emulator]:
    """The service, once a test module."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def emulator(running_emulator: Emulator) -> Emulator:
    """The service with nothing amiss, nothing remembered, no limits on how often."""
    for switch in dataclasses.fields(Switches):
        if switch.default is not dataclasses.MISSING and switch.name != "api_keys":
            setattr(running_emulator, switch.name, switch.default)
    running_emulator.successors = {}
    running_emulator.queries_per_s = None
    running_emulator.submits_per_s = None
    running_emulator.policies_per_s = None
    running_emulator.run_s = 0.0
    running_emulator.faults.clear()
    running_emulator.requests.clear()
    return running_emulator


@pytest.fixture
def sent(emulator: Emulator) -> Callable[[], list[Operation]]:
    """Tells what came in, but for what the service itself fetches for a task."""

    def sent() -> list[Operation]:
        return [it.operation for it in emulator.requests if it.operation != "hosted"]

    return sent


# ── clients ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def key() -> str:
    """A key of its own for each test, so that each has an account of its own."""
    return f"sk-{uuid.uuid4().hex}"


@pytest.fixture
async def make_client(
    anyio_backend: str, emulator: Emulator, key: str
) -> AsyncIterator[Callable[..., Client]]:
    """Makes clients of the emulator; anything about them may be said otherwise."""
    clients: list[Client] = []
    settings: dict[str, Any] = {
        "api_key": key,
        "base_url": emulator.base_url,
        "schedule": QUICK,
    }

    def make(**options: Any) -> Client:
        clients.append(Client(**{**settings, **options}))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


@pytest.fixture
async def client(make_client: Callable[..., Client]) -> Client:
    """A client of the emulator that asks often."""
    return make_client()


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all retries be as many as ever, but two hundred times sooner."""
    decide: Callable[..., float | None] = Retries.pause_s

    def hasty(self: Retries, *args: Any, **facts: Any) -> float | None:
        pause_s = decide(self, *args, **facts)
        return None if pause_s is None else pause_s / 200

    monkeypatch.setattr(Retries, "pause_s", hasty)
