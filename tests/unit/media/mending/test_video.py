"""Clips are mended: what comes out passes, lasts as long, stays upright and in step."""

import io
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from math import sin, tau
from pathlib import Path
from typing import Any

import anyio
import av
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw, ImageStat

from dashscope_aa._engines import AnimateAnyone, Engine, WanAnimate
from dashscope_aa.errors import InputError, PreflightError, SourceError, TransferError
from dashscope_aa.media._add_sound import add_sound
from dashscope_aa.media._convert import Converted, convert
from dashscope_aa.media._facts import VideoFacts
from dashscope_aa.media._judging.findings import Severity
from dashscope_aa.media._judging.judge import plan_for
from dashscope_aa.media._judging.plan import VideoRecipe
from dashscope_aa.media._mending.video import Clip, convert_video
from dashscope_aa.media._opening.subjects import subject_of
from dashscope_aa.media._preflight import check
from dashscope_aa.media._probing import video
from dashscope_aa.media._probing.local import seen

AA = AnimateAnyone()
WAN = WanAnimate(mode="wan-std")
RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 140, 30), (30, 30, 200), (235, 235, 235)
SOUND_HZ = 48_000
IN_STEP_S = 0.04
TICK_S = Fraction(1, 60_000)
ANY_FRAME: Any = av.VideoFrame


def mend(source: Path, target: Path, **options: Any) -> Converted:
    """Convert, wait for it, and make sure that what comes out passes."""
    engine: Engine = options.setdefault("engine", AA)
    made = anyio.run(partial(convert, source, target, **options))
    report = anyio.run(partial(check, target, engine=engine))
    assert [found for found in report.findings if found.severity is not Severity.ADVICE] == []
    return made


# ── films to mend ────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Film:
    """A film with a colour in each corner, and now and then a flash with a beep."""

    codec: str = "libx264"
    sound: str | None = "aac"
    size: tuple[int, int] = (208, 240)
    pixels: str = "yuv420p"
    fps: Fraction = Fraction(30)
    seconds: float = 2.2
    rotation: int = 0
    """Clockwise degrees to be shown at."""
    mirrored: bool = False
    ratio: Fraction = Fraction(1)
    uneven: bool = False
    flash_s: float = 1.0
    picture_from_s: Fraction = Fraction(0)
    """When the picture begins; the sound may be there before."""
    sound_from_s: float = 0.0
    """When the sound begins."""
    options: tuple[tuple[str, str], ...] = (("preset", "ultrafast"),)
    layout: tuple[tuple[str, str], ...] = ()
    """Options of the container."""

    def shoot(self, path: Path) -> Path:
        """Encode it."""
        with av.open(str(path), "w", options=dict(self.layout)) as film:
            picture = film.add_stream(self.codec, rate=self.fps, options=dict(self.options))
            assert isinstance(picture, av.VideoStream)
            picture.width, picture.height, picture.pix_fmt = *self.size, self.pixels
            picture.codec_context.time_base = TICK_S
            picture.codec_context.sample_aspect_ratio = self.ratio
            if self.rotation or self.mirrored:
                picture.set_display_rotation(-self.rotation, hflip=self.mirrored)
            voice: Any = film.add_stream(self.sound, rate=SOUND_HZ) if self.sound else None
            if voice is not None:
                voice.layout = "mono"
            for frame in self._frames():
                film.mux(picture.encode(frame))
            film.mux(picture.encode(None))
            if voice is not None:
                for packet in self._beep(voice):
                    film.mux(packet)
        return path

    def _frames(self) -> Iterator[av.VideoFrame]:
        scene, flash = corners_of(self.size), Image.new("RGB", self.size, "white")
        for number in range(round(self.seconds * self.fps)):
            start_s = number / self.fps
            if start_s < self.picture_from_s:
                continue
            if self.uneven and number % 3 == 1:
                start_s += Fraction(1, 3) / self.fps
            lit = self.flash_s <= start_s < self.flash_s + 0.15
            drawn: Any = flash if lit else scene
            frame = ANY_FRAME.from_image(drawn).reformat(format=self.pixels)
            frame.pts, frame.time_base = round(start_s / TICK_S), TICK_S
            yield frame

    def _beep(self, stream: Any) -> Iterator[Any]:
        shaper = av.AudioResampler(stream.format.name, "mono", SOUND_HZ, stream.frame_size)
        wave = array("f", bytes(4 * round(self.seconds * SOUND_HZ)))
        for at in range(int(self.flash_s * SOUND_HZ), int((self.flash_s + 0.15) * SOUND_HZ)):
            wave[at] = 0.8 * sin(tau * 880 * at / SOUND_HZ)
        from_sample = round(self.sound_from_s * SOUND_HZ)
        del wave[:from_sample]
        frame = av.AudioFrame("flt", "mono", len(wave))
        frame.planes[0].update(wave.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate, frame.time_base = SOUND_HZ, Fraction(1, SOUND_HZ)
        frame.pts = from_sample
        for ready in (*shaper.resample(frame), *shaper.resample(None)):
            yield from stream.encode(ready)
        yield from stream.encode(None)


def corners_of(size: tuple[int, int]) -> Image.Image:
    """Draw a picture with a colour in each corner."""
    image = Image.new("RGB", size, WHITE)
    width, height = size[0] // 2, size[1] // 2
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, width, height), fill=RED)
    pen.rectangle((width, 0, size[0], height), fill=GREEN)
    pen.rectangle((0, height, width, size[1]), fill=BLUE)
    return image


