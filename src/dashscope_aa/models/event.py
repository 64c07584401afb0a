"""The event that EventBridge sends when a task has ended.

Source: Model Studio help, "Use EventBridge with asynchronous tasks" (EVT). Events may come
more than once and 1 to 90 seconds late; the task query stays the authority.
"""

from dashscope_aa.models._base import Answer, Id, ServiceTime, Text
from dashscope_aa.models.task import OpenTaskStatus


class TaskFinishedData(Answer):
    """The ``data`` of a finish event."""

    task_id: Id
    """Id of the task."""
    task_status: OpenTaskStatus
    """How it ended."""
    user_api_unique_key: Text = None
    """``apikey:v1:<group>:<task>:<function>:<model>``: the model is the last part."""
    region: Text = None
    """Region it ran in."""
    request_id: Text = None
    """Id of the request that submitted it."""
    api_key_id: Text = None
    """Id of the key it was submitted with; not the key."""
    start_time: ServiceTime = None
    """When it left the queue (UTC+8)."""
    end_time: ServiceTime = None
    """When it ended (UTC+8)."""
    contain_result: bool | None = None
    """False: the result is not in the event and has to be queried."""


class TaskFinishedEvent(Answer):
    """A CloudEvents envelope of type ``dashscope:System:AsyncTaskFinish``."""

    id: str
    """Id of the event; the same when it is sent again."""
    source: str
    """``acs.dashscope``."""
    type: str
    """``dashscope:System:AsyncTaskFinish``."""
    data: TaskFinishedData
    """The task."""
    specversion: Text = None
    """Version of CloudEvents."""
    datacontenttype: Text = None
    """``application/json;charset=utf-8``."""
    time: Text = None
    """When it happened, as printed: the page's own sample is not a valid ISO time."""
    aliyunaccountid: Text = None
    """Id of the account."""
    aliyunoriginalaccountid: Text = None
    """Id of the account it came from."""
    aliyunpublishtime: Text = None
    """When it was published, as printed."""
    aliyuneventbusname: Text = None
    """Name of the bus, ``default``."""
    aliyunregionid: Text = None
    """Region of the bus."""
