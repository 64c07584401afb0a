"""Compare by turns: every subject once a round, in an order that changes, and ratios within rounds.

A machine that becomes slower meanwhile then slows all of them, and the ratios stay.
"""

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Measures = dict[str, Any]


class NotMeasuredError(Exception):
    """A subject cannot be measured here; the reason goes into the results."""


@dataclass(frozen=True)
class Subject:
    """One way to do a job."""

    name: str
    """What the results call it."""
    run: Callable[[], Measures]
    """Does the job once and gives what was measured."""
    ours: bool = False
    """True for what is looked at; the others are what it is compared with."""


@dataclass(frozen=True)
class Spread:
    """Several measurements of one thing."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Sum up."""
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        """Show the median, and the lowest and highest in brackets."""
        if self.high - self.low <= 0.005 * abs(self.median):
            return short(self.median)
        return f"{short(self.median)} ({short(self.low)}–{short(self.high)})"


def short(value: float) -> str:
    """Write a number with three digits that count, and no more."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.095 or not value else f"{value:.2g}"


@dataclass
class Rounds:
    """What several rounds gave."""

    subjects: Sequence[Subject]
    """All, in the order they are shown in."""
    measured: dict[str, list[Measures]] = field(default_factory=dict)
    """By subject: one entry a round."""
    missing: dict[str, str] = field(default_factory=dict)
    """By subject: why it was not measured."""

    def names(self) -> list[str]:
        """Give the subjects that were measured."""
        return [subject.name for subject in self.subjects if subject.name in self.measured]

    def spread(self, name: str, measure: str) -> Spread:
        """Sum up one measure of one subject."""
        return Spread.of([float(it[measure]) for it in self.measured[name]])

    def ratio(self, name: str, base: str, measure: str) -> Spread:
        """Compare a subject with another, round by round."""
        pairs = zip(self.measured[name], self.measured[base], strict=False)
        return Spread.of(
            [float(one[measure]) / (float(other[measure]) or 1e-9) for one, other in pairs]
        )

    def ours(self) -> str:
        """Give the name of what is looked at."""
        return next(subject.name for subject in self.subjects if subject.ours)


def paired(subjects: Sequence[Subject], rounds: int) -> Rounds:
    """Measure every subject once a round."""
    done = Rounds(subjects)
    for number in range(rounds):
        for subject in subjects if number % 2 == 0 else reversed(subjects):
            if subject.name in done.missing:
                continue
            try:
                measures = subject.run()
            except NotMeasuredError as reason:
                done.missing[subject.name] = str(reason)
                done.measured.pop(subject.name, None)
                print(f"  {subject.name}: not measured: {reason}", file=sys.stderr)
            else:
                done.measured.setdefault(subject.name, []).append(measures)
    return done
