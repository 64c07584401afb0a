"""The facts of every clip of the corpus, and that they are what a decoder sees."""

import io
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from dashscope_aa.media._facts import VideoFacts
from dashscope_aa.media._opening.clip import open_clip
from dashscope_aa.media._opening.safety import NotReadable, recognise
from dashscope_aa.media._opening.subjects import subject_of
from dashscope_aa.media._probing import video
from dashscope_aa.media._probing.look import look

NTSC = Fraction(1000, 1001)
ONE_FRAME_S = 0.034
SOUND_FRAME_S = 0.05


@dataclass(frozen=True)
class Clip:
    """What a clip of the corpus is like; the defaults are those of most."""

    container: str
    codec: str
    shown: tuple[int, int] = (240, 320)
    fps: Fraction | float = 30
    frames: int = 75
    seconds: float = 2.5
    sound: tuple[str, float] | None = None
    more: dict[str, Any] = field(default_factory=dict)


AAC, OPUS, MP3, PCM = ("aac", 2.5), ("opus", 2.5), ("mp3", 2.54), ("pcm_s16le", 2.5)
TURNED_90 = {"rotation": 90, "coded_width_px": 240, "coded_height_px": 320}
DEEP = {"pixel_format": "yuv420p10le", "bit_depth": 10}
CUT = {"truncated": True}
UNEVEN = {"variable_rate": True}

