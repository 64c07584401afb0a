"""What a preflight found, for people and programs: text, JSON, terminal, notebook, picture."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dashscope_aa.errors import PreflightError
from dashscope_aa.media._facts import Facts, Kind, Unreadable
from dashscope_aa.media._judging.findings import Finding, Severity
from dashscope_aa.media._reporting.checked import Checked
from dashscope_aa.media._worker import Checkpoint, in_stoppable_thread

if TYPE_CHECKING:
    from rich.table import Table as RichTable

__all__ = ["Report"]


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything a preflight found. Nothing was sent."""

    image: Checked | None = None
    """The picture, if there was one to look at."""
    video: Checked | None = None
    """The clip, if there was one to look at."""

    @property
    def checked(self) -> tuple[Checked, ...]:
        """What was looked at."""
        return tuple(filter(None, (self.image, self.video)))

    @property
    def ok(self) -> bool:
        """True if nothing blocks: there may be warnings and advice."""
        return all(one.ok for one in self.checked)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything the rules say, about the picture first."""
        return tuple(finding for one in self.checked for finding in one.findings)

    @property
    def facts(self) -> dict[Kind, Facts | Unreadable]:
        """What was looked at is like, by kind."""
        return {one.kind: one.facts for one in self.checked}

    def raise_if_failed(self) -> None:
        """Stop here if anything blocks.

        Raises:
            PreflightError: with every error in its message and this report in `report`.
        """
        if not self.ok:
            raise PreflightError(self._failure(), report=self, hint=self._hint())

    def _failure(self) -> str:
        errors = [found for found in self.findings if found.severity is Severity.ERROR]
        count = "1 thing" if len(errors) == 1 else f"{len(errors)} things"
        return "\n".join([f"{count} would be refused by the service:", *map(_line, errors)])

    def _hint(self) -> str:
        errors = [found for found in self.findings if found.severity is Severity.ERROR]
        if all(found.mendable for found in errors):
            return "media.convert mends all of it."
        return ""

    # ── renderings ─────────────────────────────────────────────────────────────────────

    def __str__(self) -> str:
        """Give it as lines of text."""
        lines: list[str] = []
        for one in self.checked:
            lines.append(f"{one.name} as {one.role}: {_verdict(one)}")
            lines.extend(map(_line, one.findings))
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        return {"ok": self.ok, **{one.kind: one.to_dict() for one in self.checked}}

    def to_json(self, *, indent: int | None = None) -> str:
        """Give it as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)

    def __rich__(self) -> "RichTable":
        """Give it as a table for rich, which alone calls this."""
        from rich.table import Column, Table  # noqa: PLC0415 - rich is there if it asks
        from rich.text import Text  # noqa: PLC0415 - the same

        columns = (Column(name, overflow="fold") for name in _COLUMNS)  # codes stay whole
        table = Table(*columns, title=Text(_title(self)), title_justify="left")
        for finding in self.findings:
            style = _STYLES[finding.severity]
            table.add_row(*(Text(cell, style=style) for cell in _cells(finding)))
        return table

    def _repr_html_(self) -> str:
        """Give it as a table for notebooks."""
        head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
        rows = "".join(_html_row(finding) for finding in self.findings)
        return (
            f"<table><caption>{escape(_title(self))}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )

    async def picture(self, path: str | os.PathLike[str]) -> Path:
        """Draw one PNG sheet to look at: first frame, frames around cuts, a bar for each limit.

        Frames are shown where the source can be read again: a path, bytes or a PIL image.

        Args:
            path: Where to write the sheet.

        Raises:
            InputError: *path* cannot be written to.
        """

        def work(checkpoint: Checkpoint) -> Path:
            from dashscope_aa.media._reporting.sheet import draw  # noqa: PLC0415 - loads PyAV and Pillow

            return draw(self.checked, Path(path), checkpoint=checkpoint)

        return await in_stoppable_thread(work)


_COLUMNS: Final = ("severity", "rule", "service code", "what", "what to do")
_STYLES: Final = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.ADVICE: "dim"}
_COLOURS: Final = {Severity.ERROR: "#c0392b", Severity.WARNING: "#b9770e", Severity.ADVICE: "#666"}


def _verdict(one: Checked) -> str:
    if not one.ok:
        return "would be refused"
    return "fine" if not one.findings else "would be accepted"


def _title(report: Report) -> str:
    return ", ".join(f"{one.name} as {one.role}: {_verdict(one)}" for one in report.checked)


def _line(finding: Finding) -> str:
    code = f" ({finding.service_code})" if finding.service_code else ""
    hint = f" {finding.hint}" if finding.hint else ""
    return f"  {finding.severity} {finding.code}{code}: {finding.message}.{hint}"


def _cells(finding: Finding) -> Iterator[str]:
    yield str(finding.severity)
    yield finding.code
    yield finding.service_code or ""
    yield finding.message
    yield finding.hint


def _html_row(finding: Finding) -> str:
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in _cells(finding))
    return f'<tr style="color:{_COLOURS[finding.severity]}">{cells}</tr>'
