"""Drawn clips with and without cuts, in which it is known where the cuts are."""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.video.frame import VideoFrame
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

SIZE_PX: Final = (270, 480)
FPS: Final = 24
from_image: Any = VideoFrame.from_image  # PyAV gives it no types


@dataclass(frozen=True)
class Scene:
    """A dancer before a ground."""

    cuts_s: tuple[float, ...] = ()
    seconds: float = 5.0
    pace: float = 1.0
    """How fast the dancer is."""
    pan: float = 0.0
    """How far the camera wanders, in frames a second."""
    light: Callable[[float], float] = lambda _: 1.0
    """Brightness at each time."""
    blur_px: float = 0.0
    """How blurred it all is."""


def flash(begin_s: float, end_s: float) -> Callable[[float], float]:
    """Make a short time twice as bright."""
    return lambda time_s: 2.0 if begin_s <= time_s < end_s else 1.0


SCENES: Final = {
    "one cut": Scene((2.5,)),
    "two cuts": Scene((1.5, 3.5)),
    "four cuts": Scene((1.0, 2.0, 3.0, 4.0)),
    "a cut in a fast dance": Scene((2.5,), pace=3),
    "a cut while the camera wanders": Scene((2.5,), pan=0.15),
    "a cut after a flash": Scene((3.0,), light=flash(1.0, 1.1)),
    "a cut into the dark": Scene((2.5,), light=lambda time_s: 1.0 if time_s < 2.5 else 0.5),
    "one take": Scene(),
    "one fast take": Scene(pace=5),
    "a wandering camera": Scene(pan=0.2, pace=2),
    "a flash": Scene(light=flash(2.0, 2.05)),
    "a long flash": Scene(light=flash(2.0, 2.3)),
    "a stroboscope": Scene(light=lambda time_s: 2.0 if time_s % 0.25 < 0.09 else 1.0),
    "lights go out": Scene(light=lambda time_s: 1.0 if time_s < 2.5 else 0.5),
    "light that grows": Scene(light=lambda time_s: 0.5 + time_s / 8),
}
FIRST_FRAMES: Final = {
    "a clear beginning": (Scene(seconds=2), False),
    "a fast beginning": (Scene(seconds=2, pace=4), False),
    "a dark beginning": (Scene(seconds=2, light=lambda _: 0.04), True),
    "a blurred beginning": (Scene(seconds=2, blur_px=8), True),
}
"""And whether their first frame is bad."""


def film(scene: Scene, path: Path) -> None:
    """Draw and encode a scene."""
    with av.open(str(path), "w", format="mp4") as clip:
        seen = clip.add_stream("libx264", Fraction(FPS), {"preset": "veryfast"})
        seen.width, seen.height, seen.pix_fmt = *SIZE_PX, "yuv420p"
        for picture in _frames(scene):
            clip.mux(seen.encode(from_image(picture)))
        clip.mux(seen.encode(None))


def _frames(scene: Scene) -> Iterator[Image.Image]:
    grounds = [_ground(seed) for seed in range(len(scene.cuts_s) + 1)]
    width, height = SIZE_PX
    for number in range(round(scene.seconds * FPS)):
        time_s = number / FPS
        taken = sum(time_s >= cut_s for cut_s in scene.cuts_s)
        left_px = round(scene.pan * time_s * width)
        picture = grounds[taken].crop((left_px, 0, left_px + width, height))
        _dance(picture, scene.pace * time_s * math.pi)
        picture = ImageEnhance.Brightness(picture).enhance(scene.light(time_s))
        yield picture.filter(ImageFilter.GaussianBlur(scene.blur_px)) if scene.blur_px else picture


def _ground(seed: int) -> Image.Image:
    draw = random.Random(seed)  # noqa: S311 - a drawing, no secret
    colours = bytes(draw.randrange(256) for _ in range(3 * 24 * 24))
    coarse = Image.frombytes("RGB", (24, 24), colours)
    return coarse.resize((2 * SIZE_PX[0], SIZE_PX[1]), Image.Resampling.BICUBIC)


def _dance(picture: Image.Image, phase: float) -> None:
    pen, (width, height) = ImageDraw.Draw(picture), SIZE_PX
    x = width / 2 + 0.1 * width * math.sin(phase)
    pen.ellipse((x - 18, 90, x + 18, 138), fill=(220, 180, 150))
    pen.rectangle((x - 27, 138, x + 27, 270), fill=(150, 30, 60))
    for side in (-1, 1):
        swing = 1.7 * phase + side
        hand = (x + side * 66 * math.cos(swing), 150 + 90 * math.sin(swing))
        foot = (x + side * 30 + 15 * math.sin(swing), 0.9 * height)
        pen.line(((x, 150), hand), fill=(220, 180, 150), width=12)
        pen.line(((x, 270), foot), fill=(30, 30, 80), width=15)
