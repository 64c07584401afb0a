"""Every fault there is, as a form to fill in: read from the faults themselves.

A fault that is added to `_faults` has its switch without a word here. Its sentences are those
under its fields, which Python forgets, so they are read from the source.
"""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Annotated, Any, Final, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

from dashscope_aa.emulator import _faults
from dashscope_aa.emulator._faults import Barrier, Fault, Operation, Spoiled, TaskFault

GROUPS: Final[dict[type[Fault], str]] = {
    Barrier: "The request is not accepted",
    Spoiled: "It is accepted, and its answer suffers",
    TaskFault: "It is accepted, and its task suffers",
    Fault: "The answer says something else",
}
"""Headings, each for the faults of one kind; the last for all others."""

_SHARED: Final[dict[str, Any]] = {
    "on": tuple[Operation, ...] | None,
    "times": Annotated[int | None, Field(ge=1)],
    "for_s": Annotated[float | None, Field(gt=0)],  # may be infinite
}
_DAY_S: Final = 86_400
_BOUNDS: Final[dict[str, Any]] = {
    "status": Field(ge=500, le=599),
    "delay_s": Field(ge=0, le=_DAY_S),
    "retry_after_s": Field(ge=0, le=_DAY_S),
    "piece_bytes": Field(ge=1),
    "after_bytes": Field(ge=0),
}
"""What would break the emulator instead of a program that is tried on it."""


@cache
def kinds() -> dict[str, type[Fault]]:
    """Give every fault that can strike, by name."""
    return {kind.__name__: kind for kind in _leaves(Fault)}


def _leaves(kind: type[Fault]) -> Iterator[type[Fault]]:
    heirs = [heir for heir in kind.__subclasses__() if heir.__module__ == _faults.__name__]
    if not heirs:
        yield kind
    for heir in heirs:
        yield from _leaves(heir)


def made(name: str, options: dict[str, Any]) -> Fault:
    """Make the fault called *name*.

    Raises:
        KeyError: there is no such fault.
        pydantic.ValidationError: the options are not its own, or out of bounds.
    """
    options = _form(name).model_validate(options).model_dump(exclude_unset=True)
    return kinds()[name](**options)


@cache
def _form(name: str) -> type[BaseModel]:
    """Make a model that checks what the fault called *name* is asked to be."""
    kind = kinds()[name]
    hints = get_type_hints(kind)
    asked: dict[str, Any] = {}
    for field in fields(kind):
        of_its_kind = _SHARED.get(field.name, hints[field.name])
        bounds = _BOUNDS.get(field.name)
        asked[field.name] = (
            of_its_kind if bounds is None else Annotated[of_its_kind, bounds],
            field.default,
        )
    return create_model(name, __config__=ConfigDict(extra="forbid"), **asked)


@cache
def catalogue() -> list[dict[str, Any]]:
    """Give all faults as plain JSON values, group by group.

    It reads the source, so it is for a thread.
    """
    said = _sentences()
    groups: dict[str, list[dict[str, Any]]] = {heading: [] for heading in GROUPS.values()}
    for name, kind in kinds().items():
        heading = next(words for group, words in GROUPS.items() if issubclass(kind, group))
        groups[heading].append(
            {
                "kind": name,
                "says": said.get(name, ""),
                "at": sorted(kind.at),
                "fields": [
                    {**field, "says": said.get(f"{name}.{field['name']}", "")}
                    for field in _fields(name)
                ],
            }
        )
    return [{"heading": heading, "faults": faults} for heading, faults in groups.items()]


def _fields(kind: str) -> Iterator[dict[str, Any]]:
    """Give what belongs to one fault alone."""
    schema = _form(kind).model_json_schema()["properties"]
    for name, field in schema.items():
        if name in _SHARED or name == "model":
            continue
        types = [part.get("type") for part in field.get("anyOf", [field])]
        yield {
            "name": name,
            "type": types[0],
            "optional": "null" in types,
            "choices": field.get("enum"),
            "default": field.get("default"),
        }


def _sentences() -> dict[str, str]:
    """Give the first sentence of each fault and field, as ``Throttle`` and ``Throttle.code``."""
    said: dict[str, str] = {}
    try:
        source = inspect.getsource(_faults)
    except OSError:  # installed without sources: the names have to do
        return said
    for kind in ast.parse(source).body:
        if isinstance(kind, ast.ClassDef):
            said[kind.name] = (ast.get_docstring(kind) or "").partition("\n")[0]
            for field, words in zip(kind.body, kind.body[1:], strict=False):
                match field, words:
                    case (
                        ast.AnnAssign(target=ast.Name(id=name)),
                        ast.Expr(value=ast.Constant(value=str(text))),
                    ):
                        said[f"{kind.name}.{name}"] = " ".join(text.split())
                    case _:
                        pass
    return said
