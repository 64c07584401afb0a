"""Every file of the corpus: what a table says, what preflight says, what the service would say.

The table is written by hand. Preflight and the emulator keep their limits apart, and meet here.
"""

from functools import partial
from pathlib import Path

import anyio
import pytest

from dashscope_aa._engines import AnimateAnyone, Engine, WanAnimate
from dashscope_aa._sources import suffix_of
from dashscope_aa.emulator._judge.verdict import judge_image, judge_video
from dashscope_aa.media._judging.findings import Severity
from dashscope_aa.media._preflight import preflight
from dashscope_aa.media._reporting.report import Report

ENGINES: dict[str, Engine] = {
    "animate-anyone": AnimateAnyone(),
    "wan": WanAnimate(mode="wan-std"),
}

# Codes of the errors for AnimateAnyone and for wan, then the files that get them.
PICTURES = [
    (
        ("", ""),
        (
            "photo.jpg photo.jpeg photo.png photo.bmp grey.jpg print.jpg stereo.jpg deep.png "
            "clear.png palette.png turned.jpg turned.png edge_225.jpg edge_4096.jpg"
        ),
    ),
    (("I101", ""), "photo.webp clear.webp dance.webp turned.webp"),
    (
        ("I101", "I201"),
        (
            "photo.gif dance.gif photo.avif clear.avif dance.avif photo.tiff turned.tiff "
            "pages.tiff phone.heic turned.heic clear.heic"
        ),
    ),
    (("I102", "I202"), "heavy.bmp"),
    (("I103", ""), "edge_200.jpg edge_224.jpg"),
    (("I103", "I203"), "edge_199.jpg"),
    (("I104", "I204"), "edge_4097.jpg"),
    (("I105", ""), "ratio_over_2.jpg"),
    (("I105", "I205"), "ratio_over_3.jpg"),
    (("I124", "I224"), "cut.jpg cut.png"),
    (("I100", "I200"), "empty.jpg page.jpg cut_header.jpg bomb.png"),
]
CLIPS = [
    (
        ("", ""),
        (
            "h264.mp4 h264.mov h264.avi hevc_hvc1.mp4 hevc_hev1.mp4 hevc_10bit.mp4 h264_10bit.mp4 "
            "h264_422.mp4 fps_24.mp4 fps_25.mp4 fps_2997.mp4 fps_60.mp4 variable.mp4 "
            "rotated_90.mp4 rotated_180.mp4 rotated_270.mov mirrored.mp4 mirrored_90.mp4 "
            "wide_pixels.mp4 tall_pixels_rotated.mp4 odd_edges.mp4 edge_200.mp4 edge_2048.mp4 "
            "ratio_3.mp4 length_2s.mp4 length_30s.mp4 silent.mp4 sound_longer.mp4 "
            "sound_shorter.mp4 index_first.mp4 fragmented.mp4 fragmented_rotated.mp4 "
            "edit_list_late_start.mp4 edit_list_early_end.mp4 cover_art.mp4 two_videos.mp4 "
            "header_lies.mp4 no_suffix clip.jpg"
        ),
    ),
    (("", "V205"), "length_31s.mp4 length_60s.mp4"),
    (
        ("V101", "V201"),
        (
            "h264.mkv h264.flv h264.ts hevc.mkv hevc.ts phone.3gp variable.mkv rotated_90.mkv "
            "mirrored_90.mkv wide_pixels.mkv silent.mkv sound_longer.mkv no_duration.mkv live.flv "
            "cover_art.mkv two_videos.mkv fps_24.flv"
        ),
    ),
    (("V101 V102", "V201"), "fps_23976.mkv"),
    (
        ("V101 V103", "V201"),
        (
            "browser.webm vp8.webm av1.webm old.wmv old.flv fps_2997.webm variable.webm "
            "no_duration.webm odd_edges.webm"
        ),
    ),
    (("V101 V105", "V201 V205"), "cut.flv cut.mkv cut.ts"),
    (("V101 V103 V105", "V201 V205"), "cut.webm"),
    (("V102", ""), "fps_15.mp4 fps_23976.mp4"),
    (
        ("V103", ""),
        "vp9.mp4 av1.mp4 mpeg4.mp4 mpeg4.avi mjpeg.avi mjpeg.mov prores.mov",
    ),
    (
        ("V105", "V205"),
        "length_1s.mp4 length_61s.mp4 cut_index_first.mp4 cut_fragmented.mp4 cut.avi",
    ),
    (("V105 V107", "V205 V207"), "edge_4k.mp4"),
    (("V106", "V206"), "edge_64.mp4 edge_198.mp4"),
    (("V107", "V207"), "edge_2050.mp4"),
    (("V108", "V208"), "ratio_over_3.mp4"),
    (
        ("V100", "V200"),
        (
            "empty.mp4 text.mp4 page.mp4 refusal.mp4 playlist.mp4 concat.mp4 session.mp4 "
            "zeros.mp4 archive.mp4 jpeg.mp4 sound_only.mp4 sound_only.mkv cut_index_last.mp4 "
            "bomb_samples.mp4 bomb_fragment.mp4 bomb_pixels.avi"
        ),
    ),
]
VERDICTS = [
    pytest.param(kind, name, family, code, id=f"{name} for {family}")
    for kind, table in (("image", PICTURES), ("video", CLIPS))
    for codes, names in table
    for name in names.split()
    for family, code in zip(ENGINES, codes, strict=True)
]


APART = {
    # Its upload would be called by its content, and wan refuses a clip called .jpg unopened.
    ("jpeg.mp4", "wan"),
}
"""Where preflight and the emulator refuse a file with different codes, and why."""


def report_of(corpus: Path, kind: str, name: str, family: str) -> Report:
    if not (corpus / name).exists():
        pytest.skip("no encoder for it was there when the corpus was made")
    source = {kind: corpus / name}
    return anyio.run(partial(preflight, **source, engine=ENGINES[family]))  # type: ignore[arg-type]


def uploaded(path: Path) -> str:
    """Give the name a file gets when it is uploaded: its content decides on the suffix."""
    with path.open("rb") as file:
        return f"file{suffix_of(file.read(32)) or path.suffix}"


@pytest.mark.parametrize(("kind", "name", "family", "codes"), VERDICTS)
def test_verdict(corpus: Path, kind: str, name: str, family: str, codes: str) -> None:
    found = report_of(corpus, kind, name, family).findings
    errors = [finding for finding in found if finding.severity is Severity.ERROR]
    assert " ".join(finding.code for finding in errors) == codes
    judge = judge_image if kind == "image" else judge_video
    refusal = judge(corpus / name, family=family, name=uploaded(corpus / name))  # type: ignore[arg-type]
    answer = None if refusal is None else refusal.code
    agreed = answer in ({finding.service_code for finding in errors} or {None})
    assert agreed is ((name, family) not in APART), answer


def test_every_file_has_a_verdict(corpus: Path) -> None:
    told = {name for _, names in (*PICTURES, *CLIPS) for name in names.split()}
    there = {path.name for path in corpus.iterdir()}
    assert there <= told
    assert all(name.endswith(".heic") for name in told - there)
