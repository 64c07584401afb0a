"""AnimateAnyone gen2, step 3: make the video; and the video output of every model.

Source: Model Studio help, "AnimateAnyone video generation API" (S2, S3, Zgen-26); the vendor's
OpenAPI files (OA), whose enum for ``video_ratio`` is unquoted YAML and reads as numbers.
"""

from typing import Annotated, Any, Literal, Self, cast

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    ModelWrapValidatorHandler,
    StrictBool,
    model_validator,
)
from pydantic_core import CoreSchema

from dashscope_aa.models._base import INFORMS, Answer, MediaUrl, Request, Text
from dashscope_aa.models.task import TaskEnvelope, TaskOutput

VideoRatio = Literal["9:16", "3:4"]


class SynthesisInput(Request):
    """The ``input`` of a synthesis request."""

    image_url: MediaUrl
    """URL of a picture that passed detection, cropped to the frame wished for."""
    template_id: Annotated[str, Field(min_length=1, max_length=256)]
    """Id of a template made by the same account."""


class SynthesisParameters(Request):
    """The ``parameters`` of a synthesis request."""

    use_ref_img_bg: StrictBool = False
    """True: the picture's background; false: that of the template's clip."""
    video_ratio: VideoRatio | None = None
    """Ratio of the video; the service ignores it unless `use_ref_img_bg` is true."""


class SynthesisRequest(Request):
    """The body of ``POST …/image2video/video-synthesis`` for AnimateAnyone; asynchronous."""

    model: str
    """``animate-anyone-gen2``."""
    input: SynthesisInput
    """The picture and the template."""
    parameters: SynthesisParameters = Field(default_factory=SynthesisParameters)
    """Background and ratio; always sent."""


class VideoResults(Answer):
    """Where wan2.2-animate puts its result: an object, no list."""

    video_url: Text = None
    """URL of the video, valid for 24 hours."""


class VideoOutput(TaskOutput):
    """The ``output`` of a video task that has SUCCEEDED, of AnimateAnyone or wan2.2-animate."""

    video_url: str
    """URL of the video, valid for 24 hours; found where either family sends it."""
    results: Annotated[VideoResults | None, INFORMS] = None
    """Where wan2.2-animate sends it."""

    @model_validator(mode="wrap")
    @classmethod
    def _find_video_url(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:  # noqa: ANN401 - whatever the wire holds
        """Take `video_url` from ``results`` when it is not at the top."""
        if not isinstance(data, dict):
            return handler(data)
        fields = cast("dict[str, Any]", data)
        results: Any = fields.get("results")
        nested: Any = (
            cast("dict[str, Any]", results).get("video_url") if isinstance(results, dict) else None
        )
        if fields.get("video_url") or not nested:
            # An empty URL is none, and the model says so.
            return handler({name: it for name, it in fields.items() if it or name != "video_url"})
        output = handler({**fields, "video_url": nested})
        if "video_url" not in fields:  # it was not received, so it counts as not set
            output.model_fields_set.discard("video_url")
        return output

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler, /
    ) -> dict[str, Any]:
        """Say that what is received has the URL in one of two places."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        if handler.mode == "validation":
            schema["required"] = [name for name in schema["required"] if name != "video_url"]
            nested = {"type": "object", "required": ["video_url"]}
            schema["anyOf"] = [
                {"required": ["video_url"]},
                {"required": ["results"], "properties": {"results": nested}},
            ]
        return schema


class VideoResponse(TaskEnvelope):
    """The answer about a video task that has SUCCEEDED."""

    output: VideoOutput
    """The video."""
