"""Draw the example clip: a figure that dances for six seconds, with a beat to dance to.

It keeps every limit the service sets for a motion clip: one person, seen from the front and
whole from the first frame on, one take, 540 x 960, 30 fps, H.264 and AAC in an mp4.

    python examples/draw_dance.py [PATH]
"""

from __future__ import annotations

import math
import random
import sys
from array import array
from dataclasses import astuple, dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import av
from PIL import Image, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WIDTH_PX, HEIGHT_PX, FPS, DURATION_S = 540, 960, 30, 6
SAMPLE_RATE, BEATS_PER_S = 44_100, 2
SMOOTH = 2  # everything is drawn this much larger and scaled down, which smooths the edges

SKIN, SHIRT, JEANS, SHOE = (214, 154, 118), (226, 88, 78), (56, 84, 140), (240, 238, 230)
HAIR, DARK, SOLE = (58, 38, 32), (46, 30, 30), (186, 182, 176)
WALL_TOP, WALL_LOW, FLOOR_FAR, FLOOR_NEAR = (
    (26, 34, 60),
    (92, 74, 122),
    (92, 66, 70),
    (150, 110, 92),
)

GROUND_PX, HORIZON_PX = 868, 700
THIGH_PX, SHIN_PX, ARM_PX, FOREARM_PX, TORSO_PX = 168, 166, 108, 100, 208

Color = tuple[int, int, int]


class Point(NamedTuple):
    """A place in the picture, before it is enlarged by SMOOTH."""

    x: float
    y: float

    def toward(self, angle_deg: float, length_px: float, *, side: int = 1) -> Point:
        """Go *length_px* from here: 0 degrees is down, 90 is outward on that *side*."""
        angle = math.radians(angle_deg)
        return Point(
            self.x + side * math.sin(angle) * length_px, self.y + math.cos(angle) * length_px
        )


@dataclass(frozen=True)
class Pose:
    """What the dancer does at one moment; the left of the picture comes first."""

    sway_px: float
    drop_px: float
    lean_deg: float
    left_arm_deg: float
    left_elbow_deg: float
    right_arm_deg: float
    right_elbow_deg: float
    left_step_px: float = 0
    left_lift_px: float = 0
    right_step_px: float = 0
    right_lift_px: float = 0


# ── the dance ────────────────────────────────────────────────────────────────────────────


def step_touch(beat: float) -> Pose:
    """From one foot to the other, arms swinging along."""
    swing = math.sin(math.pi * beat)
    left, right = max(0.0, swing), max(0.0, -swing)
    return Pose(
        sway_px=36 * swing,
        drop_px=12 + 10 * math.cos(2 * math.pi * beat),
        lean_deg=5 * swing,
        left_arm_deg=26 + 12 * swing,
        left_elbow_deg=20 + 75 * left,
        right_arm_deg=26 - 12 * swing,
        right_elbow_deg=20 + 75 * right,
        left_step_px=34 * left,
        left_lift_px=30 * left,
        right_step_px=-34 * right,
        right_lift_px=30 * right,
    )


def hands_up(beat: float) -> Pose:
    """Both arms in the air, waving from side to side, knees bouncing."""
    swing = math.sin(math.pi * beat)
    return Pose(
        sway_px=22 * swing,
        drop_px=20 + 14 * math.cos(2 * math.pi * beat),
        lean_deg=-6 * swing,
        left_arm_deg=148 - 14 * swing,
        left_elbow_deg=24 - 26 * swing,
        right_arm_deg=148 + 14 * swing,
        right_elbow_deg=24 + 26 * swing,
    )


def disco(beat: float) -> Pose:
    """One hand on the hip, the other pointing at the ceiling; then the other way round."""
    left = 0.5 + 0.5 * math.tanh(2.6 * math.sin(math.pi * beat))
    right = 1 - left
    return Pose(
        sway_px=30 * (left - right),
        drop_px=14 + 12 * math.cos(2 * math.pi * beat),
        lean_deg=7 * (right - left),
        left_arm_deg=46 + 84 * left,
        left_elbow_deg=-92 + 96 * left,
        right_arm_deg=46 + 84 * right,
        right_elbow_deg=-92 + 96 * right,
        left_lift_px=14 * left,
        right_lift_px=14 * right,
    )


MOVES: tuple[Callable[[float], Pose], ...] = (step_touch, hands_up, disco)


def pose_at(time_s: float) -> Pose:
    """Give the pose of one moment: four beats a move, each melting into the next."""
    beat = time_s * BEATS_PER_S
    index, within = divmod(beat, 4)
    now, then = MOVES[int(index) % 3](beat), MOVES[(int(index) + 1) % 3](beat)
    share = max(0.0, (within - 3.2) / 0.8)
    share = share * share * (3 - 2 * share)
    pairs = zip(astuple(now), astuple(then), strict=True)
    return Pose(*(old + (new - old) * share for old, new in pairs))


