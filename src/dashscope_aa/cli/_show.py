"""What a command says: lines for people, one word for shells, JSON for programs.

What is under way goes to stderr and what came of it to stdout, so that a result can be piped;
as JSON, both go to stdout. That is in `_json`, and the display on a terminal in `_live`.
"""

import os
import sys
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TextIO

from dashscope_aa._prepare import length_s
from dashscope_aa.cli._flags import as_flags
from dashscope_aa.cli._past import Past, spell
from dashscope_aa.errors import (
    DashScopeError,
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
    from dashscope_aa.media import Finding, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """Something began that the service does not tell of: an upload, a download."""

    step: str
    """What began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferring:
    """So many bytes of a file went through."""

    step: str
    """``upload`` or ``download``."""
    file: str
    """Which file."""
    done_bytes: int
    """How many went through."""
    total_bytes: int | None
    """How many there are; None if nobody said."""


Told = Event | Working | Transferring


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table."""

    value: str
    """What a shell goes on with."""
    cells: tuple[str, ...]
    """What is read."""
    facts: Mapping[str, object]
    """What is processed."""


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


class Lines:
    """Plain lines, few enough for a log."""

    def __init__(self) -> None:
        self.past = Past()
        """How long such tasks took before, as far as a ledger tells."""
        self._length_s: float | None = None
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

    def table(self, head: Sequence[str], rows: Sequence[Row], *, summary: str = "") -> None:
        """Tell several things that are alike, a line each, and what they come to."""
        cells = [row.cells for row in rows]
        widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
        for line in (head, *cells):
            padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            say("  ".join(padded).rstrip())
        if summary:
            say(summary)

    def note(self, name: str, said: str, facts: Mapping[str, object]) -> None:
        """Tell something on the way."""
        del name, facts
        say(as_flags(said), file=sys.stderr)

    @contextmanager
    def many(self, total: int) -> Generator[Callable[[Mapping[str, int]], None]]:
        """Work on many jobs in the meantime; takes how many are in which state."""
        del total
        yield lambda _states: None

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
            case Preflighted(report=report):
                self._length_s = length_s(report)
                return beforehand(event)
            case Watched() | Mended():
                return beforehand(event)
            case Uploaded(role=role):
                return self._once(f"upload {role}", f"uploaded the {role}")
            case Detected(detection=detection):
                return f"detect: {verdict(detection)}"
            case Submitted(step=step, task_id=task_id, model=model):
                self._began[step] = time.monotonic()
                self._said[step] = word(TaskStatus.PENDING)
                usual_s = self.past.run_s(model, self._length_s)
                usual = "" if usual_s is None else f"; such tasks run for about {spell(usual_s)}"
                return f"{step}: queued, task {task_id}{usual}"
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

    def note(self, name: str, said: str, facts: Mapping[str, object]) -> None:
        """Say nothing, but of failures."""
        if name == "failed":
            super().note(name, said, facts)

    def table(self, head: Sequence[str], rows: Sequence[Row], *, summary: str = "") -> None:
        """Give the values alone."""
        del head, summary
        for row in rows:
            say(row.value)


def say(line: str, *, file: TextIO | None = None) -> None:
    """Print a line now. If nobody reads any more, go on in silence: the job is paid for."""
    stream = file or sys.stdout
    try:
        print(line, file=stream, flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if not isinstance(error, BrokenPipeError) and stream is not sys.stderr:
            reason = error.strerror or error
            say(f"error: the output cannot be written, and is lost: {reason}", file=sys.stderr)
