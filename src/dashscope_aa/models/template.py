"""AnimateAnyone gen2, step 2: make a motion template from a clip.

Source: Model Studio help, "AnimateAnyone template generation API" (S1, Ztpl, Ztpl-26); the
vendor's OpenAPI files (OA).
"""

from pydantic import Field

from dashscope_aa.models._base import Id, MediaUrl, Request
from dashscope_aa.models.task import TaskEnvelope, TaskOutput


class TemplateInput(Request):
    """The ``input`` of a template request."""

    video_url: MediaUrl
    """URL of the clip. The pages' table says "not required"; the service needs it."""


class TemplateParameters(Request):
    """The ``parameters`` of a template request: none are documented."""


class TemplateRequest(Request):
    """The body of ``POST …/image2video/aa-template-generation``; asynchronous."""

    model: str
    """``animate-anyone-template-gen2``."""
    input: TemplateInput
    """The clip."""
    parameters: TemplateParameters = Field(default_factory=TemplateParameters)
    """Always sent, as ``{}``."""


class TemplateOutput(TaskOutput):
    """The ``output`` of a template task that has SUCCEEDED."""

    template_id: Id
    """``AACT.xxx.xxx-xxx.xxx``; usable by the same account only."""


class TemplateResponse(TaskEnvelope):
    """The answer about a template task that has SUCCEEDED."""

    output: TemplateOutput
    """The template."""
