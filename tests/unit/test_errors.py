"""The tree of exceptions: drawn truly, picklable, and saying all they know."""

import copy
import inspect
import pickle
import re
import textwrap
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from dashscope_aa import errors
from dashscope_aa._token import TaskToken
from dashscope_aa.errors import (
    DashScopeError,
    InputError,
    ServiceError,
    SubmitOutcomeUnknownError,
    TaskError,
    TaskFailedError,
    ThrottledError,
)
from dashscope_aa.models import Detection, TaskListItem

CLASSES: Final[list[type[DashScopeError]]] = [getattr(errors, name) for name in errors.__all__]
FACTS: Final[dict[str, Any]] = {
    "code": "Some.Code",
    "request_id": "request-1",
    "task_id": "task-1",
    "http_status": 418,
    "hint": "Do this next.",
}
TOKEN: Final = TaskToken[Any]('{"v":1}')
SENT: Final = datetime(2026, 10, 10, tzinfo=UTC)


def made(kind: type[DashScopeError], **facts: Any) -> DashScopeError:
    """Make an error of any class, with all that the class demands."""
    if kind is errors.PreflightError:
        facts = {"hint": facts.get("hint"), "report": {"findings": ["V102"]}}
    elif kind is errors.ImageRejectedError:
        facts["detection"] = Detection(check_pass=False, reason="no human body")
    elif kind is SubmitOutcomeUnknownError:
        rows = [TaskListItem(task_id="task-2", status="RUNNING")]
        facts |= {"model": "m", "operation": "template", "fingerprint": "f", "candidates": rows}
        facts |= {"sent_at": SENT, "lost_at": SENT}
    elif issubclass(kind, TaskError):
        facts["token"] = TOKEN
    if kind is TaskFailedError:
        facts["reason"] = errors.MediaError("too long", code="InvalidFile.Duration")
    return kind("it went wrong", **facts)


every_class = pytest.mark.parametrize(
    "kind", [pytest.param(kind, id=kind.__name__) for kind in CLASSES]
)


# ── the tree ─────────────────────────────────────────────────────────────────────────────


def drawn() -> dict[str, str]:
    """Read the tree at the top of the module: parent by name."""
    parents: dict[str, str] = {}
    stack: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"([│├└─ ]*)([A-Z]\w+Error)\b", line)
        if found:
            depth = len(found[1]) // 4
            parents[found[2]] = stack[depth - 1] if depth else "Exception"
            stack[depth:] = [found[2]]
    return parents


def test_tree_is_drawn_truly() -> None:
    assert drawn() == {kind.__name__: kind.__bases__[0].__name__ for kind in CLASSES}


def test_all_names_every_class() -> None:
    defined = {
        name
        for name, it in vars(errors).items()
        if inspect.isclass(it) and it.__module__ == errors.__name__
    }
    assert defined == {*errors.__all__}
    assert errors.__all__ == sorted(errors.__all__)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        pytest.param(errors.InputError, ValueError, id="bad input is a ValueError"),
        pytest.param(errors.SourceError, ValueError, id="so is a bad source"),
        pytest.param(errors.PreflightError, ValueError, id="so is a bad file"),
        pytest.param(errors.TaskTimeoutError, TimeoutError, id="a wait too long is a TimeoutError"),
        pytest.param(errors.TaskUnreachableError, TimeoutError, id="so is silence"),
    ],
)
def test_errors_of_the_language(kind: type[DashScopeError], builtin: type[Exception]) -> None:
    with pytest.raises(builtin, match="it went wrong"):
        raise made(kind, **FACTS)


def test_nothing_else_is_an_error_of_the_language() -> None:
    odd = {kind.__name__ for kind in CLASSES if issubclass(kind, (ValueError, OSError))}
    assert odd == {
        "CostLimitError",
        "InputError",
        "PreflightError",
        "SourceError",
        "TaskTimeoutError",
        "TaskUnreachableError",
    }


# ── what each says ───────────────────────────────────────────────────────────────────────


@every_class
def test_says_all_it_knows(kind: type[DashScopeError]) -> None:
    said = str(made(kind, **FACTS))
    assert said.startswith("it went wrong")
    assert said.endswith("Do this next.")
    if kind is not errors.PreflightError:
        for fact in ("HTTP 418", "code Some.Code", "request request-1", "task task-1"):
            assert fact in said


@every_class
def test_says_nothing_it_does_not_know(kind: type[DashScopeError]) -> None:
    error = made(kind, hint="")
    assert str(error) == "it went wrong"
    assert error.hint == ""


@every_class
def test_hint_of_the_class_is_the_default(kind: type[DashScopeError]) -> None:
    error = made(kind)
    assert error.hint == kind.default_hint
    assert textwrap.dedent(kind.default_hint).strip() == kind.default_hint
    assert not kind.default_hint or kind.default_hint.endswith(".")


@every_class
def test_repr_names_class_and_message(kind: type[DashScopeError]) -> None:
    assert repr(made(kind, **FACTS)) == f"{kind.__name__}('it went wrong')"


def test_tells_how_long_the_service_asks_to_wait() -> None:
    error = ThrottledError("slow down", http_status=429, hint="")
    assert str(error) == "slow down (HTTP 429)"
    error.retry_after_s = 600.0
    assert str(error) == "slow down (HTTP 429, retry after 600 s)"


def test_service_error_is_not_sent_again_unless_said() -> None:
    error = ServiceError("no")
    assert (error.retry, error.retry_after_s) == ("never", None)


def test_candidates_are_kept_whatever_holds_them() -> None:
    error = made(SubmitOutcomeUnknownError)
    assert isinstance(error, SubmitOutcomeUnknownError)
    assert isinstance(error.candidates, tuple)
    assert [row.task_id for row in error.candidates] == ["task-2"]


# ── pickles and copies ───────────────────────────────────────────────────────────────────


def same(error: DashScopeError, other: DashScopeError) -> None:
    """Compare all there is to an error, errors inside it included."""
    assert type(other) is type(error)
    assert other.args == error.args
    assert str(other) == str(error)
    mine, theirs = dict(vars(error)), dict(vars(other))
    if "reason" in mine:
        same(mine.pop("reason"), theirs.pop("reason"))
    assert theirs == mine


@every_class
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_loses_nothing(kind: type[DashScopeError], protocol: int) -> None:
    error = made(kind, **FACTS)
    error.add_note("the task goes on")
    error.add_note("its token: …")
    error.code = "changed later"
    if isinstance(error, ServiceError):
        error.retry, error.retry_after_s = "yes", 3.0
    other = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301 - written by the line itself
    same(error, other)
    assert other.__notes__ == ["the task goes on", "its token: …"]


@every_class
def test_copies_lose_nothing(kind: type[DashScopeError]) -> None:
    error = made(kind, **FACTS)
    error.add_note("a note")
    same(error, copy.copy(error))
    same(error, copy.deepcopy(error))


def test_subclass_of_a_user_goes_through_a_pickle() -> None:
    error = _DemandingError("it went wrong", demanded=3)
    other = pickle.loads(pickle.dumps(error))  # noqa: S301 - written by the line itself
    same(error, other)
    assert other.demanded == 3


class _DemandingError(InputError):
    def __init__(self, message: str, *, demanded: int) -> None:
        super().__init__(message, code="C")
        self.demanded = demanded


def test_token_stays_a_token() -> None:
    error = made(errors.TaskTimeoutError)
    other = pickle.loads(pickle.dumps(error))  # noqa: S301 - written by the line itself
    assert isinstance(other.token, TaskToken)
