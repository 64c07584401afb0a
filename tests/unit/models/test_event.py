"""The event that EventBridge sends when a task has ended."""

from datetime import UTC, datetime
from typing import Any, Final

import pytest
from pydantic import ValidationError

from dashscope_aa.models import TaskFinishedEvent, TaskStatus

EVENT: Final[dict[str, Any]] = {
    "id": "e",
    "source": "acs.dashscope",
    "type": "dashscope:System:AsyncTaskFinish",
    "data": {"task_id": "t", "task_status": "SUCCEEDED", "end_time": "2023-10-25 09:45:16"},
}


def test_times_are_those_of_the_service() -> None:
    event = TaskFinishedEvent.model_validate(EVENT)
    assert event.data.task_status is TaskStatus.SUCCEEDED
    assert event.data.end_time == datetime(2023, 10, 25, 1, 45, 16, tzinfo=UTC)


def test_nonsense_that_only_informs_costs_no_event() -> None:
    data = {**EVENT["data"], "end_time": "then", "region": [], "request_id": {}}
    event = TaskFinishedEvent.model_validate({**EVENT, "time": {}, "data": data})
    assert event.data.task_id == "t"
    assert (event.data.end_time, event.data.region, event.time) == (None, None, None)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"id": None}, id="no id"),
        pytest.param({"data": None}, id="no data"),
        pytest.param({"data": {"task_status": "SUCCEEDED"}}, id="no task id"),
        pytest.param({"data": {"task_id": "t"}}, id="no status"),
    ],
)
def test_event_needs(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TaskFinishedEvent.model_validate({**EVENT, **change})
