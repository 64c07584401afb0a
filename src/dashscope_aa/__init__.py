"""Character animation on Alibaba Cloud Model Studio: a photo and a motion in, a video out."""

from dashscope_aa import codes, errors, events, models
from dashscope_aa._book import Entry, Memo
from dashscope_aa._client import Client
from dashscope_aa._engines import AnimateAnyone, Engine, WanAnimate
from dashscope_aa._many import Job, Outcome
from dashscope_aa._prices import Estimate
from dashscope_aa._schedule import Schedule
from dashscope_aa._sources import MediaFile, TemplateId, Url
from dashscope_aa._task import Task, TaskState
from dashscope_aa._token import TaskToken
from dashscope_aa._upload import Uploader
from dashscope_aa._version import __version__
from dashscope_aa.errors import DashScopeError
from dashscope_aa.events import Animation, Event

__all__ = [
    "AnimateAnyone",
    "Animation",
    "Client",
    "DashScopeError",
    "Engine",
    "Entry",
    "Estimate",
    "Event",
    "Job",
    "MediaFile",
    "Memo",
    "Outcome",
    "Schedule",
    "Task",
    "TaskState",
    "TaskToken",
    "TemplateId",
    "Uploader",
    "Url",
    "WanAnimate",
    "__version__",
    "codes",
    "errors",
    "events",
    "models",
]
