"""Everything that travels on the wire, one module a chapter of the service's documents.

Import these to validate: requests refuse what the service refuses, answers keep what nobody
has documented yet. They are values: they know no client and change nothing.
"""

from dashscope_aa.models._base import Answer as _Answer
from dashscope_aa.models._base import MediaUrl
from dashscope_aa.models._base import Request as _Request
from dashscope_aa.models._base import build_at_once as _build_at_once
from dashscope_aa.models.detect import (
    DetectInput,
    Detection,
    DetectOutput,
    DetectRequest,
    DetectResponse,
    DetectUsage,
)
from dashscope_aa.models.event import TaskFinishedData, TaskFinishedEvent
from dashscope_aa.models.synthesis import (
    SynthesisInput,
    SynthesisParameters,
    SynthesisRequest,
    VideoOutput,
    VideoRatio,
    VideoResponse,
    VideoResults,
)
from dashscope_aa.models.task import (
    FINAL_STATUSES,
    CancelResponse,
    ErrorResponse,
    SubmitResponse,
    TaskListItem,
    TaskListResponse,
    TaskMetrics,
    TaskOutput,
    TaskResponse,
    TaskStatus,
    TaskUsage,
)
from dashscope_aa.models.template import (
    TemplateInput,
    TemplateOutput,
    TemplateParameters,
    TemplateRequest,
    TemplateResponse,
)
from dashscope_aa.models.upload import (
    TokenRequest,
    TokenResponse,
    UploadPolicy,
    UploadPolicyRequest,
    UploadPolicyResponse,
)
from dashscope_aa.models.wan import (
    WanAnimateInput,
    WanAnimateParameters,
    WanAnimateRequest,
    WanMode,
)

__all__ = [
    "FINAL_STATUSES",
    "CancelResponse",
    "DetectInput",
    "DetectOutput",
    "DetectRequest",
    "DetectResponse",
    "DetectUsage",
    "Detection",
    "ErrorResponse",
    "MediaUrl",
    "SubmitResponse",
    "SynthesisInput",
    "SynthesisParameters",
    "SynthesisRequest",
    "TaskFinishedData",
    "TaskFinishedEvent",
    "TaskListItem",
    "TaskListResponse",
    "TaskMetrics",
    "TaskOutput",
    "TaskResponse",
    "TaskStatus",
    "TaskUsage",
    "TemplateInput",
    "TemplateOutput",
    "TemplateParameters",
    "TemplateRequest",
    "TemplateResponse",
    "TokenRequest",
    "TokenResponse",
    "UploadPolicy",
    "UploadPolicyRequest",
    "UploadPolicyResponse",
    "VideoOutput",
    "VideoRatio",
    "VideoResponse",
    "VideoResults",
    "WanAnimateInput",
    "WanAnimateParameters",
    "WanAnimateRequest",
    "WanMode",
]

_build_at_once(_Request, _Answer, Detection)
