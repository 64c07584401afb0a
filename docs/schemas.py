"""What docs/generate.py writes from the models: a JSON schema of each, and a page that leads there.

The sentences are those under the fields. They are read from the source, since a model that kept
them for itself would make every import of the library slower.
"""

import ast
import inspect
import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import (
    GenerateJsonSchema,
    JsonSchemaMode,
    JsonSchemaValue,
)

from dashscope_aa import models

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


# ── models ───────────────────────────────────────────────────────────────────────────────


def all_models() -> list[type[BaseModel]]:
    """Give every public model, in the order of their names."""
    public = (getattr(models, name) for name in models.__all__)
    return [it for it in public if isinstance(it, type) and issubclass(it, BaseModel)]


class Described(GenerateJsonSchema):
    """Writes under each field what the source says under it."""

    schema_dialect = DIALECT

    def generate(self, schema: Any, mode: JsonSchemaMode = "validation") -> JsonSchemaValue:  # noqa: ANN401 - pydantic's own
        """Name the dialect, too."""
        return {"$schema": self.schema_dialect, **super().generate(schema, mode)}

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - pydantic's own
        """Leave out titles that only repeat the name of their field."""
        return False

    def model_schema(self, schema: Any) -> JsonSchemaValue:  # noqa: ANN401 - pydantic's own
        """Describe the fields of a model."""
        described = super().model_schema(schema)
        sentences = sentences_of(schema["cls"])
        for name, field in described["properties"].items():
            field["description"] = sentences[name]
        described["description"] = plain(inspect.getdoc(schema["cls"]) or "")
        return described


def sentences_of(model: type[BaseModel]) -> dict[str, str]:
    """Give what stands under each field of a model and of those it is made from."""
    sentences: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if issubclass(kind, BaseModel) and kind is not BaseModel:
            (tree,) = ast.parse(inspect.getsource(kind)).body
            sentences |= _under_fields(tree)
    return sentences


def _under_fields(tree: ast.stmt) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(getattr(tree, "body", [])):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, plain(text)


def plain(text: str) -> str:
    """Take a docstring for what it says: one paragraph a line, code in single quotes."""
    paragraphs = inspect.cleandoc(text).replace("``", "`").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def schema_files() -> dict[str, str]:
    """Give the files of all schemas by their names in the reference."""
    return {
        f"schema/{model.__name__}.json": written(
            model.model_json_schema(schema_generator=Described)
        )
        for model in all_models()
    }


def written(content: Mapping[str, Any]) -> str:
    """Write JSON for people, too."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


# ── the page ─────────────────────────────────────────────────────────────────────────────

PAGE: Final = """\
# Schemas

What travels on the wire, for programs that cannot import [the models](api.md#models): JSON Schema,
draft 2020-12. They describe what is sent, so times are the service's, not ISO. Requests are strict,
answers open: a key that nobody has documented is no error. [](../guides/validate.md) shows how to
use them.
"""
OPENAPI_WORDS: Final = """
(openapi)=
## OpenAPI

{download}`openapi.json` describes, in OpenAPI 3.1, the calls that the emulator serves and this
library makes. The emulator is held to it by schemathesis.
"""


def page() -> Iterator[str]:
    """Give the page that leads to the files."""
    yield PAGE
    yield "| Model | What it is |\n| --- | --- |"
    for model in all_models():
        name = model.__name__
        first = plain(inspect.getdoc(model) or "").partition("\n\n")[0].replace("|", r"\|")
        yield f"| {{download}}`{name} <schema/{name}.json>` | {first} |"
    yield OPENAPI_WORDS.rstrip()
