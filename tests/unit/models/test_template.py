"""Requests and answers of template generation."""

from typing import Any

import pytest
from pydantic import ValidationError

from dashscope_aa.models import TemplateOutput, TemplateRequest, TemplateResponse

MODEL = "animate-anyone-template-gen2"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({"model": MODEL, "input": {}}, "video_url", id="no clip, in spite of a page"),
        pytest.param({"model": MODEL, "input": {"video_url": "1.mp4"}}, "http://", id="no URL"),
        pytest.param(
            {"model": MODEL, "input": {"video_url": "http://h/1.mp4"}, "parameters": {"fps": 30}},
            "fps",
            id="a parameter nobody knows",
        ),
    ],
)
def test_request_refuses(body: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TemplateRequest.model_validate(body)


def test_parameters_are_always_sent() -> None:
    request = TemplateRequest.model_validate(
        {"model": MODEL, "input": {"video_url": "oss://a/1.mp4"}}
    )
    assert request.model_dump()["parameters"] == {}


@pytest.mark.parametrize(
    "output",
    [
        pytest.param({}, id="missing"),
        pytest.param({"template_id": None}, id="null"),
        pytest.param({"template_id": ""}, id="empty"),
        pytest.param({"template_id": ["AACT.1"]}, id="list"),
    ],
)
def test_success_without_a_template_is_refused(output: dict[str, Any]) -> None:
    task = {"task_id": "t", "task_status": "SUCCEEDED"}
    with pytest.raises(ValidationError, match="template_id"):
        TemplateResponse.model_validate({"output": {**task, **output}})


def test_template_id_is_taken_as_it_is() -> None:
    body = {"task_id": "t", "task_status": "SUCCEEDED", "template_id": "tmpl_of a new/shape"}
    assert TemplateOutput.model_validate(body).template_id == "tmpl_of a new/shape"
