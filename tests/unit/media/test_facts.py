"""Facts as JSON, and back."""

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from dashscope_aa.media._facts import (
    Facts,
    ImageFacts,
    Unreadable,
    VideoFacts,
    facts_from_json,
    facts_json,
)

IMAGE = ImageFacts(format="png", size_bytes=1, width_px=2, height_px=3, notes=("small",))
VIDEO = VideoFacts(
    size_bytes=1,
    width_px=2,
    height_px=3,
    fps=23.976024,
    duration_s=2.5025,
    frames=60,
    coded_width_px=2,
    coded_height_px=3,
    sample_aspect_ratio=Fraction(4, 3),
)
NOTHING = Unreadable(reason="empty", message="x: it is empty", hint="Look.", kind="video")


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(IMAGE, id="a picture"),
        pytest.param(VIDEO, id="a clip"),
        pytest.param(replace(VIDEO, audio_codec="aac", suffix=".mp4"), id="a clip with sound"),
        pytest.param(NOTHING, id="neither"),
    ],
)
def test_facts_survive_json(facts: Facts | Unreadable) -> None:
    assert facts_from_json(json.loads(json.dumps(facts_json(facts)))) == facts


def test_json_is_short_and_plain() -> None:
    data = facts_json(replace(VIDEO, fps=24000 / 1001))
    assert (data["fps"], data["sample_aspect_ratio"], data["kind"]) == (23.976024, "4:3", "video")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"kind": "sound"}, id="another kind"),
        pytest.param({**facts_json(IMAGE), "more": 1}, id="one fact too many"),
        pytest.param({"kind": "image", "format": "png"}, id="facts missing"),
    ],
)
def test_other_json_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not the facts"):
        facts_from_json(data)