VP9 = (("deadline", "realtime"), ("cpu-used", "8"))


# ── what came out ────────────────────────────────────────────────────────────────────────


def first_picture(path: Path) -> Image.Image:
    with av.open(str(path)) as film:
        frame: Any = next(film.decode(video=0))
        image: Image.Image = frame.to_image()
        return image


def named_corners(image: Image.Image) -> list[str]:
    """Name the colours in the corners, from top left, row by row."""
    names = {RED: "red", GREEN: "green", BLUE: "blue", WHITE: "white"}
    right, bottom = image.width - 16, image.height - 16
    found = [
        image.getpixel(place) for place in [(16, 16), (right, 16), (16, bottom), (right, bottom)]
    ]
    return [min(names.items(), key=lambda item: _off(item[0], pixel))[1] for pixel in found]


def _off(one: Any, other: Any) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))


def flash_of(path: Path) -> float:
    """Give when the picture is white, on the file's clock."""
    with av.open(str(path)) as film:
        frames: Iterator[Any] = film.decode(video=0)
        lit = (frame for frame in frames if min(_mean(frame.to_image())) > 225)
        return float(next(lit).time)


def _mean(image: Image.Image) -> Any:
    return image.resize((1, 1)).getpixel((0, 0))


def beep_of(path: Path) -> float:
    """Give when the sound begins, on the file's clock."""
    shaper = av.AudioResampler("flt", "mono", SOUND_HZ)
    with av.open(str(path)) as film:
        plain: Iterator[Any] = (
            part for frame in film.decode(audio=0) for part in shaper.resample(frame)
        )
        for frame in plain:
            wave = array("f", bytes(frame.planes[0])[: frame.samples * 4])
            for at, level in enumerate(wave):
                if abs(level) > 0.2:
                    return float(frame.time + at / SOUND_HZ)
    raise AssertionError("nothing is heard")


# ── the corpus ───────────────────────────────────────────────────────────────────────────

