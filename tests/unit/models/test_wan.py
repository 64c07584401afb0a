"""Requests of wan2.2-animate."""

from typing import Any, Final

import pytest
from pydantic import ValidationError

from dashscope_aa.models import WanAnimateRequest

INPUT: Final = {"image_url": "https://h/1.webp", "video_url": "oss://a/1.mp4"}


def request(given: dict[str, Any], parameters: dict[str, Any] | None) -> WanAnimateRequest:
    body: dict[str, Any] = {"model": "wan2.2-animate-move", "input": {**INPUT, **given}}
    if parameters is not None:
        body["parameters"] = parameters
    return WanAnimateRequest.model_validate(body)


def test_defaults_are_the_documents() -> None:
    assert request({}, {"mode": "wan-std"}).model_dump() == {
        "model": "wan2.2-animate-move",
        "input": {**INPUT, "watermark": False},
        "parameters": {"mode": "wan-std", "check_image": True},
    }


@pytest.mark.parametrize(
    ("given", "parameters", "said"),
    [
        pytest.param({}, None, "parameters", id="no parameters"),
        pytest.param({}, {}, "parameters.mode", id="no mode"),
        pytest.param({}, {"mode": "std"}, "'wan-std' or 'wan-pro'", id="half a mode"),
        pytest.param({}, {"mode": "WAN-STD"}, "'wan-std' or 'wan-pro'", id="mode in capitals"),
        pytest.param({}, {"mode": None}, "'wan-std' or 'wan-pro'", id="mode is null"),
        pytest.param({}, {"mode": "wan-std", "watermark": True}, "watermark", id="misplaced mark"),
        pytest.param({"check_image": False}, {"mode": "wan-std"}, "check_image", id="misplaced"),
        pytest.param({"watermark": "yes"}, {"mode": "wan-std"}, "watermark", id="a word for truth"),
        pytest.param({}, {"mode": "wan-std", "check_image": 0}, "check_image", id="0 for false"),
        pytest.param({"video_url": ""}, {"mode": "wan-std"}, "video_url", id="empty clip"),
        pytest.param({"image_url": 1}, {"mode": "wan-std"}, "image_url", id="number for a URL"),
    ],
)
def test_request_refuses(
    given: dict[str, Any], parameters: dict[str, Any] | None, said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        request(given, parameters)
