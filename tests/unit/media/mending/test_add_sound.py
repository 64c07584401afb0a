"""The sound of one clip on the picture of another: whole, in step, cut where the picture ends."""

from array import array
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from math import sin, tau
from pathlib import Path
from typing import Any

import anyio
import av
import pytest

from dashscope_aa.media._add_sound import add_sound
from dashscope_aa.media._facts import VideoFacts
from dashscope_aa.media._probe import probe

SOUND_HZ = 48_000
BEEP_S = 0.8


def song(path: Path, codec: str, *, seconds: float) -> Path:
    """Encode a plain picture and one beep."""
    with av.open(str(path), "w") as film:
        picture: Any = film.add_stream("libx264", rate=10, options={"preset": "ultrafast"})
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        voice: Any = film.add_stream(codec, rate=SOUND_HZ)
        voice.layout = "mono"
        for number in range(round(seconds * 10)):
            frame = av.VideoFrame(64, 64, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 10)
            film.mux(picture.encode(frame))
        film.mux(picture.encode(None))
        for packet in beep(voice, seconds):
            film.mux(packet)
    return path


def beep(stream: Any, seconds: float) -> Iterator[Any]:
    shaper = av.AudioResampler(stream.format.name, "mono", SOUND_HZ, stream.frame_size)
    wave = array("f", bytes(4 * round(seconds * SOUND_HZ)))
    for at in range(int(BEEP_S * SOUND_HZ), int((BEEP_S + 0.2) * SOUND_HZ)):
        wave[at] = 0.8 * sin(tau * 880 * at / SOUND_HZ)
    frame = av.AudioFrame("flt", "mono", len(wave))
    frame.planes[0].update(wave.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate, frame.pts, frame.time_base = SOUND_HZ, 0, Fraction(1, SOUND_HZ)
    for ready in (*shaper.resample(frame), *shaper.resample(None)):
        yield from stream.encode(ready)
    yield from stream.encode(None)


def beep_of(path: Path) -> float:
    """Give when the sound begins, on the file's clock."""
    shaper = av.AudioResampler("flt", "mono", SOUND_HZ)
    with av.open(str(path)) as film:
        plain: Iterator[Any] = (
            part for frame in film.decode(audio=0) for part in shaper.resample(frame)
        )
        for frame in plain:
            for at, level in enumerate(array("f", bytes(frame.planes[0])[: frame.samples * 4])):
                if abs(level) > 0.2:
                    return float(frame.time + at / SOUND_HZ)
    raise AssertionError("nothing is heard")


def packets_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as film:
        return [bytes(packet) for packet in film.demux(video=0) if packet.size]


def joined(video: Path, source: Path, target: Path, **options: Any) -> VideoFacts:
    anyio.run(partial(add_sound, video, source, target=target, **options))
    facts = anyio.run(partial(probe, target))
    assert isinstance(facts, VideoFacts)
    return facts


@pytest.mark.parametrize(
    ("name", "codec", "expected"),
    [
        pytest.param("song.mp4", "aac", "aac", id="copied"),
        pytest.param("song.ts", "aac", "aac", id="copied from what does not begin at 0"),
        pytest.param("song.mkv", "libmp3lame", "mp3", id="mp3 copied"),
        pytest.param("song.mkv", "libopus", "aac", id="encoded"),
        pytest.param("song.mov", "pcm_s16le", "aac", id="plain samples encoded"),
    ],
)
def test_sound_arrives_in_step(
    corpus: Path, tmp_path: Path, name: str, codec: str, expected: str
) -> None:
    source = song(tmp_path / name, codec, seconds=4)
    facts = joined(corpus / "fps_15.mp4", source, tmp_path / "made.mp4")
    assert facts.audio_codec == expected
    assert beep_of(tmp_path / "made.mp4") == pytest.approx(BEEP_S, abs=0.04)
    assert facts.audio_duration_s == pytest.approx(facts.duration_s, abs=0.03)
    assert facts.duration_s == pytest.approx(38 / 15)


def test_the_picture_is_copied_as_it_is(corpus: Path, tmp_path: Path) -> None:
    video = corpus / "hevc.mkv"
    facts = joined(video, corpus / "h264.mp4", tmp_path / "made.mp4")
    assert packets_of(tmp_path / "made.mp4") == packets_of(video)
    assert facts.codec_tag == "hvc1"
    assert facts.fps == pytest.approx(30)


def test_other_sound_is_replaced(corpus: Path, tmp_path: Path) -> None:
    source = song(tmp_path / "song.mp4", "aac", seconds=2)
    facts = joined(corpus / "h264.mp4", source, tmp_path / "made.mov")
    assert (facts.container, facts.audio_codec) == ("mov", "aac")
    assert beep_of(tmp_path / "made.mov") == pytest.approx(BEEP_S, abs=0.04)


def test_sound_that_ends_before_the_picture(corpus: Path, tmp_path: Path) -> None:
    source = song(tmp_path / "song.mp4", "aac", seconds=1.5)
    facts = joined(corpus / "silent.mp4", source, tmp_path / "made.mp4")
    assert facts.duration_s == pytest.approx(2.5)
    assert facts.audio_duration_s == pytest.approx(1.5, abs=0.03)


@pytest.mark.parametrize("codec", ["aac", "libopus"])
def test_start_of_a_clip_that_was_trimmed(corpus: Path, tmp_path: Path, codec: str) -> None:
    source = song(tmp_path / "song.mkv", codec, seconds=4)
    joined(corpus / "silent.mp4", source, tmp_path / "made.mp4", start_s=0.5)
    assert beep_of(tmp_path / "made.mp4") == pytest.approx(BEEP_S - 0.5, abs=0.04)