REMUXED = [
    *("h264.mkv", "h264.flv", "h264.ts", "phone.3gp", "hevc.mkv", "hevc.ts", "silent.mkv"),
    *("live.flv", "no_duration.mkv", "sound_longer.mkv", "variable.mkv", "rotated_90.mkv"),
    *("wide_pixels.mkv", "mirrored_90.mkv", "cover_art.mkv", "two_videos.mkv", "fps_24.flv"),
]
ENCODED = [
    *("browser.webm", "old.wmv", "old.flv", "vp8.webm", "vp9.mp4", "av1.mp4", "av1.webm"),
    *("mpeg4.mp4", "mpeg4.avi", "mjpeg.avi", "mjpeg.mov", "prores.mov", "fps_15.mp4"),
    *("fps_23976.mp4", "fps_23976.mkv", "fps_2997.webm", "variable.webm", "odd_edges.webm"),
    *("no_duration.webm", "edge_64.mp4", "edge_198.mp4"),
]


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        *(pytest.param(name, False, id=name) for name in REMUXED),
        *(pytest.param(name, True, id=name) for name in ENCODED),
    ],
)
def test_corpus(corpus: Path, tmp_path: Path, name: str, encoded: bool) -> None:  # noqa: FBT001 - a column
    made = mend(corpus / name, tmp_path / "made.mp4")
    before, after, found = made.plan.before, made.plan.after, made.facts
    assert isinstance(before, VideoFacts)
    assert isinstance(after, VideoFacts)
    assert isinstance(found, VideoFacts)
    assert isinstance(made.plan.recipe, VideoRecipe)
    assert made.plan.recipe.encode is encoded
    for quantity in ("width_px", "height_px", "codec", "container", "rotation", "mirrored"):
        assert getattr(found, quantity) == getattr(after, quantity), quantity
    assert found.fps == pytest.approx(after.fps)
    assert abs(found.duration_s - before.duration_s) <= 1 / found.fps + 0.001
    assert found.start_s == 0
    assert found.codec_tag == after.codec_tag or not encoded
    assert (found.codec_tag == "hvc1") is (found.codec == "hevc")
    assert (found.video_streams, found.attached_picture) == (1, False)
    assert found.audio_codec == after.audio_codec
    if found.audio_duration_s:
        assert found.audio_duration_s == pytest.approx(after.audio_duration_s, abs=0.03)


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        pytest.param("length_61s.mp4", {}, "V105", id="too long"),
        pytest.param("length_1s.mp4", {}, "V105", id="too short"),
        pytest.param("ratio_over_3.mp4", {}, "V108", id="ratio"),
        pytest.param("h264.mp4", {"trim": (0, 1)}, "V105", id="trimmed too short"),
    ],
)
def test_refuses_what_it_was_not_asked_for(
    corpus: Path, tmp_path: Path, name: str, options: dict[str, Any], code: str
) -> None:
    with pytest.raises(PreflightError, match=code) as caught:
        mend(corpus / name, tmp_path / "made.mp4", **options)
    assert "convert does not mend this by itself" in str(caught.value)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("fit", "size", "edge"),
    [
        pytest.param("pad", (268, 800), [(0, 0, 0), (0, 0, 0)], id="pad"),
        pytest.param("crop", (200, 600), [RED, GREEN], id="crop"),
    ],
)
def test_fit(
    tmp_path: Path, fit: str, size: tuple[int, int], edge: list[tuple[int, int, int]]
) -> None:
    shot = Film(size=(200, 800), sound=None).shoot(tmp_path / "film.mp4")
    made = mend(shot, tmp_path / "made.mp4", fit=fit)
    assert (made.facts.width_px, made.facts.height_px) == size
    image = first_picture(tmp_path / "made.mp4")
    for x, colour in zip((8, size[0] - 8), edge, strict=True):
        assert _off(image.getpixel((x, 100)), colour) < 24


# ── the right way up, the right colours ──────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rotation", "mirrored", "expected"),
    [
        pytest.param(0, False, ["red", "green", "blue", "white"], id="upright"),
        pytest.param(90, False, ["blue", "red", "white", "green"], id="90"),
        pytest.param(180, False, ["white", "blue", "green", "red"], id="180"),
        pytest.param(270, False, ["green", "white", "red", "blue"], id="270"),
        pytest.param(0, True, ["green", "red", "white", "blue"], id="mirrored"),
    ],
)
def test_a_phone_clip_does_not_come_out_lying(
    tmp_path: Path,
    rotation: int,
    mirrored: bool,  # noqa: FBT001 - a column of the table
    expected: list[str],
) -> None:
    film = Film(rotation=rotation, mirrored=mirrored, fps=Fraction(15), sound=None)
    made = mend(film.shoot(tmp_path / "film.mp4"), tmp_path / "made.mp4")
    assert isinstance(made.facts, VideoFacts)
    assert (made.facts.rotation, made.facts.mirrored) == (0, False)
    assert named_corners(first_picture(tmp_path / "made.mp4")) == expected
    upright = (208, 240) if rotation in {0, 180} else (240, 208)
    assert (made.facts.coded_width_px, made.facts.coded_height_px) == upright


