"""What docs/generate.py writes about the emulator: its calls in OpenAPI 3.1.

The calls of the service come from the table of endpoints and from the models; object storage and
the results, which belong to no table, are described here.
"""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from schemas import Described, all_models, plain

from dashscope_aa import models
from dashscope_aa._endpoints import API_PATH, ENDPOINTS, Endpoint
from dashscope_aa.emulator._app import OSS_PATH
from dashscope_aa.emulator._results import PATH as RESULTS_PATH
from dashscope_aa.models._base import Request

Json = dict[str, Any]

ABOUT: Final = (
    "What `dashscope_aa.emulator` serves, and as far as documents tell the service itself: the"
    " calls this library makes. Requests are described as the library sends them; the service"
    " ignores fields it does not know."
)
QUERY: Final[Mapping[str, Json]] = {
    "start_time": {"type": "string", "pattern": r"^\d{14}$"},
    "end_time": {"type": "string", "pattern": r"^\d{14}$"},
    "page_no": {"type": "integer", "minimum": 1, "default": 1},
    "page_size": {"type": "integer", "minimum": 1, "default": 10},
    "task_id": {"type": "string"},
    "model_name": {"type": "string"},
    "status": {"type": "string", "examples": ["SUCCEEDED"]},
    "region": {"type": "string"},
    "api_key_id": {"type": "string"},
}
"""The query of a task list; times are YYYYMMDDhhmmss in UTC+8. Source: TASK, PY."""
FIXED: Final = {"action": "getPolicy"}
"""What the library always sends, and the service always wants. Source: UPL."""
FORM: Final = ("OSSAccessKeyId", "Signature", "policy", "key")
"""What a form post needs beside the file. Source: OSS PostObject reference."""
XML_ERROR: Final[Json] = {
    "description": "Refused, in the words of object storage.",
    "content": {"application/xml": {"schema": {"type": "string"}}},
}


def document() -> Json:
    """Describe the emulator in OpenAPI 3.1."""
    paths: dict[str, Json] = {}
    for endpoint in ENDPOINTS:
        path = API_PATH + endpoint.path.rstrip("/")
        verb = endpoint.method.lower()
        there = paths.setdefault(path, {})
        there[verb] = _merged(there[verb], endpoint) if verb in there else _operation(endpoint)
    paths[OSS_PATH] = {"post": _form_post()}
    paths[f"{RESULTS_PATH}/{{name}}"] = {"get": _download()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "dashscope-aa emulator", "version": "1", "description": ABOUT},
        "servers": [{"url": "http://127.0.0.1:8000"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "Any key `sk-…`."}
            },
            "schemas": _components(),
        },
    }


def _components() -> Json:
    mode: Literal["validation"] = "validation"
    wanted = [(model, mode) for model in all_models()]
    _, schemas = models_json_schema(
        wanted, ref_template="#/components/schemas/{model}", schema_generator=Described
    )
    definitions: Json = schemas["$defs"]
    return definitions


def _ref(model: type[BaseModel]) -> Json:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _operation(endpoint: Endpoint[Any]) -> Json:
    operation: Json = {
        "operationId": endpoint.name,
        "summary": plain(inspect.getdoc(endpoint.answer) or ""),
        "parameters": [*_headers(endpoint), *_in_path(endpoint), *_query(endpoint)],
        "responses": {
            "200": {
                "description": "Done; for a call that starts a task: accepted.",
                "content": {"application/json": {"schema": _ref(endpoint.answer)}},
            },
            "4XX": _refusal("Refused, and nothing is billed."),
            "5XX": _refusal("The service failed by itself; the emulator when asked to."),
        },
    }
    if endpoint.model:
        body = {"application/json": {"schema": {"anyOf": [_body(endpoint)]}}}
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _merged(operation: Json, endpoint: Endpoint[Any]) -> Json:
    """Add a call to the one that is made by the same path: the model tells them apart."""
    bodies = operation["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
    bodies.append(_body(endpoint))
    return {**operation, "operationId": f"{operation['operationId']}_or_{endpoint.name}"}


def _body(endpoint: Endpoint[Any]) -> Json:
    if endpoint.request is None:
        raise TypeError(f"{endpoint.name} is for a model, but has no request")
    model = {"type": "object", "properties": {"model": {"const": endpoint.model}}}
    return {"title": endpoint.name, "allOf": [_ref(endpoint.request), model]}


def _refusal(description: str) -> Json:
    always = {"type": "object", "required": ["code", "message", "request_id"]}
    schema = {"allOf": [_ref(models.ErrorResponse), always]}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _headers(endpoint: Endpoint[Any]) -> Iterator[Json]:
    enabled = {"type": "string", "const": "enable"}
    if endpoint.asynchronous:
        name = "X-DashScope-Async"
        yield {"name": name, "in": "header", "required": True, "schema": enabled}
    if endpoint.model:
        name = "X-DashScope-OssResourceResolve"
        about = "`enable` makes `oss://` URLs work."
        yield {"name": name, "in": "header", "description": about, "schema": {"type": "string"}}


def _in_path(endpoint: Endpoint[Any]) -> Iterator[Json]:
    if "{task_id}" in endpoint.path:
        yield {"name": "task_id", "in": "path", "required": True, "schema": {"type": "string"}}


def _query(endpoint: Endpoint[Any]) -> Iterator[Json]:
    if endpoint.name == "list_tasks":
        for name, schema in QUERY.items():
            yield {"name": name, "in": "query", "schema": schema}
    elif endpoint.request is not None and not endpoint.model:
        yield from _fields(endpoint.request)


def _fields(request: type[Request]) -> Iterator[Json]:
    """Give the fields of a request that is sent as a query."""
    schema = request.model_json_schema(schema_generator=Described)
    for name, field in schema["properties"].items():
        about = field.pop("description")
        fixed = FIXED.get(name)
        needed = fixed is not None or name in schema.get("required", ())
        yield {
            "name": name,
            "in": "query",
            "description": about,
            "required": needed,
            "schema": {**field, **({"const": fixed} if fixed else {})},
        }


def _form_post() -> Json:
    texts = {name: {"type": "string"} for name in FORM}
    file = {"file": {"type": "string", "contentMediaType": "application/octet-stream"}}
    form = {"type": "object", "required": [*FORM, "file"], "properties": {**texts, **file}}
    return {
        "operationId": "upload",
        "summary": "Put a file into temporary storage, with a certificate of upload_policy.",
        "security": [],
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
        "responses": {
            "200": {"description": "Stored, where `success_action_status` asks for 200."},
            "204": {"description": "Stored."},
            "4XX": XML_ERROR,
        },
    }


def _download() -> Json:
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    signed = ("Expires", "OSSAccessKeyId", "Signature")
    query = [{"name": it, "in": "query", "schema": {"type": "string"}} for it in signed]
    film = {"video/mp4": {"schema": {"type": "string", "contentMediaType": "video/mp4"}}}
    return {
        "operationId": "download",
        "summary": "Get a result, or a range of it, by the URL in the answer about its task.",
        "security": [],
        "parameters": [name, *query],
        "responses": {
            "200": {"description": "The video.", "content": film},
            "206": {"description": "A part of it.", "content": film},
            "4XX": XML_ERROR,
        },
    }
