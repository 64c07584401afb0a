"""What a submit must look like: each field missing, null, mistyped or out of range."""

import json
from typing import Any

import pytest

from dashscope_aa.emulator import Switches
from dashscope_aa.emulator._answers import Refused
from dashscope_aa.emulator._checks import parse, read_order

IMAGE = "https://example.com/portrait.jpg"
VIDEO = "http://example.com/dance.mp4"
DETECT = "/services/aigc/image2video/aa-detect"
TEMPLATE = "/services/aigc/image2video/aa-template-generation"
SYNTHESIS = "/services/aigc/image2video/video-synthesis"

DETECT_BODY: dict[str, Any] = {
    "model": "animate-anyone-detect-gen2",
    "input": {"image_url": IMAGE},
}
TEMPLATE_BODY: dict[str, Any] = {
    "model": "animate-anyone-template-gen2",
    "input": {"video_url": VIDEO},
}
SYNTHESIS_BODY: dict[str, Any] = {
    "model": "animate-anyone-gen2",
    "input": {"image_url": IMAGE, "template_id": "AACT.1.2-3.4"},
    "parameters": {"use_ref_img_bg": True, "video_ratio": "3:4"},
}
MOVE_BODY: dict[str, Any] = {
    "model": "wan2.2-animate-move",
    "input": {"image_url": IMAGE, "video_url": VIDEO, "watermark": True},
    "parameters": {"mode": "wan-pro", "check_image": False},
}
ANYTHING = object()