# ── the picture ──────────────────────────────────────────────────────────────────────────


def blend(start: Color, end: Color, share: float) -> Color:
    """Mix two colours."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(start, end, strict=True))
    return red, green, blue


class Pen:
    """Draws shaded, rounded shapes on an enlarged picture; the light comes from upper left."""

    def __init__(self, image: Image.Image) -> None:
        self._draw = ImageDraw.Draw(image)

    def disc(self, center: Point, size_px: tuple[float, float], color: Color) -> None:
        """Fill an ellipse with the given half axes."""
        (x, y), (wide, high) = center, size_px
        box = ((x - wide) * SMOOTH, (y - high) * SMOOTH, (x + wide) * SMOOTH, (y + high) * SMOOTH)
        self._draw.ellipse(box, fill=color)

    def shade(
        self, outline: Callable[[float], Iterator[tuple[Point, float]]], color: Color
    ) -> None:
        """Fill a shape made of discs in layers: dark at its rim, light where the light falls."""
        dark, light = blend(color, (20, 14, 40), 0.45), blend(color, (255, 244, 224), 0.3)
        for layer in range(9):
            share = layer / 8
            shift = Point(-0.22 * share, -0.16 * share)
            for center, radius in outline(1 - 0.62 * share):
                full = radius / (1 - 0.62 * share)
                at = Point(center.x + shift.x * full, center.y + shift.y * full)
                self.disc(at, (radius, radius), blend(dark, light, share**0.8))

    def limb(self, ends: tuple[Point, Point], radii: tuple[float, float], color: Color) -> None:
        """Draw a tapering, rounded limb."""
        (start, end), (thick, thin) = ends, radii
        count = max(8, int(math.dist(start, end) / 3))

        def outline(scale: float) -> Iterator[tuple[Point, float]]:
            for index in range(count + 1):
                share = index / count
                place = Point(
                    start.x + (end.x - start.x) * share, start.y + (end.y - start.y) * share
                )
                yield place, (thick + (thin - thick) * share) * scale

        self.shade(outline, color)

    def arc(self, center: Point, radius_px: float, angles: tuple[int, int]) -> None:
        """Draw a thin dark arc, clockwise from the first angle to the second."""
        box = [(c + d * radius_px) * SMOOTH for d in (-1, 1) for c in center]
        self._draw.arc(box, *angles, fill=DARK, width=3 * SMOOTH)


def knee_of(hip: Point, ankle: Point, side: int) -> Point:
    """Find the knee of a leg whose ends are known; it points at us and a little outward."""
    reach = min(math.dist(hip, ankle), THIGH_PX + SHIN_PX - 0.5)
    along = (THIGH_PX**2 - SHIN_PX**2 + reach**2) / (2 * reach)
    out = 0.4 * math.sqrt(max(0.0, THIGH_PX**2 - along**2))
    x, y = (ankle.x - hip.x) / reach, (ankle.y - hip.y) / reach
    return Point(hip.x + x * along + side * y * out, hip.y + y * along - side * x * out)


def draw_leg(pen: Pen, hip: Point, ankle: Point, side: int) -> None:
    """Draw one leg from the hip to the shoe."""
    knee = knee_of(hip, ankle, side)
    toe = Point(ankle.x + side * 13, ankle.y + 16)
    pen.limb((Point(ankle.x, ankle.y + 21), Point(toe.x + side * 3, toe.y + 6)), (17, 15), SOLE)
    pen.limb((Point(ankle.x, ankle.y + 8), toe), (16, 15), SHOE)
    pen.limb((knee, ankle), (27, 17), JEANS)
    pen.limb((hip, knee), (38, 28), JEANS)


def draw_arm(pen: Pen, shoulder: Point, angles_deg: tuple[float, float], side: int) -> None:
    """Draw one arm from the shoulder to the hand."""
    upper, bent = angles_deg
    elbow = shoulder.toward(upper, ARM_PX, side=side)
    wrist = elbow.toward(upper + bent, FOREARM_PX, side=side)
    hand = wrist.toward(upper + bent, 17, side=side)
    pen.limb((elbow, wrist), (17, 12), SKIN)
    pen.limb((wrist, hand), (13, 12), SKIN)
    pen.limb((wrist, wrist.toward(upper + bent + 70, 15, side=-side)), (8, 6), SKIN)
    pen.limb((shoulder, elbow), (21, 17), SKIN)
    pen.limb((shoulder, shoulder.toward(upper, ARM_PX * 0.52, side=side)), (27, 25), SHIRT)


def draw_head(pen: Pen, neck: Point, tilt_px: float) -> None:
    """Draw the head with a friendly face, and hair."""
    head = Point(neck.x + tilt_px, neck.y - 62)
    pen.limb((neck, Point(head.x, head.y + 20)), (20, 19), SKIN)
    pen.limb((Point(head.x, head.y - 14), Point(head.x, head.y + 2)), (47, 44), HAIR)
    for side in (-1, 1):
        pen.limb(
            (Point(head.x + side * 40, head.y), Point(head.x + side * 40, head.y + 8)), (8, 7), SKIN
        )
    pen.limb((Point(head.x, head.y - 6), Point(head.x, head.y + 16)), (40, 35), SKIN)
    for lock in range(-3, 4):
        pen.disc(Point(head.x + lock * 9, head.y - 44 + lock * lock), (15, 17 + lock), HAIR)
    for side in (-1, 1):
        eye = Point(head.x + side * 15 + tilt_px * 0.2, head.y + 1)
        pen.disc(eye, (7.5, 6), (250, 248, 244))
        pen.disc(Point(eye.x + tilt_px * 0.1, eye.y), (4, 4.6), DARK)
        pen.arc(Point(eye.x, eye.y + 2), 12, (225, 315))
    pen.arc(Point(head.x + tilt_px * 0.2, head.y + 6), 11, (60, 120))
    pen.arc(Point(head.x + tilt_px * 0.2, head.y + 14), 18, (35, 145))


def draw_torso(pen: Pen, neck: Point, hips: Point) -> None:
    """Draw the shirt: wide at the shoulders, narrow at the waist."""

    def outline(scale: float) -> Iterator[tuple[Point, float]]:
        for row in range(41):
            down = row / 40
            half_px = 40 - 26 * math.sin(math.pi * min(1.0, down * 1.25) / 2) + 12 * down**4
            middle = Point(
                neck.x + (hips.x - neck.x) * down, neck.y + 26 + (hips.y - 36 - neck.y) * down
            )
            for column in range(-4, 5):
                share = column / 4
                slope = share * half_px * (hips.x - neck.x) / TORSO_PX
                yield Point(middle.x + share * half_px, middle.y - slope), 30 * scale

    pen.shade(outline, SHIRT)


def draw_dancer(image: Image.Image, pose: Pose) -> None:
    """Draw the whole figure in one pose."""
    pen = Pen(image)
    hips = Point(WIDTH_PX / 2 + pose.sway_px, GROUND_PX - 356 + pose.drop_px)
    neck = hips.toward(180 - pose.lean_deg, TORSO_PX)
    steps = (
        (-1, pose.left_step_px, pose.left_lift_px),
        (1, pose.right_step_px, pose.right_lift_px),
    )
    for side, step_px, lift_px in steps:
        ankle = Point(WIDTH_PX / 2 + side * 62 + step_px, GROUND_PX - 34 - lift_px)
        draw_leg(pen, Point(hips.x + side * 27, hips.y + 6), ankle, side)
    pen.limb((Point(hips.x - 20, hips.y), Point(hips.x + 20, hips.y)), (38, 38), JEANS)
    draw_head(pen, Point(neck.x, neck.y + 6), 1.2 * pose.lean_deg)
    draw_torso(pen, neck, hips)
    slope = 60 * (neck.x - hips.x) / TORSO_PX
    for side, angles_deg in (
        (-1, (pose.left_arm_deg, pose.left_elbow_deg)),
        (1, (pose.right_arm_deg, pose.right_elbow_deg)),
    ):
        draw_arm(pen, Point(neck.x + side * 56, neck.y + 28 + side * slope), angles_deg, side)


def draw_stage() -> Image.Image:
    """Draw what stays the same: a wall, a wooden floor, and a pool of light."""
    size = (WIDTH_PX * SMOOTH, HEIGHT_PX * SMOOTH)
    horizon = HORIZON_PX * SMOOTH
    stage = Image.new("RGB", size)
    draw = ImageDraw.Draw(stage)
    for y in range(size[1]):
        wall = y < horizon
        share = y / horizon if wall else (y - horizon) / (size[1] - horizon)
        ends = (WALL_TOP, WALL_LOW) if wall else (FLOOR_FAR, FLOOR_NEAR)
        draw.line((0, y, size[0], y), fill=blend(*ends, share))
    middle = size[0] / 2
    for plank in range(-12, 13):
        draw.line(
            (middle + plank * 70, horizon, middle + plank * 190, size[1]), fill=FLOOR_FAR, width=3
        )
    draw.rectangle((0, horizon - 16, size[0], horizon), fill=blend(WALL_LOW, WALL_TOP, 0.6))
    light = Image.new("L", size)
    glow = ImageDraw.Draw(light)
    glow.ellipse((60, horizon - 60, size[0] - 60, size[1] - 20), fill=90)
    glow.ellipse((170, 150, size[0] - 170, horizon + 300), fill=56)
    light = light.filter(ImageFilter.GaussianBlur(90))
    stage.paste((255, 232, 196), mask=light)
    return stage


def draw_frame(stage: Image.Image, time_s: float) -> Image.Image:
    """Draw one frame: the stage, the dancer's shadow, the dancer."""
    pose = pose_at(time_s)
    picture = stage.copy()
    shadow = Image.new("L", (WIDTH_PX // 4, HEIGHT_PX // 4))
    x, y = (WIDTH_PX / 2 + pose.sway_px * 0.6) / 4, (GROUND_PX + 2) / 4
    ImageDraw.Draw(shadow).ellipse((x - 34, y - 6, x + 34, y + 6), fill=150)
    shadow = shadow.filter(ImageFilter.GaussianBlur(4)).resize(picture.size)
    picture.paste((24, 14, 24), mask=shadow)
    draw_dancer(picture, pose)
    return picture.reduce(SMOOTH)


# ── the music ────────────────────────────────────────────────────────────────────────────

BASS_HZ = (110.0, 110.0, 130.81, 146.83, 98.0, 98.0, 110.0, 130.81)
TUNE_HZ = (440.0, 523.25, 659.25, 523.25, 587.33, 659.25, 783.99, 659.25)


def sample_at(time_s: float, noise: float) -> float:
    """Give one sample between -1 and 1: drum, clap, cymbal, bass and a plucked tune."""
    beat = time_s * BEATS_PER_S
    since_beat_s = beat % 1 / BEATS_PER_S
    since_half_s = beat * 2 % 1 / (BEATS_PER_S * 2)
    step = int(beat * 2)
    drum = math.sin(2 * math.pi * (50 * since_beat_s + 4 * (1 - math.exp(-since_beat_s * 30))))
    clap = noise * math.exp(-since_beat_s * 26) * (int(beat) % 2)
    cymbal = noise * math.exp(-since_half_s * 70) * (step % 2)
    bass = math.sin(2 * math.pi * BASS_HZ[step // 2 % 8] * time_s) * math.exp(-since_half_s * 5)
    tone = 2 * math.pi * TUNE_HZ[step * 3 % 8] * time_s
    tune = (math.sin(tone) + 0.3 * math.sin(2 * tone)) * math.exp(-since_half_s * 9)
    mixed = 0.8 * drum * math.exp(-since_beat_s * 9) + 0.3 * clap + 0.12 * cymbal
    return math.tanh(mixed + 0.28 * bass + 0.16 * tune) * min(1.0, (DURATION_S - time_s) * 20)


def make_music() -> array[int]:
    """Compute the whole track as 16-bit samples."""
    chance = random.Random(7)  # noqa: S311 - it makes cymbals, not keys
    count = DURATION_S * SAMPLE_RATE
    values = (sample_at(n / SAMPLE_RATE, chance.uniform(-1, 1)) for n in range(count))
    return array("h", (round(value * 26_000) for value in values))


# ── the film ─────────────────────────────────────────────────────────────────────────────


def write_clip(path: Path) -> None:
    """Encode pictures and music into *path*."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as film:
        # One thread, so that the same bytes come out on every machine.
        options = {"preset": "slow", "crf": "23", "threads": "1"}
        video = film.add_stream("libx264", rate=FPS, options=options)
        video.width, video.height, video.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        sound = film.add_stream("aac", rate=SAMPLE_RATE, layout="mono", bit_rate=96_000)
        stage, music = draw_stage(), make_music()
        for index in range(DURATION_S * FPS):
            picture = draw_frame(stage, index / FPS)
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]  # as PyAV is
            film.mux(video.encode(frame))
            film.mux(sound.encode(sound_of_frame(music, index)))
        film.mux(video.encode(None))
        film.mux(sound.encode(None))


def sound_of_frame(music: array[int], index: int) -> av.AudioFrame:
    """Give the sound that plays during one picture."""
    count = SAMPLE_RATE // FPS
    frame = av.AudioFrame(format="s16", layout="mono", samples=count)
    frame.planes[0].update(music[index * count : (index + 1) * count].tobytes())
    frame.sample_rate, frame.pts, frame.time_base = (
        SAMPLE_RATE,
        index * count,
        Fraction(1, SAMPLE_RATE),
    )
    return frame


if __name__ == "__main__":
    write_clip(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("dance.mp4"))
