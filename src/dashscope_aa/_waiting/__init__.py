"""Waiting for tasks, however many, with nothing that runs in the background.

One of those who wait drives: it asks for every task that is due, within its own wait, and wakes
the others when there is news for them. When its wait is over or cancelled, the next one drives.

``poller`` alone waits and asks. The rest decides, and is told the time: ``pace`` how often in all,
``rota`` what is asked next, ``rounds`` how the task list is read, ``trouble`` when to give up,
``timeline`` what is known of a task, ``watch`` who waits for it.
"""

from dashscope_aa._waiting.poller import Poller, Recorder
from dashscope_aa._waiting.timeline import TaskState, Timeline
from dashscope_aa._waiting.watch import TimeIsUp, Unreachable, Watch

__all__ = ["Poller", "Recorder", "TaskState", "TimeIsUp", "Timeline", "Unreachable", "Watch"]