CLIPS = {
    # containers
    "h264.mp4": Clip("mp4", "h264", sound=AAC, more={"codec_tag": "avc1", "major_brand": "isom"}),
    "h264.mov": Clip("mov", "h264", sound=AAC, more={"major_brand": "qt"}),
    # The sound starts late, so the first frame is repeated: an empty row of the index.
    "h264.avi": Clip("avi", "h264", frames=76, seconds=2.533, sound=MP3),
    "h264.mkv": Clip("mkv", "h264", sound=AAC, more={"codec_tag": "", "major_brand": None}),
    "h264.flv": Clip("flv", "h264", sound=AAC),
    "h264.ts": Clip("ts", "h264", sound=AAC, more={"header_duration_s": None}),
    "phone.3gp": Clip("3gp", "h264", sound=AAC, more={"major_brand": "3gp6"}),
    "browser.webm": Clip("webm", "vp9", sound=OPUS),
    "old.wmv": Clip("wmv", "wmv2", sound=("wmav2", 2.5)),
    "old.flv": Clip("flv", "flv1", sound=MP3),
    # codecs
    "hevc_hvc1.mp4": Clip("mp4", "hevc", sound=AAC, more={"codec_tag": "hvc1", "profile": "Main"}),
    "hevc_hev1.mp4": Clip("mp4", "hevc", sound=AAC, more={"codec_tag": "hev1"}),
    "hevc_10bit.mp4": Clip("mp4", "hevc", sound=AAC, more={"profile": "Main 10", **DEEP}),
    "hevc.mkv": Clip("mkv", "hevc", sound=AAC),
    "hevc.ts": Clip("ts", "hevc", sound=AAC),
    "h264_10bit.mp4": Clip("mp4", "h264", more={"profile": "High 10", **DEEP}),
    "h264_422.mp4": Clip("mp4", "h264", more={"pixel_format": "yuv422p", "bit_depth": 8}),
    "vp8.webm": Clip("webm", "vp8", sound=OPUS),
    "vp9.mp4": Clip("mp4", "vp9", sound=AAC, more={"codec_tag": "vp09"}),
    "av1.mp4": Clip("mp4", "av1", sound=AAC, more={"codec_tag": "av01"}),
    "av1.webm": Clip("webm", "av1", sound=OPUS),
    "mpeg4.mp4": Clip("mp4", "mpeg4", sound=AAC),
    "mpeg4.avi": Clip("avi", "mpeg4", sound=("mp2", 2.5)),
    "mjpeg.avi": Clip("avi", "mjpeg", sound=PCM),
    "mjpeg.mov": Clip("mov", "mjpeg", sound=PCM),
    "prores.mov": Clip("mov", "prores", sound=PCM, more={"bit_depth": 10, "profile": "HQ"}),
    # frame rates
    "fps_15.mp4": Clip("mp4", "h264", fps=15, frames=38, seconds=2.533),
    "fps_23976.mp4": Clip("mp4", "h264", fps=24 * NTSC, frames=60, seconds=2.5025),
    "fps_24.mp4": Clip("mp4", "h264", fps=24, frames=60),
    "fps_25.mp4": Clip("mp4", "h264", fps=25, frames=62, seconds=2.48),
    "fps_2997.mp4": Clip("mp4", "h264", fps=30 * NTSC, seconds=2.5025),
    "fps_60.mp4": Clip("mp4", "h264", fps=60, frames=150),
    "fps_23976.mkv": Clip("mkv", "h264", fps=24 * NTSC, frames=60, seconds=2.5025),
    "fps_24.flv": Clip("flv", "h264", fps=24, frames=60),
    "fps_2997.webm": Clip("webm", "vp9", fps=30 * NTSC, seconds=2.5025),
    "variable.mp4": Clip("mp4", "h264", fps=24.435, seconds=3.069, more=UNEVEN),
    "variable.mkv": Clip("mkv", "h264", fps=24.438, seconds=3.069, more=UNEVEN),
    "variable.webm": Clip("webm", "vp9", fps=24.438, seconds=3.069, sound=OPUS, more=UNEVEN),
    # shapes
    "rotated_90.mp4": Clip("mp4", "h264", (320, 240), more=TURNED_90),
    "rotated_180.mp4": Clip("mp4", "h264", more={"rotation": 180}),
    "rotated_270.mov": Clip("mov", "h264", (320, 240), more={"rotation": 270}),
    "rotated_90.mkv": Clip("mkv", "h264", (320, 240), more=TURNED_90),
    "mirrored.mp4": Clip("mp4", "h264", more={"rotation": 0, "mirrored": True}),
    "mirrored_90.mp4": Clip("mp4", "h264", (320, 240), more={"rotation": 270, "mirrored": True}),
    "mirrored_90.mkv": Clip("mkv", "h264", (320, 240), more={"rotation": 270, "mirrored": True}),
    "wide_pixels.mp4": Clip(
        "mp4", "h264", (320, 320), more={"sample_aspect_ratio": Fraction(4, 3)}
    ),
    "wide_pixels.mkv": Clip("mkv", "h264", (320, 320), more={"coded_width_px": 240}),
    "tall_pixels_rotated.mp4": Clip("mp4", "h264", (320, 213), more=TURNED_90),
    "odd_edges.mp4": Clip("mp4", "h264", (241, 321), more={"pixel_format": "yuv444p"}),
    "odd_edges.webm": Clip("webm", "vp9", (241, 321)),
    "edge_64.mp4": Clip("mp4", "h264", (64, 64)),
    "edge_198.mp4": Clip("mp4", "h264", (198, 320)),
    "edge_200.mp4": Clip("mp4", "h264", (200, 320)),
    "edge_2048.mp4": Clip("mp4", "h264", (1024, 2048), fps=24, frames=48, seconds=2),
    "edge_2050.mp4": Clip("mp4", "h264", (1024, 2050), fps=24, frames=48, seconds=2),
    "edge_4k.mp4": Clip("mp4", "h264", (2160, 3840), fps=24, frames=12, seconds=0.5),
    "ratio_3.mp4": Clip("mp4", "h264", (200, 600)),
    "ratio_over_3.mp4": Clip("mp4", "h264", (200, 602)),
    # lengths
    "length_1s.mp4": Clip("mp4", "h264", frames=30, seconds=1),
    "length_2s.mp4": Clip("mp4", "h264", frames=60, seconds=2),
    "length_30s.mp4": Clip("mp4", "h264", (224, 224), fps=24, frames=720, seconds=30),
    "length_31s.mp4": Clip("mp4", "h264", (224, 224), fps=24, frames=744, seconds=31),
    "length_60s.mp4": Clip("mp4", "h264", (224, 224), fps=24, frames=1440, seconds=60),
    "length_61s.mp4": Clip("mp4", "h264", (224, 224), fps=24, frames=1464, seconds=61),
    # sound
    "silent.mp4": Clip("mp4", "h264", more={"audio_bytes": None, "video_streams": 1}),
    "silent.mkv": Clip("mkv", "h264"),
    "sound_longer.mp4": Clip("mp4", "h264", sound=("aac", 4), more={"header_duration_s": 4}),
    "sound_longer.mkv": Clip("mkv", "h264", sound=("aac", 4)),
    "sound_shorter.mp4": Clip("mp4", "h264", sound=("aac", 1)),
    # layouts
    "index_first.mp4": Clip("mp4", "h264", sound=AAC),
    "fragmented.mp4": Clip("mp4", "h264", sound=("aac", 2.57), more={"header_duration_s": None}),
    "fragmented_rotated.mp4": Clip("mp4", "h264", (320, 240), more=TURNED_90),
    "no_duration.webm": Clip("webm", "vp9", sound=OPUS, more={"header_duration_s": None}),
    "no_duration.mkv": Clip("mkv", "h264", sound=AAC, more={"header_duration_s": None}),
    "live.flv": Clip("flv", "h264", sound=AAC, more={"header_duration_s": None}),
    "edit_list_late_start.mp4": Clip("mp4", "h264", frames=60, seconds=2),
    "edit_list_early_end.mp4": Clip("mp4", "h264", frames=60, seconds=2),
    "header_lies.mp4": Clip("mp4", "h264", more={"header_duration_s": 100}),
    "cover_art.mp4": Clip("mp4", "h264", sound=AAC, more={"attached_picture": True}),
    "cover_art.mkv": Clip("mkv", "h264", sound=AAC, more={"video_streams": 1}),
    "two_videos.mp4": Clip("mp4", "h264", sound=AAC, more={"video_streams": 2}),
    "two_videos.mkv": Clip("mkv", "h264", sound=AAC, more={"video_streams": 2}),
    "no_suffix": Clip("mp4", "h264", more={"suffix": None}),
    # cut off
    "cut_index_first.mp4": Clip(
        "mp4", "h264", frames=43, seconds=1.43, sound=("aac", 1.37), more=CUT
    ),
    "cut_fragmented.mp4": Clip("mp4", "h264", (320, 240), frames=43, seconds=1.43, more=CUT),
    "cut.mkv": Clip("mkv", "h264", frames=44, seconds=1.53, sound=("aac", 1.41), more=CUT),
    "cut.avi": Clip("avi", "h264", frames=42, seconds=1.4, sound=("mp3", 1.39), more=CUT),
    "cut.ts": Clip("ts", "h264", frames=45, seconds=1.53, sound=("aac", 1.45), more=CUT),
    "cut.flv": Clip("flv", "h264", frames=45, seconds=1.53, sound=("aac", 1.43), more=CUT),
    "cut.webm": Clip("webm", "vp9", frames=40, seconds=1.33, sound=("opus", 1.34), more=CUT),
    # Its frames cannot be decoded, which a look that decodes none does not see.
}

