"""Task answers: statuses, lists, and nonsense that costs nothing."""

import json
from typing import Any, Final

import pytest
from pydantic import ValidationError

from dashscope_aa.models import (
    FINAL_STATUSES,
    SubmitResponse,
    TaskListResponse,
    TaskOutput,
    TaskResponse,
    TaskStatus,
)

TASK: Final = {"task_id": "t", "task_status": "PENDING"}


@pytest.mark.parametrize(
    ("word", "status"),
    [
        *(pytest.param(it.value, it, id=it.value) for it in TaskStatus),
        pytest.param("SUCCEED", TaskStatus.SUCCEEDED, id="misprint of a page"),
        pytest.param("QUEUED", "QUEUED", id="word nobody has documented"),
        pytest.param("succeeded", "succeeded", id="small letters"),
        pytest.param("", "", id="empty"),
    ],
)
def test_status(word: str, status: str) -> None:
    for read in (
        TaskOutput.model_validate({**TASK, "task_status": word}),
        TaskOutput.model_validate_json(json.dumps({**TASK, "task_status": word})),
    ):
        assert read.task_status == status
        assert type(read.task_status) is type(status)
        assert read.model_dump(mode="json", exclude_unset=True)["task_status"] == status


def test_final_statuses() -> None:
    assert {*FINAL_STATUSES} == {"SUCCEEDED", "FAILED", "CANCELED"}
    assert TaskStatus.UNKNOWN not in FINAL_STATUSES
    assert "SUSPENDED" not in FINAL_STATUSES


@pytest.mark.parametrize(
    "output",
    [
        pytest.param({}, id="empty"),
        pytest.param({"task_id": "t"}, id="no status"),
        pytest.param({"task_status": "PENDING"}, id="no id"),
        pytest.param({"task_id": "", "task_status": "PENDING"}, id="empty id"),
        pytest.param({"task_id": None, "task_status": "PENDING"}, id="id is null"),
        pytest.param({"task_id": "t", "task_status": None}, id="status is null"),
        pytest.param({"task_id": "t", "task_status": {}}, id="status is an object"),
        pytest.param(None, id="null"),
        pytest.param("x", id="word"),
    ],
)
@pytest.mark.parametrize(
    "model", [pytest.param(TaskResponse, id="query"), pytest.param(SubmitResponse, id="submit")]
)
def test_a_task_needs_id_and_status(
    model: type[TaskResponse] | type[SubmitResponse], output: Any
) -> None:
    with pytest.raises(ValidationError):
        model.model_validate({"output": output})


NONSENSE: Final[tuple[Any, ...]] = ("x", -1, 1.5, True, [], {}, [{"a": 1}], {"a": {}})


@pytest.mark.parametrize("nonsense", [pytest.param(it, id=repr(it)) for it in NONSENSE])
def test_nonsense_that_only_informs_costs_no_task(nonsense: Any) -> None:
    names = ("submit_time", "scheduled_time", "end_time", "task_metrics", "code", "message")
    body = {
        "request_id": nonsense,
        "usage": nonsense,
        "output": {**TASK, **dict.fromkeys(names, nonsense)},
    }
    response = TaskResponse.model_validate_json(json.dumps(body))
    assert response.output.task_status == TaskStatus.PENDING
    response.model_dump_json(exclude_unset=True)


@pytest.mark.parametrize(
    ("usage", "duration"),
    [
        pytest.param({"video_duration": 10.23, "video_ratio": "standard"}, 10.23, id="printed"),
        pytest.param({"video_duration": 4, "video_ratio": "pro"}, 4.0, id="an integer, as seen"),
        pytest.param({"video_duration": "5.2"}, 5.2, id="text"),
        pytest.param({"SR": 720, "video_ratio": {}}, None, id="other keys"),
    ],
)
def test_usage(usage: dict[str, Any], duration: float | None) -> None:
    response = TaskResponse.model_validate({"output": TASK, "usage": usage})
    assert response.usage is not None
    assert response.usage.video_duration == duration


# ── lists ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="no rows at all"),
        pytest.param({"data": []}, id="no rows"),
        pytest.param({"data": None}, id="null"),
        pytest.param({"data": [], "total": "none", "page_no": {}, "total_page": None}, id="counts"),
    ],
)
def test_empty_list(body: dict[str, Any]) -> None:
    assert TaskListResponse.model_validate(body).data == ()


def test_list_row_keeps_unknown_words() -> None:
    row = {"task_id": "t", "status": "QUEUED", "model_name": {}, "gmt_create": "1745568428109"}
    (item,) = TaskListResponse.model_validate({"data": [row], "total": "1"}).data
    assert item.status == "QUEUED"
    assert item.model_name is None
    assert item.gmt_create is not None


def test_a_row_that_names_no_task_hides_no_other() -> None:
    data = [{"status": "PENDING"}, {"task_id": "t"}]
    (item,) = TaskListResponse.model_validate({"data": data}).data
    assert (item.task_id, item.status) == ("t", "UNKNOWN")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"task_id": "t"}, id="object"),
        pytest.param("t", id="word"),
        pytest.param([None], id="row is null"),
    ],
)
def test_list_that_is_none_is_refused(data: Any) -> None:
    with pytest.raises(ValidationError):
        TaskListResponse.model_validate({"data": data})
