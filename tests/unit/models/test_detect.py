"""Requests and answers of the image check."""

from typing import Any

import pytest
from pydantic import ValidationError

from dashscope_aa.models import Detection, DetectRequest, DetectResponse

MODEL = "animate-anyone-detect-gen2"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({"model": MODEL}, "input", id="no input"),
        pytest.param({"model": MODEL, "input": {}}, "image_url", id="no picture"),
        pytest.param(
            {"model": MODEL, "input": {"image_url": "portrait.jpg"}}, "http://", id="no URL"
        ),
        pytest.param(
            {"model": MODEL, "input": {"image_url": "https://h/a b.jpg"}}, "spaces", id="space"
        ),
        pytest.param(
            {"model": MODEL, "input": {"image_url": "https://h/1.jpg"}, "parameters": {}},
            "parameters",
            id="parameters, which this call has not",
        ),
        pytest.param({"input": {"image_url": "https://h/1.jpg"}}, "model", id="no model"),
    ],
)
def test_request_refuses(body: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        DetectRequest.model_validate(body)


def test_request_encodes_its_url() -> None:
    request = DetectRequest.model_validate(
        {"model": MODEL, "input": {"image_url": "https://h/你.jpg"}}
    )
    assert request.input.image_url == "https://h/%E4%BD%A0.jpg"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"output": None}, id="null"),
        pytest.param({"output": {}}, id="no verdict"),
        pytest.param({"output": {"check_pass": "perhaps"}}, id="no yes and no no"),
    ],
)
def test_answer_without_a_verdict_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DetectResponse.model_validate(body)


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"request_id": {}}, id="request id"),
        pytest.param({"usage": "free"}, id="usage"),
        pytest.param({"usage": {"image_count": "one"}}, id="count"),
    ],
)
def test_nonsense_that_only_informs_costs_no_verdict(extra: dict[str, Any]) -> None:
    body = {"output": {"check_pass": True, "bodystyle": [], "reason": {}}, **extra}
    assert DetectResponse.model_validate(body).output.check_pass is True


def test_detection_says_no_more_than_it_knows() -> None:
    detection = Detection(check_pass=False)
    assert detection.model_dump(exclude_none=True) == {"check_pass": False}
    with pytest.raises(ValidationError):
        Detection.model_validate({"check_pass": True, "bodystyl": "full"})
