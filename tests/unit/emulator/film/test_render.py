"""The films the emulator makes: real, playable, recognisable, in step, and all different."""

import json
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import correlation
from typing import Any

import av
import pytest
from av.error import FFmpegError
from PIL import Image, ImageChops, ImageDraw, ImageStat

from dashscope_aa.emulator._film.render import Film, render

PORTRAIT = Path(__file__).parents[4] / "examples" / "portrait.jpg"
BEEP_S = 0.6
"""When the sound of a test clip begins to be heard and its picture turns white."""

MakeClip = Callable[..., Path]
from_image: Any = av.VideoFrame.from_image  # PyAV gives it no types


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """Make a clip of a bar that wanders; at `BEEP_S` it beeps and turns white."""

    def make(  # each argument is one way in which clips differ
        name: str = "clip.mp4",
        *,
        times_ms: Sequence[int] = range(0, 1200, 40),
        size: tuple[int, int] = (320, 240),
        bar: str = "red",
        sound_s: float | None = None,
        sound_from_s: float = 0.0,
        rotation: int = 0,
        shape: Fraction | None = None,
        codec: str = "libx264",
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as clip:
            stream: Any = clip.add_stream(codec, 25)
            stream.width, stream.height = size
            stream.codec_context.time_base = Fraction(1, 1000)
            stream.options = {"preset": "ultrafast"}
            if shape:
                stream.codec_context.sample_aspect_ratio = shape
            if rotation:
                stream.set_display_rotation(rotation)
            track: Any = clip.add_stream("aac", 44_100, layout="mono") if sound_s else None
            for number, time_ms in enumerate(times_ms):
                image = Image.new("RGB", size, "white" if time_ms >= BEEP_S * 1000 else "black")
                left = size[0] * number // len(times_ms)
                ImageDraw.Draw(image).rectangle((left, 0, left + 30, size[1] // 4), fill=bar)
                frame = from_image(image)
                frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
                clip.mux(stream.encode(frame))
            clip.mux(stream.encode(None))
            for sound in _sound(sound_s or 0, sound_from_s):
                clip.mux(track.encode(sound))
            if track:
                clip.mux(track.encode(None))
        return path

    return make


def _sound(seconds: float, start_s: float) -> list[av.AudioFrame]:
    """Make silence that turns into a tone at `BEEP_S`."""
    frames = []
    for start in range(0, round(seconds * 44_100), 1024):
        samples = bytearray()
        for sample in range(start, start + 1024):
            time_s = sample / 44_100 + start_s
            tone = math.sin(time_s * math.tau * 440) if time_s >= BEEP_S else 0
            samples += round(tone * 20_000).to_bytes(2, "little", signed=True)
        frame = av.AudioFrame("s16", "mono", 1024)
        frame.sample_rate = 44_100
        frame.planes[0].update(bytes(samples))
        frame.pts, frame.time_base = start + round(start_s * 44_100), Fraction(1, 44_100)
        frames.append(frame)
    return frames


def film(clip: Path, *, portrait: Path = PORTRAIT, **ordered: Any) -> tuple[Path, Film]:
    """Render *clip* beside itself."""
    order: Any = {"background": "image", "fps": 15, "video_ratio": "9:16", "sound": True}
    target = clip.with_name(f"film of {clip.name}.mp4")
    return target, render(portrait, clip, target, **order | ordered)


def pictures(path: Path) -> list[Image.Image]:
    """Decode every frame."""
    with av.open(str(path)) as container:
        frames: Any = container.decode(video=0)
        return [frame.to_image() for frame in frames]


def cut(image: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    left, top, width, height = box
    return image.crop((left, top, left + width, top + height))


def likeness(image: Image.Image, other: Image.Image) -> float:
    """Correlate two pictures over their grey values."""
    greys = [picture.convert("L").resize((64, 64)).tobytes() for picture in (image, other)]
    return correlation(*greys)


def difference(image: Image.Image, other: Image.Image) -> float:
    return max(ImageStat.Stat(ImageChops.difference(image, other)).mean)


def loudness(path: Path, *, start_s: float, end_s: float) -> float:
    """Give the largest sample of the sound between two times."""
    resampler = av.AudioResampler("s16", "mono", 48_000)
    loudest = 0
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            for piece in resampler.resample(frame):
                samples = memoryview(bytes(piece.planes[0]))[: piece.samples * 2].cast("h")
                for number in range(0, len(samples), 8):
                    if start_s <= (piece.pts or 0) / 48_000 + number / 48_000 < end_s:
                        loudest = max(loudest, abs(samples[number]))
    return loudest


# ── what it is ───────────────────────────────────────────────────────────────────────────


def test_it_is_a_plain_mp4_of_h264(make_clip: MakeClip) -> None:
    path, made = film(make_clip())
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert "mp4" in container.format.name
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.average_rate == made.fps == 15
        assert (stream.width, stream.height) == (made.width_px, made.height_px)
        comment = json.loads(container.metadata["comment"])
    assert comment["emulated"] is True
    assert comment["portrait_box"] == list(made.portrait_box)
    assert len(pictures(path)) == made.frames


@pytest.mark.parametrize(
    ("fps", "times_ms", "duration_s"),
    [
        pytest.param(15, range(0, 1200, 40), 1.2, id="25 fps to 15"),
        pytest.param(25, range(0, 1200, 40), 1.2, id="25 fps to 25"),
        pytest.param(25, range(0, 1200, 100), 1.14, id="10 fps to 25"),
        pytest.param(15, range(500, 1721, 33), 1.228, id="a clip that begins late"),
        pytest.param(25, [0, 50, 300, 310, 700, 1000, 1100], 1.14, id="variable rate"),
    ],
)
def test_it_is_as_long_as_the_clip(
    fps: int, times_ms: Sequence[int], duration_s: float, make_clip: MakeClip
) -> None:
    clip = make_clip(times_ms=times_ms)
    path, made = film(clip, fps=fps)
    assert made.duration_s == pytest.approx(duration_s, abs=1 / fps)
    assert made.frames == len(pictures(path)) == round(made.duration_s * fps)
    with av.open(str(path)) as container:
        assert (container.duration or 0) / av.time_base == pytest.approx(duration_s, abs=1 / fps)


def test_a_frame_is_shown_when_the_clip_shows_it(make_clip: MakeClip) -> None:
    uneven = [0, 50, 300, 310, 500, 600, 1100]  # black up to the frame at 0.6 s
    path, _ = film(make_clip(times_ms=uneven), background="video", fps=25)
    bright = [image.getpixel((image.width - 20, image.height // 2)) for image in pictures(path)]
    white = [sum(pixel) > 380 for pixel in bright if isinstance(pixel, tuple)]
    assert white.index(True) / 25 == pytest.approx(BEEP_S, abs=1 / 25)


@pytest.mark.parametrize("background", ["image", "video"])
def test_no_two_frames_in_a_row_are_alike(background: str, make_clip: MakeClip) -> None:
    frames = pictures(film(make_clip(), background=background)[0])
    assert all(difference(image, after) > 0 for image, after in pairwise(frames))
    middles = [
        cut(image, (0, image.height // 2, image.width, image.height // 2)) for image in frames
    ]
    assert any(difference(middles[0], middle) > 5 for middle in middles)


def test_even_a_still_clip_moves(make_clip: MakeClip) -> None:
    frames = pictures(film(make_clip(times_ms=[0, 500]), background="video")[0])
    assert difference(frames[0], frames[2]) > 0


# ── what is seen ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("background", ["image", "video"])
@pytest.mark.parametrize(
    "crop",
    [
        pytest.param((0, 0, 512, 512), id="square"),
        pytest.param((110, 0, 400, 512), id="tall"),
        pytest.param((0, 0, 512, 300), id="wide"),
    ],
)
def test_the_person_is_recognisable_in_the_box(
    background: str, crop: tuple[int, int, int, int], make_clip: MakeClip, tmp_path: Path
) -> None:
    photo = Image.open(PORTRAIT).crop(crop)
    photo.save(tmp_path / "portrait.png")
    clip = make_clip(times_ms=range(0, 400, 40))
    path, made = film(
        clip, portrait=tmp_path / "portrait.png", background=background, video_ratio=None
    )
    _, _, width, height = made.portrait_box
    assert width / height == pytest.approx(photo.width / photo.height, rel=0.02)
    assert width * height > made.width_px * made.height_px / 20
    for image in pictures(path):
        assert likeness(cut(image, made.portrait_box), photo) >= 0.8


def test_a_picture_lying_on_its_side_is_set_upright(make_clip: MakeClip, tmp_path: Path) -> None:
    photo = Image.open(PORTRAIT).crop((110, 0, 400, 512))
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "lying.jpg", exif=exif)
    path, made = film(make_clip(), portrait=tmp_path / "lying.jpg")
    assert likeness(cut(pictures(path)[0], made.portrait_box), photo) >= 0.8


def test_what_is_transparent_becomes_white(make_clip: MakeClip, tmp_path: Path) -> None:
    Image.new("RGBA", (300, 300), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    path, made = film(make_clip(), portrait=tmp_path / "clear.png")
    assert min(ImageStat.Stat(cut(pictures(path)[0], made.portrait_box)).mean) > 240


@pytest.mark.parametrize(
    ("ordered", "clip_px", "film_px"),
    [
        pytest.param({"video_ratio": "9:16"}, (320, 240), (720, 1280), id="9:16 asked for"),
        pytest.param({"video_ratio": "3:4"}, (320, 240), (720, 960), id="3:4 asked for"),
        pytest.param({"video_ratio": None}, (320, 240), (960, 960), id="the ratio of the picture"),
        pytest.param({"background": "video"}, (270, 480), (720, 1280), id="a tall clip"),
        pytest.param({"background": "video"}, (240, 320), (816, 1088), id="a clip of 3:4"),
        pytest.param({"background": "video"}, (480, 270), (1280, 720), id="a wide clip"),
    ],
)
def test_its_size(
    ordered: dict[str, Any],
    clip_px: tuple[int, int],
    film_px: tuple[int, int],
    make_clip: MakeClip,
) -> None:
    path, made = film(make_clip(times_ms=[0, 100, 200], size=clip_px), **ordered)
    assert (made.width_px, made.height_px) == film_px
    assert pictures(path)[0].size == film_px


def test_a_turned_clip_comes_out_upright(make_clip: MakeClip) -> None:
    path, made = film(make_clip(rotation=90), background="video")
    assert made.height_px > made.width_px
    first = pictures(path)[0]
    # A bar at the upper left of the stored frame is at the lower left of what a player shows,
    # where the card lies; below the card it can be seen.
    red = first.getpixel((8, first.height - 6))
    assert isinstance(red, tuple)
    assert red[0] > 150 > red[1] + red[2]


def test_pixels_that_are_not_square_are_stretched(make_clip: MakeClip) -> None:
    _, made = film(make_clip(shape=Fraction(2), times_ms=[0, 100]), background="video")
    assert made.width_px / made.height_px == pytest.approx(640 / 240, rel=0.02)


@pytest.mark.parametrize("background", ["image", "video"])
def test_it_says_that_it_is_emulated(background: str, make_clip: MakeClip) -> None:
    path, made = film(make_clip(), background=background)
    for image in pictures(path)[::10]:
        strip = image.crop((0, 0, image.width, image.height // 24)).convert("L")
        dark, bright = strip.getextrema()
        assert isinstance(dark, int)
        assert isinstance(bright, int)
        assert dark < 60
        assert bright > 200
    assert made.portrait_box[1] >= made.height_px // 24 - 2


@pytest.mark.parametrize("text", ["qwen.ai", "通义AI生成"])
def test_a_watermark_is_seen_and_noted(text: str, make_clip: MakeClip) -> None:
    clip = make_clip(times_ms=[0, 100])
    plain = pictures(film(clip)[0])[0]
    path, made = film(clip, watermark=text)
    marked = pictures(path)[0]
    corner = (made.width_px - 60, made.height_px - 40, 50, 30)
    assert difference(cut(plain, corner), cut(marked, corner)) > 10
    with av.open(str(path)) as container:
        assert json.loads(container.metadata["comment"])["watermark"] == text


@pytest.mark.parametrize("background", ["image", "video"])
def test_another_picture_or_clip_gives_another_film(
    background: str, make_clip: MakeClip, tmp_path: Path
) -> None:
    mirrored = Image.open(PORTRAIT).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    mirrored.save(tmp_path / "other.png")
    times_ms = [0, 100, 200]
    clip = make_clip(times_ms=times_ms)
    other_clip = make_clip("other.mp4", times_ms=times_ms, bar="blue")
    one = pictures(film(clip, background=background)[0])[2]
    other_picture = film(clip, background=background, portrait=tmp_path / "other.png")[0]
    assert difference(one, pictures(other_picture)[2]) > 1
    assert difference(one, pictures(film(other_clip, background=background)[0])[2]) > 0.1


# ── what is heard ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("made_with", "begins_s"),
    [
        pytest.param({"sound_s": 1.2}, BEEP_S, id="sound and picture begin together"),
        pytest.param({"sound_s": 0.9, "sound_from_s": 0.3}, BEEP_S, id="sound begins later"),
        pytest.param(
            {"sound_s": 1.2, "times_ms": range(200, 1200, 40)}, 0.4, id="picture begins later"
        ),
    ],
)
def test_sound_is_in_step(made_with: dict[str, Any], begins_s: float, make_clip: MakeClip) -> None:
    path, made = film(make_clip(**made_with))
    assert made.sound
    assert loudness(path, start_s=0, end_s=begins_s - 0.04) < 500
    assert loudness(path, start_s=begins_s, end_s=begins_s + 0.04) > 5000


def test_sound_is_aac_and_no_longer_than_the_picture(make_clip: MakeClip) -> None:
    path, made = film(make_clip(sound_s=2.5))
    with av.open(str(path)) as container:
        track = container.streams.audio[0]
        assert track.codec_context.name == "aac"
        length_s = float((track.duration or 0) * (track.time_base or 0))
    assert length_s == pytest.approx(made.duration_s, abs=1 / 15)


@pytest.mark.parametrize(
    ("made_with", "sound"),
    [
        pytest.param({"sound_s": 1.2}, False, id="sound that was not ordered"),
        pytest.param({}, True, id="a silent clip"),
    ],
)
def test_silence(made_with: dict[str, Any], *, sound: bool, make_clip: MakeClip) -> None:
    path, made = film(make_clip(**made_with), sound=sound)
    assert not made.sound
    with av.open(str(path)) as container:
        assert not container.streams.audio


def test_sound_long_after_the_picture_is_left_out(make_clip: MakeClip) -> None:
    _, made = film(make_clip(sound_s=0.5, sound_from_s=200.0))
    assert not made.sound


# ── odd and broken files ─────────────────────────────────────────────────────────────────


def test_a_clip_that_does_not_tell_its_length(make_clip: MakeClip) -> None:
    clip = make_clip(sound_s=1.2)
    remuxed = clip.with_name("remuxed.mkv")
    with av.open(str(clip)) as source, av.open(str(remuxed), "w", options={"live": "1"}) as target:
        streams = {s.index: target.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                packet.duration = 0
                target.mux(packet)
    with av.open(str(remuxed)) as container:
        assert container.duration is None
    _, made = film(remuxed)
    assert made.duration_s == pytest.approx(1.2, abs=1 / 15)
    assert made.sound


def test_a_damaged_packet_is_passed_over(make_clip: MakeClip) -> None:
    clip = make_clip()
    with av.open(str(clip)) as container:
        packets = [p for p in container.demux(video=0) if p.pos is not None and p.size]
    data = bytearray(clip.read_bytes())
    start = packets[20].pos or 0
    data[start : start + 5] = b"\0\0\0\x01\xff"
    clip.write_bytes(data)
    _, made = film(clip)
    assert made.duration_s == pytest.approx(1.2, abs=1 / 15)


def test_a_clip_of_which_nothing_can_be_decoded_gives_no_film(make_clip: MakeClip) -> None:
    clip = make_clip()
    with av.open(str(clip)) as container:
        places = [(p.pos or 0, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(clip.read_bytes())
    for start, size in places:
        data[start : start + size] = bytes(size)
    clip.write_bytes(data)
    with pytest.raises((ValueError, FFmpegError)):
        film(clip)


@pytest.mark.parametrize(
    ("portrait", "clip", "ordered"),
    [
        pytest.param(b"no picture", None, {}, id="no picture"),
        pytest.param(PORTRAIT.read_bytes()[:9000], None, {}, id="half a picture"),
        pytest.param(None, b"no clip", {}, id="no clip"),
        pytest.param(None, b"\0\0\0\x08ftyp\0\0\0\0", {}, id="a clip with nothing in it"),
        pytest.param(None, None, {"video_ratio": "16:9"}, id="an unknown ratio"),
    ],
)
def test_a_film_that_fails_leaves_nothing_behind(
    portrait: bytes | None,
    clip: bytes | None,
    ordered: dict[str, Any],
    make_clip: MakeClip,
    tmp_path: Path,
) -> None:
    motion = make_clip()
    if clip is not None:
        motion.write_bytes(clip)
    (tmp_path / "portrait.jpg").write_bytes(portrait or PORTRAIT.read_bytes())
    before = sorted(tmp_path.iterdir())
    with pytest.raises((ValueError, OSError, FFmpegError)):
        film(motion, portrait=tmp_path / "portrait.jpg", **ordered)
    assert sorted(tmp_path.iterdir()) == before


def test_a_clip_too_short_for_a_frame_gives_no_film(make_clip: MakeClip) -> None:
    clip = make_clip(times_ms=[0])
    with pytest.raises(ValueError, match="too short"):
        film(clip, fps=1)
    assert list(clip.parent.iterdir()) == [clip]


def test_a_film_is_never_longer_than_any_clip_accepted(make_clip: MakeClip) -> None:
    _, made = film(make_clip(times_ms=[0, 40, 100_000_000]), fps=1)
    assert made.duration_s == 90


@pytest.mark.parametrize("name", ["clip.avi", "clip.mov"])
def test_frames_keep_their_order_and_pace(name: str, tmp_path: Path) -> None:
    """B-frames are stored out of order, and avi has no times to sort them by."""
    clip = tmp_path / name
    with av.open(str(clip), "w") as container:
        stream: Any = container.add_stream("libx264", 25, {"bf": "3", "b-pyramid": "none"})
        stream.width = stream.height = 256
        stripe = Image.new("RGB", (26, 256), "white")
        for number in range(30):
            image = Image.new("RGB", (256, 256), "black")
            image.paste(stripe, (number * 8, 0))
            container.mux(stream.encode(from_image(image)))
        container.mux(stream.encode(None))
    path, made = film(clip, background="video", fps=25)
    lines = [image.convert("L").resize((256, 4)).crop((0, 1, 256, 2)) for image in pictures(path)]
    places = [next(x for x, grey in enumerate(line.tobytes()) if grey > 128) for line in lines]
    assert made.frames == 30
    assert places == pytest.approx([number * 8 for number in range(30)], abs=4)


def test_a_film_replaces_what_was_there(make_clip: MakeClip) -> None:
    clip = make_clip()
    target, _ = film(clip, video_ratio="3:4")
    before = target.read_bytes()
    film(clip)
    assert target.read_bytes() != before
    assert sorted(clip.parent.iterdir()) == [clip, target]
