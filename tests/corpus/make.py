"""Make the corpus: small clips and pictures of every kind the library meets.

Run from the root as ``python -m tests.corpus.make FOLDER``. Needs PyAV and Pillow (and pillow-heif
for the HEIC pictures), no ffmpeg binary. What is in each file is told by its name and by the
tables of the tests.
"""

import io
import struct
import sys
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import sin, tau
from pathlib import Path
from typing import Any

import av
from tests.corpus.pictures import make_pictures, photo

NTSC = Fraction(1000, 1001)
X264 = {"preset": "ultrafast", "tune": "fastdecode", "bf": "2"}
VP9 = {"deadline": "realtime", "cpu-used": "8"}
SOUND_RATE = 48_000


@dataclass(frozen=True)
class Clip:
    """What one encoded clip is like."""

    codec: str = "libx264"
    options: dict[str, str] = field(default_factory=lambda: dict(X264))
    tag: str | None = None
    size: tuple[int, int] = (240, 320)
    pixels: str = "yuv420p"
    fps: Fraction = Fraction(30)
    seconds: float = 2.5
    ticks: Callable[[int], int] | None = None
    """Time of frame n in milliseconds, for a variable rate."""
    sar: Fraction | None = None
    rotation: int = 0
    """Counter-clockwise degrees of the display matrix."""
    mirrored: bool = False
    sound: str | None = "aac"
    sound_seconds: float | None = None
    videos: int = 1
    cover: bool = False
    format: str | None = None
    mux: dict[str, str] = field(default_factory=dict)


PLAIN = Clip()
SILENT = Clip(sound=None)
TINY = Clip(size=(224, 224), fps=Fraction(24), sound=None)