UNREADABLE = {
    "sound_only.mp4": "no_picture",
    "sound_only.mkv": "no_picture",
    "cut_index_last.mp4": "truncated",
    "bomb_samples.mp4": "too_large",
    "bomb_fragment.mp4": "too_large",
    "bomb_pixels.avi": "damaged",
    "empty.mp4": "empty",
    "text.mp4": "text",
    "page.mp4": "html",
    "refusal.mp4": "text",
    "playlist.mp4": "playlist",
    "concat.mp4": "playlist",
    "session.mp4": "playlist",
    "zeros.mp4": "not_media",
    "archive.mp4": "format",
    "jpeg.mp4": "wrong_kind",
}


def facts(path: Path) -> Any:
    with subject_of(path, checkpoint=lambda: None) as subject:
        return look(subject, "video")


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in CLIPS])
def test_facts_of_a_clip(corpus: Path, name: str) -> None:
    clip, found = CLIPS[name], facts(corpus / name)
    assert isinstance(found, VideoFacts), found
    assert (found.container, found.codec) == (clip.container, clip.codec)
    assert (found.width_px, found.height_px) == clip.shown
    assert found.fps == pytest.approx(float(clip.fps), abs=0.001)
    assert (found.frames, found.size_bytes) == (clip.frames, (corpus / name).stat().st_size)
    assert found.duration_s == pytest.approx(clip.seconds, abs=0.005)
    usual = {"truncated": False, "variable_rate": False, "notes": (), "kind": "video"}
    for fact, value in {**usual, **clip.more}.items():
        assert getattr(found, fact) == value, fact


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in CLIPS])
def test_sound_of_a_clip(corpus: Path, name: str) -> None:
    clip, found = CLIPS[name], facts(corpus / name)
    if clip.sound is None:
        assert (found.audio_codec, found.audio_duration_s, found.audio_bytes) == (None, None, None)
        return
    codec, seconds = clip.sound
    assert found.audio_codec == codec
    assert found.audio_duration_s == pytest.approx(seconds, abs=SOUND_FRAME_S)
    assert 0 < found.audio_bytes < found.size_bytes


