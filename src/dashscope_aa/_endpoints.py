"""The table of endpoints: every path, model and gateway of the service. No I/O.

Nothing else knows a path; client, emulator and docs read these rows. Source keys are those
of ``docs/explanation/sources.md``.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, Generic, Literal, NamedTuple, TypeVar

from dashscope_aa._engines import Family
from dashscope_aa.models import (
    CancelResponse,
    DetectRequest,
    DetectResponse,
    SubmitResponse,
    SynthesisRequest,
    TaskListResponse,
    TaskOutput,
    TaskResponse,
    TemplateOutput,
    TemplateRequest,
    TokenRequest,
    TokenResponse,
    UploadPolicyRequest,
    UploadPolicyResponse,
    VideoOutput,
    WanAnimateRequest,
)
from dashscope_aa.models._base import Answer, Request

OutputT = TypeVar("OutputT", bound=TaskOutput)
OutputT_co = TypeVar("OutputT_co", bound=TaskOutput, covariant=True)
AnswerT_co = TypeVar("AnswerT_co", bound=Answer, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Generic[AnswerT_co]):
    """One row: a call the service offers."""

    name: str
    """Our name of the call."""
    method: Literal["GET", "POST"]
    """HTTP method."""
    path: str
    """Path after the base URL."""
    answer: type[AnswerT_co]
    """Model of the answer."""
    request: type[Request] | None = None
    """Model of the body, or of the query for GET and for tokens."""
    model: str = ""
    """The model it is for; empty where there is none."""
    family: Family | None = None
    """The family of the model."""
    asynchronous: bool = False
    """True if it starts a task (``X-DashScope-Async: enable``)."""
    paid: bool = False
    """True if an accepted call is billed, so that it must never be sent twice unasked."""
    source: str
    """Where the facts of this row are printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEndpoint(Endpoint[SubmitResponse], Generic[OutputT_co]):
    """A row that starts a task."""

    output: type[OutputT_co]
    """Model of what the task ends in."""


_IMAGE2VIDEO: Final = "/services/aigc/image2video"

DETECT: Final = Endpoint(
    name="detect",
    method="POST",
    path=f"{_IMAGE2VIDEO}/aa-detect",
    request=DetectRequest,
    answer=DetectResponse,
    model="animate-anyone-detect-gen2",
    family="animate-anyone",
    paid=True,
    source="Zdet-26; EN detect page 2025-10-21, 2026-01-26",
)
TEMPLATE: Final = TaskEndpoint(
    name="template",
    method="POST",
    # Without a trailing slash, as the newest page prints it; the service takes both.
    path=f"{_IMAGE2VIDEO}/aa-template-generation",
    request=TemplateRequest,
    answer=SubmitResponse,
    output=TemplateOutput,
    model="animate-anyone-template-gen2",
    family="animate-anyone",
    asynchronous=True,
    paid=True,
    source="S1; Ztpl-26; OA",
)
SYNTHESIS: Final = TaskEndpoint(
    name="synthesis",
    method="POST",
    # With the trailing slash that every stored page of this model prints.
    path=f"{_IMAGE2VIDEO}/video-synthesis/",
    request=SynthesisRequest,
    answer=SubmitResponse,
    output=VideoOutput,
    model="animate-anyone-gen2",
    family="animate-anyone",
    asynchronous=True,
    paid=True,
    source="S2; S3; Zgen-26; OA",
)
MOVE: Final = TaskEndpoint(
    name="move",
    method="POST",
    path=f"{_IMAGE2VIDEO}/video-synthesis",
    request=WanAnimateRequest,
    answer=SubmitResponse,
    output=VideoOutput,
    model="wan2.2-animate-move",
    family="wan",
    asynchronous=True,
    paid=True,
    source="Zmove; OA",
)
MIX: Final = TaskEndpoint(
    name="mix",
    method="POST",
    path=f"{_IMAGE2VIDEO}/video-synthesis",
    request=WanAnimateRequest,
    answer=SubmitResponse,
    output=VideoOutput,
    model="wan2.2-animate-mix",
    family="wan",
    asynchronous=True,
    paid=True,
    source="Zmix; OA",
)
QUERY_TASK: Final = Endpoint(
    name="query_task",
    method="GET",
    path="/tasks/{task_id}",
    answer=TaskResponse,
    source="TASK; CAP",
)
LIST_TASKS: Final = Endpoint(
    name="list_tasks",
    method="GET",
    path="/tasks",
    answer=TaskListResponse,
    source="TASK; CAP; PY",
)
CANCEL_TASK: Final = Endpoint(
    name="cancel_task",
    method="POST",
    path="/tasks/{task_id}/cancel",
    answer=CancelResponse,
    source="TASK; CAP",
)
UPLOAD_POLICY: Final = Endpoint(
    name="upload_policy",
    method="GET",
    path="/uploads",
    request=UploadPolicyRequest,
    answer=UploadPolicyResponse,
    source="UPL; CAP",
)
CREATE_TOKEN: Final = Endpoint(
    name="create_token",
    method="POST",
    path="/tokens",
    request=TokenRequest,
    answer=TokenResponse,
    source="public notes on temporary keys, 2026",
)

