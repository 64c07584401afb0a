"""JSON on stdout, an object a line; and anything that this library tells, as JSON."""

import json
import re
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TextIO, runtime_checkable

from pydantic import BaseModel

from dashscope_aa._engines import AnimateAnyone, WanAnimate
from dashscope_aa.cli._show import Lines, Row, Told, Transferring, say
from dashscope_aa.errors import DashScopeError, PreflightError, SubmitOutcomeUnknownError
from dashscope_aa.events import Uploading

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from dashscope_aa.media import Report

_PAUSE_S: Final = 1.0
"""How often at most it is told how far a transfer is."""


@runtime_checkable
class _Plain(Protocol):
    """What gives itself as plain JSON values: reports and findings."""

    def to_dict(self) -> dict[str, object]: ...


class Json(Lines):
    """One JSON object a line: events and the result to stdout, errors to stderr."""

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__()
        self._quiet = quiet
        self._told_at = time.monotonic()

    def event(self, event: Told) -> None:
        """Give the event, with its name."""
        if isinstance(event, Transferring) and event.done_bytes == event.total_bytes:
            return
        if isinstance(event, Transferring | Uploading):
            if time.monotonic() - self._told_at < _PAUSE_S:
                return
            self._told_at = time.monotonic()
        if not self._quiet:
            self._object(name_of(event), facts_of(event))

    @contextmanager
    def doing(self, step: str, file: str) -> Generator[Callable[[float], None]]:
        """Give the part that is done, each time that it is told."""

        def tell(part: float) -> None:
            if not self._quiet:
                self._object("working", {"step": step, "file": file, "part": part})

        yield tell

    def report(self, report: "Report", *, way_on: str, picture: Path | None) -> None:
        """Give all that is known about the file."""
        for one in report.checked:
            self._object("result", {**one.to_dict(), "way_on": way_on, "picture": picture})

    def result(self, value: str, *, summary: str, facts: Mapping[str, object]) -> None:
        """Give the facts."""
        del value, summary
        self._object("result", facts)

    def note(self, name: str, said: str, facts: Mapping[str, object]) -> None:
        """Give it under its name."""
        self._object(name, {"said": said, **facts}, file=sys.stderr if name == "failed" else None)

    @contextmanager
    def many(self, total: int) -> Generator[Callable[[Mapping[str, int]], None]]:
        """Give how many are in which state, whenever that changes."""
        last: list[Mapping[str, int]] = [{}]

        def tell(states: Mapping[str, int]) -> None:
            if not self._quiet and states != last[0]:
                last[0] = dict(states)
                self._object("progress", {"total": total, "states": last[0]})

        yield tell

    def table(self, head: Sequence[str], rows: Sequence[Row], *, summary: str = "") -> None:
        """Give the facts of each."""
        del head, summary
        for row in rows:
            self._object("result", row.facts)

    def failure(
        self, error: DashScopeError, *, exit_code: int, way_on: str, token: str | None
    ) -> None:
        """Give the error with all that is known of it."""
        facts = {"exit_code": exit_code, "token": token, "way_on": way_on}
        self._object("error", {**facts_of_error(error), **facts}, file=sys.stderr)

    def interrupted(self, *, way_on: str, token: str | None) -> None:
        """Give the token, and how to go on."""
        self._object("interrupted", {"token": token, "way_on": way_on}, file=sys.stderr)

    def _object(
        self, name: str, facts: Mapping[str, object], *, file: TextIO | None = None
    ) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        say(as_line({"event": name, "at": now, **facts}), file=file)


def as_line(facts: Mapping[str, object]) -> str:
    """Give facts as one line of JSON."""
    return json.dumps(facts, default=_as_json)


def facts_of(value: "DataclassInstance") -> dict[str, object]:
    """Give the fields of a dataclass, and of an engine its family too."""
    facts = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, AnimateAnyone | WanAnimate):
        facts["family"] = value.family
    return facts


def facts_of_error(error: BaseException) -> dict[str, object]:
    """Give all that an error tells, by name."""
    facts: dict[str, object] = {"type": type(error).__name__, "message": str(error)}
    if not isinstance(error, DashScopeError):
        return facts
    for name in ("message", "code", "http_status", "request_id", "task_id", "hint"):
        facts[name] = getattr(error, name)
    if isinstance(error, SubmitOutcomeUnknownError):
        facts |= {"model": error.model, "candidates": error.candidates}
    if isinstance(error, PreflightError):
        facts["report"] = error.report
    return facts


def name_of(event: Told) -> str:
    """Give the name of an event: ``template_ready``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()


def _as_json(value: object) -> object:
    """Give what JSON has no word for as something it has."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, _Plain):
        return value.to_dict()
    if is_dataclass(value) and not isinstance(value, type):
        return facts_of(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)
