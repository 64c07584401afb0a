"""Exit codes, and what is left to go on with."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dashscope_aa import errors
from dashscope_aa.cli._options import Options
from dashscope_aa.cli._run import exit_code, exit_code_here
from dashscope_aa.cli._trail import Trail
from dashscope_aa.events import Submitted, TemplateReady
from dashscope_aa.models import TaskListItem

CODES = {
    "AuthenticationError": 3,
    "BillingError": 3,
    "ConfigurationError": 2,
    "ContentBlockedError": 3,
    "DashScopeError": 3,
    "DownloadError": 3,
    "HumanContentError": 1,
    "ImageRejectedError": 1,
    "CostLimitError": 2,
    "InputError": 2,
    "LedgerError": 2,
    "InvalidRequestError": 3,
    "MediaError": 1,
    "MediaUnreachableError": 1,
    "ModelUnavailableError": 3,
    "NoAnswerError": 3,
    "NotFoundError": 3,
    "NotSentError": 3,
    "PermissionDeniedError": 3,
    "PreflightError": 1,
    "ProtocolError": 3,
    "RegionError": 2,
    "ResultExpiredError": 3,
    "ServerError": 3,
    "ServiceError": 3,
    "SourceError": 2,
    "SubmitOutcomeUnknownError": 5,
    "TaskCanceledError": 4,
    "TaskError": 4,
    "TaskFailedError": 4,
    "TaskNotFoundError": 4,
    "TaskTimeoutError": 4,
    "TaskUnreachableError": 4,
    "ThrottledError": 3,
    "TransferError": 3,
    "TransportError": 3,
    "UploadError": 3,
}


@pytest.mark.parametrize("name", errors.__all__)
def test_exit_codes(name: str) -> None:
    kind = getattr(errors, name)
    assert exit_code(kind.__new__(kind)) == CODES[name]


@pytest.mark.parametrize("name", errors.__all__)
def test_exit_codes_where_the_service_has_no_part(name: str) -> None:
    kind = getattr(errors, name)
    assert exit_code_here(kind.__new__(kind)) == min(CODES[name], 2)


def submitted(step: Any) -> Submitted:
    return Submitted(step=step, task_id="t", token='{"v":1}', model="m")


def failed(kind: type[errors.DashScopeError], **facts: Any) -> errors.DashScopeError:
    return kind("it broke", **facts)


READY = TemplateReady(template_id="AACT.1", reused=False)
WAIT = """go on with: dashscope-aa tasks wait '{"v":1}'"""
ASK = "if a task was just being submitted, it is among these: dashscope-aa tasks list"
TEMPLATE = "the template can be given in the place of the clip: AACT.1"


@pytest.mark.parametrize(
    ("events", "error", "way_on"),
    [
        pytest.param([], None, ASK, id="interrupted before a task is known"),
        pytest.param([], failed(errors.ServerError), "", id="refused before a task"),
        pytest.param([submitted("template")], None, WAIT, id="a template makes no file"),
        pytest.param([submitted("move")], None, f"{WAIT} -o out.mp4", id="a video under way"),
        pytest.param([READY], None, f"{TEMPLATE}\n{ASK}", id="between template and video"),
        pytest.param(
            [submitted("template"), READY, submitted("synthesis")],
            failed(errors.TaskTimeoutError, token="t"),
            f"{WAIT} -o out.mp4",
            id="a wait that lasted too long",
        ),
        pytest.param(
            [submitted("move")],
            failed(errors.DownloadError),
            f"{WAIT} -o out.mp4",
            id="a download that broke",
        ),
        pytest.param(
            [submitted("move")],
            failed(errors.TaskCanceledError, token="t"),
            "",
            id="a task that was cancelled",
        ),
        pytest.param(
            [READY, submitted("synthesis")],
            failed(errors.TaskNotFoundError, token="t"),
            TEMPLATE,
            id="a task that is gone, and its template",
        ),
    ],
)
def test_way_on(events: list[Any], error: errors.DashScopeError | None, way_on: str) -> None:
    trail = Trail(Options())
    trail.began, trail.output = True, Path("out.mp4")
    for event in events:
        trail.note(event)
    assert trail.way_on(error) == way_on


def test_way_on_points_to_the_same_place() -> None:
    trail = Trail(Options(region="ap-southeast-1", workspace="w 1", base_url="https://host"))
    trail.follow("id", "move")
    assert trail.way_on() == (
        "go on with: dashscope-aa tasks wait id"
        " --region ap-southeast-1 --workspace 'w 1' --base-url https://host"
    )


def lost(**facts: Any) -> errors.DashScopeError:
    now = datetime.now(UTC)
    known = {"model": "m", "operation": "template", "fingerprint": "f"}
    return errors.SubmitOutcomeUnknownError("lost", sent_at=now, lost_at=now, **{**known, **facts})


def test_way_on_from_a_lost_submit() -> None:
    trail = Trail(Options())
    trail.output = Path("out.mp4")
    candidate = TaskListItem(task_id="abc", status="RUNNING")
    assert trail.way_on(lost(candidates=[candidate])).splitlines() == [
        "Do not simply run it again: the task may be running, and will be billed.",
        "it may be (RUNNING): dashscope-aa tasks wait abc -o out.mp4",
        "all tasks: dashscope-aa tasks list",
    ]
    assert (
        trail.way_on(lost(operation="detect"))
        == "At most one image check was billed; it may be run again."
    )


def test_way_on_from_a_lost_submit_that_the_ledger_knows() -> None:
    trail = Trail(Options(ledger=Path("jobs.sqlite")))
    trail.lost_rows = (7,)
    candidate = TaskListItem(task_id="abc", status="RUNNING")
    assert trail.way_on(lost(candidates=[candidate])).splitlines() == [
        "row 7 of the ledger: the task may be running, and will be billed. Look for it:",
        "dashscope-aa tasks list --ledger jobs.sqlite",
        "if it is this one (RUNNING): dashscope-aa ledger adopt 7 abc --ledger jobs.sqlite",
        "if it is none, also later: dashscope-aa ledger write-off 7 --ledger jobs.sqlite",
        "then run the same again",
    ]


def test_with_a_ledger_the_same_may_be_run_again() -> None:
    trail = Trail(Options(ledger=Path("jobs.sqlite")))
    trail.began = trail.again = True
    again = "run the same again to go on: jobs.sqlite knows what is paid for"
    assert trail.way_on() == again
    trail.note(submitted("template"))
    assert trail.way_on() == f"{again}\n{WAIT} --ledger jobs.sqlite"
