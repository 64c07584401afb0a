"""Every payload in ``tests/data/payloads`` parses into its model and comes out as it went in."""

import json
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter, ValidationError

from dashscope_aa import models
from dashscope_aa.models._base import Answer, Request, Secret

PAYLOADS: Final = Path(__file__).parents[2] / "data" / "payloads"
SCHEMAS: Final = Path(__file__).parents[3] / "docs" / "reference" / "schema"

REQUESTS: Final[dict[str, type[Request]]] = {
    "detect-request.json": models.DetectRequest,
    "synthesis-request-image-background.json": models.SynthesisRequest,
    "synthesis-request.json": models.SynthesisRequest,
    "template-request-empty-parameters.json": models.TemplateRequest,
    "template-request.json": models.TemplateRequest,
    "wan-animate-mix-request.json": models.WanAnimateRequest,
    "wan-animate-move-request.json": models.WanAnimateRequest,
    "wan-animate-request-oss-check-image-off.json": models.WanAnimateRequest,
}
ANSWERS: Final[dict[str, type[Answer]]] = {
    "detect-response-error-no-key.json": models.ErrorResponse,
    "detect-response-pass.json": models.DetectResponse,
    "detect-response-reject.json": models.DetectResponse,
    "error-403-sync-not-supported.json": models.ErrorResponse,
    "error-429-rate-quota.json": models.ErrorResponse,
    "eventbridge-async-task-finish.json": models.TaskFinishedEvent,
    "synthesis-poll-failed.json": models.TaskResponse,
    "synthesis-poll-running.json": models.TaskResponse,
    "synthesis-poll-succeeded.json": models.VideoResponse,
    "synthesis-submit-response.json": models.SubmitResponse,
    "task-cancel-ok.json": models.CancelResponse,
    "task-list-documented.json": models.TaskListResponse,
    "task-partial-success-documented.json": models.TaskResponse,
    "template-poll-failed.json": models.TaskResponse,
    "template-poll-succeeded.json": models.TemplateResponse,
    "template-submit-response.json": models.SubmitResponse,
    "tokens-response.json": models.TokenResponse,
    "uploads-getpolicy-documented.json": models.UploadPolicyResponse,
    "wan-animate-poll-failed.json": models.TaskResponse,
    "wan-animate-poll-succeeded.json": models.VideoResponse,
    "wan-animate-submit-error.json": models.ErrorResponse,
    "wan-animate-submit-response.json": models.SubmitResponse,
}
EXCEPTED: Final = {
    "detect-v1-legacy-response-pass.json": "version 1, self-deployed: not served by this library",
    "eventbridge-rule-pattern-by-model.json": "a filter for EventBridge, which we never send",
    "synthesis-v1-legacy-request.json": "version 1, self-deployed: not served by this library",
}
POLLS: Final = [name for name in ANSWERS if "-poll-" in name or "partial" in name]
SECRETS: Final = {"tokens-response.json", "uploads-getpolicy-documented.json"}

UTC8: Final = timezone(timedelta(hours=8))
TIMES: Final = {"submit_time", "scheduled_time", "start_time", "end_time", "gmt_create"}


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / name).read_text(encoding="utf-8"))


