"""Cuts are found, and nothing else is taken for one; dark and blurred first frames are seen."""

import math
import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import av
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from dashscope_aa.media._facts import Content, FirstFrame, VideoFacts
from dashscope_aa.media._judging.findings import Finding, Severity
from dashscope_aa.media._judging.limits import Between
from dashscope_aa.media._judging.rules_content import content_findings
from dashscope_aa.media._preflight import check_content
from dashscope_aa.media._probing.content import measured

SIZE = (90, 160)
FPS = 24
PORTRAIT = Image.open(Path(__file__).parents[4] / "examples" / "portrait.jpg").resize((320, 320))
GREY: Image.Image = Image.new("RGB", PORTRAIT.size, (128, 128, 128))


def ground(seed: int) -> Image.Image:
    """Make a background twice as wide as the frame."""
    draw = random.Random(seed)  # noqa: S311 - a drawing, no secret
    image = Image.new("RGB", (16, 16))
    image.putdata([tuple(draw.randrange(256) for _ in range(3)) for _ in range(256)])
    return image.resize((2 * SIZE[0], 2 * SIZE[1]), Image.Resampling.BICUBIC)


class Scene:
    """A dancer before a background, drawn frame by frame."""

    def __init__(
        self,
        *,
        seconds: float = 4,
        cuts: tuple[float, ...] = (),
        pace: float = 1.0,
        pan: float = 0.0,
        stutter: int = 1,
        light: Callable[[float], float] = lambda _: 1.0,
        contrasts: tuple[float, ...] = (),
    ) -> None:
        self.seconds = seconds
        self.cuts = cuts
        self.pace = pace
        self.pan = pan
        self.stutter = stutter
        self.light = light
        self._grounds = [ground(seed) for seed in range(len(cuts) + 1)]
        for number, contrast in enumerate(contrasts):
            plain = ImageEnhance.Contrast(self._grounds[number])
            self._grounds[number] = plain.enhance(contrast)

    def frames(self) -> Iterator[Image.Image]:
        for number in range(round(self.seconds * FPS)):
            time_s = (number - number % self.stutter) / FPS
            taken = sum(time_s >= cut - 1e-6 for cut in self.cuts)
            left = self.pan * time_s * SIZE[0]
            image = self._grounds[taken].crop((left, 0, left + SIZE[0], SIZE[1])).resize(SIZE)
            self._dance(image, self.pace * time_s * math.pi)
            yield ImageEnhance.Brightness(image).enhance(self.light(time_s))

    def _dance(self, image: Image.Image, phase: float) -> None:
        pen, (width, height) = ImageDraw.Draw(image), SIZE
        x = width / 2 + 0.1 * width * math.sin(phase)
        pen.ellipse((x - 6, 30, x + 6, 46), fill=(220, 180, 150))
        pen.rectangle((x - 9, 46, x + 9, 90), fill=(150, 30, 60))
        for side in (-1, 1):
            swing = 1.7 * phase + side
            hand = (x + side * 22 * math.cos(swing), 50 + 30 * math.sin(swing))
            foot = (x + side * 10 + 5 * math.sin(swing), 0.9 * height)
            pen.line(((x, 50), hand), fill=(220, 180, 150), width=4)
            pen.line(((x, 90), foot), fill=(30, 30, 80), width=5)

    def film(self, path: Path, *, codec: str = "libx264") -> Path:
        options = {"preset": "veryfast"} if codec == "libx264" else {}
        pixels = "yuv420p" if codec == "libx264" else "yuvj420p"
        with av.open(str(path), "w") as film:
            stream: Any = film.add_stream(codec, rate=FPS, options=options)
            stream.width, stream.height, stream.pix_fmt = *SIZE, pixels
            for number, image in enumerate(self.frames()):
                frame: Any = av.VideoFrame
                frame = frame.from_image(image).reformat(format=pixels)
                frame.pts, frame.time_base = number, Fraction(1, FPS)
                film.mux(stream.encode(frame))
            film.mux(stream.encode(None))
        return path


def found_in(scene: Scene, path: Path, **options: Any) -> tuple[Finding, ...]:
    return anyio.run(partial(check_content, scene.film(path, **options)))


@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(Scene(cuts=(2.0,)), id="one"),
        pytest.param(Scene(cuts=(1.0, 2.5)), id="two"),
        pytest.param(Scene(cuts=(2.0,), pace=3), id="while somebody dances fast"),
        pytest.param(Scene(cuts=(2.0,), stutter=2), id="at half the frame rate"),
        pytest.param(
            Scene(cuts=(2.5,), light=lambda time_s: 2.0 if 1 <= time_s < 1.1 else 1.0),
            id="after a flash",
        ),
        pytest.param(Scene(cuts=(2.0,), pace=0), id="in what stands still"),
        pytest.param(Scene(cuts=(2.0,), contrasts=(1, 0.1)), id="into a scene of little contrast"),
        pytest.param(Scene(cuts=(2.0,), contrasts=(1, 0)), id="to a plain wall"),
        pytest.param(Scene(cuts=(2.0,), contrasts=(0, 1)), id="from a plain wall"),
        pytest.param(
            Scene(cuts=(1.5, 2.5), light=lambda time_s: float(not 1.5 <= time_s < 2.5)),
            id="to black, and to another scene",
        ),
        pytest.param(
            Scene(cuts=(1.5, 2.5), contrasts=(1, 0, 1)), id="over a wall to another scene"
        ),
    ],
)
def test_cuts_are_found(tmp_path: Path, scene: Scene) -> None:
    (found,) = found_in(scene, tmp_path / "a.mp4")
    assert (found.code, found.severity) == ("C101", Severity.WARNING)
    assert found.times_s == pytest.approx(scene.cuts, abs=2 / FPS)