def test_pixels_become_square(tmp_path: Path) -> None:
    film = Film(ratio=Fraction(4, 3), fps=Fraction(15), sound=None, size=(240, 240))
    made = mend(film.shoot(tmp_path / "film.mp4"), tmp_path / "made.mp4")
    assert isinstance(made.facts, VideoFacts)
    assert made.facts.sample_aspect_ratio == 1
    assert (made.facts.coded_width_px, made.facts.coded_height_px) == (320, 240)


@pytest.mark.parametrize(
    "film",
    [
        pytest.param(Film("mjpeg", "pcm_s16le", pixels="yuvj420p", options=()), id="full range"),
        pytest.param(Film("libvpx-vp9", "libopus", options=VP9), id="limited range"),
        pytest.param(
            Film("prores_ks", "pcm_s16le", pixels="yuv422p10le", options=()), id="10 bit 4:2:2"
        ),
    ],
)
def test_colours_stay(tmp_path: Path, film: Film) -> None:
    shot = film.shoot(tmp_path / "film.mov" if film.sound != "libopus" else tmp_path / "film.webm")
    mend(shot, tmp_path / "made.mp4")
    image = first_picture(tmp_path / "made.mp4")
    for place, colour in [
        ((40, 40), RED),
        ((170, 40), GREEN),
        ((40, 200), BLUE),
        ((170, 200), WHITE),
    ]:
        assert _off(image.getpixel(place), colour) < 24, place


# ── in step ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "film", "options"),
    [
        pytest.param("a.mkv", Film(), {}, id="all copied"),
        pytest.param("a.ts", Film(), {}, id="all copied, and does not begin at 0"),
        pytest.param("a.flv", Film(sound="libmp3lame"), {}, id="mp3"),
        pytest.param("a.mkv", Film(sound="libopus"), {}, id="sound encoded"),
        pytest.param("a.webm", Film("libvpx-vp9", "libopus", options=VP9), {}, id="both encoded"),
        pytest.param("a.mp4", Film(fps=Fraction(15)), {}, id="frame rate"),
        pytest.param("a.mp4", Film(fps=Fraction(20), uneven=True), {}, id="uneven frame rate"),
        pytest.param("a.mov", Film(sound="pcm_s16le", fps=Fraction(12)), {}, id="plain samples"),
        pytest.param("a.mp4", Film(seconds=3, flash_s=1.5), {"trim": (0.4, 2.9)}, id="trim, aac"),
        pytest.param(
            "a.mkv", Film(seconds=3, flash_s=1.5, sound="libopus"), {"trim": (0.4, 2.9)}, id="opus"
        ),
    ],
)
def test_sound_stays_in_step(
    tmp_path: Path, name: str, film: Film, options: dict[str, Any]
) -> None:
    mend(film.shoot(tmp_path / name), tmp_path / "made.mp4", **options)
    flash_s, beep_s = flash_of(tmp_path / "made.mp4"), beep_of(tmp_path / "made.mp4")
    expected_s = film.flash_s - options.get("trim", (0, 0))[0]
    assert flash_s == pytest.approx(expected_s, abs=max(1 / 24, float(1 / film.fps)))
    assert beep_s == pytest.approx(expected_s, abs=IN_STEP_S)


