"""What is really in a clip, whatever its header says."""

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.error import FFmpegError
from PIL import Image

from dashscope_aa.emulator._reading import measures
from dashscope_aa.emulator._reading.measures import Clip

from_image: Any = av.VideoFrame.from_image  # PyAV gives it no types


def make(path: Path, *, times_ms: list[int], codec: str = "libx264", b_frames: int = 3) -> Path:
    """Make a clip whose frames begin at these times."""
    frame = from_image(Image.radial_gradient("L").convert("RGB"))
    with av.open(str(path), "w") as clip:
        stream: Any = clip.add_stream(codec, 25)
        stream.width, stream.height = frame.width, frame.height
        stream.codec_context.max_b_frames = b_frames
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for time_ms in times_ms:
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            clip.mux(stream.encode(frame))
        clip.mux(stream.encode(None))
    return path


def copy(source: Path, target: Path, **options: str) -> Path:
    """Copy the picture of a clip, without the lengths of its frames."""
    with av.open(str(source)) as clip, av.open(str(target), "w", options=options) as remuxed:
        stream = remuxed.add_stream_from_template(clip.streams.video[0])
        for packet in clip.demux(video=0):
            if packet.dts is not None:
                packet.stream, packet.duration = stream, 0
                remuxed.mux(packet)
    return target


STEADY = list(range(0, 2000, 40))
UNEVEN = [0, 30, 500, 530, 1000, 1900, 1960]


@pytest.mark.parametrize(
    ("times_ms", "b_frames", "duration_s", "fps", "slack"),
    [
        pytest.param(STEADY, 0, 2.0, 25, 0.001, id="steady"),
        pytest.param(STEADY, 3, 2.0, 25, 0.001, id="steady with b-frames"),
        pytest.param([time_ms + 700 for time_ms in STEADY], 3, 2.0, 25, 0.001, id="begins late"),
        pytest.param(UNEVEN, 0, 2.0, 3.5, 0.001, id="variable rate"),
        pytest.param(UNEVEN, 3, 2.0, 3.5, 0.15, id="variable rate with b-frames"),
    ],
)
def test_pace(
    *,
    times_ms: list[int],
    b_frames: int,
    duration_s: float,
    fps: float,
    slack: float,
    tmp_path: Path,
) -> None:
    clip = Clip(make(tmp_path / "x.mp4", times_ms=times_ms, b_frames=b_frames))
    assert clip.duration_s == pytest.approx(duration_s, rel=slack)
    assert clip.fps == pytest.approx(fps, rel=slack)


def test_pace_of_a_recording_without_lengths(tmp_path: Path) -> None:
    source = make(tmp_path / "x.mp4", times_ms=STEADY)
    clip = Clip(copy(source, tmp_path / "x.mkv", live="1"))
    assert clip.duration_s == pytest.approx(2.0, abs=1 / 25)


def test_a_fragmented_clip_is_measured_whole(tmp_path: Path) -> None:
    source = make(tmp_path / "x.mp4", times_ms=STEADY)
    flags = "frag_keyframe+empty_moov+default_base_moof"
    clip = Clip(copy(source, tmp_path / "y.mp4", movflags=flags))
    assert clip.duration_s == pytest.approx(2.0, abs=0.05)


def test_a_clip_of_endless_packets_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "MOST_PACKETS", 30)
    clip = Clip(make(tmp_path / "x.mp4", times_ms=STEADY))
    with pytest.raises(ValueError, match="more than 30 packets"):
        _ = clip.duration_s


def test_a_clip_cut_off_before_its_first_frame(tmp_path: Path) -> None:
    source = make(tmp_path / "x.mp4", times_ms=STEADY)
    path = copy(source, tmp_path / "y.mp4", movflags="faststart")
    os.truncate(path, path.read_bytes().index(b"mdat") + 4)
    with pytest.raises(ValueError, match="no frame"):
        _ = Clip(path).duration_s


def test_a_cover_is_no_moving_picture(tmp_path: Path) -> None:
    jpeg = tmp_path / "cover.jpg"
    Image.radial_gradient("L").save(jpeg)
    path = tmp_path / "x.mkv"
    with av.open(str(path), "w") as clip:
        clip.add_attachment("cover.jpg", "image/jpeg", jpeg.read_bytes())
        sound = clip.add_stream("aac", 48_000)
        frame = av.AudioFrame("fltp", "stereo", 1024)
        frame.sample_rate = 48_000
        for plane in frame.planes:
            plane.update(bytes(4096))
        frame.pts = 0
        clip.mux(sound.encode(frame))
        clip.mux(sound.encode(None))
    with av.open(str(path)) as clip:
        assert clip.streams.video
    with pytest.raises(ValueError, match="no moving picture"):
        _ = Clip(path).codec


def test_a_clip_of_which_nothing_can_be_decoded(tmp_path: Path) -> None:
    path = make(tmp_path / "x.mp4", times_ms=STEADY)
    with av.open(str(path)) as clip:
        places = [(p.pos or 0, p.size) for p in clip.demux(video=0) if p.size]
    data = bytearray(path.read_bytes())
    for start, size in places:
        data[start : start + size] = bytes(size)
    path.write_bytes(data)
    assert Clip(path).duration_s == pytest.approx(2.0)
    with pytest.raises((ValueError, FFmpegError)):
        _ = Clip(path).detail