def test_cuts_are_found_without_frames_to_skip(tmp_path: Path) -> None:
    (found,) = found_in(Scene(cuts=(2.0,)), tmp_path / "a.avi", codec="mjpeg")
    assert found.times_s == pytest.approx((2.0,), abs=1 / FPS)


@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(Scene(), id="one take"),
        pytest.param(Scene(pace=6), id="fast motion"),
        pytest.param(Scene(pan=0.2, pace=2), id="a moving camera"),
        pytest.param(Scene(stutter=3), id="a third of the frame rate"),
        pytest.param(Scene(pace=0), id="nothing moves"),
        pytest.param(
            Scene(light=lambda time_s: 2.0 if 2 <= time_s < 2.05 else 1.0), id="a short flash"
        ),
        pytest.param(
            Scene(light=lambda time_s: 2.0 if 2 <= time_s < 2.3 else 1.0), id="a long flash"
        ),
        pytest.param(
            Scene(light=lambda time_s: 2.0 if time_s % 0.25 < 0.09 else 1.0), id="stroboscope"
        ),
        pytest.param(
            Scene(light=lambda time_s: 20.0 if 2 <= time_s < 2.6 else 1.0), id="a blinding flash"
        ),
        pytest.param(
            Scene(light=lambda time_s: 0.0 if 1.5 <= time_s < 3 else 1.0), id="dark for a while"
        ),
        pytest.param(Scene(light=lambda time_s: 1.0 if time_s < 2 else 0.5), id="lights go out"),
    ],
)
def test_nothing_else_is_taken_for_a_cut(tmp_path: Path, scene: Scene) -> None:
    assert found_in(scene, tmp_path / "a.mp4") == ()


# ── the first frame ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(lambda image: image, None, id="clear"),
        pytest.param(lambda image: ImageEnhance.Brightness(image).enhance(0.12), "C102", id="dark"),
        pytest.param(lambda image: Image.blend(image, GREY, 0.95), "C103", id="grey in grey"),
        pytest.param(lambda image: image.filter(ImageFilter.GaussianBlur(4)), "C104", id="blurred"),
        pytest.param(lambda image: image.filter(ImageFilter.GaussianBlur(1)), None, id="soft"),
    ],
)
def test_first_frame(change: Callable[[Image.Image], Image.Image], code: str | None) -> None:
    first = measured(change(PORTRAIT).convert("L"))
    found = list(content_findings(Content((), first), CLIP, duration=None))
    assert [finding.code for finding in found] == ([code] if code else [])
    assert all(finding.service_code == "InvalidFile.Content" for finding in found)
    assert all(finding.severity is Severity.WARNING for finding in found)


@pytest.mark.parametrize(
    ("first", "codes"),
    [
        pytest.param(FirstFrame(50, 10, 4), [], id="just enough of each"),
        pytest.param(FirstFrame(49.9, 10, 4), ["C102"], id="a little too dark"),
        pytest.param(FirstFrame(50, 9.9, 4), ["C103"], id="a little too grey"),
        pytest.param(FirstFrame(50, 10, 3.9), ["C104"], id="a little too blurred"),
    ],
)
def test_the_edges_of_the_first_frame(first: FirstFrame, codes: list[str]) -> None:
    found = content_findings(Content((), first), CLIP, duration=None)
    assert [finding.code for finding in found] == codes


def test_a_dark_beginning_is_told_once(tmp_path: Path) -> None:
    scene = Scene(light=lambda time_s: 0.1 if time_s < 0.2 else 1.0)
    found = found_in(scene, tmp_path / "a.mp4")
    assert [finding.code for finding in found] == ["C102"]


# ── what is said ─────────────────────────────────────────────────────────────────────────

CLEAR = FirstFrame(brightness=200, contrast=50, sharpness=30)
CLIP = VideoFacts(
    size_bytes=1,
    width_px=720,
    height_px=1280,
    coded_width_px=720,
    coded_height_px=1280,
    fps=30,
    duration_s=12.0,
    frames=360,
)


@pytest.mark.parametrize(
    ("cuts_s", "message", "hint"),
    [
        pytest.param(
            (4.5,),
            "cut at 4.50 s",
            "Use one take: trim=(0.00, 4.50) or trim=(4.50, 12.00).",
            id="one cut",
        ),
        pytest.param(
            (1.0, 4.5),
            "cut at 1.00 and 4.50 s",
            "Use one take: trim=(1.00, 4.50) or trim=(4.50, 12.00).",
            id="a take that is too short is not proposed",
        ),
        pytest.param(
            tuple(float(second) for second in range(1, 12)),
            "10.00 and 11.00 s",
            "No take in it is long enough: use another clip.",
            id="all takes are too short",
        ),
    ],
)
def test_cuts_are_told_with_what_to_keep(
    cuts_s: tuple[float, ...], message: str, hint: str
) -> None:
    (found,) = content_findings(Content(cuts_s, CLEAR), CLIP, duration=Between(2, 60))
    assert message in found.message
    assert (found.hint, found.times_s, found.mendable) == (hint, cuts_s, False)