@pytest.mark.parametrize(
    "film",
    [
        pytest.param(Film(sound_from_s=0.4), id="sound begins late"),
        pytest.param(Film(picture_from_s=Fraction(2, 5), seconds=2.8), id="picture begins late"),
        pytest.param(Film(sound_from_s=0.4, fps=Fraction(15)), id="sound late, picture encoded"),
        pytest.param(Film(sound="mp2", sound_from_s=0.4), id="sound late and encoded"),
        pytest.param(
            Film("libvpx-vp9", "libopus", picture_from_s=Fraction(2, 5), seconds=2.8, options=VP9),
            id="picture late, both encoded",
        ),
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_what_begins_late_stays_in_step(tmp_path: Path, suffix: str, film: Film) -> None:
    if suffix == ".ts" and film.codec != "libx264":
        pytest.skip("there is no such picture in a transport stream")
    shot = film.shoot(tmp_path / f"film{suffix}")
    made = mend(shot, tmp_path / "made.mp4")
    assert isinstance(made.plan.before, VideoFacts)
    late_s = film.sound_from_s - float(film.picture_from_s)
    assert made.plan.before.audio_start_s == pytest.approx(late_s, abs=IN_STEP_S)
    flash_s, beep_s = flash_of(tmp_path / "made.mp4"), beep_of(tmp_path / "made.mp4")
    assert beep_s - flash_s == pytest.approx(0, abs=max(IN_STEP_S, float(1 / film.fps)))


def tags_of(data: bytes, kind: int) -> Iterator[int]:
    """Give where the tags of a kind start in an flv file. Source: Adobe FLV 10.1, E.4."""
    at = 13
    while at < len(data):
        if data[at] == kind:
            yield at
        at += 15 + int.from_bytes(data[at + 1 : at + 4])


def test_streams_that_turn_up_on_the_way(tmp_path: Path) -> None:
    shot = Film(seconds=4, sound="aac").shoot(tmp_path / "film.flv")
    data = bytearray(shot.read_bytes())
    *_, last = tags_of(bytes(data), 8)
    data[last + 11] = 0x2F  # and now mp3
    (tmp_path / "changed.flv").write_bytes(data)
    mend(tmp_path / "changed.flv", tmp_path / "made.mp4")
    assert beep_of(tmp_path / "made.mp4") == pytest.approx(1.0, abs=IN_STEP_S)


def test_damaged_sound_is_left_away(tmp_path: Path) -> None:
    shot = Film().shoot(tmp_path / "film.ts")
    data = shot.read_bytes()
    syncs = [match.start() for match in re.finditer(rb"\xff\xf1", data)]
    at = syncs[len(syncs) * 3 // 4]
    (tmp_path / "damaged.ts").write_bytes(data[:at] + bytes(2) + data[at + 2 :])
    mend(tmp_path / "damaged.ts", tmp_path / "made.mp4")
    assert beep_of(tmp_path / "made.mp4") == pytest.approx(1.0, abs=IN_STEP_S)


def segment(source: Path, *, offset_s: Fraction) -> bytes:
    """Give a clip as a transport stream that begins later."""
    stored = io.BytesIO()
    with av.open(str(source)) as film, av.open(stored, "w", format="mpegts") as part:
        streams: Any = {one.index: part.add_stream_from_template(one) for one in film.streams}
        for packet in film.demux():
            if packet.pts is None or packet.dts is None:
                continue
            shift = round(offset_s / packet.time_base)
            packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            packet.stream = streams[packet.stream_index]
            part.mux(packet)
    return stored.getvalue()


def test_segments_of_a_stream_are_one_clip(tmp_path: Path) -> None:
    """Their sound overlaps at the seam, as encoders begin it a little earlier."""
    shot, stitched = Film(flash_s=1.5).shoot(tmp_path / "film.mkv"), tmp_path / "stitched.ts"
    parts = (segment(shot, offset_s=offset_s) for offset_s in (Fraction(0), Fraction(22, 10)))
    stitched.write_bytes(b"".join(parts))
    made = mend(stitched, tmp_path / "made.mp4")
    assert isinstance(made.facts, VideoFacts)
    assert made.facts.duration_s == pytest.approx(4.4, abs=0.06)  # the seam, and one frame
    assert beep_of(tmp_path / "made.mp4") == pytest.approx(1.5, abs=IN_STEP_S)


def test_recordings_put_one_after_another_are_no_clip(tmp_path: Path) -> None:
    shot = Film().shoot(tmp_path / "film.ts")
    (tmp_path / "twice.ts").write_bytes(2 * shot.read_bytes())
    with pytest.raises(SourceError, match="its clock starts anew midway"):
        mend(tmp_path / "twice.ts", tmp_path / "made.mp4")


def test_trim_to_where_no_sound_is_left(tmp_path: Path) -> None:
    shot = Film(seconds=2.4).shoot(tmp_path / "long.mp4")
    film = Film(seconds=5, sound=None).shoot(tmp_path / "silent.mp4")
    anyio.run(partial(add_sound, film, shot, target=tmp_path / "film.mp4"))
    made = mend(tmp_path / "film.mp4", tmp_path / "made.mp4", trim=(2.6, 4.8))
    assert isinstance(made.plan.after, VideoFacts)
    assert isinstance(made.facts, VideoFacts)
    assert (made.plan.after.audio_codec, made.facts.audio_codec) == (None, None)


def test_trim_keeps_what_was_asked_for(tmp_path: Path) -> None:
    shot = Film(seconds=3).shoot(tmp_path / "film.mp4")
    made = mend(shot, tmp_path / "made.mp4", trim=(0.5, 2.75))
    assert isinstance(made.facts, VideoFacts)
    assert made.facts.duration_s == pytest.approx(2.25, abs=1 / 30)
    assert made.facts.audio_duration_s == pytest.approx(2.25, abs=0.03)


LEVELS = 10


def ramp(path: Path, fps: int) -> Path:
    """Encode frames that grow brighter, over and over."""
    with av.open(str(path), "w") as film:
        picture: Any = film.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        picture.width, picture.height, picture.pix_fmt = 224, 224, "yuv420p"
        for number in range(4 * fps):
            level = 20 + 20 * (number % LEVELS)
            frame = ANY_FRAME.from_image(Image.new("RGB", (224, 224), (level,) * 3))
            film.mux(picture.encode(frame.reformat(format="yuv420p")))
        film.mux(picture.encode(None))
    return path


def levels_of(path: Path) -> list[int]:
    """Give which of the levels each frame has."""
    with av.open(str(path)) as film:
        greys = [frame.reformat(2, 2, "gray") for frame in film.decode(video=0)]
    return [round((bytes(grey.planes[0])[0] - 20) / 20) for grey in greys]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    ("fps", "start_s"),
    [
        pytest.param(25, 0.5, id="between two frames, 25 fps"),
        pytest.param(25, 1.3, id="between two others"),
        pytest.param(30, 0.25, id="between two frames, 30 fps"),
        pytest.param(30, 0.26, id="beside a frame"),
    ],
)
def test_trim_shows_each_frame_once(tmp_path: Path, suffix: str, fps: int, start_s: float) -> None:
    shot = ramp(tmp_path / f"film{suffix}", fps)
    mend(shot, tmp_path / "made.mp4", trim=(start_s, start_s + 2.1))
    levels = levels_of(tmp_path / "made.mp4")
    assert levels == [(levels[0] + number) % LEVELS for number in range(len(levels))]
    assert abs(len(levels) - 2.1 * fps) <= 1


def test_sound_is_dropped_without_encoding_anew(corpus: Path, tmp_path: Path) -> None:
    made = mend(corpus / "h264.mp4", tmp_path / "made.mp4", sound="drop")
    assert isinstance(made.facts, VideoFacts)
    assert isinstance(made.plan.recipe, VideoRecipe)
    assert made.facts.audio_codec is None
    assert made.plan.recipe.encode is False


# ── frames of two fields ─────────────────────────────────────────────────────────────────


def interlaced(path: Path) -> Path:
    """Encode a bar that moves on between the even and the odd lines of a frame."""
    stripes = Image.new("1", (208, 240))
    for line in range(0, 240, 2):
        stripes.paste(1, (0, line, 208, line + 1))
    with av.open(str(path), "w") as film:
        options = {"preset": "ultrafast", "x264-params": "tff=1"}
        picture: Any = film.add_stream("libx264", rate=20, options=options)
        picture.width, picture.height, picture.pix_fmt = 208, 240, "yuv420p"
        for number in range(44):
            fields = (bar_at(4 * number % 180), bar_at((4 * number + 2) % 180))
            frame = ANY_FRAME.from_image(Image.composite(*fields, stripes))
            film.mux(picture.encode(frame.reformat(format="yuv420p")))
        film.mux(picture.encode(None))
    return path


def bar_at(left: int) -> Image.Image:
    image = Image.new("RGB", (208, 240), (20, 20, 20))
    image.paste((220, 220, 220), (left, 0, left + 24, 240))
    return image


def combs_of(path: Path) -> float:
    """Tell how much neighbouring lines differ."""
    with av.open(str(path)) as film:
        frames: Iterator[Any] = film.decode(video=0)
        pictures: list[Image.Image] = [frame.to_image().convert("L") for frame in frames]
    steps = (
        ImageChops.difference(one.crop((0, 8, 208, 232)), one.crop((0, 9, 208, 233)))
        for one in pictures
    )
    return sum(ImageStat.Stat(step).mean[0] for step in steps) / len(pictures)


def test_fields_become_whole_frames(tmp_path: Path) -> None:
    shot = interlaced(tmp_path / "film.mkv")
    made = mend(shot, tmp_path / "made.mp4")
    assert isinstance(made.plan.before, VideoFacts)
    assert isinstance(made.facts, VideoFacts)
    assert (made.plan.before.interlaced, made.facts.interlaced) == (True, False)
    assert abs(made.facts.duration_s - made.plan.before.duration_s) <= 1 / 24
    assert combs_of(tmp_path / "made.mp4") < combs_of(shot) / 4


# ── bytes, encoders, faults ──────────────────────────────────────────────────────────────


def test_a_bit_rate_that_keeps_the_limit(tmp_path: Path) -> None:
    """The real limit is 200 MB, so the recipe is given a smaller one."""
    film = Film("mpeg4", None, seconds=3, options=(("qscale", "1"),)).shoot(tmp_path / "film.mp4")
    most_bps = 60_000
    with subject_of(film, checkpoint=lambda: None) as subject:
        found, facts = seen(subject, "video")
        assert isinstance(facts, VideoFacts)
        recipe = replace(plan_for(facts, AA).recipe, most_bps=most_bps)
        plain, tight = tmp_path / "plain.part", tmp_path / "tight.part"
        for part, bits in ((plain, 50_000_000), (tight, most_bps)):
            convert_video(
                Clip(subject, found, facts), part, recipe=replace(recipe, most_bps=bits), tell=print
            )
    assert tight.stat().st_size < most_bps * 3 / 8 * 1.1 + 4096
    assert plain.stat().st_size > tight.stat().st_size


def noise(path: Path) -> Path:
    """Encode what no encoder can foresee."""
    with av.open(str(path), "w") as film:
        picture: Any = film.add_stream("mpeg4", rate=30, options={"qscale": "1"})
        picture.width, picture.height, picture.pix_fmt = 240, 320, "yuv420p"
        for _ in range(75):
            image = Image.effect_noise((240, 320), 100).convert("RGB")
            film.mux(picture.encode(ANY_FRAME.from_image(image).reformat(format="yuv420p")))
        film.mux(picture.encode(None))
    return path


def test_a_clip_that_comes_out_too_large_is_encoded_again(tmp_path: Path) -> None:
    """The real limit is 200 MB, so the recipe is given a smaller one."""
    part = tmp_path / "made.part"
    with subject_of(noise(tmp_path / "film.mp4"), checkpoint=lambda: None) as subject:
        found, facts = seen(subject, "video")
        assert isinstance(facts, VideoFacts)
        clip, recipe = Clip(subject, found, facts), plan_for(facts, AA).recipe
        convert_video(clip, part, recipe=recipe, tell=lambda _: None)
        most_bytes = part.stat().st_size // 2
        convert_video(
            clip, part, recipe=replace(recipe, most_bytes=most_bytes), tell=lambda _: None
        )
    assert most_bytes // 2 < part.stat().st_size <= most_bytes


@pytest.mark.parametrize("encoder", ["nonsense", "aac", "mpeg4"])
def test_encoders_that_will_not_do(corpus: Path, tmp_path: Path, encoder: str) -> None:
    with pytest.raises(InputError, match="encoder must be one that PyAV has"):
        mend(corpus / "fps_15.mp4", tmp_path / "made.mp4", encoder=encoder)
    assert not any(tmp_path.iterdir())


def test_an_encoder_that_fails_is_told(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(TransferError, match="the encoder libx264rgb failed: ") as caught:
        mend(corpus / "fps_15.mp4", tmp_path / "made.mp4", encoder="libx264rgb")
    assert caught.value.hint == "It may need a device that is not here: libx264 needs none."
    assert not any(tmp_path.iterdir())


def test_another_encoder(corpus: Path, tmp_path: Path) -> None:
    made = mend(corpus / "fps_15.mp4", tmp_path / "made.mov", encoder="libx265")
    assert isinstance(made.facts, VideoFacts)
    assert (made.facts.codec, made.facts.codec_tag) == ("hevc", "hvc1")
    assert made.facts.container == "mov"


@pytest.mark.parametrize(
    ("patience", "said"),
    [
        pytest.param(300, "not one frame can be decoded", id="seen when it is looked at"),
        pytest.param(0, "none of its frames can be decoded", id="seen when it is decoded"),
    ],
)
def test_a_clip_that_cannot_be_decoded_leaves_nothing(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: int, said: str
) -> None:
    monkeypatch.setattr(video, "_PATIENCE", patience)
    (tmp_path / "made.mp4").write_bytes(b"what was here before")
    with pytest.raises(SourceError, match=said):
        mend(corpus / "bomb_pixels.avi", tmp_path / "made.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["made.mp4"]
    assert (tmp_path / "made.mp4").read_bytes() == b"what was here before"


@pytest.mark.parametrize(
    ("suffix", "film"),
    [
        pytest.param(".mkv", Film(seconds=4, sound=None), id="mkv, copied"),
        pytest.param(
            ".mp4",
            Film(seconds=4, fps=Fraction(15), layout=(("movflags", "faststart"),)),
            id="mp4 with its index first, encoded",
        ),
    ],
)
def test_a_clip_that_was_cut_off_ends_where_it_ends(
    tmp_path: Path, suffix: str, film: Film
) -> None:
    whole = film.shoot(tmp_path / f"whole{suffix}").read_bytes()
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole[: len(whole) * 9 // 10])
    made = mend(cut, tmp_path / "made.mp4")
    assert isinstance(made.facts, VideoFacts)
    assert 2 < made.facts.duration_s < 4
    assert made.facts.truncated is False


def test_sound_that_is_not_read_here_may_be_left_away(tmp_path: Path) -> None:
    film = Film("mjpeg", "adpcm_yamaha", pixels="yuvj420p", options=())
    shot = film.shoot(tmp_path / "film.avi")
    with pytest.raises(SourceError, match="coded as 'adpcm_yamaha'"):
        mend(shot, tmp_path / "made.mp4")
    made = mend(shot, tmp_path / "made.mp4", sound="drop")
    assert getattr(made.facts, "audio_codec", "some") is None


def test_a_damaged_stretch_is_bridged(tmp_path: Path) -> None:
    data = bytearray(Film("mpeg4", None, options=()).shoot(tmp_path / "film.avi").read_bytes())
    middle = len(data) // 2
    data[middle : middle + 300] = bytes(300)
    (tmp_path / "film.avi").write_bytes(data)
    made = mend(tmp_path / "film.avi", tmp_path / "made.mp4")
    assert isinstance(made.facts, VideoFacts)
    assert made.facts.duration_s == pytest.approx(2.2, abs=1 / 30)


# ── any combination ──────────────────────────────────────────────────────────────────────


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    film=st.builds(
        Film,
        codec=st.sampled_from(["libx264", "mpeg4"]),
        sound=st.sampled_from(["aac", None]),
        size=st.tuples(st.integers(8, 130), st.integers(8, 130)).map(
            lambda s: (s[0] * 2, s[1] * 2)
        ),
        fps=st.sampled_from([Fraction(10), Fraction(24000, 1001), Fraction(30), Fraction(60)]),
        rotation=st.sampled_from([0, 90, 180, 270]),
        ratio=st.sampled_from([Fraction(1), Fraction(4, 3)]),
        uneven=st.booleans(),
        options=st.just(()),
    ),
    suffix=st.sampled_from([".mp4", ".mkv", ".mov"]),
    engine=st.sampled_from([AA, WAN]),
    fit=st.sampled_from(["pad", "crop"]),
)
@example(Film(size=(16, 16), rotation=90, options=()), ".mkv", AA, "pad")
@example(Film(size=(260, 16), uneven=True, ratio=Fraction(4, 3), options=()), ".mp4", WAN, "crop")
def test_any_clip_comes_out_fit(
    tmp_path: Path, film: Film, suffix: str, engine: Engine, fit: str
) -> None:
    shot = film.shoot(tmp_path / f"film{suffix}")
    made = mend(shot, tmp_path / "made.mp4", engine=engine, fit=fit)
    assert isinstance(made.facts, VideoFacts)
    assert isinstance(made.plan.before, VideoFacts)
    off_s = abs(made.facts.duration_s - made.plan.before.duration_s)
    assert off_s <= 1 / made.facts.fps + 0.001
    if film.sound:
        assert beep_of(tmp_path / "made.mp4") == pytest.approx(film.flash_s, abs=IN_STEP_S)
