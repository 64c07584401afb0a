"""Task tokens: there and back, and nothing hostile gets through."""

import json
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashscope_aa import TaskToken
from dashscope_aa._config import Settings
from dashscope_aa._endpoints import TASK_ENDPOINTS
from dashscope_aa._token import OPERATIONS, TokenFacts, operation_of, read_token
from dashscope_aa.errors import InputError
from dashscope_aa.models import TaskOutput, TemplateOutput, VideoOutput

KEY: Final = "sk-0123456789abcdef"
SETTINGS: Final = Settings.load(api_key=KEY, workspace="llm-1", environ={})
SUBMITTED: Final = datetime(2026, 9, 30, 23, 59, 59, 123456, tzinfo=UTC)
FACTS: Final = TokenFacts(
    task_id="a8532587-fa8c-4ef8-82be-0c46b17950d1",
    operation="template",
    base_url=SETTINGS.base_url,
    region=SETTINGS.region,
    workspace=SETTINGS.workspace,
    model="animate-anyone-template-gen2",
    submitted_at=SUBMITTED,
)


def changed(**changes: Any) -> str:
    """Give a token with some of its facts changed; `...` takes one away."""
    said = {**json.loads(FACTS.token()), **changes}
    return json.dumps({name: value for name, value in said.items() if value is not ...})


# ── there and back ───────────────────────────────────────────────────────────────────────


def test_there_and_back() -> None:
    assert read_token(FACTS.token(), SETTINGS) == FACTS


@pytest.mark.parametrize(
    "submitted_at",
    [
        pytest.param(None, id="unknown"),
        pytest.param(SUBMITTED, id="with microseconds"),
        pytest.param(datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=8))), id="another zone"),
    ],
)
def test_time_of_the_submit_comes_back(submitted_at: datetime | None) -> None:
    facts = json.loads(FACTS.token()) | {"submitted_at": submitted_at and submitted_at.isoformat()}
    assert read_token(json.dumps(facts), SETTINGS).submitted_at == submitted_at


def test_time_without_a_zone_is_utc() -> None:
    token = changed(submitted_at="2026-09-30T23:59:59.123456")
    assert read_token(token, SETTINGS).submitted_at == SUBMITTED


def test_token_is_a_plain_string_that_says_its_version() -> None:
    token = TaskToken[TemplateOutput](FACTS.token())
    assert isinstance(token, str)
    assert token.isascii()
    assert json.loads(token)["v"] == 1
    assert token == FACTS.token()
    assert hash(token) == hash(FACTS.token())
    back = pickle.loads(pickle.dumps(token))  # noqa: S301 - written by the line itself
    assert (type(back), back) == (TaskToken, token)
    assert read_token(token, SETTINGS) == FACTS


def test_token_holds_no_key() -> None:
    assert KEY not in FACTS.token()
    assert SETTINGS.api_key.fingerprint not in FACTS.token()


def test_token_may_have_been_written_anew() -> None:
    assert read_token(json.dumps(json.loads(FACTS.token()), indent=2), SETTINGS) == FACTS


@given(
    task_id=st.from_regex(r"[A-Za-z0-9_-]{1,128}", fullmatch=True),
    operation=st.sampled_from(sorted(OPERATIONS)),
    model=st.text(max_size=100),
    submitted_at=st.none() | st.datetimes(timezones=st.just(UTC)),
)
def test_any_task_comes_back(
    task_id: str, operation: str, model: str, submitted_at: datetime | None
) -> None:
    facts = TokenFacts(
        task_id=task_id,
        operation=operation,
        base_url=SETTINGS.base_url,
        region=SETTINGS.region,
        workspace=SETTINGS.workspace,
        model=model,
        submitted_at=submitted_at,
    )
    assert read_token(facts.token(), SETTINGS) == facts


def test_facts_of_a_task_by_its_id() -> None:
    facts = TokenFacts.of(SETTINGS, task_id="t", operation="video")
    assert read_token(facts.token(), SETTINGS) == facts
    assert (facts.model, facts.submitted_at, facts.workspace) == ("", None, "llm-1")
    with pytest.raises(InputError, match="a task id holds"):
        TokenFacts.of(SETTINGS, task_id="a/b", operation="video")


# ── tokens of elsewhere ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        pytest.param({"base_url": "https://evil.example/api/v1"}, "base_url", id="another host"),
        pytest.param({"base_url": f"{SETTINGS.base_url}/"}, "base_url", id="slash more"),
        pytest.param({"base_url": "http" + SETTINGS.base_url[5:]}, "base_url", id="no TLS"),
        pytest.param({"base_url": ""}, "base_url", id="no base URL"),
        pytest.param({"region": "ap-southeast-1"}, "region", id="another region"),
        pytest.param({"workspace": "llm-2"}, "workspace", id="another workspace"),
        pytest.param({"workspace": None}, "workspace", id="no workspace"),
    ],
)
def test_token_of_elsewhere_is_refused(changes: dict[str, Any], name: str) -> None:
    with pytest.raises(InputError, match=f"the token belongs to {name}") as caught:
        read_token(changed(**changes), SETTINGS)
    assert name in caught.value.hint


