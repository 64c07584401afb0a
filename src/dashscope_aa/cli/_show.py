"""What a command says: lines for people, one word for shells, JSON for programs.

What is under way goes to stderr and what came of it to stdout, so that a result can be piped;
as JSON, both go to stdout. The display on a terminal is in `_live`.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self, TextIO, runtime_checkable

from pydantic import BaseModel

from dashscope_aa._engines import AnimateAnyone, WanAnimate
from dashscope_aa.cli._flags import as_flags
from dashscope_aa.errors import (
    DashScopeError,
    PreflightError,
    SubmitOutcomeUnknownError,
    TaskError,
)
from dashscope_aa.events import (
    Detected,
    Event,
    Mended,
    Preflighted,
    Progressed,
    Submitted,
    TemplateReady,
    Uploaded,
    Watched,
)
from dashscope_aa.models import Detection, TaskStatus

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from dashscope_aa.media import Finding, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """Something began that the service does not tell of: an upload, a download."""

    step: str
    """What began."""


Told = Event | Working

_WORDS: Final[dict[str, str]] = {
    TaskStatus.PENDING: "queued",
    TaskStatus.PRE_PROCESSING: "running",
    TaskStatus.RUNNING: "running",
    TaskStatus.POST_PROCESSING: "running",
    TaskStatus.SUCCEEDED: "done",
    TaskStatus.FAILED: "failed",
    TaskStatus.CANCELED: "cancelled",
}
ENDED: Final = frozenset({"done", "failed", "cancelled"})


def word(status: str) -> str:
    """Say a status in plain words; one nobody has documented as it is."""
    return _WORDS.get(status, str(status))


def verdict(detection: Detection) -> str:
    """Say what the image check found."""
    if not detection.check_pass:
        return f"refused, {detection.reason or 'no reason given'}"
    return f"passed, {detection.bodystyle} body" if detection.bodystyle else "passed"


def beforehand(event: Preflighted | Watched | Mended) -> str | None:
    """Tell what was found out about the files, and what was done about it."""
    match event:
        case Mended(role=role, steps=steps):
            return f"mended the {role}: {'; '.join(steps)}"
        case Preflighted(report=report):
            return _warnings(report.findings)
        case Watched(findings=findings):
            return _warnings(findings)


def _warnings(findings: "Iterable[Finding]") -> str | None:
    """Say what does not block but spoils the result, a line each; None if nothing does."""
    found = [finding for finding in findings if finding.severity == "warning"]
    return "\n".join(f"warning: {finding.message}" for finding in found) or None


@runtime_checkable
class _Plain(Protocol):
    """What gives itself as plain JSON values: reports and findings."""

    def to_dict(self) -> dict[str, object]: ...


class Lines:
    """Plain lines, few enough for a log."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}
        self._began: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def event(self, event: Told) -> None:
        """Tell of something under way."""
        line = self._line(event)
        if line:
            say(line, file=sys.stderr)

    @contextmanager
    def doing(self, step: str, file: str) -> Generator[Callable[[float], None]]:
        """Work on a file in the meantime; takes the part that is done, from 0 to 1."""
        del step, file
        yield lambda _part: None

    def report(self, report: "Report", *, way_on: str, picture: Path | None) -> None:
        """Tell what was found out about a picture or a clip, and what can be done about it."""
        drawn = f"drawn in {picture}" if picture else ""
        say("\n  ".join(filter(None, (str(report), way_on, drawn))))

    def result(self, value: str, *, summary: str, facts: Mapping[str, object]) -> None:
        """Tell what came of it: *value* to go on with, *summary* to read, *facts* to process."""
        del value, facts
        say(summary)

    def failure(
        self, error: DashScopeError, *, exit_code: int, way_on: str, token: str | None
    ) -> None:
        """Tell what went wrong, and what to do."""
        del exit_code, token
        if isinstance(error, TaskError | SubmitOutcomeUnknownError):
            error.hint = "" if way_on else error.hint  # theirs speaks to programs
        say(f"error: {as_flags(str(error))}", file=sys.stderr)
        if way_on:
            say(way_on, file=sys.stderr)

    def interrupted(self, *, way_on: str, token: str | None) -> None:
        """Tell how to go on after Ctrl-C."""
        del token
        say("interrupted", file=sys.stderr)
        if way_on:
            say(way_on, file=sys.stderr)

    def _line(self, event: Told) -> str | None:  # noqa: PLR0911 - one a kind of event
        match event:
            case Preflighted() | Watched() | Mended():
                return beforehand(event)
            case Uploaded(role=role):
                return self._once(f"upload {role}", f"uploaded the {role}")
            case Detected(detection=detection):
                return f"detect: {verdict(detection)}"
            case Submitted(step=step, task_id=task_id):
                self._began[step] = time.monotonic()
                self._said[step] = word(TaskStatus.PENDING)
                return f"{step}: queued, task {task_id}"
            case Progressed(step=step, status=status) if word(status) not in ENDED:
                return self._once(step, f"{step}: {word(status)}{self._after(step)}", word(status))
            case TemplateReady(template_id=template, reused=reused):
                how = " is used again" if reused else self._after("template")
                return f"template: {template}{how}"
            case _:
                return None

    def _once(self, subject: str, line: str, state: str = "done") -> str | None:
        """Give the line, unless the same was said of the subject before."""
        if self._said.get(subject) == state:
            return None
        self._said[subject] = state
        return line

    def _after(self, step: str) -> str:
        began = self._began.get(step)
        return "" if began is None else f" after {time.monotonic() - began:.0f} s"


