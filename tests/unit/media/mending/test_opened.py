"""Clips are copied without a frame being decoded, and come out as if one were."""

import re
from functools import partial
from pathlib import Path
from typing import Any, cast

import anyio
import av
import pytest

from dashscope_aa._engines import AnimateAnyone
from dashscope_aa.media._convert import convert
from dashscope_aa.media._mending import video
from dashscope_aa.media._mending.opened import Clip, DecodingTimes, opened, opened_to_copy
from dashscope_aa.media._opening.subjects import subject_of
from dashscope_aa.media._probing.local import seen

PLAIN = {"preset": "ultrafast"}
TWO_AHEAD = PLAIN | {"bf": "3", "x264-params": "b-adapt=0:b-pyramid=normal"}
ONE_AHEAD = PLAIN | {"bf": "1", "x264-params": "b-adapt=0"}


def mend(source: Path, target: Path) -> Path:
    made = anyio.run(partial(convert, source, target, engine=AnimateAnyone()))
    assert [step.what for step in made.steps] == ["copy the picture into mp4"]
    return target


def depth_of(path: Path) -> int | None:
    """Tell how far frames are out of order; None if one has to be decoded to know it."""
    with subject_of(path, checkpoint=lambda: None) as subject:
        found, facts = seen(subject, "video")
        with opened_to_copy(Clip(subject, found, cast("Any", facts))) as source:
            return None if source.untold is None else source.untold.depth


def shoot(path: Path, options: dict[str, str]) -> Path:
    """Film 2 s that grow lighter."""
    with av.open(str(path), "w") as film:
        picture: Any = film.add_stream("libx264", rate=30, options=options)
        picture.width, picture.height = 320, 240
        for number in range(60):
            frame = av.VideoFrame(320, 240, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([100 + number]) * plane.buffer_size)
            film.mux(picture.encode(frame))
        film.mux(picture.encode(None))
    return path


def shorn(source: Path, path: Path) -> Path:
    """Copy a film, and leave away of its parameters all that is optional (VUI)."""
    with av.open(str(source)) as given, av.open(str(path), "w") as film:
        picture: Any = given.streams.video[0]
        copy: Any = film.add_stream_from_template(picture, opaque=True)
        head = picture.codec_context.extradata
        end = 8 + int.from_bytes(head[6:8])
        parameters = without_vui(head[8:end])
        length = len(parameters).to_bytes(2)
        copy.codec_context.extradata = head[:6] + length + parameters + head[end:]
        for packet in given.demux(picture):
            if packet.size:
                packet.stream = copy
                film.mux(packet)
    return path


def without_vui(parameters: bytes) -> bytes:
    """Cut what is optional off, which comes last.

    Source: ITU-T H.264, 7.3.2.1.1, for the main profile, whole frames and nothing cropped.
    """
    bits = "".join(f"{byte:08b}" for byte in parameters.replace(b"\0\0\3", b"\0\0"))
    at = 32
    for length in "nnnnnfnnfff":  # numbers and flags
        at = bits.index("1", at) * 2 - at + 1 if length == "n" else at + 1
    assert bits[at] == "1"
    kept = bits[:at] + "01"
    kept += "0" * (-len(kept) % 8)
    data = bytes(int(kept[start : start + 8], 2) for start in range(0, len(kept), 8))
    return re.sub(rb"\0\0(?=[\0-\3])", b"\0\0\3", data)


def pictures_of(path: Path) -> list[int]:
    """Tell how light each frame is, in the order they are shown."""
    with av.open(str(path)) as film:
        # So that the decoder does not lose any where it is not told of the depth.
        film.streams.video[0].codec_context.options = {"strict": "1"}
        return [bytes(frame.planes[0])[0] for frame in film.decode(video=0)]


# ── tests ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "depth"),
    [
        pytest.param(TWO_AHEAD, 2, id="frames that look ahead refer to each other"),
        pytest.param(ONE_AHEAD, 1, id="frames look ahead"),
        pytest.param(PLAIN, 0, id="frames only look back"),
    ],
)
def test_depth_is_told(tmp_path: Path, options: dict[str, str], depth: int) -> None:
    assert depth_of(shoot(tmp_path / "a.mkv", options)) == depth


def test_depth_follows_from_the_level(tmp_path: Path) -> None:
    source = shorn(shoot(tmp_path / "a.mkv", TWO_AHEAD), tmp_path / "b.mkv")
    # 2,376 blocks fit into the memory of level 1.3; a frame has 300. Source: H.264, table A-1.
    assert depth_of(source) == 2376 // 300
    made = mend(source, tmp_path / "b.mp4")
    assert pictures_of(made) == pictures_of(tmp_path / "a.mkv")


@pytest.mark.parametrize(
    "name", ["h264.mp4", "hevc.mkv"], ids=["an index tells of the sound", "its header tells all"]
)
def test_others_are_opened_as_ever(corpus: Path, name: str) -> None:
    assert depth_of(corpus / name) is None


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("h264.mkv", id="sound"),
        pytest.param("wide_pixels.mkv", id="pixels that are not square"),
        pytest.param("variable.mkv", id="an uneven pace"),
        pytest.param("rotated_90.mkv", id="lying"),
        pytest.param("no_duration.mkv", id="a live recording"),
        pytest.param("h264.flv", id="flv"),
        pytest.param("h264.ts", id="ts"),
    ],
)
def test_a_copy_is_the_same_as_with_a_frame_decoded(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert depth_of(corpus / name) is not None
    made = mend(corpus / name, tmp_path / "a.mp4")
    monkeypatch.setattr(video, "opened_to_copy", opened)
    assert made.read_bytes() == mend(corpus / name, tmp_path / "b.mp4").read_bytes()


def test_colours_that_only_the_picture_tells_stay(tmp_path: Path) -> None:
    bt709 = PLAIN | {"x264-params": "colorprim=bt709:transfer=bt709:colormatrix=bt709"}
    made = mend(shoot(tmp_path / "a.mkv", bt709), tmp_path / "a.mp4")
    assert b"colrnclx\0\1\0\1\0\1" in made.read_bytes()


@pytest.mark.parametrize(
    ("depth", "shown", "decoded"),
    [
        pytest.param(0, [0, 1, 2], [0, 1, 2], id="in order"),
        pytest.param(1, [0, 2, 1, 4, 3], [-1, 0, 1, 2, 3], id="each second one looks ahead"),
        pytest.param(2, [0, 4, 2, 1, 3, 5], [-2, -1, 0, 1, 2, 3], id="two ahead"),
        pytest.param(2, [0, 1, 2, 3], [-2, -1, 0, 1], id="fewer than may be"),
        pytest.param(1, [2, 0, 1, 5, 3], [1, 0, 1, 2, 3], id="the beginning is missing"),
    ],
)
def test_decoding_times(depth: int, shown: list[int], decoded: list[int]) -> None:
    times = DecodingTimes(depth)
    assert [times.of(pts, lasts=1) for pts in shown] == decoded