def uneven(frame: int) -> int:
    """Time frames like a phone in the dark: every fourth takes twice as long."""
    return 33 * (frame + frame // 4)


CLIPS: dict[str, Clip] = {
    # containers
    "h264.mp4": PLAIN,
    "h264.mov": PLAIN,
    "h264.avi": replace(PLAIN, sound="libmp3lame", options={"preset": "ultrafast", "bf": "0"}),
    "h264.mkv": PLAIN,
    "h264.flv": PLAIN,
    "h264.ts": PLAIN,
    "phone.3gp": PLAIN,
    "browser.webm": Clip("libvpx-vp9", VP9, sound="libopus"),
    "old.wmv": Clip("wmv2", {}, sound="wmav2"),
    "old.flv": Clip("flv", {}, sound="libmp3lame"),
    # codecs
    "hevc_hvc1.mp4": Clip("libx265", {"preset": "ultrafast"}, "hvc1"),
    "hevc_hev1.mp4": Clip("libx265", {"preset": "ultrafast"}, "hev1"),
    "hevc_10bit.mp4": Clip("libx265", {"preset": "ultrafast"}, "hvc1", pixels="yuv420p10le"),
    "hevc.mkv": Clip("libx265", {"preset": "ultrafast"}),
    "hevc.ts": Clip("libx265", {"preset": "ultrafast"}),
    "h264_10bit.mp4": replace(SILENT, pixels="yuv420p10le"),
    "h264_422.mp4": replace(SILENT, pixels="yuv422p"),
    "vp8.webm": Clip("libvpx", {"deadline": "realtime", "cpu-used": "8"}, sound="libopus"),
    "vp9.mp4": Clip("libvpx-vp9", VP9),
    "av1.mp4": Clip("libsvtav1", {"preset": "13"}),
    "av1.webm": Clip("libsvtav1", {"preset": "13"}, sound="libopus"),
    "mpeg4.mp4": Clip("mpeg4", {}),
    "mpeg4.avi": Clip("mpeg4", {}, sound="mp2"),
    "mjpeg.avi": Clip("mjpeg", {}, pixels="yuvj420p", sound="pcm_s16le"),
    "mjpeg.mov": Clip("mjpeg", {}, pixels="yuvj420p", sound="pcm_s16le"),
    "prores.mov": Clip("prores_ks", {}, pixels="yuv422p10le", sound="pcm_s16le"),
    # frame rates
    "fps_15.mp4": replace(SILENT, fps=Fraction(15)),
    "fps_23976.mp4": replace(SILENT, fps=24 * NTSC),
    "fps_24.mp4": replace(SILENT, fps=Fraction(24)),
    "fps_25.mp4": replace(SILENT, fps=Fraction(25)),
    "fps_2997.mp4": replace(SILENT, fps=30 * NTSC),
    "fps_60.mp4": replace(SILENT, fps=Fraction(60)),
    "fps_23976.mkv": replace(SILENT, fps=24 * NTSC),
    "fps_24.flv": replace(SILENT, fps=Fraction(24)),
    "fps_2997.webm": Clip("libvpx-vp9", VP9, fps=30 * NTSC, sound=None),
    "variable.mp4": replace(SILENT, ticks=uneven),
    "variable.mkv": replace(SILENT, ticks=uneven),
    "variable.webm": Clip("libvpx-vp9", VP9, ticks=uneven, sound="libopus", mux={"live": "1"}),
    # shapes
    "rotated_90.mp4": replace(SILENT, rotation=-90),
    "rotated_180.mp4": replace(SILENT, rotation=180),
    "rotated_270.mov": replace(SILENT, rotation=90),
    "rotated_90.mkv": replace(SILENT, rotation=-90),
    "mirrored.mp4": replace(SILENT, mirrored=True),
    "mirrored_90.mp4": replace(SILENT, rotation=-90, mirrored=True),
    "mirrored_90.mkv": replace(SILENT, rotation=-90, mirrored=True),
    "wide_pixels.mp4": replace(SILENT, sar=Fraction(4, 3)),
    "wide_pixels.mkv": replace(SILENT, sar=Fraction(4, 3)),
    "tall_pixels_rotated.mp4": replace(SILENT, sar=Fraction(8, 9), rotation=-90),
    "odd_edges.mp4": replace(SILENT, size=(241, 321), pixels="yuv444p"),
    "odd_edges.webm": Clip("libvpx-vp9", VP9, size=(241, 321), sound=None),
    "edge_64.mp4": replace(SILENT, size=(64, 64)),
    "edge_198.mp4": replace(SILENT, size=(198, 320)),
    "edge_200.mp4": replace(SILENT, size=(200, 320)),
    "edge_2048.mp4": replace(SILENT, size=(1024, 2048), fps=Fraction(24), seconds=2),
    "edge_2050.mp4": replace(SILENT, size=(1024, 2050), fps=Fraction(24), seconds=2),
    "edge_4k.mp4": replace(SILENT, size=(2160, 3840), fps=Fraction(24), seconds=0.5),
    "ratio_3.mp4": replace(SILENT, size=(200, 600)),
    "ratio_over_3.mp4": replace(SILENT, size=(200, 602)),
    # lengths
    "length_1s.mp4": replace(SILENT, seconds=1),
    "length_2s.mp4": replace(SILENT, seconds=2),
    "length_30s.mp4": replace(TINY, seconds=30),
    "length_31s.mp4": replace(TINY, seconds=31),
    "length_60s.mp4": replace(TINY, seconds=60),
    "length_61s.mp4": replace(TINY, seconds=61),
    # sound
    "silent.mp4": SILENT,
    "silent.mkv": SILENT,
    "sound_longer.mp4": replace(PLAIN, sound_seconds=4),
    "sound_longer.mkv": replace(PLAIN, sound_seconds=4),
    "sound_shorter.mp4": replace(PLAIN, sound_seconds=1),
    "sound_only.mp4": replace(PLAIN, videos=0),
    "sound_only.mkv": replace(PLAIN, videos=0),
    # layouts
    "index_first.mp4": replace(PLAIN, mux={"movflags": "faststart"}),
    "fragmented.mp4": replace(
        PLAIN, mux={"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    ),
    "fragmented_rotated.mp4": replace(
        SILENT, rotation=-90, mux={"movflags": "empty_moov", "frag_duration": "400000"}
    ),
    "no_duration.webm": Clip("libvpx-vp9", VP9, sound="libopus", mux={"live": "1"}),
    "no_duration.mkv": replace(PLAIN, mux={"live": "1"}),
    "live.flv": replace(PLAIN, mux={"flvflags": "no_duration_filesize+no_metadata"}),
    "edit_list_late_start.mp4": replace(SILENT, options={**X264, "g": "15"}),
    "edit_list_early_end.mp4": SILENT,
    "cover_art.mp4": replace(PLAIN, cover=True),
    "cover_art.mkv": replace(PLAIN, cover=True),
    "two_videos.mp4": replace(PLAIN, videos=2),
    "two_videos.mkv": replace(PLAIN, videos=2),
}


def make_clip(path: Path, clip: Clip) -> None:
    """Encode one clip."""
    with av.open(str(path), "w", format=clip.format, options=clip.mux) as container:
        videos = [_video_stream(container, clip) for _ in range(clip.videos)]
        sound = _sound_stream(container, clip.sound) if clip.sound else None
        cover = _cover_stream(container) if clip.cover and path.suffix == ".mp4" else None
        if clip.cover and path.suffix == ".mkv":
            container.add_attachment("cover.jpg", "image/jpeg", _cover_bytes())
        container.start_encoding()
        if cover is not None:
            container.mux(_cover_packet(cover))
        for stream in videos:
            for packet in _pictures(stream, clip):
                container.mux(packet)
        if sound is not None:
            length_s = clip.seconds if clip.sound_seconds is None else clip.sound_seconds
            for packet in _sound(sound, length_s):
                container.mux(packet)


def _video_stream(container: Any, clip: Clip) -> Any:
    stream = container.add_stream(clip.codec, rate=clip.fps, options=clip.options)
    stream.width, stream.height = clip.size
    stream.pix_fmt = clip.pixels
    stream.codec_context.time_base = Fraction(1, 1000) if clip.ticks else 1 / clip.fps
    if clip.tag:
        stream.codec_context.codec_tag = clip.tag
    if clip.sar:
        stream.codec_context.sample_aspect_ratio = clip.sar
    if clip.rotation or clip.mirrored:
        stream.set_display_rotation(clip.rotation, hflip=clip.mirrored)
    return stream


def _sound_stream(container: Any, codec: str) -> Any:
    stream = container.add_stream(codec, rate=SOUND_RATE)
    stream.layout, stream.bit_rate = "mono", 64_000
    return stream


def _pictures(stream: Any, clip: Clip) -> Iterator[Any]:
    for number in range(round(clip.seconds * clip.fps)):
        frame = _frame(clip, number)
        frame.pts = clip.ticks(number) if clip.ticks else number
        frame.time_base = stream.codec_context.time_base
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _frame(clip: Clip, number: int) -> Any:
    """Draw a ramp that wanders, so that every frame differs from the one before."""
    frame = av.VideoFrame(*clip.size, clip.pixels)
    for plane in frame.planes:
        ramp = bytes((x // 2 + 5 * number) % 200 + 20 for x in range(plane.line_size))
        if "10" in clip.pixels:
            ramp = bytes(byte if at % 2 == 0 else byte % 4 for at, byte in enumerate(ramp))
        plane.update(ramp * plane.height + bytes(plane.buffer_size - len(ramp) * plane.height))
    return frame


def _sound(stream: Any, length_s: float) -> Iterator[Any]:
    resampler = av.AudioResampler(stream.format.name, "mono", stream.rate, stream.frame_size)
    total = round(length_s * SOUND_RATE)
    for start in range(0, total, SOUND_RATE):
        samples = range(start, min(start + SOUND_RATE, total))
        wave = array("f", (0.3 * sin(tau * 440 * at / SOUND_RATE) for at in samples))
        frame = av.AudioFrame("flt", "mono", len(wave))
        frame.planes[0].update(wave.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
        for ready in resampler.resample(frame):
            yield from stream.encode(ready)
    for ready in resampler.resample(None):
        yield from stream.encode(ready)
    yield from stream.encode(None)


def _cover_stream(container: Any) -> Any:
    stream = container.add_stream("mjpeg", rate=1)
    stream.width, stream.height, stream.pix_fmt = 64, 64, "yuvj420p"
    stream.disposition = av.stream.Disposition.attached_pic
    return stream


def _cover_packet(stream: Any) -> list[Any]:
    frame = _frame(Clip(size=(64, 64), pixels="yuvj420p"), 0)
    frame.pts, frame.time_base = 0, Fraction(1)
    return [*stream.encode(frame), *stream.encode(None)]


def _cover_bytes() -> bytes:
    data = io.BytesIO()
    photo((64, 64)).save(data, format="JPEG")
    return data.getvalue()


# ── files that are not what they say ─────────────────────────────────────────────────────


def edit(data: bytes, *, start_ticks: int, length: float) -> bytes:
    """Change the first edit of the only edit list: where it starts, and how much it shows."""
    at = data.index(b"elst") + 12
    shown, start = struct.unpack_from(">Ii", data, at)
    changed = struct.pack(">Ii", round(shown * length), start + start_ticks)
    return data[:at] + changed + data[at + 8 :]


def lie(data: bytes, *, factor: int) -> bytes:
    """Make every duration in the headers *factor* times as long; the tables stay true."""
    changed = bytearray(data)
    for name, offset in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        at = data.index(name) + offset
        (duration,) = struct.unpack_from(">I", data, at)
        struct.pack_into(">I", changed, at, duration * factor)
    return bytes(changed)


def sample_bomb(data: bytes, *, samples: int) -> bytes:
    """Claim *samples* samples in the first track, all of the same size, in a few bytes."""
    changed = bytearray(data)
    at = data.index(b"stsz") + 8
    struct.pack_into(">II", changed, at, 1, samples)
    at = data.index(b"stts") + 8
    struct.pack_into(">III", changed, at, 1, samples, 512)
    at = data.index(b"stsc") + 8
    struct.pack_into(">III", changed, at, 1, 1, samples)
    return bytes(changed)


def fragment_bomb(data: bytes, *, samples: int) -> bytes:
    """Claim *samples* samples in the first fragment."""
    at = data.index(b"trun") + 4
    return data[:at] + struct.pack(">II", 0, samples) + data[at + 8 :]


def pixel_bomb(data: bytes, *, edge_px: int) -> bytes:
    """Claim huge frames in every JPEG of a motion JPEG clip."""
    marker = b"\xff\xc0\x00\x11\x08"
    start, end = data.index(marker), len(marker)
    old = data[start : start + end + 4]
    return data.replace(old, marker + struct.pack(">HH", edge_px, edge_px))


def make_broken(folder: Path) -> None:
    """Derive what is cut, renamed, lying or no media at all from what is sound."""

    def cut(name: str, part: float) -> bytes:
        data = (folder / name).read_bytes()
        return data[: int(len(data) * part)]

    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    page = b"<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not found</body></html>\n"
    refusal = b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>\n'
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nh264.ts\n#EXT-X-ENDLIST\n"
    broken = {
        "edit_list_late_start.mp4": edit(
            whole["edit_list_late_start.mp4"], start_ticks=15 * 512, length=0.8
        ),
        "edit_list_early_end.mp4": edit(
            whole["edit_list_early_end.mp4"], start_ticks=0, length=0.8
        ),
        "header_lies.mp4": lie(whole["silent.mp4"], factor=40),
        "cut_index_first.mp4": cut("index_first.mp4", 0.6),
        "cut_index_last.mp4": cut("h264.mp4", 0.6),
        "cut_fragmented.mp4": cut("fragmented_rotated.mp4", 0.6),
        "cut.mkv": cut("h264.mkv", 0.6),
        "cut.avi": cut("h264.avi", 0.6),
        "cut.ts": cut("h264.ts", 0.6),
        "cut.flv": cut("h264.flv", 0.6),
        "cut.webm": cut("browser.webm", 0.6),
        "bomb_samples.mp4": sample_bomb(whole["silent.mp4"], samples=100_000_000),
        "bomb_fragment.mp4": fragment_bomb(whole["fragmented.mp4"], samples=100_000_000),
        "bomb_pixels.avi": pixel_bomb(whole["mjpeg.avi"], edge_px=65_500),
        "empty.mp4": b"",
        "text.mp4": b"This is no clip, only a line of text.\n" * 20,
        "page.mp4": page,
        "refusal.mp4": refusal,
        "playlist.mp4": playlist,
        "concat.mp4": b"ffconcat version 1.0\nfile 'h264.mp4'\n",
        "session.mp4": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\n",
        "zeros.mp4": bytes(4096),
        "archive.mp4": b"PK\x03\x04" + bytes(range(256)) * 8,
        "jpeg.mp4": whole["photo.jpg"],
        "clip.jpg": whole["silent.mp4"],
        "no_suffix": whole["silent.mp4"],
        "empty.jpg": b"",
        "cut.jpg": cut("photo.jpg", 0.6),
        "cut_header.jpg": whole["photo.jpg"][:12],
        "cut.png": cut("photo.png", 0.6),
        "page.jpg": page,
    }
    for name, data in broken.items():
        (folder / name).write_bytes(data)


def make(folder: Path) -> None:
    """Fill *folder* with the whole corpus."""
    for name, clip in CLIPS.items():
        make_clip(folder / name, clip)
    make_pictures(folder)
    make_broken(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
