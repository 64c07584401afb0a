"""What the page of rules says about mending is what happens."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dashscope_aa import AnimateAnyone, Engine, WanAnimate
from dashscope_aa.media import Facts, ImageFacts, VideoFacts
from dashscope_aa.media._judging.findings import Setting
from dashscope_aa.media._judging.judge import judge

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rules.md"
ROWS = dict(re.findall(r"^\| (\w\d+) \| error \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE))

AA: Engine = AnimateAnyone()
WAN: Engine = WanAnimate(mode="wan-std")
PICTURE = ImageFacts(format="jpeg", size_bytes=10**6, width_px=900, height_px=900)
CLIP = VideoFacts(
    size_bytes=10**6,
    width_px=900,
    height_px=900,
    fps=30,
    duration_s=9,
    frames=270,
    coded_width_px=900,
    coded_height_px=900,
)
LONG = {"width_px": 2000, "height_px": 500}
SMALL = {"width_px": 150, "height_px": 150}
LARGE = {"width_px": 5000, "height_px": 5000}
BROKEN = [
    pytest.param("I101", AA, PICTURE, {"format": "gif"}, id="I101 format"),
    pytest.param("I102", AA, PICTURE, {"size_bytes": 10**7}, id="I102 file size"),
    pytest.param("I103", AA, PICTURE, SMALL, id="I103 shorter side"),
    pytest.param("I104", AA, PICTURE, LARGE, id="I104 longer side"),
    pytest.param("I105", AA, PICTURE, LONG, id="I105 aspect ratio"),
    pytest.param("I124", AA, PICTURE, {"truncated": True}, id="I124 cut off"),
    pytest.param("I201", WAN, PICTURE, {"format": "gif"}, id="I201 format"),
    pytest.param("I202", WAN, PICTURE, {"size_bytes": 10**7}, id="I202 file size"),
    pytest.param("I203", WAN, PICTURE, SMALL, id="I203 shorter side"),
    pytest.param("I204", WAN, PICTURE, LARGE, id="I204 longer side"),
    pytest.param("I205", WAN, PICTURE, LONG, id="I205 aspect ratio"),
    pytest.param("I224", WAN, PICTURE, {"truncated": True}, id="I224 cut off"),
    pytest.param("V101", AA, CLIP, {"container": "mkv"}, id="V101 container"),
    pytest.param("V102", AA, CLIP, {"fps": 15}, id="V102 frame rate"),
    pytest.param("V103", AA, CLIP, {"codec": "vp9"}, id="V103 codec"),
    pytest.param("V104", AA, CLIP, {"size_bytes": 10**9}, id="V104 file size"),
    pytest.param("V105", AA, CLIP, {"duration_s": 90}, id="V105 duration"),
    pytest.param("V106", AA, CLIP, SMALL, id="V106 shorter side"),
    pytest.param("V107", AA, CLIP, LARGE, id="V107 longer side"),
    pytest.param("V108", AA, CLIP, LONG, id="V108 aspect ratio"),
    pytest.param("V201", WAN, CLIP, {"container": "mkv"}, id="V201 container"),
    pytest.param("V204", WAN, CLIP, {"size_bytes": 10**9}, id="V204 file size"),
    pytest.param("V205", WAN, CLIP, {"duration_s": 90}, id="V205 duration"),
    pytest.param("V206", WAN, CLIP, SMALL, id="V206 shorter side"),
    pytest.param("V207", WAN, CLIP, LARGE, id="V207 longer side"),
    pytest.param("V208", WAN, CLIP, LONG, id="V208 aspect ratio"),
]


@pytest.mark.parametrize(("code", "engine", "facts", "change"), BROKEN)
def test_convert_mends_what_the_page_says(
    code: str, engine: Engine, facts: Facts, change: dict[str, Any]
) -> None:
    broken = replace(facts, **change)
    findings = judge(broken, facts.kind, setting=Setting(engine=engine))
    (found,) = (finding for finding in findings if finding.code == code)
    assert found.mendable == ("`convert` mends it." in ROWS[code])


def test_every_row_that_blocks_is_tried() -> None:
    unreadable = {"I100", "I200", "V100", "V200"}
    assert set(ROWS) == unreadable | {str(row.values[0]) for row in BROKEN}