@pytest.mark.parametrize(
    "version",
    [
        pytest.param(2, id="next"),
        pytest.param(10**3000, id="far ahead"),
        pytest.param("2", id="as text"),
        pytest.param(1.5, id="in between"),
    ],
)
def test_newer_version_says_so(version: Any) -> None:
    with pytest.raises(InputError, match="newer version") as caught:
        read_token(changed(v=version), SETTINGS)
    assert "Upgrade" in caught.value.hint


# ── no tokens at all ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty"),
        pytest.param("a8532587-fa8c", id="task id"),
        pytest.param("{", id="cut off"),
        pytest.param(FACTS.token()[:-1], id="last letter missing"),
        pytest.param(FACTS.token() + "}", id="one letter more"),
        pytest.param("{}", id="empty object"),
        pytest.param("[]", id="list"),
        pytest.param('[{"v": 1}]', id="list of tokens"),
        pytest.param("null", id="null"),
        pytest.param('"v"', id="word"),
        pytest.param("1", id="number"),
        pytest.param("[" * 4000, id="nested"),
        pytest.param(changed(workspace=["llm-1"]), id="workspace is a list"),
        pytest.param(" " * 10_000 + FACTS.token(), id="too long"),
        pytest.param(changed(model="m" * 5000), id="too long a model"),
        pytest.param(changed(v=...), id="no version"),
        pytest.param(changed(task_id=...), id="no task id"),
        pytest.param(changed(submitted_at=...), id="no time"),
        pytest.param(changed(workspace=...), id="no workspace"),
        pytest.param(changed(extra=1), id="one fact more"),
        pytest.param(changed(self=1), id="a name of Python's"),
        pytest.param(changed(task_id=7), id="task id is a number"),
        pytest.param(changed(task_id=None), id="task id is null"),
        pytest.param(changed(task_id=["a"]), id="task id is a list"),
        pytest.param(changed(operation="delete"), id="unknown operation"),
        pytest.param(changed(operation=[]), id="operation is a list"),
        pytest.param(changed(base_url={}), id="base URL is an object"),
        pytest.param(changed(region=None), id="region is null"),
        pytest.param(changed(model=None), id="model is null"),
        pytest.param(changed(submitted_at="yesterday"), id="no such time"),
        pytest.param(changed(submitted_at=""), id="empty time"),
        pytest.param(changed(submitted_at=0), id="time is zero"),
        pytest.param(changed(submitted_at=False), id="time is false"),
        pytest.param(changed(submitted_at=[]), id="time is a list"),
    ],
)
def test_no_token(token: str) -> None:
    with pytest.raises(InputError, match="no task token") as caught:
        read_token(token, SETTINGS)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(None, id="none"),
        pytest.param(1, id="number"),
        pytest.param(b"{}", id="bytes"),
        pytest.param(["{}"], id="list"),
    ],
)
def test_no_string_is_no_token(token: Any) -> None:
    with pytest.raises(InputError, match="no task token"):
        read_token(token, SETTINGS)


@pytest.mark.parametrize(
    "task_id",
    [
        pytest.param("", id="empty"),
        pytest.param("../uploads", id="path"),
        pytest.param("a/cancel", id="slash"),
        pytest.param("a?b", id="query"),
        pytest.param("a\n", id="line break"),
        pytest.param("a" * 129, id="too long"),
        pytest.param("ü", id="not ASCII"),
    ],
)
def test_task_id_of_a_token_is_checked(task_id: str) -> None:
    with pytest.raises(InputError, match="a task id holds"):
        read_token(changed(task_id=task_id), SETTINGS)


def test_key_in_a_token_is_not_quoted() -> None:
    for token in (KEY, f'{{"v": 1, "key": "{KEY}"}}', changed(task_id=f"{KEY}/")):
        with pytest.raises(InputError) as caught:
            read_token(token, SETTINGS)
        assert KEY not in str(caught.value)


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=3),
    max_leaves=5,
)


@given(st.text() | JSON.map(json.dumps))
def test_any_text_is_no_token(text: str) -> None:
    with pytest.raises(InputError):
        read_token(text, SETTINGS)


@given(st.dictionaries(st.sampled_from(sorted(json.loads(FACTS.token()))) | st.text(), JSON))
def test_any_change_is_refused_or_still_ours(changes: dict[str, Any]) -> None:
    try:
        facts = read_token(changed(**changes), SETTINGS)
    except InputError:
        return
    ours = (SETTINGS.base_url, SETTINGS.region, SETTINGS.workspace)
    assert (facts.base_url, facts.region, facts.workspace) == ours
    assert facts.operation in OPERATIONS
    assert isinstance(facts.submitted_at, datetime | None)
    assert read_token(facts.token(), SETTINGS) == facts


# ── what tasks end in ────────────────────────────────────────────────────────────────────


def test_every_task_of_the_table_has_an_operation() -> None:
    for endpoint in TASK_ENDPOINTS:
        assert OPERATIONS[endpoint.name] is endpoint.output


@pytest.mark.parametrize(
    ("output", "operation"),
    [
        pytest.param(TemplateOutput, "template", id="template"),
        pytest.param(VideoOutput, "video", id="video"),
        pytest.param(TaskOutput, "any", id="anything"),
    ],
)
def test_operation_of_an_output(output: type[TaskOutput], operation: str) -> None:
    assert operation_of(output) == operation
    assert OPERATIONS[operation] is output


def test_operation_of_an_output_of_a_users_own() -> None:
    class Mine(VideoOutput):
        """What a user may make of it."""

    assert operation_of(Mine) == "video"
