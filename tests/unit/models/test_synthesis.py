"""Requests of AnimateAnyone's synthesis, and the video output of every model."""

import json
from typing import Any, Final

import pytest
from pydantic import ValidationError

from dashscope_aa.models import SynthesisRequest, VideoOutput, VideoResponse

MODEL: Final = "animate-anyone-gen2"
INPUT: Final = {"image_url": "https://h/1.jpg", "template_id": "AACT.xxx.xxx-xxx.xxx"}


def request(**parameters: Any) -> SynthesisRequest:
    return SynthesisRequest.model_validate(
        {"model": MODEL, "input": INPUT, "parameters": parameters}
    )


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"video_ratio": "9:16"}, id="ratio that the service ignores"),
        pytest.param({"use_ref_img_bg": False, "video_ratio": "9:16"}, id="the documents' sample"),
        pytest.param({"use_ref_img_bg": True, "video_ratio": "3:4"}, id="ratio with effect"),
        pytest.param({"use_ref_img_bg": True}, id="background alone"),
    ],
)
def test_request_takes(parameters: dict[str, Any]) -> None:
    sent = request(**parameters).model_dump(exclude_unset=True)
    assert sent["parameters"] == parameters


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        pytest.param({"video_ratio": "16:9"}, "'9:16' or '3:4'", id="another ratio"),
        pytest.param({"video_ratio": ""}, "'9:16' or '3:4'", id="empty ratio"),
        pytest.param({"video_ratio": 556}, "'9:16' or '3:4'", id="9:16 as a YAML reader sees it"),
        pytest.param({"video_ratio": 0.75}, "'9:16' or '3:4'", id="ratio as a number"),
        pytest.param({"use_ref_img_bg": "true"}, "use_ref_img_bg", id="truth in quotes"),
        pytest.param({"use_ref_img_bg": 1}, "use_ref_img_bg", id="one for true"),
        pytest.param({"use_ref_img_bg": None}, "use_ref_img_bg", id="null for false"),
        pytest.param({"watermark": True}, "watermark", id="another model's parameter"),
    ],
)
def test_request_refuses_parameters(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        request(**parameters)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"template_id": ""}, id="empty template id"),
        pytest.param({"template_id": "x" * 257}, id="template id too long"),
        pytest.param({"template_id": None}, id="no template id"),
        pytest.param({"image_url": "ftp://h/1.jpg"}, id="ftp"),
        pytest.param({"pose_sequence_id": "m_01"}, id="key of version 1"),
    ],
)
def test_request_refuses_input(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SynthesisRequest.model_validate({"model": MODEL, "input": {**INPUT, **given}})


# ── the video, in both places ────────────────────────────────────────────────────────────

URL: Final = "https://results/1.mp4?Expires=1"
OTHER: Final = "https://results/2.mp4"
TASK: Final = {"task_id": "t", "task_status": "SUCCEEDED"}


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({"video_url": URL}, id="AnimateAnyone's"),
        pytest.param({"results": {"video_url": URL}}, id="wan2.2-animate's"),
        pytest.param({"video_url": URL, "results": {"video_url": OTHER}}, id="both: the top wins"),
        pytest.param({"video_url": "", "results": {"video_url": URL}}, id="empty at the top"),
        pytest.param({"video_url": None, "results": {"video_url": URL}}, id="null at the top"),
        pytest.param({"video_url": URL, "results": None}, id="results are null"),
        pytest.param({"video_url": URL, "results": []}, id="results are a list"),
        pytest.param({"video_url": URL, "results": {"video_url": {}}}, id="nonsense in results"),
        pytest.param({"video_url": URL, "end_time": "never", "message": {}}, id="nonsense beside"),
    ],
)
def test_video_is_found(sent: dict[str, Any]) -> None:
    body = {"output": {**TASK, **sent}}
    assert VideoResponse.model_validate(body).output.video_url == URL
    assert VideoResponse.model_validate_json(json.dumps(body)).output.video_url == URL


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({}, id="nowhere"),
        pytest.param({"video_url": ""}, id="empty"),
        pytest.param({"video_url": None}, id="null"),
        pytest.param({"video_url": {}}, id="object"),
        pytest.param({"video_url": True}, id="truth"),
        pytest.param({"results": {}}, id="results without it"),
        pytest.param({"results": {"video_url": ""}}, id="empty in results"),
        pytest.param({"results": {"video_url": None}}, id="null in results"),
        pytest.param({"results": {"video_url": [URL]}}, id="list in results"),
        pytest.param({"results": "a word"}, id="results are a word"),
        pytest.param({"video_url": "", "results": {"url": URL}}, id="under another name"),
    ],
)
def test_success_without_a_video_is_refused(sent: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="video_url"):
        VideoOutput.model_validate({**TASK, **sent})
    with pytest.raises(ValidationError, match="video_url"):
        VideoOutput.model_validate_json(json.dumps({**TASK, **sent}))


@pytest.mark.parametrize("value", [pytest.param([], id="list"), pytest.param("x", id="word")])
def test_no_object_is_no_output(value: Any) -> None:
    with pytest.raises(ValidationError):
        VideoOutput.model_validate(value)


def test_what_was_found_elsewhere_was_not_received() -> None:
    sent = {**TASK, "results": {"video_url": URL}}
    assert VideoOutput.model_validate(sent).model_dump(mode="json", exclude_unset=True) == sent


def test_empty_words_are_kept() -> None:
    sent = {**TASK, "video_url": URL, "message": "", "note": ""}
    assert VideoOutput.model_validate(sent).model_dump(mode="json", exclude_unset=True) == sent


def test_output_stays_itself() -> None:
    output = VideoOutput.model_validate({**TASK, "video_url": URL})
    assert VideoOutput.model_validate(output) is output
