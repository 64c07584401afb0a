"""AnimateAnyone gen2, step 1: may this picture be animated?

Source: Model Studio help, "AnimateAnyone image detection API" (Zdet-26, EN 2025-10-21 and
2026-01-26).
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict

from dashscope_aa.models._base import INFORMS, Answer, Count, MediaUrl, Request, Text


class DetectInput(Request):
    """The ``input`` of a detect request."""

    image_url: MediaUrl
    """URL of the picture: http, https, or ``oss://`` from a temporary upload."""


class DetectRequest(Request):
    """The body of ``POST …/image2video/aa-detect``; synchronous, without parameters."""

    model: str
    """``animate-anyone-detect-gen2``."""
    input: DetectInput
    """The picture."""


class DetectOutput(Answer):
    """The verdict on one picture: ``output`` of a detect answer."""

    check_pass: bool
    """True if the picture may be used to make a video."""
    bodystyle: Text = None
    """What is visible: ``full`` (head to toe) or ``half`` (waist up); empty if refused."""
    reason: Text = None
    """Why the picture was refused; sent only when `check_pass` is false."""


class DetectUsage(Answer):
    """What a detect call is billed by."""

    image_count: Count = None
    """Pictures looked at; refused ones are billed too."""


class DetectResponse(Answer):
    """The answer to a detect request."""

    request_id: Text = None
    """Id of the request."""
    output: DetectOutput
    """The verdict."""
    usage: Annotated[DetectUsage | None, INFORMS] = None
    """What the call is billed by."""


class Detection(BaseModel):
    """The verdict on one picture, whichever way the service sent it.

    A refusal comes as HTTP 200 with ``check_pass: false``, or as HTTP 400 with one of the
    human-content codes; both become this value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    check_pass: bool
    """True if the picture may be used to make a video."""
    bodystyle: str | None = None
    """What is visible: ``full`` (head to toe) or ``half`` (waist up)."""
    reason: str | None = None
    """Why the picture was refused."""
    code: str | None = None
    """Error code, when the refusal came as one."""
    usage: DetectUsage | None = None
    """What the call is billed by."""
    request_id: str | None = None
    """Id of the request."""