@pytest.mark.parametrize(
    ("name", "reason"), [pytest.param(*row, id=row[0]) for row in UNREADABLE.items()]
)
def test_no_clip(corpus: Path, name: str, reason: str) -> None:
    found = facts(corpus / name)
    assert found.reason == reason
    assert found.message.startswith(f"{name}: ")
    assert found.hint
    assert found.size_bytes == (corpus / name).stat().st_size


def test_every_clip_of_the_corpus_has_a_row(corpus: Path) -> None:
    pictures = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tiff", ".avif", ".heic"}
    clips = {path.name for path in corpus.iterdir() if path.suffix not in pictures}
    assert clips == CLIPS.keys() | UNREADABLE.keys()


WHOLE = [name for name, clip in CLIPS.items() if "truncated" not in clip.more]
DECODED = [name for name in WHOLE if name != "h264.avi"]


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in DECODED])
def test_facts_are_what_a_decoder_sees(corpus: Path, name: str) -> None:
    found = facts(corpus / name)
    with av.open(str(corpus / name)) as container:
        frames = list(container.decode(video=0))
    first = frames[0]
    assert found.frames == len(frames)
    assert (found.coded_width_px, found.coded_height_px) == (first.width, first.height)
    assert found.pixel_format == first.format.name
    assert found.start_s == pytest.approx(first.time, abs=0.002)
    span_s = frames[-1].time - first.time
    assert found.duration_s == pytest.approx(span_s + 1 / found.fps, abs=ONE_FRAME_S)
    matrix = first.side_data.get("DISPLAYMATRIX")
    assert (found.rotation, found.mirrored) == ((0, False) if matrix is None else _turn(matrix))


