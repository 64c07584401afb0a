"""The display on a terminal: a line a step, with its state and for how long it has been in it."""

import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from dashscope_aa.cli._show import ENDED, Lines, Told, Working, beforehand, verdict, word
from dashscope_aa.events import (
    Detected,
    Mended,
    Preflighted,
    Progressed,
    Submitted,
    TemplateReady,
    Uploaded,
    Watched,
)
from dashscope_aa.media._probing.local import shown_name

if TYPE_CHECKING:
    from dashscope_aa.media import Report

_STYLES: Final = {"done": "green", "queued": "yellow", "running": "cyan"}


@dataclass(slots=True)
class _Row:
    """One step on display."""

    state: str = "running"
    detail: str = ""
    began: float = field(default_factory=time.monotonic)
    since: float = field(default_factory=time.monotonic)
    ended: float | None = None

    def turn(self, state: str) -> None:
        """Note a new state; the time in it counts from now."""
        if state != self.state:
            self.state, self.since = state, time.monotonic()

    def end(self, state: str) -> None:
        """Note how it ended; from now on the time of the whole step is shown."""
        if self.ended is None:
            self.turn(state)
            self.ended = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it is in its state, or took in all."""
        return time.monotonic() - self.since if self.ended is None else self.ended - self.began


class OnTerminal(Lines):
    """Steps that move while one looks at them; what came of them stays."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__()
        self._console = console or Console(stderr=True)
        self._rows: dict[str, _Row] = {}
        self._turning = "dots" if self._console.encoding.startswith("utf") else "line"
        self._spinner = Spinner(self._turning)
        self._live = Live(
            console=self._console,
            get_renderable=self._table,
            refresh_per_second=8,
            redirect_stdout=False,
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the last picture standing."""
        self._stop("done" if error is None else "stopped")

    def event(self, event: Told) -> None:
        """Bring the display up to date; with the first event it begins."""
        self._note(event)
        if self._live.is_started:
            self._live.refresh()
        else:
            self._live.start(refresh=True)

    @contextmanager
    def doing(self, step: str, file: str) -> Generator[Callable[[float], None]]:
        """Show a bar, which goes away when the work is done."""
        with Progress(
            SpinnerColumn(self._turning),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            console=self._console,
            transient=True,
            redirect_stdout=False,
        ) as bars:
            bar = bars.add_task(f"{step} {shown_name(file)}", total=None)
            yield lambda part: bars.update(bar, completed=part, total=1.0)

    def report(self, report: "Report", *, way_on: str, picture: Path | None) -> None:
        """Tell it as a table, if it is people who read it."""
        if not sys.stdout.isatty():
            super().report(report, way_on=way_on, picture=picture)
            return
        console = Console()
        console.print(report if report.findings else Text(str(report), "green"))
        for line in filter(None, (way_on, picture and f"drawn in {picture}")):
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    def result(self, value: str, *, summary: str, facts: Mapping[str, object]) -> None:
        """Tell what came of it, below the steps."""
        self._stop("done")
        super().result(value, summary=summary, facts=facts)

    def _note(self, event: Told) -> None:
        match event:
            case Working(step=step):
                self._row(step)
            case Preflighted() | Watched() | Mended():
                self._note_beforehand(event)
            case Uploaded(role=role):
                upload = self._row("upload")
                if role not in upload.detail:
                    upload.detail = f"{upload.detail}, {role}".removeprefix(", ")
            case Detected(detection=detection):
                self._row("detect").detail = verdict(detection)
                self._row("detect").end("done")
            case Submitted(step=step, task_id=task_id):
                self._row("upload").end("done")
                self._row(step).detail = f"task {task_id}"
                self._row(step).turn("queued")
            case Progressed(step=step, status=status) if word(status) in ENDED:
                self._row(step).end(word(status))
            case Progressed(step=step, status=status):
                self._row(step).turn(word(status))
            case TemplateReady(template_id=template, reused=reused):
                self._row("template").detail = template
                self._row("template").end("used again" if reused else "done")
            case _:
                pass

    def _note_beforehand(self, event: Preflighted | Watched | Mended) -> None:
        row = self._row(f"mend {event.role}" if isinstance(event, Mended) else "preflight")
        row.detail += beforehand(event) or ""
        row.end("done")

    def _row(self, step: str) -> _Row:
        return self._rows.setdefault(step, _Row())

    def _stop(self, state: str) -> None:
        for row in self._rows.values():
            row.end(state)
        if self._live.is_started:
            self._live.stop()

    def _table(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        for justify in ("left", "left", "left", "right"):
            table.add_column(justify=justify, no_wrap=True)
        table.add_column(style="dim", no_wrap=True, overflow="ellipsis")
        for step, row in list(self._rows.items()):  # the display draws in a thread of its own
            table.add_row(
                self._spinner if row.ended is None else " ",
                step,
                Text(row.state, _STYLES.get(row.state, "")),
                f"{row.seconds:.0f} s",
                Text(row.detail),
            )
        return table
