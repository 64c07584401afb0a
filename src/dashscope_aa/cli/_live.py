"""The display on a terminal: a line a step, with its state and for how long it has been in it."""

import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from rich.box import SIMPLE
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.spinner import Spinner
from rich.table import Column, Table
from rich.text import Text

from dashscope_aa._prepare import length_s
from dashscope_aa.cli._show import (
    ENDED,
    Lines,
    Row,
    Told,
    Transferring,
    Working,
    beforehand,
    verdict,
    word,
)
from dashscope_aa.cli._step import Step
from dashscope_aa.events import (
    Detected,
    Mended,
    Preflighted,
    Progressed,
    Submitted,
    TemplateReady,
    Uploaded,
    Uploading,
    Watched,
)
from dashscope_aa.media._probing.local import shown_name

if TYPE_CHECKING:
    from dashscope_aa.media import Report

_LEAST_COLUMNS: Final = 20
"""What the last column of a table must have; else it is told in plain lines."""
_ECHO_COLUMNS: Final = 6
"""Room for ``^C``, pressed three times."""
_STYLES: Final = {"done": "green", "queued": "yellow", "running": "cyan"}


class OnTerminal(Lines):
    """Steps that move while one looks at them; what came of them stays."""

    def __init__(self, console: Console | None = None) -> None:
        super().__init__()
        self._console = console or Console(stderr=True)
        self._steps: dict[str, Step] = {}
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

    @contextmanager
    def many(self, total: int) -> Generator[Callable[[Mapping[str, int]], None]]:
        """Show a bar for all of them, and how many are in which state; results stand above it."""
        with Progress(
            SpinnerColumn(self._turning),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            redirect_stdout=sys.stdout.isatty(),
        ) as bars:
            bar = bars.add_task("", total=total)

            def show(states: Mapping[str, int]) -> None:
                ended = sum(states.get(state, 0) for state in ("done", "failed"))
                said = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
                bars.update(bar, completed=ended, description=said)

            yield show

    def report(self, report: "Report", *, way_on: str, picture: Path | None) -> None:
        """Tell it as a table, if it is people who read it."""
        if not sys.stdout.isatty():
            super().report(report, way_on=way_on, picture=picture)
            return
        console = Console()
        console.print(report if report.findings else Text(str(report), "green"))
        for line in filter(None, (way_on, picture and f"drawn in {picture}")):
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    def table(self, head: Sequence[str], rows: Sequence[Row], *, summary: str = "") -> None:
        """Tell it in columns with lines between, if it is people who read it."""
        self._stop("done")
        console = Console()
        if not sys.stdout.isatty() or _room(head, rows, console.width) < _LEAST_COLUMNS:
            super().table(head, rows, summary=summary)
            return
        # Only the last column may break: an id that is cut cannot be copied.
        table = Table(
            *(Column(name, no_wrap=True) for name in head[:-1]), box=SIMPLE, pad_edge=False
        )
        table.add_column(head[-1], overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row.cells))
        console.print(table)
        if summary:
            console.print(summary, markup=False, highlight=False, soft_wrap=True)

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
            case Uploading() | Uploaded() | Transferring():
                self._note_file(event)
            case Detected(detection=detection):
                self._row("detect").detail = verdict(detection)
                self._row("detect").end("done")
            case Submitted(step=step, task_id=task_id, model=model):
                self._row("upload").end("done")
                self._row(step).detail = f"task {task_id}"
                self._row(step).run_s = self.past.run_s(model, self._length_s)
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

    def _note_file(self, event: Uploading | Uploaded | Transferring) -> None:
        match event:
            case Transferring(step=step, file=file, done_bytes=done, total_bytes=total):
                self._row(step).files[file] = (done, total)
            case Uploading(role=role, model=model, sent_bytes=sent, size_bytes=size):
                self._row("upload").files[f"{role} {model}"] = (sent, size)
            case Uploaded(role=role, model=model):
                upload = self._row("upload")
                upload.files.pop(f"{role} {model}", None)
                if role not in upload.detail:
                    upload.detail = f"{upload.detail}, {role}".removeprefix(", ")

    def _note_beforehand(self, event: Preflighted | Watched | Mended) -> None:
        if isinstance(event, Preflighted):
            self._length_s = length_s(event.report)
        row = self._row(f"mend {event.role}" if isinstance(event, Mended) else "preflight")
        row.detail += beforehand(event) or ""
        row.end("done")

    def _row(self, step: str) -> Step:
        return self._steps.setdefault(step, Step())

    def _stop(self, state: str) -> None:
        for row in self._steps.values():
            row.end(state)
        if self._live.is_started:
            self._live.stop()

    def _table(self) -> RenderableType:
        # Not as wide as the terminal: the ^C that it echoes must not begin another line.
        table = Table.grid(padding=(0, 2))
        table.width = max(1, self._console.width - _ECHO_COLUMNS)
        for justify in ("left", "left", "left", "right"):
            table.add_column(justify=justify, no_wrap=True)
        # On a narrow terminal the last one gives way, and no step loses its name.
        table.add_column(style="dim", no_wrap=True, overflow="ellipsis", ratio=1)
        for step, row in list(self._steps.items()):  # the display draws in a thread of its own
            table.add_row(
                self._spinner if row.ended is None else " ",
                step,
                Text(row.state, _STYLES.get(row.state, "")),
                f"{row.seconds:.0f} s",
                row.bar or Text(", ".join(filter(None, (row.times, row.detail)))),
            )
        return table


def _room(head: Sequence[str], rows: Sequence[Row], columns: int) -> int:
    """Say how many of a terminal's columns are left for the last one of a table."""
    cells = list(zip(head, *(row.cells for row in rows), strict=True))
    return columns - sum(max(map(cell_len, column)) + 3 for column in cells[:-1]) - 2