def _turn(matrix: Any) -> tuple[int, bool]:
    """Say where the display matrix sends the corners, in quarters and flips."""
    a, b, _, c, d, *_ = memoryview(matrix).cast("B").cast("i")
    turns = {(1, 0, 0, 1): 0, (0, 1, -1, 0): 90, (-1, 0, 0, -1): 180, (0, -1, 1, 0): 270}
    signs = tuple((x > 0) - (x < 0) for x in (a, b, c, d))
    if signs in turns:
        return turns[signs], False
    return turns[-signs[0], -signs[1], signs[2], signs[3]], True


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="there is no ffprobe here")
@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in DECODED])
def test_facts_agree_with_ffprobe(corpus: Path, name: str) -> None:
    shown = "stream=codec_name,width,height,nb_read_packets,avg_frame_rate"
    options = ["-v", "error", "-select_streams", "v:0", "-count_packets", "-of", "default=nk=0"]
    command = ["ffprobe", *options, "-show_entries", shown, str(corpus / name)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    values = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    found = facts(corpus / name)
    assert found.codec == values["codec_name"]
    assert found.coded_width_px == int(values["width"])
    assert found.coded_height_px == int(values["height"])


def test_a_codec_that_is_not_named_is_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "old.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("cinepak", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "rgb24"
        frame = av.VideoFrame(64, 64, "rgb24")
        frame.pts = 0
        container.mux([*stream.encode(frame), *stream.encode(None)])
    found = facts(path)
    assert (found.reason, "cinepak" in found.message) == ("format", True)


# ── the head of the first frame ──────────────────────────────────────────────────────────


@pytest.fixture
def openings(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether FFmpeg was told not to decode, for each time that a clip was opened."""
    told: list[bool] = []

    def opened(*args: Any, undecoded: bool = False) -> Any:
        told.append(undecoded)
        return open_clip(*args, undecoded=undecoded)

    monkeypatch.setattr(video, "open_clip", opened)
    return told


@pytest.mark.parametrize("name", DECODED)
def test_the_head_of_a_frame_tells_what_decoding_it_does(
    corpus: Path, name: str, openings: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = facts(corpus / name)
    assert openings == [True]
    monkeypatch.setattr(video, "begun", lambda *_: None)
    assert facts(corpus / name) == found
    assert openings == [True, True, False]


@pytest.mark.parametrize(
    ("name", "start"),
    [
        pytest.param("h264.mp4", b"mdat", id="in a table of samples"),
        pytest.param("h264.mkv", b"\x1fC\xb6u", id="in clusters"),
    ],
)
def test_a_first_frame_that_makes_no_sense_is_looked_at_again(
    corpus: Path, tmp_path: Path, openings: list[bool], *, name: str, start: bytes
) -> None:
    data = bytearray((corpus / name).read_bytes())
    at = data.index(start) + 40
    data[at : at + 2000] = bytes(2000)
    damaged = tmp_path / name
    damaged.write_bytes(data)
    assert "not one frame can be decoded" in facts(damaged).message
    assert openings == [True, False, False]


@pytest.mark.parametrize("codec", [b"A_DTS", b"A_ODD"])
def test_sound_without_a_decoder_does_not_hinder(
    corpus: Path, tmp_path: Path, codec: bytes
) -> None:
    clip = tmp_path / "other_sound.mkv"
    clip.write_bytes((corpus / "h264.mkv").read_bytes().replace(b"A_AAC", codec))
    found = facts(clip)
    assert (found.frames, found.pixel_format) == (75, "yuv420p")


def test_a_size_that_only_the_container_states_is_weighed_by_the_decoder(
    corpus: Path, tmp_path: Path, openings: list[bool]
) -> None:
    data = bytearray((corpus / "h264.mp4").read_bytes())
    at = data.index(b"avc1", data.index(b"stsd")) + 28
    for width, found_px in ((238, 238), (120, 240)):
        data[at : at + 2] = width.to_bytes(2)
        clip = tmp_path / f"{width}.mp4"
        clip.write_bytes(data)
        assert facts(clip).coded_width_px == found_px
    assert openings == [True, False] * 2


def test_a_picture_is_no_clip(corpus: Path) -> None:
    with (
        subject_of(corpus / "dance.gif", checkpoint=lambda: None) as subject,
        pytest.raises(NotReadable, match="expected a clip, but it is a GIF picture"),
    ):
        recognise(subject, "video")


def test_frames_too_large_to_be_decoded(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashscope_aa.media._probing.video.VIDEO_PIXELS", 100)
    found = facts(corpus / "silent.mp4")
    assert (found.reason, "240 × 320 pixels" in found.message) == ("too_large", True)


def test_a_look_that_runs_out_of_memory(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def runs_out(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("dashscope_aa.media._probing.video.read_movie", runs_out)
    assert facts(corpus / "silent.mp4").reason == "too_large"


def test_tracks_that_only_ffmpeg_sees_are_counted_by_packets(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashscope_aa.media._probing.video.truth_of_tables", lambda *_, **__: None)
    found = facts(corpus / "h264.mp4")
    assert (found.frames, found.fps, found.audio_duration_s) == (
        75,
        30.0,
        pytest.approx(2.5, abs=0.05),
    )


class GivenUp(BaseException):
    """What a cancelled thread raises is no Exception either."""


@pytest.mark.parametrize("name", ["h264.flv", "h264.mkv", "no_duration.webm"])
def test_a_look_for_packets_that_do_not_come_can_be_given_up(
    corpus: Path, tmp_path: Path, name: str
) -> None:
    """FFmpeg reads to the end of a file that goes on as zeros before it gives a packet."""
    hollow = tmp_path / name
    hollow.write_bytes((corpus / name).read_bytes())
    size_bytes = hollow.stat().st_size
    os.truncate(hollow, size_bytes + 2**28)
    asked = 0

    def checkpoint() -> None:
        nonlocal asked
        asked += 1
        if asked > 2 + size_bytes // 2**17:
            raise GivenUp

    with pytest.raises(GivenUp), subject_of(hollow, checkpoint=checkpoint) as subject:
        look(subject, "video")


class Counting(io.FileIO):
    """A file that counts what is read of it."""

    read_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(-1 if size is None else size) or b""
        self.read_bytes += len(data)
        return data


@pytest.mark.parametrize(
    ("name", "kept_bytes"),
    [
        pytest.param("h264.flv", None, id="flv"),
        pytest.param("h264.mkv", None, id="mkv"),
        pytest.param("no_duration.webm", None, id="webm that states no duration"),
        pytest.param("h264.ts", None, id="ts"),
        pytest.param("old.wmv", None, id="wmv"),
        pytest.param("mpeg4.avi", None, id="avi"),
        pytest.param("mpeg4.avi", 20_000, id="avi without an index"),
        pytest.param("h264.mp4", None, id="mp4"),
    ],
)
def test_gigabytes_of_nothing_are_not_read(
    corpus: Path, tmp_path: Path, name: str, kept_bytes: int | None
) -> None:
    path = tmp_path / name
    path.write_bytes((corpus / name).read_bytes()[:kept_bytes])
    os.truncate(path, 10 * 2**30)
    with (
        Counting(path) as file,
        subject_of(file, checkpoint=lambda: None) as subject,
    ):
        look(subject, "video")
        assert file.read_bytes < 2**27
