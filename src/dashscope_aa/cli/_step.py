"""One step of a run on display: its state, for how long, what is left, how far its files are."""

import time
from dataclasses import dataclass, field
from typing import Final

from rich.columns import Columns
from rich.console import RenderableType
from rich.filesize import decimal
from rich.progress_bar import ProgressBar
from rich.text import Text

from dashscope_aa.cli._past import spell

_BAR: Final = 24
"""How wide a bar is, in characters."""


@dataclass(slots=True)
class Step:
    """One step on display."""

    state: str = "running"
    detail: str = ""
    run_s: float | None = None
    """How long it is going to run, by what such tasks took before."""
    files: dict[str, tuple[int, int | None]] = field(
        default_factory=dict[str, "tuple[int, int | None]"]
    )
    """How many bytes of a file went through, and of how many."""
    spent: dict[str, float] = field(default_factory=dict[str, float])
    """How long it was in each state that is over."""
    began: float = field(default_factory=time.monotonic)
    since: float = field(default_factory=time.monotonic)
    ended: float | None = None

    def turn(self, state: str) -> None:
        """Note a new state; the time in it counts from now."""
        if state != self.state:
            now = time.monotonic()
            self.spent[self.state] = self.spent.get(self.state, 0) + now - self.since
            self.state, self.since = state, now

    def end(self, state: str) -> None:
        """Note how it ended; from now on the time of the whole step is shown."""
        if self.ended is None:
            self.turn(state)
            self.ended = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it is in its state, or took in all."""
        return time.monotonic() - self.since if self.ended is None else self.ended - self.began

    @property
    def times(self) -> str:
        """Tell the queue from the run, and what is left by experience."""
        said: list[str] = []
        queued_s, ran_s = (self.spent.get(state, 0.0) for state in ("queued", "running"))
        if queued_s >= 1:
            said.append(f"queued {spell(queued_s)}")
            if self.ended is not None and ran_s >= 1:
                said.append(f"ran {spell(ran_s)}")
        if self.run_s is not None and self.ended is None:
            left_s = self.run_s - (self.seconds if self.state == "running" else 0)
            if self.state == "queued":
                said.append(f"will run about {spell(self.run_s)}")
            elif left_s > 0:
                said.append(f"about {spell(left_s)} left")
        return ", ".join(said)

    @property
    def bar(self) -> RenderableType | None:
        """Draw how far its files are, unless all went through or nobody knows."""
        files = list(self.files.values())  # the display draws in a thread of its own
        done = sum(done for done, _ in files)
        totals = [total for _, total in files if total is not None]
        total = sum(totals)
        if self.ended is not None or not totals or done >= total:
            return None
        bar = ProgressBar(total=total, completed=done, width=_BAR)
        return Columns([bar, Text(f"{decimal(done)} of {decimal(total)}")])