def changed(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Copy *body* with one field set, or taken out by ANYTHING's absence: None is null."""
    copy: dict[str, Any] = json.loads(json.dumps(body))
    place, _, name = path.rpartition(".")
    section = copy[place] if place else copy
    if value is ANYTHING:
        del section[name]
    else:
        section[name] = value
    return copy


def refusal(body: dict[str, Any], path: str, **switches: Any) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        read_order(body, path=path, resolve=False, switches=Switches(**switches))
    return refused.value.answer.code, refused.value.answer.message


@pytest.mark.parametrize(
    ("body", "path", "operation"),
    [
        pytest.param(DETECT_BODY, DETECT, "detect", id="detect"),
        pytest.param(TEMPLATE_BODY, TEMPLATE, "template", id="template"),
        pytest.param({**TEMPLATE_BODY, "parameters": {}}, TEMPLATE, "template", id="empty"),
        pytest.param(SYNTHESIS_BODY, SYNTHESIS, "synthesis", id="synthesis"),
        pytest.param(MOVE_BODY, SYNTHESIS, "move", id="move"),
        pytest.param({**MOVE_BODY, "model": "wan2.2-animate-mix"}, SYNTHESIS, "mix", id="mix"),
    ],
)
def test_orders_in_good_order(body: dict[str, Any], path: str, operation: str) -> None:
    order = read_order(body, path=path, resolve=False, switches=Switches())
    assert (order.operation, order.model, order.missing) == (operation, body["model"], None)


def test_every_field_arrives() -> None:
    order = read_order(SYNTHESIS_BODY, path=SYNTHESIS, resolve=False, switches=Switches())
    assert (order.image_url, order.template_id) == (IMAGE, "AACT.1.2-3.4")
    assert (order.use_ref_img_bg, order.video_ratio) == (True, "3:4")
    order = read_order(MOVE_BODY, path=SYNTHESIS, resolve=False, switches=Switches())
    assert (order.image_url, order.video_url, order.watermark) == (IMAGE, VIDEO, True)
    assert (order.mode, order.check_image) == ("wan-pro", False)


def test_unknown_fields_and_nulls_are_ignored() -> None:
    # What the vendor's own SDK sends with everything (PY).
    body = changed(MOVE_BODY, "input.prompt", None)
    body["input"] |= {"extend_prompt": True, "function": "video-synthesis", "watermark": None}
    order = read_order(body, path=SYNTHESIS, resolve=False, switches=Switches())
    assert order.watermark is False


@pytest.mark.parametrize(
    ("body", "path", "code", "message"),
    [
        pytest.param(
            changed(MOVE_BODY, "model", ANYTHING),
            SYNTHESIS,
            "BadRequest.EmptyModel",
            'Required parameter "model" missing from request.',
            id="no model",
        ),
        pytest.param(
            changed(MOVE_BODY, "model", "gpt-9"),
            SYNTHESIS,
            "InvalidParameter",
            "Model not exist.",
            id="unknown model",
        ),
        pytest.param(
            changed(MOVE_BODY, "model", 22),
            SYNTHESIS,
            "InvalidParameter",
            "The type or value of model is out of definition.",
            id="model is a number",
        ),
        pytest.param(
            MOVE_BODY,
            TEMPLATE,
            "InvalidParameter",
            "url error, please check url!",
            id="model and path do not belong together",
        ),
        pytest.param(
            changed(MOVE_BODY, "input", ANYTHING),
            SYNTHESIS,
            "BadRequest.EmptyInput",
            "Required input parameter missing from request.",
            id="no input",
        ),
        pytest.param(
            changed(MOVE_BODY, "input", "image"),
            SYNTHESIS,
            "BadRequest.IllegalInput",
            "The input parameter requires json format.",
            id="input is a text",
        ),
        pytest.param(
            changed(MOVE_BODY, "parameters", ANYTHING),
            SYNTHESIS,
            "BadRequest.EmptyParameters",
            'Required parameter "parameters" missing from request.',
            id="wan without parameters",
        ),
        pytest.param(
            changed(SYNTHESIS_BODY, "parameters", []),
            SYNTHESIS,
            "InvalidParameter",
            "The type or value of parameters is out of definition.",
            id="parameters is a list",
        ),
        pytest.param(
            changed(TEMPLATE_BODY, "input.video_url", ANYTHING),
            TEMPLATE,
            "InvalidParameter",
            "Field required: input.video_url",
            id="template without video",
        ),
        pytest.param(
            changed(DETECT_BODY, "input.image_url", None),
            DETECT,
            "InvalidParameter",
            "Field required: input.image_url",
            id="detect without image",
        ),
        pytest.param(
            changed(SYNTHESIS_BODY, "input.template_id", ""),
            SYNTHESIS,
            "InvalidParameter",
            "Field required: input.template_id",
            id="synthesis without template",
        ),
        pytest.param(
            changed(MOVE_BODY, "parameters.mode", ANYTHING),
            SYNTHESIS,
            "InvalidParameter",
            "Field required: parameters.mode",
            id="wan without mode",
        ),
        pytest.param(
            changed(MOVE_BODY, "parameters.mode", "wan-max"),
            SYNTHESIS,
            "InvalidParameter",
            "The type or value of parameters.mode is out of definition.",
            id="unknown mode",
        ),
        pytest.param(
            changed(MOVE_BODY, "parameters.check_image", "false"),
            SYNTHESIS,
            "InvalidParameter",
            "The type or value of parameters.check_image is out of definition.",
            id="check_image is a text",
        ),
        pytest.param(
            changed(SYNTHESIS_BODY, "parameters.video_ratio", "16:9"),
            SYNTHESIS,
            "InvalidParameter",
            "parameters.video_ratio must be 9:16 or 3:4.",
            id="another ratio",
        ),
        pytest.param(
            changed(SYNTHESIS_BODY, "parameters.video_ratio", 556),
            SYNTHESIS,
            "InvalidParameter",
            "parameters.video_ratio must be 9:16 or 3:4.",
            id="the ratio that a YAML reader makes of 9:16",
        ),
    ],
)
def test_orders_that_are_refused(body: dict[str, Any], path: str, code: str, message: str) -> None:
    assert refusal(body, path) == (code, message)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("ftp://example.com/a.jpg", id="another scheme"),
        pytest.param("file:///etc/passwd", id="a local file"),
        pytest.param("data:image/png;base64,AAAA", id="data"),
        pytest.param("/srv/portrait.jpg", id="a path"),
        pytest.param("https:///a.jpg", id="no host"),
        pytest.param("https://example.com/a b.jpg", id="a space"),
        pytest.param("http://[::1/a.jpg", id="broken address"),
        pytest.param("oss://dashscope-instant/a.jpg", id="oss without the header"),
    ],
)
def test_what_is_no_url(url: str) -> None:
    body = changed(DETECT_BODY, "input.image_url", url)
    code, message = refusal(body, DETECT)
    assert code == "InvalidParameter"
    assert message.startswith("The provided URL does not appear to be valid.")


def test_oss_urls_need_the_header() -> None:
    body = changed(DETECT_BODY, "input.image_url", "oss://dashscope-instant/a.jpg")
    order = read_order(body, path=DETECT, resolve=True, switches=Switches())
    assert order.image_url == "oss://dashscope-instant/a.jpg"


def test_a_missing_field_may_be_found_late() -> None:
    body = changed(TEMPLATE_BODY, "input.video_url", ANYTHING)
    switches = Switches(late_field_errors=True)
    order = read_order(body, path=TEMPLATE, resolve=False, switches=switches)
    assert order.missing is not None
    assert order.missing.message == "Field required: input.video_url"


def test_a_successor_behaves_like_the_model_it_follows() -> None:
    body = changed(MOVE_BODY, "model", "wan3-animate-mix")
    switches = Switches(successors={"wan3-animate-mix": "mix"})
    order = read_order(body, path=SYNTHESIS, resolve=False, switches=switches)
    assert (order.operation, order.model) == ("mix", "wan3-animate-mix")


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"model": ', id="half"),
        pytest.param(b"[1]", id="a list"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"[" * 100_000, id="too deep"),
    ],
)
def test_bodies_that_are_no_json_object(raw: bytes) -> None:
    with pytest.raises(Refused, match="Required body invalid"):
        parse(raw)