def normalised(value: Any, name: str = "") -> Any:
    """Make numbers floats and times moments, by rules written here a second time."""
    if isinstance(value, dict):
        return {key: normalised(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [normalised(part) for part in value]
    if name in {*TIMES, "expires_at"}:
        return moment(value, ms=name in TIMES)
    return float(value) if type(value) is int else value


def moment(value: str | int, *, ms: bool) -> datetime:
    if isinstance(value, int):
        return datetime.fromtimestamp(value / (1000 if ms else 1), UTC)
    time = datetime.fromisoformat(value)
    return time if time.tzinfo else time.replace(tzinfo=UTC8)


def dumped(model: BaseModel) -> Any:
    return model.model_dump(mode="json", exclude_unset=True)


def test_no_payload_is_forgotten() -> None:
    assert {path.name for path in PAYLOADS.glob("*.json")} == {*REQUESTS, *ANSWERS, *EXCEPTED}
    assert {line.split("|")[1].strip() for line in index_rows()} == {*REQUESTS, *ANSWERS, *EXCEPTED}


def index_rows() -> list[str]:
    lines = (PAYLOADS / "INDEX.md").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("|") and ".json" in line]


@pytest.mark.parametrize(
    ("name", "model"),
    [pytest.param(name, model, id=name) for name, model in {**REQUESTS, **ANSWERS}.items()],
)
def test_comes_out_as_it_went_in(name: str, model: type[BaseModel]) -> None:
    text = (PAYLOADS / name).read_text(encoding="utf-8")
    read = model.model_validate_json(text)
    assert normalised(dumped(read)) == normalised(payload(name))
    assert normalised(json.loads(read.model_dump_json(exclude_unset=True))) == normalised(
        payload(name)
    )


@pytest.mark.parametrize(
    ("name", "model"),
    [pytest.param(name, model, id=name) for name, model in {**REQUESTS, **ANSWERS}.items()],
)
def test_reads_what_it_wrote(name: str, model: type[BaseModel]) -> None:
    read = model.model_validate(payload(name))
    assert model.model_validate(dumped(read)) == read
    assert model.model_validate_json(read.model_dump_json(exclude_unset=True)) == read
    assert model.model_validate(read.model_dump(exclude_unset=True)) == read


@pytest.mark.parametrize(
    ("name", "model"),
    [
        pytest.param(name, model, id=name)
        for name, model in {**REQUESTS, **ANSWERS}.items()
        if name not in SECRETS
    ],
)
def test_goes_through_a_pickle(name: str, model: type[BaseModel]) -> None:
    read = model.model_validate(payload(name))
    assert pickle.loads(pickle.dumps(read)) == read  # noqa: S301 - written one call before


# ── the written schemas ──────────────────────────────────────────────────────────────────


def judge(model: type[BaseModel]) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{model.__name__}.json").read_text(encoding="utf-8"))
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize(
    ("name", "model"),
    [pytest.param(name, model, id=name) for name, model in {**REQUESTS, **ANSWERS}.items()],
)
def test_schema_takes_every_payload(name: str, model: type[BaseModel]) -> None:
    judge(model).validate(payload(name))


@pytest.mark.parametrize("name", POLLS)
def test_any_poll_is_a_task_response(name: str) -> None:
    read = models.TaskResponse.model_validate(payload(name))
    assert normalised(dumped(read)) == normalised(payload(name))


# ── open on receipt, strict on sending ───────────────────────────────────────────────────


def places(value: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Give the way to every object in a JSON value."""
    if isinstance(value, dict):
        yield way
        for key, part in value.items():
            yield from places(part, (*way, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from places(part, (*way, index))


def with_extra(name: str, way: tuple[str | int, ...]) -> Any:
    value = payload(name)
    place = value
    for step in way:
        place = place[step]
    place["brand_new"] = {"of": [1, None, {"unheard": "of"}]}
    return value


def every_place(names: dict[str, Any]) -> list[Any]:
    return [
        pytest.param(name, model, way, id=f"{name} {'.'.join(map(str, way)) or 'top'}")
        for name, model in names.items()
        for way in places(payload(name))
    ]


@pytest.mark.parametrize(("name", "model", "way"), every_place(ANSWERS))
def test_answers_keep_unknown_keys(
    name: str, model: type[Answer], way: tuple[str | int, ...]
) -> None:
    sent = with_extra(name, way)
    assert normalised(dumped(model.model_validate_json(json.dumps(sent)))) == normalised(sent)


@pytest.mark.parametrize(("name", "model", "way"), every_place(REQUESTS))
def test_requests_forbid_unknown_keys(
    name: str, model: type[Request], way: tuple[str | int, ...]
) -> None:
    with pytest.raises(ValidationError, match=r"brand_new"):
        model.model_validate(with_extra(name, way))


@pytest.mark.parametrize(("name", "model", "way"), every_place(ANSWERS))
def test_schemas_of_answers_take_unknown_keys(
    name: str, model: type[Answer], way: tuple[str | int, ...]
) -> None:
    judge(model).validate(with_extra(name, way))


@pytest.mark.parametrize(("name", "model", "way"), every_place(REQUESTS))
def test_schemas_of_requests_refuse_unknown_keys(
    name: str, model: type[Request], way: tuple[str | int, ...]
) -> None:
    assert not judge(model).is_valid(with_extra(name, way))


def without(value: Any, way: tuple[str | int, ...]) -> Any:
    """Give a copy that lacks what stands at the end of a way."""
    copied = json.loads(json.dumps(value))
    place = copied
    for step in way[:-1]:
        place = place[step]
    del place[way[-1]]
    return copied


def every_key(value: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Give the way to every key in a JSON value."""
    for place in places(value, way):
        inner = value
        for step in place:
            inner = inner[step]
        yield from ((*place, key) for key in inner)


@pytest.mark.parametrize(
    ("name", "model"),
    [pytest.param(name, model, id=name) for name, model in {**REQUESTS, **ANSWERS}.items()],
)
def test_schema_and_model_miss_the_same(name: str, model: type[BaseModel]) -> None:
    whole = payload(name)
    for way in every_key(whole):
        if name == "task-list-documented.json" and way[-1] == "task_id":
            continue  # the model leaves such rows out, and no schema can say that
        cut = without(whole, way)
        assert judge(model).is_valid(cut) == taken(model, cut), way


def taken(model: type[BaseModel], value: Any) -> bool:
    try:
        model.model_validate(value)
    except ValidationError:
        return False
    return True


def all_models() -> list[type[BaseModel]]:
    found = [getattr(models, name) for name in models.__all__]
    return [it for it in found if isinstance(it, type) and issubclass(it, BaseModel)]


@pytest.mark.parametrize("model", [pytest.param(it, id=it.__name__) for it in all_models()])
def test_every_model_is_a_frozen_value(model: type[BaseModel]) -> None:
    assert model.model_config["frozen"] is True
    opened = "allow" if issubclass(model, Answer) else "forbid"
    assert model.model_config["extra"] == opened
    assert all(field.alias is None for field in model.model_fields.values())
    assert TypeAdapter(model).json_schema()["type"] == "object"


def test_only_these_hold_secrets() -> None:
    secret = {it.__name__ for it in all_models() if issubclass(it, Secret)}
    assert secret == {"UploadPolicy", "TokenResponse"}