class Quiet(Lines):
    """Nothing but the result, bare, for a shell to go on with."""

    def event(self, event: Told) -> None:
        """Say nothing."""

    def report(self, report: "Report", *, way_on: str, picture: Path | None) -> None:
        """Give the verdict alone."""
        del way_on, picture
        for one in report.checked:
            say(f"{one.name}: {'ok' if one.ok else 'refused'}")

    def result(self, value: str, *, summary: str, facts: Mapping[str, object]) -> None:
        """Give the value alone."""
        del summary, facts
        say(value)


class Json(Lines):
    """One JSON object a line: events and the result to stdout, errors to stderr."""

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__()
        self._quiet = quiet

    def event(self, event: Told) -> None:
        """Give the event, with its name."""
        if not self._quiet:
            name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(event).__name__).lower()
            self._object(name, facts_of(event))

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

    def failure(
        self, error: DashScopeError, *, exit_code: int, way_on: str, token: str | None
    ) -> None:
        """Give the error with all that is known of it."""
        facts = {
            name: getattr(error, name)
            for name in ("message", "code", "http_status", "request_id", "task_id", "hint")
        }
        if isinstance(error, SubmitOutcomeUnknownError):
            facts |= {"model": error.model, "candidates": error.candidates}
        if isinstance(error, PreflightError):
            facts["report"] = error.report
        facts |= {"exit_code": exit_code, "token": token, "way_on": way_on}
        self._object("error", {"type": type(error).__name__, **facts}, file=sys.stderr)

    def interrupted(self, *, way_on: str, token: str | None) -> None:
        """Give the token, and how to go on."""
        self._object("interrupted", {"token": token, "way_on": way_on}, file=sys.stderr)

    def _object(
        self, name: str, facts: Mapping[str, object], *, file: TextIO | None = None
    ) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        say(json.dumps({"event": name, "at": now, **facts}, default=_as_json), file=file)


def facts_of(value: "DataclassInstance") -> dict[str, object]:
    """Give the fields of a dataclass, and of an engine its family too."""
    facts = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, AnimateAnyone | WanAnimate):
        facts["family"] = value.family
    return facts


def _as_json(value: object) -> object:
    """Give what JSON has no word for as something it has."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, _Plain):
        return value.to_dict()
    if is_dataclass(value) and not isinstance(value, type):
        return facts_of(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def say(line: str, *, file: TextIO | None = None) -> None:
    """Print a line now. If nobody reads any more, go on in silence: the job is paid for."""
    stream = file or sys.stdout
    try:
        print(line, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