TASK_ENDPOINTS: Final = (TEMPLATE, SYNTHESIS, MOVE, MIX)
ENDPOINTS: Final = (
    DETECT,
    *TASK_ENDPOINTS,
    QUERY_TASK,
    LIST_TASKS,
    CANCEL_TASK,
    UPLOAD_POLICY,
    CREATE_TOKEN,
)


class Retirement(NamedTuple):
    """When a model goes, and what does its work instead."""

    on: date
    """The day inference stops (00:00, UTC+8)."""
    successor: str
    """What to use, as the video model list recommends (OVER); the notice names others."""


RETIREMENTS: Final = {
    DETECT.model: Retirement(
        date(2026, 10, 10), "wan2.2-animate-move or -mix, which check the picture themselves"
    ),
    TEMPLATE.model: Retirement(date(2026, 10, 10), "wan2.2-animate-move or -mix"),
    SYNTHESIS.model: Retirement(date(2026, 10, 10), "wan2.2-animate-move or -mix"),
}
"""Models listed for retirement. Source: RET, notice 118434 of 2026-07-10."""


API_PATH: Final = "/api/v1"
"""What every base URL ends with."""


class Region(NamedTuple):
    """One row of the table of gateways (facts of section 6: Hosts, keys, headers)."""

    name: str
    """Region id."""
    shared_host: str | None = None
    """Host for all workspaces, where there is one."""
    workspace_suffix: str | None = None
    """What follows the workspace id in the host of a workspace's own gateway."""
    families: frozenset[Family] = frozenset()
    """Families of models served there."""


REGIONS: Final = (
    Region(
        name="cn-beijing",
        shared_host="dashscope.aliyuncs.com",
        workspace_suffix=".cn-beijing.maas.aliyuncs.com",
        families=frozenset({"animate-anyone", "wan"}),
    ),
    Region(
        name="ap-southeast-1",
        shared_host="dashscope-intl.aliyuncs.com",
        workspace_suffix=".ap-southeast-1.maas.aliyuncs.com",
        families=frozenset({"wan"}),
    ),
    Region(name="us-east-1", shared_host="dashscope-us.aliyuncs.com"),
    Region(name="eu-central-1", workspace_suffix=".eu-central-1.maas.aliyuncs.com"),
    Region(name="ap-northeast-1", workspace_suffix=".ap-northeast-1.maas.aliyuncs.com"),
    Region(name="cn-hongkong", shared_host="cn-hongkong.dashscope.aliyuncs.com"),
    Region(name="finance", shared_host="dashscope-finance.aliyuncs.com"),
)


def region_of_host(host: str) -> Region | None:
    """Give the region a known gateway host belongs to; None for any other host."""
    host = host.lower().removesuffix(".")
    for region in REGIONS:
        if host == region.shared_host:
            return region
        if region.workspace_suffix and host.endswith(region.workspace_suffix):
            return region
    return None
