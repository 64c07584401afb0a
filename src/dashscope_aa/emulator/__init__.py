"""The service, small enough to run inside a test; needs the ``[emulator]`` extra.

```python
from dashscope_aa.emulator import Emulator, Throttle

with Emulator() as emulator:
    emulator.faults.add(Throttle(on="query", times=3))
    print(emulator.base_url)
```
"""

from dashscope_aa.emulator._clock import Clock
from dashscope_aa.emulator._emulator import Emulator
from dashscope_aa.emulator._faults import (
    AnswerLost,
    Barrier,
    Fault,
    ImageRejected,
    LateFieldRequired,
    Malformed,
    OddStatus,
    Operation,
    RequestLost,
    Retired,
    RetiredAnswer,
    ServerFault,
    SlowBody,
    SlowHeaders,
    Spoiled,
    TaskFails,
    TaskFault,
    TaskStalls,
    Throttle,
    Truncated,
    Unpaid,
    UnpaidCode,
    UrlExpired,
)
from dashscope_aa.emulator._journal import Received, Requests
from dashscope_aa.emulator._storage import Upload
from dashscope_aa.emulator._strikes import Faults
from dashscope_aa.emulator._switches import Switches
from dashscope_aa.emulator._tasks import TaskView

__all__ = [
    "AnswerLost",
    "Barrier",
    "Clock",
    "Emulator",
    "Fault",
    "Faults",
    "ImageRejected",
    "LateFieldRequired",
    "Malformed",
    "OddStatus",
    "Operation",
    "Received",
    "RequestLost",
    "Requests",
    "Retired",
    "RetiredAnswer",
    "ServerFault",
    "SlowBody",
    "SlowHeaders",
    "Spoiled",
    "Switches",
    "TaskFails",
    "TaskFault",
    "TaskStalls",
    "TaskView",
    "Throttle",
    "Truncated",
    "Unpaid",
    "UnpaidCode",
    "Upload",
    "UrlExpired",
]
