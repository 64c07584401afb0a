"""Room for one more task: submits a second, and unfinished tasks, of each model.

The service runs one task of a model at a time and stops one that has not ended after three hours
(RATE, ERR): a long queue waits better here than there.
"""

from collections import defaultdict
from typing import Any

from dashscope_aa._task import Task
from dashscope_aa._waiting.pace import Bucket
from dashscope_aa._waiting.turn import turn


class Rooms:
    """Lets submits of each model through, evenly, while not too many of its tasks go on."""

    def __init__(self, *, submits_per_s: float, max_unfinished: int | None) -> None:
        self._max_unfinished = max_unfinished
        self._buckets: defaultdict[str, Bucket] = defaultdict(
            lambda: Bucket(submits_per_s, burst_s=0.0)
        )
        self._unfinished: dict[str, list[Task[Any]]] = {}

    async def wait(self, model: str) -> None:
        """Wait until fewer than `max_unfinished` tasks go on that were let through here.

        Whoever waits asks for them. Tasks that cannot be asked for hold nobody up.
        """
        tasks = _unfinished(self._unfinished.get(model, []))
        while self._max_unfinished is not None and len(tasks) >= self._max_unfinished:
            await Task.any_ended(tasks)
            left = _unfinished(tasks)
            tasks = left if len(left) < len(tasks) else []
        self._unfinished[model] = tasks

    async def pace(self, model: str) -> None:
        """Wait for the moment when the next request of the model may go."""
        await turn(self._buckets[model])

    def add(self, model: str, task: Task[Any]) -> None:
        """Count a task that has been submitted; once, however many asked for the same."""
        if self._max_unfinished is not None:
            others = (other for other in self._unfinished.get(model, []) if other is not task)
            self._unfinished[model] = _unfinished([*others, task])


def _unfinished(tasks: list[Task[Any]]) -> list[Task[Any]]:
    return [task for task in tasks if not task.done]
